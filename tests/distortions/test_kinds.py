"""The tables of distortion types: what every type refuses, and that only its generator makes it random."""

import numpy as np
import pytest

from mosforge.config.files import load_config
from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.distortions.classes import synthetic_classes
from mosforge.distortions.kinds import KADID25, TYPES


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", TYPES)
def test_the_configuration_has_levels_for_every_type_in_the_same_order(kind: str) -> None:
    assert list(load_config().distortions.levels(kind)) == list(TYPES[kind])


def test_kadid_has_25_types_at_five_levels() -> None:
    table = synthetic_classes(load_config().distortions.levels("kadid25"))
    assert [row.index for row in table] == list(range(125))
    assert {row.level for row in table} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("name", [name for name, kind in KADID25.items() if kind.random])
def test_random_types_follow_only_their_generator(coffee: Pixels, name: str) -> None:
    small = np.ascontiguousarray(coffee[:170, :180])
    level = load_config().distortions.levels("kadid25")[name][4]
    first, again, other = (KADID25[name].apply(small, level, rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", KADID25)
@pytest.mark.parametrize("parameter", [-5, 1e9, float("nan"), "1", True, (0.2, 0.8)])
def test_every_type_refuses_what_is_no_level(coffee: Pixels, name: str, parameter: object) -> None:
    with pytest.raises(MosforgeError, match=r"is not (a|an) .*; give a"):
        KADID25[name].apply(coffee, parameter, rng())  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "array",
    [
        np.zeros((200, 200), np.uint8),
        np.zeros((200, 200, 1), np.uint8),
        np.zeros((200, 200, 4), np.uint8),
        np.zeros((200, 200, 3), np.float32),
    ],
)
def test_every_type_refuses_grey_alpha_and_float(kind: str, array: np.ndarray) -> None:
    for distortion in TYPES[kind].values():
        with pytest.raises(MosforgeError, match="uint8, RGB"):
            distortion.apply(array, 1, np.random.default_rng(0))
