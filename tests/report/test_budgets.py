"""SROCC against the number of ratings: the curves, the numbers behind them, and the gains of each number."""

import pandas as pd
import pytest
from rows import measured, no_predictions

from mosforge.core.runs import Run
from mosforge.report.artefacts import of_all_ratings
from mosforge.report.budgets import budget_grids, by_method, gains_by_budget
from mosforge.report.figures import budget_curves

SROCCS = {
    ("net", "imagenet", "finetune"): {"25": 0.3, "100": 0.5, "": 0.8},
    ("net", "big-multitask", "probe"): {"25": 0.5, "100": 0.6, "": 0.7},
    ("net", "big-multitask", "none"): {"": 0.55},
    ("none", "brisque", "none"): {"25": 0.1, "100": 0.2, "": 0.4},
    ("none", "psnr", "none"): {"": 0.45},
}


@pytest.fixture
def rows() -> pd.DataFrame:
    """Two splits, whose SROCC differ by .1; all models at two numbers of ratings, and at all."""
    found = []
    for (backbone, start, adaptation), values in SROCCS.items():
        for budget, srocc in values.items():
            for split, more in (("1", 0.0), ("2", 0.1)):
                name = f"{split}-{budget}" if budget else split
                run = Run("own", name, backbone, start, "own", adaptation=adaptation)
                found.append({**measured(run, srocc + more), "contents": 20, "other_contents": 80})
    return pd.DataFrame(found)


def test_a_line_is_the_median_over_the_splits_of_each_number(rows: pd.DataFrame) -> None:
    found = by_method(rows).set_index(["method", "ratings"])["srocc"]
    assert found["FT"].to_dict() == pytest.approx({"25": 0.35, "100": 0.55, "all": 0.85})
    assert found["CLS+REG, probe"].to_dict() == pytest.approx({"25": 0.55, "100": 0.65, "all": 0.75})
    assert found["CLS+REG, zero-shot"].to_dict() == pytest.approx(dict.fromkeys(("25", "100", "all"), 0.6))
    assert found["BRISQUE"].to_dict() == pytest.approx({"25": 0.15, "100": 0.25, "all": 0.45})
    assert "PSNR" not in found.index, "it uses no rating at all"


def test_the_figure_has_a_line_a_method_and_the_grid_its_numbers(rows: pd.DataFrame) -> None:
    (figure,) = budget_curves("mine", by_method(rows), ["own"])
    assert figure.name == "ratings-mine-own-net"
    for word in ("FT", "CLS+REG, probe", "CLS+REG, zero-shot", "BRISQUE", ">25<", ">all<", "rated images"):
        assert word in figure.svg.decode().replace("> ", ">"), word
    assert "2 splits" in figure.caption
    assert "proxy scores" in figure.caption
    (grid,) = budget_grids("mine", by_method(rows), [])
    assert [cell.text for cell in grid.head[1:]] == ["25", "100", "all"]
    first = grid.rows[""][0]
    assert [cell.text for cell in first] == ["FT", "0.350", "0.550", "0.850"]
    assert list(first[1].small) == ["splits 0.325 to 0.375"]


def test_gains_compare_what_had_the_same_number_of_ratings(rows: pd.DataFrame) -> None:
    found = gains_by_budget("mine", rows, no_predictions)
    probes = found[(found["method"] == "CLS+REG, probe") & (found["against"] == "FT")]
    assert dict(zip(probes["ratings"], probes["difference"], strict=True)) == pytest.approx(
        {"25": 0.2, "100": 0.1, "all": -0.1}
    )
    assert set(probes["splits"]) == {2}


def test_without_a_row_there_is_no_gain_of_any_number(rows: pd.DataFrame) -> None:
    found = gains_by_budget("mine", rows.head(0), no_predictions)
    assert found.empty
    assert "ratings" in found


def test_the_other_tables_are_those_of_all_ratings(rows: pd.DataFrame) -> None:
    assert set(of_all_ratings(rows)["split"]) == {"1", "2"}
    assert len(of_all_ratings(rows)) == 2 * len(SROCCS)
