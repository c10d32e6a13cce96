"""The rule `compare`: baselines without a network (a metric, or BRISQUE) score the test images."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mosforge.core.errors import MosforgeError
from mosforge.core.runs import BRISQUE
from mosforge.core.schemas.metrics import DISTANCES, METRICS
from mosforge.core.schemas.targets import BRISQUE_FEATURES, TARGET_SCORES
from mosforge.core.tables import Frame, read_table
from mosforge.evaluation.scores import own_scores, training_part
from mosforge.evaluation.settings import CompareSettings
from mosforge.evaluation.tested import rows_of_images, tested_images, write_predictions

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]

FULL_REFERENCE = (*METRICS, "psnr")

FEATURES = 36
"""The number of BRISQUE's features."""


def compare(
    test_dataset: Path,
    test_scores: Path,
    test_split: Path | None = None,
    split: Path | None = None,
    dataset: Path | None = None,
    scores: Path | None = None,
    *,
    output: Path,
    cfg: CompareSettings,
) -> None:
    """Scores the test images with a baseline that has no network.

    A full-reference metric needs no training: its prediction is its score in its own unit, or minus its score
    where that is a distance. BRISQUE's regression is fitted only to the training part of the split. Of a
    user's scores the training part says whether they count as they are or with their sign turned.

    Args:
        test_dataset: the table of the dataset that is tested on (artefact `dataset`).
        test_scores: the metrics of its images (artefact `targets`); for BRISQUE its features (`brisque`);
            else the user's CSV of scores.
        test_split: the split of that dataset whose part `test` is scored; without it, all images are scored.
        split: for BRISQUE and a user's scores, the split whose part `train` is learned from.
        dataset: for both, the table of the dataset that is trained on.
        scores: only for BRISQUE, the features of that dataset.
        output: a row for each image, Parquet (artefact `predictions`).
        cfg: the run; `initialisation` is the name of the measure.

    Raises:
        MosforgeError: an image has no features, or there is no image to train or to test on.
    """
    rows = tested_images(cfg, test_dataset, test_split)
    if cfg.initialisation in FULL_REFERENCE:
        rows, predictions = _full_reference(cfg, rows, test_scores)
    elif cfg.initialisation != BRISQUE:
        if not (dataset and split):
            raise MosforgeError(
                f"{cfg.initialisation}: give --dataset and --split, whose part train it needs"
            )
        training = training_part(dataset, split)
        predictions = own_scores(test_scores, cfg.initialisation, cfg.test_dataset, rows, training)
    elif dataset and split and scores:
        predictions = _brisque(cfg, rows, test_scores, dataset, split, scores)
    else:
        raise MosforgeError("brisque is trained: give --dataset, --split and --scores")
    write_predictions(output, rows, predictions, 0.0, cfg)


def _full_reference(cfg: CompareSettings, rows: Frame, scores: Path) -> tuple[Frame, Floats]:
    """The test images that have a score, and their predictions."""
    metric = cfg.initialisation
    table = read_table(scores, TARGET_SCORES).set_index("image")[metric]
    scored = rows[rows["image"].isin(table.index)]
    if len(scored) < len(rows):
        log.warning(
            "%s on %s, split %s: %d of %d test images have a reference image that it can compare",
            *(metric, cfg.test_dataset, cfg.split, len(scored), len(rows)),
        )
    found = table.loc[scored["image"]].to_numpy(np.float64)
    return scored, -found if metric in DISTANCES else found


def _brisque(
    cfg: CompareSettings, rows: Frame, test_scores: Path, dataset: Path, split: Path, scores: Path
) -> Floats:
    """The predictions of BRISQUE for the test images."""
    training = training_part(dataset, split)
    features, test_features = _features(training, scores), _features(rows, test_scores)
    if len(training) < 2 or np.isnan(features).all():
        raise MosforgeError(f"{cfg.dataset}: split {cfg.split} has no training image for BRISQUE")
    return regress(features, training["quality"].to_numpy(), test_features)


def _features(rows: Frame, file: Path) -> Floats:
    """BRISQUE's features of images, in their order, shape (n, 36); NaN where an image has none."""
    found = rows_of_images(rows, file, BRISQUE_FEATURES)["features"]
    none = np.full(FEATURES, np.nan)
    return np.array([none if row is None else row for row in found])


def regress(training: Floats, quality: Floats, test: Floats) -> Floats:
    """Qualities of test images from BRISQUE's regression, fitted to training images.

    Args:
        training: features, shape (n, 36); a row of NaN where there are none.
        quality: given qualities on [0, 1], shape (n,).
        test: features, shape (m, 36).

    Returns:
        Shape (m,).
    """
    predicted: Floats = regression().fit(training, quality).predict(test)
    return predicted


def regression() -> "Pipeline":
    """A support vector regression with its authors' kernel, from features in [-1, 1] to quality in [0, 1].

    An image without features gets the means of the training part.
    """
    # seconds to import, and the metrics need none of it
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler
    from sklearn.svm import SVR

    # libsvm -s 3 -g 0.05 -c 1024 is the authors' call for scores from 0 to 100: for scores from 0 to 1
    # both the cost and the tolerance of an error shrink with the scores
    scaled = SVR(kernel="rbf", gamma=0.05, C=10.24, epsilon=0.001)
    return make_pipeline(SimpleImputer(), MinMaxScaler((-1, 1)), scaled)
