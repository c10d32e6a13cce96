"""What is known of each target dataset without reading it: its counts, its range and its files.

The workflow imports this module while it plans, so it imports nothing heavy. What people are told about a
dataset is in `about`, since it changes no table.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.about import about
from mosforge.finetuning.files import Folder
from mosforge.finetuning.settings import DatasetSettings


@dataclass(frozen=True)
class Layout:
    """A target dataset as it is released, or a table of the user's.

    Attributes:
        name: value of the configuration's key `layout`.
        images: number of images with a score; 0 for a user's table, which has any number.
        contents: number of different references, or of images in an authentic dataset; 0 likewise.
        lowest: lowest score of the declared range.
        highest: highest score of the declared range.
        higher_is_better: false for DMOS.
        required: paths below the dataset's folder that prove that it is there; one of each tuple must exist.
        references: whether the reference images belong to it.
    """

    name: str
    images: int
    contents: int
    lowest: float
    highest: float
    higher_is_better: bool
    required: tuple[tuple[str, ...], ...]
    references: bool = False


_OFFICIAL = (
    Layout(
        name="live",
        images=779,
        contents=29,
        # The realigned DMOS run past both ends of the nominal 0-100: -2.64 to 111.77 as published.
        # The declared range holds them all, so that no two of them are clipped to the same quality.
        lowest=-3.0,
        highest=112.0,
        higher_is_better=False,
        required=(
            ("dmos_realigned.mat",),
            ("refnames_all.mat",),
            ("refimgs",),
            *((name,) for name in ("jp2k", "jpeg", "wn", "gblur", "fastfading")),
        ),
        references=True,
    ),
    Layout(
        name="csiq",
        images=866,
        contents=30,
        lowest=0.0,
        highest=1.0,
        higher_is_better=False,
        required=(("csiq.DMOS.xlsx", "csiq.beta.xlsx"), ("src_imgs",), ("dst_imgs",)),
        references=True,
    ),
    Layout(
        name="tid2013",
        images=3000,
        contents=25,
        lowest=0.0,
        highest=9.0,
        higher_is_better=True,
        required=(("mos_with_names.txt",), ("distorted_images",), ("reference_images",)),
        references=True,
    ),
    Layout(
        name="livec",
        images=1162,
        contents=1162,
        lowest=0.0,
        highest=100.0,
        higher_is_better=True,
        required=(("Data/AllImages_release.mat",), ("Data/AllMOS_release.mat",), ("Images",)),
    ),
    Layout(
        name="koniq10k",
        images=10073,
        contents=10073,
        # The file with means on 1-5 has the same scores on 0-100 in its column MOS_zscore.
        lowest=0.0,
        highest=100.0,
        higher_is_better=True,
        required=(
            ("koniq10k_distributions_sets.csv", "koniq10k_scores_and_distributions.csv"),
            ("1024x768", "512x384"),
        ),
    ),
    Layout(
        name="kadid10k",
        images=10125,
        contents=81,
        lowest=1.0,
        highest=5.0,
        # The file names them dmos, but 5 is "imperceptible" and 1 "very annoying".
        higher_is_better=True,
        required=(("dmos.csv",), ("images",)),
        references=True,
    ),
)

LAYOUTS: Mapping[str, Layout] = {layout.name: layout for layout in _OFFICIAL}
"""The official layouts by name; the layout `table` follows from the configuration, see `layout_of`."""

REFERENCE_IMAGE = "reference_image"
"""The column of a user's table that names the reference image."""


def layout_of(cfg: DatasetSettings) -> Layout:
    """The facts of a dataset's layout.

    Raises:
        MosforgeError: no such layout, or a key of the layout `table` is missing or impossible.
    """
    if cfg.layout in LAYOUTS:
        return LAYOUTS[cfg.layout]
    if cfg.layout != "table":
        raise MosforgeError(
            f"layout {cfg.layout}: there is no such layout; use {', '.join(LAYOUTS)} or table"
        )
    if cfg.table is None or cfg.range is None:
        key = "table" if cfg.table is None else "range"
        raise MosforgeError(f"layout table: the key {key} is missing in the dataset's configuration")
    lowest, highest = (float(limit) for limit in cfg.range)
    if not lowest < highest:
        raise MosforgeError(
            f"layout table: range [{lowest:g}, {highest:g}] must be the lowest, then the highest score"
        )
    return Layout(
        name="table",
        images=0,
        contents=0,
        lowest=lowest,
        highest=highest,
        higher_is_better=cfg.higher_is_better,
        required=((cfg.table,), (images_folder(cfg),)),
    )


def images_folder(cfg: DatasetSettings) -> str:
    """The folder of the images of a user's table, below the dataset's folder; by default, that folder."""
    return cfg.images or "."


def missing(cfg: DatasetSettings) -> str | None:
    """What a dataset lacks, in one sentence: what is missing, where to get it and where to put it.

    Returns:
        None where each required file or folder is there.
    """
    required, folder = layout_of(cfg).required, Folder(cfg.folder)
    if not folder.path.is_dir():
        return f"the folder {folder.path.as_posix()} is missing: {about(cfg).obtain}"
    lacking = [names for names in required if not any(folder.find(name) for name in names)]
    if not lacking:
        return None
    listed = ", ".join(" or ".join(names) for names in lacking)
    return f"{folder.path.as_posix()} lacks {listed}: {about(cfg).obtain}"
