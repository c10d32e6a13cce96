"""Values that settings and the configuration hold, each with the words that say what is allowed.

What pydantic finds wrong becomes one sentence here.
"""

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

CHANGES_NO_RESULT = "a value is refused, or given back as it came"


@dataclass(frozen=True)
class Allowed:
    """What a value must be, in words, which take the place of pydantic's own error."""

    words: str  # the end of the sentence "VALUE is not ..."

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(self._check, handler(source))

    def _check(self, value: Any, inner: Callable[[Any], Any]) -> Any:
        try:
            checked = inner(value)
        except ValidationError:
            raise wrong(self.words) from None
        return value if isinstance(checked, float) else checked  # pydantic would make 7.0 of 7


def wrong(words: str) -> PydanticCustomError:
    """The error that a value is not what the words say."""
    return PydanticCustomError("not_allowed", "{words}", {"words": words})


def different(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuses a list with an entry that stands twice, also once as a number and once as text."""
    if len(set(map(str, values))) < len(values):
        raise wrong("a list in which nothing stands twice")
    return values


Flag = Annotated[bool, Field(strict=True), Allowed("true or false")]
Text = Annotated[str, Allowed("a text")]
Whole = Annotated[int, Field(strict=True, ge=0), Allowed("a whole number from 0")]
Count = Annotated[int, Field(strict=True, ge=1), Allowed("a whole number from 1")]
FrozenStages = Annotated[Literal["all"] | Whole, Allowed("a whole number from 0, or all")]
"""How many of a backbone's first stages are not trained."""
Number = Annotated[float, Field(strict=True, allow_inf_nan=False), Allowed("a number")]
Amount = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0), Allowed("a number from 0")]
Positive = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0), Allowed("a positive number")]
Share = Annotated[float, Field(strict=True, ge=0, le=1), Allowed("a number from 0 to 1")]
Part = Annotated[float, Field(strict=True, gt=0, le=1), Allowed("a positive number up to 1")]
BelowOne = Annotated[float, Field(strict=True, ge=0, lt=1), Allowed("a number from 0 to below 1")]
Fraction = Annotated[
    float,
    Field(strict=True, gt=0, lt=1),
    Allowed("a positive number below 1 (in YAML, 1e-4 is written 1.0e-4)"),
]
Level = Annotated[Number | tuple[Number, Number], Allowed("a number, or the two ends of a range")]
"""The parameter of a distortion at a level."""
GRID = "grid"
GRID_CROPS = 6
TestCrops = Annotated[Literal["grid"] | Count, Allowed("grid, or a whole number from 1")]
"""The crops of an image that a network scores: so many random ones, or those of `crops.grid_view`."""
PngCompression = Annotated[int, Field(strict=True, ge=0, le=9), Allowed("a whole number from 0 to 9")]


def is_whole(value: object) -> bool:
    """Whether a value is a whole number, Python's or numpy's, and not true or false."""
    return isinstance(value, Integral) and not isinstance(value, bool)


LARGEST_SCALE = 8
"""The largest viewing scale: at 161 pixels, the smallest side, 20 are left, and SSIM's window has 11."""

Scale = Annotated[
    Literal["auto"] | Annotated[int, Field(strict=True, ge=1, le=LARGEST_SCALE)],
    Allowed(f"auto, or a whole number from 1 to {LARGEST_SCALE}"),
]
"""By which factor the metrics shrink images before they compare them."""

CorpusKind = Literal["synthetic", "authentic", "kadid25"]
Engine = Literal["fused", "piq"]
Fusion = Literal["quantile", "mean", "logistic", "calibrated"]
Objective = Literal["cls", "reg", "multitask", "rank"]
Schedule = Literal["constant", "cosine"]


def check_keys(values: Any, known: Collection[str]) -> None:
    """Refuses a mapping with a key that is not known, and says which known one may have been meant."""
    if isinstance(values, Mapping):
        for key in values:
            if key not in known:
                about = {"key": str(key), "suggestion": suggestion(str(key), known)}
                raise PydanticCustomError("unknown_key", "unknown key '{key}'{suggestion}", about)


def suggestion(word: str, known: Collection[str]) -> str:
    """The end of a sentence about an unknown word: what may have been meant, or all that there is."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known here: {', '.join(known)}"


def explain(error: ValidationError) -> str:
    """The first thing that is wrong, in one sentence that names the key; a misspelt key comes first."""
    found = error.errors()
    first = next((one for one in found if one["type"] == "unknown_key"), found[0])
    return _sentence(first, list(map(str, first["loc"])))


_WORDS = {
    "tuple_type": "a list",
    "model_type": "a mapping of keys to values",
    "mapping_type": "a mapping of keys to values",
    "dict_type": "a mapping of keys to values",
    "literal_error": "{expected}",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
}


def _sentence(error: ErrorDetails, path: list[str]) -> str:
    if path[-1:] == ["[key]"]:  # it is about the key itself, which stands before
        path = path[:-2]
    key, values = ".".join(path), error.get("ctx", {})
    match error["type"]:
        case "unknown_key":
            return f"{'.'.join([*path, values['key']])}: unknown key{values['suggestion']}"
        case "missing":
            return f"{'.'.join(path[:-1]) or 'the top level'}: the key {path[-1]!r} is missing"
        case "not_allowed":
            words = values["words"]
        case kind if kind in _WORDS:
            words = _WORDS[kind].format(**values)
        case _:
            return f"{key}: {error['msg']}" if key else error["msg"]
    sentence = f"{error['input']!r} is not {words}"
    return f"{key}: {sentence}" if key else sentence
