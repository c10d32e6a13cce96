"""The settings of the jobs of the stage `distortions`."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from mosforge.core.settings import Count, Level, NotNegative, Settings

PngCompression = Annotated[int, Field(strict=True, ge=0, le=9)]


class DistortSettings(Settings):
    """What the shards of one group of a corpus depend on: the one or the other form below, as `kind` says.

    Attributes:
        kind: of the corpus.
        seed: of every random draw.
        png_compression: zlib level of the PNG files; left out where the type stores a codec's bitstream.
    """

    kind: Literal["synthetic", "authentic", "kadid25"]
    seed: NotNegative
    png_compression: PngCompression = 0

    @model_validator(mode="wrap")
    @classmethod
    def _in_its_form(cls, values: Any, check: Callable[[Any], "DistortSettings"]) -> "DistortSettings":
        forms: dict[str, type[DistortSettings]]
        forms = {"synthetic": SyntheticSettings, "authentic": AuthenticSettings, "kadid25": SyntheticSettings}
        kind = values.get("kind") if cls is DistortSettings and isinstance(values, Mapping) else None
        form = forms.get(str(kind))
        return form.model_validate(values) if form else check(values)


class SyntheticSettings(DistortSettings):
    """One distortion type at all its levels.

    Attributes:
        kind: whose type it is.
        type: name of the distortion type.
        levels: its parameter at each level, weakest first.
        first_class: class index of the first level; those of the other levels follow.
    """

    kind: Literal["synthetic", "kadid25"]
    type: str
    levels: tuple[Level, ...]
    first_class: NotNegative


class AuthenticSettings(DistortSettings):
    """Mixtures of several distortion types.

    Attributes:
        kind: `authentic`.
        types: the parameters of each distortion type at its levels, weakest first.
        types_per_image: fewest and most types in one image.
        per_image: distorted images of each pristine image.
    """

    kind: Literal["authentic"]
    types: Mapping[str, tuple[Level, ...]]
    types_per_image: tuple[Count, Count]
    per_image: Count
