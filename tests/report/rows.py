"""Rows of `correlations` for tests that need no images."""

import math

import pandas as pd

from mosforge.core.runs import Run
from mosforge.core.schemas.correlations import MEASURES


def measured(run: Run, srocc: float, images: int = 100, mapping: str = "logistic") -> dict[str, object]:
    """A row; the other measures follow the SROCC, each .01 lower than the one before."""
    values = {measure: srocc - 0.01 * place for place, measure in enumerate(MEASURES)}
    return {
        **run._asdict(),
        "images": images,
        "contents": images // 2,
        "other_contents": 2 * images,
        **values,
        **{f"{measure}_low": srocc - 0.1 for measure in MEASURES},
        **{f"{measure}_high": srocc + 0.1 for measure in MEASURES},
        "mapping": mapping,
        "clean_images": images,
        **{f"clean_{measure}{end}": math.nan for measure in MEASURES for end in ("", "_low", "_high")},
    }


def correlations(values: dict[tuple[str, str], list[float]], dataset: str = "own") -> pd.DataFrame:
    """Rows for (backbone, initialisation) -> SROCC of each split, within a dataset."""
    return pd.DataFrame(
        [
            measured(
                Run(dataset, str(split), backbone, start, dataset),
                srocc,
                images=100 + split,
                mapping="none" if split == 1 else "logistic",
            )
            for (backbone, start), sroccs in values.items()
            for split, srocc in enumerate(sroccs)
        ]
    )


def crossed(values: dict[tuple[str, str, str, str], float]) -> pd.DataFrame:
    """Rows for (trained on, tested on, backbone, initialisation) -> SROCC."""
    return pd.DataFrame(
        [
            measured(Run(train, "full", backbone, start, test), srocc)
            for (train, test, backbone, start), srocc in values.items()
        ]
    )


def no_predictions(_: Run) -> None:
    """As if the predictions of no run were there."""
