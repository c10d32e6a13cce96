"""Reading images by one stated rule.

The rule: EXIF orientation is applied; grey, palette and CMYK images become RGB; 16-bit grey samples are
scaled to 8 bits with rounding (of 16-bit colour in PNG and TIFF, Pillow gives the upper byte, which is at
most one step less); transparency is laid over white. A JPEG may carry further images (MPO: a camera's preview
or second view), of which only the first is read. Animated, many-paged, truncated, damaged and over-large
files are refused with the reason, and so is what Pillow decodes wrongly: some TIFFs, and JPEG2000 of signed
samples, of fewer than 8 bits, in colour of more, or with channels in another order.
"""

import os
import stat
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageFile, JpegImagePlugin, PngImagePlugin

from mosforge.core.damage import check_jpeg, drop_damaged_chunks
from mosforge.core.errors import MosforgeError, UnreadableImageError
from mosforge.core.wrongly_decoded import wrongly_decoded

Pixels = npt.NDArray[np.uint8]
"""An RGB image: uint8, shape (height, width, 3)."""

FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""The formats that are decoded, independent of the file's suffix. Pillow knows others; some of them start
other programs (EPS runs Ghostscript)."""

MAX_PIXELS = 120_000_000
"""An image with more pixels is taken for a decompression bomb."""

SMALLEST_SIDE = 161
"""The shortest side, in pixels, that the five scales of MS-SSIM with an 11-tap window allow (piq)."""

# EXIF orientation -> what turns the image upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Text and colour profiles of a PNG may be as large as the largest image.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = 3 * MAX_PIXELS

# Pillow only warns at its own limit and raises at twice that; ours is checked before an image is decoded.
Image.MAX_IMAGE_PIXELS = None

# Pillow warns about odd EXIF blocks and palettes. The filters belong to the whole process, and images are
# read in several threads, so that this cannot be set around each call.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def open_image(source: str | os.PathLike[str] | bytes, name: object = None) -> ImageFile.ImageFile:
    """Opens an image without decoding it, and refuses a file that is not one still image.

    Args:
        source: a path, or the bytes of a file.
        name: the name of the image in messages; the path by default.

    Raises:
        UnreadableImageError: the file is not an image, is animated, or has more pixels than `MAX_PIXELS`.
    """
    name = name if name is not None else ("the image" if isinstance(source, bytes) else source)
    if not isinstance(source, bytes) and is_special(Path(source)):
        raise UnreadableImageError(name, "not a regular file")
    try:
        # not Path.open: it takes an empty name for the current folder
        with BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file:  # noqa: PTH123
            if file.read(len(PngImagePlugin._MAGIC)) == PngImagePlugin._MAGIC:
                source = drop_damaged_chunks(PngImagePlugin._MAGIC + file.read())
        image = Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)
    except FileNotFoundError:
        raise UnreadableImageError(name, "no such file") from None
    except Exception as error:  # see to_rgb
        raise UnreadableImageError(
            name, "the file is empty" if _is_empty(source) else _reason(error)
        ) from None
    if refusal := _refusal(image):
        image.close()
        raise UnreadableImageError(name, refusal)
    return _with_scaled_transparency(image)


def prepared(image: Image.Image) -> Image.Image:
    """An image of a caller's, opened by Pillow or made in memory, fit for `to_rgb`.

    Of several frames it is the one that the caller chose.

    Raises:
        UnreadableImageError: its file is of a kind that Pillow decodes wrongly.
    """
    if not isinstance(image, ImageFile.ImageFile):
        return image
    if refusal := _decoding_refusal(image):
        raise UnreadableImageError("the image", refusal)
    return _with_scaled_transparency(image)


def _with_scaled_transparency(image: ImageFile.ImageFile) -> ImageFile.ImageFile:
    if "transparency" in image.info and image.tile and image.tile[0][3] in ("L;2", "L;4"):
        image.info["transparency"] *= 85 if image.tile[0][3] == "L;2" else 17  # as Pillow scales the samples
    return image


def size_of(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Width and height of an image as `read_rgb` gives it, of JPEG, BMP and PPM without decoding it.

    Raises:
        UnreadableImageError: see `open_image` and `to_rgb`.
    """
    with open_image(path) as image:
        if image.format in ("BMP", "PPM"):
            return image.size
        if image.format == "JPEG":
            try:
                turned = image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
            except Exception as error:  # see to_rgb
                raise UnreadableImageError(path, _reason(error)) from None
            return (image.height, image.width) if turned else image.size
        height, width = to_rgb(image, path).shape[:2]  # the orientation may lie after the samples
        return width, height


def is_special(path: Path) -> bool:
    """Whether a path is a pipe or a device; reading one could wait for ever."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False  # the error of opening it says more
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _is_empty(source: str | os.PathLike[str] | bytes) -> bool:
    if isinstance(source, bytes):
        return not source
    try:
        return Path(source).is_file() and not Path(source).stat().st_size
    except (OSError, ValueError):
        return False  # the error of opening it says more


def _refusal(image: ImageFile.ImageFile) -> str | None:
    if image.width * image.height > MAX_PIXELS:
        return f"{image.width}x{image.height} pixels are more than the {MAX_PIXELS:,} allowed"
    try:
        frames = getattr(image, "n_frames", 1)
    except Exception as error:  # see to_rgb
        return _reason(error)
    if refusal := _decoding_refusal(image):
        return refusal
    if frames > 1 and image.format != "MPO":  # a camera's JPEG with a preview after it is one image
        return f"animated or many-paged ({frames} frames)"
    return None


def _decoding_refusal(image: ImageFile.ImageFile) -> str | None:
    try:
        return wrongly_decoded(image)
    except Exception as error:  # see to_rgb
        return _reason(error)


def to_rgb(image: Image.Image, name: object = "the image") -> Pixels:
    """Decodes an opened image to RGB by the rule of this module.

    Args:
        image: opened with `open_image`, or made in memory.
        name: the name of the image in messages.

    Returns:
        uint8 array, shape (height, width, 3), upright.

    Raises:
        UnreadableImageError: the file is truncated or damaged, or its mode has no conversion.
    """
    if not (image.width and image.height):
        raise UnreadableImageError(name, "it has no pixels")
    if image.mode == "I" and image.format not in ("PPM", "PNG"):  # there, 16 bits
        raise UnreadableImageError(name, "32-bit samples have no stated range")
    try:
        if isinstance(image, JpegImagePlugin.JpegImageFile) and image.tile and image.fp:
            image.fp.seek(0)
            check_jpeg(image.fp.read())
        return np.ascontiguousarray(_convert(_turn_upright(image), name))
    except UnreadableImageError:
        raise
    except Exception as error:  # a damaged file makes decoders raise errors of any kind
        raise UnreadableImageError(name, _reason(error)) from None


def read_rgb(path: str | os.PathLike[str]) -> Pixels:
    """Reads an image file as RGB: `to_rgb(open_image(path))`."""
    with open_image(path) as image:
        return to_rgb(image, path)


def _turn_upright(image: Image.Image) -> Image.Image:
    """Pillow's `exif_transpose` also writes the EXIF block anew, and fails where a tag has an odd type."""
    image.load()  # the EXIF block may lie after the samples
    turn = _UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def _convert(image: Image.Image, name: object) -> Pixels:
    if image.mode in ("I;16", "I;16L", "I;16B", "I"):
        grey = np.asarray(image).astype(np.int64)
        if grey.min() < 0 or grey.max() > 65535:
            raise UnreadableImageError(name, "32-bit samples have no stated range")
        grey[grey == image.info.get("transparency", -1)] = 65535  # PNG can declare one value transparent
        return np.repeat(((grey + 128) // 257).astype(np.uint8)[:, :, None], 3, axis=2)
    if image.mode == "F":
        raise UnreadableImageError(name, "floating-point samples have no stated range")
    if image.mode == "La":  # Pillow converts it to no other mode
        image = image.convert("LA")
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
        return "not an image in a format and bit depth that can be read"
    if "truncated" in text or "Truncated" in text or isinstance(error, EOFError):
        return "the file is truncated"
    return f"the file is damaged ({text.splitlines()[0]})"


def at_least(pixels: Pixels, side: int) -> Pixels:
    """The image, continued to the right and below by mirroring where a side is shorter than `side`.

    Mirroring keeps the local quality of the image; enlarging would change it.
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
        name: its name in the message.

    Raises:
        MosforgeError: it is another type, or an array of another kind or without pixels.
    """
    given = f"a {type(pixels).__name__}"
    if isinstance(pixels, np.ma.MaskedArray):
        given = "a masked array"
    elif isinstance(pixels, np.ndarray):
        if pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.size > 0:
            return
        given = f"an array of {pixels.dtype} with shape {pixels.shape}"
    raise MosforgeError(
        f"{name}: {given} is not an image; give a numpy array of uint8, RGB, of shape (height, width, 3)"
    )
