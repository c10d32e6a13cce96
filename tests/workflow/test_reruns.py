"""What runs again after a change, and that nothing else does; planned, on results that are pretended."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from planning import Job, planned_jobs
from rerun_table import CASES, DATA, FAMILIES, TRAININGS, Case, leaves, pattern_of, rendered
from wide_project import make_wide_project
from workflow_project import REPOSITORY

import mosforge
from mosforge.plan import rule_parts

pytestmark = pytest.mark.slow

PACKAGE = Path("package/mosforge")

SCHEMA = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text())


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project with a copy of the package beside it, whose sources the rules watch in place of ours."""
    folder = tmp_path_factory.mktemp("wide") / "mine"
    package = Path(mosforge.__file__).parent
    shutil.copytree(package, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rule_parts, "_package", lambda: PACKAGE)
        yield make_wide_project(folder)


def first_of(jobs: list[Job]) -> list[Job]:
    """The jobs that run because of the change itself; the page prints the configuration."""
    return [job for job in jobs if not job.follows and job.rule != "page"]


def test_every_key_of_the_schema_has_a_row() -> None:
    keys = list(leaves(SCHEMA))
    assert sorted({pattern_of(path, keys) for path in CASES}) == sorted(keys)


def test_the_table_in_the_documentation_is_this_one() -> None:
    assert rendered(leaves(SCHEMA)) in (REPOSITORY / "docs/reruns.md").read_text()


def cases() -> Iterator[Any]:
    """Of the types of a kind, which all have the same rules, the first; the others are exhaustive."""
    seen = set()
    for path, case in CASES.items():
        family = path.rpartition(".")[0]
        known = family in FAMILIES and family in seen
        seen.add(family)
        yield pytest.param(case, id=path, marks=[pytest.mark.exhaustive] if known else [])


@pytest.mark.parametrize("case", list(cases()))
def test_key_reruns_its_rules_and_what_follows(case: Case, wide: Path) -> None:
    jobs = planned_jobs(wide, case.change)
    assert ("page" in {job.rule for job in jobs}) == (case.path != "distortions.keep")
    first = first_of(jobs)
    assert {job.rule for job in first} <= set(case.first) <= {job.rule for job in jobs}
    assert all(case.only in job.output for job in first)


def test_nothing_runs_without_a_change_with_more_cores_or_after_a_touch(wide: Path) -> None:
    assert not planned_jobs(wide)
    assert not planned_jobs(wide, cores=16)
    for path in [*wide.glob("photos/*"), *wide.glob("rated/**/*"), *(wide / PACKAGE).rglob("*.py")]:
        path.touch()
    assert not planned_jobs(wide)


def test_two_values_of_one_type_that_change_places_are_seen(wide: Path) -> None:
    rates = {"backbone": 1.0e-5, "classification": 1.0e-4}
    jobs = planned_jobs(wide, {"pretraining": {"learning_rates": {"synthetic": rates}}})
    assert {job.rule for job in first_of(jobs)} == {"pretrain"}
    levels = {"gaussian_blur": [39, 7]}
    jobs = planned_jobs(wide, {"distortions": {"synthetic": levels}})
    assert {job.rule for job in first_of(jobs)} == {"distort"}


def test_a_further_source_adds_its_shards_alone(wide: Path) -> None:
    change = {"distortions": {"corpora": {"synthetic": {"sources": ["photos", "tiles"]}}}}
    made = [job for job in planned_jobs(wide, change) if job.rule in DATA]
    assert {job.rule for job in made} == set(DATA)
    assert all("/tiles-00000" in job.output and "synthetic/" in job.output for job in made)


ALGORITHMS = {
    "sources/catalogue.py": {"catalogue"},
    "sources/screening.py": {"screen"},
    "distortions/noise.py": {"distort"},
    "metrics/fused/fsim.py": {"score", "score_dataset"},
    "pmos/leaks.py": {"fuse"},
    "pmos/curves.py": {"fuse", "validate"},
    "pmos/validation.py": {"validate"},
    "pmos/diagnostics.py": {"diagnose"},
    "pretraining/packing.py": {"pack_shard", "index_packs"},
    "pretraining/objective.py": set(TRAININGS),
    "training/loop.py": {*TRAININGS, "finetune"},
    "finetuning/registry.py": {"dataset"},
    "finetuning/proxy.py": {"label_proxy"},
    "finetuning/splits.py": {"split"},
    "finetuning/train.py": {"finetune"},
    "evaluation/predictions.py": {"predict"},
    "evaluation/brisque.py": {"brisque"},
    "evaluation/regression.py": {"compare"},
    "statistics/intervals.py": {"correlate"},
    "report/tables.py": {"table"},
    "models/card.py": set(),
    "cli.py": set(),
    "training/progress.py": set(),
}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_an_edit_of_a_file_reruns_its_stage_and_what_follows(name: str, wide: Path) -> None:
    file = wide / PACKAGE / name
    before = file.read_text()
    file.write_text(before + "\n# edited\n")
    jobs = planned_jobs(wide)
    file.write_text(before)
    assert {job.rule for job in first_of(jobs)} <= ALGORITHMS[name] <= {job.rule for job in jobs}


@pytest.mark.parametrize(("key", "value"), [("range", [0, 11]), ("higher_is_better", False)])
def test_what_reads_a_dataset_for_its_pictures_does_not_follow_its_scores(
    key: str, value: object, wide: Path
) -> None:
    jobs = planned_jobs(wide, {"finetuning": {"datasets": {"rated": {key: value}}}})
    rules = {job.rule for job in jobs}
    assert {"dataset", "finetune", "predict"} <= rules
    assert not rules & {"catalogue", "screen", "split", "pack_dataset", *DATA, *TRAININGS}


def test_what_reads_a_dataset_for_its_pictures_follows_them_in_the_same_run(wide: Path) -> None:
    change = {"finetuning": {"datasets": {"rated": {"table": "third.csv"}}}}
    rules = {job.rule for job in planned_jobs(wide, change)}
    assert {"catalogue", "split", "pack_dataset"} <= rules


def test_a_deleted_intermediate_is_made_again_only_if_something_reads_it(wide: Path) -> None:
    file = wide / "results/metrics/synthetic/jpeg/photos-00000.parquet"
    stat = file.stat()
    file.unlink()
    unchanged = planned_jobs(wide)
    needed = planned_jobs(wide, {"pmos": {"fusion": "mean"}})
    file.touch()
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert not unchanged
    scored = [job.output for job in needed if job.rule in DATA]
    assert scored == ["results/metrics/synthetic/jpeg/photos-00000.parquet"]
    assert not planned_jobs(wide)
