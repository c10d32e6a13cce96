"""The settings of the jobs of `distortions`; the keys of the configuration keep their names and meanings."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from pydantic import model_validator

from mosforge.core.settings import Settings
from mosforge.core.values import CorpusKind, Count, Level, PngCompression, Whole, wrong


class DistortSettings(Settings):
    """What the shards of one group of a corpus depend on: the one or the other form below, as `kind` says."""

    kind: CorpusKind
    seed: Whole
    png_compression: PngCompression = 0

    @model_validator(mode="wrap")
    @classmethod
    def _in_its_form(cls, values: Any, check: Callable[[Any], "DistortSettings"]) -> "DistortSettings":
        if cls is not DistortSettings:
            return check(values)
        kind = values.get("kind") if isinstance(values, Mapping) else None
        if kind not in get_args(CorpusKind):
            raise wrong(f"a mapping with the key kind: {', '.join(get_args(CorpusKind))}")
        return (AuthenticSettings if kind == "authentic" else SyntheticSettings).model_validate(values)


class SyntheticSettings(DistortSettings):
    """One distortion type at all its levels."""

    kind: Literal["synthetic", "kadid25"]
    type: str  # name of the distortion type
    levels: tuple[Level, ...]  # its parameter at each level, weakest first
    first_class: Whole  # class index of the first level; those of the other levels follow


class AuthenticSettings(DistortSettings):
    """Mixtures of several distortion types."""

    kind: Literal["authentic"]
    types: Mapping[str, tuple[Level, ...]]
    types_per_image: tuple[Count, Count]
    per_image: Count  # distorted images of each pristine image
