"""Packs: decoded images in one memory-mapped file, so that training never decodes.

A pack is a file of 8-bit RGB samples, image after image, and an index in Parquet (artefact `pack`). Several
packs are used as one by joining their indices.

The index holds a digest of every image. Whenever a pack is opened, its files are checked to exist and to be
long enough; a training also compares a few images with their digests (`Pack.check_some`), and `mosforge
pretraining verify` and `mosforge finetuning verify` compare all.
"""

import ctypes
import hashlib
import mmap
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from mosforge.core.atomic import atomic_file
from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, at_least
from mosforge.core.parallel import map_in_order
from mosforge.core.schemas.packs import PACK
from mosforge.core.tables import Frame, write_table

Indices = npt.NDArray[np.int64]
Draws = npt.NDArray[np.float32]


def write_pack(
    index: str | os.PathLike[str],
    file: str | os.PathLike[str],
    images: Iterable[tuple[str, Pixels]],
    *,
    stage: str,
    cfg: object,
) -> None:
    """Writes the pixels of images and their index, each file whole or not at all.

    Args:
        index: the index, Parquet.
        file: the pixels.
        images: pairs of path and uint8 array (height, width, 3).
        stage: the stage that writes.
        cfg: the parameters that made the pack, any JSON value.
    """
    rows = []
    with atomic_file(file) as temporary, temporary.open("wb") as target:
        for path, pixels in images:
            data = np.ascontiguousarray(pixels).data
            rows.append((path, target.tell(), *pixels.shape[:2], hashlib.sha256(data).hexdigest()))
            target.write(data)
    columns = ["path", "offset", "height", "width", "sha256"]
    frame = pd.DataFrame(rows, columns=columns).assign(file=Path(file).as_posix())
    write_table(index, PACK, frame, stage=stage, cfg=cfg)


def locate(rows: Frame, index: Frame) -> Frame:
    """Joins rows, by their column `path`, with the places of their images in a pack.

    Args:
        rows: a table with the column `path`, each path once.
        index: rows of the artefact `pack`.

    Raises:
        MosforgeError: an image is not in the pack.
    """
    located = rows.merge(index, on="path", how="left", validate="one_to_one")
    lost = located.loc[located["file"].isna(), "path"]
    if len(lost):
        raise MosforgeError(f"{lost.iloc[0]}: not in the pack of images; run the stage that packs it again")
    return located


class Pack:
    """The images of an index, memory-mapped.

    A pack may be larger than the memory: its pages belong to the system's cache. Whenever the process has cut
    from `HELD_BYTES` of them, it releases all, so that it does not grow.

    Args:
        index: rows of the artefact `pack`, of one file or several.

    Raises:
        MosforgeError: a file of pixels is missing or shorter than the index says.
    """

    HELD_BYTES = 256 * 2**20

    def __init__(self, index: Frame) -> None:
        self._offsets = index["offset"].to_numpy(np.int64)
        # heights and widths of the images, in pixels, shape (n,)
        self.heights = index["height"].to_numpy(np.int64)
        self.widths = index["width"].to_numpy(np.int64)
        self._paths, self._digests = index["path"].to_numpy(), index["sha256"].to_numpy()
        names, self._file_of = np.unique(index["file"].to_numpy(str), return_inverse=True)
        self._names = names.tolist()
        ends = pd.Series(self._offsets + self.heights * self.widths * 3).groupby(self._file_of).max()
        self._files = [_map(name, int(ends[i])) for i, name in enumerate(self._names)]
        self._held = 0

    def __len__(self) -> int:
        return len(self._offsets)

    def image(self, i: int) -> Pixels:
        """Image `i` as a read-only view, uint8 (height, width, 3)."""
        height, width, start = int(self.heights[i]), int(self.widths[i]), int(self._offsets[i])
        flat: npt.NDArray[np.uint8] = self._files[self._file_of[i]][start : start + height * width * 3]
        return flat.reshape(height, width, 3)

    def crops(self, rows: Indices, draws: Draws, size: int, out: Pixels | None = None) -> Pixels:
        """Cuts one crop from each image.

        Args:
            rows: indices of the images, shape (n,).
            draws: numbers in [0, 1) that decide top and left, shape (n, 2 or more).
            size: side of the crop in pixels; a smaller image is continued by mirroring.
            out: array that the crops are written to; a new one by default.

        Returns:
            uint8 array (n, size, size, 3).
        """
        crops = np.empty((len(rows), size, size, 3), np.uint8) if out is None else out
        tops, lefts = self._places(rows, draws, size)
        for crop, row, top, left in zip(crops, rows.tolist(), tops, lefts, strict=True):
            # numpy copies without Python's lock, so that other threads run meanwhile
            crop[...] = at_least(self.image(row), size)[top : top + size, left : left + size]
        self._held += int((self.heights[rows] * self.widths[rows]).sum()) * 3
        if self._held > self.HELD_BYTES:
            self._held = 0
            for file in self._files:
                _advise(file, 0, file.size, mmap.MADV_DONTNEED)
        return crops

    def fetch(self, rows: Indices, draws: Draws, size: int) -> None:
        """Asks the system to read from the disk what `crops` will need, without waiting for it."""
        tops, _ = self._places(rows, draws, size)
        for row, top in zip(rows.tolist(), tops, strict=True):
            line = int(self.widths[row]) * 3
            lines = min(size, int(self.heights[row]))
            start = int(self._offsets[row]) + top * line
            _advise(self._files[self._file_of[row]], start, lines * line, mmap.MADV_WILLNEED)

    def _places(self, rows: Indices, draws: Draws, size: int) -> tuple[list[int], list[int]]:
        """Top and left of the crops."""
        sides = np.maximum(np.stack((self.heights[rows], self.widths[rows]), 1), size)
        places = (draws[:, :2].astype(np.float64) * (sides - size + 1)).astype(np.int64)
        return places[:, 0].tolist(), places[:, 1].tolist()

    def images(self) -> Iterator[Pixels]:
        """All images in order."""
        return (self.image(i) for i in range(len(self)))

    def check(self, rows: Iterable[int]) -> None:
        """Compares images with their digests.

        Raises:
            MosforgeError: an image is not the one that was packed.
        """
        for i in rows:
            if hashlib.sha256(self.image(i).reshape(-1).data).hexdigest() != self._digests[i]:
                raise MosforgeError(
                    f"{self._names[self._file_of[i]]}: damaged, the pixels of {self._paths[i]} are not those "
                    f"that were packed; {_to_delete(self._names[self._file_of[i]])}"
                )

    def check_some(self, count: int = 64) -> None:
        """Compares `count` images, evenly spaced, with their digests, which takes a moment.

        Raises:
            MosforgeError: one of them is not the image that was packed.
        """
        self.check(np.linspace(0, len(self) - 1, min(count, len(self))).astype(int).tolist())


def problems(index: Frame, threads: int) -> Iterator[str | None]:
    """Compares every image of an index with its digest, reading all pixels.

    Returns:
        For each file of pixels what is wrong with it; None for a good one.
    """

    def problem_of(rows: Frame) -> str | None:
        try:
            Pack(rows).check(range(len(rows)))
        except MosforgeError as error:
            return str(error)
        return None

    return map_in_order(problem_of, (rows for _, rows in index.groupby("file")), threads)


def _to_delete(file: str) -> str:
    """What a user deletes so that the workflow makes a file of pixels again: it only looks at the indices."""
    indices = [Path(file).with_suffix(".parquet")]
    if "packs" in indices[0].parts:  # the pack of a shard, whose index is also part of the corpus's
        indices.append(indices[0].parents[2] / "pack.parquet")
    return f"delete {' and '.join(map(str, indices))}, and run again"


def _map(file: str, size: int) -> npt.NDArray[np.uint8]:
    try:
        # numpy's memmap would keep a file descriptor open for each file; a corpus has thousands of packs.
        with pa.memory_map(file) as opened:
            pixels: npt.NDArray[np.uint8] = np.frombuffer(opened.read_buffer(), np.uint8)
    except FileNotFoundError:
        raise MosforgeError(f"{file}: the pack's pixels are missing; {_to_delete(file)}") from None
    if pixels.size < size:
        raise MosforgeError(f"{file}: the pack is truncated; {_to_delete(file)}")
    return pixels


_madvise = ctypes.CDLL(None).madvise
_madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def _advise(mapped: npt.NDArray[np.uint8], start: int, length: int, advice: int) -> None:
    """Calls madvise(2) for a part of a mapping; it is only advice, so a failure does no harm."""
    skipped = start % mmap.PAGESIZE  # the call needs the beginning of a page
    _madvise(mapped.ctypes.data + start - skipped, length + skipped, advice)
