"""Pretraining and fine-tuning: the weights that each starts from, and what each depends on."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from mosforge.config import TrainingSection
from mosforge.config.configuration import Configuration
from mosforge.core import layout
from mosforge.core.errors import MosforgeError
from mosforge.core.runs import FINETUNE, whole_split
from mosforge.finetuning.finetune_settings import FinetuningSettings
from mosforge.models.objectives import LOSSES, corpus_and_objective, rates_of, side_by_side
from mosforge.models.origins import NAMES, ORIGINS, WORDS
from mosforge.plan.corpora import Corpora
from mosforge.plan.datasets import Datasets
from mosforge.pretraining.pretrain_settings import PretrainingSettings
from mosforge.pretraining.settings import PackShardSettings

RECIPE = tuple(key for key in TrainingSection.model_fields if key != "warm_up")
"""Keys that both trainings have; the warm-up matters only to a schedule that has one."""

KEYS_OF_OBJECTIVE: dict[str, tuple[str, ...]] = {
    "cls": (),
    "reg": (),
    "multitask": ("loss_weights",),
    "rank": ("rank_margin",),
}
"""Keys of the section `pretraining` that matter only to some objectives."""

UNTRAINED: dict[str, Any] = {
    **{"patches": 1, "batch_size": 1, "flip": False, "schedule": "constant"},
    **{"frozen_stages": "all", "frozen_statistics": True},
}
"""What only the training of a whole network depends on, where there is none (`finetuning.epochs: 0`)."""


Wildcards = Any
"""Wildcards of a rule, or a run: `dataset`, `split`, `backbone`, `training` and the like as attributes."""


class Trainings:
    """The sections `pretraining` and `finetuning`."""

    def __init__(self, config: Configuration, corpora: Corpora, datasets: Datasets) -> None:
        self._pretraining = config.pretraining
        self._finetuning = config.finetuning
        self._corpora = corpora
        self._datasets = datasets

    def pack(self) -> PackShardSettings:
        """Settings of the pack of a shard."""
        return PackShardSettings(resize=self._pretraining.resize)

    def weights_file(self, backbone: str) -> list[str]:
        """The files of weights, where the configuration names a file or a model's folder."""
        source = self._pretraining.backbones[backbone]
        if source in ORIGINS:
            return []
        folder = Path(source)
        return [layout.of_model(source)[name] for name in ("model", "card")] if folder.is_dir() else [source]

    def missing(self, backbones: Iterable[str]) -> list[str]:
        """One message for each of these backbones whose weights file is missing."""
        return [
            f"weights of {backbone} are missing: {file}; put them there, or set "
            f"pretraining.backbones.{backbone} to one of {WORDS}"
            for backbone in backbones
            for file in self.weights_file(backbone)
            if not Path(file).is_file()
        ]

    def check_networks(self, backbones: Iterable[str]) -> None:
        """Refuses a backbone that is no network; only one of timm costs the import of timm.

        Raises:
            MosforgeError: there is no such network; the sentence names the nearest ones.
        """
        if others := [name for name in backbones if name not in NAMES]:
            from mosforge.models.backbones import timm_name  # imports much

            for name in others:
                try:
                    timm_name(name)
                except MosforgeError as error:
                    raise MosforgeError(f"configuration: pretraining.backbones.{name}: {error}") from None

    def files(self, corpus: str, pattern: str) -> list[str]:
        """`pattern`, with {corpus}, for every corpus that a pretraining learns from."""
        return [pattern.format(corpus=name) for name in self._corpora.parts(corpus)]

    def uses_images_of(self, corpus: str, dataset: str) -> bool:
        """Whether a pretraining learns from images of this target dataset; there is then one for each split.

        Mixtures of another dataset's images serve a dataset as those of any source do: the leakage guard
        leaves out what the dataset shows, too.
        """
        return any(
            self._corpora.is_authentic(name) and self._corpora.sources_from(name, dataset)
            for name in self._corpora.parts(corpus)
        )

    def can_be_pretrained(self, corpus: str, dataset: str) -> bool:
        """Whether the images of a pretraining for a dataset exist or can be produced."""
        corpora = self._corpora.parts(corpus)
        if any(map(self._corpora.is_authentic, corpora)) and self._datasets.missing(dataset):
            return False
        return all(map(self._corpora.sources, corpora))

    def foreign_sources(self, run: Wildcards) -> list[str]:
        """The sources that a run's network learns from and that are not its dataset's own images."""
        return [
            source
            for name in self._learnt_from(run)
            for corpus in self._corpora.parts(name)
            for source in self._sources(corpus, run.dataset)
            if source not in self._corpora.sources_from(corpus, run.dataset)
        ]

    def lacking(self, run: Wildcards) -> list[str]:
        """The datasets without which a run's corpora have no images, if none of them is there."""
        corpora = (corpus for name in self._learnt_from(run) for corpus in self._corpora.parts(name))
        return [dataset for corpus in corpora for dataset in self._corpora.missing_datasets(corpus)]

    def _learnt_from(self, run: Wildcards) -> list[str]:
        """The corpora of a run's pretrainings (of all networks side by side) and of its rehearsal."""
        starts = map(corpus_and_objective, side_by_side(run.initialisation))
        corpora = [corpus for corpus, _ in starts if corpus]
        return [*corpora, *self.rehearsed] if run.adaptation == FINETUNE else corpora

    @property
    def trained_whole(self) -> bool:
        """Whether fine-tunings train more than the head first."""
        return self._finetuning.epochs > 0

    @property
    def finetuning_recipe(self) -> dict[str, Any]:
        """The section `finetuning`; without a training of the whole network its keys say so."""
        section = self._finetuning.plain()
        return section if self.trained_whole else section | UNTRAINED

    @property
    def finetuning_rates(self) -> dict[str, float]:
        """The learning rates of fine-tuning; that of the classes only where a network may rehearse them."""
        return self._finetuning_rates(of_classes=self._may_rehearse_classes)

    def _finetuning_rates(self, *, of_classes: bool) -> dict[str, float]:
        if not self.trained_whole:
            return {}
        section = self._finetuning.plain()
        rates = _trained_rates(section, section["learning_rates"])
        if not of_classes:
            del rates["classification"]
        return rates

    @property
    def _may_rehearse_classes(self) -> bool:
        return self._keeps_heads and bool(self.rehearsed)

    @property
    def _keeps_heads(self) -> bool:
        """Whether a fine-tuning goes on with the head of a pretraining."""
        return self._finetuning.head_first.epochs > 0

    @property
    def rehearsed(self) -> list[str]:
        """The corpus that fine-tunings rehearse, if any."""
        corpus = self._finetuning.rehearsal.corpus
        return [] if corpus is None else [corpus]

    def rehearsal_inputs(self) -> dict[str, str]:
        """What `finetune` needs of the corpus that it rehearses: the labels, and the index of the packs."""
        patterns = {"rehearsal": layout.LABELS, "rehearsal_pack": layout.PACK_OF_CORPUS}
        return {
            name: pattern.format(corpus=corpus)
            for corpus in self.rehearsed
            for name, pattern in patterns.items()
        }

    def pretraining(self, which: Wildcards) -> PretrainingSettings:
        """Settings of a pretraining; one that sees a dataset has the wildcards `dataset` and `split` too.

        Its `corpus` is a corpus, or a pair of corpora of `pretraining.unified`.
        """
        corpora, section = self._corpora.parts(which.corpus), self._pretraining.plain()
        kind = self.kind(which.corpus)
        values = _recipe(section) | {
            **{key: section[key] for key in ("seed", "multi_level", "head_width")},
            **{key: section[key] for key in KEYS_OF_OBJECTIVE[which.objective]},
            "corpus": which.corpus,
            "backbone": which.backbone,
            "objective": which.objective,
            "label_kind": {"synthetic": "single", "authentic": "multiple", "unified": "both"}[kind],
            "classes": self._class_names(corpora),
            "learning_rates": self.pretraining_rates(which.corpus, which.objective),
        }
        if section["standardise"]:
            values["standardise"] = True
        if kind == "unified":
            values["single_classes"] = len(self._corpora.class_names(corpora[0]))
            pair = self._pretraining.unified[which.corpus]
            values["authentic_share"] = pair.share
            if pair.undistorted is not None:
                values["undistorted_share"] = pair.undistorted
        # a pretraining that sees no images of its dataset has no wildcard of that name, and serves any
        if (dataset := getattr(which, "dataset", None)) is None:
            return PretrainingSettings(**values, sources=self._sources_of(corpora))
        sources = self._sources(corpora[-1], dataset)
        return PretrainingSettings(**values, dataset=dataset, split=which.split, sources=sources)

    def pretraining_rates(self, corpus: str, objective: str) -> dict[str, float]:
        """The learning rates of what a pretraining trains."""
        section = self._pretraining.plain()
        rates = _trained_rates(section, section["learning_rates"][self.kind(corpus)])
        return {name: rates[name] for name in rates_of(objective) if name in rates}

    def kind(self, corpus: str) -> Literal["synthetic", "authentic", "unified"]:
        """The kind of a pretraining, which follows from its corpora; each kind has its own learning rates."""
        corpora = self._corpora.parts(corpus)
        if len(corpora) > 1:
            return "unified"
        return "authentic" if self._corpora.is_authentic(corpora[0]) else "synthetic"

    def _class_names(self, corpora: list[str]) -> list[str]:
        """Names of the classes; of two corpora, which share some names, each starts with its corpus."""
        names = [(corpus, name) for corpus in corpora for name in self._corpora.class_names(corpus)]
        return [name if len(corpora) == 1 else f"{corpus} {name}" for corpus, name in names]

    def finetuning(self, which: Wildcards) -> FinetuningSettings:
        """Settings of a fine-tuning."""
        section, facts = self.finetuning_recipe, self._datasets.facts(which.dataset)
        return FinetuningSettings(
            **_recipe(section),
            seed=layout.seed_in(which.training),
            **{key: section[key] for key in ("patches", "dropout")},
            **self._start(which),
            dataset=which.dataset,
            split=which.split,
            backbone=which.backbone,
            initialisation=which.initialisation,
            multi_level=self._pretraining.multi_level,
            sources=self._seen_sources(which),
            range=(facts.lowest, facts.highest),
            higher_is_better=facts.higher_is_better,
            # without the texts of the model card (`about.card_terms`): editing them must not rerun a training
            layout=self._finetuning.datasets[which.dataset].layout,
        )

    def _start(self, which: Wildcards) -> dict[str, Any]:
        """How a fine-tuning starts, what it rehearses, and the rates of its parts."""
        section = self._finetuning.plain()
        tells_classes = self._tells_rehearsed_classes(which)
        rates = self._finetuning_rates(of_classes=tells_classes)
        found: dict[str, Any] = {"learning_rates": rates}
        if self._keeps_heads:
            found["head_first"] = section["head_first"]
            if which.initialisation != "imagenet" and rates:
                rates["score"] = rates.pop("head")
        if self.rehearsed:
            found["rehearsal"] = section["rehearsal"]
            if tells_classes:
                found["rehearsal"]["classes"] = len(self._corpora.class_names(self.rehearsed[0]))
        return found

    def _tells_rehearsed_classes(self, which: Wildcards) -> bool:
        """Whether a fine-tuned network keeps a head whose first classes are those of what it rehearses."""
        corpus, objective = corpus_and_objective(which.initialisation)
        if not self._may_rehearse_classes or not corpus or "classification" not in LOSSES[objective]:
            return False
        first, rehearsed = self._corpora.parts(corpus)[0], self.rehearsed[0]
        return self._corpora.kind(first) == self._corpora.kind(rehearsed)

    def start_inputs(self, which: Wildcards) -> dict[str, str]:
        """The files that a fine-tuning starts from: the weights, and of a head that is kept the card."""
        if self._keeps_heads:
            return self.frozen(which)
        return {"weights": self.initial_weights(which)}

    def _seen_sources(self, which: Wildcards) -> tuple[str, ...]:
        """The sources whose images a fine-tuned network has seen in its pretraining or its rehearsal."""
        learnt_from, _ = corpus_and_objective(which.initialisation)
        corpora = self._corpora.parts(learnt_from) if learnt_from else []
        rehearsed = self._sources_of(self.rehearsed)
        return tuple(dict.fromkeys((*self._sources_of(corpora, which.dataset), *rehearsed)))

    def _sources_of(self, corpora: Iterable[str], dataset: str = "") -> tuple[str, ...]:
        """The sources of several corpora, each once."""
        found = (source for corpus in corpora for source in self._sources(corpus, dataset))
        return tuple(dict.fromkeys(found))

    def _sources(self, corpus: str, dataset: str = "") -> tuple[str, ...]:
        """The sources that a pretraining uses: of mixtures those of the target dataset, if there are any."""
        own = self._corpora.sources_from(corpus, dataset) if self._corpora.is_authentic(corpus) else []
        return tuple(own or self._corpora.sources(corpus))

    def frozen(self, which: Wildcards) -> dict[str, str]:
        """The files of a network that stays frozen: its weights and, if it was pretrained, its card."""
        weights = self.initial_weights(which)
        if which.initialisation == "imagenet":
            return {"weights": weights}
        return {"weights": weights, "card": Path(weights).with_name(layout.CARD).as_posix()}

    def initial_weights(self, which: Wildcards) -> str:
        """File of the weights that a network starts from, of one initialisation.

        Pretraining that sees a target dataset exists once for each of its splits.
        """
        if which.initialisation == "imagenet":
            return layout.WEIGHTS.format(backbone=which.backbone)
        corpus, objective = corpus_and_objective(which.initialisation)
        values = {"corpus": corpus, "objective": objective, "backbone": which.backbone}
        if self.uses_images_of(corpus, getattr(which, "dataset", "")):
            split = whole_split(which.split)
            folder = layout.PRETRAINED_ON_SPLIT.format(dataset=which.dataset, split=split, **values)
        else:
            folder = layout.PRETRAINED.format(**values)
        return layout.of_model(folder)["model"]


def _trained_rates(section: Mapping[str, Any], rates: Mapping[Any, float]) -> dict[Any, float]:
    """The learning rates of what a section trains: a backbone that is frozen has none."""
    is_frozen = section["frozen_stages"] == "all"
    return {name: rate for name, rate in rates.items() if not (is_frozen and name == "backbone")}


def _recipe(section: Mapping[str, Any]) -> dict[str, Any]:
    cfg = {key: section[key] for key in RECIPE}
    if cfg["frozen_stages"] == "all":
        cfg["frozen_statistics"] = True  # they are part of a backbone that stays as it is
    return cfg if section["schedule"] == "constant" else cfg | {"warm_up": section["warm_up"]}
