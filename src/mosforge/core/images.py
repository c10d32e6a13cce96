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
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageFile, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from mosforge.core.damage import check_jpeg, drop_damaged_chunks, is_lossless
from mosforge.core.errors import MosforgeError, UnreadableImageError

Pixels = npt.NDArray[np.uint8]
"""An RGB image: uint8, shape (height, width, 3)."""

FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""The formats that are decoded, independent of the file's suffix. Pillow knows others; some of them start
other programs (EPS runs Ghostscript)."""

MAX_PIXELS = 120_000_000
"""An image with more pixels is taken for a decompression bomb."""

SMALLEST_SIDE = 161
"""The shortest side, in pixels, that the five scales of MS-SSIM with an 11-tap window allow (piq)."""

_Tag = ExifTags.Base

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
        raise UnreadableImageError(name, _reason(error)) from None
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
    if refusal := _wrongly_decoded(image):
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


def _refusal(image: ImageFile.ImageFile) -> str | None:
    if image.width * image.height > MAX_PIXELS:
        return f"{image.width}x{image.height} pixels are more than the {MAX_PIXELS:,} allowed"
    try:
        frames = getattr(image, "n_frames", 1)
    except Exception as error:  # see to_rgb
        return _reason(error)
    if refusal := _wrongly_decoded(image):
        return refusal
    if frames > 1 and image.format != "MPO":  # a camera's JPEG with a preview after it is one image
        return f"animated or many-paged ({frames} frames)"
    return None


def _wrongly_decoded(image: ImageFile.ImageFile) -> str | None:
    try:
        if isinstance(image, TiffImagePlugin.TiffImageFile) and (what := _odd_in_tiff(image.tag_v2)):
            return f"TIFF {what}; save it as PNG"
    except Exception as error:  # see to_rgb
        return _reason(error)
    if image.format == "JPEG2000" and (what := _odd_in_jpeg2000(_content(image), image.mode)):
        return f"JPEG2000 {what}, which is decoded wrongly; save it as PNG or TIFF"
    if image.format in ("JPEG", "MPO") and is_lossless(_content(image)):
        return "a lossless JPEG, which does not show whether it is whole; save it as PNG"
    if image.format == "JPEG" and image.mode == "CMYK" and "adobe" not in image.info:
        return "a CMYK JPEG without Adobe's marker does not say whether 0 is no ink or all; save it as RGB"
    if "transparency" in image.info and image.tile and image.tile[0][3] == "RGB;16B":
        return "a transparent colour of 16 bits is not decoded; save it as PNG with an alpha channel"
    return None


def _odd_in_tiff(tags: Mapping[int, Any]) -> str | None:
    """What Pillow decodes wrongly, from the tags of TIFF 6.0."""
    kind, bits = tags.get(_Tag.SampleFormat, (1,))[0], tags.get(_Tag.BitsPerSample, (1,))
    colours, compression = tags.get(_Tag.PhotometricInterpretation, 0), tags.get(_Tag.Compression)
    planes = tags.get(_Tag.PlanarConfiguration) == 2
    is_wrong = (
        kind != 1
        or (bits[0] > 8 and (bits[0] != 16 or colours == 0 or (planes and compression == 1)))
        or (planes and len(bits) == 2)
        or colours > 6
        or (colours == 6 and (compression != 7 or len(bits) != 3))  # YCbCr, except in JPEG compression
        or (colours == 5 and tags.get(_Tag.InkSet, 1) != 1)  # inks that are not CMYK
    )
    if is_wrong:
        text = f"of {bits[0]} bits, photometric interpretation {colours}, sample format {kind}"
        return f"{text}{', in planes' * planes}, has no stated range or no sure decoder"
    if colours == 3 and 0 < max(tags.get(_Tag.ColorMap, (0,))) < 256:
        return "with a palette of 8 bits, where 16 belong"
    return None


def _content(image: ImageFile.ImageFile) -> bytes:
    """The bytes of an opened image, of a JPEG up to its samples; none where its file is closed already."""
    if image.fp is None or image.fp.closed:
        return b""
    place = image.fp.tell()
    image.fp.seek(0)
    content = image.fp.read(place or -1) if image.format == "JPEG" else image.fp.read()
    image.fp.seek(place)
    return content


def _odd_in_jpeg2000(content: bytes, mode: str) -> str | None:
    """What Pillow decodes wrongly, from ISO/IEC 15444-1: A.5.1 (the samples) and I.5.3 (the channels)."""
    head, _, size = content.partition(b"\xff\x4f\xff\x51")
    count = int.from_bytes(size[36:38])
    for depth in size[38 : 38 + 3 * count : 3]:
        bits, signed = (depth & 0x7F) + 1, depth > 0x7F
        if signed or bits < 8 or (bits > 8 and mode != "I;16"):
            colours = "grey" if count < 3 else "colour"
            return f"in {colours} of {bits} bits{', signed' * signed}"
    for kind, body in (box for name, boxes in _boxes(head) if name == b"jp2h" for box in _boxes(boxes)):
        if kind == b"cdef":
            last = int.from_bytes(body[:2]) - 1
            for place in range(2, len(body) - 5, 6):
                number, role, colour = (int.from_bytes(body[place + i : place + i + 2]) for i in (0, 2, 4))
                if (role, colour) != (0, number + 1) and (number, role, colour) != (last, 1, 0):
                    return "with channels in another order, or neither colours nor alpha"
        if kind == b"pclr" and any(bits != 7 for bits in body[3 : 3 + body[2]]):
            return "with a palette of other than 8 bits"
    return None


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes of a JPEG2000 file, or of one of its boxes: their names and what is in them (I.4)."""
    place = 0
    while place + 8 <= len(content):
        length, start = int.from_bytes(content[place : place + 4]), 8
        if length == 1:
            length, start = int.from_bytes(content[place + 8 : place + 16]), 16
        end = place + length if length >= start else len(content)
        yield content[place + 4 : place + 8], content[place + start : end]
        place = end


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
