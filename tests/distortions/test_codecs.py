"""The codecs' bitstreams: their settings and sizes; and lossless storage."""

from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, JpegImagePlugin
from skimage import data

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, open_image, to_rgb
from mosforge.distortions.codecs import encode_jpeg, encode_jpeg2000, encode_jpeg2000_ratio, encode_png

# ITU-T T.81, Annex K, table K.1, first row
LUMINANCE = np.array([16, 11, 10, 16, 24, 40, 51, 61])


@pytest.mark.parametrize("quality", [0, 1, 4, 7, 12, 43, 90])
def test_jpeg_has_libjpegs_table_of_that_quality(coffee: Pixels, quality: int) -> None:
    used = max(quality, 1)
    scale = 5000 // used if used < 50 else 200 - 2 * used
    expected = np.clip((LUMINANCE * scale + 50) // 100, 1, 255)
    with Image.open(BytesIO(encode_jpeg(coffee, quality))) as image:
        assert list(image.quantization[0][:8]) == expected.tolist()  # type: ignore[attr-defined]
        assert JpegImagePlugin.get_sampling(image) == 2  # 4:2:0


def test_jpeg_quality_zero_is_quality_one(coffee: Pixels) -> None:
    assert encode_jpeg(coffee, 0) == encode_jpeg(coffee, 1)


@pytest.mark.parametrize("quality", [-1, 101, 7.5, "7"])
def test_jpeg_refuses_other_qualities(coffee: Pixels, quality: object) -> None:
    with pytest.raises(MosforgeError, match="JPEG quality"):
        encode_jpeg(coffee, quality)  # type: ignore[arg-type]


@pytest.mark.parametrize("bits_per_pixel", [0.46, 0.16, 0.07, 0.04, 0.02])
def test_jpeg2000_meets_its_rate(bits_per_pixel: float) -> None:
    for pixels in (data.coffee()[:384, :512], data.astronaut()):
        size = len(encode_jpeg2000(np.ascontiguousarray(pixels), bits_per_pixel))
        target = bits_per_pixel * pixels.shape[0] * pixels.shape[1] / 8
        assert size == pytest.approx(target, rel=0.05)


def test_jpeg2000_is_a_jp2_file_with_the_irreversible_wavelet_and_colours(coffee: Pixels) -> None:
    file = encode_jpeg2000(coffee, 0.46)
    assert file[4:8] == b"jP  "
    coding_style = file.index(b"\xff\x52")  # COD marker (ISO/IEC 15444-1, A.6.1)
    assert file[coding_style + 13] == 0, "the wavelet is its 14th byte: 0 is 9/7"
    assert file[coding_style + 8] == 1, (
        "the colour transform is its 9th: 1 is used, here the irreversible one"
    )


def test_jpeg_refuses_a_side_it_cannot_hold() -> None:
    with pytest.raises(MosforgeError, match="cannot hold an image of 70000x8"):
        encode_jpeg(np.zeros((8, 70_000, 3), np.uint8), 50)


@pytest.mark.parametrize("compression", [0, 1, 2, 9])
@pytest.mark.parametrize("few_colours", [False, True])
def test_png_is_lossless_for_every_reader(coffee: Pixels, compression: int, few_colours: bool) -> None:
    file = encode_png(coffee, compression, few_colours)
    with open_image(file) as image:
        assert np.array_equal(to_rgb(image), coffee)
    by_opencv = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(by_opencv[:, :, ::-1], coffee)


def test_png_levels_trade_size_for_time(coffee: Pixels) -> None:
    sizes = [len(encode_png(coffee, level)) for level in (0, 1, 9)]
    assert sizes[0] > coffee.size > sizes[1] > sizes[2]


def test_jpeg2000_meets_its_ratio() -> None:
    pixels = np.ascontiguousarray(data.astronaut())
    for ratio in (16, 45, 400):
        assert len(encode_jpeg2000_ratio(pixels, ratio)) == pytest.approx(pixels.size / ratio, rel=0.05)
