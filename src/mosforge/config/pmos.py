"""The section `pmos`: how six scores become one label."""

from typing import Annotated

from pydantic import Field

from mosforge.config import Section
from mosforge.core.values import Allowed, Flag, Fusion, Text

_Knots = Annotated[int, Field(strict=True, ge=2, le=100_001), Allowed("a whole number from 2 to 100001")]


class Logistic(Section):
    """The human scores that the fusion `logistic` is fitted to."""

    dataset: Text | None
    """one of finetuning.datasets that has reference images, or null"""
    allow_evaluated: Flag
    """true: let it be one that is evaluated on as well"""


class PmosSection(Section):
    """How the scores of six metrics are fused into a pseudo-MOS."""

    fusion: Fusion
    """How six scores become one:
      quantile  each metric through its distribution over the corpus, then the mean (ours)
      mean      the paper's literal reading, the mean of the six oriented scores
      logistic  each metric through a rising logistic fitted to human scores, then the mean (ours)"""
    knots: _Knots
    """knots of the distribution that are saved beside the labels (ours)"""
    logistic: Logistic
    """The human scores that logistic is fitted to (ours). They shape the labels, so a dataset that an
    experiment evaluates on is refused, unless allow_evaluated is true."""
