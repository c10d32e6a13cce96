"""Sources of pristine images: how many there are, and what their catalogue depends on."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from mosforge.config.configuration import Configuration
from mosforge.core import layout
from mosforge.core.files import digest
from mosforge.core.folders import PUT_THERE, find_images
from mosforge.core.layout import shard_count
from mosforge.plan.datasets import Datasets
from mosforge.sources.settings import CatalogueSettings, FetchSettings


class Sources:
    """The section `sources`; `collections` are those of the configuration."""

    def __init__(self, config: Configuration, datasets: Datasets) -> None:
        self._section = config.sources
        self.collections = config.sources.collections
        self._corpora = config.distortions.corpora
        self._datasets = datasets
        self.image_count = cache(self._image_count)

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
        folder = Path(str(entry.folder))
        return len(find_images(folder)) if folder.is_dir() else 0

    def catalogue(self, source: str) -> CatalogueSettings:
        """Settings of a catalogue; what the user fills is listed too, so that a new image is seen."""
        entry = self.collections[source]
        values = {key: value for key, value in entry.plain().items() if key in ("folder", "images")}
        if entry.own_folder is not None:
            values["listing"] = _listing(entry.own_folder)
        if entry.dataset is not None:
            values["dataset"] = self._datasets.images(entry.dataset).plain()
        return CatalogueSettings(
            shard_size=self._section.shard_size, smallest_side=self._section.smallest_side, **values
        )

    def inputs(self, source: str, ancient: Callable[[str], str]) -> dict[str, str]:
        """What must be there before a source can be catalogued, by the names of the rule's inputs.

        Args:
            source: its name.
            ancient: as for `Datasets.table_for_images`.
        """
        if (dataset := self.collections[source].dataset) is not None:
            return {"dataset": self._datasets.table_for_images(dataset, ancient)}
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


def _listing(folder: Path) -> str:
    """A digest of the names and sizes of a folder's images; times do not count."""
    if not folder.is_dir():
        return "missing"
    return digest([[name, _size(folder / name)] for name in find_images(folder)])


def _size(file: Path) -> int | None:
    """The size of a file; none for a link that leads nowhere, which the catalogue sets aside."""
    try:
        return file.stat().st_size
    except OSError:
        return None
