"""The whole configuration, checked."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from pydantic import ValidationError

from mosforge.config import distortions, evaluation, finetuning, pmos, pretraining, sources
from mosforge.config.distortions import DistortionsSection
from mosforge.config.evaluation import EvaluationSection
from mosforge.config.finetuning import FinetuningSection
from mosforge.config.metrics import MetricsSection
from mosforge.config.pmos import PmosSection
from mosforge.config.pretraining import PretrainingSection
from mosforge.config.report import ReportSection
from mosforge.config.section import Section
from mosforge.config.sources import SourcesSection
from mosforge.core.errors import MosforgeError
from mosforge.core.values import explain


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


def checked(values: Mapping[str, Any]) -> Configuration:
    """A configuration as types.

    Args:
        values: the merged configuration, as JSON values.

    Raises:
        MosforgeError: an unknown key, a wrong or impossible value, or values that contradict each other; one
            sentence that names the key.
    """
    try:
        config = Configuration.model_validate(values)
    except ValidationError as error:
        raise MosforgeError(f"configuration: {explain(error)}") from None
    for problem in _contradictions(config):
        raise MosforgeError(f"configuration: {problem}")
    return config


def _contradictions(config: Configuration) -> Iterator[str]:
    sections = (sources, distortions, finetuning, pmos, pretraining, evaluation)
    return chain.from_iterable(section.contradictions(config) for section in sections)
