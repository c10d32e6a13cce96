"""Sources of pristine images: how many there are, and what their catalogue depends on."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from mosforge.config.configuration import Configuration
from mosforge.core import layout
from mosforge.core.files import digest
from mosforge.core.folders import PUT_THERE, find_images
from mosforge.core.layout import shard_count, shard_name, shard_of
from mosforge.plan.datasets import Datasets
from mosforge.plan.recorded import recorded_settings
from mosforge.plan.watched import describe, recorded_digests
from mosforge.sources.settings import CatalogueSettings, CatalogueShardSettings, FetchSettings


class Sources:
    """The section `sources`; `collections` are those of the configuration."""

    def __init__(self, config: Configuration, datasets: Datasets) -> None:
        self._section = config.sources
        self.collections = config.sources.collections
        self._corpora = config.distortions.corpora
        self._datasets = datasets
        self.image_count = cache(self._image_count)
        self.images = cache(self._find)
        self._listings = cache(self._list)

    def fetched(self, source: str) -> FetchSettings:
        """Settings of a source that the workflow fetches."""
        return FetchSettings(**self.collections[source].plain(without=("obtain",)))

    def made_from(self, dataset: str) -> list[str]:
        """The sources that are the images of a target dataset."""
        return [name for name, entry in self.collections.items() if entry.dataset == dataset]

    def is_missing_dataset(self, source: str) -> bool:
        """Whether the source is a target dataset that is not there."""
        dataset = self.collections[source].dataset
        return dataset is not None and self._datasets.missing(dataset) is not None

    def shards(self, source: str) -> int:
        """Number of shards of a source."""
        return shard_count(self.image_count(source), self._section.shard_size)

    def _image_count(self, source: str) -> int:
        """How many images a source has, before any is set aside."""
        entry = self.collections[source]
        if entry.images is not None:
            return entry.images
        if entry.dataset is not None:
            return self._datasets.image_count(entry.dataset)
        return len(self.images(source))

    def dataset_of(self, source: str) -> str | None:
        """The target dataset whose images are the source, if it is one."""
        return self.collections[source].dataset

    def catalogue_shard(self, source: str, number: int) -> CatalogueShardSettings:
        """Settings of a shard of a catalogue; what the user fills is listed, so that a new image is seen."""
        entry = self.collections[source]
        values: dict[str, Any] = {} if entry.folder is None else {"folder": entry.folder}
        if self._is_listed(source):
            values["listing"] = self._listings(source)[number]
        elif entry.dataset is not None:
            values["dataset"] = self._datasets.images(entry.dataset).plain()
        return CatalogueShardSettings(
            shards=self.shards(source), smallest_side=self._section.smallest_side, **values
        )

    def _is_listed(self, source: str) -> bool:
        """Whether the files of a source are known before it is catalogued, since the user names them."""
        if (dataset := self.dataset_of(source)) is not None:
            return self._datasets.entries[dataset].layout == "table"
        return self.collections[source].own_folder is not None

    def _list(self, source: str) -> list[str]:
        """A digest for each shard of a source, of its files' names and contents."""
        images, shards = self.images(source), self.shards(source)
        described = describe(
            f"sources-{source}",
            [path for _, path in images],
            lambda: recorded_digests(self.shard_tables(source)),
        )
        own: list[list[Any]] = [[] for _ in range(shards)]
        for (name, path), look in zip(images, described, strict=True):
            own[shard_of(name, shards)].append([name, str(path), *look])
        return [digest(sorted(files, key=str)) for files in own]

    def _find(self, source: str) -> list[tuple[str, Path]]:
        """The images of a source, each with its id and its file."""
        if (dataset := self.dataset_of(source)) is not None:
            return self._datasets.image_files(dataset)
        folder = Path(str(self.collections[source].folder))
        return [(name, folder / name) for name in find_images(folder)] if folder.is_dir() else []

    def catalogue(self, source: str) -> CatalogueSettings:
        """Settings of what joins the shards of a source."""
        images = self.collections[source].images
        given = {} if images is None else {"images": images}
        return CatalogueSettings(shards=self.shards(source), **given)

    def shard_tables(self, source: str) -> list[str]:
        """What was read of the images of a source, a file for each of its shards."""
        return [
            layout.FILES.format(shard=shard_name(source, number)) for number in range(self.shards(source))
        ]

    def inputs(self, source: str, number: int, ancient: Callable[[str], str]) -> dict[str, str]:
        """What must be there before a shard of a source can be read, by the names of the rule's inputs.

        Args:
            source: its name.
            number: of the shard.
            ancient: as for `Datasets.table_for_images`.
        """
        if (dataset := self.dataset_of(source)) is not None:
            if not self._is_listed(source):
                return {"dataset": self._datasets.table_for_images(dataset, ancient)}
            # a shard whose settings are new reads the new table; they hold all that it reads of it
            table = layout.DATASET.format(dataset=dataset)
            files = Path(layout.FILES.format(shard=shard_name(source, number)))
            is_as_read = recorded_settings(files) == self.catalogue_shard(source, number).plain()
            return {"dataset": ancient(table) if is_as_read else table}
        is_fetched = self.collections[source].is_fetched
        return {"fetched": layout.FETCHED.format(source=source)} if is_fetched else {}

    @property
    def missing(self) -> list[str]:
        """A line for each source that some corpus uses, that is not there and cannot be fetched."""
        used = {source for corpus in self._corpora.values() for source in corpus.sources}
        return [
            f"source {source} is missing in {entry.folder}: {entry.obtain or PUT_THERE}"
            for source, entry in self.collections.items()
            if source in used and entry.own_folder is not None
            # a folder that is counted at each start must hold an image
            if not (entry.own_folder.is_dir() and self.image_count(source))
        ]
