"""The pseudo-MOS: orientation, the quantile mapping against ranks, and what is saved beside the labels."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata

from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.metrics import METRICS, orient
from mosforge.pmos.curves import read_calibration
from mosforge.pmos.fusion import fuse_scores, map_quantiles, quantile_knots

EQUAL = dict.fromkeys(METRICS, 1.0)

DISTANCE_COLUMNS = [2, 5]
"""MDSI and GMSD, in the order ssim, ms_ssim, mdsi, vsi, fsim, gmsd."""


def scores(count: int, seed: int = 0) -> np.ndarray:
    """Six columns of very different spreads, without ties."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 1, (count, 6)) * [0.9, 0.5, 0.6, 0.08, 0.4, 0.3] + [0.1, 0.5, 0.1, 0.91, 0.6, 0.0]


def test_the_order_of_the_columns_is_as_tested_here() -> None:
    assert METRICS == ("ssim", "ms_ssim", "mdsi", "vsi", "fsim", "gmsd")


def test_distances_are_turned_round() -> None:
    identical = np.array([[1.0, 1.0, 0.0, 1.0, 1.0, 0.0]])
    np.testing.assert_array_equal(orient(identical), np.ones((1, 6)))
    np.testing.assert_allclose(
        orient(np.array([[0.3, 0.4, 0.5, 0.9, 0.8, 0.2]])), [[0.3, 0.4, 0.5, 0.9, 0.8, 0.8]]
    )


def test_mean_is_the_plain_mean_of_the_oriented_scores() -> None:
    raw = scores(50)
    fused = fuse_scores(raw, "mean", 11, EQUAL)
    expected = (raw[:, 0] + raw[:, 1] + (1 - raw[:, 2]) + raw[:, 3] + raw[:, 4] + (1 - raw[:, 5])) / 6
    np.testing.assert_allclose(fused.pmos, expected, rtol=1e-14)
    assert fused.mapping["fusion"] == "mean"
    assert fused.mapping["distances"] == ["mdsi", "gmsd"]


def test_without_ties_a_score_becomes_its_rank() -> None:
    """With as many knots as images the mapping is the empirical distribution: (rank - 1) / (n - 1)."""
    raw = scores(101)
    oriented = raw.copy()
    oriented[:, DISTANCE_COLUMNS] = 1 - oriented[:, DISTANCE_COLUMNS]
    expected = (rankdata(oriented, axis=0) - 1) / 100
    fused = fuse_scores(raw, "quantile", 101, EQUAL)
    np.testing.assert_allclose(fused.pmos, expected.mean(axis=1), atol=1e-9)
    np.testing.assert_allclose(fused.agreement, expected.std(axis=1), atol=1e-9)


@pytest.mark.parametrize("knots", [101, 1001])
def test_a_large_corpus_is_mapped_to_its_ranks_within_a_knot(knots: int) -> None:
    raw = scores(20_000)
    oriented = orient(raw)
    mapped = map_quantiles(oriented, quantile_knots(oriented, knots))
    expected = (rankdata(oriented, axis=0) - 1) / 19_999
    assert np.abs(mapped - expected).max() < 1 / (knots - 1)


def test_every_metric_weighs_the_same_after_the_mapping() -> None:
    raw = scores(5000)
    mapped = map_quantiles(orient(raw), quantile_knots(orient(raw), 1001))
    np.testing.assert_allclose(mapped.mean(axis=0), 0.5, atol=1e-3)
    np.testing.assert_allclose(mapped.std(axis=0), 1 / np.sqrt(12), atol=1e-3)
    np.testing.assert_array_equal(mapped.min(axis=0), 0)
    np.testing.assert_array_equal(mapped.max(axis=0), 1)


def test_tied_scores_get_the_middle_of_their_shares() -> None:
    """Of 101 scores the lowest 31 are equal: they cover the shares 0 to .30, whose middle is .15."""
    column = np.concatenate([np.full(31, 0.2), np.linspace(0.3, 0.9, 70)])
    raw = np.tile(column[:, None], 6)
    raw[:, DISTANCE_COLUMNS] = 1 - raw[:, DISTANCE_COLUMNS]
    fused = fuse_scores(raw, "quantile", 101, EQUAL)
    np.testing.assert_allclose(fused.pmos[:31], 0.15, atol=1e-9)
    np.testing.assert_allclose(fused.pmos[31:], np.arange(31, 101) / 100, atol=1e-9)
    np.testing.assert_allclose(fused.agreement, 0, atol=1e-9)


def test_tied_scores_at_the_upper_end_get_the_middle_too_but_those_of_equal_images_the_top() -> None:
    for highest, share in ((0.9, 0.905), (1.0, 1.0)):
        column = np.concatenate([np.linspace(0.1, 0.8, 81), np.full(20, highest)])[:, None]
        mapped = map_quantiles(column, np.quantile(column, np.linspace(0, 1, 101), axis=0))
        np.testing.assert_allclose(mapped[81:], share)
        np.testing.assert_allclose(mapped[:81, 0], np.arange(81) / 100, atol=1e-9)


@pytest.mark.parametrize("fusion", ["quantile", "mean", "calibrated"])
def test_undistorted_images_have_the_best_label(fusion: str) -> None:
    """A fortieth of a corpus; its metrics agree, and its label is 1, or the top of the curves."""
    raw = np.concatenate([scores(1000), np.tile([1.0, 1.0, 0.0, 1.0, 1.0, 0.0], (25, 1))])
    calibration = read_calibration(2)
    assert calibration is not None
    known = calibration.plain()
    weights = known["weights"] if fusion == "calibrated" else EQUAL | {"ssim": 0, "fsim": 0.3}
    curves = {"dataset": "x", "curves": known["curves"]} if fusion == "calibrated" else None
    fused = fuse_scores(raw, fusion, 1001, weights, curves)
    best = fused.pmos[1000:]
    assert (best > fused.pmos[:1000].max()).all()
    if fusion == "calibrated":
        assert len(set(best)) == 1
        assert 0.8 < best[0] < 1
    else:
        np.testing.assert_allclose(best, 1, atol=1e-15)
        np.testing.assert_allclose(fused.agreement[1000:], 0, atol=1e-15)


def test_a_corpus_of_one_or_of_equal_images_is_in_the_middle() -> None:
    for count in (1, 5):
        fused = fuse_scores(np.tile(scores(1), (count, 1)), "quantile", 1001, EQUAL)
        np.testing.assert_allclose(fused.pmos, 0.5)
        np.testing.assert_allclose(fused.agreement, 0, atol=1e-15)


@settings(deadline=None)
@given(
    raw=arrays(
        np.float64, st.tuples(st.integers(1, 30), st.just(6)), elements=st.sampled_from(np.linspace(0, 1, 21))
    ),
    knots=st.integers(2, 40),
)
def test_an_image_that_no_metric_ranks_lower_has_no_lower_label(raw: np.ndarray, knots: int) -> None:
    for fusion in ("quantile", "mean"):
        fused = fuse_scores(raw, fusion, knots, EQUAL)
        oriented = orient(raw)
        assert ((fused.pmos >= 0) & (fused.pmos <= 1)).all()
        for i in range(len(raw)):
            no_lower = (oriented >= oriented[i]).all(axis=1)
            assert (fused.pmos[no_lower] >= fused.pmos[i] - 1e-12).all()


@settings(deadline=None)
@given(order=st.permutations(range(20)))
def test_the_order_of_the_images_does_not_matter(order: list[int]) -> None:
    raw = scores(20)
    np.testing.assert_array_equal(
        fuse_scores(raw[order], "quantile", 11, EQUAL).pmos,
        fuse_scores(raw, "quantile", 11, EQUAL).pmos[order],
    )


def test_a_monotone_change_of_a_metric_hardly_matters_to_the_quantile_fusion() -> None:
    raw = scores(101)
    changed = raw.copy()
    changed[:, 0] = changed[:, 0] ** 3
    changed[:, 5] = np.sqrt(changed[:, 5])
    np.testing.assert_allclose(
        fuse_scores(changed, "quantile", 101, EQUAL).pmos,
        fuse_scores(raw, "quantile", 101, EQUAL).pmos,
        atol=1e-9,
    )
    assert (
        np.abs(
            fuse_scores(changed, "mean", 101, EQUAL).pmos - fuse_scores(raw, "mean", 101, EQUAL).pmos
        ).max()
        > 0.05
    )


def test_the_saved_mapping_gives_the_labels_again() -> None:
    raw = np.round(scores(300), 2)  # with ties
    fused = fuse_scores(raw, "quantile", 101, EQUAL)
    mapping = json.loads(json.dumps(fused.mapping))
    assert list(mapping["knots"]) == list(METRICS)
    mapped = []
    for i, name in enumerate(METRICS):
        oriented = 1 - raw[:, i] if name in mapping["distances"] else raw[:, i]
        knots = np.array(mapping["knots"][name])
        assert len(knots) == 101
        shares = {value: np.mean(np.linspace(0, 1, 101)[knots == value]) for value in knots}
        shares |= {1.0: 1.0} if knots[-1] == 1 else {}
        mapped.append(np.interp(oriented, list(shares), list(shares.values())))
    np.testing.assert_allclose(np.mean(mapped, axis=0), fused.pmos, atol=1e-12)
    np.testing.assert_allclose(np.std(mapped, axis=0), fused.agreement, atol=1e-12)


def test_an_empty_corpus_is_told() -> None:
    with pytest.raises(MosforgeError, match="the corpus is empty"):
        fuse_scores(np.empty((0, 6)), "mean", 3, EQUAL)


def test_weights_are_relative_and_leave_metrics_out() -> None:
    raw = scores(300)
    mapped = map_quantiles(orient(raw), quantile_knots(orient(raw), 101))
    weights = {"ssim": 0, "ms_ssim": 0, "mdsi": 4, "vsi": 2, "fsim": 0, "gmsd": 2}
    fused = fuse_scores(raw, "quantile", 101, weights)
    repeated = mapped[:, [2, 2, 3, 5]]  # MDSI twice
    np.testing.assert_allclose(fused.pmos, repeated.mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(fused.agreement, repeated.std(axis=1), atol=1e-12)
    assert fused.mapping["weights"] == weights
    only = fuse_scores(raw, "mean", 11, {**dict.fromkeys(METRICS, 0), "vsi": 0.1})
    np.testing.assert_allclose(only.pmos, raw[:, 3], rtol=1e-14)
    np.testing.assert_allclose(only.agreement, 0, atol=1e-15)
