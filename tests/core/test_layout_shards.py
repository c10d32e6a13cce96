"""Shards: their number, their names, and which image is in which."""

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosforge.core.layout import shard_count, shard_name, shard_of, shard_paths


@settings(deadline=None)
@given(images=st.integers(1, 100_000), size=st.integers(1, 200))
def test_the_number_of_shards_is_a_power_of_two_near_to_images_over_size(images: int, size: int) -> None:
    count = shard_count(images, size)
    assert count & (count - 1) == 0
    assert images / count <= size * math.sqrt(2)
    assert count == 1 or images / count >= size / math.sqrt(2)


@pytest.mark.parametrize(("images", "size", "count"), [(0, 3, 0), (1, 100, 1), (141, 100, 1), (142, 100, 2)])
def test_numbers_of_shards(images: int, size: int, count: int) -> None:
    assert shard_count(images, size) == count


def test_the_number_of_shards_seldom_changes_and_not_at_round_numbers() -> None:
    changes = [n for n in range(2, 12_801) if shard_count(n, 100) != shard_count(n - 1, 100)]
    assert changes == [142, 283, 566, 1132, 2263, 4526, 9051]


def test_the_shard_of_an_image_is_the_same_on_every_machine() -> None:
    # the last digits of the first 16 of `printf %s NAME | sha256sum`
    assert shard_of("a.png", 16) == 0x8
    assert shard_of("b/two words (1).JPG", 16) == 0xF
    assert 0 <= shard_of("caf\udce9.png", 4) < 4


def test_shards_are_of_about_equal_size() -> None:
    sizes = Counter(shard_of(f"photos/{number:05d}.jpg", 128) for number in range(12_800))
    assert len(sizes) == 128
    assert 60 < min(sizes.values()) < max(sizes.values()) < 145


def test_twice_as_many_shards_cut_each_in_two() -> None:
    for number in range(100):
        assert shard_of(str(number), 8) % 4 == shard_of(str(number), 4)


def test_names_sort_as_the_numbers_do() -> None:
    names = [shard_name("voc2012", number) for number in range(12)]
    assert names[0] == "voc2012-00000"
    assert names == sorted(names)


def test_every_shard_of_every_group_is_listed_in_one_order() -> None:
    expected = [
        ("b", "x-00000"),
        ("b", "y-00000"),
        ("b", "y-00001"),
        ("a", "x-00000"),
        ("a", "y-00000"),
        ("a", "y-00001"),
    ]
    assert shard_paths(["b", "a"], {"y": 2, "x": 1}) == expected
    assert shard_paths(["b", "a"], {"x": 1, "y": 2, "none": 0}) == expected
