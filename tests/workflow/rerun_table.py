"""For keys of the configuration: what runs again when one changes.

`FIRST` names the rules whose own parameters or inputs the key is part of; every job behind those follows,
and nothing else runs. The page is made anew with each key, since it prints the configuration.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DATA = ("distort", "score", "pack_shard")
TRAININGS = ("pretrain", "pretrain_authentic")


@dataclass(frozen=True)
class Case:
    """A changed value of the small project's configuration.

    Attributes:
        path: the key, with names of the project where the schema has a `*`.
        value: its new value.
        first: the rules that run because of the key itself.
        only: a part of the path of all that these rules write.
    """

    path: str
    value: Any
    first: tuple[str, ...]
    only: str = ""

    @property
    def change(self) -> dict[str, Any]:
        """The configuration that makes the change."""
        nested: Any = self.value
        for name in reversed(self.path.split(".")):
            nested = {name: nested}
        return dict(nested)


def leaves(schema: Mapping[str, Any]) -> Iterator[str]:
    """The keys of a JSON schema that hold values, joined by dots; `*` stands for any name."""
    yield from _leaves(schema, schema, ())


def _leaves(schema: Mapping[str, Any], node: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    named, others = node.get("properties", {}), node.get("additionalProperties")
    below = [*named.items(), *([("*", others)] if isinstance(others, Mapping) else [])]
    if not below:
        yield ".".join(path)
    for name, inner in below:
        yield from _leaves(schema, inner, (*path, name))


def _cases() -> Iterator[Case]:
    photos, rated = "sources.collections.photos", "finetuning.datasets.rated"
    yield Case("sources.shard_size", 2, ("catalogue", *DATA))
    yield Case("sources.smallest_side", 162, ("catalogue",))
    yield Case(f"{photos}.folder", "./photos", ("catalogue",), "photos")
    yield Case(f"{photos}.images", 5, ("catalogue",), "photos")
    yield Case(f"{photos}.obtain", "ask the photographer", ())
    for key, value in (("photographs", ["skimage/data/coffee.png"]), ("tile", 162), ("stride", 200)):
        yield Case(f"sources.collections.tiles.packaged.{key}", value, ("fetch_source",), "tiles")

    yield Case("distortions.seed", 1, ("distort",))
    yield Case("distortions.png_compression", 2, ("distort",))
    yield Case("distortions.synthetic.gaussian_blur", [7, 41], ("distort",), "synthetic/gaussian_blur")
    yield Case("distortions.synthetic.white_noise", [-5.5, -1], ("distort",), "synthetic/white_noise")
    yield Case("distortions.synthetic.jpeg", [12, 1], ("distort",), "synthetic/jpeg")

    yield Case("metrics.engine", "piq", ("score", "score_dataset"))
    yield Case("pmos.fusion", "mean", ("fuse",))
    yield Case("pmos.knots", 11, ("fuse",))
    yield Case("pmos.logistic.allow_evaluated", True, ())
    yield Case("sources.leakage.correlation", 0.8, ("screen",))
    yield Case("distortions.kadid25.jpeg", [43], ())

    yield Case("pretraining.backbones.efficientnet_lite0", "none", ("fetch_weights",))
    yield Case("pretraining.resize", 100, ("pack_shard",))
    for key, value in (
        ("seed", 1),
        ("crop", 65),
        ("flip", False),
        ("epochs", 2),
        ("batch_size", 4),
        ("optimiser", "adamw"),
        ("weight_decay", 0.1),
        ("schedule", "cosine"),
        ("warm_up", 5),
        ("gradient_clip", 1.0),
        ("weight_average", 0.9),
    ):
        yield Case(f"pretraining.{key}", value, TRAININGS)
        yield Case(f"finetuning.{key}", value, ("finetune",))
    yield Case("pretraining.loss_weights.score", 2.0, TRAININGS)
    yield Case("pretraining.agreement_scale", 0.1, TRAININGS)
    yield Case("pretraining.rank_margin", 0.2, ())
    yield Case("pretraining.multi_level", True, (*TRAININGS, "finetune"))
    for rate in ("backbone", "classification", "score"):
        yield Case(f"pretraining.learning_rates.synthetic.{rate}", 0.002, ("pretrain",))
        yield Case(f"pretraining.learning_rates.authentic.{rate}", 0.002, ("pretrain_authentic",))

    yield Case(f"{rated}.range", [0, 11], ("dataset",), "rated")
    yield Case(f"{rated}.higher_is_better", False, ("dataset",), "rated")
    yield Case("finetuning.splits.train", 0.6, ("split",), "/1/")
    yield Case("finetuning.splits.validation", 0.3, ("split",))
    yield Case("finetuning.patches", 3, ("finetune",))
    yield Case("finetuning.dropout", 0.4, ("finetune",))
    for rate in ("backbone", "head"):
        yield Case(f"finetuning.learning_rates.{rate}", 0.002, ("finetune",))

    yield Case("evaluation.crops", 4, ("predict",))
    within = "evaluation.experiments.within"
    yield Case(f"{within}.datasets", ["rated"], ("correlate",), "within")
    yield Case(f"{within}.initialisations", ["imagenet"], ("correlate",), "within")
    yield Case("report.title", "another", ())


FIRST = {case.path: case for case in _cases()}
