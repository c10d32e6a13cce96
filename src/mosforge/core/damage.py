"""Damage of JPEG and PNG files that Pillow passes over.

libjpeg only warns of a scan that has more or fewer bytes than its pixels need, fills what is missing with
grey, and goes on; Pillow drops the warnings. Pillow also leaves the checksums of the samples of a PNG unread.
"""

import re
import zlib
from collections.abc import Iterator
from io import BytesIO

from PIL import Image, JpegImagePlugin, PngImagePlugin

_MARKER = re.compile(rb"\xff+([\x01-\xfe])")
_SEQUENTIAL_OR_PROGRESSIVE = re.compile(rb"\xff[\xc0-\xc2]\0.\x08", re.DOTALL)  # with Huffman codes, 8 bits
_ONES = b"\xff\0" * 8  # 64 bits that are no code, so that each makes up for as few samples as can be
_START_OF_SCAN, _END_OF_IMAGE, _RESTART = 0xDA, 0xD9, 0xD0


def check_jpeg(content: bytes) -> None:
    """Refuses a JPEG with a part, a scan or what lies between restart markers, of a wrong number of bytes.

    libjpeg takes a file in pieces. While it decodes samples it wants many bytes ahead, and leaves a single
    byte untouched; once it has all samples of the part it looks for a marker, and skips each byte at once. So
    one byte tells whether a part is complete: it must not be 4 bytes before the part's end, and must be 8
    bytes behind it. Files with arithmetic codes are not looked at, since they cannot be decoded in pieces.

    Args:
        content: a whole file; what stands behind its first end marker (a preview, say) does not matter.

    Raises:
        OSError: the file is damaged, and how.
    """
    decoder = _Decoder(content)
    if not _SEQUENTIAL_OR_PROGRESSIVE.search(content, 0, decoder.start):
        return
    fed, start = 0, decoder.start
    while start:
        parts = 0
        while True:
            end = _MARKER.search(content, start)
            if end is None:
                raise OSError("the file is truncated")
            if start < (late := end.start() - 4):
                if decoder.skips(content[fed:late]):
                    if decoder.skips(content[late : late + 1]):
                        raise OSError("a scan has more bytes than its pixels need")
                    late += 1
                fed = late
            restart = bytes([0xFF, _RESTART + parts % 8])
            is_last = end.group()[-2:] != restart
            if not (decoder.skips(content[fed : end.start()] + _ONES) and decoder.skips(bytes(1))):
                raise OSError("a scan has fewer bytes than its pixels need")
            if is_last:  # behind a scan a restart marker is skipped, too; elsewhere it starts a part
                decoder.skips(restart)
                if not decoder.skips(bytes(1)):
                    raise OSError("parts of a scan are missing")
            fed, start, parts = end.start(), end.end(), parts + 1
            if is_last:
                break
        start = _next_scan(content, fed)


def is_lossless(content: bytes) -> bool:
    """Whether a JPEG has lossless samples, of which neither libjpeg nor `check_jpeg` notices the damage."""
    for marker, _ in _segments(content, 2):
        if marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC):
            return marker in (0xC3, 0xC7, 0xCB, 0xCF)
    return False


class _Decoder:
    """libjpeg, fed in pieces; at an eighth of the size, which is fast."""

    def __init__(self, content: bytes) -> None:
        image = JpegImagePlugin.JpegImageFile(BytesIO(content))
        assert image.fp is not None
        self.start = image.fp.tell()  # of the first scan's samples
        image.draft("L", (1, 1))
        image.load_prepare()
        self._image, self._rest, self._ended = image, b"", False
        self._decoder = Image._getdecoder(image.mode, "jpeg", image.tile[0].args, image.decoderconfig)
        self._decoder.setimage(image.im, (0, 0, *image.size))

    def skips(self, piece: bytes) -> bool:
        """Feeds a piece; whether nothing of it and of what was left before is wanted for samples."""
        if not self._ended:
            self._rest += piece
            taken, error = self._decoder.decode(self._rest)
            if error < 0:
                raise OSError("the samples cannot be decoded")
            self._ended = taken < 0
            self._rest = b"" if self._ended else self._rest[taken:]
        return not self._rest


def _next_scan(content: bytes, place: int) -> int:
    """Where the samples of the next scan start, from the marker at `place` on; 0 at the end of the image."""
    for marker, end in _segments(content, place):
        if marker == _END_OF_IMAGE:
            return 0
        if marker == _START_OF_SCAN:
            return end
        place = end
    raise OSError("bytes between its parts are damaged" if place < len(content) else "the file is truncated")


def _segments(content: bytes, place: int) -> Iterator[tuple[int, int]]:
    """The markers from a place on that follow one another, each with the place where its segment ends."""
    while marker := _MARKER.match(content, place):
        place = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2])
        yield marker[1][0], place


def drop_damaged_chunks(content: bytes) -> bytes:
    """A PNG without the chunks whose checksum is wrong, if no pixel depends on them (ISO/IEC 15948, 5.3).

    Args:
        content: a whole file, or the beginning of one.

    Raises:
        OSError: the checksum of another chunk is wrong.
    """
    place = len(PngImagePlugin._MAGIC)
    kept = [content[:place]]
    while place < len(content):
        chunk = content[place : place + 12 + int.from_bytes(content[place : place + 4])]
        place += 12 + int.from_bytes(chunk[:4])
        if place > len(content) or zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:]):
            kept.append(chunk)
        elif chunk[4:5].isupper() or chunk[4:8] in (b"tRNS", b"eXIf"):
            raise OSError(f"the checksum of its {chunk[4:8].decode('latin-1')} is wrong")
        if chunk[4:8] == b"IEND":
            break
    return b"".join(kept)
