"""Words around numbers."""

from mosforge.core.words import plural


def test_counts() -> None:
    assert [plural(count, "run") for count in (0, 1, 12)] == ["0 runs", "1 run", "12 runs"]
