"""The section `metrics`."""

from mosforge.config.section import Section
from mosforge.core.values import Engine


class MetricsSection(Section):
    """The six full-reference metrics."""

    engine: Engine
    """What computes the metrics:
      fused  this project's engine, the same values on the CPU many times faster (ours)
      piq    the library itself, for a machine with a GPU to spare"""
