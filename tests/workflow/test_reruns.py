"""Which jobs run again when a key of the configuration changes, and that no other does."""

from pathlib import Path

import pytest
import yaml
from planning import planned_jobs
from rerun_table import FIRST, Case, leaves
from workflow_project import REPOSITORY

pytestmark = pytest.mark.slow


def pattern_of(path: str, keys: set[str]) -> str:
    """The key of the schema that a path of a configuration is an instance of."""
    words = path.split(".")
    for key in keys:
        parts = key.split(".")
        if len(parts) == len(words) and all(a in ("*", b) for a, b in zip(parts, words, strict=True)):
            return key
    raise AssertionError(f"{path} is no key of the schema")


def test_every_case_is_about_a_key_of_the_schema() -> None:
    schema = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text())
    keys = set(leaves(schema))
    assert {pattern_of(path, keys) for path in FIRST} <= keys


@pytest.mark.parametrize("case", FIRST.values(), ids=list(FIRST))
def test_key_reruns_its_rules_and_what_follows(case: Case, project: Path) -> None:
    jobs = planned_jobs(project, case.change)
    assert "page" in {job.rule for job in jobs}
    first = [job for job in jobs if not job.follows and job.rule != "page"]
    assert {job.rule for job in first} == set(case.first)
    assert all(case.only in job.output for job in first)
