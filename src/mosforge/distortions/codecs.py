"""JPEG and JPEG2000: the codec's bitstream, and what a viewer decodes from it."""

from io import BytesIO

from PIL import Image

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, open_image, to_rgb
from mosforge.distortions.distortion import check_number


def encode_jpeg(pixels: Pixels, quality: float) -> bytes:
    """Baseline JPEG by libjpeg with 4:2:0 chroma.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        quality: libjpeg's quality, a whole number from 0 to 100.

    Returns:
        The file.

    Raises:
        MosforgeError: another quality, or sides that JPEG cannot hold.
    """
    check_number(quality, "JPEG quality", 0, 100)
    if quality != int(quality):
        raise MosforgeError(f"{quality!r} is not a JPEG quality; give a whole number from 0 to 100")
    # libjpeg takes 0 for 1; Pillow has had versions that took 0 for "not given"
    return _encode(pixels, "JPEG", quality=max(int(quality), 1), subsampling="4:2:0")


def encode_jpeg2000(pixels: Pixels, bits_per_pixel: float) -> bytes:
    """JPEG2000 by OpenJPEG: irreversible colour transform, 9/7 wavelet, one quality layer at the compression
    ratio 24 / `bits_per_pixel`.

    The file meets the rate within 5% where the picture allows. One that needs fewer bits without loss does
    not, nor one whose share is hardly more than the headers, about 270 bytes: at 0.02 bits per pixel these
    are pictures of less than 130,000 pixels, and rates below that are then all the same picture.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        bits_per_pixel: size of the file in bits for each pixel of the picture.

    Returns:
        The file (JP2).
    """
    check_number(bits_per_pixel, "JPEG2000 bit rate", 0.001, 24)
    # mct: Pillow leaves the colour transform out unless told. Without it red, green and blue are coded apart,
    # which at 0.46 bits per pixel costs 3 dB (Kodak's photographs) and twice the time.
    rates = {"quality_mode": "rates", "quality_layers": [24 / bits_per_pixel]}
    return _encode(pixels, "JPEG2000", **rates, irreversible=True, mct=1)


def encode_jpeg2000_ratio(pixels: Pixels, ratio: float) -> bytes:
    """`encode_jpeg2000` at a compression ratio against 24 bits per pixel, 1 to 24,000."""
    check_number(ratio, "JPEG2000 compression ratio", 1, 24_000)
    return encode_jpeg2000(pixels, 24 / ratio)


def jpeg(pixels: Pixels, quality: float) -> Pixels:
    """JPEG there and back: `decode(encode_jpeg(pixels, quality))`."""
    return decode(encode_jpeg(pixels, quality))


def jpeg2000(pixels: Pixels, bits_per_pixel: float) -> Pixels:
    """JPEG2000 there and back: `decode(encode_jpeg2000(pixels, bits_per_pixel))`."""
    return decode(encode_jpeg2000(pixels, bits_per_pixel))


def jpeg2000_ratio(pixels: Pixels, ratio: float) -> Pixels:
    """JPEG2000 there and back: `decode(encode_jpeg2000_ratio(pixels, ratio))`."""
    return decode(encode_jpeg2000_ratio(pixels, ratio))


def decode(bitstream: bytes) -> Pixels:
    """The picture in a bitstream, read as every later stage reads the file."""
    with open_image(bitstream) as image:
        return to_rgb(image)


def _encode(pixels: Pixels, codec: str, **options: object) -> bytes:
    buffer = BytesIO()
    try:
        Image.fromarray(pixels).save(buffer, codec, **options)
    except OSError as error:
        height, width = pixels.shape[:2]
        raise MosforgeError(
            f"{codec} cannot hold a picture of {width}x{height} pixels ({error}); use a smaller one"
        ) from None
    return buffer.getvalue()
