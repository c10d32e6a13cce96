"""Tables as Markdown, and the texts of the report."""

import re
import tomllib
from pathlib import Path

import pytest

from mosforge.report.blocks import Cell, Grid, say, to_markdown

PACKAGE = Path(__file__).resolve().parents[2] / "src/mosforge/report"


def test_markdown_writes_marks_small_print_and_notes() -> None:
    head = [Cell(""), Cell("SROCC"), Cell("PLCC"), Cell("SROCC")]
    over = [Cell("method"), Cell("live", span=2), Cell("own", is_proxy=True)]
    measured = [
        Cell("FT", ["net"]),
        Cell("0.9", ["95% 0.8 to 1.0"], "best"),
        Cell("0.8", mark="second"),
        Cell("–"),
    ]
    published = [Cell("Proposed"), Cell("0.7"), Cell("–"), Cell("–")]
    grid = Grid(head, {"measured": [measured], "published": [published]}, over=over)
    assert to_markdown(grid, ["a note"]).splitlines() == [
        "| method | live SROCC | live PLCC | own SROCC (proxy) |",
        "| --- | ---: | ---: | ---: |",
        "| FT, net | **0.9** (95% 0.8 to 1.0) | <u>0.8</u> | – |",
        "| Proposed (published) | 0.7 | – | – |",
        "",
        "- a note",
    ]


def test_each_text_is_used_and_each_used_text_is_there() -> None:
    texts = tomllib.loads((PACKAGE / "data/texts.toml").read_text(encoding="utf-8"))
    code = "".join(path.read_text(encoding="utf-8") for path in sorted(PACKAGE.glob("*.py")))
    named = set(re.findall(r"""["'](\w+)["']""", code))
    assert [key for key in texts if key not in named] == []
    assert set(re.findall(r"""\b(?:say|absent)\(["'](\w+)["']""", code)) <= set(texts)


def test_a_text_takes_its_values() -> None:
    assert say("compared", "mine", "live", "none shows").startswith("The pristine images of mine")
    with pytest.raises(IndexError):
        say("compared", "mine")
