"""Seeds against BLAKE2b computed here, from its definition in RFC 7693, and PCG64 as numpy documents it."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosforge.core.seeds import generator, seed_of

_MASK = 2**64 - 1
_START = (
    0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
    0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
)  # fmt: skip
_ORDER = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    (11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
    (7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
    (9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
    (2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
    (12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
    (13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
    (6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
    (10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
)
_MIXES = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip


def blake2b_8(message: bytes) -> bytes:
    """BLAKE2b with a digest of 8 bytes, of a message of at most one block (RFC 7693, section 3)."""
    assert len(message) <= 128
    words = np.frombuffer(message.ljust(128, b"\0"), "<u8").tolist()
    start = [_START[0] ^ 0x01010000 ^ 8, *_START[1:]]
    v = [*start, *_START]
    v[12] ^= len(message)
    v[14] ^= _MASK
    for turn in range(12):
        order = _ORDER[turn % 10]
        for (a, b, c, d), x, y in zip(_MIXES, order[::2], order[1::2], strict=True):
            for word, first, second in ((words[x], 32, 24), (words[y], 16, 63)):
                v[a] = (v[a] + v[b] + word) & _MASK
                v[d] = _rotated(v[d] ^ v[a], first)
                v[c] = (v[c] + v[d]) & _MASK
                v[b] = _rotated(v[b] ^ v[c], second)
    return (start[0] ^ v[0] ^ v[8]).to_bytes(8, "little")


def _rotated(word: int, bits: int) -> int:
    return ((word >> bits) | (word << (64 - bits))) & _MASK


def test_the_reference_here_is_blake2b() -> None:
    assert blake2b_8(b"abc") == hashlib.blake2b(b"abc", digest_size=8).digest()


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("noise",), b'["noise"]'),
        (("noise", 0, "a/b c.png"), b'["noise",0,"a/b c.png"]'),
        (("split", "1", 1, -7), b'["split","1",1,-7]'),
        (("crops", 'é\n"'), b'["crops","\\u00e9\\n\\""]'),
    ],
)
def test_a_seed_is_63_bits_of_the_blake2b_of_its_json(parts: tuple[str | int, ...], text: bytes) -> None:
    assert seed_of(*parts) == int.from_bytes(blake2b_8(text), "big") >> 1  # type: ignore[arg-type]


def test_the_seeds_stay_what_they_are() -> None:
    """Computed with coreutils: printf '["noise",0,"a.png"]' | b2sum -l 64, read as an integer, halved."""
    assert seed_of("noise", 0, "a.png") == 0x20F70303779A2F34 >> 1


def test_a_generator_is_a_fresh_pcg64_of_the_seed() -> None:
    expected = np.random.Generator(np.random.PCG64(seed_of("x", 3))).random(5)
    np.testing.assert_array_equal(generator("x", 3).random(5), expected)
    np.testing.assert_array_equal(generator("x", 3).random(5), expected)


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.integers(), st.text()), max_size=4),
    st.lists(st.one_of(st.integers(), st.text()), max_size=4),
)
def test_different_keys_have_different_seeds(one: list[str | int], other: list[str | int]) -> None:
    assert (seed_of("x", *one) == seed_of("x", *other)) == (one == other)
    assert 0 <= seed_of("x", *one) < 2**63
    assert seed_of("x", *one) != seed_of("y", *one)


def test_neither_the_hash_seed_nor_global_state_matters() -> None:
    code = (
        "import random, numpy; random.seed(); numpy.random.seed({});"
        "from mosforge.core.seeds import generator;"
        "print(generator('order', 1, 'ä').permutation(9).tolist())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code.format(seed)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "12345")
    }
    assert len(printed) == 1
