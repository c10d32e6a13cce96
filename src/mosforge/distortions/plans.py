"""What a job makes of a photograph: the checked form of a rule's `cfg`, and the pictures it asks for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from mosforge.core.errors import MosforgeError
from mosforge.core.seeds import generator, seed_of
from mosforge.distortions import authentic, kadid25, synthetic
from mosforge.distortions.classes import authentic_classes, labels
from mosforge.distortions.distortion import Distortion, Level
from mosforge.distortions.mixtures import allowed_sets, draw_mixtures

TYPES: Mapping[str, Mapping[str, Distortion]] = {
    "synthetic": synthetic.TYPES,
    "authentic": authentic.TYPES,
    "kadid25": kadid25.TYPES,
}
"""Kind of corpus to its table of types."""


@dataclass(frozen=True)
class Variant:
    """One distorted picture of a photograph.

    Attributes:
        name: what tells it from the photograph's other variants, for its file name.
        steps: (type, parameter), applied one after the other.
        seed: of its random draws.
        level, class_index, labels: the columns of the manifest.
    """

    name: str
    steps: tuple[tuple[str, Level], ...]
    seed: int
    level: int | None = None
    class_index: int | None = None
    labels: list[int] | None = None


@dataclass(frozen=True)
class SyntheticPlan:
    """One type at all its levels; `kind` says whose type it is, synthetic or kadid25."""

    kind: str
    type: str
    levels: tuple[Level, ...]
    first_class: int
    seed: int
    png_compression: int = 0  # of no meaning to a codec's bitstream

    @property
    def group(self) -> str:
        """The manifest's column: the type."""
        return self.type

    def variants(self, source: str, image_id: str) -> Iterator[Variant]:
        """The pictures of one photograph, weakest first."""
        for level, parameter in enumerate(self.levels, start=1):
            yield Variant(
                name=str(level),
                steps=((self.type, parameter),),
                seed=seed_of("distortion", self.seed, source, image_id, self.type, level),
                level=level,
                class_index=self.first_class + level - 1,
            )


@dataclass(frozen=True)
class AuthenticPlan:
    """Mixtures of several types."""

    types: Mapping[str, tuple[Level, ...]]
    types_per_image: tuple[int, int]
    per_image: int
    seed: int
    png_compression: int
    kind: ClassVar[str] = "authentic"
    group: ClassVar[str] = "authentic"

    def variants(self, source: str, image_id: str) -> Iterator[Variant]:
        """The pictures of one photograph; more of them begin with those of fewer."""
        counts = {name: len(levels) for name, levels in self.types.items()}
        rng = generator("mixtures", self.seed, source, image_id)
        classes = authentic_classes(self.types)
        for number, mixture in enumerate(draw_mixtures(counts, self.types_per_image, self.per_image, rng)):
            yield Variant(
                name=f"{number:03d}",
                steps=tuple((name, self.types[name][level - 1]) for name, level in mixture),
                seed=seed_of("distortion", self.seed, source, image_id, "authentic", number),
                labels=labels(mixture, classes),
            )


Plan = SyntheticPlan | AuthenticPlan


def is_bitstream(kind: str, name: str) -> bool:
    """Whether pictures of a type are stored as the bitstream of its codec, and not as PNG."""
    distortion = TYPES[kind].get(name)
    return distortion is not None and distortion.encode is not None


_SHARED = {"seed", "png_compression"}
_ONE_TYPE = _SHARED | {"type", "levels", "first_class"}
_KEYS = {
    "synthetic": _ONE_TYPE,
    "authentic": _SHARED | {"types", "types_per_image", "per_image"},
    "kadid25": _ONE_TYPE,
}


def plan_of(cfg: Any) -> Plan:
    """The plan that a rule's `cfg` describes.

    Raises:
        MosforgeError: a key is missing, unknown or holds another kind of value.
    """
    kind = cfg.get("kind") if isinstance(cfg, dict) else None
    if kind not in _KEYS:
        raise MosforgeError(f"--cfg: kind is {kind!r}; give a JSON object with a kind: {', '.join(_KEYS)}")
    keys = _KEYS[kind] - ({"png_compression"} if is_bitstream(kind, str(cfg.get("type"))) else set())
    wrong = (keys | {"kind"}) ^ set(cfg)
    if wrong:
        raise MosforgeError(
            f"--cfg: missing or unknown keys {sorted(wrong)}; kind {kind} takes {sorted(keys)}"
        )
    shared = {"seed": _whole(cfg, "seed", -(2**63), 2**63)}
    if "png_compression" in keys:
        shared["png_compression"] = _whole(cfg, "png_compression", 0, 9)
    if kind != "authentic":
        levels = levels_of(kind, {cfg["type"]: cfg["levels"]})[cfg["type"]]
        first_class = _whole(cfg, "first_class", 0, 10_000)
        return SyntheticPlan(kind, type=cfg["type"], levels=levels, first_class=first_class, **shared)
    types = levels_of("authentic", cfg["types"])
    types_per_image = _range(cfg["types_per_image"])
    allowed_sets({name: len(levels) for name, levels in types.items()}, types_per_image)
    per_image = _whole(cfg, "per_image", 1, 100_000)
    return AuthenticPlan(types=types, types_per_image=types_per_image, per_image=per_image, **shared)


def levels_of(kind: str, levels: Any) -> dict[str, tuple[Level, ...]]:
    """Checks the levels of each type of a kind of corpus, as a configuration or a `cfg` holds them.

    Raises:
        MosforgeError: not a mapping, an unknown type, or a level that is neither a number nor a pair.
    """
    if not isinstance(levels, Mapping):
        raise MosforgeError(f"distortions: the {kind} types are {levels!r}; give a mapping of type to levels")
    return {check_type(kind, name): _levels(name, values) for name, values in levels.items()}


def in_order(kind: str, levels: Mapping[str, Any]) -> dict[str, Any]:
    """The levels of the types in the order of their table, whatever that of the configuration.

    Snakemake puts the keys of a further configuration file first: an order of their own would number the
    classes anew wherever one type is changed.
    """
    return {name: levels[name] for name in TYPES[kind] if name in levels}


def check_type(kind: str, name: str) -> str:
    """The name of a type that a kind of corpus has."""
    if name not in TYPES[kind]:
        raise MosforgeError(f"no {kind} distortion type {name!r}; there are {', '.join(TYPES[kind])}")
    return name


def _levels(name: str, values: Any) -> tuple[Level, ...]:
    if not isinstance(values, list | tuple):
        raise MosforgeError(f"distortions: the levels of {name} are {values!r}; give a list")
    return tuple(_level(name, value) for value in values)


def _level(name: str, value: Any) -> Level:
    numbers = list(value) if isinstance(value, list | tuple) else [value]
    are_numbers = all(isinstance(item, int | float) and not isinstance(item, bool) for item in numbers)
    if not are_numbers or (isinstance(value, list | tuple) and len(value) != 2):
        raise MosforgeError(f"distortions: {value!r} is no level of {name}; give a number or [low, high]")
    return (numbers[0], numbers[1]) if isinstance(value, list | tuple) else numbers[0]


def _whole(cfg: Mapping[str, Any], key: str, low: int, high: int) -> int:
    value = cfg[key]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise MosforgeError(f"--cfg: {key} is {value!r}; give a whole number from {low} to {high}")
    return value


def _range(value: Any) -> tuple[int, int]:
    match value:
        case [int(fewest), int(most)] if 1 <= fewest <= most:
            return fewest, most
    raise MosforgeError(f"--cfg: types_per_image is {value!r}; give [fewest, most], from 1")
