"""Scores images with an exported model: `python score_onnx.py model.onnx IMAGE...`.

It needs only numpy, pillow and onnxruntime, and gives the numbers of `mosforge score`.
"""

import hashlib
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def read(path):
    """RGB pixels, uint8 (height, width, 3): upright, 16-bit grey rounded, transparency over white."""
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode.startswith("I"):
        grey = np.asarray(image).astype(np.int64)
        grey[grey == image.info.get("transparency", -1)] = 65535
        return np.repeat(((grey + 128) // 257).astype(np.uint8)[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def grid_of(pixels, size, side):
    """The five crops around the centre of an image that may be shrunk, uint8 (n, size, size, 3)."""
    height, width = pixels.shape[:2]
    shorter = min(height, width)
    if side is not None and shorter > side:
        shown = [(length * side + shorter // 2) // shorter for length in (width, height)]
        pixels = np.asarray(Image.fromarray(pixels).resize(shown, Image.Resampling.LANCZOS))
        height, width = pixels.shape[:2]
    free = max(0, height - size), max(0, width - size)
    parts = [(2, 2), (1, 1), (1, 3), (3, 1), (3, 3)]
    corners = dict.fromkeys((a * free[0] // 4, b * free[1] // 4) for a, b in parts)
    return cut(pixels, corners, size)


def crops_of(pixels, size, count):
    """The random crops that mosforge draws from an image's digest, uint8 (n, size, size, 3)."""
    height, width = (max(side, size) for side in pixels.shape[:2])
    key = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    text = json.dumps(["test crops", key], separators=(",", ":"))
    seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
    rng = np.random.Generator(np.random.PCG64(seed))
    corners = [(0, 0)]
    if (height, width) != (size, size):
        corners = rng.integers(0, (height - size + 1, width - size + 1), (count, 2))
    return cut(pixels, corners, size)


def cut(pixels, corners, size):
    """Crops of an image, continued by mirroring where it is smaller."""
    missing = [(0, max(0, size - side)) for side in pixels.shape[:2]]
    pixels = np.pad(pixels, [*missing, (0, 0)], mode="symmetric")
    return np.stack([pixels[top : top + size, left : left + size] for top, left in corners])


model, *paths = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
facts = json.loads(session.get_modelmeta().custom_metadata_map["mosforge"])
low, high = facts["range"]
for path in paths:
    if facts["crops"] == "grid":
        crops = grid_of(read(path), facts["crop"], facts["view_side"])
    else:
        crops = crops_of(read(path), facts["crop"], facts["crops"])
    quality = float(np.clip(session.run(["quality"], {"crops": crops})[0].mean(), 0, 1))
    position = quality if facts["higher_is_better"] else 1 - quality
    print(f"{path}  quality {quality:.4f}  score {low + position * (high - low):.4f}")
