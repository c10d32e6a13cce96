"""The distorted images of a reference image: their seeds, classes and labels, and the draw of mixtures."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosforge.core.errors import MosforgeError
from mosforge.distortions.kinds import AUTHENTIC
from mosforge.distortions.render import Variant, draw_mixtures, group_of, variants_of
from mosforge.distortions.settings import DistortSettings

CAMERA = list(AUTHENTIC)
LEVELS = {
    "defocus": [1.0, 2.0, 4.0],
    "motion_blur": [7, 15, 31],
    "chromatic_aberration": [1.0, 2.5, 5.0],
    "overexposure": [0.15, 0.3],
    "underexposure": [0.15, 0.3],
    "contrast": [0.7, 0.45, 0.25],
    "jpeg": [30, 12, 5],
}


COUNTS = {name: len(values) for name, values in LEVELS.items()}


AUTHENTIC_CFG = {
    "kind": "authentic",
    "types": LEVELS,
    "types_per_image": [2, 4],
    "per_image": 62,
    "seed": 0,
    "png_compression": 1,
}


SYNTHETIC_CFG = {
    "kind": "synthetic",
    "type": "white_noise",
    "levels": [-10, -7.5],
    "first_class": 5,
    "seed": 0,
    "png_compression": 1,
}


def mixtures(seed: int, count: int, types_per_image: tuple[int, int] = (2, 4)) -> list:
    return draw_mixtures(COUNTS, types_per_image, count, np.random.default_rng(seed))


@given(seed=st.integers(0, 2**32), few=st.integers(1, 40), more=st.integers(0, 40))
def test_fewer_mixtures_are_the_first_of_more(seed: int, few: int, more: int) -> None:
    assert mixtures(seed, few) == mixtures(seed, few + more)[:few]


@given(seed=st.integers(0, 2**32))
def test_mixtures_keep_the_rules(seed: int) -> None:
    drawn = mixtures(seed, 62)
    assert len(set(drawn)) == 62
    for mixture in drawn:
        names = [name for name, _ in mixture]
        assert 2 <= len(names) <= 4
        assert names == [name for name in CAMERA if name in names]  # the camera's order, none twice
        assert not {"overexposure", "underexposure"} <= set(names)
        assert all(1 <= level <= COUNTS[name] for name, level in mixture)


def test_mixtures_are_drawn_in_equal_proportion() -> None:
    drawn = [mixture for seed in range(300) for mixture in mixtures(seed, 20)]
    sizes = Counter(map(len, drawn))
    for size in (2, 3, 4):
        assert sizes[size] / len(drawn) == pytest.approx(1 / 3, abs=0.03)
    levels = Counter(level for mixture in drawn for name, level in mixture if name == "jpeg")
    assert max(levels.values()) / min(levels.values()) < 1.12
    types = Counter(name for mixture in drawn for name, _ in mixture)
    expected = Counter()
    for size in (2, 3, 4):  # every allowed set of a size as often as any other
        sets = [s for s in combinations(CAMERA, size) if not {"overexposure", "underexposure"} <= set(s)]
        for chosen in sets:
            expected.update({name: 1 / len(sets) for name in chosen})
    total = sum(expected.values())
    for name in CAMERA:
        assert types[name] / types.total() == pytest.approx(expected[name] / total, rel=0.06)


def test_every_mixture_can_be_had_and_not_one_more() -> None:
    counts = {"defocus": 2, "overexposure": 1, "underexposure": 2, "jpeg": 1}
    # pairs: defocus with over, under, jpeg 2 x (1 + 2 + 1); jpeg with over, under 1 + 2
    drawn = draw_mixtures(counts, (2, 2), 11, np.random.default_rng(0))
    assert len(set(drawn)) == 11
    with pytest.raises(MosforgeError, match=r"12 distorted images .* 11 different"):
        draw_mixtures(counts, (2, 2), 12, np.random.default_rng(0))


def test_from_no_type_on_the_image_itself_is_one_of_its_mixtures() -> None:
    drawn = draw_mixtures({"defocus": 2, "jpeg": 1}, (0, 2), 1 + 2 + 1 + 2, np.random.default_rng(0))
    assert drawn.count(()) == 1
    assert len(set(drawn)) == 6
    firsts = [mixtures(seed, 4, (0, 3))[0] for seed in range(400)]
    assert firsts.count(()) / 400 == pytest.approx(1 / 4, abs=0.06)
    assert () not in mixtures(0, 500, (1, 3))


def test_a_number_of_types_that_cannot_be_is_refused() -> None:
    for counts, size in (({"overexposure": 2, "underexposure": 2}, 2), (COUNTS, 7)):
        with pytest.raises(MosforgeError, match=f"types_per_image allows {size} types"):
            draw_mixtures(counts, (2, size), 1, np.random.default_rng(0))


def variants(cfg: dict, source: str = "s", image_id: str = "a.png") -> list[Variant]:
    return list(variants_of(DistortSettings.model_validate(cfg), source, image_id))


def test_a_type_has_a_variant_at_each_level() -> None:
    assert group_of(DistortSettings.model_validate(SYNTHETIC_CFG)) == "white_noise"
    assert [(v.level, v.class_index, v.steps, v.labels) for v in variants(SYNTHETIC_CFG)] == [
        (1, 5, (("white_noise", -10),), None),
        (2, 6, (("white_noise", -7.5),), None),
    ]


def test_mixtures_have_labels_and_seeds_of_their_own() -> None:
    assert group_of(DistortSettings.model_validate(AUTHENTIC_CFG)) == "authentic"
    drawn = variants(AUTHENTIC_CFG)
    assert len(drawn) == 62
    for variant in drawn:
        bits = variant.labels
        assert bits is not None
        assert len(bits) == 26
        assert sum(bits[:7]) == sum(bits[7:]) == len(variant.steps)
        assert all(value in LEVELS[name] for name, value in variant.steps)
    assert len({v.seed for v in drawn}) == 62


def test_seeds_depend_only_on_corpus_seed_source_image_type_and_level() -> None:
    def seeds(source: str, image_id: str, **changes: object) -> list[int]:
        return [v.seed for v in variants(SYNTHETIC_CFG | changes, source, image_id)]

    usual = seeds("s", "a")
    assert usual == seeds("s", "a", levels=[-10, -7.5, 0], first_class=0, png_compression=0)[:2]
    others = [
        seeds("t", "a"),
        seeds("s", "b"),
        seeds("s", "a", seed=1),
        seeds("s", "a", type="gaussian_blur"),
    ]
    assert len({seed for group in [usual, *others] for seed in group}) == 10
