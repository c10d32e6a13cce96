"""Class tables, label vectors and mixtures."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosforge.core.errors import MosforgeError
from mosforge.distortions.classes import authentic_classes, labels, synthetic_classes
from mosforge.distortions.mixtures import draw_mixtures
from mosforge.distortions.plans import AuthenticPlan, SyntheticPlan, plan_of

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
CAMERA = (
    "defocus",
    "motion_blur",
    "chromatic_aberration",
    "overexposure",
    "underexposure",
    "contrast",
    "jpeg",
)
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


def test_the_39_synthetic_classes() -> None:
    table = synthetic_classes(SYNTHETIC)
    assert [row.index for row in table] == list(range(39))
    assert (table[0].type, table[0].level, table[0].parameter) == ("gaussian_blur", 1, 7)
    assert (table[14].type, table[14].level, table[14].parameter) == ("jpeg", 5, 0)
    assert (table[22].type, table[22].level, table[22].parameter) == ("contrast", 3, [0.4, 0.6])
    assert (table[38].type, table[38].level, table[38].parameter) == ("underexposure", 2, 0.3)


def test_the_class_table_follows_the_configuration() -> None:
    table = synthetic_classes({"jpeg": [10], "gaussian_blur": [], "contrast": [[0.1, 0.9], [0.4, 0.6]]})
    assert [(row.index, row.type, row.level) for row in table] == [
        (0, "jpeg", 1),
        (1, "contrast", 1),
        (2, "contrast", 2),
    ]


def test_the_26_bits_whatever_the_order_of_the_keys() -> None:
    table = authentic_classes(dict(sorted(LEVELS.items())))
    assert [row.type for row in table[:7]] == list(CAMERA)
    assert all(row.level is None and row.parameter is None for row in table[:7])
    pairs = [(name, level) for name in CAMERA for level in range(1, COUNTS[name] + 1)]
    assert [(row.type, row.level) for row in table[7:]] == pairs
    assert len(table) == 26


def test_labels_of_a_mixture() -> None:
    vector = labels((("motion_blur", 2), ("jpeg", 3)), authentic_classes(LEVELS))
    assert [i for i, bit in enumerate(vector) if bit] == [1, 6, 7 + 3 + 1, 25]


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
    with pytest.raises(MosforgeError, match=r"12 pictures .* 11 different mixtures"):
        draw_mixtures(counts, (2, 2), 12, np.random.default_rng(0))


def test_a_number_of_types_that_cannot_be_is_refused() -> None:
    with pytest.raises(MosforgeError, match="allows 2 types"):
        draw_mixtures({"overexposure": 2, "underexposure": 2}, (2, 2), 1, np.random.default_rng(0))


def test_plans_follow_the_cfg() -> None:
    synthetic = plan_of(SYNTHETIC_CFG)
    assert isinstance(synthetic, SyntheticPlan)
    variants = list(synthetic.variants("s", "a.png"))
    assert [(v.level, v.class_index, v.steps) for v in variants] == [
        (1, 5, (("white_noise", -10),)),
        (2, 6, (("white_noise", -7.5),)),
    ]
    authentic = plan_of(AUTHENTIC_CFG)
    assert isinstance(authentic, AuthenticPlan)
    drawn = list(authentic.variants("s", "a.png"))
    assert len(drawn) == 62
    for variant in drawn:
        bits = variant.labels
        assert bits is not None
        assert len(bits) == 26
        assert sum(bits[:7]) == sum(bits[7:]) == len(variant.steps)
    assert len({v.seed for v in drawn}) == 62


def test_seeds_depend_on_corpus_seed_source_image_type_and_level_alone() -> None:
    def seeds(source: str, image_id: str, **changes: object) -> list[int]:
        return [v.seed for v in plan_of(SYNTHETIC_CFG | changes).variants(source, image_id)]

    usual = seeds("s", "a")
    assert usual == seeds("s", "a", levels=[-10, -7.5, 0], first_class=0, png_compression=0)[:2]
    others = [
        seeds("t", "a"),
        seeds("s", "b"),
        seeds("s", "a", seed=1),
        seeds("s", "a", type="gaussian_blur"),
    ]
    assert len({seed for group in [usual, *others] for seed in group}) == 10


@pytest.mark.parametrize(
    ("cfg", "message"),
    [
        ([], "a kind: synthetic, authentic, kadid25"),
        ({"kind": "other"}, "kind is 'other'"),
        (SYNTHETIC_CFG | {"extra": 1}, r"unknown keys \['extra'\]"),
        ({k: v for k, v in SYNTHETIC_CFG.items() if k != "seed"}, r"missing .* \['seed'\]"),
        (SYNTHETIC_CFG | {"type": "fog"}, "no synthetic distortion type 'fog'; there are gaussian_blur,"),
        (SYNTHETIC_CFG | {"levels": 3}, "give a list"),
        (SYNTHETIC_CFG | {"levels": ["1e-4"]}, "no level of white_noise"),
        (SYNTHETIC_CFG | {"levels": [[1, 2, 3]]}, "no level of white_noise"),
        (SYNTHETIC_CFG | {"png_compression": 10}, "png_compression is 10"),
        (SYNTHETIC_CFG | {"type": "jpeg"}, r"unknown keys \['png_compression'\]"),
        (SYNTHETIC_CFG | {"seed": 1.5}, "seed is 1.5"),
        (AUTHENTIC_CFG | {"types": ["jpeg"]}, "give a mapping"),
        (AUTHENTIC_CFG | {"types_per_image": [3, 2]}, "types_per_image"),
        (AUTHENTIC_CFG | {"types_per_image": [2, 7]}, "allows 7 types"),
        (AUTHENTIC_CFG | {"per_image": 0}, "per_image is 0"),
    ],
)
def test_a_bad_cfg_is_refused_in_a_sentence(cfg: object, message: str) -> None:
    with pytest.raises(MosforgeError, match=message):
        plan_of(cfg)
