"""The page: one self-contained HTML file made from the artefacts below the folder of results."""

import datetime
import logging
from collections.abc import Sequence
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from mosforge.core import layout
from mosforge.core.atomic import atomic_file, atomic_folder
from mosforge.core.errors import MosforgeError
from mosforge.report import sections, words
from mosforge.report.artefacts import Artefacts, read_artefacts
from mosforge.report.blocks import Block
from mosforge.report.drawing import Figure
from mosforge.report.gains import findings, gains_of, summary_of_findings
from mosforge.report.sanity import sanity_numbers, sanity_section
from mosforge.report.settings import PageSettings

_log = logging.getLogger(__name__)


def page(results: Path, *, output: Path, figures: Path, cfg: PageSettings) -> None:
    """Writes the page from the artefacts that are there, and its figures as SVG and PNG.

    Args:
        results: the folder that holds the artefacts; relative paths in them start from its parent.
        output: the HTML file.
        figures: folder of the figures, which is replaced.
        cfg: what the page is about.

    Raises:
        MosforgeError: the folder of results is not there, or an artefact is damaged.
    """
    if not results.is_dir():
        raise MosforgeError(f"{results}: no such folder; run the stages before the report first")
    artefacts = read_artefacts(results, cfg)
    gains = {
        name: gains_of(name, rows, artefacts.predictions, cfg.proxies)
        for name, rows in artefacts.tables.items()
        if rows is not None
    }
    sanity = dict(sanity_numbers(artefacts))
    parts = {
        ("correlations", "Results"): sections.correlations_section(artefacts, gains),
        ("scatter", "Predicted and given scores"): sections.scatter_section(artefacts),
        ("sanity", "Sanity"): sanity_section(sanity),
        ("validation", "Metrics and people"): sections.agreement_section(artefacts),
        ("pmos", "Pseudo-MOS"): sections.pmos_section(artefacts),
        ("curves", "Learning curves"): sections.curves_section(artefacts, sanity),
        ("gallery", "Gallery"): sections.gallery_section(artefacts),
        ("left-out", "Left out"): sections.left_out_section(artefacts),
        ("run", "What was run"): sections.run_section(artefacts),
    }
    blocks = [Block("section", title, list(part), style=key) for (key, title), part in parts.items()]
    blocks = [block for block in blocks if block.items]
    title = ", ".join(filter(None, [cfg.title, _day(artefacts)]))
    text, shown = to_html(title, _header(artefacts, list(gains.values())), blocks)
    with atomic_folder(figures) as folder:
        for figure in shown:
            figure.save(folder)
    with atomic_file(output) as temporary:
        temporary.write_text(text, encoding="utf-8")
    _log.info("%s: %.1f MB, %d figures", output, output.stat().st_size / 1e6, len(shown))


def _day(artefacts: Artefacts) -> str:
    """The day on which the newest correlations were written; empty if there are none.

    The files' own times say it: a stamp holds no date, so that the same inputs give the same artefact.
    """
    names = [name for name, rows in artefacts.tables.items() if rows is not None]
    files = [layout.below(artefacts.results, layout.CORRELATIONS, experiment=name) for name in names]
    days = [datetime.datetime.fromtimestamp(file.stat().st_mtime, datetime.UTC) for file in files]
    return f"{max(days):%d %B %Y}".lstrip("0") if days else ""


def _header(artefacts: Artefacts, gains: Sequence[pd.DataFrame]) -> list[Block]:
    """What was run, and what it comes to."""
    blocks = [Block("lead", "; ".join(sections.counts(artefacts)) + ".")]
    found = findings(pd.concat(gains), artefacts.names) if gains else []
    if len(found) > 1:
        blocks += [Block("finding", summary_of_findings(pd.concat(gains)))]
        blocks += [Block("details", "Each of them", [Block("list", items=found, style="findings")])]
    elif found:
        blocks += [Block("finding", found[0])]
    datasets = {*artefacts.correlations["dataset"], *artefacts.correlations["test_dataset"]}
    proxies = datasets & set(artefacts.cfg.proxies)
    return blocks + ([Block("caveat", words.proxy_note(proxies))] if proxies else [])


def to_html(title: str, header: Sequence[Block], parts: Sequence[Block]) -> tuple[str, list[Figure]]:
    """The page as one HTML file, and the figures that stand in it."""
    shown: list[Figure] = []

    def inline(figure: Figure) -> Markup:
        shown.append(figure)
        return figure.inline

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mosforge.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["inline"] = inline
    template = environment.get_template("index.html.j2")
    return template.render(title=title, header=header, sections=parts, proxy=words.PROXY), shown
