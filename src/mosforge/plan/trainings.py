"""Pretraining and fine-tuning: the weights that each starts from, and what each depends on."""

from typing import Any, Protocol

from mosforge.configuration import Config
from mosforge.plan.corpora import Corpora
from mosforge.plan.datasets import Datasets

_RECIPE = ("seed", "crop", "flip", "epochs", "batch_size", "optimiser", "weight_decay", "schedule")


class Pretraining(Protocol):
    """Wildcards of a pretraining; for an authentic corpus `dataset` and `split` too."""

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
        self._crops = config["evaluation"]["crops"]
        self._corpora = corpora
        self._datasets = datasets

    def weights_source(self, backbone: str) -> str:
        """Where a backbone's ImageNet weights come from."""
        source: str = self._pretraining["backbones"][backbone]
        return source

    def weights_file(self, backbone: str) -> list[str]:
        """The file of weights, where the configuration names one."""
        source = self.weights_source(backbone)
        return [] if source in ("torchvision", "package", "none") else [source]

    def pretraining(self, which: Pretraining) -> dict[str, Any]:
        """Parameters of a pretraining."""
        authentic = self._corpora.is_authentic(which.corpus)
        cfg = {key: self._pretraining[key] for key in _RECIPE} | {
            "corpus": which.corpus,
            "backbone": which.backbone,
            "objective": which.objective,
            "label_kind": "multiple" if authentic else "single",
            "classes": self._corpora.class_names(which.corpus),
            "learning_rates": self._pretraining["learning_rates"]["authentic" if authentic else "synthetic"],
            "test_crops": self._crops,
        }
        if not authentic:
            return cfg
        dataset, split = (getattr(which, key) for key in ("dataset", "split"))
        sources = self._corpora.sources_from(which.corpus, dataset)
        return cfg | {"dataset": dataset, "split": split, "sources": sources}

    def finetuning(self, which: Finetuning) -> dict[str, Any]:
        """Parameters of a fine-tuning."""
        keys = (*_RECIPE, "patches", "learning_rates", "dropout")
        return {key: self._finetuning[key] for key in keys} | {
            "dataset": which.dataset,
            "split": which.split,
            "backbone": which.backbone,
            "initialisation": which.initialisation,
            "test_crops": self._crops,
            **self._datasets.scale(which.dataset),
        }

    def initial_weights(self, which: Finetuning) -> str:
        """File of the weights that a fine-tuning starts from.

        Authentic pretraining sees a target dataset, so it exists once for each split.
        """
        if which.initialisation == "imagenet":
            return f"results/pretraining/weights/{which.backbone}.safetensors"
        corpus, _, objective = which.initialisation.rpartition("-")
        split = f"/{which.dataset}/{which.split}" if self._corpora.is_authentic(corpus) else ""
        return f"results/pretraining/{corpus}{split}/{which.backbone}/{objective}/model.safetensors"
