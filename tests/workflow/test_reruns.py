"""What runs again after a change, and that nothing else does; planned, on results that are pretended."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from planning import Job, hidden_rules, planned_jobs
from rerun_table import CASES, DATA, FAMILIES, TRAININGS, Case, leaves, pattern_of, rendered
from wide_project import make_wide_project
from workflow_project import REPOSITORY

import mosforge
from mosforge.jobs import RULES
from mosforge.plan import rule_parts
from mosforge.plan.code import PACKAGE, Code, read_package

pytestmark = pytest.mark.slow

SCHEMA = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text())


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_wide_project(tmp_path_factory.mktemp("wide") / "mine")


@pytest.fixture(scope="module")
def with_every_rule(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wide project with a sanity of its models, which forbids some changes of its other keys."""
    return make_wide_project(tmp_path_factory.mktemp("with_every_rule") / "mine", sanity="fresh")


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
    for path in [*wide.glob("photos/*"), *wide.glob("rated/**/*")]:
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


RULE_OF = {f"{stage}.{rule}": rule for stage, rules in RULES.items() for rule in rules}

CODE = Code.installed()


READERS = {"screen", "contents", "split", "split_across", "pack_dataset"}
"""Rules that read a dataset's table only for its images."""

LAYOUTS = {f"{PACKAGE}.finetuning.datasets.{layout}" for layout in ("kadid10k", "table")}
"""The modules of the layouts that the datasets of the project have: the rule `dataset` counts these."""


def rules_that_import(module: str) -> set[str]:
    """The rules whose job imports a module of the package, directly or not."""
    rules = {rule for job, rule in RULE_OF.items() if module in CODE.modules(f"{PACKAGE}.{job}")}
    rules |= {"dataset"} if any(module in CODE.modules(layout) for layout in LAYOUTS) else set()
    others = {"pretrain": "pretrain_authentic", "features": "features_on_split"}
    return rules | {other for rule, other in others.items() if rule in rules}


def planned_after(edit: Callable[[str], str], module: str, folder: Path) -> list[Job]:
    """The jobs that are planned after an edit of a module of the package, which is made in memory."""
    texts, data = read_package(Path(mosforge.__file__).parent)
    assert edit(texts[module]) != texts[module]
    texts[module] = edit(texts[module])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rule_parts, "_CODE", Code(texts, data))
        return planned_jobs(folder)


def with_another_statement(text: str) -> str:
    return text + "\nEDITED = 1\n"


def with_another_word(text: str) -> str:
    """The module with another first docstring and one more comment."""
    return text.replace('"""', '"""Edited: ', 1) + "\n# edited\n"


def modules() -> Iterator[Any]:
    """Of each room of the package two modules; the others are exhaustive.

    tests/plan/test_code.py looks at the digests after an edit of every module.
    """
    seen: Counter[str] = Counter()
    for name in sorted(CODE.texts, reverse=True):
        room = ".".join(name.split(".")[:2])
        seen[room] += 1
        is_chosen = seen[room] <= 2 or name.rpartition(".")[2] in {"images", "crops"}
        yield pytest.param(name, marks=[] if is_chosen else [pytest.mark.exhaustive])


@pytest.mark.parametrize("module", list(modules()))
def test_an_edit_of_prose_plans_nothing_and_one_of_code_what_imports_the_module(
    module: str, with_every_rule: Path
) -> None:
    assert not planned_after(with_another_word, module, with_every_rule)
    jobs = planned_after(with_another_statement, module, with_every_rule)
    rules = rules_that_import(module)
    # rules that read a dataset's table for its images only stand for the code that writes it
    readers = {"catalogue_shard", *READERS} if "dataset" in rules else set()
    assert rules <= {job.rule for job in jobs}
    assert {job.rule for job in jobs if not job.follows} <= rules | readers


def test_an_edit_of_a_layout_reads_only_its_own_datasets_again(wide: Path) -> None:
    jobs = planned_after(with_another_statement, f"{PACKAGE}.finetuning.datasets.kadid10k", wide)
    first = [job for job in jobs if not job.follows]
    assert {job.rule for job in first} <= {"dataset", *READERS}
    assert all("/official" in job.output for job in first)
    assert not planned_after(with_another_statement, f"{PACKAGE}.finetuning.datasets.csiq", wide)
    assert not planned_after(with_another_statement, f"{PACKAGE}.finetuning.registry", wide)


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


EDITS = {
    "half of all labels are dropped": (
        "pmos.fuse",
        replaced("write_table(output, LABELS, labels", "write_table(output, LABELS, labels[::2]"),
        {"fuse", "diagnose", "pretrain", "finetune", "predict", "correlate", "page"},
    ),
    "only the first table of leaks is read": (
        "sources.leaks",
        replaced("for table in tables", "for table in tables[:1]"),
        {"leaks"},  # labels follow if other images are found
    ),
    "images are packed in reverse": (
        "finetuning.pack_dataset",
        replaced('["path"].tolist()', '["path"].tolist()[::-1]'),
        {"pack_dataset", "finetune", "predict"},
    ),
    "short tables are skipped": (
        "evaluation.correlate",
        replaced("len(table) < FEWEST_TESTED", "len(table) < 100"),
        {"correlate", "table", "page"},
    ),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_that_changes_results_runs_its_rule_and_what_follows(what: str, wide: Path) -> None:
    job, edit, expected = EDITS[what]
    jobs = planned_after(edit, f"{PACKAGE}.{job}", wide)
    assert {planned.rule for planned in jobs if not planned.follows} <= {RULE_OF[job]}
    assert expected <= {planned.rule for planned in jobs}


@pytest.mark.parametrize(("key", "value"), [("range", [0, 11]), ("higher_is_better", False)])
def test_what_reads_a_dataset_for_its_images_does_not_follow_its_scores(
    key: str, value: object, wide: Path
) -> None:
    jobs = planned_jobs(wide, {"finetuning": {"datasets": {"rated": {key: value}}}})
    rules = {job.rule for job in jobs}
    assert {"dataset", "finetune", "predict"} <= rules
    assert not rules & {"catalogue_shard", "catalogue", *READERS, *DATA, *TRAININGS}


def test_what_reads_a_dataset_for_its_images_follows_them_in_the_same_run(wide: Path) -> None:
    change = {"finetuning": {"datasets": {"rated": {"table": "third.csv"}}}}
    rules = {job.rule for job in planned_jobs(wide, change)}
    assert {"contents", "split", "pack_dataset"} <= rules
    # a source of its images is a list of files, which are the same
    assert not rules & {"catalogue_shard", *DATA}


def test_jobs_behind_an_edited_dataset_are_looked_at_once_more(wide: Path) -> None:
    """A run that writes a dataset's table plans no new labels, so a second run is to look for them."""
    fusion = {"pmos": {"fusion": "mean"}}
    edited = {"finetuning": {"datasets": {"rated": {"range": [0, 11]}}}}
    assert "fuse" not in {job.rule for job in planned_jobs(wide, fusion | edited)}
    assert "fuse" in hidden_rules(wide, fusion | edited)
    assert not hidden_rules(wide, fusion)


def test_another_image_of_a_dataset_is_read_by_its_shard_in_the_same_run(wide: Path) -> None:
    image = next((wide / "rated/pictures").iterdir())
    before, stat = image.read_bytes(), image.stat()
    image.write_bytes(before + b"another")
    rules = {job.rule for job in planned_jobs(wide)}
    image.write_bytes(before)
    os.utime(image, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert {"dataset", "catalogue_shard", "distort", "pretrain_authentic"} <= rules


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
