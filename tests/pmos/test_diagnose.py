"""What the diagnostics of a corpus say, against values counted by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from mosforge.cli import main
from mosforge.core.schemas.metrics import METRICS
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import write_table
from mosforge.pmos.diagnose import diagnostics


def labels(rows: list[tuple[str, str, int | None, float]]) -> pd.DataFrame:
    """(image, type, level, label) with six metrics that follow the label, each more loosely."""
    frame = pd.DataFrame(rows, columns=["image_id", "group", "level", "pmos"])
    rng = np.random.default_rng(0)
    frame["level"] = frame["level"].astype("Int8")
    for i, name in enumerate(METRICS):
        value = frame["pmos"] + rng.normal(0, 0.02 * i, len(frame))
        frame[name] = 1 - value if name in ("mdsi", "gmsd") else value
    order = {name: i for i, name in enumerate(dict.fromkeys(frame["group"]))}
    return frame.assign(
        source="s",
        reference=frame["image_id"],
        class_index=[order[group] for group in frame["group"]],
        labels=None,
        seed=0,
        path=[f"{i}.png" for i in range(len(frame))],
        agreement=0.1,
    )


@pytest.fixture
def corpus() -> pd.DataFrame:
    """Noise falls in three images of four, and a fifth lacks a level; blur has two levels and falls."""
    noise = {"p": (0.9, 0.5, 0.1), "q": (0.9, 0.95, 0.1), "r": (0.8, 0.4, 0.2), "t": (0.7, 0.3, 0.2)}
    rows: list[tuple[str, str, int | None, float]] = [
        (image, "white_noise", level, value)
        for image, values in noise.items()
        for level, value in enumerate(values, 1)
    ]
    rows += [("u", "white_noise", 1, 0.1), ("u", "white_noise", 3, 0.9)]
    rows += [(p, "blur", level, 0.8 - 0.3 * level) for p in "pq" for level in (1, 2)]
    return labels([*rows, ("p", "exposure", 1, 0.6)])


def test_the_fall_with_the_level(corpus: pd.DataFrame) -> None:
    types = {kind["name"]: kind for kind in diagnostics(corpus)["types"]}
    assert list(types) == ["white_noise", "blur", "exposure"], "the order of the classes"
    noise = types["white_noise"]
    assert noise["photographs"] == 4
    assert noise["falling_at_every_step"] == 0.75
    assert noise["falling_by_step"] == [
        {"from": 1, "to": 2, "share": 0.75},
        {"from": 2, "to": 3, "share": 1.0},
    ]
    assert noise["falling_steps"]["pmos"] == noise["falling_steps"]["ssim"] == 7 / 8
    assert noise["levels"][0]["pictures"] == 5
    assert noise["levels"][1]["quantiles"]["0.5"] == pytest.approx(np.median([0.5, 0.95, 0.4, 0.3]))
    assert types["blur"]["falling_at_every_step"] == 1
    assert types["exposure"]["falling_at_every_step"] is None


def test_distributions_and_rank_correlations(corpus: pd.DataFrame) -> None:
    found = diagnostics(corpus)
    assert found["pictures"] == len(corpus)
    mdsi = found["distributions"]["mdsi"]
    assert mdsi["mean"] == pytest.approx(1 - corpus["mdsi"].mean()), "the distances are turned round"
    assert sum(mdsi["histogram"]["counts"]) == len(corpus)
    assert mdsi["quantiles"]["0"] == pytest.approx(1 - corpus["mdsi"].max())
    names, values = found["rank_correlations"]["names"], found["rank_correlations"]["values"]
    expected = spearmanr(1 - corpus["mdsi"], corpus["pmos"]).statistic
    assert values[names.index("mdsi")][names.index("pmos")] == pytest.approx(expected)


def test_mixtures_have_no_types(corpus: pd.DataFrame) -> None:
    mixtures = corpus.assign(level=pd.array([pd.NA] * len(corpus), dtype="Int8"), group="authentic")
    assert diagnostics(mixtures)["types"] == []


def test_a_metric_that_is_the_same_for_all_has_no_rank(corpus: pd.DataFrame, tmp_path: Path) -> None:
    write_table(tmp_path / "labels.parquet", LABELS, corpus.assign(vsi=1.0), stage="pmos", cfg={})
    words = ["--labels", str(tmp_path / "labels.parquet"), "--output", str(tmp_path / "found.json")]
    assert main(["pmos", "diagnose", *words]) == 0
    found = json.loads((tmp_path / "found.json").read_text(), parse_constant=pytest.fail)
    assert found["rank_correlations"]["values"][METRICS.index("vsi")] == [None] * 7
