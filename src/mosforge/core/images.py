"""Reading pictures by one stated rule, and writing them without loss.

The rule: EXIF orientation is applied; grey, palette and CMYK pictures become RGB; 16-bit grey samples
are scaled to 8 bits with rounding (of 16-bit colour in PNG and TIFF, Pillow gives the upper byte alone,
at most one step less); transparency is laid over white. Of a JPEG that carries further pictures (MPO: a
camera's preview or second view) the first is taken. Animated, many-paged, truncated and over-large files
are refused with the reason, and so is JPEG2000 in colour of more than 8 bits, whose white Pillow decodes as
black.
"""

import os
import stat
import warnings
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageFile

from mosforge.core.errors import MosforgeError, UnreadableImageError

Pixels = npt.NDArray[np.uint8]
"""An RGB picture: uint8, shape (height, width, 3)."""

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".jp2", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Lower-case endings of the files that a folder of photographs is searched for."""

PUT_THERE = f"put photographs there ({' '.join(sorted(SUFFIXES))})"
"""What to do about a folder in which none is found."""

FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""The formats that are decoded, whatever the file's ending says. Pillow knows others, of which some start
programs of their own (EPS runs Ghostscript)."""

MAX_PIXELS = 120_000_000
"""A picture with more pixels is taken for a decompression bomb."""

SMALLEST_SIDE = 161
"""The shortest side, in pixels, that the five scales of MS-SSIM with an 11-tap window allow (piq)."""

# Bytes of a JPEG2000 file within which its codestream begins, behind a colour profile perhaps.
_JPEG2000_BOXES = 1 << 20

# What turns a picture upright, by its EXIF orientation.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow's own limit only warns at 1x and raises at 2x its figure; ours is checked before the decoding.
Image.MAX_IMAGE_PIXELS = None

# Pillow warns about odd EXIF blocks and palettes. A filter around each call would not do: the filters are
# the whole process's, and pictures are read in several threads.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def find_images(
    folder: str | os.PathLike[str], unreadable: Callable[[str, OSError], None] | None = None
) -> list[str]:
    """The picture files below `folder`, as sorted POSIX paths relative to it.

    Hidden files and folders are passed over. The order is that of the code points, on every machine.

    Args:
        folder: where to look, at any depth.
        unreadable: told the relative path of each folder that cannot be listed, and why; without it,
            the first such folder is an error.
    """
    return sorted(_walk(Path(folder), "", unreadable or _stop))


def _stop(folder: str, error: OSError) -> None:
    raise error


def _walk(
    folder: Path,
    prefix: str,
    unreadable: Callable[[str, OSError], None],
    above: frozenset[Path] = frozenset(),
) -> Iterator[str]:
    here = folder.resolve()
    if here in above:  # a link that leads back up
        return
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError as error:
        unreadable(prefix, error)
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if _leads_to_folder(entry):
            yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", unreadable, above | {here})
        elif Path(entry.name).suffix.lower() in SUFFIXES:
            yield prefix + entry.name


def _leads_to_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def open_image(source: str | os.PathLike[str] | bytes, name: object = None) -> ImageFile.ImageFile:
    """Opens a picture without decoding it, and refuses what cannot be a single photograph.

    Args:
        source: a path, or the bytes of a file.
        name: what to call the picture in messages; the path by default.

    Raises:
        UnreadableImageError: not a picture, animated, or larger than `MAX_PIXELS`.
    """
    name = name if name is not None else ("the picture" if isinstance(source, bytes) else source)
    if not isinstance(source, bytes) and is_special(Path(source)):
        raise UnreadableImageError(name, "not a regular file")
    try:
        image = Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)
    except FileNotFoundError:
        raise UnreadableImageError(name, "no such file") from None
    except Exception as error:  # see to_rgb
        raise UnreadableImageError(name, _reason(error)) from None
    refusal = _refusal(image)
    if refusal:
        image.close()
        raise UnreadableImageError(name, refusal)
    return image


def is_special(path: Path) -> bool:
    """Whether a path is a pipe or a device, which reading would wait for."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False  # opening tells more
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _refusal(image: ImageFile.ImageFile) -> str | None:
    if image.width * image.height > MAX_PIXELS:
        return f"{image.width}x{image.height} pixels are more than the {MAX_PIXELS:,} allowed"
    try:
        frames = getattr(image, "n_frames", 1)
    except Exception as error:  # see to_rgb
        return _reason(error)
    if image.format == "JPEG2000" and image.mode != "I;16" and (bits := _bits_of_jpeg2000(image)) > 8:
        return f"JPEG2000 in colour of {bits} bits, which is not decoded rightly; save it as PNG or TIFF"
    if frames > 1 and image.format != "MPO":  # a camera's JPEG with a preview behind it is one photograph
        return f"animated or many-paged ({frames} frames)"
    return None


def _bits_of_jpeg2000(image: ImageFile.ImageFile) -> int:
    """Bits a sample, which the codestream's first two markers tell: ISO/IEC 15444-1, A.4.1 and A.5.1."""
    assert image.fp is not None  # it is just opened
    place = image.fp.tell()
    image.fp.seek(0)
    _, _, size = image.fp.read(_JPEG2000_BOXES).partition(b"\xff\x4f\xff\x51")
    image.fp.seek(place)
    components = int.from_bytes(size[36:38])
    return max(((depth & 0x7F) + 1 for depth in size[38 : 38 + 3 * components : 3]), default=8)


def to_rgb(image: Image.Image, name: object = "the picture") -> Pixels:
    """Decodes an opened picture to RGB by the rule of this module.

    Returns:
        uint8 array, shape (height, width, 3), upright.

    Raises:
        UnreadableImageError: the file is truncated or damaged, or its mode has no conversion.
    """
    try:
        return np.ascontiguousarray(_convert(_upright(image)))
    except UnreadableImageError as error:
        raise UnreadableImageError(name, error.reason) from None
    except Exception as error:  # decoders raise whatever a damaged file makes them stumble over
        raise UnreadableImageError(name, _reason(error)) from None


def read_rgb(path: str | os.PathLike[str]) -> Pixels:
    """Reads a picture file as RGB: `to_rgb(open_image(path))`."""
    with open_image(path) as image:
        return to_rgb(image, path)


def _upright(image: Image.Image) -> Image.Image:
    """Pillow's `exif_transpose` writes the EXIF block anew too, and cannot where a tag has an odd type."""
    image.load()  # the block may lie behind the samples
    turn = _UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def _convert(image: Image.Image) -> Pixels:
    if image.mode in ("I;16", "I;16L", "I;16B", "I"):
        grey = np.asarray(image).astype(np.int64)
        if grey.min() < 0 or grey.max() > 65535:
            raise UnreadableImageError("the picture", "32-bit samples have no stated range")
        grey[grey == image.info.get("transparency", -1)] = 65535  # PNG names one value that shows the white
        return np.repeat(((grey + 128) // 257).astype(np.uint8)[:, :, None], 3, axis=2)
    if image.mode == "F":
        raise UnreadableImageError("the picture", "floating-point samples have no stated range")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return np.asarray(Image.alpha_composite(white, rgba).convert("RGB"))
    return np.asarray(image.convert("RGB"))


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"the file cannot be read ({error.strerror})"
    text = str(error).strip() or type(error).__name__
    if "cannot identify image file" in text:
        return "not a picture in a format that can be read"
    if "truncated" in text or "Truncated" in text or isinstance(error, EOFError):
        return "the file is truncated"
    return f"the file is damaged ({text.splitlines()[0]})"


def at_least(pixels: Pixels, side: int) -> Pixels:
    """The picture, its right and lower edge mirrored where a side is shorter than `side`.

    Mirroring keeps the local quality of the picture as it is, which enlarging would not.
    """
    height, width = pixels.shape[:2]
    if height >= side and width >= side:
        return pixels
    padding = ((0, max(0, side - height)), (0, max(0, side - width)), (0, 0))
    return np.pad(pixels, padding, mode="symmetric")


def check_pixels(pixels: object, name: str = "the image") -> None:
    """Refuses what is not an image in memory: uint8 RGB, shape (height, width, 3).

    Args:
        pixels: what should be such an array.
        name: what to call it in the message.
    """
    given = f"a {type(pixels).__name__}"
    if isinstance(pixels, np.ndarray):
        if pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.size > 0:
            return
        given = f"an array of {pixels.dtype} with shape {pixels.shape}"
    raise MosforgeError(
        f"{name}: {given} is not an image; give a numpy array of uint8, RGB, of shape (height, width, 3)"
    )
