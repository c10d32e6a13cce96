"""Two images laid over each other by their keypoints, and how well their pixels agree there."""

from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from mosforge.content.keypoints import SIDE

_RATIO = 0.8  # the nearest match must be so much nearer than the second nearest (Lowe)
_MATCHES = 8  # fewer keypoints at the right place are chance
_OVERLAP = 0.3, 0.1  # shares of the smaller and of the larger image that must lie over the other
# pixels of `SIDE`; removes noise and ringing, and makes an enlarged image as blurred as the other
_BLUR = 2.0

Matrix = npt.NDArray[np.float64]


class Placed(NamedTuple):
    """How an image lies over another."""

    transform: Matrix  # the similarity that takes its pixels there, (2, 3)
    matches: int  # number of keypoints that agree

    @property
    def scale(self) -> float:
        """The size of the common content in the other image, relative to the one."""
        return float(np.hypot(self.transform[0, 0], self.transform[1, 0]))


def place(image: Any, other: Any) -> Placed | None:
    """How an image lies over another, if it does.

    Args:
        image: with `points` and `descriptors` as in `Keypoints`.
        other: likewise.
    """
    if min(len(image.points), len(other.points)) < 2:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(image.descriptors, other.descriptors, k=2)
    good = [first for first, second in pairs if first.distance < _RATIO * second.distance]
    if len(good) < _MATCHES:
        return None
    here = image.points[[match.queryIdx for match in good]]
    there = other.points[[match.trainIdx for match in good]]
    # OpenCV starts the generator of RANSAC's samples anew in each call
    transform, inliers = cv2.estimateAffinePartial2D(here, there, ransacReprojThreshold=3.0)
    if transform is None or inliers.sum() < _MATCHES:
        return None
    return Placed(transform, int(inliers.sum()))


def agreement(one: Any, other: Any, transform: Matrix) -> float:
    """Correlation of the pixels where two images lie over each other; 0 if they hardly do.

    Args:
        one: uint8 (height, width).
        other: likewise.
        transform: takes the pixels of `one` to `other`.
    """
    height, width = other.shape
    laid = cv2.warpAffine(np.ascontiguousarray(one), transform, (width, height))
    covered = cv2.warpAffine(np.full(one.shape, 255, np.uint8), transform, (width, height)) == 255
    areas = sorted((one.size * abs(np.linalg.det(transform[:, :2])), other.size))
    if any(covered.sum() < share * area for share, area in zip(_OVERLAP, areas, strict=True)):
        return 0.0
    blur = _BLUR * max(height, width) / SIDE
    first, second = (cv2.GaussianBlur(pixels, (0, 0), blur)[covered] for pixels in (laid, other))
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
