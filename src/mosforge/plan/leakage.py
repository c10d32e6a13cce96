"""The leakage guard: which sources are compared with which target datasets, and who reads the result."""

from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path

from mosforge.config.configuration import Configuration
from mosforge.core import layout
from mosforge.core.errors import MosforgeError
from mosforge.core.files import read_json
from mosforge.plan.corpora import Corpora
from mosforge.plan.datasets import Datasets
from mosforge.plan.experiments import Experiments
from mosforge.plan.recorded import recorded_rows
from mosforge.plan.sources import Sources
from mosforge.sources.settings import ScreenSettings


class Leakage:
    """The key `sources.leakage`."""

    def __init__(
        self,
        config: Configuration,
        sources: Sources,
        datasets: Datasets,
        corpora: Corpora,
        experiments: Experiments,
    ) -> None:
        self._section = config.sources.leakage
        self._sources = sources
        self._datasets = datasets
        self._corpora = corpora
        self._experiments = experiments

    def comparison(self, dataset: str) -> ScreenSettings:
        """Settings of a comparison with a dataset's images."""
        return ScreenSettings(correlation=self._section.correlation, dataset=self._datasets.images(dataset))

    def datasets(self, source: str) -> list[str]:
        """The evaluated datasets that a source is compared with: all but those with images of the source.

        A dataset's own images are kept apart by its splits; a proxy of the source's own images was asked for
        by name. The images of a target dataset are compared only with the datasets that a pretraining on them
        serves, so that what else is evaluated does not change its mixtures.
        """
        if not self._section.guard:
            return []
        compared = self._experiments.evaluated
        if self._sources.collections[source].dataset is not None:
            served = self._experiments.served_by(source)
            compared = [name for name in compared if name in served]
        return [name for name in compared if source not in self._made_of(name)]

    def _made_of(self, dataset: str) -> list[str]:
        corpus = self._datasets.entries[dataset].pictures
        return self._sources.made_from(dataset) if corpus is None else self._corpora.sources(corpus)

    def tables(self, source: str) -> list[str]:
        """What was found of a source, a file for each dataset."""
        return [layout.LEAKS_IN_DATASET.format(source=source, dataset=name) for name in self.datasets(source)]

    def leaks(self, corpus: str, ancient: Callable[[str], str]) -> list[str]:
        """What was found of the sources of a corpus, a file for each source, if they are compared at all.

        The labels are made anew if other images are to be left out, and not because there was a comparison: a
        table is nothing to them while it names the images that they leave out. Whether a comparison of this
        very run finds others is not known yet; see `outdated`.

        Args:
            corpus: its name.
            ancient: Snakemake's mark of an input whose age is nothing to the rule.
        """
        if not self._section.guard:
            return []
        return [
            ancient(_table(source)) if is_known else _table(source)
            for source, is_known in self._are_left_out(corpus).items()
        ]

    def outdated(self, corpora: Iterable[str]) -> list[str]:
        """Those corpora whose labels, which are there, leave out other images than the tables name now."""
        guarded = corpora if self._section.guard else ()
        return [
            corpus
            for corpus in sorted(set(guarded))
            if Path(layout.LABELS.format(corpus=corpus)).exists()
            and not all(self._are_left_out(corpus).values())
        ]

    def _are_left_out(self, corpus: str) -> dict[str, bool]:
        """For each source of a corpus whether the labels leave out just the images that its table names.

        There is none of a corpus that nothing learns from: its labels leave out no image.
        """
        if corpus in self._corpora.only_scored:
            return {}
        try:
            left_out = read_json(Path(layout.LEFT_OUT.format(corpus=corpus)))
        except MosforgeError:  # no labels yet
            left_out = {}
        return {
            source: left_out.get(source, []) == _leaked(source)
            for part in self._corpora.parts(corpus)
            for source in self._corpora.sources(part)
        }

    def left_out(self) -> list[str]:
        """A sentence for each source of which images have no labels, since target datasets show them."""
        sentences = []
        for source in self.compared:
            if left_out := _leaked(source):
                images = len(recorded_rows(layout.CATALOGUE.format(source=source), "image_id"))
                datasets = sorted({name for (name,) in recorded_rows(_table(source), "dataset")})
                sentences.append(
                    f"{len(left_out)} of {images} pristine images of {source} got no labels, and nothing is "
                    f"pretrained on them, since {', '.join(datasets)} shows the same ({_table(source)})"
                    + ("; take other images for the pretraining" if 2 * len(left_out) > images else "")
                )
        return sentences

    @cached_property
    def all_leaks(self) -> list[str]:
        """What was found of every source of a labelled corpus."""
        return [layout.LEAKS.format(source=source) for source in self.compared]

    @cached_property
    def compared(self) -> dict[str, tuple[str, ...]]:
        """For each source of a labelled corpus the datasets that it is compared with."""
        sources = {name for corpus in self._corpora.labelled for name in self._corpora.sources(corpus)}
        return {name: tuple(self.datasets(name)) for name in sorted(sources) if self.datasets(name)}


def _table(source: str) -> str:
    return layout.LEAKS.format(source=source)


def _leaked(source: str) -> list[str]:
    """The ids that a source's table of leaks names; none where it is not there yet."""
    return sorted({image for (image,) in recorded_rows(_table(source), "image_id")})
