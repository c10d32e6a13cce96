"""Shards: blocks of a catalogue, their number and their names."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mosforge.core.layout import shard_count, shard_name, shard_paths


@settings(deadline=None)
@given(images=st.integers(0, 10_000), size=st.integers(1, 200))
def test_there_are_as_many_shards_as_blocks(images: int, size: int) -> None:
    assert shard_count(images, size) == len(range(0, images, size))


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
