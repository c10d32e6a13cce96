"""The rule `probe`: scores from frozen features, by a ridge regression or by the pretraining itself."""

import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mosforge.core.errors import MosforgeError
from mosforge.core.runs import PROBE
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.schemas.targets import FEATURES
from mosforge.core.tables import Frame, read_table
from mosforge.evaluation.settings import CompareSettings
from mosforge.evaluation.tested import rows_of_images, tested_images, write_predictions
from mosforge.statistics.ridge import fit_ridge

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]


def probe(
    test_dataset: Path,
    test_features: list[Path],
    features: list[Path],
    test_split: Path | None = None,
    split: Path | None = None,
    dataset: Path | None = None,
    *,
    output: Path,
    cfg: CompareSettings,
) -> None:
    """Scores the test images from the features of a frozen network.

    With the adaptation `probe` a ridge regression is fitted to the training and the validation part of the
    split; scores that the networks learned in pretraining take part in it without a penalty. With `none` no
    given score is used: the score is that of the pretraining.

    Args:
        test_dataset: the table of the dataset that is tested on (artefact `dataset`).
        test_features: its features, of one network or of several side by side (artefact `features`).
        features: only for a probe, those of the dataset that it is fitted to, in the same order.
        test_split: the split of that dataset whose part `test` is scored; without it, all images are scored.
        split: only for a probe, the split whose training and validation part it is fitted to.
        dataset: only for a probe, the table of the dataset that it is fitted to.
        output: a row for each image, Parquet (artefact `predictions`).
        cfg: the run.

    Raises:
        MosforgeError: an image has no features, there is no image to test or fewer than two contents to fit
            to, or the network has no score of its own.
    """
    rows = tested_images(cfg, test_dataset, test_split)
    if cfg.adaptation != PROBE:
        predictions, spreads = _own_scores(rows, test_features[0])
    elif dataset and split and features:
        predictions = _probe(cfg, rows, test_features, dataset, split, features)
        spreads = np.zeros(len(rows))
    else:
        raise MosforgeError("a probe is trained: give --dataset, --split and --features")
    write_predictions(output, rows, predictions, spreads, cfg)


def _own_scores(rows: Frame, file: Path) -> tuple[Floats, Floats]:
    """The scores of the pretraining, and their spreads over crops."""
    table = rows_of_images(rows, file, FEATURES)
    if table["score"].isna().any():
        raise MosforgeError(f"{file}: this network has no score of its own; it needs an adaptation")
    return table["score"].to_numpy(np.float64), table["spread"].to_numpy(np.float64)


def _probe(
    cfg: CompareSettings,
    rows: Frame,
    test_features: list[Path],
    dataset: Path,
    split: Path,
    features: list[Path],
) -> Floats:
    """The predictions of a ridge regression for the test images."""
    parts = read_table(split, SPLIT)
    fitted = parts.loc[parts["part"].isin(["train", "validation"]), ["image", "content"]]
    training = read_table(dataset, DATASET).merge(fitted, on="image", validate="one_to_one")
    if training["content"].nunique() < 2:
        raise MosforgeError(f"{cfg.dataset}: split {cfg.split} has fewer than two contents to fit a probe to")
    vectors, scores = _seen(training, features)
    quality, contents = training["quality"].to_numpy(np.float64), training["content"].tolist()
    ridge = fit_ridge(vectors, quality, contents, scores)
    log.info(
        "strength %.3g, fitted to %d images; factors of the networks' own scores: %s",
        *(ridge.strength, len(training), ", ".join(f"{factor:.3g}" for factor in ridge.factors) or "none"),
    )
    return ridge.predict(*_seen(rows, test_features))


def _seen(rows: Frame, files: list[Path]) -> tuple[Floats, Floats]:
    """The features of images, in their order, of several networks side by side, and the scores of some.

    Returns:
        Shapes (n, width) and (n, networks that have learned a score).
    """
    tables = [rows_of_images(rows, file, FEATURES) for file in files]
    vectors = np.hstack([np.stack(table["features"].tolist()) for table in tables]).astype(float)
    scores = [table["score"].to_numpy(np.float64) for table in tables if table["score"].notna().all()]
    return vectors, np.stack(scores, axis=1) if scores else np.empty((len(rows), 0))
