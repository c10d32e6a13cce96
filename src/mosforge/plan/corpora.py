"""Corpora of distorted images: their shards, their classes and labels, and what these depend on."""

from functools import cache, cached_property
from typing import Any

from mosforge.config.configuration import Configuration
from mosforge.core import layout
from mosforge.core.errors import MosforgeError
from mosforge.core.layout import shard_paths
from mosforge.core.values import Level
from mosforge.distortions.kinds import classes_of, is_bitstream
from mosforge.distortions.settings import AuthenticSettings, DistortSettings, SyntheticSettings
from mosforge.plan.datasets import Datasets
from mosforge.plan.sources import Sources
from mosforge.pmos.curves import read_calibration
from mosforge.pmos.settings import FusionSettings, ValidationSettings
from mosforge.pretraining.settings import IndexPacksSettings


class Corpora:
    """The sections `distortions` and `pmos`.

    Raises:
        MosforgeError: the labels are to be fitted to a dataset that is not there or has no references, or
            nothing was learnt at the viewing scale.
    """

    def __init__(self, config: Configuration, sources: Sources, datasets: Datasets) -> None:
        self._section = config.distortions
        self._entries = config.distortions.corpora
        self._pmos = config.pmos
        self.parts = config.pretraining.parts
        self._rehearsed = config.finetuning.rehearsal.corpus
        self._sanity = config.evaluation.sanity
        self._sources = sources
        self._datasets = datasets
        self.distortion = cache(self._distortion)
        self._calibration = read_calibration(config.metrics.scale)
        if config.pmos.fusion == "calibrated" and self._calibration is None:
            raise MosforgeError(
                f"pmos.fusion: calibrated has no curves for the viewing scale {config.metrics.scale}; set "
                "metrics.scale to 1 or 2, or choose another fusion"
            )
        self._fitted_to = self._pmos.logistic.dataset if self._pmos.fusion == "logistic" else None
        if self._fitted_to and not datasets.has_references(self._fitted_to):
            why = datasets.missing(self._fitted_to) or "it has no reference images"
            raise MosforgeError(f"pmos.logistic.dataset: {self._fitted_to} cannot be fitted to: {why}")

    def sources(self, corpus: str) -> list[str]:
        """The sources of a corpus, without those that are target datasets which are not there."""
        return [
            source for source in self._entries[corpus].sources if not self._sources.is_missing_dataset(source)
        ]

    def sources_from(self, corpus: str, dataset: str) -> list[str]:
        """The sources of a corpus that are the images of a target dataset."""
        return [source for source in self.sources(corpus) if source in self._sources.made_from(dataset)]

    def missing_datasets(self, corpus: str) -> list[str]:
        """The target datasets that a corpus is made of, if none of its sources is there."""
        datasets = [self._sources.collections[source].dataset for source in self._entries[corpus].sources]
        return [] if self.sources(corpus) else [name for name in datasets if name is not None]

    @cached_property
    def names(self) -> list[str]:
        """Corpora with at least one source."""
        return [name for name in self._entries if self.sources(name)]

    @cached_property
    def only_scored(self) -> set[str | None]:
        """Corpora that nothing learns from: they make the images of a proxy dataset, or of sanity."""
        entries = self._datasets.entries.values()
        scored = {self._sanity, *(entry.pictures for entry in entries)}
        return scored - {entry.corpus for entry in entries} - {self._rehearsed}

    @cached_property
    def labelled(self) -> list[str]:
        """Corpora that are labelled to be learned from."""
        return [name for name in self.names if name not in self.only_scored]

    def kind(self, corpus: str) -> str:
        """The kind of a corpus; corpora of one kind have the same classes."""
        return self._entries[corpus].kind

    def is_authentic(self, corpus: str) -> bool:
        """Whether a corpus holds mixtures."""
        return self._entries[corpus].kind == "authentic"

    def groups(self, corpus: str) -> list[str]:
        """Distortion types of a corpus with one type in an image; otherwise only `authentic`."""
        return ["authentic"] if self.is_authentic(corpus) else list(self._levels(corpus))

    def _levels(self, corpus: str) -> dict[str, tuple[Level, ...]]:
        return self._section.levels(self._entries[corpus].kind)

    def shards(self, corpus: str) -> IndexPacksSettings:
        """The groups of a corpus, and its number of shards by source; settings of what only joins shards."""
        counts = {source: self._sources.shards(source) for source in self.sources(corpus)}
        return IndexPacksSettings(groups=tuple(self.groups(corpus)), shards=counts)

    def shard_files(self, corpus: str, pattern: str) -> list[str]:
        """`pattern`, with {corpus}, {group} and {shard}, for every shard of a corpus."""
        found = self.shards(corpus)
        return [
            pattern.format(corpus=corpus, group=group, shard=shard)
            for group, shard in shard_paths(found.groups, found.shards)
        ]

    def catalogues(self, corpus: str) -> list[str]:
        """The catalogues of the sources of a corpus, or of the two of a unified pretraining."""
        sources = [source for part in self.parts(corpus) for source in self.sources(part)]
        return [layout.CATALOGUE.format(source=source) for source in dict.fromkeys(sources)]

    def catalogues_of_proxy(self, dataset: str) -> list[str]:
        """The catalogues of the sources of the images that a proxy dataset scores."""
        return self.catalogues(str(self._datasets.entries[dataset].pictures))

    def images_of_proxy(self, dataset: str) -> list[str]:
        """The shards whose images a proxy dataset scores, which all that reads them needs; else none."""
        corpus = self._datasets.entries[dataset].pictures
        return self.shard_files(corpus, layout.SHARD) if corpus else []

    def _distortion(self, corpus: str, group: str, source: str) -> DistortSettings:
        """Settings of the shards of one group and source."""
        entry, levels, seed = self._entries[corpus], self._levels(corpus), self._section.seed
        if entry.kind == "authentic":
            return AuthenticSettings(
                kind=entry.kind,
                seed=seed,
                types=self._section.authentic.types.plain(),
                types_per_image=self._section.authentic.types_per_image,
                per_image=self._share(corpus, source),
                png_compression=self._section.png_compression,
            )
        stored = {} if is_bitstream(entry.kind, group) else {"png_compression": self._section.png_compression}
        first_class = sum(len(levels[name]) for name in list(levels)[: list(levels).index(group)])
        return SyntheticSettings(
            kind=entry.kind, seed=seed, type=group, levels=levels[group], first_class=first_class, **stored
        )

    def _share(self, corpus: str, source: str) -> int:
        """Mixtures of an image: the source's total in equal proportion (paper, 2.1 and 4.2)."""
        return max(1, self._total(corpus) // max(1, self._sources.image_count(source)))

    def _total(self, corpus: str) -> int:
        total = self._entries[corpus].total
        assert total is not None, "a corpus of mixtures has a total"
        return total

    @property
    def keeps_images(self) -> bool:
        """Whether distorted images stay after all that the run asked for has read them."""
        return self._section.keep

    def versions(self, corpus: str, group: str, source: str) -> int:
        """Distorted images that a group has of each pristine image of a source."""
        return self._share(corpus, source) if self.is_authentic(corpus) else len(self._levels(corpus)[group])

    def image_count(self, corpus: str) -> int:
        """Distorted images of a corpus, if no pristine image is set aside."""
        return sum(
            self.versions(corpus, group, source) * self._sources.image_count(source)
            for group in self.groups(corpus)
            for source in self.sources(corpus)
        )

    def size(self, corpus: str) -> dict[str, int]:
        """How large a corpus is, as the paper counts its own: pristine images, or mixtures of them."""
        if self.is_authentic(corpus):
            return {"mixtures": self._total(corpus) * len(self.sources(corpus))}
        return {"photographs": sum(map(self._sources.image_count, self.sources(corpus)))}

    def class_names(self, corpus: str) -> list[str]:
        """Names of a corpus' classes, in the order of their indices or bits."""
        return [row.name for row in classes_of(self._entries[corpus].kind, self._levels(corpus))]

    def fusion(self, corpus: str) -> FusionSettings:
        """Settings of the labels of a corpus, or of the two of a unified pretraining, which share one map."""
        section = self._pmos
        first, *joined = (self.shards(part).plain() for part in self.parts(corpus))
        values = {**first, "fusion": section.fusion, "knots": section.knots}
        if joined:
            values["joined"] = joined
        values["weights"] = section.weights.plain()
        if self._fitted_to:
            values["logistic"] = self._fitted_to
        if section.fusion == "calibrated" and self._calibration:
            values |= self._calibration.plain()
        return FusionSettings(**values)

    @property
    def labelling(self) -> dict[str, Any]:
        """How metrics become a label: the fusion, and the weights where they count and are not all equal."""
        weights = self._pmos.weights.plain()
        if self._pmos.fusion == "calibrated" or len(set(weights.values())) == 1:
            return {"fusion": self._pmos.fusion}
        return {"fusion": self._pmos.fusion, "weights": weights}

    def fit_inputs(self) -> dict[str, str]:
        """What `fuse` needs beside the corpus' scores."""
        return {"targets": layout.TARGETS.format(dataset=self._fitted_to)} if self._fitted_to else {}

    def have_seen(self, dataset: str) -> bool:
        """Whether the labels have seen a dataset's class means: KADID-10k's chose curves and weights.

        Equal weights owe nothing to them.
        """
        return self._datasets.is_kadid10k(dataset) and (
            self._pmos.fusion == "calibrated" or "weights" in self.labelling
        )

    def validation(self, dataset: str) -> ValidationSettings:
        """Settings of the comparison of the metrics and their fusions with a dataset's scores.

        The corpus is that through whose distribution the dataset's scores are mapped, if it can be made.
        The calibration has seen KADID-10k's scores, and is not compared with them.
        """
        corpus = self._datasets.entries[dataset].corpus
        values: dict[str, Any] = {"dataset": dataset, "corpus": corpus if corpus in self.names else None}
        values["weights"] = self._pmos.weights.plain()
        if self._calibration and not self._datasets.is_kadid10k(dataset):
            values["calibration"] = self._calibration.plain()
        return ValidationSettings.model_validate(values)

    def validation_inputs(self, dataset: str) -> dict[str, str]:
        """What that comparison needs: the dataset's scores, the corpus' mapping, another dataset's scores."""
        files = {"targets": layout.TARGETS.format(dataset=dataset)}
        if corpus := self.validation(dataset).corpus:
            files["mapping"] = layout.MAPPING.format(corpus=corpus)
        other = self._pmos.logistic.dataset
        if other and other != dataset and self._datasets.has_references(other):
            files["fitted"] = layout.TARGETS.format(dataset=other)
        return files
