"""The page: one self-contained HTML file made from the artefacts below the folder of results."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from mosforge.core.atomic import atomic_file, atomic_folder
from mosforge.core.errors import MosforgeError
from mosforge.core.files import read_json
from mosforge.core.measures import METRICS
from mosforge.core.runs import Run
from mosforge.core.schemas.correlations import CORRELATIONS, MEASURES
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import Frame
from mosforge.models.objectives import corpus_and_objective
from mosforge.plan import layout
from mosforge.report import pmosfigures, provenance, sections, trained
from mosforge.report.artefacts import devices_of, predictions_of, read_if_there, runs_of
from mosforge.report.gallery import Distortions, distortions
from mosforge.report.methods import METRIC_NAMES, method_names, of_networks
from mosforge.report.notes import BY_ORDER, INDEPENDENT, PROXY, proxy_note
from mosforge.report.splits import split_words
from mosforge.report.summary import MEASURE_NAMES, interval, number, pair_words, signed
from mosforge.report.svg import Picture
from mosforge.report.tables import Column
from mosforge.report.tabletext import spread_words
from mosforge.report.validation import validation_section

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PageCfg:
    """What the page is about.

    Attributes:
        title: of the page.
        experiments: names of the experiments, in order.
        corpora: names of the corpora, in order.
        validated: datasets whose human scores the metrics and fusions were compared with, in order.
        proxies: datasets whose scores are no human ones.
        compared: source -> target datasets that the leakage guard compared it with.
        left_out: lines about what could not be run.
        sizes: dataset -> number of images, the weights of the average; the test images where not given.
        protocols: experiment -> how it was measured, as `protocol.differences` takes it.
        config: the configuration to show.
    """

    title: str = "mosforge"
    experiments: Sequence[str] = ()
    corpora: Sequence[str] = ()
    validated: Sequence[str] = ()
    proxies: Sequence[str] = ()
    compared: Mapping[str, Sequence[str]] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    protocols: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)


def parse_cfg(value: Any) -> PageCfg:
    """Checks the keys of `--cfg`."""
    known = [item.name for item in fields(PageCfg)]
    if not isinstance(value, dict) or set(value) - set(known):
        raise MosforgeError(f"--cfg: give a JSON object with some of the keys {', '.join(known)}")
    return PageCfg(**value)


@dataclass(frozen=True)
class Corpus:
    """What the page shows of a corpus; `size` is 0 where its labels are not there."""

    name: str
    size: int = 0
    photographs: int = 0
    sources: tuple[str, ...] = ()
    overview: tuple[Picture, ...] = ()
    distributions: tuple[Picture, ...] = ()
    levels: tuple[Picture, ...] = ()
    falling: tuple[Mapping[str, Any], ...] = ()
    gallery: Distortions | None = None


def write_page(results: Path, output: Path, figures: Path, cfg: PageCfg) -> None:
    """Writes the page, and its figures as SVG and PNG.

    Args:
        results: the folder that holds the artefacts; relative paths in them start from its parent.
        output: the HTML file.
        figures: folder of the figures, which is replaced.
        cfg: what the page is about.
    """
    context = page_context(results, cfg)
    with atomic_folder(figures) as folder:
        for picture in _pictures(context):
            picture.save(folder)
    with atomic_file(output) as temporary:
        temporary.write_text(render(context), encoding="utf-8")
    _log.info("%s: %.1f MB, %d figures", output, output.stat().st_size / 1e6, len(_pictures(context)))


def page_context(results: Path, cfg: PageCfg) -> dict[str, Any]:
    """Everything that the template needs."""
    base = results.parent
    tables = {
        name: read_if_there(layout.below(results, layout.CORRELATIONS, experiment=name), CORRELATIONS)
        for name in cfg.experiments
    }
    _log.info("tables")
    experiments = [
        sections.experiment_section(
            name,
            table,
            lambda run: predictions_of(run, results),
            proxies=cfg.proxies,
            sizes=cfg.sizes,
            protocol=cfg.protocols.get(name),
        )
        for name, table in tables.items()
    ]
    correlations = _together(table for table in tables.values() if table is not None)
    runs = runs_of(of_networks(correlations))
    names = method_names(correlations)
    corpora = [_corpus(results, base, name) for name in cfg.corpora]
    _log.info("figures")
    sources = dict.fromkeys(source for corpus in corpora for source in corpus.sources)
    targets = dict.fromkeys([*correlations["dataset"], *correlations["test_dataset"]])
    used = {*correlations["dataset"], *correlations["test_dataset"]} & set(cfg.proxies)
    return {
        "cfg": cfg,
        "proxy_note": proxy_note(used) if used else "",
        "findings": sections.findings(experiments, names, cfg.proxies),
        "experiments": experiments,
        "corpora": corpora,
        "validations": [validation_section(results, name) for name in cfg.validated],
        "sources": [provenance.read_source(results, name, cfg.compared.get(name, ())) for name in sources],
        "models": len({run[:4] for run in runs}),
        "images": _tested(correlations),
        "versions": provenance.versions(results),
        "targets": [provenance.read_target(results, name) for name in targets],
        "benchmarks": provenance.read_benchmarks(results, _devices(runs, results, cfg)),
        "config": list(provenance.flatten(cfg.config)),
        "scatter": [
            trained.scatter_pictures(choose(correlations), names, results, cfg.proxies)
            for choose in (trained.within_datasets, trained.across_datasets)
        ],
        "pretraining": trained.pretraining_pictures(runs, results),
        "finetuning": trained.finetuning_pictures(runs, names, results),
        "extremes": trained.extremes(correlations, names, results, base, cfg.proxies),
        "starts": sorted({corpus for run in runs if (corpus := corpus_and_objective(run.initialisation)[0])}),
    }


def render(context: Mapping[str, Any]) -> str:
    """The HTML of the page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mosforge.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "number": number,
        "duration": provenance.duration,
        "signed": signed,
        "split": split_words,
        "groupby_pair": _by_pair,
        "spread_words": spread_words,
        "percent": pmosfigures.percent,
        "svg": lambda picture: Markup(picture.inline),
    }
    environment.globals |= {
        "interval": interval,
        "pair_words": pair_words,
        "measures": MEASURES,
        "measure_names": MEASURE_NAMES,
        "metric_names": [METRIC_NAMES[name] for name in METRICS],
        "proxy_words": PROXY,
        "independent": INDEPENDENT,
        "by_order": BY_ORDER,
    }
    return environment.get_template("index.html.j2").render(context)


def _by_pair(columns: Sequence[Column]) -> list[list[Column]]:
    return [list(group) for _, group in groupby(columns, key=lambda column: column.pair)]


def _together(tables: Iterable[Frame]) -> Frame:
    """The rows of all experiments, a run that several of them share once."""
    empty = pd.DataFrame({name: [] for name in CORRELATIONS.columns})
    there = [table for table in tables if not table.empty]
    return pd.concat(there, ignore_index=True).drop_duplicates(ignore_index=True) if there else empty


def _tested(correlations: Frame) -> dict[str, int]:
    """Test dataset -> number of test images."""
    return {
        str(name): int(rows["images"].max())
        for name, rows in correlations.groupby("test_dataset", sort=False)
    }


def _devices(runs: Sequence[Run], results: Path, cfg: PageCfg) -> dict[str, str]:
    """Devices by rule; the engine piq, unlike the other one, takes a GPU where there is one."""
    engine = cfg.config.get("metrics", {}).get("engine", "fused")
    return devices_of(runs, results) | ({} if engine == "fused" else {"score": "", "score_dataset": ""})


def _corpus(results: Path, base: Path, name: str) -> Corpus:
    pmos = read_if_there(layout.below(results, layout.LABELS, corpus=name), LABELS)
    if pmos is None or pmos.empty:
        return Corpus(name)
    return Corpus(
        name,
        len(pmos),
        len(pmos[["source", "image_id"]].drop_duplicates()),
        tuple(sorted(set(pmos["source"]))),
        **_label_figures(layout.below(results, layout.DIAGNOSTICS, corpus=name), name),
        gallery=distortions(pmos, base),
    )


def _label_figures(file: Path, corpus: str) -> dict[str, Any]:
    """What a corpus' diagnostics show, if they are there."""
    if not file.exists():
        return {}
    found = read_json(file)
    return {
        "overview": (pmosfigures.histogram(corpus, found), pmosfigures.metric_agreement(corpus, found)),
        "distributions": tuple(pmosfigures.distributions(corpus, found)),
        "levels": tuple(pmosfigures.levels(corpus, found)),
        "falling": tuple(pmosfigures.falling(found)),
    }


def _pictures(context: Mapping[str, Any]) -> list[Picture]:
    found = [picture for experiment in context["experiments"] for picture in experiment.pictures]
    found += [picture for pictures in context["scatter"] for picture in pictures]
    found += [*context["pretraining"], *context["finetuning"]]
    for corpus in context["corpora"]:
        found += [*corpus.overview, *corpus.distributions, *corpus.levels]
    return found
