"""Which images of the target datasets show the same: what was found, and the test images that it concerns."""

from collections.abc import Iterator

import pandas as pd

from mosforge.core import layout
from mosforge.core.schemas.datasets import CONTENTS, SPLIT
from mosforge.report.artefacts import Artefacts
from mosforge.report.blocks import Block, say, text_table
from mosforge.report.notes import spoiled_splits
from mosforge.report.words import plural


def content_blocks(artefacts: Artefacts) -> Iterator[Block]:
    """What was found within each target dataset, and the test images of each split that are not clean."""
    for dataset in dict.fromkeys(artefacts.correlations["test_dataset"]):
        found = artefacts.read(layout.CONTENTS, CONTENTS, dataset=dataset)
        if found is not None:
            named, scenes = found["reference"].nunique(), found["content"].nunique()
            sizes = found.groupby("content")["reference"].nunique()
            shared = int(sizes[sizes > 1].sum())
            key = "one_scene_each" if named == scenes else "scenes"
            yield Block("p", say(key, dataset, f"{named:,}", f"{shared:,}", f"{int((sizes > 1).sum()):,}"))
    for place, train, test, split in spoiled_splits(artefacts.correlations):
        pattern = layout.SPLIT if train == test else layout.SPLIT_ACROSS
        rows = artefacts.read(pattern, SPLIT, dataset=train, split=split, test_dataset=test)
        if rows is not None:
            yield _test_images(place, rows, is_across=train != test)


def _test_images(place: str, split: pd.DataFrame, *, is_across: bool) -> Block:
    """The test images of a split that are not clean, each with an image of its content that is trained on."""
    images = split[split["clean"].eq(False)].sort_values(["content", "image"])
    title = say("seen_images", place, plural(len(images), "test image"))
    if is_across:
        head, others = "content", images["content"]
    else:
        trained = split[split["part"] != "test"].groupby("content")["image"].first()
        head, others = "an image that is trained on", images["content"].map(trained)
    rows = [list(pair) for pair in zip(images["image"], others, strict=True)]
    return Block("details", title, [text_table(["test image", head], rows)])
