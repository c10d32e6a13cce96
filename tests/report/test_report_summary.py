"""Medians, weighted means, paired differences and intervals, against numpy, scipy and hand calculation."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mosforge.report.artefacts import typical_split
from mosforge.report.figures import bars
from mosforge.report.sections import findings
from mosforge.report.summary import (
    method_of,
    number,
    paired_differences,
    standard_error,
    summarise,
    weighted_mean,
)
from mosforge.tables import MEASURES


def correlations(values: dict[tuple[str, str], list[float]], dataset: str = "own") -> pd.DataFrame:
    """Rows for (backbone, initialisation) -> SROCC of each split; the other measures follow it."""
    return pd.DataFrame(
        [
            {
                "dataset": dataset,
                "split": str(split),
                "backbone": backbone,
                "initialisation": start,
                "test_dataset": dataset,
                "images": 100 + split,
                **{measure: srocc - 0.01 * place for place, measure in enumerate(MEASURES)},
                **{f"{measure}_low": srocc - 0.1 for measure in MEASURES},
                **{f"{measure}_high": srocc + 0.1 for measure in MEASURES},
                "mapping": "none" if split == 1 else "logistic",
            }
            for (backbone, start), sroccs in values.items()
            for split, srocc in enumerate(sroccs)
        ]
    )


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=12))
def test_a_summary_holds_numpys_own_medians_and_quartiles(values: list[float]) -> None:
    row = summarise(correlations({("net", "imagenet"): values})).iloc[0]
    for place, measure in enumerate(MEASURES):
        wanted = np.array(values) - 0.01 * place
        assert row[measure] == pytest.approx(np.median(wanted))
        assert row[f"{measure}_q25"] == pytest.approx(np.quantile(wanted, 0.25))
        assert row[f"{measure}_q75"] == pytest.approx(np.quantile(wanted, 0.75))
        assert row[f"{measure}_low"] == pytest.approx(np.median(values) - 0.1)
        assert row[f"{measure}_high"] == pytest.approx(np.median(values) + 0.1)
    assert row["splits"] == len(values)
    assert row["unmapped"] == min(len(values) - 1, 1)


def test_a_run_that_two_experiments_share_counts_once() -> None:
    table = correlations({("net", "imagenet"): [0.5, 0.7]})
    assert summarise(pd.concat([table, table]))["splits"].tolist() == [2]


def test_an_undefined_correlation_is_not_passed_over() -> None:
    row = summarise(correlations({("net", "imagenet"): [0.5, math.nan, 0.7]})).iloc[0]
    assert math.isnan(row["srocc"])
    assert number(row["srocc"]) == "–"


def test_weighted_mean_by_hand() -> None:
    sizes = {"live": 779, "csiq": 866, "tid2013": 3000}
    values = {"live": 0.976, "csiq": 0.942, "tid2013": 0.895}
    by_hand = (0.976 * 779 + 0.942 * 866 + 0.895 * 3000) / 4645
    assert weighted_mean(values, sizes) == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("initialisation", "name"),
    [
        ("imagenet", "FT"),
        ("synthetic-cls", "CLS"),
        ("my-own-corpus-reg", "REG"),
        ("authentic-multitask", "CLS+REG"),
        ("synthetic-rank", "RANK"),
        ("psnr", "PSNR"),
        ("fsim", "FSIMc"),
        ("brisque", "BRISQUE"),
    ],
)
def test_names_of_methods(initialisation: str, name: str) -> None:
    assert method_of(initialisation) == name


def test_paired_differences_are_scipys_t_interval() -> None:
    base, other = [0.80, 0.70, 0.75, 0.90], [0.82, 0.75, 0.74, 0.93]
    table = correlations({("net", "imagenet"): base, ("net", "tiles-cls"): other})
    row = paired_differences(table).iloc[0]
    interval = stats.ttest_rel(other, base).confidence_interval(0.95)
    assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
    assert row["difference"] == pytest.approx(0.0225)


def test_one_split_has_a_difference_but_no_interval() -> None:
    row = paired_differences(correlations({("net", "imagenet"): [0.8], ("net", "t-reg"): [0.9]})).iloc[0]
    assert row["difference"] == pytest.approx(0.1)
    assert math.isnan(row["low"])


def test_standard_error_agrees_with_simulated_rank_correlations() -> None:
    draws = np.random.default_rng(1)
    first = draws.normal(size=(2000, 200))
    second = 0.8 * first + 0.6 * draws.normal(size=(2000, 200))
    found = [stats.spearmanr(a, b)[0] for a, b in zip(first, second, strict=True)]
    assert standard_error(float(np.mean(found)), 200) == pytest.approx(float(np.std(found)), rel=0.1)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.8155, "0.816"), (-0.1234, "−0.123"), (-0.0001, "0.000"), (math.nan, "–"), (None, "–")],
)
def test_numbers_for_people(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("other", "shown"), [(0.74, False), (0.90, True)])
def test_a_finding_within_chance_says_so(other: float, shown: bool) -> None:
    """With some 100 images, chance moves an SROCC of .7 by about .06."""
    table = summarise(correlations({("net", "imagenet"): [0.7], ("net", "synthetic-cls"): [other]}))
    (sentence,) = findings(table, ())
    assert f"SROCC 0.700 from ImageNet weights alone, {other:.3f} after CLS pretraining" in sentence
    assert ("no difference is shown" not in sentence) == shown


@pytest.mark.parametrize(
    ("sroccs", "split"),
    [([0.1, 0.7, 0.5], "2"), ([math.nan, 0.7, 0.6, 0.5], "2"), ([math.nan, math.nan], "0")],
)
def test_the_typical_split_is_at_the_median(sroccs: list[float], split: str) -> None:
    (chosen,) = typical_split(correlations({("net", "imagenet"): sroccs})).to_dict("records")
    assert chosen["split"] == split


@pytest.mark.parametrize("others", [[], [("net", "CLS", 0.5), ("net", "REG", -0.2)]])
def test_a_model_without_a_correlation_has_no_bar(others: list[tuple[str, str, float]]) -> None:
    rows = [("net", "FT", math.nan), *others]
    drawn = bars(rows, {("net", "FT"): (math.nan, math.nan)}, name="bars", caption="")
    assert "<svg" in drawn.inline
