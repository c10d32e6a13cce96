"""Images inside installed Python packages, cut into tiles: a source that needs no network."""

import importlib.resources
from collections.abc import Iterator, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from PIL import Image

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, open_image, to_rgb


def write_tiles(names: Sequence[str], tile: int, stride: int, destination: Path) -> int:
    """Cuts images into squares and saves them as `{stem}/{stem}_{row}_{column}.png`, lossless.

    Args:
        names: `package/path/inside` of each, for example `skimage/data/astronaut.png`.
        tile: side of a tile in pixels.
        stride: pixels from one tile to the next; tiles that would leave the image are not made.
        destination: an existing folder.

    Returns:
        The number of tiles.

    Raises:
        MosforgeError: a package or an image is missing, two images have the same name, or one is smaller than
            a tile.
    """
    stems = [PurePosixPath(name).stem for name in names]
    for stem, name in zip(stems, names, strict=True):
        if stems.count(stem) > 1:
            raise MosforgeError(f"packaged images: more than one is called {stem} ({name}); keep one")
    written = 0
    for stem, name in zip(stems, names, strict=True):
        folder = destination / stem
        folder.mkdir()
        for row, column, pixels in _cut(packaged_image(name), tile, stride):
            Image.fromarray(pixels).save(folder / f"{stem}_{row:02d}_{column:02d}.png")
            written += 1
        if not any(folder.iterdir()):
            raise MosforgeError(f"packaged image {name}: smaller than a tile of {tile} pixels; leave it out")
    return written


def packaged_image(name: str) -> Pixels:
    """The pixels of an image inside an installed package."""
    with open_image(find_packaged(name).read_bytes(), name) as image:
        return to_rgb(image, name)


def find_packaged(name: str) -> Traversable:
    """The file `package/path/inside`.

    Raises:
        MosforgeError: it is missing; the message says what to install.
    """
    package, *inside = PurePosixPath(name).parts
    try:
        file = importlib.resources.files(package).joinpath(*inside)
    except ModuleNotFoundError:
        raise MosforgeError(
            f"packaged image {name}: the Python package {package} is not installed; "
            "pip install mosforge[demo]"
        ) from None
    if not file.is_file():
        raise MosforgeError(
            f"packaged image {name}: the package {package} has no such file; correct the name"
        )
    return file


def _cut(pixels: Pixels, tile: int, stride: int) -> Iterator[tuple[int, int, Pixels]]:
    height, width = pixels.shape[:2]
    for row, top in enumerate(range(0, height - tile + 1, stride)):
        for column, left in enumerate(range(0, width - tile + 1, stride)):
            yield row, column, pixels[top : top + tile, left : left + tile]
