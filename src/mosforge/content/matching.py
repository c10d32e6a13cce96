"""Images with the same content: those of a source that a dataset shows too, and those within a dataset.

An image is looked up by the words of its keypoints. The few images that share most of them are laid over it
and compared pixel by pixel. So the same content is found when it is resized, encoded again, cropped or
mirrored, and other content is not, even of the same place.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from tqdm import tqdm

from mosforge.content.index import Candidate, Index
from mosforge.content.keypoints import Keypoints, read_keypoints, read_thumbnail
from mosforge.content.overlay import agreement, place
from mosforge.core.parallel import map_in_order

_BLOCK = 256  # images whose keypoints are in memory at once
_CANDIDATES = 4  # images that an image is compared with
_SIDE_WITHIN = 160
"""Longer side, in pixels, of the images of one dataset, all of which are compared with each other."""

Named = tuple[str, str]
"""The name of an image (of a source: its id) and the path of its file."""


def undistorted_images(dataset: pd.DataFrame) -> list[Named]:
    """The reference images of a dataset, and those of its images that have none.

    Args:
        dataset: rows of the artefact `dataset`.

    Returns:
        Names and paths, sorted. The name of a reference image is its path.
    """
    paths = dataset["reference_path"].fillna(dataset["path"])
    return sorted(set(zip(undistorted_names(dataset), paths, strict=True)))


def undistorted_names(dataset: pd.DataFrame) -> "pd.Series[str]":
    """The name of each image's undistorted image: the path of its reference image, or without one its own."""
    return dataset["reference_path"].fillna(dataset["image"])


_Task = tuple[int, int, bool]
"""Two places among the images of a dataset, the smaller one first, and whether one image is mirrored."""


class Match(NamedTuple):
    """An image of a source and the dataset's image with its content; columns of the artefact `leaks`."""

    image_id: str
    image: str
    matches: int
    scale: float
    mirrored: bool
    correlation: float


def find_same_content(
    images: Sequence[Named], shown: Sequence[Named], correlation: float, threads: int = 1
) -> pd.DataFrame:
    """Finds the images that show the content of an image of a dataset.

    Args:
        images: those of a source.
        shown: those of a target dataset.
        correlation: of the pixels of two images, laid over each other; from it on they show the same content.
        threads: files that are read at once; the result does not depend on it.

    Returns:
        A row for each image that was found, with the fields of `Match`, sorted by image id. Of several images
        of the dataset the row names the one with the highest correlation.

    Raises:
        UnreadableImageError: an image is missing or damaged.
    """
    cv2.setNumThreads(1)  # the work is spread over images
    read = map_in_order(_read_entry, sorted(shown), threads)
    entries = list(tqdm(read, total=len(shown), desc="dataset", unit="image", disable=None))
    index = Index([entry.descriptors for entry in entries])
    ordered = sorted(images)
    found: list[Match] = []
    with tqdm(total=len(ordered), desc="source", unit="image", disable=None) as progress:
        for first in range(0, len(ordered), _BLOCK):
            block = ordered[first : first + _BLOCK]
            read_block = list(map_in_order(lambda named: read_keypoints(named[1]), block, threads))
            ids = (image_id for image_id, _ in block)
            candidates = index.candidates(read_block, _CANDIDATES)
            compared = map_in_order(
                partial(_compare, entries=entries, correlation=correlation),
                zip(ids, read_block, candidates, strict=True),
                threads,
            )
            found += [match for match in compared if match is not None]
            progress.update(len(block))
    return pd.DataFrame(found, columns=Match._fields)


class _Entry(NamedTuple):
    """An image of the dataset, without its pixels, which are read again for a comparison."""

    name: str
    path: str
    points: npt.NDArray[np.float32]
    descriptors: npt.NDArray[np.uint8]


def _read_entry(named: Named) -> _Entry:
    keypoints = read_keypoints(named[1])
    return _Entry(*named, keypoints.points, keypoints.descriptors)


def _compare(
    task: tuple[str, Keypoints, list[Candidate]], *, entries: Sequence[_Entry], correlation: float
) -> Match | None:
    """The candidate with the highest correlation to an image, if it shows the same content."""
    image_id, image, candidates = task
    best: Match | None = None
    for candidate in candidates:
        entry = entries[candidate.place]
        turned = image.mirrored() if candidate.mirrored else image
        if (placed := place(turned, entry)) is None:
            continue
        agreed = agreement(turned.thumbnail, read_thumbnail(entry.path), placed.transform)
        if agreed >= correlation and (best is None or agreed > best.correlation):
            best = Match(image_id, entry.name, placed.matches, placed.scale, candidate.mirrored, agreed)
    return best


class Pair(NamedTuple):
    """Two images of one dataset with the same content."""

    image: str
    other: str
    mirrored: bool
    correlation: float


def find_pairs_within(images: Sequence[Named], correlation: float, threads: int = 1) -> pd.DataFrame:
    """Finds the images of one dataset that show the same content.

    Each image is compared with the few that share most words with it, so of many images with one content not
    every pair is found. An image that shows the content of another is compared once more, with images that no
    pair joins to it yet, until no pair is found: who joins pairs to groups finds every image of a content,
    also where more copies of one version of it are there than an image is compared with.

    Args:
        images: names and paths.
        correlation: as for `find_same_content`.
        threads: files that are read at once; the result does not depend on it.

    Returns:
        A row for each pair, with the fields of `Pair`, `image` before `other`; sorted by both.

    Raises:
        UnreadableImageError: an image is missing or damaged.
    """
    cv2.setNumThreads(1)
    ordered = sorted(images)
    read = map_in_order(lambda named: read_keypoints(named[1], _SIDE_WITHIN), ordered, threads)
    known = list(tqdm(read, total=len(ordered), desc="keypoints", unit="image", disable=None))
    index = Index([image.descriptors for image in known]) if known else None
    best: dict[tuple[int, int], tuple[float, bool]] = {}
    seen: set[_Task] = set()
    asking = list(range(len(known)))
    while index is not None and asking:
        tasks = list(_pairs_to_compare(known, index, asking, join_pairs(len(known), best), seen))
        compared = map_in_order(partial(_agreement_of_pair, known=known), tasks, threads)
        progress = tqdm(compared, total=len(tasks), desc="pairs", unit="pair", disable=None)
        joined: set[int] = set()
        for (one, other, mirrored), agreed in zip(tasks, progress, strict=True):
            if agreed >= correlation:
                joined |= {one, other}
                if agreed > best.get((one, other), (-1.0, False))[0]:
                    best[one, other] = agreed, mirrored
        asking = sorted(joined)
    found = [
        Pair(ordered[one][0], ordered[other][0], mirrored, agreed)
        for (one, other), (agreed, mirrored) in sorted(best.items())
    ]
    return pd.DataFrame(found, columns=Pair._fields)


def join_pairs(count: int, pairs: Collection[tuple[int, int]]) -> npt.NDArray[np.int32]:
    """The number of the group of each of `count` things, where pairs of their places join them to groups."""
    ends = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(pairs)), (ends[0], ends[1])), shape=(count, count))
    groups: npt.NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return groups


def _pairs_to_compare(
    known: Sequence[Keypoints],
    index: Index,
    asking: Sequence[int],
    groups: npt.NDArray[np.int32],
    seen: set[_Task],
) -> Iterator[_Task]:
    """Each pair of an image that asks and a candidate of another group, once, and whether one is mirrored."""
    for first in range(0, len(asking), _BLOCK):
        block = np.array(asking[first : first + _BLOCK])
        own_group = groups[block][:, None] == groups[None, :]
        found = index.candidates([known[place_of] for place_of in block], _CANDIDATES, own_group)
        for place_of, candidates in zip(block.tolist(), found, strict=True):
            for other, mirrored in candidates:
                pair = min(place_of, other), max(place_of, other), mirrored
                if pair not in seen:
                    seen.add(pair)
                    yield pair


def _agreement_of_pair(task: _Task, *, known: Sequence[Keypoints]) -> float:
    one, other, mirrored = task
    image = known[one].mirrored() if mirrored else known[one]
    placed = place(image, known[other])
    return 0.0 if placed is None else agreement(image.thumbnail, known[other].thumbnail, placed.transform)
