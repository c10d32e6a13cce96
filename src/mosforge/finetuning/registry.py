"""What is known of each target dataset without reading it: counts, scale, licence, where to ask.

The workflow imports this module while it plans, so it stays light.
"""

import csv
import io
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mosforge.core.errors import MosforgeError

Options = Mapping[str, Any]
"""A dataset's mapping in the configuration: `table`, `images`, `range`, `higher_is_better`."""


@dataclass(frozen=True)
class Layout:
    """One dataset in its official layout.

    Attributes:
        name: value of the key `layout`.
        images: pictures with a score; 0 for a table of the user's, which has what it has.
        contents: different references; for authentic datasets, the pictures themselves; 0 likewise.
        lowest: lowest score of the declared range.
        highest: highest score of the declared range.
        higher_is_better: false for differential scores.
        unit: the scores' own scale, for people.
        licence: what the authors allow.
        obtain: what to do to get it.
        required: paths below the folder that prove that the dataset is there; of each tuple, one must be.
        references: whether the undistorted pictures belong to it.
    """

    name: str
    images: int
    contents: int
    lowest: float
    highest: float
    higher_is_better: bool
    unit: str
    licence: str
    obtain: str
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
        unit="DMOS (realigned), -3 to 112",
        licence="copyright The University of Texas at Austin; free of charge with its notice, to be cited",
        obtain="ask for LIVE release 2 at https://live.ece.utexas.edu/research/quality/subjective.htm "
        "and unpack databaserelease2 there",
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
        unit="DMOS, 0 to 1",
        licence="for research, to be cited (Larson and Chandler, 2010)",
        obtain="download src_imgs, dst_imgs and csiq.DMOS.xlsx from "
        "https://s2.smu.edu/~eclarson/csiq.html and unpack them there",
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
        unit="MOS, 0 to 9",
        licence="free for non-commercial research, to be cited (Ponomarenko et al., 2015)",
        obtain="download tid2013.rar from https://www.ponomarenko.info/tid2013.htm and unpack it there",
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
        unit="MOS, 0 to 100",
        licence="copyright The University of Texas at Austin; free of charge with its notice, to be cited",
        obtain="ask for the LIVE In the Wild Image Quality Challenge Database at "
        "https://live.ece.utexas.edu/research/ChallengeDB/index.html and unpack ChallengeDB_release there",
        required=(("Data/AllImages_release.mat",), ("Data/AllMOS_release.mat",), ("Images",)),
    ),
    Layout(
        name="koniq10k",
        images=10073,
        contents=10073,
        # The file with 1-5 means carries the same 0-100 scores in its column MOS_zscore.
        lowest=0.0,
        highest=100.0,
        higher_is_better=True,
        unit="MOS of z-scores, 0 to 100",
        licence="the pictures are under their photographers' Creative Commons licences; to be cited",
        obtain="download koniq10k_distributions_sets.csv and the pictures (1024x768 or 512x384) from "
        "https://database.mmsp-kn.de/koniq-10k-database.html and unpack them there",
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
        # named dmos, but 5 is "imperceptible" and 1 "very annoying"
        higher_is_better=True,
        unit="DMOS on 1 to 5, where 5 is best",
        licence="the references are under the Pixabay licence; for research, to be cited (Lin et al., 2019)",
        obtain="download kadid10k.zip from https://database.mmsp-kn.de/kadid-10k-database.html "
        "and unpack it there",
        required=(("dmos.csv",), ("images",)),
        references=True,
    ),
)

LAYOUTS: Mapping[str, Layout] = {layout.name: layout for layout in _OFFICIAL}
"""The official layouts by name; `table` is described by the configuration, see `layout_of`."""

_OWNERS = "that of its owner"


def layout_of(layout: str, options: Options | None = None) -> Layout:
    """The facts of a layout; those of a user's table come from its options.

    Raises:
        MosforgeError: no such layout, or an option of the table is missing or impossible.
    """
    if layout in LAYOUTS:
        return LAYOUTS[layout]
    if layout != "table":
        raise MosforgeError(f"layout {layout}: there is no such layout; use {', '.join(LAYOUTS)} or table")
    options = options or {}
    for key in ("table", "range"):
        if key not in options:
            raise MosforgeError(f"layout table: the key {key} is missing in the dataset's configuration")
    lowest, highest = (float(limit) for limit in options["range"])
    if not lowest < highest:
        raise MosforgeError(
            f"layout table: range [{lowest:g}, {highest:g}] must be the lowest, then the highest"
        )
    better = bool(options.get("higher_is_better", True))
    return Layout(
        name="table",
        images=0,
        contents=0,
        lowest=lowest,
        highest=highest,
        higher_is_better=better,
        unit=f"{'MOS' if better else 'DMOS'}, {lowest:g} to {highest:g}",
        licence=_OWNERS,
        obtain=f"put the CSV {options['table']} there and its pictures into {pictures_of(options)}",
        required=((options["table"],), (pictures_of(options),)),
    )


def terms_of(layout: str) -> dict[str, str]:
    """What a model's card says of the scores and the licence of the dataset that it learned from.

    Args:
        layout: value of the key `layout`, `table` and `proxy` among them.
    """
    human = layout != "proxy"
    return {
        "labels": "human scores" if human else "proxy scores (HaarPSI), not human scores",
        "licence": LAYOUTS[layout].licence if layout in LAYOUTS else _OWNERS,
    }


REFERENCE_IMAGE = "reference_image"
"""The column of a user's table that names the undistorted picture."""


def csv_lines(text: str) -> Any:
    """A `csv.reader` of a table's text; the delimiter is a tab where the header has one, else a comma."""
    header = text.partition("\n")[0]
    return csv.reader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in header else ",")


def pictures_of(options: Options) -> str:
    """The folder of a table's pictures, below the dataset's folder; that folder itself by default."""
    return str(options.get("images", "."))


class Folder:
    """Finds files whatever the case of their names, and however their accents are encoded: releases, archives
    and file systems disagree about both.

    Each directory is listed once. A name in the very case wins; of others, the first in code points.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._listings: dict[Path, tuple[frozenset[str], dict[str, str]]] = {}

    def find(self, name: str) -> Path | None:
        """The file or folder called `name` (a POSIX path below this folder or from the root), or None."""
        place = self.path
        for part in PurePosixPath(name).parts:
            if part in ("/", ".."):
                place = place / part
                continue
            exact, folded = self._list(place)
            actual = part if part in exact else folded.get(_folded(part))
            if actual is None:
                return None
            place = place / actual
        return place

    def _list(self, place: Path) -> tuple[frozenset[str], dict[str, str]]:
        if place not in self._listings:
            names = sorted(entry.name for entry in place.iterdir()) if place.is_dir() else []
            folded = {_folded(name): name for name in reversed(names)}
            self._listings[place] = frozenset(names), folded
        return self._listings[place]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def missing(layout: str, folder: str | os.PathLike[str], options: Options | None = None) -> str | None:
    """What a dataset still lacks, in one sentence: what, where to get it, which folder to put it in.

    Returns:
        None where each required file or folder is there.
    """
    facts, place = layout_of(layout, options), Folder(folder)
    if not place.path.is_dir():
        return f"the folder {place.path.as_posix()} is missing: {facts.obtain}"
    lacking = [names for names in facts.required if not any(place.find(name) for name in names)]
    if not lacking:
        return None
    listed = ", ".join(" or ".join(names) for names in lacking)
    return f"{place.path.as_posix()} lacks {listed}: {facts.obtain}"
