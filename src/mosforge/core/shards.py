"""Shards: fixed-size blocks of one source's sorted catalogue, and their names."""

from collections.abc import Iterable, Mapping


def shard_name(source: str, number: int) -> str:
    """The name of a source's shard, counted from 0; names sort as the numbers do."""
    return f"{source}-{number:05d}"


def shard_count(images: int, size: int) -> int:
    """The number of shards of `size` images that hold `images` images."""
    return -(-images // size)


def shard_paths(groups: Iterable[str], shards: Mapping[str, int]) -> list[tuple[str, str]]:
    """Every (group, shard name) of a corpus, in a fixed order.

    Args:
        groups: distortion types, or only `authentic`.
        shards: number of shards by source.
    """
    return [
        (group, shard_name(source, number))
        for group in groups
        for source in sorted(shards)
        for number in range(shards[source])
    ]
