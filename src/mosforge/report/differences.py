"""How much one pretraining adds to another: differences of SROCC within a split, each with its interval."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from mosforge.core.runs import Run
from mosforge.models.objectives import corpus_and_objective
from mosforge.report.methods import PLAIN, method_names, of_networks
from mosforge.report.summary import MODEL
from mosforge.statistics.intervals import interval_of_difference

Predictions = Callable[[Run], pd.DataFrame | None]
"""The predictions of a run, if they are there."""

SPLITS, IMAGES = "splits", "test images"
"""What an interval is taken over."""


@dataclass(frozen=True)
class Difference:
    """The mean SROCC of one method less that of another, over the splits that both were measured in.

    Attributes:
        train: dataset that both were fine-tuned on.
        test: dataset that both were tested on.
        backbone: of both.
        initialisation: of the one.
        method: name of the one.
        base: name of the other.
        splits: how many are shared.
        images: test images, those of the largest split.
        first: mean SROCC of the one.
        second: mean SROCC of the other.
        low: lower end of the 95% interval of their difference.
        high: upper end.
        over: what the interval is taken over: `SPLITS`, of several; `IMAGES`, of a single split's; empty
            where there is none.
    """

    train: str
    test: str
    backbone: str
    initialisation: str
    method: str
    base: str
    splits: int
    images: int
    first: float
    second: float
    low: float
    high: float
    over: str

    @property
    def value(self) -> float:
        return self.first - self.second

    @property
    def shows_nothing(self) -> bool:
        """Whether the interval holds zero."""
        return self.low <= 0 <= self.high

    @property
    def against_imagenet(self) -> bool:
        return self.base == PLAIN


def paired_differences(correlations: pd.DataFrame, predictions: Predictions) -> list[Difference]:
    """Each pretraining against ImageNet weights alone, and CLS+REG against CLS and REG of its corpus.

    Of several splits the interval is Student's t over the paired differences. Of a single one it is the
    range of 95% of the resamples of its test images, on which both models are measured alike.

    Args:
        correlations: rows of the artefact `correlations`.
        predictions: asked for the runs of what was measured in a single split.
    """
    rows = of_networks(correlations).drop_duplicates([*MODEL, "split"])
    names = method_names(correlations)
    found = []
    for (train, backbone, test), group in rows.groupby(["dataset", "backbone", "test_dataset"], sort=False):
        measured = {str(name): table.set_index("split") for name, table in group.groupby("initialisation")}
        for name, base in _pairs(list(dict.fromkeys(group["initialisation"]))):
            first, second = measured[name], measured[base]
            shared = [split for split in first.index if split in second.index]
            if not shared:
                continue
            sroccs = [table.loc[shared, "srocc"].to_numpy(dtype=float) for table in (first, second)]
            if len(shared) > 1:
                ends, over = _over_splits(sroccs[0] - sroccs[1]), SPLITS
            else:
                run = Run(str(train), shared[0], str(backbone), name, str(test))
                runs = run, run._replace(initialisation=base)
                ends, over = _over_images(*map(predictions, runs)), IMAGES
            found.append(
                Difference(
                    str(train),
                    str(test),
                    str(backbone),
                    name,
                    names[name],
                    names[base],
                    len(shared),
                    int(first.loc[shared, "images"].max()),
                    float(sroccs[0].mean()),
                    float(sroccs[1].mean()),
                    *ends,
                    over if np.isfinite(ends).all() else "",
                )
            )
    return found


def _pairs(initialisations: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Which initialisations are compared: each with ImageNet weights, then CLS+REG with its halves."""
    for name in initialisations:
        corpus, objective = corpus_and_objective(name)
        bases = [] if name == "imagenet" else ["imagenet"]
        if objective == "multitask":
            bases += [f"{corpus}-cls", f"{corpus}-reg"]
        yield from ((name, base) for base in bases if base in initialisations)


def _over_splits(gains: npt.NDArray[np.float64]) -> tuple[float, float]:
    half = stats.t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
    return float(gains.mean() - half), float(gains.mean() + half)


def _over_images(first: pd.DataFrame | None, second: pd.DataFrame | None) -> tuple[float, float]:
    """Of two models that were tested on the same images; NaN where their predictions are not there."""
    if first is None or second is None:
        return np.nan, np.nan
    # in the order in which a resample draws positions
    one, other = (table.sort_values("image").reset_index(drop=True) for table in (first, second))
    if not one["image"].equals(other["image"]):
        return np.nan, np.nan
    columns = (one["prediction"], other["prediction"], one["quality"])
    first_scores, second_scores, given = (column.to_numpy(dtype=float) for column in columns)
    # the key of `evaluation`, so that these are the resamples of the models' own intervals
    key = (str(one["test_dataset"].iloc[0]), str(one["split"].iloc[0]))
    return interval_of_difference(first_scores, second_scores, given, *key)
