"""Files of images: the bitstreams of JPEG and JPEG2000, the images decoded from them, and lossless PNG."""

from io import BytesIO

import cv2
from PIL import Image

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, open_image, to_rgb
from mosforge.distortions.operation import check_number, whole_number


def encode_jpeg(pixels: Pixels, quality: float) -> bytes:
    """Baseline JPEG by libjpeg with 4:2:0 chroma.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        quality: libjpeg's quality, a whole number from 0 to 100.

    Returns:
        The file.

    Raises:
        MosforgeError: `quality` is not such a number, or a side is too long for JPEG.
    """
    # libjpeg takes 0 for 1; some versions of Pillow take 0 for "not given"
    whole = max(whole_number(quality, "JPEG quality", 0, 100), 1)
    return _encode(pixels, "JPEG", quality=whole, subsampling="4:2:0")


def encode_jpeg2000(pixels: Pixels, bits_per_pixel: float) -> bytes:
    """JPEG2000 by OpenJPEG: irreversible colour transform, 9/7 wavelet, one quality layer at the compression
    ratio 24 / `bits_per_pixel`.

    The size of the file is within 5% of the rate, with two exceptions: the image needs fewer bits without
    loss, or the rate is hardly more than the headers, which take about 270 bytes. At 0.02 bits per pixel that
    concerns images of less than 130,000 pixels; lower rates all give the same file then.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        bits_per_pixel: size of the file in bits, over the number of pixels.

    Returns:
        The file (JP2).
    """
    check_number(bits_per_pixel, "JPEG2000 bit rate", 0.001, 24)
    # mct: by default Pillow leaves the colour transform out and codes red, green and blue separately. At
    # 0.46 bits per pixel that costs 3 dB (Kodak's images) and twice the time.
    rates = {"quality_mode": "rates", "quality_layers": [24 / bits_per_pixel]}
    return _encode(pixels, "JPEG2000", **rates, irreversible=True, mct=1)


def encode_jpeg2000_ratio(pixels: Pixels, ratio: float) -> bytes:
    """`encode_jpeg2000` at a compression ratio against 24 bits per pixel, 1 to 24,000."""
    check_number(ratio, "JPEG2000 compression ratio", 1, 24_000)
    return encode_jpeg2000(pixels, 24 / ratio)


def decode(bitstream: bytes) -> Pixels:
    """The image in a bitstream, read as every later stage reads the file."""
    with open_image(bitstream) as image:
        return to_rgb(image)


def encode_png(pixels: Pixels, compression: int, few_colours: bool = False) -> bytes:
    """PNG, with settings that are fast to write and to read.

    Measured at 512x384 on one core: level 0 takes 0.6 ms to write and 0.5 ms to read back, level 1 takes
    5 and 3 ms for two thirds of the size; libpng's own choice of settings takes 14 and 4 ms at level 1
    for the same size.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        compression: zlib level, 0 (fastest, largest) to 9.
        few_colours: the image has few colours: repeated patterns compress it well, and differences between
            neighbouring pixels do not.

    Returns:
        The file.
    """
    line, strategy = cv2.IMWRITE_PNG_ALL_FILTERS, cv2.IMWRITE_PNG_STRATEGY_DEFAULT
    if compression == 0 or few_colours:
        line = cv2.IMWRITE_PNG_FILTER_NONE
    elif compression == 1:
        line, strategy = cv2.IMWRITE_PNG_FILTER_SUB, cv2.IMWRITE_PNG_STRATEGY_RLE
    settings = [cv2.IMWRITE_PNG_COMPRESSION, compression, cv2.IMWRITE_PNG_STRATEGY, strategy]
    settings += [cv2.IMWRITE_PNG_FILTER, line]
    # in memory: on a full disk cv2.imwrite returns False without a reason
    _, file = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), settings)
    return bytes(file)


def _encode(pixels: Pixels, codec: str, **options: object) -> bytes:
    buffer = BytesIO()
    try:
        Image.fromarray(pixels).save(buffer, codec, **options)
    except OSError as error:
        height, width = pixels.shape[:2]
        raise MosforgeError(
            f"{codec} cannot hold an image of {width}x{height} pixels ({error}); use a smaller one"
        ) from None
    return buffer.getvalue()
