"""Predictions of measures without a network, to stand beside those of the networks."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mosforge.core.errors import MosforgeError
from mosforge.core.measures import DISTANCES
from mosforge.core.runs import BRISQUE
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.schemas.targets import BRISQUE_FEATURES, TARGET_SCORES
from mosforge.core.tables import Frame, read_table
from mosforge.evaluation.tested import tested_rows

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]


def compared(
    run: Mapping[str, str],
    *,
    test_dataset: Path,
    test_scores: Path,
    split: Path | None = None,
    dataset: Path | None = None,
    scores: Path | None = None,
) -> Frame:
    """Scores the test pictures with the measure `run["initialisation"]` (artefact `predictions`).

    A full-reference metric needs no training: its prediction is its score, a distance backwards, in its
    own unit. BRISQUE's regression is fitted to the training part of the split and to nothing else.

    Args:
        run: values of the keys `RUN`; `initialisation` is the measure's name.
        test_dataset: normalised table of the dataset that is tested on.
        test_scores: its artefact `targets`, or for BRISQUE its artefact `brisque`.
        split: within a dataset it says which pictures are tested on; for BRISQUE also those to train on.
        dataset: for BRISQUE alone, the normalised table of the dataset that is trained on.
        scores: for BRISQUE alone, the features of that dataset.

    Raises:
        MosforgeError: a picture has no features, or there is nothing to train or to test on.
    """
    within = run["dataset"] == run["test_dataset"]
    rows = tested_rows(run, test_dataset, split if within else None)
    if run["initialisation"] != BRISQUE:
        rows, predicted = _full_reference(run, rows, test_scores)
    elif dataset and split and scores:
        predicted = _brisque(run, dataset, split, scores, rows, test_scores)
    else:
        raise MosforgeError("brisque is trained: give --dataset, --split and --scores")
    return rows[["image", "path", "mos", "quality"]].assign(**run, prediction=predicted, spread=0.0)


def _full_reference(run: Mapping[str, str], rows: Frame, scores: Path) -> tuple[Frame, Floats]:
    """The test pictures that have a score, and their predictions."""
    metric = run["initialisation"]
    table = read_table(scores, TARGET_SCORES).set_index("image")[metric]
    scored = rows[rows["image"].isin(table.index)]
    if len(scored) < len(rows):
        log.warning(
            "%s on %s, split %s: %d of %d test pictures have an undistorted picture that it can compare",
            *(metric, run["test_dataset"], run["split"], len(scored), len(rows)),
        )
    found = table.loc[scored["image"]].to_numpy(np.float64)
    return scored, -found if metric in DISTANCES else found


def _brisque(
    run: Mapping[str, str], dataset: Path, split: Path, scores: Path, rows: Frame, test_scores: Path
) -> Floats:
    from mosforge.evaluation.regression import FEATURES, predict

    parts = read_table(split, SPLIT)
    training = read_table(dataset, DATASET)
    training = training[training["image"].isin(set(parts.loc[parts["part"] == "train", "image"]))]
    matrices = []
    for part, file in ((training, scores), (rows, test_scores)):
        found = _features_of(part, file)
        matrices.append(np.array([np.full(FEATURES, np.nan) if row is None else row for row in found]))
    if len(training) < 2 or np.isnan(matrices[0]).all():
        raise MosforgeError(f"{run['dataset']}: split {run['split']} has no training picture for BRISQUE")
    return predict(matrices[0], training["quality"].to_numpy(), matrices[1])


def _features_of(rows: Frame, file: Path) -> Any:
    """The features of pictures, in their order; None where a picture has none."""
    table = read_table(file, BRISQUE_FEATURES).set_index("image")["features"]
    lost = rows.loc[~rows["image"].isin(table.index), "image"]
    if len(lost):
        raise MosforgeError(f"{file}: {lost.iloc[0]} is not in it; delete the file and run again")
    return table.loc[rows["image"]]
