"""The tables of distortion types: what every type refuses, what is random, classes and labels."""

import numpy as np
import pytest

from mosforge.config.distortions import AuthenticTypes, Kadid25Types, SyntheticTypes
from mosforge.config.files import load_config
from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, open_image, to_rgb
from mosforge.core.schemas.distortions import UNDISTORTED
from mosforge.distortions.kinds import KADID25, TYPES, classes_of, labels
from mosforge.distortions.kinds import SYNTHETIC as SYNTHETIC_TYPES

SYNTHETIC = {
    "gaussian_blur": [7, 15, 39, 91, 199],
    "white_noise": [-10, -7.5, -5.5, -3.5, 0],
    "jpeg": [43, 12, 7, 4, 0],
    "jpeg2000": [0.46, 0.16, 0.07, 0.04, 0.02],
    "contrast": [[0.2, 0.8], [0.3, 0.7], [0.4, 0.6], [0.45, 0.55], [0.49, 0.51]],
    "pink_noise": [0.3, 0.7, 1.2, 2, 4],
    "color_dither": [64, 32, 16, 8, 4],
    "overexposure": [0.15, 0.3],
    "underexposure": [0.15, 0.3],
}
CAMERA = [
    "defocus",
    "motion_blur",
    "chromatic_aberration",
    "overexposure",
    "underexposure",
    "contrast",
    "jpeg",
]
LEVELS = {
    "defocus": [1.0, 2.0, 4.0],
    "motion_blur": [7, 15, 31],
    "chromatic_aberration": [1.0, 2.5, 5.0],
    "overexposure": [0.15, 0.3],
    "underexposure": [0.15, 0.3],
    "contrast": [0.7, 0.45, 0.25],
    "jpeg": [30, 12, 5],
}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", TYPES)
def test_the_configuration_has_levels_for_every_type_in_the_same_order(kind: str) -> None:
    levels = load_config().distortions.levels(kind)
    assert list(levels) == [name for name in TYPES[kind] if name != UNDISTORTED]


def test_kadid_has_25_types_at_five_levels() -> None:
    table = classes_of("kadid25", load_config().distortions.levels("kadid25"))
    assert [row.index for row in table] == list(range(125))
    assert {row.level for row in table} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("name", [name for name, kind in KADID25.items() if kind.random])
def test_random_types_follow_only_their_generator(coffee: Pixels, name: str) -> None:
    small = np.ascontiguousarray(coffee[:170, :180])
    level = load_config().distortions.levels("kadid25")[name][4]
    first, again, other = (KADID25[name].apply(small, level, rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in TYPES for name, type_ in TYPES[kind].items() if type_.encode]
)
def test_the_pixels_of_a_codecs_type_are_those_in_its_bitstream(coffee: Pixels, kind: str, name: str) -> None:
    distortion = TYPES[kind][name]
    assert distortion.encode is not None
    level = load_config().distortions.levels(kind)[name][1]
    with open_image(distortion.encode(coffee, level)) as image:
        assert np.array_equal(distortion.apply(coffee, level, rng()), to_rgb(image))


@pytest.mark.parametrize("name", KADID25)
@pytest.mark.parametrize("parameter", [-5, 1e9, float("nan"), "1", True, (0.2, 0.8)])
def test_every_type_refuses_what_is_no_level(coffee: Pixels, name: str, parameter: object) -> None:
    with pytest.raises(MosforgeError, match=r"is not (a|an) .*; give a"):
        KADID25[name].apply(coffee, parameter, rng())  # type: ignore[arg-type]


@pytest.mark.parametrize("types", [SyntheticTypes, AuthenticTypes, Kadid25Types])
def test_every_type_takes_the_ends_of_what_the_configuration_allows(
    coffee: Pixels, types: type[SyntheticTypes] | type[AuthenticTypes] | type[Kadid25Types]
) -> None:
    small = np.ascontiguousarray(coffee[:161, :170])
    kind = types.__name__.removesuffix("Types").lower()
    for name, key in types.model_json_schema()["properties"].items():
        allowed = key["items"]
        if "prefixItems" in allowed:  # a range of contrast
            continue
        lowest = allowed.get("minimum", 1e-6)
        for end in (lowest, allowed["maximum"]):
            made = TYPES[kind][name].apply(small, end, rng())
            assert made.shape == small.shape, (name, end)
        for level in (lowest - 1, allowed["maximum"] + 2):
            with pytest.raises(ValueError, match=rf"{name}\.0\n"):
                types(**{name: [level]})


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


def test_the_39_synthetic_classes() -> None:
    table = classes_of("synthetic", SYNTHETIC)
    assert [row.index for row in table] == list(range(39))
    assert (table[0].type, table[0].level, table[0].parameter) == ("gaussian_blur", 1, 7)
    assert (table[14].type, table[14].level, table[14].parameter) == ("jpeg", 5, 0)
    assert (table[22].type, table[22].level, table[22].parameter) == ("contrast", 3, [0.4, 0.6])
    assert (table[38].type, table[38].level, table[38].parameter) == ("underexposure", 2, 0.3)


def test_the_undistorted_image_is_the_last_class_and_has_no_level_in_its_name(coffee: Pixels) -> None:
    assert list(SYNTHETIC_TYPES)[-1] == UNDISTORTED
    table = classes_of("synthetic", SYNTHETIC | {UNDISTORTED: [0]})
    assert [row.name for row in table[-3:]] == ["underexposure 1", "underexposure 2", UNDISTORTED]
    assert (table[39].index, table[39].level, table[39].parameter) == (39, 1, 0)
    made = SYNTHETIC_TYPES[UNDISTORTED].apply(coffee, 0, rng())
    assert np.array_equal(made, coffee)
    assert not np.shares_memory(made, coffee)
    for level in (1, False, -5, float("nan")):
        with pytest.raises(MosforgeError, match="not a level of an undistorted image; give a 0"):
            SYNTHETIC_TYPES[UNDISTORTED].apply(coffee, level, rng())


def test_the_class_table_follows_the_configuration() -> None:
    table = classes_of("synthetic", {"jpeg": [10], "gaussian_blur": [], "contrast": [[0.1, 0.9], [0.4, 0.6]]})
    assert [(row.index, row.type, row.level) for row in table] == [
        (0, "jpeg", 1),
        (1, "contrast", 1),
        (2, "contrast", 2),
    ]


def test_the_26_bits_whatever_the_order_of_the_keys() -> None:
    table = classes_of("authentic", dict(sorted(LEVELS.items())))
    assert [row.type for row in table[:7]] == CAMERA
    assert all(row.level is None and row.parameter is None for row in table[:7])
    pairs = [(name, level) for name in CAMERA for level in range(1, len(LEVELS[name]) + 1)]
    assert [(row.type, row.level) for row in table[7:]] == pairs
    assert len(table) == 26


def test_labels_of_a_mixture() -> None:
    vector = labels((("motion_blur", 2), ("jpeg", 3)), classes_of("authentic", LEVELS))
    assert [i for i, bit in enumerate(vector) if bit] == [1, 6, 7 + 3 + 1, 25]
    assert labels((), classes_of("authentic", LEVELS)) == [0] * 26
