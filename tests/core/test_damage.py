"""Damage of JPEG and PNG: what libjpeg warns of, and checksums."""

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from mosforge.core.damage import check_jpeg, drop_damaged_chunks
from mosforge.core.errors import UnreadableImageError
from mosforge.core.images import open_image, to_rgb

END = b"\xff\xd9"
START_OF_SCAN = b"\xff\xda"
KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "coarse": {"quality": 20, "optimize": True},
    "fine": {"quality": 97, "subsampling": 0},
    "restarts": {"restart_marker_rows": 1},
    "progressive": {"progressive": True},
    "progressive with restarts": {"progressive": True, "restart_marker_rows": 2},
}


@pytest.fixture(scope="module")
def coffee() -> np.ndarray:
    return data.coffee()[:256, :384]


def jpeg(image: Image.Image | np.ndarray, **options: Any) -> bytes:
    stream = BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


@pytest.fixture(params=KINDS)
def whole(request: pytest.FixtureRequest, coffee: np.ndarray) -> bytes:
    return jpeg(coffee, **KINDS[request.param])


def is_whole(content: bytes) -> bool:
    try:
        check_jpeg(content)
    except OSError:
        return False
    return True


def places(content: bytes, count: int, length: int) -> list[int]:
    """Offsets of pieces of samples, spread over all scans, without the tables between them."""
    spread = np.linspace(content.index(START_OF_SCAN) + 40, len(content) - length - 40, count).astype(int)
    return [
        place for place in spread.tolist() if b"\xff\xc4" not in content[place - 40 : place + length + 40]
    ]


def test_a_whole_jpeg_passes(whole: bytes) -> None:
    check_jpeg(whole)
    check_jpeg(whole + b"a preview, or the film of a moving photograph")
    check_jpeg(whole[:-2] + b"\xff\xff\xff" + END)  # bytes that fill up before a marker


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (8, 8), (16, 16), (17, 130)])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_of_any_size_and_colours_passes(size: tuple[int, int], mode: str) -> None:
    rng = np.random.default_rng(size[0])
    pixels = rng.integers(0, 256, (*size, len(mode))).astype(np.uint8)
    for image in (Image.fromarray(pixels.squeeze(2) if mode == "L" else pixels, mode), Image.new(mode, size)):
        for options in KINDS.values():
            check_jpeg(jpeg(image, **options))


def test_a_jpeg_with_a_hole_of_zeros_is_damaged(whole: bytes) -> None:
    holes = [whole[:at] + bytes(200) + whole[at + 200 :] for at in places(whole, 30, 200)]
    found = [not is_whole(hole) for hole in holes]
    assert len(found) > 15
    assert np.mean(found) > 0.6, "now and then the codes fall into step again, and libjpeg cannot notice"


def test_a_jpeg_that_lacks_bytes_is_damaged(whole: bytes) -> None:
    for at in places(whole, 15, 300):
        assert not is_whole(whole[:at]), "cut"
        assert not is_whole(whole[:at] + END), f"cut at {at} of {len(whole)}, behind which the end stands"
    gaps = [whole[:at] + whole[at + 300 :] for at in places(whole, 15, 300)]
    assert np.mean([not is_whole(gap) for gap in gaps]) > 0.6


def test_a_jpeg_without_its_end_marker_or_with_bytes_before_it_is_damaged(whole: bytes) -> None:
    with pytest.raises(OSError, match="truncated"):
        check_jpeg(whole[:-2])
    with pytest.raises(OSError, match="more bytes than its pixels need"):
        check_jpeg(whole[:-2] + bytes(100) + END)


def test_a_jpeg_that_lacks_whole_parts_between_restarts_is_damaged(coffee: np.ndarray) -> None:
    content = jpeg(coffee, restart_marker_rows=1)
    for restart in range(3):
        at = content.index(bytes([0xFF, 0xD0 + restart]))
        assert not is_whole(content[:at] + END)
        following = content.index(bytes([0xFF, 0xD1 + restart]))
        assert not is_whole(content[:at] + content[following:])


def test_damage_between_the_scans_is_found(coffee: np.ndarray) -> None:
    content = jpeg(coffee, progressive=True)
    second = content.index(START_OF_SCAN, content.index(START_OF_SCAN) + 1)
    with pytest.raises(OSError, match="between its parts"):
        check_jpeg(content[:second] + bytes(4) + content[second:])


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_jpeg_is_not_decoded(coffee: np.ndarray, kind: str) -> None:
    content = jpeg(coffee, **KINDS[kind])
    middle = len(content) // 2
    with open_image(content) as image:
        assert np.abs(to_rgb(image).astype(int) - coffee).mean() < 10
    with (
        open_image(content[:middle] + END, "cut.jpg") as image,
        pytest.raises(UnreadableImageError, match=r"cut\.jpg: the file is damaged .*bytes|missing"),
    ):
        to_rgb(image, "cut.jpg")


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """Two grey pixels, and more chunks before them."""
    header = (b"IHDR", struct.pack(">IIBBBBB", 2, 1, 8, 0, 0, 0, 0))
    parts = [b"\x89PNG\r\n\x1a\n"]
    for name, body in (header, *chunks, (b"IDAT", zlib.compress(b"\0\x11\x22")), (b"IEND", b"")):
        parts.append(struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)))
    return b"".join(parts)


def with_wrong_checksum(content: bytes, name: bytes) -> bytes:
    at = content.index(name)
    end = at + 4 + int.from_bytes(content[at - 4 : at])
    return content[:end] + bytes([content[end] ^ 1]) + content[end + 1 :]


@pytest.mark.parametrize("name", [b"gAMA", b"pHYs", b"tEXt", b"iCCP", b"tIME", b"prVt"])
def test_a_wrong_checksum_of_a_chunk_without_pixels_does_not_matter(name: bytes) -> None:
    content = with_wrong_checksum(png((name, b"anything at all")), name)
    assert drop_damaged_chunks(content) == png()
    with open_image(content) as image:
        assert to_rgb(image)[0, :, 0].tolist() == [0x11, 0x22]


@pytest.mark.parametrize("name", [b"IHDR", b"IDAT", b"IEND", b"tRNS", b"eXIf"])
def test_a_wrong_checksum_of_a_chunk_with_pixels_is_damage(name: bytes) -> None:
    extra = {b"tRNS": b"\0\x11", b"eXIf": b"II*\0\x08\0\0\0\0\0"}
    content = png(*((key, body) for key, body in extra.items() if key == name))
    drop_damaged_chunks(content)
    with pytest.raises(UnreadableImageError, match=f"damaged .*{name.decode()}"):
        open_image(with_wrong_checksum(content, name))


def test_what_stands_behind_a_png_and_a_cut_one_are_left_to_the_decoder() -> None:
    content = png((b"tEXt", b"words"))
    assert drop_damaged_chunks(content + b"film") == content
    for length in range(8, len(content)):
        assert drop_damaged_chunks(content[:length]) == content[:length]
