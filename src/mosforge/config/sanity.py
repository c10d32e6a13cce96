"""What `evaluation.sanity` asks of its corpus: undistorted images, and none that is learned from."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from mosforge.config.distortions import DistortionsSection
from mosforge.config.evaluation import EvaluationSection
from mosforge.config.finetuning import FinetuningSection
from mosforge.config.pretraining import PretrainingSection
from mosforge.config.sources import Collection, SourcesSection
from mosforge.models.objectives import corpus_and_objective, side_by_side

_KEY = "evaluation.sanity"


def unfit_for_sanity(
    name: str,
    sources: SourcesSection,
    distortions: DistortionsSection,
    pretraining: PretrainingSection,
    finetuning: FinetuningSection,
    evaluation: EvaluationSection,
) -> Iterator[str]:
    """Why a corpus, which is there, cannot be that of `evaluation.sanity`: sentences.

    The names in the sections are known ones.
    """
    corpus, collections = distortions.corpora[name], sources.collections
    if corpus.kind != "synthetic":
        yield f"{_KEY}: {name!r} is of the kind {corpus.kind}; name one of the kind synthetic"
    if not corpus.sources:
        yield f"{_KEY}: {name!r} has no source; give it one, of images that no training sees"
    if not distortions.synthetic.undistorted:
        yield (
            f"{_KEY}: {name!r} has no undistorted images to compare with; set "
            "distortions.synthetic.undistorted to [0]"
        )
    learned = _learned_from(distortions, pretraining, finetuning, evaluation, collections)
    for what, used in learned.items():
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


def _learned_from(
    distortions: DistortionsSection,
    pretraining: PretrainingSection,
    finetuning: FinetuningSection,
    evaluation: EvaluationSection,
    collections: Mapping[str, Collection],
) -> dict[str, tuple[str, ...]]:
    """The sources that the networks of experiments learn from, by corpus and dataset."""
    found: dict[str, tuple[str, ...]] = {}
    if rehearsed := finetuning.rehearsal.corpus:
        found[f"the corpus {rehearsed!r}, which fine-tuning rehearses"] = distortions.corpora[
            rehearsed
        ].sources
    pairs = [(name, entry) for entry in evaluation.experiments.values() for name in entry.datasets]
    for dataset, experiment in pairs:
        entry = finetuning.datasets[dataset]
        of_dataset = [name for name, source in collections.items() if source.dataset == dataset]
        found[f"the dataset {dataset!r}"] = tuple(of_dataset)
        if entry.pictures in distortions.corpora:
            found[f"the dataset {dataset!r}"] = distortions.corpora[str(entry.pictures)].sources
        for initialisation in experiment.initialisations:
            for corpus, objective in map(corpus_and_objective, side_by_side(initialisation)):
                if objective == "imagenet":
                    continue
                learned = corpus or entry.corpus
                pair = pretraining.unified.get(learned)
                for part in (pair.synthetic, pair.authentic) if pair else (learned,):
                    found[f"the corpus {part!r}"] = distortions.corpora[part].sources
    return found
