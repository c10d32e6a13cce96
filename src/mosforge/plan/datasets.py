"""Target datasets: which are there, and what their tables depend on."""

import csv
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from mosforge.config.configuration import Configuration
from mosforge.core import layout
from mosforge.core.csv_files import csv_lines
from mosforge.core.files import digest
from mosforge.core.folders import find_images
from mosforge.core.runs import FEWEST_TESTED, budget_of, whole_split
from mosforge.finetuning.datasets.base import Layout
from mosforge.finetuning.datasets.table import (
    COLUMNS,
    REFERENCE_IMAGE,
    about_column,
    file_of,
    name_of,
    unused_columns,
)
from mosforge.finetuning.files import Folder
from mosforge.finetuning.registry import layout_of, missing
from mosforge.finetuning.settings import (
    ContentsSettings,
    DatasetSettings,
    PackDatasetSettings,
    SplitAcrossSettings,
    SplitSettings,
)
from mosforge.plan.recorded import recorded_settings
from mosforge.plan.untested import rated, untested
from mosforge.plan.watched import describe, recorded_digests

OF_IMAGES = ("image", "reference", REFERENCE_IMAGE, "split")
"""The columns of a user's table that say which images there are, what they show, and their parts."""


class Datasets:
    """The datasets of the section `finetuning`; `entries` are those of the configuration."""

    def __init__(self, config: Configuration) -> None:
        self.entries = config.finetuning.datasets
        self._splits = config.finetuning.splits
        self._leakage = config.sources.leakage
        self.missing = cache(self._missing)
        self.referenced = cache(self._referenced)
        self.table = cache(self._table)
        self.untested = cache(self._untested)
        self._recorded = cache(_recorded)
        self._given = cache(self._as_given)
        self._rows = cache(self._rows_of)
        self.image_files = cache(self._image_files)

    @cached_property
    def proxies(self) -> list[str]:
        """Datasets whose scores are no human ones."""
        return [name for name, entry in self.entries.items() if entry.layout == "proxy"]

    def is_kadid10k(self, name: str) -> bool:
        """Whether a dataset is KADID-10k, whose class means the labels have seen."""
        return self.entries[name].layout == "kadid10k"

    def _as_given(self, name: str) -> DatasetSettings:
        """A dataset before any of its files is looked at; a proxy is a table that the workflow writes."""
        entry = self.entries[name]
        if entry.layout == "proxy":
            return DatasetSettings(
                layout="table",
                folder=".",
                table=layout.PROXY_LABELS.format(dataset=name),
                range=(0.0, 1.0),
                higher_is_better=True,
            )
        return DatasetSettings(**entry.plain(without=("corpus", "splits")))

    def _table(self, name: str) -> DatasetSettings:
        """Settings of a dataset's normalised table, with what its files are like now."""
        given = self._given(name)
        if name in self.proxies:
            return given
        values = given.plain()
        if self.entries[name].layout == "table":
            values["listing"] = _listing(self._rows(name))
        if not self.missing(name):
            named = [*self.image_files(name), *self.image_files(name, REFERENCE_IMAGE)]
            files = sorted({path for _, path in named})
            described = describe(f"datasets-{name}", files, lambda: self._digests(name))
            values["files"] = digest(
                [[str(path), *look] for path, look in zip(files, described, strict=True)]
            )
        return DatasetSettings(**values)

    def _digests(self, name: str) -> dict[str, str]:
        """What the images were when the dataset's table was written."""
        return recorded_digests([layout.FILES_OF_DATASET.format(dataset=name)])

    def _image_files(self, name: str, column: str = "image") -> list[tuple[str, Path]]:
        """The images of a dataset that is there: names as in its table, and files as far as they are found.

        The names in an official release are not known before it is read: there they are all images below its
        folder, and reference images are among them.

        Args:
            name: the dataset.
            column: of a user's table; the one that names the reference images, or by default the scored ones.
        """
        entry = self.entries[name]
        folder = Folder(str(entry.folder))
        if entry.layout != "table":
            found = find_images(folder.path, lambda *_: None) if column == "image" else []
            return [(file, folder.path / file) for file in found]
        images = PurePosixPath(entry.images or ".")
        named = filter(None, _column(self._rows(name), column))
        return [(name_of(cell) or cell, _path_of(folder, file_of(images, cell))) for cell in named]

    def code(self, name: str) -> tuple[str, ...]:
        """What the code of a dataset's table consists of: the job, and the module of the dataset's layout."""
        return "finetuning.dataset", f"finetuning.datasets.{self._given(name).layout}"

    def images(self, name: str) -> PackDatasetSettings:
        """Settings of what reads a dataset's images, contents and parts, but not its scores.

        The files of the images count, and of a user's table the columns `OF_IMAGES`; the tables of an
        official release are not watched. A proxy's table is made by the workflow, so there the file itself
        tells.
        """
        return PackDatasetSettings(**_of_images(self.table(name).plain()))

    def table_for_images(self, name: str, ancient: Callable[[str], str]) -> str:
        """The dataset's table, for rules that read its images but not its scores.

        An edited score or range writes the table anew, and is nothing to these rules: what `images` gives
        is as it was when the table was written. Their own parameters hold it too, but Snakemake looks at
        none of them in a run that writes the table. A proxy's images come from the workflow, so there a
        new table counts.

        Args:
            name: the dataset.
            ancient: Snakemake's mark of an input whose age is nothing to the rule.
        """
        table = layout.DATASET.format(dataset=name)
        follows = name in self.proxies or self._recorded(Path(table)) != self.images(name).plain()
        return table if follows else ancient(table)

    def files(self, name: str) -> list[str]:
        """The user's table of scores, whose edit is a change; official releases are not watched."""
        given = self._given(name)
        return [_csv_of(given)] if given.layout == "table" else []

    def _rows_of(self, name: str) -> list[list[str]]:
        """The rows of a user's table, its header first; none where it cannot be read."""
        return [row for file in self.files(name) for row in _read(file)]

    def _is_table(self, name: str) -> bool:
        """Whether a dataset is a table of the user's that is there."""
        return self.entries[name].layout == "table" and not self.missing(name)

    def misspelt_columns(self, name: str) -> list[str]:
        """A line for each column of a user's table that is not used and was probably meant to be.

        The job that reads the table names the others too.
        """
        if not self._is_table(name):
            return []
        (file,) = self.files(name)
        unused = unused_columns(_header(self._rows(name)))
        return [
            f"dataset {name}, {file}: {about_column(*item)}" for item in unused.items() if item[1] is not None
        ]

    def facts(self, name: str) -> Layout:
        """What is known of a dataset without reading it, such as the range of its scores."""
        return layout_of(self._given(name))

    def image_count(self, name: str) -> int:
        """How many scored images a dataset that is there has."""
        return self.facts(name).images or max(len(self._rows(name)) - 1, 0)

    def _missing(self, name: str) -> str | None:
        """What a dataset lacks and where to get it, or None."""
        return None if name in self.proxies else missing(self._given(name))

    def _referenced(self, name: str) -> int:
        """How many scored images of a dataset that is there have their reference image."""
        facts = self.facts(name)
        if self.missing(name) or (facts.images and not facts.references):
            return 0
        return facts.images or sum(map(bool, _column(self._rows(name), REFERENCE_IMAGE)))

    def has_references(self, name: str) -> bool:
        """Whether a dataset is there with reference images; a proxy always has them."""
        return name in self.proxies or self.referenced(name) > 0

    @cached_property
    def with_references(self) -> list[str]:
        """Datasets whose images full-reference metrics can score."""
        return [name for name in self.entries if self.has_references(name)]

    @property
    def compares_contents(self) -> bool:
        """Whether the images of target datasets are compared by content."""
        return self._leakage.guard

    def contents(self, name: str) -> ContentsSettings:
        """Settings of the contents of a dataset."""
        return ContentsSettings(**self.images(name).plain(), correlation=self._leakage.correlation)

    def contents_inputs(self, name: str) -> dict[str, str]:
        """What a split needs beside the dataset: its contents, if they are compared."""
        return {"contents": layout.CONTENTS.format(dataset=name)} if self.compares_contents else {}

    def split_across(self, name: str, trained_on: str) -> SplitAcrossSettings:
        """Settings of the comparison of a test dataset with the dataset that is trained on."""
        datasets = {"dataset": self.images(name), "trained_on": self.images(trained_on)}
        return SplitAcrossSettings(correlation=self._leakage.correlation, **datasets)

    def splits(self, name: str) -> list[str]:
        """Names of a dataset's splits, but for those that cannot be tested."""
        return [split for split in self._configured_splits(name) if split not in self.untested(name)]

    def _configured_splits(self, name: str) -> list[str]:
        return [str(split) for split in self.entries[name].splits or self._splits.seeds]

    def _untested(self, name: str) -> dict[str, str]:
        """Splits of a dataset that cannot be tested, each with the reason."""
        if not self._is_table(name):
            return {}
        columns = {column: _column(self._rows(name), column) for column in COLUMNS}
        return untested(columns, self._configured_splits(name), self._splits.train)

    def most_ratings(self, name: str, split: str) -> int | None:
        """The most ratings that a split of a dataset that is there can train on; None if it is not known.

        Where images are compared by content, a seeded split is known only when that was done.
        """
        if self.missing(name) or name in self.proxies:
            return None
        if not self._is_table(name) or (split.isdigit() and self.compares_contents):
            return self.image_count(name) - (0 if split == "full" else FEWEST_TESTED)
        columns = {column: _column(self._rows(name), column) for column in COLUMNS}
        return rated(columns, split, self._splits.train)

    def training_share(self, split: str) -> float:
        """About the share of a dataset's images that a split trains on; an official one is not looked at."""
        return 1.0 if whole_split(split) == "full" else self._splits.train

    def split(self, name: str, split: str) -> SplitSettings:
        """Settings of a split; the share that is trained on matters only to random ones."""
        values = self.images(name).plain() | {"validation": self._splits.validation}
        if whole_split(split).isdigit():
            values["train"] = self._splits.train
        if budget := budget_of(split):
            values["ratings"] = budget
        return SplitSettings(**values)


def _csv_of(table: DatasetSettings) -> str:
    """The table of a dataset, in the case that its name has on the disk."""
    path = Path(table.folder) / str(table.table)
    found = None if path.exists() else Folder(table.folder).find(str(table.table))  # which lists the folder
    return (found or path).as_posix()


def _path_of(folder: Folder, file: str) -> Path:
    """A file in the case that its name has on the disk."""
    path = folder.path / file
    return path if path.exists() else folder.find(file) or path


def _of_images(values: dict[str, Any]) -> dict[str, Any]:
    """The settings of a dataset's table that its images depend on, and not only their scores."""
    return {key: value for key, value in values.items() if key in PackDatasetSettings.model_fields}


def _recorded(table: Path) -> dict[str, Any] | None:
    """What a dataset's table records of the images that it was written for; None where there is no table."""
    found = recorded_settings(table)
    return None if found is None else _of_images(found)


def _read(table: str) -> list[list[str]]:
    """The rows of a table of the user's, its header first; none where it cannot be read.

    The job that reads the table says what is wrong with it.
    """
    try:
        text = Path(table).read_text(encoding="utf-8-sig", errors="replace")
        return [row for row in csv_lines(text) if any(cell.strip() for cell in row)]
    except (OSError, csv.Error):
        return []


def _header(rows: list[list[str]]) -> list[str]:
    return [cell.strip().casefold() for cell in rows[0]] if rows else []


def _column(rows: list[list[str]], name: str) -> list[str]:
    """The cells of a column; none where the table has no such column."""
    header = _header(rows)
    place = header.index(name) if name in header else len(header)
    return [row[place].strip() for row in rows[1:] if place < len(row)]


def _listing(rows: list[list[str]]) -> str:
    """A digest of a user's table as far as `OF_IMAGES`, independent of the order of rows and columns."""
    header = _header(rows)
    kept = [(name, header.index(name)) for name in OF_IMAGES if name in header]
    cells = ([[name, row[place].strip()] for name, place in kept if place < len(row)] for row in rows[1:])
    return digest(sorted(cells))
