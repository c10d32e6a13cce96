"""Medians, quartiles and typical splits, against numpy and scipy."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import correlations
from scipy import stats

from mosforge.core.schemas.correlations import MEASURES
from mosforge.report.summary import over_trainings, per_split, summarise, within_datasets


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


def test_the_official_split_is_first() -> None:
    rows = correlations({("net", "imagenet"): [0.5, 0.6, 0.7]})
    rows["split"] = rows["split"].replace({"1": "official"})
    assert per_split(pd.concat([rows, rows]))["split"].tolist() == ["official", "0", "2"]


def test_the_split_that_is_shown_is_the_first_that_most_models_have() -> None:
    one = correlations({("net", "imagenet"): [0.1, math.nan, 0.5]})
    assert within_datasets(one)["split"].tolist() == ["0"], "whatever its SROCC is"
    both = correlations({("net", "imagenet"): [0.1, 0.2, 0.3], ("net", "a-cls"): [0.5, 0.6, 0.7]})
    assert within_datasets(both.iloc[1:])["split"].tolist() == ["1", "1"]


def test_of_several_trainings_of_a_split_the_mean_counts_and_the_interval_is_wider() -> None:
    table = correlations({("net", "imagenet"): [0.5, 0.7]})
    again = table.assign(seed=1, srocc=table["srocc"] + 0.04, mapping="falling")
    found = over_trainings(pd.concat([table, again, again]))
    assert found["srocc"].tolist() == pytest.approx([0.52, 0.72])
    assert found["trainings"].tolist() == [2, 2]
    assert found["mapping"].tolist() == ["falling", "none"]
    half = stats.t.ppf(0.975, 1) * np.std([0, 0.04], ddof=1) / math.sqrt(2)
    assert found["srocc_low"].iloc[0] == pytest.approx(0.52 - math.hypot(0.12, half))
    row = summarise(pd.concat([table, again])).iloc[0]
    assert (row["splits"], row["trainings"], row["srocc"]) == (2, 2, pytest.approx(0.62))
    assert len(per_split(pd.concat([table, again]))) == 4


def test_an_interval_holds_only_values_that_the_measure_can_have() -> None:
    """Student's quantile of two trainings is 12.7, so that their noise may be wider than all correlations."""
    table = correlations({("net", "imagenet"): [0.5]})
    again = table.assign(seed=1, srocc=0.9, rmse=0.9)
    row = over_trainings(pd.concat([table, again])).iloc[0]
    assert (row["srocc_low"], row["srocc_high"]) == (-1.0, 1.0)
    assert row["rmse_low"] == 0.0
    assert row["rmse_high"] > 1
