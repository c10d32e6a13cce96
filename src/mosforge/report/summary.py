"""From correlations of single splits to the numbers of a table: medians, spreads, weighted means."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mosforge.core.schemas.correlations import MEASURES
from mosforge.report.published import AVERAGE

MEASURE_NAMES = {
    "srocc": "SROCC",
    "krocc": "KROCC",
    "plcc": "PLCC",
    "plcc_mapped": "PLCC mapped",
    "rmse": "RMSE",
}

MODEL = ("dataset", "backbone", "initialisation", "test_dataset")
"""What identifies a row of a summary: everything but the split."""


def summarise(correlations: pd.DataFrame) -> pd.DataFrame:
    """Median, quartiles and count over splits.

    Args:
        correlations: rows of the artefact `correlations`; repeated rows count once.

    Returns:
        A row for each (dataset, backbone, initialisation, test_dataset), in the order of their first
        appearance, with `splits`, `images` (median number of test images) and, for each measure, its
        median under the measure's name, its quartiles as MEASURE_q25 and MEASURE_q75, and as MEASURE_low
        and MEASURE_high the medians over splits of the ends of its 95% interval over test images.
        `unmapped` is the number of splits in which the logistic did not converge. A measure that is
        undefined in one split (a constant prediction) is undefined in the summary.
    """
    single = correlations.drop_duplicates([*MODEL, "split"])
    rows = []
    for key, group in single.groupby(list(MODEL), sort=False):
        row: dict[str, object] = dict(zip(MODEL, key, strict=True))
        row |= {"splits": len(group), "images": round(float(np.median(group["images"])))}
        for measure in MEASURES:
            low, middle, high = np.percentile(group[measure].to_numpy(dtype=float), [25, 50, 75])
            row |= {measure: middle, f"{measure}_q25": low, f"{measure}_q75": high}
            for end in ("low", "high"):
                row[f"{measure}_{end}"] = np.median(group[f"{measure}_{end}"].to_numpy(dtype=float))
        row["unmapped"] = int((group["mapping"] == "none").sum())
        rows.append(row)
    ends = ("", "_q25", "_q75", "_low", "_high")
    columns = [f"{measure}{end}" for measure in MEASURES for end in ends]
    return pd.DataFrame(rows, columns=[*MODEL, "splits", "images", *columns, "unmapped"])


def weighted_mean(values: Mapping[str, float], sizes: Mapping[str, int]) -> float:
    """The mean over datasets, weighted by their number of images (last column of the paper's Table 1).

    Args:
        values: dataset -> value.
        sizes: dataset -> number of images, for all of them.
    """
    names = list(values)
    return float(np.average([values[name] for name in names], weights=[sizes[name] for name in names]))


def standard_error(correlation: float, images: int) -> float:
    """The standard error of a rank correlation that is measured on so many images.

    The approximation of Bonett and Wright (Psychometrika 65(1), 2000) for Spearman's correlation, brought
    back from Fisher's z to the correlation itself.
    """
    if images < 4:
        return float("nan")
    return (1 - correlation**2) * float(np.sqrt((1 + correlation**2 / 2) / (images - 3)))


def pair_words(train: str, test: str) -> str:
    """A training and a test dataset for people: `live → csiq`, or the one dataset that is both."""
    if test == AVERAGE:
        return "weighted average"
    return test if train == test else f"{train} → {test}"


def number(value: float | None, digits: int = 3) -> str:
    """A number for people: `0.816`, with a true minus sign, or an en dash where there is none."""
    if value is None or not np.isfinite(value):
        return "–"
    text = f"{value:.{digits}f}"
    return "−" + text[1:] if text.startswith("-") and float(text) != 0 else text.lstrip("-")


def signed(value: float) -> str:
    """A difference for people: `+0.012`, `−0.003`, or `0.000` without a sign."""
    text = number(value)
    return f"+{text}" if value > 0 and float(text) != 0 else text


def interval(low: float, high: float) -> str:
    """An interval for people: `0.810 to 0.818`."""
    return f"{number(low)} to {number(high)}"
