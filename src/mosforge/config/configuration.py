"""The whole configuration as types: its sections, with the small ones among them."""

from typing import Annotated

from pydantic import Field

from mosforge.config import Section
from mosforge.config.distortions import DistortionsSection
from mosforge.config.evaluation import EvaluationSection
from mosforge.config.finetuning import FinetuningSection
from mosforge.config.pretraining import PretrainingSection
from mosforge.config.sources import SourcesSection
from mosforge.core.values import Allowed, Amount, Engine, Flag, Fusion, Scale, Text

_Knots = Annotated[int, Field(strict=True, ge=2, le=100_001), Allowed("a whole number from 2 to 100001")]


class MetricsSection(Section):
    """The six full-reference metrics."""

    engine: Engine
    """
    What computes the metrics:
      fused  mosforge itself: the same values, on the CPU, many times faster (ours)
      piq    the library itself, for a machine with a GPU to spare
    """
    scale: Scale
    """The viewing scale: the factor by which SSIM, MDSI, VSI and FSIM shrink images before they compare
    them. A number from 1 to 8 is the same for images of every size, so that their labels can be compared
    (ours). auto is round(shorter side / 256), as in piq; scores jump where it changes, as from 383 to 384
    rows"""


class Weights(Section):
    """How much each metric counts, relative to the others; 0: not at all."""

    ssim: Amount
    """of SSIM"""
    ms_ssim: Amount
    """of MS-SSIM"""
    mdsi: Amount
    """of MDSI"""
    vsi: Amount
    """of VSI"""
    fsim: Amount
    """of FSIM"""
    gmsd: Amount
    """of GMSD"""


class Logistic(Section):
    """The human scores that the fusion `logistic` is fitted to."""

    dataset: Text | None
    """one of finetuning.datasets that has reference images, or null"""
    allow_evaluated: Flag
    """true: it may be a dataset that an experiment evaluates on"""


class PmosSection(Section):
    """How the scores of six metrics are fused into a pseudo-MOS."""

    fusion: Fusion
    """
    How six scores become one:
      quantile    the share of the corpus that is worse by each metric, then the weighted mean (ours)
      mean        the weighted mean, with 1 - MDSI and 1 - GMSD; with equal weights, the paper's labels
      logistic    each metric mapped by a curve fitted to human scores, then the weighted mean (ours)
      calibrated  the same, curves and weights from KADID-10k's class means; metrics.scale is 1 or 2 (ours)
    """
    weights: Weights
    """How much each metric counts, relative to the others; 0: not at all. The fusion calibrated has
    weights of its own. In the paper the six count the same. These three agree best with people, by
    KADID-10k's class means at the worse of two viewing scales (ours)"""
    knots: _Knots
    """number of points of the distribution that are saved beside the labels (ours)"""
    logistic: Logistic
    """The human scores that the fusion logistic is fitted to (ours). They influence the labels, so a
    dataset that an experiment evaluates on is refused, unless allow_evaluated is true."""


class ReportSection(Section):
    """The page."""

    title: Text | None
    """title of the page; null: the names of the experiments"""


class Configuration(Section):
    """A section for each stage."""

    sources: SourcesSection
    """1. Pristine images"""
    distortions: DistortionsSection
    """2. Distortions"""
    metrics: MetricsSection
    """3. Full-reference metrics"""
    pmos: PmosSection
    """4. Pseudo-MOS"""
    pretraining: PretrainingSection
    """5. Pretraining"""
    finetuning: FinetuningSection
    """6. Fine-tuning"""
    evaluation: EvaluationSection
    """7. Evaluation"""
    report: ReportSection
    """8. Report"""
