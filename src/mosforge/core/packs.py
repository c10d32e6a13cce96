"""Packs: decoded pictures in one memory-mapped file, so that training never decodes.

A pack is a file of 8-bit RGB samples, picture after picture, and an index in Parquet (artefact
`pack`). Several packs are used as one by joining their indices.

The index holds a digest of every picture. That the files are there and long enough is looked at whenever
a pack is opened; a training also compares a few pictures (`check_some`), and `mosforge pretraining verify`
and `mosforge finetuning verify` compare all.
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

from mosforge.core.errors import MosforgeError
from mosforge.core.files import atomic_file
from mosforge.core.images import Pixels, at_least
from mosforge.core.parallel import map_in_order
from mosforge.core.schemas.packs import PACK
from mosforge.core.tables import Frame, write_table

Indices = npt.NDArray[np.int64]
Draws = npt.NDArray[np.float32]


def write_pack(
    index: str | os.PathLike[str],
    file: str | os.PathLike[str],
    pictures: Iterable[tuple[str, Pixels]],
    *,
    stage: str,
    cfg: object,
) -> None:
    """Writes the pixels of `pictures`, pairs of path and uint8 array (height, width, 3), and their index."""
    rows = []
    with atomic_file(file) as temporary, temporary.open("wb") as target:
        for path, pixels in pictures:
            data = np.ascontiguousarray(pixels).data
            rows.append((path, target.tell(), *pixels.shape[:2], hashlib.sha256(data).hexdigest()))
            target.write(data)
    columns = ["path", "offset", "height", "width", "sha256"]
    frame = pd.DataFrame(rows, columns=columns).assign(file=Path(file).as_posix())
    write_table(index, PACK, frame, stage=stage, cfg=cfg)


def locate(rows: Frame, index: Frame) -> Frame:
    """Joins `rows`, by their column `path`, with their place in a pack.

    Raises:
        MosforgeError: a picture is not in the pack.
    """
    located = rows.merge(index, on="path", how="left", validate="one_to_one")
    lost = located.loc[located["file"].isna(), "path"]
    if len(lost):
        raise MosforgeError(f"{lost.iloc[0]}: not in the pack of pictures; run the stage that packs it again")
    return located


class Pack:
    """The pictures of an index, memory-mapped.

    A pack may be larger than the memory: its pages belong to the system's cache, and the process lets
    go of those that it has cut from whenever they amount to `HELD_BYTES`, so that it does not grow.

    Args:
        index: rows of the artefact `pack`, of one file or several.

    Raises:
        MosforgeError: a file of pixels is missing or shorter than the index says.
    """

    HELD_BYTES = 256 * 2**20

    def __init__(self, index: Frame) -> None:
        self._offsets = index["offset"].to_numpy(np.int64)
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

    def picture(self, i: int) -> Pixels:
        """Picture `i` as a read-only view, uint8 (height, width, 3)."""
        height, width, start = int(self.heights[i]), int(self.widths[i]), int(self._offsets[i])
        flat: npt.NDArray[np.uint8] = self._files[self._file_of[i]][start : start + height * width * 3]
        return flat.reshape(height, width, 3)

    def crops(self, rows: Indices, draws: Draws, size: int, out: Pixels | None = None) -> Pixels:
        """Cuts one crop from each picture.

        Args:
            rows: indices of the pictures, shape (n,).
            draws: numbers in [0, 1) that decide top and left, shape (n, 2 or more).
            size: side of the crop in pixels; a smaller picture is continued by mirroring.
            out: where to put them, if not into a new array.

        Returns:
            uint8 array (n, size, size, 3).
        """
        crops = np.empty((len(rows), size, size, 3), np.uint8) if out is None else out
        tops, lefts = self._places(rows, draws, size)
        for crop, row, top, left in zip(crops, rows.tolist(), tops, lefts, strict=True):
            # The copy lets other threads run meanwhile.
            crop[...] = at_least(self.picture(row), size)[top : top + size, left : left + size]
        self._held += int((self.heights[rows] * self.widths[rows]).sum()) * 3
        if self._held > self.HELD_BYTES:
            self._held = 0
            for file in self._files:
                _advise(file, 0, file.size, mmap.MADV_DONTNEED)
        return crops

    def fetch(self, rows: Indices, draws: Draws, size: int) -> None:
        """Asks the system to read what `crops` will want from the disk, without waiting for it."""
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

    def pictures(self) -> Iterator[Pixels]:
        """All pictures in order."""
        return (self.picture(i) for i in range(len(self)))

    def check(self, rows: Iterable[int]) -> None:
        """Compares pictures with their digests.

        Raises:
            MosforgeError: a picture is not what was packed.
        """
        for i in rows:
            if hashlib.sha256(self.picture(i).reshape(-1).data).hexdigest() != self._digests[i]:
                raise MosforgeError(
                    f"{self._names[self._file_of[i]]}: damaged, the pixels of {self._paths[i]} are not those "
                    f"that were packed; {_to_pack_again(self._names[self._file_of[i]])}"
                )

    def check_some(self, count: int = 64) -> None:
        """Compares `count` pictures, evenly spaced, with their digests: a moment's work.

        Raises:
            MosforgeError: one of them is not what was packed.
        """
        self.check(np.linspace(0, len(self) - 1, min(count, len(self))).astype(int).tolist())


def problems(index: Frame, threads: int) -> Iterator[str | None]:
    """Compares every picture of an index with its digest, reading all pixels.

    Returns:
        For each file of pixels what is wrong with it, if anything.
    """

    def problem_of(rows: Frame) -> str | None:
        try:
            Pack(rows).check(range(len(rows)))
        except MosforgeError as error:
            return str(error)
        return None

    return map_in_order(problem_of, (rows for _, rows in index.groupby("file")), threads)


def _to_pack_again(file: str) -> str:
    """What to delete, so that the workflow makes a file of pixels again: it asks for the indices alone."""
    indices = [Path(file).with_suffix(".parquet")]
    if "packs" in indices[0].parts:  # of a corpus' shard, whose index is joined with the others'
        indices.append(indices[0].parents[2] / "pack.parquet")
    return f"delete {' and '.join(map(str, indices))}, and run again"


def _map(file: str, size: int) -> npt.NDArray[np.uint8]:
    try:
        # numpy's memmap would keep a file descriptor open for each file; a corpus has thousands of packs.
        with pa.memory_map(file) as opened:
            pixels: npt.NDArray[np.uint8] = np.frombuffer(opened.read_buffer(), np.uint8)
    except FileNotFoundError:
        raise MosforgeError(f"{file}: the pack's pixels are missing; {_to_pack_again(file)}") from None
    if pixels.size < size:
        raise MosforgeError(f"{file}: the pack is truncated; {_to_pack_again(file)}")
    return pixels


_madvise = ctypes.CDLL(None).madvise
_madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def _advise(mapped: npt.NDArray[np.uint8], start: int, length: int, advice: int) -> None:
    """madvise(2) for a part of a mapping; it is advice, so that a refusal does no harm."""
    skipped = start % mmap.PAGESIZE  # the call wants the beginning of a page
    _madvise(mapped.ctypes.data + start - skipped, length + skipped, advice)
