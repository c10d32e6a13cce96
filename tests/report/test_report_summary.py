"""Medians, weighted means, standard errors and names, against numpy, scipy and hand calculation."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import correlations, crossed
from scipy import stats

from mosforge.core.schemas.correlations import MEASURES
from mosforge.report.artefacts import typical_split
from mosforge.report.figures import Bar, bars
from mosforge.report.methods import method_names, method_of
from mosforge.report.summary import number, signed, standard_error, summarise, weighted_mean


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


def test_a_corpus_is_in_the_name_where_an_objective_has_several() -> None:
    starts = ("imagenet", "big-multitask", "tiles-multitask", "tiles-cls")
    rows = correlations({("net", start): [0.5] for start in starts})
    assert method_names(rows) == {
        "imagenet": "FT",
        "big-multitask": "CLS+REG from big",
        "tiles-multitask": "CLS+REG from tiles",
        "tiles-cls": "CLS",
    }
    # each dataset has a corpus of its own: one method, and one name
    own = {("live", "livec", "net", "tiles-multitask"): 0.5, ("livec", "live", "net", "big-multitask"): 0.4}
    assert set(method_names(crossed(own)).values()) == {"CLS+REG"}


def test_standard_error_agrees_with_simulated_rank_correlations() -> None:
    draws = np.random.default_rng(1)
    first = draws.normal(size=(600, 200))
    second = 0.8 * first + 0.6 * draws.normal(size=(600, 200))
    found = [stats.spearmanr(a, b)[0] for a, b in zip(first, second, strict=True)]
    assert standard_error(float(np.mean(found)), 200) == pytest.approx(float(np.std(found)), rel=0.1)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.8155, "0.816"), (-0.1234, "−0.123"), (-0.0001, "0.000"), (math.nan, "–"), (None, "–")],
)
def test_numbers_for_people(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123, "+0.012"), (-0.0123, "−0.012"), (0.0001, "0.000"), (math.nan, "–")]
)
def test_differences_for_people(value: float, text: str) -> None:
    assert signed(value) == text


@pytest.mark.parametrize(
    ("sroccs", "split"),
    [([0.1, 0.7, 0.5], "2"), ([math.nan, 0.7, 0.6, 0.5], "2"), ([math.nan, math.nan], "0")],
)
def test_the_typical_split_is_at_the_median(sroccs: list[float], split: str) -> None:
    (chosen,) = typical_split(correlations({("net", "imagenet"): sroccs})).to_dict("records")
    assert chosen["split"] == split


@pytest.mark.parametrize("others", [[], [0.5, -0.2]])
def test_a_model_without_a_correlation_has_no_bar(others: list[float]) -> None:
    nothing = (math.nan, math.nan)
    rows = [Bar("net", "FT", value, nothing, nothing) for value in (math.nan, *others)]
    assert "<svg" in bars(rows, name="bars", caption="").inline
