"""The plan of a configuration whose sections may contradict each other, since a test changes one of them."""

from typing import Any

from mosforge.config.configuration import Configuration
from mosforge.plan.plan import Plan


def plan_of(config: dict[str, Any]) -> Plan:
    return Plan(Configuration.model_validate(config))
