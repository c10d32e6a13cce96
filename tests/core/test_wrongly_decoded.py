"""What Pillow decodes wrongly is refused, and the same kind of file that it decodes rightly is read."""

import struct
from io import BytesIO

import cv2
import numpy as np
import pytest
import tifffile
from image_files import decoded, encoded, png, tiff
from PIL import Image

from mosforge.core.errors import UnreadableImageError
from mosforge.core.images import open_image, prepared, to_rgb


def test_jpeg2000_in_colour_of_more_than_8_bits_is_refused(coffee: np.ndarray) -> None:
    deep = cv2.imencode(".jp2", coffee.astype(np.uint16) * 257)[1].tobytes()
    with pytest.raises(UnreadableImageError, match=r"JPEG2000 .* 16 bits"):
        open_image(deep)
    with pytest.raises(UnreadableImageError, match="of 16 bits"):
        open_image(deep[deep.index(b"\xff\x4f\xff\x51") :])  # without the boxes around the samples
    for pixels in (coffee, coffee[..., 1], coffee[..., 1].astype(np.uint16) * 257):  # decoded correctly
        found = decoded(encoded(pixels, "JPEG2000", irreversible=False))
        np.testing.assert_array_equal(found[..., 1], coffee[..., 1])


def test_a_cmyk_jpeg_that_does_not_say_how_it_is_inked_is_refused() -> None:
    content = encoded(Image.new("CMYK", (16, 16)), "JPEG")
    marker = content.index(b"\xff\xee")
    end = marker + 2 + int.from_bytes(content[marker + 2 : marker + 4])
    with pytest.raises(UnreadableImageError, match="CMYK JPEG without Adobe's marker"):
        open_image(content[:marker] + content[end:])


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
