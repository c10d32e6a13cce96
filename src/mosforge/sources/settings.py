"""The settings of the jobs of the stage `sources`."""

from mosforge.core.settings import Count, DatasetImages, Number, Settings


class Archive(Settings):
    """An archive to download.

    Attributes:
        url: its address.
        pictures: folder of the images inside.
        md5, sha256: its digest; one of them is given.
        size: in bytes.
    """

    url: str
    pictures: str
    md5: str | None = None
    sha256: str | None = None
    size: Count | None = None


class Packaged(Settings):
    """Images inside installed Python packages, cut into squares.

    Attributes:
        photographs: their names, PACKAGE/PATH.
        tile: side of the squares, in pixels.
        stride: distance of two squares, in pixels.
    """

    photographs: tuple[str, ...]
    tile: Count
    stride: Count


class FetchSettings(Settings):
    """Where the images of a source come from; either `archive` or `packaged` is given.

    Attributes:
        folder: where they go.
        images: how many there are.
        archive, packaged: where they come from.
    """

    folder: str
    images: Count | None = None
    archive: Archive | None = None
    packaged: Packaged | None = None


class CatalogueSettings(Settings):
    """What the catalogue of a source depends on.

    Attributes:
        shard_size: images in a shard.
        smallest_side: an image with a shorter side, in pixels, is set aside.
        folder: where the images lie; left out for those of a target dataset.
        images: how many the configuration says there are.
        listing: digest of the names and sizes in a folder that the user fills.
        dataset: the target dataset that the source is.
    """

    shard_size: Count
    smallest_side: Count
    folder: str | None = None
    images: Count | None = None
    listing: str | None = None
    dataset: DatasetImages | None = None


class ScreenSettings(Settings):
    """What the comparison of a source with a target dataset depends on.

    Attributes:
        correlation: of the pixels of two images, laid over each other; from it on they show the same.
        dataset: the target dataset.
    """

    correlation: Number
    dataset: DatasetImages
