"""Pretraining and fine-tuning: the weights that each starts from, and what each depends on."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from mosforge.configuration import Config
from mosforge.core import layout
from mosforge.models.objectives import corpus_and_objective, rates_of
from mosforge.models.origins import ORIGINS, WORDS
from mosforge.plan.corpora import Corpora
from mosforge.plan.datasets import Datasets

RECIPE = (
    *("seed", "crop", "flip", "epochs", "batch_size", "optimiser", "weight_decay", "schedule"),
    *("gradient_clip", "weight_average"),
)
"""Keys that both trainings have."""

OF_OBJECTIVE: dict[str, tuple[str, ...]] = {
    "cls": (),
    "reg": ("agreement_scale",),
    "multitask": ("agreement_scale", "loss_weights"),
    "rank": ("rank_margin",),
}
"""Keys of the section `pretraining` that matter to some objectives alone."""


class Pretraining(Protocol):
    """Wildcards of a pretraining; for authentic pictures `dataset` and `split` too.

    `corpus` is a corpus, or a pair of corpora of `pretraining.unified`.
    """

    corpus: str
    backbone: str
    objective: str


class Finetuning(Protocol):
    """Wildcards, or a run, of a fine-tuning."""

    @property
    def dataset(self) -> str: ...
    @property
    def split(self) -> str: ...
    @property
    def backbone(self) -> str: ...
    @property
    def initialisation(self) -> str: ...


class Trainings:
    """The sections `pretraining` and `finetuning`."""

    def __init__(self, config: Config, corpora: Corpora, datasets: Datasets) -> None:
        self._pretraining = config["pretraining"]
        self._finetuning = config["finetuning"]
        self._corpora = corpora
        self._datasets = datasets

    def weights_source(self, backbone: str) -> str:
        """Where a backbone's ImageNet weights come from."""
        source: str = self._pretraining["backbones"][backbone]
        return source

    def weights_file(self, backbone: str) -> list[str]:
        """The files of weights, where the configuration names a file or a model's folder."""
        source = self.weights_source(backbone)
        if source in ORIGINS:
            return []
        folder = Path(source)
        return [layout.of_model(source)[name] for name in ("model", "card")] if folder.is_dir() else [source]

    def missing(self, backbones: Iterable[str]) -> list[str]:
        """A line for each of these backbones whose file of weights is not there."""
        return [
            f"weights of {backbone} are missing: {file}; put them there, or let "
            f"pretraining.backbones.{backbone} be one of {WORDS}"
            for backbone in backbones
            for file in self.weights_file(backbone)
            if not Path(file).is_file()
        ]

    def corpora_of(self, corpus: str) -> list[str]:
        """The corpora that a pretraining learns from: the synthetic one first, if there are two."""
        pair = self._pretraining["unified"].get(corpus)
        return [corpus] if pair is None else [pair["synthetic"], pair["authentic"]]

    def files(self, corpus: str, pattern: str) -> list[str]:
        """`pattern`, with {corpus}, for every corpus that a pretraining learns from."""
        return [pattern.format(corpus=name) for name in self.corpora_of(corpus)]

    def sees_a_dataset(self, corpus: str) -> bool:
        """Whether a pretraining learns from a target dataset's pictures, so that each split has its own."""
        return any(self._corpora.is_authentic(name) for name in self.corpora_of(corpus))

    def can_be_pretrained(self, corpus: str, dataset: str) -> bool:
        """Whether the pictures of a pretraining for a dataset are there, or can be made."""
        if self.sees_a_dataset(corpus) and self._datasets.missing(dataset):
            return False
        return all(self._corpora.sources(name) for name in self.corpora_of(corpus))

    def pretraining(self, which: Pretraining) -> dict[str, Any]:
        """Parameters of a pretraining."""
        corpora = self.corpora_of(which.corpus)
        kind = self.kind(which.corpus)
        rates = self._pretraining["learning_rates"][kind]
        cfg = _recipe(self._pretraining) | {
            "multi_level": self._pretraining["multi_level"],
            **{key: self._pretraining[key] for key in OF_OBJECTIVE[which.objective]},
            "corpus": which.corpus,
            "backbone": which.backbone,
            "objective": which.objective,
            "label_kind": {"synthetic": "single", "authentic": "multiple", "unified": "both"}[kind],
            "classes": self._class_names(corpora),
            "learning_rates": {name: rates[name] for name in rates_of(which.objective)},
        }
        if kind == "unified":
            cfg["single_classes"] = len(self._corpora.class_names(corpora[0]))
        if kind == "synthetic":
            return cfg | {"sources": self._sources(which.corpus)}
        dataset, split = (getattr(which, key) for key in ("dataset", "split"))
        return cfg | {"dataset": dataset, "split": split, "sources": self._sources(corpora[-1], dataset)}

    def kind(self, corpus: str) -> str:
        """The kind of a pretraining by what it learns from, which has learning rates of its own."""
        corpora = self.corpora_of(corpus)
        if len(corpora) > 1:
            return "unified"
        return "authentic" if self._corpora.is_authentic(corpora[0]) else "synthetic"

    def _class_names(self, corpora: list[str]) -> list[str]:
        """Names of the classes; those of two corpora share some, and get their corpus' name before them."""
        names = [(corpus, name) for corpus in corpora for name in self._corpora.class_names(corpus)]
        return [name if len(corpora) == 1 else f"{corpus} {name}" for corpus, name in names]

    def finetuning(self, which: Finetuning) -> dict[str, Any]:
        """Parameters of a fine-tuning."""
        keys = ("patches", "learning_rates", "dropout")
        return _recipe(self._finetuning) | {
            **{key: self._finetuning[key] for key in keys},
            "dataset": which.dataset,
            "split": which.split,
            "backbone": which.backbone,
            "initialisation": which.initialisation,
            "multi_level": self._pretraining["multi_level"],
            "sources": self._seen_before(which),
            **self._datasets.scale(which.dataset),
        }

    def _seen_before(self, which: Finetuning) -> list[str]:
        """The sources whose photographs a fine-tuned network has seen in its pretraining."""
        learnt_from, _ = corpus_and_objective(which.initialisation)
        corpora = self.corpora_of(learnt_from) if learnt_from else []
        return [source for corpus in corpora for source in self._sources(corpus, which.dataset)]

    def _sources(self, corpus: str, dataset: str = "") -> list[str]:
        """The sources that a pretraining uses; of an authentic corpus, the target dataset's alone."""
        if self._corpora.is_authentic(corpus):
            return self._corpora.sources_from(corpus, dataset)
        return self._corpora.sources(corpus)

    def initial_weights(self, which: Finetuning) -> str:
        """File of the weights that a fine-tuning starts from.

        Pretraining that sees a target dataset exists once for each of its splits.
        """
        if which.initialisation == "imagenet":
            return layout.WEIGHTS.format(backbone=which.backbone)
        corpus, objective = corpus_and_objective(which.initialisation)
        folder = layout.PRETRAINED_ON_SPLIT if self.sees_a_dataset(corpus) else layout.PRETRAINED
        values = {key: getattr(which, key) for key in ("dataset", "split", "backbone")}
        return layout.of_model(folder.format(corpus=corpus, objective=objective, **values))["model"]


def _recipe(section: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that both trainings have; the warm-up matters to a schedule that has one."""
    cfg = {key: section[key] for key in RECIPE}
    return cfg if section["schedule"] == "constant" else cfg | {"warm_up": section["warm_up"]}
