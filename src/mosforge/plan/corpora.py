"""Corpora of distorted pictures: their shards, their classes, and what these depend on."""

from functools import cached_property
from typing import Any

from mosforge.configuration import Config
from mosforge.core import layout
from mosforge.core.shards import shard_paths
from mosforge.distortions.classes import classes_of
from mosforge.distortions.kinds import in_order, is_bitstream
from mosforge.plan.sources import Sources


class Corpora:
    """The section `distortions`, and what follows from it up to the labels."""

    def __init__(self, config: Config, sources: Sources) -> None:
        self._section = config["distortions"]
        self._entries = self._section["corpora"]
        self._pmos = config["pmos"]
        self._datasets = config["finetuning"]["datasets"]
        self._sources = sources

    def sources(self, corpus: str) -> list[str]:
        """The sources of a corpus, without those that are target datasets which are not there."""
        return [source for source in self._entries[corpus]["sources"] if not self._sources.lost(source)]

    def sources_from(self, corpus: str, dataset: str) -> list[str]:
        """The sources of a corpus that are the pictures of a target dataset."""
        return [source for source in self.sources(corpus) if self._sources.dataset_of(source) == dataset]

    @cached_property
    def names(self) -> list[str]:
        """Corpora with at least one source."""
        return [name for name in self._entries if self.sources(name)]

    @cached_property
    def labelled(self) -> list[str]:
        """Corpora that are labelled: all but those that only make the pictures of a proxy dataset."""
        shown = {entry.get("pictures") for entry in self._datasets.values()}
        learned_from = {entry["corpus"] for entry in self._datasets.values()}
        return [name for name in self.names if name not in shown or name in learned_from]

    def is_authentic(self, corpus: str) -> bool:
        """Whether a corpus holds mixtures, made from target datasets."""
        return bool(self._entries[corpus]["kind"] == "authentic")

    def groups(self, corpus: str) -> list[str]:
        """Distortion types of a corpus with one type a picture; `authentic` alone otherwise."""
        if self.is_authentic(corpus):
            return ["authentic"]
        return [name for name, levels in self._levels(corpus).items() if levels]

    def _levels(self, corpus: str) -> dict[str, Any]:
        """The levels of each type of a corpus, in the order of the classes."""
        kind = self._entries[corpus]["kind"]
        levels: dict[str, Any] = self._section[kind]
        return in_order(kind, levels["types"] if kind == "authentic" else levels)

    def shards(self, corpus: str) -> dict[str, Any]:
        """Parameters of whatever collects a corpus: its groups, and its number of shards by source."""
        counts = {source: self._sources.shards(source) for source in self.sources(corpus)}
        return {"groups": self.groups(corpus), "shards": counts}

    def shard_files(self, corpus: str, pattern: str) -> list[str]:
        """`pattern`, with {corpus}, {group} and {shard}, for every shard of a corpus."""
        return [
            pattern.format(corpus=corpus, group=group, shard=shard)
            for group, shard in shard_paths(**self.shards(corpus))
        ]

    def corpus_of_proxy(self, dataset: str) -> str | None:
        """The corpus whose pictures a proxy dataset scores; None for a dataset with human scores."""
        corpus: str | None = self._datasets[dataset].get("pictures")
        return corpus

    def pictures_of_proxy(self, dataset: str) -> list[str]:
        """The shards whose pictures a proxy dataset scores, which all that reads them needs; else none."""
        corpus = self.corpus_of_proxy(dataset)
        return self.shard_files(corpus, layout.SHARD) if corpus else []

    def distortion(self, corpus: str, group: str) -> dict[str, Any]:
        """Parameters of the shards of one group."""
        kind = self._entries[corpus]["kind"]
        cfg = {"kind": kind, "seed": self._section["seed"]}
        if not is_bitstream(kind, group):
            cfg["png_compression"] = self._section["png_compression"]
        if self.is_authentic(corpus):
            return cfg | {"per_image": self._share(corpus), **self._section["authentic"]}
        levels = self._levels(corpus)
        first = sum(len(levels[name]) for name in list(levels)[: list(levels).index(group)])
        return cfg | {"type": group, "levels": levels[group], "first_class": first}

    def _share(self, corpus: str) -> int:
        """Mixtures of one photograph: the configured total in equal proportion (paper, 2.1)."""
        return max(1, int(self._entries[corpus]["total"]) // max(1, self._photographs(corpus)))

    def _photographs(self, corpus: str) -> int:
        return sum(self._sources.images_of(source) for source in self.sources(corpus))

    def size(self, corpus: str) -> dict[str, int]:
        """How large a corpus is, in what the paper tells of its own: photographs, or mixtures of them."""
        if self.is_authentic(corpus):
            return {"mixtures": int(self._entries[corpus]["total"])}
        return {"photographs": self._photographs(corpus)}

    def fusion(self, corpus: str) -> dict[str, Any]:
        """Parameters of a corpus' labels."""
        cfg = {**self.shards(corpus), "fusion": self._pmos["fusion"], "knots": self._pmos["knots"]}
        fitted = self.fitted_to
        return cfg if fitted is None else cfg | {"logistic": fitted}

    @property
    def fitted_to(self) -> str | None:
        """The dataset whose scores shape the labels, if the fusion is `logistic`."""
        return self._pmos["logistic"]["dataset"] if self._pmos["fusion"] == "logistic" else None

    def class_names(self, corpus: str) -> list[str]:
        """Names of a corpus' classes, in the order of their indices or bits."""
        table = classes_of(self._entries[corpus]["kind"], self._levels(corpus))
        return [row.type if row.level is None else f"{row.type} {row.level}" for row in table]
