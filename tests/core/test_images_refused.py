"""Files that are no whole still image are refused with the reason; others of their kind are read."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_files import decoded, encoded, png, png_chunk
from PIL import Image
from skimage import data

from mosforge.core.errors import UnreadableImageError
from mosforge.core.images import MAX_PIXELS, open_image, read_rgb


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
    [("text.jpg", b"no image at all\n"), ("zeros.tif", bytes(1000)), ("html.png", b"<html>")],
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


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_bytes(b"text")
    for source in (tmp_path / "empty.png", b""):
        with pytest.raises(UnreadableImageError, match="the file is empty"):
            open_image(source)
    with pytest.raises(UnreadableImageError, match="not an image in a format"):
        open_image(tmp_path / "text.png")


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


def test_a_png_with_large_text_and_colour_profile_is_sound() -> None:
    long = zlib.compress(bytes(3 << 20))
    texts = [(b"zTXt", b"note\0\0" + long), (b"iTXt", b"note\0\1\0\0\0" + long), (b"iCCP", b"p\0\0" + long)]
    for text in texts:
        assert decoded(png(8, 0, [b"\1\2"], text))[0, :, 0].tolist() == [1, 2]
