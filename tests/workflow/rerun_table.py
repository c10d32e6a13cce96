"""For every key of the configuration: what runs again when it changes.

`CASES` names the rules whose own parameters or inputs the key is part of; every job behind those follows,
and nothing else runs. The page is made anew with each key but one, since it prints the configuration.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DATA = ("distort", "score", "pack_shard")
TRAININGS = ("pretrain", "pretrain_authentic")
FROZEN = ("features", "features_on_split")
NEW = "what is new, and what collects it"
PICTURES = "its splits and packs follow, and the shards that have other images"
SCORES = "no split, pack or catalogue follows"

UNDISTORTED = "distortions.synthetic.undistorted"
"""It has one level or none, so that a change is a class more or less."""

SYNTHETIC: dict[str, list[Any]] = {
    "gaussian_blur": [7, 41],
    "white_noise": [-5.5, -1],
    "jpeg": [12, 1],
    "jpeg2000": [0.46, 0.04],
    "contrast": [[0.2, 0.8], [0.45, 0.55]],
    "pink_noise": [0.3, 4],
    "color_dither": [64, 8],
    "overexposure": [0.15, 0.2],
    "underexposure": [0.15, 0.2],
}
"""Other levels of each type, as many as the project of the tests has."""

AUTHENTIC: dict[str, list[float]] = {
    "defocus": [1.0, 2.0, 5.0],
    "motion_blur": [7, 15, 33],
    "chromatic_aberration": [1.0, 2.5, 6.0],
    "overexposure": [0.15, 0.2],
    "underexposure": [0.15, 0.2],
    "contrast": [0.7, 0.45, 0.2],
    "jpeg": [30, 12, 4],
}

KADID25: dict[str, list[float]] = {
    "gaussian_blur": [0.5, 1, 2, 3, 6],
    "lens_blur": [1, 2, 4, 6, 9],
    "motion_blur": [2, 4, 6, 8, 11],
    "color_diffusion": [1, 3, 6, 8, 13],
    "color_shift": [1, 3, 6, 8, 13],
    "color_quantization": [64, 48, 32, 16, 7],
    "saturation_hsv": [0.4, 0.2, 0.1, 0, -0.5],
    "saturation_lab": [1.5, 2, 3, 6, 8],
    "jpeg2000": [16, 32, 45, 120, 300],
    "jpeg": [43, 36, 24, 7, 5],
    "white_noise": [0.001, 0.002, 0.003, 0.005, 0.02],
    "white_noise_ycbcr": [0.0001, 0.0005, 0.001, 0.002, 0.004],
    "impulse_noise": [0.001, 0.005, 0.01, 0.02, 0.04],
    "multiplicative_noise": [0.001, 0.005, 0.01, 0.02, 0.06],
    "denoise": [0.01, 0.03, 0.05, 0.1, 0.2],
    "brighten": [0.1, 0.2, 0.4, 0.7, 1.2],
    "darken": [0.05, 0.1, 0.2, 0.4, 0.9],
    "mean_shift": [0.04, 0.08, 0.15, 0.22, 0.4],
    "jitter": [0.05, 0.1, 0.2, 0.5, 2],
    "patches": [20, 40, 60, 80, 101],
    "pixelate": [0.01, 0.05, 0.1, 0.2, 0.6],
    "quantization": [20, 16, 13, 10, 6],
    "color_block": [2, 4, 6, 8, 11],
    "sharpen": [1, 2, 3, 6, 13],
    "contrast": [0, 0.15, 0.3, 0.45, 0.7],
}


@dataclass(frozen=True)
class Case:
    """A changed value of the wide project's configuration (wide_project.py).

    Attributes:
        path: the key, with names of the project where the schema has a `*`.
        value: its new value.
        first: the rules that run because of the key itself, or also because of it.
        only: a part of the path of all that these rules write.
        note: what else there is to know, for the table that people read.
    """

    path: str
    value: Any
    first: tuple[str, ...]
    only: str = ""
    note: str = ""

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
    yield from _sources()
    yield from _distortions()
    yield Case("metrics.engine", "piq", ("score", "score_dataset"))
    yield Case("metrics.scale", "auto", ("score", "score_dataset"))
    yield Case("pmos.fusion", "mean", ("fuse",))
    for metric in ("ssim", "ms_ssim", "mdsi", "vsi", "fsim", "gmsd"):
        yield Case(f"pmos.weights.{metric}", 0.5, ("fuse", "validate"))
    yield Case("pmos.knots", 11, ("fuse",))
    yield Case("pmos.logistic.dataset", "stand_in", ("validate",), note="with `fusion: logistic` fuse too")
    yield Case("pmos.logistic.allow_evaluated", True, ())
    yield from _recipes()
    yield from _pretraining()
    yield from _datasets()
    yield from _finetuning()
    yield from _evaluation()
    yield Case("report.title", "another", ())


def _sources() -> Iterator[Case]:
    collections = "sources.collections"
    photos, archive = f"{collections}.photos", f"{collections}.archived.archive"
    shards = "where it is another number of shards; the images' bytes stay the same"
    yield Case("sources.shard_size", 1, ("catalogue_shard", "catalogue", *DATA), note=shards)
    yield Case("sources.smallest_side", 162, ("catalogue_shard",))
    yield Case("sources.leakage.guard", False, ("fuse", "split", "predict"))
    yield Case("sources.leakage.correlation", 0.8, ("screen", "contents", "split_across"))
    yield Case(f"{photos}.folder", "./photos", ("catalogue_shard",), "photos")
    yield Case(
        f"{photos}.images", 5, ("catalogue",), "photos", "all its shards, where it is another number of them"
    )
    yield Case(f"{photos}.obtain", "ask the photographer", ())
    yield Case(f"{collections}.again.dataset", "second", ("catalogue_shard",), "again")
    for key, value in (
        ("url", "https://localhost/others.tar"),
        ("md5", "1" * 32),
        ("sha256", "1" * 64),
        ("size", 1001),
        ("pictures", "others"),
    ):
        yield Case(f"{archive}.{key}", value, ("fetch_source",), "archived")
    for key, other in (("photographs", ["skimage/data/coffee.png"]), ("tile", 162), ("stride", 200)):
        yield Case(f"{collections}.tiles.packaged.{key}", other, ("fetch_source",), "tiles")


def _distortions() -> Iterator[Case]:
    corpora = "distortions.corpora"
    yield Case("distortions.seed", 1, ("distort",))
    yield Case("distortions.png_compression", 2, ("distort",), note="not of `jpeg` and `jpeg2000`")
    yield Case("distortions.keep", False, ())
    yield Case(f"{corpora}.kadid25.kind", "synthetic", DATA, "kadid25", NEW)
    collects = ("fuse", "index_packs")
    screens = ("screen", "leaks")
    yield Case(f"{corpora}.synthetic.sources", ["photos", "tiles"], (*DATA, *screens, *collects), "", NEW)
    yield Case(f"{corpora}.authentic.total", 30, ("distort",), "authentic")
    yield Case(UNDISTORTED, [], (*collects, *TRAININGS), "", "and where the class is new, its images")
    for kind, types in (("synthetic", SYNTHETIC), ("kadid25", KADID25)):
        for name, levels in types.items():
            yield Case(f"distortions.{kind}.{name}", levels, ("distort",), f"{kind}/{name}/")
    for name, levels in AUTHENTIC.items():
        yield Case(f"distortions.authentic.types.{name}", levels, ("distort",), "/authentic/")
    yield Case("distortions.authentic.types_per_image", [2, 3], ("distort",), "/authentic/")


def _recipes() -> Iterator[Case]:
    """What pretraining and fine-tuning both have."""
    for key, value, note in (
        ("crop", 65, ""),
        ("flip", False, ""),
        ("epochs", 2, ""),
        ("batch_size", 4, ""),
        ("schedule", "constant", ""),
        ("warm_up", 5, "with `schedule: cosine`"),
        ("frozen_stages", "all", ""),
        ("frozen_statistics", True, ""),
    ):
        yield Case(f"pretraining.{key}", value, TRAININGS, note=note)
        seen = ("finetune", *FROZEN) if key == "crop" else ("finetune",)
        yield Case(f"finetuning.{key}", value, seen, note=note)


def _pretraining() -> Iterator[Case]:
    both = "pretraining.unified.both"
    yield Case("pretraining.seed", 1, TRAININGS)
    yield Case("pretraining.backbones.efficientnet_lite0", "none", ("fetch_weights",))
    yield Case("pretraining.resize", 100, ("pack_shard",))
    for weight in ("classification", "score"):
        yield Case(f"pretraining.loss_weights.{weight}", 2.0, TRAININGS, "/multitask/", "of `multitask`")
    yield Case("pretraining.rank_margin", 0.2, ("pretrain",), "/rank/", "of `rank`")
    yield Case("pretraining.head_width", 512, TRAININGS)
    yield Case("pretraining.standardise", True, TRAININGS)
    yield Case("pretraining.multi_level", True, (*TRAININGS, "finetune", *FROZEN))
    for rate in ("backbone", "classification", "score"):
        note = "not of `cls`" if rate == "score" else ""
        yield Case(f"pretraining.learning_rates.synthetic.{rate}", 0.002, ("pretrain",), "", note)
        for kind, only in (("authentic", "pretraining/authentic/"), ("unified", "pretraining/both/")):
            path = f"pretraining.learning_rates.{kind}.{rate}"
            yield Case(path, 0.002, ("pretrain_authentic",), only, note)
    yield Case(f"{both}.synthetic", "kadid25", ("fuse", "pretrain_authentic"), "both", NEW)
    yield Case(f"{both}.share", 0.3, ("pretrain_authentic",), "both")
    yield Case(f"{both}.undistorted", 0.3, ("pretrain_authentic",), "both")
    yield Case(
        f"{both}.authentic", "others", ("pack_shard", "index_packs", "fuse", "pretrain_authentic"), "", NEW
    )


def _datasets() -> Iterator[Case]:
    datasets = "finetuning.datasets"
    yield Case(f"{datasets}.official.layout", "tid2013", ("dataset",), "official", PICTURES)
    yield Case(f"{datasets}.rated.folder", "./rated", ("dataset",), "rated", PICTURES)
    networks = ("finetune", "predict", "correlate")
    yield Case(f"{datasets}.second.corpus", "kadid25", ("pretrain", "features", "probe", *networks), "", NEW)
    remade = ("label_proxy", "screen", "leaks", "score", "fuse", "diagnose")
    yield Case(f"{datasets}.stand_in.pictures", "others", remade, "", NEW)
    yield Case(f"{datasets}.second.table", "third.csv", ("dataset",), "second", PICTURES)
    yield Case(f"{datasets}.second.images", "./pictures", ("dataset",), "second", PICTURES)
    yield Case(f"{datasets}.second.range", [0, 11], ("dataset",), "second", SCORES)
    yield Case(f"{datasets}.second.higher_is_better", False, ("dataset",), "second", SCORES)
    added = ("split", "pretrain_authentic", "features_on_split", "probe", *networks, "compare")
    yield Case(f"{datasets}.rated.splits", [1, 2], added, "", NEW)


def _finetuning() -> Iterator[Case]:
    added = ("split", "finetune", "predict", "probe", "compare", "correlate")
    yield Case("finetuning.seeds", [0, 1], ("finetune", "predict", "correlate"), "", NEW)
    yield Case("finetuning.splits.seeds", [1, 2], added, "", NEW)
    yield Case("finetuning.splits.train", 0.6, ("split",), "/1/", "of the random splits")
    yield Case("finetuning.splits.validation", 0.3, ("split",))
    yield Case("finetuning.patches", 3, ("finetune",))
    yield Case("finetuning.dropout", 0.4, ("finetune",))
    yield Case("finetuning.head_first.epochs", 3, ("finetune",))
    for key in ("learning_rate", "weight_decay"):
        yield Case(f"finetuning.head_first.{key}", 0.02, (), note="with `head_first.epochs`, `finetune`")
    yield Case("finetuning.rehearsal.corpus", "kadid25", ("finetune",))
    yield Case("finetuning.rehearsal.pairs", 3, ("finetune",), note="with a corpus")
    for rate in ("backbone", "head"):
        yield Case(f"finetuning.learning_rates.{rate}", 0.002, ("finetune",))
    note = "with `head_first.epochs`, `finetune` where a pretrained head rehearses its classes"
    yield Case("finetuning.learning_rates.classification", 0.002, (), note=note)


def _evaluation() -> Iterator[Case]:
    table2 = "evaluation.experiments.table2"
    yield Case("evaluation.crops", 4, ("predict",))
    yield Case("evaluation.feature_crops", 2, FROZEN)
    yield Case("evaluation.sanity", "fresh", ("fuse", "sanity", "table"), "", "what is new, and the tables")
    yield Case(f"{table2}.datasets", ["rated"], ("correlate",), "table2")
    networks = ("fetch_weights", *TRAININGS, "finetune", "predict", "correlate")
    yield Case(f"{table2}.backbones", ["resnet18"], networks, "", NEW)
    yield Case(f"{table2}.initialisations", ["imagenet"], ("correlate",), "table2")
    yield Case("evaluation.experiments.frozen.adaptations", ["probe"], ("correlate",), "frozen")
    budgets = ("split", "probe", "correlate")
    yield Case("evaluation.experiments.frozen.ratings", [10, "all"], budgets, "", NEW)
    yield Case("evaluation.experiments.table3.across", False, ("correlate",), "table3", NEW)
    yield Case("evaluation.comparisons.niqe", "rated/third.csv", ("compare",), "niqe")
    yield Case(f"{table2}.comparisons", ["mdsi"], ("correlate",), "table2")


def pattern_of(path: str, keys: Iterable[str]) -> str:
    """The key of the schema that a path of a configuration is an instance of."""
    words = path.split(".")
    for key in keys:
        parts = key.split(".")
        if len(parts) == len(words) and all(a in ("*", b) for a, b in zip(parts, words, strict=True)):
            return key
    raise AssertionError(f"{path} is no key of the schema")


def rendered(keys: Iterable[str]) -> str:
    """The table for people: a line for each key of the schema, and one for all types of a kind."""
    keys, rows = list(keys), {}
    for path, case in CASES.items():
        key = pattern_of(path, keys)
        family = next((kind for kind in FAMILIES if key.startswith(f"{kind}.") and key != UNDISTORTED), None)
        rules = ", ".join(f"`{rule}`" for rule in case.first) or "nothing"
        if family and FAMILIES[family] == "TYPE":
            rules += " of this type" if "authentic" not in family else " of the mixtures"
        rows[f"{family}.{FAMILIES[family]}" if family else key] = rules + (
            f"; {case.note}" if case.note else ""
        )
    lines = [f"| `{key}` | {told} |" for key, told in rows.items()]
    return "\n".join(["| key | runs again |", "|---|---|", *lines]) + "\n"


FAMILIES = {
    "distortions.synthetic": "TYPE",
    "distortions.authentic.types": "TYPE",
    "distortions.kadid25": "TYPE",
    "pmos.weights": "METRIC",
}
"""Mappings of like keys, and what stands for their names."""

CASES = {case.path: case for case in _cases()}
"""Which jobs run again when a key of the configuration changes, and that no other does."""
