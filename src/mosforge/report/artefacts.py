"""Where the artefacts of other stages lie below the folder of results, and which runs there were."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from mosforge.core.runs import RUN, Run
from mosforge.core.schemas import Artefact
from mosforge.core.schemas.predictions import PREDICTIONS
from mosforge.core.schemas.training import HISTORY
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import read_table
from mosforge.models.objectives import corpus_and_objective
from mosforge.plan import layout
from mosforge.report.summary import MODEL


class Pretraining(NamedTuple):
    """One pretrained network; one of the authentic kind belongs to a split of a dataset."""

    corpus: str
    dataset: str
    split: str
    backbone: str
    objective: str

    def history(self, results: Path) -> Path:
        """The file of its epochs."""
        folder = layout.PRETRAINED_ON_SPLIT if self.split else layout.PRETRAINED
        return layout.below(results, layout.of_model(folder)["history"], **self._asdict())


def runs_of(correlations: pd.DataFrame) -> list[Run]:
    """The runs behind a table of correlations, each once, in its order."""
    columns = [correlations[field].astype(str) for field in RUN]
    return list(dict.fromkeys(Run(*values) for values in zip(*columns, strict=True)))


def pretrainings_of(runs: Sequence[Run], results: Path) -> list[Pretraining]:
    """The pretrainings that the runs start from, as far as their histories are there."""
    found: dict[Pretraining, None] = {}
    for run in runs:
        corpus, objective = corpus_and_objective(run.initialisation)
        if not corpus:
            continue
        for dataset, split in (("", ""), (run.dataset, run.split)):
            candidate = Pretraining(corpus, dataset, split, run.backbone, objective)
            if candidate.history(results).exists():
                found[candidate] = None
    return list(found)


def devices_of(runs: Sequence[Run], results: Path) -> dict[str, str]:
    """What the trainings and predictions behind the runs ran on, by rule, as far as their files say it."""
    files = {
        "finetune": [_finetuning_history(run, results) for run in runs],
        "predict": [_predictions_file(run, results) for run in runs],
        "pretrain": [],
        "pretrain_authentic": [],
    }
    for item in pretrainings_of(runs, results):
        rule = "pretrain_authentic" if item.split else "pretrain"
        files[rule].append(item.history(results))
    found = {
        rule: {read_stamp(path).get("device") for path in paths if path.exists()}
        for rule, paths in files.items()
    }
    return {rule: ", ".join(sorted(name for name in names if name)) for rule, names in found.items()}


def read_if_there(path: Path, artefact: Artefact) -> pd.DataFrame | None:
    """An artefact, or None where the file does not exist; a damaged one is an error."""
    return read_table(path, artefact) if path.exists() else None


def predictions_of(run: Run, results: Path) -> pd.DataFrame | None:
    """The predictions of a run, if they are there."""
    return read_if_there(_predictions_file(run, results), PREDICTIONS)


def predictions_in(files: Sequence[Path]) -> Callable[[Run], pd.DataFrame | None]:
    """The predictions of a run, looked for among some files of `predictions`, which are read when needed."""

    def of_run(run: Run) -> pd.DataFrame | None:
        below = f"/{_predictions_file(run, Path()).as_posix()}"
        matching = (file for file in files if f"/{file.as_posix()}".endswith(below))
        file = next(matching, None)
        return None if file is None else read_table(file, PREDICTIONS)

    return of_run


def history_of(training: Run | Pretraining, results: Path) -> pd.DataFrame | None:
    """The epochs of a training, if they are there."""
    file = _finetuning_history(training, results) if isinstance(training, Run) else training.history(results)
    return read_if_there(file, HISTORY)


def _predictions_file(run: Run, results: Path) -> Path:
    return layout.below(results, layout.PREDICTIONS, **run._asdict())


def _finetuning_history(run: Run, results: Path) -> Path:
    return layout.below(results, layout.of_model(layout.FINETUNED)["history"], **run._asdict())


def typical_split(correlations: pd.DataFrame) -> pd.DataFrame:
    """For each model the row of the split whose SROCC is nearest to the median, the first one of equals.

    A split without a SROCC is taken only where no split has one.

    The models keep the order of their first appearance.
    """
    medians = correlations.groupby(list(MODEL))["srocc"].transform("median")
    distance = (correlations["srocc"] - medians).abs().fillna(float("inf"))
    ordered = correlations.assign(distance=distance).sort_values(["distance", "split"], kind="stable")
    chosen = ordered.drop_duplicates(list(MODEL)).set_index(list(MODEL))
    models = pd.MultiIndex.from_frame(correlations[list(MODEL)].drop_duplicates())
    return chosen.loc[models].reset_index()[list(correlations.columns)]
