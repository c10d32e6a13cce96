"""The plan of a configuration whose sections may contradict each other, since a test changes one of them."""

from pathlib import Path
from typing import Any

from mosforge.config.configuration import Configuration
from mosforge.plan.plan import Plan


def plan_of(config: dict[str, Any]) -> Plan:
    return Plan(Configuration.model_validate(config))


def table_of(folder: Path, lines: str) -> dict[str, Any]:
    """A dataset of the user's with this table."""
    folder.mkdir()
    (folder / "scores.csv").write_text(lines)
    scale = {"range": [0, 1], "higher_is_better": True}
    return {"layout": "table", "folder": str(folder), "table": "scores.csv", **scale, "corpus": "synthetic"}
