"""What `evaluation.sanity` asks of its corpus: undistorted images, and none that is learned from."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from mosforge.config.configuration import Configuration
from mosforge.config.sources import Collection
from mosforge.models.objectives import corpus_and_objective, side_by_side

_KEY = "evaluation.sanity"


def unfit_for_sanity(name: str, config: Configuration) -> Iterator[str]:
    """Why a corpus, which is there, cannot be that of `evaluation.sanity`: sentences.

    The names in the configuration are known ones.
    """
    distortions, collections = config.distortions, config.sources.collections
    corpus = distortions.corpora[name]
    if corpus.kind != "synthetic":
        yield f"{_KEY}: {name!r} is of the kind {corpus.kind}; name one of the kind synthetic"
    if not corpus.sources:
        yield f"{_KEY}: {name!r} has no source; give it one, of images that no training sees"
    if not distortions.synthetic.undistorted:
        yield (
            f"{_KEY}: {name!r} has no undistorted images to compare with; set "
            "distortions.synthetic.undistorted to [0]"
        )
    for what, used in _learned_from(config).items():
        places = {_place(source, collections) for source in used}
        for source in corpus.sources:
            if _place(source, collections) in places:
                yield (
                    f"{_KEY}: models learn from the images of {source!r}, in {what}; give {name!r} images "
                    "that no training sees"
                )


def _place(source: str, collections: Mapping[str, Collection]) -> str:
    """Where the images of a source are; two sources may be of one folder."""
    entry = collections[source]
    return f"dataset {entry.dataset}" if entry.folder is None else str(Path(entry.folder))


def _learned_from(config: Configuration) -> dict[str, tuple[str, ...]]:
    """The sources that the networks of experiments learn from, by corpus and dataset."""
    corpora, collections = config.distortions.corpora, config.sources.collections
    found: dict[str, tuple[str, ...]] = {}
    if rehearsed := config.finetuning.rehearsal.corpus:
        found[f"the corpus {rehearsed!r}, which fine-tuning rehearses"] = corpora[rehearsed].sources
    pairs = [(name, entry) for entry in config.evaluation.experiments.values() for name in entry.datasets]
    for dataset, experiment in pairs:
        entry = config.finetuning.datasets[dataset]
        of_dataset = [name for name, source in collections.items() if source.dataset == dataset]
        found[f"the dataset {dataset!r}"] = tuple(of_dataset)
        if entry.pictures in corpora:
            found[f"the dataset {dataset!r}"] = corpora[str(entry.pictures)].sources
        for initialisation in experiment.initialisations:
            for corpus, objective in map(corpus_and_objective, side_by_side(initialisation)):
                if objective == "imagenet":
                    continue
                for part in config.pretraining.parts(corpus or entry.corpus):
                    found[f"the corpus {part!r}"] = corpora[part].sources
    return found
