"""The objectives of pretraining, and the losses that each learns from."""

from collections.abc import Mapping

LOSSES: Mapping[str, tuple[str, ...]] = {
    "cls": ("classification",),
    "reg": ("score",),
    "multitask": ("classification", "score"),
    "rank": ("score",),
}
"""The losses of the paper's CLS, REG and CLS+REG (Fig. 3), and of RankIQA, which ranks by the score."""


def rates_of(objective: str) -> tuple[str, ...]:
    """Names of the learning rates of the parts of a network that an objective trains.

    The score passes the first layer of the classification branch (equation 5), so that is always trained.
    """
    return ("backbone", "classification", *(("score",) if "score" in LOSSES[objective] else ()))


def corpus_and_objective(initialisation: str) -> tuple[str, str]:
    """The two parts of CORPUS-OBJECTIVE; an objective by itself, and `imagenet`, have an empty corpus."""
    corpus, _, objective = initialisation.rpartition("-")
    return (corpus, objective) if objective in LOSSES else ("", initialisation)
