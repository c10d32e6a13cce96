"""Splits of a user's table with a part that is too small: told before anything is trained."""

from collections.abc import Mapping, Sequence

from mosforge.core.errors import MosforgeError
from mosforge.core.runs import FEWEST_TESTED
from mosforge.core.words import plural
from mosforge.finetuning.datasets.table import REFERENCE_IMAGE


def untested(columns: Mapping[str, Sequence[str]], splits: Sequence[str], train: float) -> dict[str, str]:
    """The splits that leave too few images to test on, as far as the table says.

    The job `split` refuses what only the pixels say: that images of several names are of one content.

    Args:
        columns: of the table; those that it does not have may be missing, or empty.
        splits: their names.
        train: share of the contents that is trained on, in splits by a seed.

    Returns:
        Split -> why it cannot be tested.
    """
    counts = {name: _tested(columns, name, train) for name in splits}
    return {
        name: f"its test part has {plural(count, 'image')}, and a correlation needs at least "
        f"{FEWEST_TESTED}; give it more"
        for name, count in counts.items()
        if count is not None and count < FEWEST_TESTED
    }


def _tested(columns: Mapping[str, Sequence[str]], split: str, train: float) -> int | None:
    """How many images a split tests; None if it is not known, and for seeded splits of many contents."""
    parts = columns.get("split") or []
    if split == "official":
        return parts.count("test") if parts else None
    contents = _contents(columns)
    if not contents or len(set(contents)) * (1 - train) >= FEWEST_TESTED:
        return None
    return _parts(contents, split, train).count("test")


def rated(columns: Mapping[str, Sequence[str]], split: str, train: float) -> int | None:
    """How many images of a table a split trains and validates on, as far as the table says.

    Args:
        columns: as for `untested`.
        split: its name.
        train: share of the contents that is trained on, in splits by a seed.

    Returns:
        The number; None if it is not known.
    """
    parts = columns.get("split") or []
    if split == "official":
        return len(parts) - parts.count("test") if parts else None
    contents = _contents(columns)
    if split == "full":
        return len(contents)
    return _parts(contents, split, train).count("train")


def _contents(columns: Mapping[str, Sequence[str]]) -> list[str]:
    """The content of each image of a table, as far as it names them."""
    images = list(columns.get("image") or [])
    names = [columns.get(key) or [""] * len(images) for key in ("reference", REFERENCE_IMAGE)]
    return [a or b or image for a, b, image in zip(*names, images, strict=True)]


def _parts(contents: Sequence[str], split: str, train: float) -> list[str]:
    """The part of each image in a split by a seed; none where there is no such split."""
    # heavy to import, and few tables are so small
    import pandas as pd

    from mosforge.finetuning.split import divide

    images = [str(number) for number in range(len(contents))]
    rows = pd.DataFrame({"image": images, "reference": contents, "content": contents})
    try:
        return list(divide(rows, split, train, 0.0)["part"])
    except MosforgeError:
        return []
