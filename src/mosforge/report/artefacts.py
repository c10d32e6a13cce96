"""The artefacts of other stages that the report is made from."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from mosforge.core import layout
from mosforge.core.runs import FINETUNE, RUN, Run, budget_of
from mosforge.core.schemas import Artefact
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.schemas.predictions import PREDICTIONS
from mosforge.core.schemas.training import HISTORY
from mosforge.core.tables import read_table
from mosforge.models.objectives import corpus_and_objective, side_by_side
from mosforge.report.settings import PageSettings, Scale
from mosforge.report.summary import of_networks
from mosforge.report.words import Start, method_names


class Used(NamedTuple):
    """What a corpus was made of, by the names of the plan's sizes."""

    photographs: int  # pristine images that have labelled versions
    mixtures: int  # labelled images


class Artefacts(NamedTuple):
    """What the page is made from."""

    results: Path  # the folder of results
    cfg: PageSettings  # what the page is about
    tables: dict[str, pd.DataFrame | None]  # the correlations of each experiment, None if it is not measured
    labels: dict[str, pd.DataFrame | None]  # the labels of each corpus, None if they are not there
    correlations: pd.DataFrame  # those of all experiments; a run that several of them share stands there once
    names: dict[Start, str]  # of methods, alike on the whole page
    # the correlations of each experiment that has rating budgets, those of all ratings too
    budgets: dict[str, pd.DataFrame]

    @property
    def runs(self) -> list[Run]:
        """The runs of networks."""
        return runs_of(of_networks(self.correlations))

    @property
    def finetuned(self) -> list[Run]:
        """The runs of fine-tuned networks."""
        return [run for run in self.runs if run.adaptation == FINETUNE]

    @property
    def used(self) -> dict[str, Used]:
        """What each corpus that is labelled was made of."""
        return {
            corpus: Used(len(rows[["source", "image_id"]].drop_duplicates()), len(rows))
            for corpus, rows in self.labels.items()
            if rows is not None
        }

    def name_of(self, run: Any) -> str:
        """The name of the method of a run, or of a row with its columns."""
        return self.names[run.initialisation, run.adaptation]

    def scale(self, dataset: str) -> Scale:
        """The scale of a dataset's scores; from 0 to 1 if it is not known."""
        return self.cfg.scales.get(dataset, Scale())

    def read(self, pattern: str, artefact: Artefact, **wildcards: str) -> pd.DataFrame | None:
        """An artefact by its place in the layout; None if it is not there, or has no row."""
        file = layout.below(self.results, pattern, **wildcards)
        table = read_table(file, artefact) if file.exists() else None
        return None if table is None or table.empty else table

    def predictions(self, run: Run) -> pd.DataFrame | None:
        """The predictions of a run, if they are there."""
        return self.read(layout.PREDICTIONS, PREDICTIONS, **run.wildcards)

    def epochs(self, folder: str, **wildcards: str) -> pd.DataFrame | None:
        """The epochs of a training, by the folder of its model; None if they are not there, or none was."""
        return self.read(layout.of_model(folder)["history"], HISTORY, **wildcards)

    @property
    def pretrainings(self) -> dict["Pretraining", pd.DataFrame]:
        """The epochs of the pretrainings that the runs start from, as far as they are there."""
        found = {}
        starts = [(run, part) for run in self.runs for part in side_by_side(run.initialisation)]
        for run, start in starts:
            corpus, objective = corpus_and_objective(start)
            once, on_split = ("", ""), (run.dataset, run.split)
            for folder, of in ((layout.PRETRAINED, once), (layout.PRETRAINED_ON_SPLIT, on_split)):
                item = Pretraining(corpus, *of, run.backbone, objective)
                rows = self.epochs(folder, **item._asdict()) if corpus else None
                if rows is not None:
                    found[item] = rows
        return found


def read_artefacts(results: Path, cfg: PageSettings) -> Artefacts:
    """Reads the artefacts that several sections of the page are made from."""
    nothing = pd.DataFrame(columns=CORRELATIONS.columns)
    found = Artefacts(results, cfg, {}, {}, nothing, {}, {})
    for name in cfg.experiments:
        rows = found.read(layout.CORRELATIONS, CORRELATIONS, experiment=name)
        found.tables[name] = None if rows is None else of_all_ratings(rows)
        if rows is not None and rows["split"].map(budget_of).notna().any():
            found.budgets[name] = rows
    for name in cfg.corpora:
        found.labels[name] = found.read(layout.LABELS, LABELS, corpus=name)
    there = [table for table in found.tables.values() if table is not None]
    rows = pd.concat(there, ignore_index=True).drop_duplicates(ignore_index=True) if there else nothing
    return found._replace(correlations=rows, names=method_names(rows))


def of_all_ratings(correlations: pd.DataFrame) -> pd.DataFrame:
    """The rows that no rating budget limits."""
    return correlations[correlations["split"].map(budget_of).isna()].reset_index(drop=True)


class Pretraining(NamedTuple):
    """One pretrained network; one of the authentic kind belongs to a split of a dataset."""

    corpus: str
    dataset: str
    split: str
    backbone: str
    objective: str


def runs_of(correlations: pd.DataFrame) -> list[Run]:
    """The runs behind a table of correlations, each once, in its order."""
    rows = correlations[list(RUN)].astype(dict.fromkeys(RUN, str) | {"seed": int})
    return list(dict.fromkeys(Run(*values) for values in rows.itertuples(index=False, name=None)))


def predictions_in(files: Sequence[Path]) -> Callable[[Run], pd.DataFrame | None]:
    """A function that finds the predictions of a run among some files of `predictions`."""
    tables = [read_table(file, PREDICTIONS) for file in files]
    found = {run: table for table in tables for run in runs_of(table)}
    return found.get
