"""Words around numbers."""


def plural(count: int, noun: str) -> str:
    """A count: `1 run`, `12 runs`, `1,200 runs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
