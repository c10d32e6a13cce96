"""Pages for tests: a configuration, what writes a page, and what takes a part of it."""

from pathlib import Path

from mosforge.report.page import page
from mosforge.report.settings import PageSettings

BESIDE = {"proxies": ["own"], "scales": {"tid2013": [0, 9], "live": [100, 0]}, "seen": ["live"]}

CFG = {
    "title": "Small & real",
    "experiments": dict.fromkeys(["table1", "table3", "ablation", "table2"], BESIDE),
    "corpora": ["tiles", "authentic"],
    "validated": ["own", "live"],
    "proxies": ["own"],
    "fusion": "quantile",
    "compared": {"tiles": ["live", "tid2013"]},
    "scales": dict.fromkeys(("tid2013", "own", "live", "csiq"), (0, 100)),
    "left_out": ["csiq <b>: its folder is missing"],
    "config": {
        "pmos": {"fusion": "quantile"},
        "sources": {"obtain": "https://example.org", "folder": "Bewertungen Übung"},
    },
}


def write(results: Path, folder: Path, **cfg: object) -> str:
    """Writes a page and its figures into a folder, and returns the text of the page."""
    output = folder / "index.html"
    page(results, output=output, figures=folder / "figures", cfg=PageSettings.model_validate(cfg))
    return output.read_text(encoding="utf-8")


def section(html: str, name: str) -> str:
    """The text of a section."""
    return html.split(f'<section id="{name}">')[1].split("</section>")[0]
