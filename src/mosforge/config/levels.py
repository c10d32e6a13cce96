"""What is learned from the levels of a corpus, and needs more of them than the configuration has."""

from collections.abc import Iterator

from mosforge.config.configuration import Configuration
from mosforge.models.objectives import corpus_and_objective, side_by_side

FEWEST = 2
"""Levels of a series that are in an order."""


def lacking_levels(config: Configuration) -> Iterator[str]:
    """What corpora lack for what learns from them: sentences.

    The names in the configuration are known ones.
    """
    for name, corpus in config.distortions.corpora.items():
        if corpus.kind != "authentic" and corpus.sources and not config.distortions.levels(corpus.kind):
            yield (
                f"distortions.corpora.{name}: distortions.{corpus.kind} has no type with levels; give it "
                "some, or name no source"
            )
    yield from _without_pairs(config)
    for name, pair in config.pretraining.unified.items():
        if pair.undistorted is not None:
            kind = config.distortions.corpora[pair.synthetic].kind
            if kind != "synthetic":
                yield (
                    f"pretraining.unified.{name}.undistorted: {pair.synthetic!r} is of the kind {kind}, "
                    "which has no undistorted images; name one of the kind synthetic, or leave the key out"
                )


def _without_pairs(config: Configuration) -> Iterator[str]:
    """What learns the order of levels where nothing is in an order."""
    rehearsed = config.finetuning.rehearsal.corpus
    if rehearsed is not None and not _has_pairs(config, rehearsed, undistorted=True):
        yield (
            f"finetuning.rehearsal.corpus: {rehearsed!r} has no distortion type with {FEWEST} levels to "
            "rehearse; name another"
        )
    for name, experiment in config.evaluation.experiments.items():
        for initialisation in experiment.initialisations:
            for part in side_by_side(initialisation):
                corpus, objective = corpus_and_objective(part)
                if objective != "rank" or not experiment.datasets:
                    continue
                key = f"evaluation.experiments.{name}.initialisations: {part!r}"
                if config.pretraining.batch_size == 1:
                    yield f"{key} compares images of a batch; set pretraining.batch_size to more than 1"
                learnt = {corpus or config.finetuning.datasets[other].corpus for other in experiment.datasets}
                for one in sorted(learnt):
                    if not _has_pairs(config, one, undistorted=False):
                        lacks = f"{one!r} has no type with {FEWEST} of them"
                        yield f"{key} learns the order of levels, and {lacks}"


def _has_pairs(config: Configuration, corpus: str, *, undistorted: bool) -> bool:
    """Whether a type of a corpus has two levels; an undistorted image may count as one of each type."""
    first = config.pretraining.parts(corpus)[0]
    levels = config.distortions.levels(config.distortions.corpora[first].kind)
    more = len(levels.pop("undistorted", ())) if undistorted else 0
    return any(len(values) + more >= FEWEST for values in levels.values())
