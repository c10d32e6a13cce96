"""The user's own scores of images: those of any method, as a CSV with the columns `image` and `score`."""

import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from mosforge.core.csv_files import number, read_csv
from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.tables import Frame, read_table

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]


def own_scores(file: Path, method: str, dataset: str, rows: Frame, training: Frame) -> Floats:
    """Predictions from a user's scores, higher is better.

    Which way they point is found on the training part, whose given scores a method may know: where they run
    against them, their sign is turned. The test part has no say in it.

    Args:
        file: the CSV. A column `dataset`, if there is one, says which dataset an image is of.
        method: name of the method, for messages.
        dataset: name of the dataset.
        rows: the test images, with their `image`.
        training: the images of the training part, with their `image` and `quality`.

    Returns:
        Shape (n,), in the order of `rows`.

    Raises:
        MosforgeError: an image has no score, several, or one that is no finite number.
    """
    scores = read_scores(file, dataset)
    wanted = [*training["image"], *rows["image"]]
    lost = [image for image in wanted if image not in scores]
    if lost:
        raise MosforgeError(
            f"{file}: {len(lost)} of {len(wanted)} images of {dataset} have no score, the first is "
            f"{lost[0]!r}; its name must be as in the dataset"
        )
    learnt = np.array([scores[image] for image in training["image"]])
    given = training["quality"].to_numpy(dtype=float)
    defined = len(learnt) > 1 and np.ptp(learnt) > 0 and np.ptp(given) > 0
    turned = defined and float(spearmanr(learnt, given).statistic) < 0
    log.info("%s of %s: %s is better, on the training part", method, dataset, "lower" if turned else "higher")
    found = np.array([scores[image] for image in rows["image"]])
    return -found if turned else found


def read_scores(file: Path, dataset: str) -> dict[str, float]:
    """The score of each image of a dataset in a user's CSV; images of other datasets are passed over.

    Raises:
        MosforgeError: an image stands twice, or a score is no finite number.
    """
    scores: dict[str, float] = {}
    for row in read_csv(file, ("image", "score")):
        image = row["image"]
        if row.get("dataset", dataset) not in ("", dataset):
            continue
        if image in scores:
            raise MosforgeError(
                f"{file}: {image!r} stands twice; keep one row, or name the dataset of each in a column "
                "`dataset`"
            )
        scores[image] = number(file, row["score"], image)
    return scores


def training_part(dataset: Path, split: Path) -> Frame:
    """The images that a split trains on, with their given scores."""
    parts, rows = read_table(split, SPLIT), read_table(dataset, DATASET)
    return rows[rows["image"].isin(set(parts.loc[parts["part"] == "train", "image"]))]
