"""The section `report`."""

from mosforge.config.section import Section
from mosforge.core.values import Text


class ReportSection(Section):
    """The page."""

    title: Text
    """title of the page"""
