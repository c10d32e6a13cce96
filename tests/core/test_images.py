"""The rule by which images are read: the samples, the orientation, and what is refused."""

import re
import struct
import zlib
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from mosforge.core.errors import MosforgeError, UnreadableImageError
from mosforge.core.images import (
    MAX_PIXELS,
    at_least,
    check_pixels,
    open_image,
    prepared,
    read_rgb,
    size_of,
    to_rgb,
)


@pytest.fixture(scope="module")
def coffee() -> np.ndarray:
    return np.asarray(Image.fromarray(data.coffee()).resize((48, 32)))


def encoded(pixels: np.ndarray | Image.Image, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(stream, kind, **options)
    return stream.getvalue()


def decoded(content: bytes) -> np.ndarray:
    with open_image(content) as image:
        return to_rgb(image)


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


def test_jpeg2000_in_colour_of_more_than_8_bits_is_refused(coffee: np.ndarray) -> None:
    deep = cv2.imencode(".jp2", coffee.astype(np.uint16) * 257)[1].tobytes()
    with pytest.raises(UnreadableImageError, match=r"JPEG2000 .* 16 bits"):
        open_image(deep)
    with pytest.raises(UnreadableImageError, match="of 16 bits"):
        open_image(deep[deep.index(b"\xff\x4f\xff\x51") :])  # without the boxes around the samples
    for pixels in (coffee, coffee[..., 1], coffee[..., 1].astype(np.uint16) * 257):  # decoded correctly
        found = decoded(encoded(pixels, "JPEG2000", irreversible=False))
        np.testing.assert_array_equal(found[..., 1], coffee[..., 1])


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


def test_a_cmyk_jpeg_that_does_not_say_how_it_is_inked_is_refused() -> None:
    content = encoded(Image.new("CMYK", (16, 16)), "JPEG")
    marker = content.index(b"\xff\xee")
    end = marker + 2 + int.from_bytes(content[marker + 2 : marker + 4])
    with pytest.raises(UnreadableImageError, match="CMYK JPEG without Adobe's marker"):
        open_image(content[:marker] + content[end:])


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


def test_thirty_two_bit_and_floating_point_samples_are_refused_by_name(tmp_path: Path) -> None:
    for name, samples in {"int.tif": np.int32([[70000, 1]]), "float.tif": np.float32([[0.5, 1]])}.items():
        Image.fromarray(samples).save(tmp_path / name)
        with pytest.raises(UnreadableImageError, match="no stated range") as caught:
            read_rgb(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: ")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000", "PPM"])
def test_a_file_cut_anywhere_is_refused_or_whole(coffee: np.ndarray, kind: str) -> None:
    content = encoded(coffee, kind)
    whole = decoded(content)
    reasons = []
    for length in sorted({*range(0, 64), *np.linspace(64, len(content) - 1, 60).astype(int).tolist()}):
        try:
            pixels = decoded(content[:length])
        except UnreadableImageError as error:
            reasons.append(error.reason)
        else:
            np.testing.assert_array_equal(pixels, whole, err_msg=f"{length} of {len(content)} bytes")
    assert len(reasons) > 60
    assert all(reason and "\n" not in reason for reason in reasons)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(deadline=None)
@given(
    position=st.integers(0, 10_000), value=st.integers(0, 255), kind=st.sampled_from(["JPEG", "PNG", "TIFF"])
)
def test_a_wrong_byte_never_gives_another_error(position: int, value: int, kind: str) -> None:
    content = bytearray(encoded(data.coffee()[:24, :24], kind))
    content[position % len(content)] = value
    try:
        pixels = decoded(bytes(content))
    except UnreadableImageError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.jpg", b"no image at all\n"),
        ("empty.png", b""),
        ("zeros.tif", bytes(1000)),
        ("html.png", b"<html>"),
    ],
)
def test_a_file_that_is_no_image_is_refused_by_name(tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(UnreadableImageError) as caught:
        read_rgb(file)
    assert str(caught.value).startswith(f"{file}: not an image")


def test_a_format_that_starts_a_program_is_not_opened(coffee: np.ndarray) -> None:
    with pytest.raises(UnreadableImageError, match="not an image in a format"):
        open_image(encoded(coffee, "EPS"))


def test_the_content_decides_and_not_the_ending(tmp_path: Path, coffee: np.ndarray) -> None:
    (tmp_path / "really_a_png.jpg").write_bytes(encoded(coffee, "PNG"))
    np.testing.assert_array_equal(read_rgb(tmp_path / "really_a_png.jpg"), coffee)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="no such file"):
        read_rgb(tmp_path / "none.png")
    with pytest.raises(UnreadableImageError, match=r"cannot be read \(Is a directory\)"):
        read_rgb(tmp_path)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animated_and_many_paged_files_are_refused(kind: str) -> None:
    first, *others = (Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue"))
    with pytest.raises(UnreadableImageError, match="3 frames"):
        open_image(encoded(first, kind, save_all=True, append_images=others))


def test_a_still_gif_is_read() -> None:
    assert decoded(encoded(Image.new("RGB", (3, 2), (255, 0, 0)), "GIF")).tolist() == [[[255, 0, 0]] * 3] * 2


def test_the_first_image_of_a_jpeg_with_a_preview_is_read(coffee: np.ndarray) -> None:
    first = Image.fromarray(coffee)
    content = encoded(first, "MPO", save_all=True, append_images=[first.resize((12, 8))])
    np.testing.assert_array_equal(decoded(content), decoded(encoded(first, "JPEG")))


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    side = 60_000
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    bomb = (
        b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(bytes(10))) + png_chunk(b"IEND", b"")
    )
    assert side**2 > MAX_PIXELS
    with pytest.raises(UnreadableImageError, match=r"60000x60000 pixels .*120,000,000"):
        open_image(bomb)


def test_a_jpeg_that_claims_to_be_huge_is_refused(coffee: np.ndarray) -> None:
    content = bytearray(encoded(coffee, "JPEG"))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", 65000, 65000)
    with pytest.raises(UnreadableImageError, match="65000x65000 pixels"):
        open_image(bytes(content))


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


def tiff(samples: np.ndarray, bits: int, tags: dict[int, int], order: str = "<") -> bytes:
    """A grey TIFF of one uncompressed strip: `samples` are the numbers that it stores, a row each."""
    numbers = [[format(int(value) % 2**bits, f"0{bits}b") for value in row] for row in samples]
    rows = ["".join(row) for row in numbers]
    strip = b"".join(int(row.ljust(-len(row) // 8 * -8, "0"), 2).to_bytes(-(-len(row) // 8)) for row in rows)
    if bits in (16, 32):
        strip = samples.astype(f"{order}i{bits // 8}").tobytes()
    height, width = samples.shape
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: 1, 273: 0, 277: 1, 278: height} | tags
    tags |= {279: len(strip), 273: 10 + 12 * (len(tags) + 1) + 4}
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HIH", 42, 8, len(tags))
    return head + entries + bytes(4) + strip


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("interpretation", [0, 1])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 12, 16])
def test_a_tiff_of_any_depth_is_read_right_or_refused(bits: int, interpretation: int, order: str) -> None:
    samples = np.linspace(0, 2**bits - 1, 64).round().astype(np.int64).reshape(4, 16)
    expected = samples / (2**bits - 1) * 255
    content = tiff(samples, bits, {262: interpretation}, order)
    if bits == 12 or (bits == 16 and interpretation == 0):
        with pytest.raises(UnreadableImageError, match=rf"{bits} bits|bit depth"):
            open_image(content)
    else:
        shown = decoded(content)[..., 0]
        np.testing.assert_array_equal(shown, np.round(expected if interpretation else 255 - expected))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_a_tiff_of_signed_samples_is_refused(bits: int, order: str) -> None:
    with pytest.raises(UnreadableImageError, match="sample format 2"):
        open_image(tiff(np.array([[-3, 4, 100]]), bits, {339: 2}, order))


@pytest.mark.parametrize(("bits", "interpretation"), [(8, 6), (8, 8)])
def test_a_tiff_in_colours_that_are_not_decoded_for_sure_is_refused(
    coffee: np.ndarray, bits: int, interpretation: int
) -> None:
    image = Image.fromarray(coffee).convert("YCbCr") if interpretation == 6 else Image.new("LAB", (9, 9))
    with pytest.raises(
        UnreadableImageError, match=f"{bits} bits, photometric interpretation {interpretation}"
    ):
        open_image(encoded(image, "TIFF"))


def test_a_tiff_of_16_bits_in_planes_is_refused() -> None:
    stream = BytesIO()
    tifffile.imwrite(stream, np.ones((3, 8, 8), np.uint16), photometric="rgb", planarconfig="separate")
    with pytest.raises(UnreadableImageError, match="in planes"):
        open_image(stream.getvalue())


def png(bits: int, colour: int, rows: list[bytes], *chunks: tuple[bytes, bytes]) -> bytes:
    width = len(rows[0]) * 8 // bits // (3 if colour == 2 else 1)
    head = (b"IHDR", struct.pack(">IIBBBBB", width, len(rows), bits, colour, 0, 0, 0))
    image = (b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    parts = (png_chunk(*chunk) for chunk in (head, *chunks, image, (b"IEND", b"")))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_transparent_grey_of_any_depth_becomes_white(bits: int) -> None:
    row = bytes([0b00000000, 0b00010001]) if bits > 1 else bytes([0b01010101])
    transparent = 17 if bits == 8 else 17 if bits == 16 else 0 if bits == 1 else 1
    values = {1: [255] * 8, 2: [0] * 5 + [255, 0, 255], 4: [0, 0, 255, 255], 8: [0, 255], 16: [255]}
    shown = decoded(png(bits, 0, [row], (b"tRNS", struct.pack(">H", transparent))))
    assert shown[0, :, 1].tolist() == values[bits]


@pytest.mark.parametrize("bits", [8, 16])
def test_a_transparent_colour_of_any_depth_becomes_white(bits: int) -> None:
    values = np.array([[0x10, 2, 3], [4, 5, 6]]) * (257 if bits == 16 else 1)
    colours = np.concatenate([values, values[:1] + np.array([0, 0, 1])])  # the last differs in the lowest bit
    content = png(
        bits, 2, [colours.astype(f">u{bits // 8}").tobytes()], (b"tRNS", struct.pack(">3H", *values[0]))
    )
    if bits == 16:
        with pytest.raises(UnreadableImageError, match="16 bits"):
            open_image(content)
    else:
        assert decoded(content)[0].tolist() == [[255] * 3, [4, 5, 6], [0x10, 2, 4]]


def test_a_png_with_large_text_and_colour_profile_is_sound() -> None:
    long = zlib.compress(bytes(3 << 20))
    texts = [(b"zTXt", b"note\0\0" + long), (b"iTXt", b"note\0\1\0\0\0" + long), (b"iCCP", b"p\0\0" + long)]
    for text in texts:
        assert decoded(png(8, 0, [b"\1\2"], text))[0, :, 0].tolist() == [1, 2]


def jpeg2000_of_bits(bits: int, signed: bool) -> bytes:
    content = bytearray(encoded(np.full((16, 16, 3), 2 ** (bits - 1), np.uint8), "JPEG2000", mct=0))
    size = content.index(b"\xff\x4f\xff\x51") + 4
    content[size + 38 : size + 47 : 3] = bytes([bits - 1 + 128 * signed]) * 3
    return bytes(content)


@pytest.mark.parametrize(("bits", "signed"), [(1, False), (4, False), (7, False), (8, True)])
def test_jpeg2000_of_few_or_signed_bits_is_refused(bits: int, signed: bool) -> None:
    with pytest.raises(UnreadableImageError, match=f"of {bits} bits{', signed' * signed}"):
        open_image(jpeg2000_of_bits(bits, signed))


def with_box(content: bytes, name: bytes, body: bytes) -> bytes:
    """A JPEG2000 file with one more box in its header."""
    place = content.index(b"jp2h") - 4
    end = place + int.from_bytes(content[place : place + 4])
    box = struct.pack(">I", 8 + len(body)) + name + body
    return struct.pack(">I", end - place + len(box)).join((content[:place], content[place + 4 : end])) + (
        box + content[end:]
    )


@pytest.mark.parametrize(
    ("channels", "is_usual"),
    [
        ([(0, 0, 1), (1, 0, 2), (2, 0, 3)], True),
        ([(0, 0, 3), (1, 0, 2), (2, 0, 1)], False),  # blue first
        ([(0, 0, 1), (1, 0, 2), (2, 65535, 65535)], False),
        ([(0, 0, 1), (1, 0, 2), (2, 2, 0)], False),  # colours that are multiplied by alpha
    ],
)
def test_jpeg2000_with_channels_in_another_order_is_refused(
    coffee: np.ndarray, channels: list[tuple[int, int, int]], is_usual: bool
) -> None:
    definition = struct.pack(">H", 3) + b"".join(struct.pack(">HHH", *channel) for channel in channels)
    content = with_box(encoded(coffee, "JPEG2000", irreversible=False), b"cdef", definition)
    if is_usual:
        np.testing.assert_array_equal(decoded(content), coffee)
    else:
        with pytest.raises(UnreadableImageError, match="channels"):
            open_image(content)


def test_jpeg2000_with_a_palette_of_8_bits_is_read() -> None:
    colours = np.array([[9, 8, 7], [1, 2, 3]], np.uint8)
    indices = np.eye(16, dtype=np.uint8)
    palette = with_box(encoded(indices, "JPEG2000"), b"pclr", b"\0\2\3\7\7\7" + colours.tobytes())
    content = with_box(palette, b"cmap", b"".join(bytes([0, 0, 1, i]) for i in range(3)))
    colour_space = content.index(b"colr") + 7
    content = content[:colour_space] + struct.pack(">I", 16) + content[colour_space + 4 :]
    np.testing.assert_array_equal(decoded(content), colours[indices])
    with pytest.raises(UnreadableImageError, match="palette"):
        open_image(content.replace(b"\2\3\7\7\7", b"\2\3\4\4\4"))


def test_jpeg2000_keeps_its_alpha(coffee: np.ndarray) -> None:
    rgba = np.dstack([coffee, np.where(coffee[..., 0] > 99, 255, 0).astype(np.uint8)])
    expected = np.where(rgba[..., 3:] > 0, coffee, 255)
    np.testing.assert_array_equal(decoded(encoded(rgba, "JPEG2000", irreversible=False)), expected)


def test_a_tiff_with_a_palette_of_8_bits_is_refused() -> None:
    colours = np.arange(256)[None] * np.array([[1], [1], [1]])
    for factor in (1, 257):
        stream = BytesIO()
        palette = (colours * factor).astype(np.uint16)
        tifffile.imwrite(stream, np.full((8, 8), 77, np.uint8), photometric="palette", colormap=palette)
        if factor == 1:
            with pytest.raises(UnreadableImageError, match="palette of 8 bits"):
                open_image(stream.getvalue())
        else:
            assert (decoded(stream.getvalue()) == 77).all()


def test_grey_that_is_multiplied_by_its_alpha_is_laid_over_white() -> None:
    image = Image.fromarray(np.array([[[60, 51], [0, 255]]], np.uint8), "LA").convert("La")
    np.testing.assert_allclose(to_rgb(image)[0, :, 0], [60 * 0.2 + 204, 0], atol=2)


def test_an_image_in_memory_that_does_not_say_its_range_is_refused(coffee: np.ndarray) -> None:
    with pytest.raises(UnreadableImageError, match="32-bit"):
        to_rgb(Image.fromarray(coffee).convert("L").convert("I"))  # 0 to 255, which 16 bits would darken
    with pytest.raises(UnreadableImageError, match="no pixels"):
        to_rgb(Image.new("RGB", (0, 5)))


def test_an_image_that_pillow_opened_is_refused_like_its_file(coffee: np.ndarray) -> None:
    white_is_zero = tiff(np.array([[1, 2, 3]]), 16, {262: 0})
    for content in (white_is_zero, cv2.imencode(".jp2", coffee.astype(np.uint16) * 257)[1].tobytes()):
        with pytest.raises(UnreadableImageError, match="16 bits"):
            prepared(Image.open(BytesIO(content)))
    half = png(4, 0, [bytes([0b00000001])], (b"tRNS", struct.pack(">H", 1)))
    for _ in range(2):
        assert to_rgb(prepared(Image.open(BytesIO(half))))[0, :, 0].tolist() == [0, 255]
    opened = Image.open(BytesIO(half))
    for _ in range(2):
        assert to_rgb(prepared(opened))[0, :, 0].tolist() == [0, 255]
    frames = Image.open(
        BytesIO(
            encoded(Image.new("L", (9, 9)), "GIF", save_all=True, append_images=[Image.new("L", (9, 9), 255)])
        )
    )
    frames.seek(1)
    assert to_rgb(prepared(frames)).min() == 255  # the frame that was chosen


def test_a_lossless_jpeg_is_refused(coffee: np.ndarray) -> None:
    content = encoded(coffee, "JPEG")
    frame = content.index(b"\xff\xc0")
    with pytest.raises(UnreadableImageError, match="lossless"):
        open_image(content[: frame + 1] + b"\xc3" + content[frame + 2 :])


def test_a_masked_array_is_refused() -> None:
    with pytest.raises(MosforgeError, match="a masked array"):
        check_pixels(np.ma.masked_greater(np.ones((2, 3, 3), np.uint8), 0))
