"""Runs that are killed at random moments, and then gone on with by the same command."""

import random
import re
import shutil
import statistics
from collections.abc import Iterable
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM, Signals

import pytest
from stopping import Stop, assert_same, half_written, run_until_stopped
from workflow_project import REPOSITORY, dry_run, make_project

pytestmark = pytest.mark.slow

# What the sample makes again: a distortion type, and what follows from it for one of the experiments, whose
# fine-tunings all rehearse the corpus.
FROM_JPEG = (
    "results/distortions/synthetic/jpeg",
    "results/metrics/synthetic/jpeg",
    "results/pmos/synthetic.parquet",
    "results/pretraining/synthetic/packs/jpeg",
    "results/pretraining/synthetic/pack.parquet",
    "results/pretraining/synthetic/efficientnet_lite0/multitask",
    "results/finetuning/stand_in/1/efficientnet_lite0",
    "results/finetuning/rated/1/efficientnet_lite0",
    "results/evaluation/stand_in/1/efficientnet_lite0",
    "results/evaluation/rated/1/efficientnet_lite0/imagenet/finetune",
    "results/evaluation/rated/1/efficientnet_lite0/authentic-multitask/finetune",
    "results/evaluation/table2.parquet",
    "results/report/tables/table2.csv",
    "results/report/tables/table2.md",
)
SAMPLE = {"distort": SIGKILL, "score": SIGTERM, "pretrain": SIGKILL, "finetune": SIGINT, "correlate": SIGKILL}
OUT_OF_MEMORY = {"fuse": Stop(1, 0.2, SIGKILL, job_alone=True)}

KILLS = 20


def stage_of(rule: str) -> str:
    """The stage whose rule file has a rule; the rules that only name targets are in none of its commands."""
    for file in (REPOSITORY / "workflow/rules").glob("*.smk"):
        if re.search(rf"^(?:use rule \w+ as {rule}|rule {rule}\b)", file.read_text(), flags=re.MULTILINE):
            return file.stem
    return "common"


def stops(
    signals: dict[str, Signals], project: Path, jobs: dict[str, int], rng: random.Random
) -> dict[str, Stop]:
    """A random job of each rule, and a random moment in the time that such a job took undisturbed."""
    return {
        rule: Stop(rng.randint(1, jobs[rule]), rng.random() * usual_seconds(project, rule), signal)
        for rule, signal in signals.items()
    }


def usual_seconds(project: Path, rule: str) -> float:
    files = (project / "results/benchmarks" / rule).rglob("*.tsv")
    return statistics.mean(float(file.read_text().splitlines()[1].split("\t")[0]) for file in files)


def rules_with_jobs(project: Path) -> Iterable[str]:
    return sorted(path.name for path in (project / "results/benchmarks").iterdir())


def go_on_until_the_end(folder: Path, left: dict[str, Stop], target: str) -> list[str]:
    """Runs the same command again and again; each stop that is left stops one of the runs."""
    stopped = []
    while True:
        before = dict(left)
        rule, text = run_until_stopped(folder, left, target)
        if rule is None:
            return stopped
        stopped.append(rule)
        if before[rule].job_alone:
            assert "SIGKILL" in text, "the job's end is told as what it was"
        if before[rule].signal != SIGKILL:
            assert not half_written(folder)
            assert "Traceback" not in text


def test_a_run_that_is_killed_and_interrupted_ends_as_an_undisturbed_one(
    project: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(project, folder, copy_function=shutil.copy2)
    for name in FROM_JPEG:
        shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()
    left = stops(SAMPLE, project, dry_run(folder, "table2"), random.Random(7)) | OUT_OF_MEMORY
    assert sorted(go_on_until_the_end(folder, left, "table2")) == sorted({*SAMPLE, *OUT_OF_MEMORY})
    assert_same(folder, project)
    assert not dry_run(folder, "table2")


@pytest.mark.exhaustive
def test_a_run_that_is_killed_twenty_times_ends_as_an_undisturbed_one(project: Path, tmp_path: Path) -> None:
    folder = make_project(tmp_path / "mine")
    rng = random.Random(20)
    rules = rng.sample(list(rules_with_jobs(project)), KILLS)
    assert len({stage_of(rule) for rule in rules}) == 8, "kills are spread over all stages"
    left = stops(dict.fromkeys(rules, SIGKILL), project, dry_run(folder), rng)
    assert sorted(go_on_until_the_end(folder, left, "all")) == sorted(rules)
    assert_same(folder, project)
    assert not dry_run(folder)
