"""Sources of photographs: how many there are, and what their catalogue depends on."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from mosforge.configuration import Config
from mosforge.core import layout
from mosforge.core.errors import MosforgeError
from mosforge.core.files import digest
from mosforge.core.folders import PUT_THERE, find_images
from mosforge.core.shards import shard_count
from mosforge.plan.datasets import Datasets


class Sources:
    """The section `sources`."""

    def __init__(self, config: Config, datasets: Datasets) -> None:
        self._section = config["sources"]
        self._collections = self._section["collections"]
        self._corpora = config["distortions"]["corpora"]
        self._datasets = datasets
        self.images_of = cache(self._images_of)

    def collection(self, source: str) -> dict[str, Any]:
        """The configured entry of a source."""
        entry: dict[str, Any] = self._collections[source]
        return entry

    def fetched(self, source: str) -> dict[str, Any]:
        """Parameters of a source that the workflow fetches."""
        return {key: value for key, value in self.collection(source).items() if key != "obtain"}

    def dataset_of(self, source: str) -> str | None:
        """The target dataset whose pictures are the source, if it is one."""
        return self.collection(source).get("dataset")

    def made_from(self, dataset: str) -> list[str]:
        """The sources that are the pictures of a target dataset."""
        return [name for name, entry in self._collections.items() if entry.get("dataset") == dataset]

    def is_fetched(self, source: str) -> bool:
        """Whether the workflow itself fills the source's folder."""
        return bool({"archive", "packaged"} & self.collection(source).keys())

    def is_own_folder(self, source: str) -> bool:
        """Whether the photographs are a folder that the user fills."""
        return "folder" in self.collection(source) and not self.is_fetched(source)

    def lost(self, source: str) -> bool:
        """Whether the source is a target dataset that is not there."""
        dataset = self.dataset_of(source)
        return dataset is not None and self._datasets.missing(dataset) is not None

    def shards(self, source: str) -> int:
        """Number of shards of a source."""
        return shard_count(self.images_of(source), self._section["shard_size"])

    def _images_of(self, source: str) -> int:
        """How many photographs a source has, before any is set aside."""
        entry = self.collection(source)
        if "images" in entry:
            return int(entry["images"])
        dataset = self.dataset_of(source)
        if dataset is not None:
            return self._datasets.images_of(dataset)
        folder = Path(entry["folder"])
        return len(_pictures_in(folder)) if folder.is_dir() else 0

    def catalogue(self, source: str) -> dict[str, Any]:
        """Parameters of a catalogue; what the user fills is listed too, so that a new picture is seen."""
        entry = self.collection(source)
        cfg: dict[str, Any] = {key: entry[key] for key in ("folder", "images") if key in entry}
        cfg |= {key: self._section[key] for key in ("shard_size", "smallest_side")}
        if self.is_own_folder(source):
            cfg["listing"] = _listing(Path(entry["folder"]))
        if (dataset := self.dataset_of(source)) is not None:
            cfg["dataset"] = self._datasets.pictures(dataset)
        return cfg

    def inputs(self, source: str, ancient: Callable[[str], str]) -> dict[str, str]:
        """What must be there before a source can be catalogued, by the names of the rule's inputs.

        Args:
            source: its name.
            ancient: as for `Datasets.read_for_pictures`.
        """
        if (dataset := self.dataset_of(source)) is not None:
            return {"dataset": self._datasets.read_for_pictures(dataset, ancient)}
        return {"fetched": layout.FETCHED.format(source=source)} if self.is_fetched(source) else {}

    @property
    def missing(self) -> list[str]:
        """A line for each source that some corpus uses, that is not there and cannot be fetched."""
        used = {source for corpus in self._corpora.values() for source in corpus["sources"]}
        return [
            f"source {source} is missing in {entry['folder']}: {entry.get('obtain', PUT_THERE)}"
            for source, entry in self._collections.items()
            if source in used and self.is_own_folder(source) and not self._is_there(source)
        ]

    def _is_there(self, source: str) -> bool:
        """Whether a folder of the user's is there; one that is counted at each start must hold a picture."""
        entry = self.collection(source)
        return Path(entry["folder"]).is_dir() and ("images" in entry or self.images_of(source) > 0)


def _pictures_in(folder: Path) -> list[str]:
    try:
        return find_images(folder)
    except OSError as error:
        raise MosforgeError(f"{error.filename}: {error.strerror}") from None


def _listing(folder: Path) -> str:
    """A digest of the names and sizes of a folder's pictures; times do not count."""
    if not folder.is_dir():
        return "missing"
    return digest([[name, _size(folder / name)] for name in _pictures_in(folder)])


def _size(file: Path) -> int | None:
    """The size of a file; none for a link that leads nowhere, which the catalogue sets aside."""
    try:
        return file.stat().st_size
    except OSError:
        return None
