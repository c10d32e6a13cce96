"""The sections of the page, each made of blocks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import yaml

from mosforge.core import layout
from mosforge.core.files import read_json
from mosforge.core.runs import budget_of
from mosforge.core.schemas.correlations import MEASURES, VALIDATION
from mosforge.core.schemas.metrics import METRICS
from mosforge.core.words import plural
from mosforge.report import budgets, experiment_table, figures, provenance, summary, words
from mosforge.report.artefacts import Artefacts
from mosforge.report.blocks import Block, Cell, Grid, absent, heads, say, table, text_table
from mosforge.report.breakdown import FEWEST, breakdowns
from mosforge.report.drawing import Figure
from mosforge.report.gains import CONTENTS, SPLITS, gains_grid
from mosforge.report.published import OF_IMAGENET, origin_of
from mosforge.report.sanity import pretrained_blocks
from mosforge.report.thumbnails import distortions, extremes
from mosforge.statistics.intervals import FEWEST_CONTENTS

_TITLES = {
    "table1": "Synthetic distortions, within each dataset (the paper's Table 1)",
    "table2": "Authentic distortions, within each dataset (the paper's Table 2)",
    "table3": "Trained on one dataset, tested on another (the paper's Table 3)",
    "ablation": "What each kind of pretraining adds (the paper's Fig. 3)",
}


def run_section(artefacts: Artefacts) -> Iterator[Block]:
    """What was run: sources, contents, the configuration, versions and times."""
    sources = provenance.sources_of(artefacts)
    for source in sources:
        yield from provenance.source_blocks(source, artefacts)
    yield from provenance.content_blocks(artefacts)
    shown = artefacts.cfg.plain().get("config", {})
    config = yaml.safe_dump(shown, sort_keys=False, default_flow_style=None, allow_unicode=True)
    yield Block("details", "The whole configuration", [Block("pre", config)])
    versions = text_table([], list(provenance.versions(sources, artefacts)))
    yield Block("details", "Versions and digests", [versions, Block("p", say("versions"))])
    times = provenance.times(artefacts.results, provenance.devices(artefacts))
    head = ["rule", "jobs", "total time", "longest job", "peak memory", "device"]
    grid = Grid(heads(*head), {"": [heads(*row) for row in times]}, label="Time and memory")
    yield from _folded("Time and memory, from Snakemake's benchmarks", [grid], say("times"))


def counts(artefacts: Artefacts) -> Iterator[str]:
    """The images with labels, the fine-tuned networks, and the images that they were tested on."""
    for corpus, rows in artefacts.labels.items():
        if rows is not None:
            pristine = artefacts.used[corpus].photographs
            made, used = plural(len(rows), "distorted image"), plural(pristine, "pristine image")
            yield f"{made} of {used} in {corpus}"
    networks = {run._replace(test_dataset="") for run in artefacts.finetuned}
    yield f"{plural(len(networks), 'fine-tuned model')} evaluated"
    for name, rows in artefacts.correlations.groupby("test_dataset", sort=False):
        images = rows["images"]
        few = f"{images.min():,} to " if images.min() < images.max() else ""
        several = " a split" if len(set(rows["split"])) > 1 else ""
        yield f"{few}{plural(int(images.max()), 'test image')}{several} in {name}"


def correlations_section(artefacts: Artefacts, gains: Mapping[str, pd.DataFrame]) -> Iterator[Block]:
    """The tables and figures of the experiments."""
    about = [Block("p", say(key)) for key in ("lead", "correlations", "independent")]
    if firsts := _first_weights(artefacts):
        about.insert(2, Block("p", say("first_weights", "; ".join(firsts))))
    yield Block("details", "How to read this", about)
    for name, rows in artefacts.tables.items():
        yield Block("h3", _TITLES.get(name, name))
        if rows is not None:
            yield from _experiment(name, rows, gains[name], artefacts)
        elif layout.below(artefacts.results, layout.CORRELATIONS, experiment=name).exists():
            yield absent("nothing_measured")
        else:
            yield absent("not_measured", layout.CORRELATIONS.format(experiment=name))
    if not artefacts.tables:
        yield absent("no_experiment")


def _first_weights(artefacts: Artefacts) -> list[str]:
    """What the networks of all experiments start from, each backbone named where they differ."""
    sources = [table.protocol.weights for table in artefacts.cfg.experiments.values()]
    firsts = {name: origin_of(source) for weights in sources for name, source in weights.items()}
    if set(firsts.values()) == {OF_IMAGENET}:
        return [OF_IMAGENET]
    return [f"{name} {origin}" for name, origin in firsts.items()]


def _experiment(
    name: str, correlations: pd.DataFrame, gains: pd.DataFrame, artefacts: Artefacts
) -> Iterator[Block]:
    cfg = artefacts.cfg
    found = experiment_table.experiment_table(name, correlations, cfg.experiments[name], _used(artefacts))
    drawn = list(_figures(figures.bars(found, cfg.proxies), style="large"))
    yield Block("div", items=[table(experiment_table.paper_grid(found)), *drawn], style="beside")
    yield Block("legend", " ".join(experiment_table.legend(found)))
    yield Block("details", "Notes on this table", [Block("list", items=found.notes, style="notes")])
    over = set(gains["interval_over"])
    keys = {SPLITS: "gains_over_splits", CONTENTS: "gains_over_images", "": "gains_without_interval"}
    note = "".join(map(say, ["gains", *(key for what, key in keys.items() if what in over)]))
    shown = [gains_grid(gains)] if len(gains) else []
    yield from _folded("What pretraining adds, in the same split", shown, note, style="open")
    if name in artefacts.budgets:
        yield from _budgets(name, artefacts)
    every = [experiment_table.every_measure_grid(found)]
    yield from _folded("Every measure of these models", every, say("every_measure"))
    kinds = breakdowns(correlations, artefacts)
    yield from _folded("Each kind of test images", kinds, say("kinds", FEWEST))
    splits = experiment_table.split_grids(name, correlations, cfg.proxies)
    yield from _folded("Each split separately", splits, say("every_split", FEWEST_CONTENTS))


def _used(artefacts: Artefacts) -> dict[str, Mapping[str, int]]:
    return {corpus: used._asdict() for corpus, used in artefacts.used.items()}


def _budgets(name: str, artefacts: Artefacts) -> Iterator[Block]:
    """SROCC against the number of ratings: the curves, the numbers, and the gains at each number."""
    rows, cfg = artefacts.budgets[name], artefacts.cfg
    found = budgets.by_method(rows)
    yield Block("h4", "SROCC against the number of ratings")
    yield from _figures(figures.budget_curves(name, found, cfg.proxies), style="large")
    grids = budgets.budget_grids(name, found, cfg.proxies)
    yield from _folded("The numbers of these curves", grids, say("budgets"), style="open")
    few = rows[rows["split"].map(budget_of).notna()]  # those of all ratings have their own table
    gains = budgets.gains_by_budget(name, few, artefacts.predictions, cfg.proxies)
    by_number = [
        gains_grid(group, f"{ratings} ratings") for ratings, group in gains.groupby("ratings", sort=False)
    ]
    yield from _folded("What pretraining adds with few ratings", by_number, say("gains"))


def _folded(title: str, grids: Iterable[Grid], note: str, style: str = "") -> Iterator[Block]:
    """Tables that can be folded, with what they say; nothing without any."""
    tables = [table(grid) for grid in grids]
    if tables:
        yield Block("details", title, [*tables, Block("notes", note)], style=style)


def _figures(shown: Sequence[Figure], missing: str = "", style: str = "") -> Iterator[Block]:
    """Figures, or a line that says why there are none."""
    if shown:
        yield Block("figures", items=shown, style=f"figures {style}")
    elif missing:
        yield absent(missing)


def scatter_section(artefacts: Artefacts) -> Iterator[Block]:
    """Predicted against given scores, within and across datasets."""
    within = figures.scatters(summary.within_datasets(artefacts.correlations), artefacts)
    across = figures.scatters(summary.across_datasets(artefacts.correlations), artefacts)
    if within or across:
        yield Block("p", say("scatter"))
    yield from _figures(within, "" if across else "no_predictions")
    if across:
        yield Block("h3", "Trained on one dataset, tested on another")
        yield Block("p", say("across"))
    yield from _figures(across)


def curves_section(artefacts: Artefacts, sanity: Mapping[str, pd.DataFrame]) -> Iterator[Block]:
    """The learning curves of pretraining and fine-tuning, and what pretraining comes to on unseen images."""
    is_pretrained = any(run.initialisation != "imagenet" for run in artefacts.runs)
    yield Block("h3", "Pretraining")
    missing = "no_pretraining_history" if is_pretrained else "no_pretraining"
    yield from _figures(figures.pretraining_curves(artefacts), missing)
    if is_pretrained:
        yield from pretrained_blocks(sanity)
    yield Block("h3", "Fine-tuning, one line for each training")
    yield from _figures(figures.finetuning_curves(artefacts), "no_finetuning_history")


def pmos_section(artefacts: Artefacts) -> Iterator[Block]:
    """The labels of the corpora: their distribution, their fall with the level, the metrics behind them."""
    yield Block("p", say("pmos"))
    for corpus, labels in artefacts.labels.items():
        yield Block("h3", corpus)
        file = layout.below(artefacts.results, layout.DIAGNOSTICS, corpus=corpus)
        if labels is None:
            yield absent("no_labels", layout.LABELS.format(corpus=corpus))
        elif not file.exists():
            yield absent("no_diagnostics", layout.DIAGNOSTICS.format(corpus=corpus))
        else:
            yield from _labels(corpus, read_json(file))
    if not artefacts.labels:
        yield absent("no_corpus")


def _labels(corpus: str, diagnostics: Mapping[str, Any]) -> Iterator[Block]:
    distributions, levels = figures.label_figures(corpus, diagnostics)
    yield Block("h4", "The label and the six metrics, higher is better")
    yield from _figures(distributions, style="small")
    yield table(rank_grid(diagnostics["rank_correlations"]))
    yield Block("legend", say("rank_agreement"))
    if not levels:
        yield Block("p", say("mixtures"))
        return
    yield Block("h4", "Label against level: median and interquartile range of the images")
    yield from _figures(levels, style="small")
    falling = falling_grid(diagnostics)
    title = "How consistently the label and each metric decrease from the weakest level to the strongest"
    yield from _folded(title, [falling] if falling.rows[""] else [], say("falling"))


def rank_grid(agreement: Mapping[str, Any]) -> Grid:
    """How the metrics and the label agree in rank."""
    names = [words.METRIC_NAMES.get(name, "label") for name in agreement["names"]]
    rows = [
        heads(name, *(words.number(value, 2) for value in values))
        for name, values in zip(names, agreement["values"], strict=True)
    ]
    return Grid(heads("SROCC", *names), {"": rows}, label="Rank correlation of metrics and label")


def falling_grid(diagnostics: Mapping[str, Any]) -> Grid:
    """How steadily the label, and each metric, falls with the levels of each type that has several.

    A row holds the share of images whose label falls at every step; the exception, which is the step at
    which most do not fall, and the share that does not; and the share of falling steps of each metric.
    """
    rows = []
    for kind in diagnostics["types"]:
        if kind["falling_at_every_step"] is not None:
            step = min(kind["falling_by_step"], key=lambda step: step["share"])
            some = (
                f"from level {step['from']} to {step['to']}, {words.percent(1 - step['share'])} do not fall"
            )
            exception = Cell("none" if step["share"] == 1 else some, style="text")
            shares = [kind["falling_at_every_step"], *(kind["falling_steps"][metric] for metric in METRICS)]
            every, *steps = heads(*map(words.percent, shares))
            rows.append([Cell(kind["name"].replace("_", " ")), every, exception, *steps])
    names = [words.METRIC_NAMES[metric] for metric in METRICS]
    head = [*heads("type", "images whose label falls at every step"), Cell("exception", style="text")]
    return Grid([*head, *heads(*names)], {"": rows})


def agreement_section(artefacts: Artefacts) -> Iterator[Block]:
    """How well metrics and fusions agree with human scores."""
    yield Block("p", say("agreement"))
    for dataset in artefacts.cfg.validated:
        is_proxy = dataset in artefacts.cfg.proxies
        yield Block("h3", dataset, is_proxy=is_proxy)
        found = artefacts.read(layout.VALIDATION, VALIDATION, dataset=dataset)
        if found is None:
            yield absent("no_agreement", layout.VALIDATION.format(dataset=dataset))
            continue
        if is_proxy:
            yield Block("caveat", say("given_proxy"))
        if dataset in artefacts.cfg.seen:
            yield Block("caveat", say("agreement_seen"))
        yield table(_agreement_grid(found, artefacts.cfg.fusion, artefacts.scale(dataset).span))
        images, contents = (f"{found[name].iloc[0]:,}" for name in ("images", "contents"))
        yield Block("notes", say("agreement_notes", images, contents, FEWEST_CONTENTS))
    if not artefacts.cfg.validated:
        yield absent("no_references")


def _agreement_grid(validation: pd.DataFrame, used: str, span: float) -> Grid:
    """A row a metric or fusion; that of the labels is marked. `span`: of the dataset's scale."""
    measures = ("srocc", "srocc_within", *MEASURES[1:])
    rows = []
    for row in validation.to_dict("records"):
        small = [f"from {row['fitted_on']}"] if isinstance(row["fitted_on"], str) else []
        is_used = row["measure"] == used
        small += ["makes the labels of this run"] if is_used else []
        name = words.METRIC_NAMES.get(row["measure"], f"fusion {row['measure']}")
        cells = [Cell(name, small, "best" if is_used else "")]
        for measure in measures:
            is_falling = measure == "plcc_mapped" and row["mapping"] == "falling"
            small = [say("falling_curve")] if is_falling else []
            small += words.on_own_scale(row[measure] * span) if measure == "rmse" and span != 1 else []
            ranges = {"95%": (row[f"{measure}_low"], row[f"{measure}_high"])}
            cells.append(words.value_cell(row[measure], ranges, *small))
        rows.append(cells)
    names = words.MEASURE_NAMES | {"srocc_within": "SROCC within contents"}
    return Grid(heads("measure", *(names[measure] for measure in measures)), {"": rows})


def gallery_section(artefacts: Artefacts) -> Iterator[Block]:
    """The distortions of a typical image of each corpus, and the test images that stand out."""
    there = [(corpus, labels) for corpus, labels in artefacts.labels.items() if labels is not None]
    shown = [block for corpus, labels in there for block in distortions(corpus, labels, artefacts)]
    yield from shown or [absent("no_distortions")]
    yield from list(extremes(artefacts)) or [absent("no_extremes")]


def left_out_section(artefacts: Artefacts) -> Iterator[Block]:
    """What could not be run."""
    lines = [*artefacts.cfg.left_out, *provenance.left_out_images(artefacts)]
    yield Block("list", items=lines, style="plain") if lines else Block("p", say("nothing_left_out"))
