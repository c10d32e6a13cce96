"""The section `sources`: where pristine images come from, and the leakage guard."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mosforge.config import Folder, Name, Section
from mosforge.core.values import Allowed, Count, Flag, Text, different

Side = Annotated[
    int,
    Field(strict=True, ge=161),
    Allowed("a number of pixels from 161, below which MS-SSIM is not defined"),
]
Correlation = Annotated[
    float,
    Field(strict=True, ge=0.5, le=1),
    Allowed("a correlation from 0.5, below which different images pass for the same, to 1"),
]
Url = Annotated[str, Field(pattern="^https?://"), Allowed("an address of http or https")]
Md5 = Annotated[str, Field(pattern="^[0-9a-fA-F]{32}$"), Allowed("32 hexadecimal digits")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$"), Allowed("64 hexadecimal digits")]


class Leakage(Section):
    """The leakage guard."""

    guard: Flag
    """false: no contents are compared, neither pristine images with target datasets nor images of one
    dataset"""
    correlation: Correlation
    """two images show the same if their pixels, one image laid over the other, have at least this
    correlation"""


class Archive(Section):
    """An archive to download."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["md5"]}, {"required": ["sha256"]}]})

    url: Url
    """address of the archive"""
    md5: Md5 | None = None
    """its digest; md5 or sha256 is needed"""
    sha256: Sha256 | None = None
    """its digest; md5 or sha256 is needed"""
    size: Count | None = None
    """its size in bytes"""
    pictures: Text
    """folder of the images inside the archive"""

    @model_validator(mode="after")
    def _is_verifiable(self) -> Self:
        if self.md5 is None and self.sha256 is None:
            raise PydanticCustomError("rule", "the archive cannot be verified; it needs md5 or sha256")
        return self


class Packaged(Section):
    """Images inside installed Python packages."""

    photographs: Annotated[
        tuple[Text, ...],
        Field(min_length=1, json_schema_extra={"uniqueItems": True}),
        AfterValidator(different),
    ]
    """their names, each PACKAGE/PATH"""
    tile: Side
    """side of the squares, in pixels"""
    stride: Count
    """distance from one square to the next, in pixels"""


class Collection(Section):
    """A source: a folder of images, or the images of a target dataset."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["folder"]}, {"required": ["dataset"]}],
            "dependentRequired": {"archive": ["folder", "images"], "packaged": ["folder", "images"]},
        }
    )

    folder: Folder | None = None
    """where the images lie, at any depth"""
    images: Count | None = None
    """how many images it holds; leave it out for a folder of your own, which is then counted at each
    start"""
    obtain: Text | None = None
    """what the message says if the folder is missing"""
    archive: Archive | None = None
    """an archive that is downloaded and unpacked into the folder"""
    packaged: Packaged | None = None
    """images inside installed Python packages, which are cut into squares (see runs/demo/run.yaml)"""
    dataset: Text | None = None
    """instead of all these keys: a target dataset of section 6, whose images are the source"""

    @property
    def is_fetched(self) -> bool:
        """Whether the workflow itself fills the folder."""
        return self.archive is not None or self.packaged is not None

    @property
    def own_folder(self) -> Path | None:
        """The folder that the user fills, if it is one."""
        return None if self.folder is None or self.is_fetched else Path(self.folder)

    @model_validator(mode="after")
    def _has_its_keys(self) -> Self:
        if (self.folder is None) == (self.dataset is None):
            raise PydanticCustomError("rule", "a source needs either the key folder or the key dataset")
        if self.is_fetched and (self.folder is None or self.images is None):
            raise PydanticCustomError("rule", "a source with archive or packaged needs folder and images")
        if self.archive is not None and self.packaged is not None:
            raise PydanticCustomError("rule", "a source has either archive or packaged, and not both")
        return self


class SourcesSection(Section):
    """Where pristine images come from, and how they are divided into jobs."""

    shard_size: Count
    """about how many images of a source a shard holds. A shard is what one job works on, and should take
    minutes (ours)"""
    smallest_side: Side
    """least side of an image in pixels; an image with a shorter side is set aside. The metrics need 161"""
    leakage: Leakage
    """The leakage guard (ours; the paper chose sources that have nothing to do with its targets). It
    finds pristine images that show the same as an image of a target dataset, also if they are resized,
    re-encoded, cropped or mirrored. They get no labels, so no network is pretrained on them. Images of
    one target dataset that show the same stay on one side of its seeded splits. Tables also give the
    figures without test images whose content is trained on, in an official split or across datasets."""
    collections: Mapping[Name, Collection]
    """Where pristine images come from. Only the sources that a corpus below names are used."""
