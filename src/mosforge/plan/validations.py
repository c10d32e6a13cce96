"""Comparisons of the metrics and their fusions with human scores, where reference images are there."""

from mosforge.config.configuration import Configuration
from mosforge.core import layout
from mosforge.core.errors import MosforgeError
from mosforge.plan.corpora import Corpora
from mosforge.plan.datasets import Datasets
from mosforge.pmos.settings import ValidationSettings


class Validations:
    """The part of the section `pmos` that reads target datasets.

    Raises:
        MosforgeError: the labels are to be fitted to a dataset that is not there or has no references.
    """

    def __init__(self, config: Configuration, corpora: Corpora, datasets: Datasets) -> None:
        self._logistic = config.pmos.logistic.dataset
        self._corpora = corpora
        self._datasets = datasets
        name = corpora.fitted_to
        if name is not None and not datasets.has_references(name):
            why = datasets.missing(name) or "it has no reference images"
            raise MosforgeError(f"pmos.logistic.dataset: {name} cannot be fitted to: {why}")

    def fit_inputs(self) -> dict[str, str]:
        """What `fuse` needs beside the corpus' scores."""
        name = self._corpora.fitted_to
        return {} if name is None else {"targets": layout.TARGETS.format(dataset=name)}

    def inputs(self, dataset: str) -> dict[str, str]:
        """What a dataset's validation needs: its scores, its corpus' mapping, another dataset's scores."""
        files = {"targets": layout.TARGETS.format(dataset=dataset)}
        corpus = self._corpus(dataset)
        if corpus is not None:
            files["mapping"] = layout.MAPPING.format(corpus=corpus)
        fitted = self._fitted(dataset)
        if fitted is not None:
            files["fitted"] = layout.TARGETS.format(dataset=fitted)
        return files

    def settings(self, dataset: str) -> ValidationSettings:
        """Settings of the validation on a dataset."""
        return ValidationSettings(dataset=dataset, corpus=self._corpus(dataset))

    def _corpus(self, dataset: str) -> str | None:
        """The corpus whose distribution the dataset's scores are mapped through, if it can be made."""
        corpus = self._datasets.corpus_of(dataset)
        return corpus if corpus in self._corpora.names else None

    def _fitted(self, dataset: str) -> str | None:
        """The other dataset that the logistic is fitted to, if one is named and there."""
        name = self._logistic
        return name if name not in (None, dataset) and self._datasets.has_references(str(name)) else None
