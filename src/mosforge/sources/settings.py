"""The settings of the jobs of `sources`; the keys of the configuration keep their names and meanings."""

from mosforge.core.settings import DatasetImages, Settings
from mosforge.core.values import Count, Number, Whole


class Archive(Settings):
    """An archive to download."""

    url: str
    pictures: str
    md5: str | None = None
    sha256: str | None = None
    size: Count | None = None

    @property
    def checksum(self) -> tuple[str, str]:
        """The algorithm and the digest."""
        return ("md5", self.md5) if self.md5 is not None else ("sha256", str(self.sha256))


class Packaged(Settings):
    """Images inside installed Python packages, cut into squares."""

    photographs: tuple[str, ...]
    tile: Count
    stride: Count


class FetchSettings(Settings):
    """Where the images of a source come from: either `archive` or `packaged` is given."""

    folder: str
    images: Count | None = None
    archive: Archive | None = None
    packaged: Packaged | None = None


class CatalogueShardSettings(Settings):
    """What is read of the images of a shard of a source, and what that depends on."""

    shards: Count  # number of the source's shards
    smallest_side: Count
    folder: str | None = None
    listing: str | None = None  # digest of the shard's files in a folder that the user fills
    dataset: DatasetImages | None = None


class CatalogueSettings(Settings):
    """What joins the shards of a source."""

    shards: Whole
    images: Count | None = None


class ScreenSettings(Settings):
    """What the comparison of a source with a target dataset depends on."""

    correlation: Number
    dataset: DatasetImages
