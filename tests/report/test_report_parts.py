"""The small parts of the page: pictures, shares, times and keys."""

import base64
import io
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from mosforge.core.errors import MosforgeError
from mosforge.report.gallery import SIDE, examples, thumbnail
from mosforge.report.page import parse_cfg
from mosforge.report.pmosfigures import falling, percent
from mosforge.report.provenance import RuleTime, duration, read_benchmarks


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(MosforgeError, match="experiments"):
        parse_cfg({"experiment": ["table1"]})


def test_thumbnails_are_small_jpegs(results: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    Image.effect_noise((900, 300), 90).convert("RGB").save(large)
    for square, size in ((True, (SIDE, SIDE)), (False, (SIDE, round(SIDE / 3)))):
        uri = thumbnail(large, square=square)
        data = base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))
        assert Image.open(io.BytesIO(data)).size == size
        assert len(data) < 40_000
    assert thumbnail(tmp_path / "nothing.png", square=True) == ""


def test_the_outstanding_test_images() -> None:
    table = pd.DataFrame(
        {
            "image": ["a", "b", "c", "a"],
            "path": ["a.png", "b.png", "c.png", "a.png"],
            "quality": [0.2, 0.5, 0.9, 0.2],
            "prediction": [0.9, 0.5, 0.8, 0.7],
        }
    )
    found = examples(table, Path("nowhere"), count=1)
    assert {title: items[0].image for title, items in found.items()} == {
        "Scored highest": "a",
        "Scored lowest": "b",
        "Most wrongly scored": "a",
    }
    assert found["Scored highest"][0].predicted == pytest.approx(0.8)


def test_what_does_not_fall_is_named() -> None:
    metrics = dict.fromkeys(("ssim", "ms_ssim", "mdsi", "vsi", "fsim", "gmsd"), 1.0)
    kind = {"name": "white_noise", "photographs": 1000, "falling_at_every_step": 0.999}
    steps = [{"from": 1, "to": 2, "share": 1.0}, {"from": 2, "to": 3, "share": 0.999}]
    one_level = {"name": "single", "falling_at_every_step": None}
    several = kind | {"falling_by_step": steps, "falling_steps": metrics}
    (row,) = falling({"types": [several, one_level]})
    assert row["name"] == "white noise"
    assert row["exception"] == "from level 2 to 3, 0.10% do not fall"
    assert percent(row["label"]) == "99.90%"
    assert percent(1.0) == "100%"
    assert percent(0.0) == "0%"
    one = 1 / 21869  # photograph of the paper's
    assert [percent(1 - one), percent(one)] == ["over 99.99%", "under 0.01%"]


def test_benchmarks_are_added_up_by_rule(tmp_path: Path) -> None:
    folder = tmp_path / "benchmarks/score/deeper"
    folder.mkdir(parents=True)
    for name, seconds, memory in (("a", "1.5", "100.0"), ("b", "2.0", "-")):
        (folder / f"{name}.tsv").write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t{memory}\n")
    (time,) = read_benchmarks(tmp_path, {"finetune": "some GPU"})
    assert time == RuleTime("score", 2, 3.5, 2.0, 100.0, "CPU")
    (time,) = read_benchmarks(tmp_path, {"score": "some GPU"})
    assert time.devices == "some GPU"


@pytest.mark.parametrize("text", ["", "s\th:m", "s\th:m:s\tmax_rss\n", "s\th:m:s\tmax_rss\n-"])
def test_a_benchmark_that_was_cut_short_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "benchmarks/score").mkdir(parents=True)
    (tmp_path / "benchmarks/score/a.tsv").write_text("s\tmax_rss\n1.5\t100.0\n")
    (tmp_path / "benchmarks/score/b.tsv").write_text(text)
    assert read_benchmarks(tmp_path, {}) == [RuleTime("score", 1, 1.5, 1.5, 100.0, "CPU")]


@pytest.mark.parametrize(("seconds", "text"), [(4.23, "4.2 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
