"""Files of images in memory, for tests."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image

from mosforge.core.images import open_image, to_rgb


def encoded(pixels: np.ndarray | Image.Image, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(stream, kind, **options)
    return stream.getvalue()


def decoded(content: bytes) -> np.ndarray:
    with open_image(content) as image:
        return to_rgb(image)


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


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


def png(bits: int, colour: int, rows: list[bytes], *chunks: tuple[bytes, bytes]) -> bytes:
    width = len(rows[0]) * 8 // bits // (3 if colour == 2 else 1)
    head = (b"IHDR", struct.pack(">IIBBBBB", width, len(rows), bits, colour, 0, 0, 0))
    image = (b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    parts = (png_chunk(*chunk) for chunk in (head, *chunks, image, (b"IEND", b"")))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
