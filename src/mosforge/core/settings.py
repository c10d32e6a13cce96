"""The settings of a job, as types: what its outputs depend on besides its inputs and its code."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, WrapValidator


class Settings(BaseModel):
    """Base of the settings of all jobs: unknown keys are refused, and nothing can be changed afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def plain(self) -> dict[str, Any]:
        """The JSON values that were given: what was left out stays out, and 7 does not become 7.0."""
        return {name: _plain(getattr(self, name)) for name in type(self).model_fields if self._is_set(name)}

    def _is_set(self, name: str) -> bool:
        return name in self.model_fields_set


def _plain(value: Any) -> Any:
    if isinstance(value, Settings):
        return value.plain()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _as_given(value: Any, check: Callable[[Any], float]) -> Any:
    """Checks a number, and keeps it as it was given: pydantic would make 7.0 of 7."""
    check(value)
    return value


_AS_GIVEN = WrapValidator(_as_given)

Flag = StrictBool
NotNegative = Annotated[int, Field(strict=True, ge=0)]
Count = Annotated[int, Field(strict=True, ge=1)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False), _AS_GIVEN]
Amount = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0), _AS_GIVEN]
"""A number from 0."""
Positive = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0), _AS_GIVEN]
Fraction = Annotated[float, Field(strict=True, gt=0, lt=1), _AS_GIVEN]
"""A number between 0 and 1, and neither of them."""
Decay = Annotated[float, Field(strict=True, ge=0, lt=1), _AS_GIVEN]
"""A number from 0 to below 1."""

Level = Number | tuple[Number, Number]
"""The parameter of a distortion at a level: a number, or the two ends of a range."""


class DatasetImages(Settings):
    """What the images of a target dataset depend on, but not their scores.

    Attributes:
        layout: an official layout, or `table`.
        folder: where the dataset lies.
        table: layout `table`: the CSV, below the folder.
        images: layout `table`: folder of the images, below the folder.
        listing: layout `table`: digest of all columns but the scores.
    """

    layout: str
    folder: str
    table: str | None = None
    images: str | None = None
    listing: str | None = None


class CorpusShards(Settings):
    """The shards of a corpus.

    Attributes:
        groups: distortion types, or only `authentic`.
        shards: number of shards by source.
    """

    groups: tuple[str, ...]
    shards: Mapping[str, NotNegative]
