"""The shares of series in which a score falls, against counts by hand and scipy's bootstrap."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mosforge.core.seeds import generator
from mosforge.statistics.intervals import RESAMPLES
from mosforge.statistics.sanity import SHARES, agreement_of, shares_as_json, shares_of


def rows_of(series: dict[str, dict[str, list[float]]], told: str = "") -> pd.DataFrame:
    """Image -> type -> scores of the undistorted image and of each level; `told` is told of every image."""
    rows = []
    for image, types in series.items():
        first = next(iter(types.values()))[0]
        rows.append((image, "undistorted", 0, first))
        rows += [
            (image, name, level, score)
            for name, scores in types.items()
            for level, score in enumerate(scores[1:], start=1)
        ]
    frame = pd.DataFrame(rows, columns=["image_id", "type", "level", "score"]).assign(source="s")
    type_, _, level = told.partition(" ")
    return frame.assign(told_type=type_ or None, told_level=int(level or 0) if told else None)


def found(frame: pd.DataFrame, type_: str = "") -> dict[str, float]:
    shares = shares_of([frame])
    return dict(shares[shares["type"] == type_][["share", "value"]].to_numpy())


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.9, 0.8, 0.7, 0.6], (1, 1, 1, 1, 1)),
        ([0.9, 0.8, 0.8, 0.6], (0, 1, 1, 1, 1)),  # equal scores are no fall
        ([0.9, 0.5, 0.6, 0.7], (0, 0, 1, 1, 1)),
        ([0.7, 0.8, 0.6, 0.5], (0, 1, 0, 0, 1)),
        ([0.7, 0.6, 0.9, 0.5], (0, 1, 0, 1, 0.5)),
        ([0.5, 0.5, 0.5, 0.5], (0, 0, 0, 0, 0)),
        ([0.9, 0.8, 0.7], (1, 1, 1, 1, 1)),
        ([0.9, 0.7, 0.8], (0, 0, 1, 1, 1)),  # with two levels no exception is allowed
    ],
)
def test_what_is_counted_of_one_series(scores: list[float], expected: tuple[float, ...]) -> None:
    assert list(found(rows_of({"a": {"jpeg": scores}})).values()) == list(expected)
    assert list(found(rows_of({"a": {"jpeg": scores}}), "jpeg").values()) == list(expected)


def test_all_types_together_count_series_and_comparisons_and_not_types() -> None:
    frame = rows_of(
        {
            "a": {"jpeg": [0.9, 0.8, 0.7, 0.6], "blur": [0.9, 1.0]},
            "b": {"jpeg": [0.9, 0.8, 0.95, 0.6], "blur": [0.9, 0.1]},
        }
    )
    assert found(frame) == {
        "falls": 2 / 4,
        "falls_but_one": 3 / 4,
        "first": 2 / 4,
        "above_level_1": 3 / 4,
        "above_stronger": 3 / 4,
    }
    assert "above_stronger" not in found(frame, "blur"), "a type with one level"
    counts = shares_of([frame]).set_index(["type", "share"])["count"]
    assert (counts["", "falls"], counts["jpeg", "falls"], counts["jpeg", "above_stronger"]) == (4, 2, 4)


def test_what_is_told_counts_the_undistorted_image_too() -> None:
    frame = rows_of({"a": {"jpeg": [0.9, 0.8, 0.7]}, "b": {"jpeg": [0.9, 0.8, 0.7]}}, told="jpeg 2")
    assert {name: found(frame)[name] for name in ("type", "class")} == {"type": 4 / 6, "class": 2 / 6}
    assert found(frame, "undistorted") == {"type": 0, "class": 0}
    frame = rows_of({"a": {"jpeg": [0.9, 0.8]}}, told="undistorted")
    assert (found(frame, "undistorted")["class"], found(frame, "jpeg")["type"]) == (1, 0)
    assert set(found(rows_of({"a": {"jpeg": [0.9, 0.8]}}))).isdisjoint({"type", "class"})


def noisy(images: int, seed: int, levels: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    fall = -0.1 * np.arange(levels + 1) + 0.9
    return rows_of({f"{i:02}": {"jpeg": list(fall + rng.normal(0, 0.08, levels + 1))} for i in range(images)})


def test_the_interval_is_that_of_resampled_images() -> None:
    frame = noisy(24, 1)
    row = shares_of([frame]).set_index(["type", "share"]).loc[("jpeg", "first")]
    grid = frame.assign(key=frame["level"]).pivot_table(index="image_id", columns="key", values="score")
    hits = (grid[0] > grid[[1, 2, 3, 4, 5]].max(axis=1)).to_numpy(float)
    assert 0 < hits.mean() == row["value"] < 1
    drawn = generator("bootstrap over test images", "sanity").integers(0, 24, (RESAMPLES, 24))
    assert (row["low"], row["high"]) == pytest.approx(np.percentile(hits[drawn].mean(axis=1), [2.5, 97.5]))
    reference = stats.bootstrap((hits,), np.mean, method="percentile", rng=np.random.default_rng(0))
    ends = reference.confidence_interval
    assert (row["low"], row["high"]) == pytest.approx((ends.low, ends.high), abs=0.05)
    few = shares_of([noisy(4, 1)])
    assert few[["low", "high"]].isna().all(axis=None)
    assert (few["images"] == 4).all()


def test_several_trainings_count_with_their_mean() -> None:
    one, other = noisy(12, 1), noisy(12, 2)
    parts = [shares_of([table]).set_index(["type", "share"])["value"] for table in (one, other)]
    both = shares_of([one, other]).set_index(["type", "share"])
    np.testing.assert_allclose(both["value"], (parts[0] + parts[1]) / 2)
    assert both.loc[("jpeg", "falls"), "count"] == 12


def test_the_srocc_with_the_pseudo_mos_is_scipys_with_an_interval_over_images() -> None:
    frame, rng = noisy(24, 1, levels=3), np.random.default_rng(3)
    labels = frame.rename(columns={"type": "group"}).assign(
        pmos=frame["score"] + rng.normal(0, 0.1, len(frame))
    )
    labels = labels.assign(level=labels["level"].where(labels["group"] != "undistorted", 1))
    labels = labels.sample(frac=1, random_state=0)[["source", "image_id", "group", "level", "pmos"]]
    rows = agreement_of([frame], labels).set_index("type")
    given = labels.sort_index()["pmos"]
    assert list(rows.index) == ["", "jpeg"]
    assert rows.loc["", "value"] == pytest.approx(stats.spearmanr(frame["score"], given).statistic)
    series = np.stack([frame["score"], given], axis=1).reshape(24, 4, 2)
    reference = stats.bootstrap(
        (np.arange(24),),
        lambda drawn: stats.spearmanr(series[drawn].reshape(-1, 2)).statistic,
        vectorized=False,
        n_resamples=1000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    ends = tuple(rows.loc["", ["low", "high"]])
    assert ends == pytest.approx((reference.low, reference.high), abs=0.02)
    assert tuple(rows.loc["", ["count", "images"]]) == (96, 24)
    assert agreement_of([frame], labels.assign(pmos=1.0)).empty, "equal labels have no order"
    other = noisy(24, 2, levels=3)
    parts = [agreement_of([table], labels)["value"] for table in (frame, other)]
    np.testing.assert_allclose(agreement_of([frame, other], labels)["value"], (parts[0] + parts[1]) / 2)


def test_the_shares_are_json_values() -> None:
    text = shares_as_json(shares_of([rows_of({"a": {"jpeg": [0.9, 0.8]}}, told="jpeg 1")]))
    assert text["all"]["falls"] == {"value": 1.0, "low": None, "high": None, "count": 1, "images": 1}
    assert list(text["types"]) == ["jpeg", "undistorted"]
    assert set(text["types"]["jpeg"]) == set(SHARES) - {"above_stronger"}
