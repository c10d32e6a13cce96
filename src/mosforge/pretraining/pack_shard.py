"""The rule `pack_shard`: the distorted images of a shard, decoded and scaled, in a pack."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from mosforge.core.images import Pixels, read_rgb
from mosforge.core.manifests import read_manifest
from mosforge.core.packs import write_pack
from mosforge.core.parallel import map_in_order
from mosforge.pretraining.settings import PackShardSettings


def pack_shard(images: Path, *, index: Path, pixels: Path, cfg: PackShardSettings, threads: int = 1) -> None:
    """Packs the distorted images of a shard.

    Args:
        images: folder of the shard, with its manifest.parquet.
        index: the images' places in the pack, Parquet (artefact `pack`).
        pixels: the pack itself, 8-bit RGB samples.
        cfg: the side of the square that the images are scaled to.
        threads: images that are decoded at the same time.

    Raises:
        MosforgeError: an image is unreadable or has changed.
    """
    paths = read_manifest(images)["path"].tolist()
    scaled = scale_images(paths, cfg.resize, threads)
    write_pack(index, pixels, scaled, stage="pretraining", cfg=cfg.plain())


def scale_images(paths: list[str], side: int, threads: int) -> Iterator[tuple[str, Pixels]]:
    """Decodes images and scales each to a square (paper, 4.1), a few ahead, in order.

    Args:
        paths: image files.
        side: side of the square in pixels; 0: the images are left as they are.
        threads: images that are decoded at the same time.

    Yields:
        The path, and uint8 RGB pixels (side, side, 3), or (height, width, 3).
    """
    yield from zip(paths, map_in_order(partial(scale, side=side), paths, threads), strict=True)


def scale(path: str, side: int) -> Pixels:
    """An image scaled to a square, with a filter wide enough not to alias; side 0: as it is."""
    pixels = read_rgb(path)
    if not side:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR))
