"""From the correlations of single splits to those of models: medians, quartiles, the split that is shown."""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from mosforge.core.runs import NO_NETWORK
from mosforge.core.schemas.correlations import MEASURES
from mosforge.report.words import BOTH, methods
from mosforge.statistics.repetitions import with_training_noise

MODEL = ("dataset", "backbone", "initialisation", "test_dataset", "adaptation")
"""The columns that identify a row of a summary: all keys of a run but the split and the seed."""

AVERAGED = (*MEASURES, *(f"clean_{measure}" for measure in MEASURES))
"""The measures whose means over the trainings of a split count."""

_MAPPINGS = ("none", "falling", "logistic")
"""Values of the column `mapping`, what must be said first."""


def summarise(correlations: pd.DataFrame) -> pd.DataFrame:
    """Median, quartiles and count over splits.

    Args:
        correlations: rows of the artefact `correlations`; repeated rows count once.

    Returns:
        A row for each `MODEL`, in the order of their first appearance, with `splits`, `trainings` (of a
        split; their means count, see `over_trainings`), `images` and `contents` (median numbers of test
        images and of their contents) and, for each measure, its median under the measure's name, its
        quartiles as MEASURE_q25 and MEASURE_q75, and as MEASURE_low and MEASURE_high the medians over splits
        of the ends of its 95% interval over test images. `unmapped` is the number of splits in which the fit
        of the logistic did not converge, `falling` that in which its curve falls. A measure that is undefined
        in one split (a constant prediction) is undefined in the summary. `clean_images` and clean_MEASURE are
        the medians over splits for the clean test images, NaN where in every split all are clean.
    """
    rows = []
    for key, group in over_trainings(correlations).groupby(list(MODEL), sort=False):
        row: dict[str, object] = dict(zip(MODEL, key, strict=True))
        row |= {
            "splits": len(group),
            "trainings": int(group["trainings"].max()),
            **{name: round(float(np.median(group[name]))) for name in ("images", "contents")},
        }
        for measure in MEASURES:
            low, middle, high = np.percentile(group[measure].to_numpy(dtype=float), [25, 50, 75])
            row |= {measure: middle, f"{measure}_q25": low, f"{measure}_q75": high}
            for end in ("low", "high"):
                row[f"{measure}_{end}"] = np.median(group[f"{measure}_{end}"].to_numpy(dtype=float))
        row |= {
            f"clean_{name}": float(np.median(clean_values(group, name))) for name in ("images", *MEASURES)
        }
        for name, mapping in (("unmapped", "none"), ("falling", "falling")):
            row[name] = int((group["mapping"] == mapping).sum())
        rows.append(row)
    ends = ("", "_q25", "_q75", "_low", "_high")
    columns = [f"{measure}{end}" for measure in MEASURES for end in ends]
    columns += ["clean_images", *(f"clean_{measure}" for measure in MEASURES)]
    counts = ["splits", "trainings", "images", "contents"]
    return pd.DataFrame(rows, columns=[*MODEL, *counts, *columns, "unmapped", "falling"])


def over_trainings(correlations: pd.DataFrame) -> pd.DataFrame:
    """A row for each model and split: the means over its trainings, and `trainings`, how many there are.

    The ends of an interval are widened by the noise of the trainings, as far as the measure goes: that of two
    trainings may be wider than all correlations. The mapping is `none` or `falling` if it is so in one of
    them. Repeated rows count once.
    """
    rows = correlations.drop_duplicates([*MODEL, "split", "seed"]).reset_index(drop=True)
    keys = [*MODEL, "split"]
    found = rows.drop_duplicates(keys).assign(trainings=1)
    if len(found) == len(rows):
        return found
    for place, (_, group) in zip(found.index, rows.groupby(keys, sort=False), strict=True):
        found.loc[place, "trainings"] = len(group)
        for measure in (name for name in AVERAGED if name in group):
            values = group[measure].to_numpy(dtype=float)
            names = [f"{measure}_low", f"{measure}_high"]
            low, high = group[names].to_numpy(dtype=float).mean(axis=0)
            found.loc[place, measure] = values.mean()
            ends = with_training_noise((low, high), values.tolist())
            found.loc[place, names] = np.clip(ends, *_bounds(measure))
        mappings = set(group["mapping"])
        found.loc[place, "mapping"] = next(name for name in _MAPPINGS if name in mappings)
    return found


def _bounds(measure: str) -> tuple[float, float]:
    """The least and the greatest value that a measure can have."""
    return (0.0, math.inf) if measure.endswith("rmse") else (-1.0, 1.0)


def clean_values(splits: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    """A column of `correlations` for the clean test images; a split of clean images only counts as it is.

    Returns:
        A value a split; all NaN where there is nothing to say: in every split all test images are clean, or
        contents were not compared.
    """
    all_clean = splits["clean_images"] == splits["images"]
    values = splits[f"clean_{name}"].astype(float).where(~all_clean, splits[name].astype(float))
    if all_clean.all() or splits["clean_images"].isna().any():
        values = values * math.nan
    return np.asarray(values, np.float64)


def of_networks(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows whose predictions a network made."""
    return rows[rows["backbone"] != NO_NETWORK]


def per_split(correlations: pd.DataFrame) -> pd.DataFrame:
    """The rows of `correlations`, each once, with their `method`; of each model the official split first."""
    rows = correlations.drop_duplicates([*MODEL, "split", "seed"])
    rows = rows.assign(method=methods(rows))
    return rows.sort_values("split", key=lambda split: split != "official", kind="stable")


def within_datasets(correlations: pd.DataFrame) -> pd.DataFrame:
    """The rows of networks tested on their own dataset, of one split a dataset, the same for all of them.

    That is the first of the splits that most of them have; of several trainings of it the first.
    """
    rows = of_networks(correlations[correlations["dataset"] == correlations["test_dataset"]])
    rows = rows.drop_duplicates([*MODEL, "split"])
    return rows[rows["split"] == rows.groupby("dataset")["split"].transform(lambda names: names.mode()[0])]


def across_datasets(correlations: pd.DataFrame) -> pd.DataFrame:
    """For each pair of datasets, the row of one network: CLS+REG if there is one, else the first."""
    rows = of_networks(correlations[correlations["dataset"] != correlations["test_dataset"]])
    other = pd.Series(methods(rows), rows.index).ne(BOTH)
    first = rows.assign(other=other).sort_values("other", kind="stable")
    return rows.loc[first.drop_duplicates(["dataset", "test_dataset"]).sort_index().index]
