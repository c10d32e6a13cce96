"""What Pillow decodes wrongly without a word: some TIFFs, JPEG2000s, JPEGs and PNGs."""

from collections.abc import Iterator, Mapping
from typing import Any

from PIL import ExifTags, ImageFile, TiffImagePlugin

from mosforge.core.damage import is_lossless

_Tag = ExifTags.Base


def wrongly_decoded(image: ImageFile.ImageFile) -> str | None:
    """Why an opened image would be decoded wrongly, and what to do about it; None if it is decoded rightly.

    Raises:
        Exception: of any kind, which a damaged file makes Pillow raise.
    """
    if isinstance(image, TiffImagePlugin.TiffImageFile) and (what := _odd_in_tiff(image.tag_v2)):
        return f"TIFF {what}; save it as PNG"
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
