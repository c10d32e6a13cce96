"""The settings of a job, as types: what its outputs depend on besides its inputs and its code."""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from mosforge.core.values import Whole, check_keys


class Settings(BaseModel):
    """Base of settings: an unknown key is refused, and nothing can be changed afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _keys_are_known(cls, values: Any) -> Any:
        check_keys(values, cls.model_fields)
        return values

    def plain(self, *, without: Collection[str] = ()) -> dict[str, Any]:
        """The JSON values that were given: what was left out stays out, and 7 does not become 7.0.

        Args:
            without: keys to leave out.
        """
        given = self.model_fields_set.difference(without)
        return {name: _plain(getattr(self, name)) for name in type(self).model_fields if name in given}


def _plain(value: Any) -> Any:
    if isinstance(value, Settings):
        return value.plain()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


class DatasetImages(Settings):
    """What the images of a target dataset depend on, but not their scores."""

    layout: str
    folder: str
    table: str | None = None
    images: str | None = None
    listing: str | None = None  # layout `table`: digest of the columns of images, contents and parts
    files: str | None = None  # digest of the image files, which changes with their contents


class CorpusShards(Settings):
    """The shards of a corpus."""

    groups: tuple[str, ...]  # distortion types, or only `authentic`
    shards: Mapping[str, Whole]  # number of shards by source
