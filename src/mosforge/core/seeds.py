"""All randomness: a seed is a hash of its purpose and of what identifies the draw.

So a draw depends neither on the shard, the worker, the order of work nor the machine. `hash()` and global
random state are never used.
"""

import hashlib
import json

import numpy as np

SeedPart = str | int


def seed_of(purpose: str, *parts: SeedPart) -> int:
    """A 63-bit seed of a purpose and of what identifies the draw.

    Args:
        purpose: "distortion", "split" and the like, so that two uses of the same parts are independent.
        parts: strings and integers, for example the corpus seed and the image id. `1` and `"1"` differ.

    Returns:
        An integer in [0, 2**63), the same on every machine and in every run.
    """
    text = json.dumps([purpose, *parts], ensure_ascii=True, separators=(",", ":"))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(purpose: str, *parts: SeedPart) -> np.random.Generator:
    """A fresh PCG64 generator seeded by `seed_of(purpose, *parts)`."""
    return np.random.Generator(np.random.PCG64(seed_of(purpose, *parts)))
