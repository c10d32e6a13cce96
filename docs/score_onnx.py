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
    """Five crops around the centre of an image that may be shrunk, and the largest square around it.

    uint8, shape (n, size, size, 3); a box that occurs twice counts once.
    """
    pixels = shrunk(pixels, side)
    height, width = (max(length, size) for length in pixels.shape[:2])
    parts, whole = [(2, 2), (1, 1), (1, 3), (3, 1), (3, 3)], min(height, width)
    boxes = [(a * (height - size) // 4, b * (width - size) // 4, size) for a, b in parts]
    boxes.append(((height - whole) // 2, (width - whole) // 2, whole))
    return cut(pixels, dict.fromkeys(boxes), size)


def shrunk(pixels, side):
    """An image, shrunk where its shorter side is longer than `side`."""
    height, width = pixels.shape[:2]
    shorter = min(height, width)
    if side is None or shorter <= side:
        return pixels
    size = [(length * side + shorter // 2) // shorter for length in (width, height)]
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


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
    return cut(pixels, [(top, left, size) for top, left in corners], size)


def cut(pixels, boxes, size):
    """Crops of an image, which is continued by mirroring where it is smaller; larger crops are shrunk."""
    missing = [(0, max(0, size - side)) for side in pixels.shape[:2]]
    pixels = np.pad(pixels, [*missing, (0, 0)], mode="symmetric")
    crops = (pixels[top : top + side, left : left + side] for top, left, side in boxes)
    return np.stack([shrunk(crop, size) for crop in crops])


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
