"""The rule `dataset`: a target dataset is read and checked, and its table gets one form for all."""

import logging
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from mosforge.core.errors import MosforgeError
from mosforge.core.files import sha256_of_file
from mosforge.core.parallel import map_in_order
from mosforge.core.schemas.datasets import DATASET, FILES_OF_DATASET
from mosforge.core.tables import Frame, write_table
from mosforge.finetuning.datasets.base import Layout, Row
from mosforge.finetuning.files import Folder
from mosforge.finetuning.registry import layout_of, missing, rows_of
from mosforge.finetuning.settings import DatasetSettings

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]

_TOLERANCE = 0.01
"""A score may lie outside the declared range by this share of it, and is then clipped; beyond is an error."""


_NARROW = 0.1
"""Scores that cover a smaller share of the declared range are warned of."""


def dataset(name: str, *, output: Path, files: Path, cfg: DatasetSettings, threads: int = 1) -> None:
    """Checks a target dataset and writes its table in one form for all.

    Args:
        name: the dataset's name in the configuration.
        output: the table, Parquet (artefact `dataset`).
        files: the digests of its images and reference images, by which another image under a name is seen;
            Parquet (artefact `dataset files`).
        cfg: where the dataset lies, and what the configuration says of it.
        threads: files that are read at once.

    Raises:
        MosforgeError: see `load`; or a file cannot be read.
    """
    frame = load(name, cfg)
    paths = sorted({*frame["path"], *frame["reference_path"].dropna()})
    try:
        digests = list(map_in_order(sha256_of_file, paths, threads))
    except OSError as error:
        raise MosforgeError(f"dataset {name}: {error.filename}: {error.strerror}") from None
    rows = {"path": paths, "sha256": digests}
    write_table(files, FILES_OF_DATASET, rows, stage="finetuning", cfg=cfg.plain())
    write_table(output, DATASET, frame, stage="finetuning", cfg=cfg.plain())
    log.info("%s: %d images of %d contents", name, len(frame), frame["reference"].nunique())


def load(name: str, cfg: DatasetSettings) -> Frame:
    """Reads a target dataset and checks its counts, scores and files.

    Args:
        name: the dataset's name, for messages.
        cfg: as for `dataset`.

    Returns:
        The rows of the artefact `dataset`, sorted by image.

    Raises:
        MosforgeError: a file is missing, or counts, names or scores are not what they should be.
    """
    if problem := missing(cfg):
        raise MosforgeError(f"dataset {name}: {problem}")
    layout, folder = layout_of(cfg), Folder(cfg.folder)
    frame = pd.DataFrame(list(rows_of(cfg)), columns=Row._fields, dtype=object)
    _check_counts(name, layout, frame)
    frame = frame.sort_values("image", ignore_index=True)
    images, mos = frame["image"].tolist(), frame["mos"].to_numpy(np.float64)
    paths = _paths(name, folder, frame["file"].tolist(), "images")
    _check_unique(name, paths)
    files = frame["reference_file"].dropna().tolist()
    path_of = dict(zip(files, _paths(name, folder, files, "references"), strict=True))
    reference_paths = [path_of.get(file) for file in frame["reference_file"]]
    _check_contents(name, frame["reference"].tolist(), reference_paths)
    return pd.DataFrame(
        {
            "image": frame["image"],
            "path": paths,
            "reference": frame["reference"],
            "reference_path": reference_paths,
            "mos": mos,
            "quality": _quality(name, layout, mos, images),
            "distortion_type": frame["distortion_type"],
            "level": frame["level"].astype("Int8"),
            "part": frame["part"],
        }
    )


def _check_counts(name: str, layout: Layout, rows: Frame) -> None:
    if rows.empty:
        raise MosforgeError(f"dataset {name}: its table has no image")
    twins = rows["image"][rows["image"].duplicated()]
    if len(twins):
        raise MosforgeError(f"dataset {name}: {twins.iloc[0]} has more than one row; keep one")
    for what, found, expected in (
        ("images", len(rows), layout.images),
        ("contents", rows["reference"].nunique(), layout.contents),
    ):
        if expected and found != expected:
            raise MosforgeError(
                f"dataset {name}: {found} {what} where {layout.name} has {expected}; get its files anew"
            )


def _paths(name: str, folder: Folder, files: Sequence[str], what: str) -> list[str]:
    """The paths of files, with the case of names ignored; each must exist and not be empty."""
    found = {file: folder.find(file) for file in dict.fromkeys(files)}
    absent = [file for file, path in found.items() if path is None or not _has_bytes(path)]
    if absent:
        raise MosforgeError(
            f"dataset {name}: {len(absent)} of {len(found)} {what} are missing or empty below "
            f"{folder.path.as_posix()}, the first is {absent[0]}; {_advice(absent[0])}"
        )
    return [path.as_posix() for file in files if (path := found[file]) is not None]


def _advice(file: str) -> str:
    if "\\" in file:
        return "this is a path of Windows; write it with /, and below that folder"
    return "get them anew"


def _has_bytes(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _check_unique(name: str, paths: Sequence[str]) -> None:
    """A file is rated once; the same file has other paths through links and `..`."""
    seen: dict[tuple[int, int], str] = {}
    for path in paths:
        found = Path(path).stat()
        first = seen.setdefault((found.st_dev, found.st_ino), path)
        if first is not path:
            also = f" (also {path})" if path != first else ""
            raise MosforgeError(f"dataset {name}: two rows name the file {first}{also}; keep one")


def _check_contents(name: str, contents: Sequence[str], paths: Sequence[str | None]) -> None:
    """A reference image is of one content, or a split by content would have it on both sides."""
    content_of: dict[str, str] = {}
    real = {path: os.path.realpath(path) for path in set(paths) if path is not None}
    for content, path in zip(contents, paths, strict=True):
        if path is not None and (first := content_of.setdefault(real[path], content)) != content:
            raise MosforgeError(
                f"dataset {name}: {path} is the reference image of two contents, {first} and {content}; "
                "give them one name"
            )


def _quality(name: str, layout: Layout, mos: Floats, images: Sequence[str]) -> Floats:
    """The scores mapped to [0, 1], higher is better."""
    span = layout.highest - layout.lowest
    slack = _TOLERANCE * span
    for image, score in zip(images, mos, strict=True):
        if not math.isfinite(score):
            raise MosforgeError(f"dataset {name}: the score of {image} is not a number; correct or remove it")
        if not layout.lowest - slack <= score <= layout.highest + slack:
            raise MosforgeError(
                f"dataset {name}: the score of {image}, {score:g}, lies outside the declared range "
                f"[{layout.lowest:g}, {layout.highest:g}]; correct the score or the range"
            )
    if len(mos) > 1 and np.ptp(mos) < _NARROW * span:
        log.warning(
            "dataset %s: warning: the scores lie between %g and %g, a small part of the range [%g, %g]; "
            "see whether the key range is right",
            name,
            mos.min(),
            mos.max(),
            layout.lowest,
            layout.highest,
        )
    share = np.clip((mos - layout.lowest) / span, 0.0, 1.0)
    return share if layout.higher_is_better else 1.0 - share
