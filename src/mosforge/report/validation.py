"""The page's tables of how well metrics and fusions agree with people."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mosforge.core.schemas.correlations import VALIDATION
from mosforge.plan import layout
from mosforge.report.artefacts import read_if_there
from mosforge.report.methods import METRIC_NAMES


@dataclass(frozen=True)
class Validation:
    """The measures of one dataset; `rows` is empty where they are not there."""

    name: str
    images: int = 0
    rows: tuple[dict[str, Any], ...] = ()


def validation_section(results: Path, dataset: str) -> Validation:
    """A row for each metric, then for each fusion, as they were measured."""
    found = read_if_there(layout.below(results, layout.VALIDATION, dataset=dataset), VALIDATION)
    if found is None or found.empty:
        return Validation(dataset)
    rows = [{str(key): value for key, value in row.items()} for row in found.to_dict("records")]
    for row in rows:
        measure, source = row["measure"], row["fitted_on"]
        row["name"] = METRIC_NAMES.get(measure, f"fusion {measure}")
        row["fitted_on"] = f"from {source}" if isinstance(source, str) else ""
    return Validation(dataset, int(found["images"].iloc[0]), tuple(rows))
