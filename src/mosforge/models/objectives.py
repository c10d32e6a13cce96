"""The objectives of pretraining, and the losses that each learns from."""

from collections.abc import Mapping

from mosforge.core.runs import FINETUNE, NO_ADAPTATION, PROBE

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
    return ("backbone", "classification", *(("score",) if learns_score(objective) else ()))


BESIDE = "+"
"""Between two initialisations whose networks stand side by side."""


def side_by_side(initialisation: str) -> tuple[str, ...]:
    """The initialisations of the networks that stand side by side in one; mostly there is one network."""
    return tuple(initialisation.split(BESIDE))


def learns_score(objective: str) -> bool:
    """Whether a pretraining learns a score; ImageNet's weights have none."""
    return "score" in LOSSES.get(objective, ())


def adaptations_of(initialisation: str) -> tuple[str, ...]:
    """The adaptations that a network of an initialisation can have."""
    if len(side_by_side(initialisation)) > 1:
        return (PROBE,)
    _, objective = corpus_and_objective(initialisation)
    return (FINETUNE, PROBE, *((NO_ADAPTATION,) if learns_score(objective) else ()))


def corpus_and_objective(initialisation: str) -> tuple[str, str]:
    """The two parts of CORPUS-OBJECTIVE; an objective by itself, and `imagenet`, have an empty corpus."""
    corpus, _, objective = initialisation.rpartition("-")
    return (corpus, objective) if objective in LOSSES else ("", initialisation)
