"""The rule by which images are read: the samples, the orientation, and what an image in memory is."""

import re
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_files import decoded, encoded, png
from PIL import Image

from mosforge.core.errors import MosforgeError, UnreadableImageError
from mosforge.core.images import at_least, check_pixels, read_rgb, size_of, to_rgb

# The eight orientations: what must be done to the stored samples (EXIF 2.32, tag 274).
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied(coffee: np.ndarray, orientation: int, kind: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(coffee, kind, exif=exif, **options)
    pixels = decoded(content)
    np.testing.assert_array_equal(pixels, UPRIGHT[orientation](coffee))
    (tmp_path / "image").write_bytes(content)
    assert size_of(tmp_path / "image") == (pixels.shape[1], pixels.shape[0])


def test_a_sideways_jpeg_becomes_a_portrait(coffee: np.ndarray, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    assert decoded(encoded(coffee, "JPEG", exif=exif)).shape == (48, 32, 3)
    (tmp_path / "image").write_bytes(encoded(coffee, "JPEG", exif=exif))
    assert size_of(tmp_path / "image") == (32, 48)


def test_a_tag_of_an_odd_type_leaves_the_orientation_readable(coffee: np.ndarray) -> None:
    # orientation 6, a short; unit of the resolution, text where a short belongs
    tags = struct.pack("<HHIHHHHI4s", 0x112, 3, 1, 6, 0, 0x128, 2, 1, b"")
    content = encoded(coffee, "PNG", exif=b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 2) + tags + bytes(4))
    np.testing.assert_array_equal(decoded(content), UPRIGHT[6](coffee))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_an_image_with_a_damaged_exif_block_is_read(coffee: np.ndarray) -> None:
    content = encoded(coffee, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert decoded(content).shape == coffee.shape


def test_rgb_is_left_as_it_is(coffee: np.ndarray) -> None:
    np.testing.assert_array_equal(decoded(encoded(coffee, "PNG")), coffee)


def test_grey_fills_three_channels(coffee: np.ndarray) -> None:
    grey = coffee[..., 1]
    np.testing.assert_array_equal(decoded(encoded(grey, "PNG")), np.stack([grey] * 3, axis=2))


def test_one_bit_is_black_and_white() -> None:
    bits = np.array([[True, False], [False, True]])
    expected = np.repeat(bits[..., None] * np.uint8(255), 3, axis=2)
    np.testing.assert_array_equal(decoded(encoded(bits, "PNG")), expected)


def test_a_palette_gives_its_colours() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    np.testing.assert_array_equal(decoded(encoded(image, "PNG")), [[[10, 20, 30], [200, 100, 50]]])


@pytest.mark.parametrize("transparency", [0, b"\x00\xff"])
def test_a_transparent_palette_entry_becomes_white(transparency: int | bytes) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    pixels = decoded(encoded(image, "PNG", transparency=transparency))
    np.testing.assert_array_equal(pixels, [[[255, 255, 255], [200, 100, 50]]])


def test_a_transparent_colour_of_an_rgb_image_becomes_white() -> None:
    pixels = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    shown = decoded(encoded(pixels, "PNG", transparency=(1, 2, 3)))
    np.testing.assert_array_equal(shown, [[[255, 255, 255], [4, 5, 6]]])


def test_a_transparent_value_of_a_16_bit_grey_image_becomes_white() -> None:
    grey = np.array([[1000, 0, 257]], np.uint16)
    shown = decoded(encoded(grey, "PNG", transparency=1000))
    np.testing.assert_array_equal(shown[..., 0], [[255, 0, 1]])


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_alpha_is_laid_over_white(kind: str) -> None:
    alpha = np.array([0, 51, 128, 255])
    colour = np.array([[200, 100, 0]] * 4)
    rgba = np.concatenate([colour, alpha[:, None]], axis=1).astype(np.uint8)[None]
    expected = colour * alpha[:, None] / 255 + 255 * (1 - alpha[:, None] / 255)
    np.testing.assert_allclose(decoded(encoded(rgba, kind))[0], expected, atol=1)


def test_grey_with_alpha_is_laid_over_white() -> None:
    la = np.array([[[0, 0], [0, 255], [100, 51]]], np.uint8)
    pixels = decoded(encoded(Image.fromarray(la, "LA"), "PNG"))
    np.testing.assert_allclose(pixels[0, :, 0], [255, 0, 100 * 0.2 + 255 * 0.8], atol=1)


def test_cmyk_becomes_rgb() -> None:
    image = Image.new("CMYK", (16, 16), (255, 0, 0, 0))  # cyan ink takes only the red away
    red, green, blue = decoded(encoded(image, "TIFF"))[8, 8]
    assert red < 10
    assert green > 245
    assert blue > 245
    inked = decoded(encoded(Image.new("CMYK", (16, 16), (0, 0, 0, 255)), "JPEG", quality=95))
    assert inked.max() < 10, "black ink must not come out white: Adobe's JPEGs hold inverted samples"


def sixteen_bits() -> np.ndarray:
    ends_and_halves = [0, 1, 128, 129, 256, 257, 385, 386, 32767, 32768, 65406, 65407, 65534, 65535]
    return np.array([ends_and_halves, ends_and_halves[::-1]], np.uint16)


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_sixteen_bit_grey_is_scaled_with_rounding(tmp_path: Path, ending: str) -> None:
    samples = sixteen_bits()
    file = tmp_path / f"grey.{ending}"
    assert cv2.imwrite(str(file), samples)
    expected = np.round(samples / 257).astype(np.uint8)
    pixels = read_rgb(file)
    for channel in range(3):
        np.testing.assert_array_equal(pixels[..., channel], expected)


def test_sixteen_bit_grey_is_turned_upright(tmp_path: Path) -> None:
    samples = sixteen_bits()
    exif = Image.Exif()
    exif[274] = 6
    pixels = decoded(encoded(samples, "PNG", exif=exif))
    np.testing.assert_array_equal(pixels[..., 0], np.rot90(np.round(samples / 257), -1))


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bit_colour_keeps_its_upper_byte(tmp_path: Path, ending: str) -> None:
    samples = np.random.default_rng(0).integers(0, 2**16, (8, 9, 3)).astype(np.uint16)
    file = tmp_path / f"colour.{ending}"
    assert cv2.imwrite(str(file), samples[..., ::-1])
    pixels = read_rgb(file)
    np.testing.assert_array_equal(pixels, samples >> 8)
    assert np.abs(pixels - samples / 257).max() <= 1


def test_an_image_that_is_large_enough_is_not_changed(coffee: np.ndarray) -> None:
    assert at_least(coffee, 32) is coffee


@settings(deadline=None)
@given(height=st.integers(1, 9), width=st.integers(1, 9), side=st.integers(1, 30))
def test_the_lower_right_is_mirrored(height: int, width: int, side: int) -> None:
    pixels = np.random.default_rng(height * 10 + width).integers(0, 256, (height, width, 3)).astype(np.uint8)
    larger = at_least(pixels, side)
    assert larger.shape == (max(height, side), max(width, side), 3)

    def mirrored(position: int, length: int) -> int:
        position %= 2 * length
        return position if position < length else 2 * length - 1 - position

    for row in range(larger.shape[0]):
        for column in range(larger.shape[1]):
            expected = pixels[mirrored(row, height), mirrored(column, width)]
            assert larger[row, column].tolist() == expected.tolist()


def test_an_image_in_memory_is_an_array_of_8_bit_rgb() -> None:
    good = np.zeros((2, 3, 3), np.uint8)
    check_pixels(good)
    for bad in (good[..., 0], good[..., :2], good[:0], good.astype(np.uint16), good.astype(np.float32)):
        with pytest.raises(
            MosforgeError, match=re.escape(f"mine: an array of {bad.dtype} with shape {bad.shape}")
        ):
            check_pixels(bad, "mine")
    with pytest.raises(MosforgeError, match="the image: a list"):
        check_pixels(good.tolist())


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_transparent_grey_of_any_depth_becomes_white(bits: int) -> None:
    row = bytes([0b00000000, 0b00010001]) if bits > 1 else bytes([0b01010101])
    transparent = 17 if bits == 8 else 17 if bits == 16 else 0 if bits == 1 else 1
    values = {1: [255] * 8, 2: [0] * 5 + [255, 0, 255], 4: [0, 0, 255, 255], 8: [0, 255], 16: [255]}
    shown = decoded(png(bits, 0, [row], (b"tRNS", struct.pack(">H", transparent))))
    assert shown[0, :, 1].tolist() == values[bits]


def test_grey_that_is_multiplied_by_its_alpha_is_laid_over_white() -> None:
    image = Image.fromarray(np.array([[[60, 51], [0, 255]]], np.uint8), "LA").convert("La")
    np.testing.assert_allclose(to_rgb(image)[0, :, 0], [60 * 0.2 + 204, 0], atol=2)


def test_an_image_in_memory_that_does_not_say_its_range_is_refused(coffee: np.ndarray) -> None:
    with pytest.raises(UnreadableImageError, match="32-bit"):
        to_rgb(Image.fromarray(coffee).convert("L").convert("I"))  # 0 to 255, which 16 bits would darken
    with pytest.raises(UnreadableImageError, match="no pixels"):
        to_rgb(Image.new("RGB", (0, 5)))


def test_a_masked_array_is_refused() -> None:
    with pytest.raises(MosforgeError, match="a masked array"):
        check_pixels(np.ma.masked_greater(np.ones((2, 3, 3), np.uint8), 0))
