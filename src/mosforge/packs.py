"""Packs: decoded pictures in one memory-mapped file, so that training never decodes.

A pack is a file of 8-bit RGB samples, picture after picture, and an index in Parquet (artefact
`pack`). Several packs are used as one by joining their indices.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from mosforge.errors import MosforgeError
from mosforge.files import atomic_file
from mosforge.images import Pixels, at_least
from mosforge.tables import Frame, write_table

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
    write_table(index, "pack", frame, stage=stage, cfg=cfg)


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

    Args:
        index: rows of the artefact `pack`, of one file or several.

    Raises:
        MosforgeError: a file of pixels is missing or shorter than the index says.
    """

    def __init__(self, index: Frame) -> None:
        self._offsets = index["offset"].to_numpy(np.int64)
        self.heights = index["height"].to_numpy(np.int64)
        self.widths = index["width"].to_numpy(np.int64)
        names, self._file_of = np.unique(index["file"].to_numpy(str), return_inverse=True)
        ends = pd.Series(self._offsets + self.heights * self.widths * 3).groupby(self._file_of).max()
        self._files = [_map(str(name), int(ends[i])) for i, name in enumerate(names)]

    def __len__(self) -> int:
        return len(self._offsets)

    def picture(self, i: int) -> Pixels:
        """Picture `i` as a read-only view, uint8 (height, width, 3)."""
        height, width, start = int(self.heights[i]), int(self.widths[i]), int(self._offsets[i])
        flat: npt.NDArray[np.uint8] = self._files[self._file_of[i]][start : start + height * width * 3]
        return flat.reshape(height, width, 3)

    def crops(self, rows: Indices, draws: Draws, size: int, flip: bool) -> Pixels:
        """Cuts one crop from each picture.

        Args:
            rows: indices of the pictures, shape (n,).
            draws: numbers in [0, 1) that decide top, left and flip, shape (n, 3).
            size: side of the crop in pixels; a smaller picture is continued by mirroring.
            flip: whether a third number below one half mirrors the crop.

        Returns:
            uint8 array (n, size, size, 3).
        """
        crops = np.empty((len(rows), size, size, 3), np.uint8)
        for crop, row, (down, right, side) in zip(crops, rows, draws, strict=True):
            pixels = at_least(self.picture(int(row)), size)
            top = int(float(down) * (pixels.shape[0] - size + 1))
            left = int(float(right) * (pixels.shape[1] - size + 1))
            patch = pixels[top : top + size, left : left + size]
            crop[...] = patch[:, ::-1] if flip and side < 0.5 else patch
        return crops

    def pictures(self) -> Iterator[Pixels]:
        """All pictures in order."""
        return (self.picture(i) for i in range(len(self)))


def _map(file: str, size: int) -> npt.NDArray[np.uint8]:
    try:
        # numpy's memmap would keep a file descriptor open for each file; a corpus has thousands of packs.
        with pa.memory_map(file) as opened:
            pixels: npt.NDArray[np.uint8] = np.frombuffer(opened.read_buffer(), np.uint8)
    except FileNotFoundError:
        raise MosforgeError(f"{file}: the pack's pixels are missing; run its stage again") from None
    if pixels.size < size:
        raise MosforgeError(f"{file}: the pack is truncated; delete it and run its stage again")
    return pixels
