"""The whole workflow as Slurm jobs, on a cluster of one node, beside a run on this machine alone."""

import copy
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file
from slurm_cluster import Cluster, Job, missing_program, running_cluster
from workflow_project import NETWORK, REPOSITORY, TINY, dry_run, make_project, snakemake

from mosforge.cli import main
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import read_table

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

PROFILE = REPOSITORY / "workflow/profiles/slurm"
TRAININGS = ("pretrain", "finetune", "predict")

# What a site's own file holds: its partitions. One thread where more would cost or change something; small
# jobs that follow one another share a Slurm job.
SITE = {
    "default-resources": {"slurm_partition": "short", "mem_mb": 2000, "runtime": 30},
    "set-resources": {rule: {"slurm_partition": "accelerated"} for rule in TRAININGS},
    "latency-wait": 120,
    "set-threads": dict.fromkeys(("catalogue", "screen", "contents", "score", *TRAININGS), 1),
    "groups": {
        **dict.fromkeys(("dataset", "contents", "split", "pack_dataset", "screen", "leaks"), "target"),
        **dict.fromkeys(("fuse", "diagnose"), "labels"),
        **dict.fromkeys(("correlate", "table", "page"), "results"),
    },
}
SLURM_JOBS = {
    *(
        "catalogue_shard",
        "catalogue",
        "target_contents_dataset_leaks_pack_dataset_screen_...",
        "distort",
        "score",
        "pack_shard",
    ),
    *("labels_diagnose_fuse", "index_packs", *TRAININGS, "results_correlate_page_table"),
}


def one_of_each() -> dict[str, object]:
    """The smallest configuration that passes through all eight stages: two shards, one network."""
    config = copy.deepcopy(TINY)
    config["sources"] = {"collections": {"photos": {"folder": "photos"}}}
    config["distortions"]["corpora"] = {"synthetic": {"sources": ["photos"]}}
    config["distortions"]["synthetic"]["white_noise"] = []
    rated = config["finetuning"]["datasets"]["rated"] | {"corpus": "synthetic"}
    config["finetuning"]["datasets"] = {"rated": rated}
    experiment = {**NETWORK, "datasets": ["rated"], "initialisations": ["multitask"]}
    names = config["evaluation"]["experiments"]
    not_wanted: dict[str, object] = {name: {**NETWORK, "datasets": []} for name in names}
    config["evaluation"]["experiments"] = {**not_wanted, "within": experiment}
    return config


# The plugin asks Slurm ever more rarely while no job ends, up to every three minutes; here each second.
IMPATIENT_SNAKEMAKE = """
from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

Executor.next_seconds_between_status_checks = property(lambda self: 1, lambda self, seconds: None)
main()
"""


@dataclass(frozen=True)
class Runs:
    """The same project run twice.

    Attributes:
        local: where it ran on this machine alone.
        slurm: where it ran as Slurm jobs.
        jobs: these jobs.
    """

    local: Path
    slurm: Path
    jobs: list[Job]

    def of(self, rule: str) -> list[Job]:
        return [job for job in self.jobs if job.rule == rule]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    missing = missing_program()
    if missing:
        pytest.skip(f"{missing} is not installed (Debian's package slurm-wlm)")
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def runs(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """One run as Slurm jobs, whose pretraining is cancelled once, and one on this machine beside it."""
    folder = tmp_path_factory.mktemp("runs")
    projects = {name: make_project(folder / name) for name in ("local", "slurm")}
    for project in projects.values():
        (project / "tiny.yaml").write_text(yaml.safe_dump(one_of_each()))
    with ThreadPoolExecutor() as beside:
        local = beside.submit(snakemake, projects["local"], "--", "all")
        slurm = beside.submit(run_on, cluster, projects["slurm"])
        started = projects["slurm"] / "logs/pretraining/synthetic/efficientnet_lite0/multitask.log"
        while not slurm.done() and not started.exists():
            time.sleep(0.1)
        for job in cluster.jobs():
            if job.rule == "pretrain":
                cluster.ask("scancel", str(job.number))
    assert local.result().returncode == 0, local.result().stderr[-6000:]
    assert slurm.result().returncode == 0, slurm.result().stderr[-6000:]
    return Runs(projects["local"], projects["slurm"], cluster.jobs())


def run_on(cluster: Cluster, project: Path) -> subprocess.CompletedProcess[str]:
    """Runs snakemake as the README says for a cluster."""
    (project / "site.yaml").write_text(yaml.safe_dump(SITE))
    command = [sys.executable, "-c", IMPATIENT_SNAKEMAKE, "--snakefile", str(REPOSITORY / "Snakefile")]
    command += ["--directory", str(project), "--configfile", str(project / "tiny.yaml")]
    command += ["--profile", str(PROFILE), "--workflow-profile", str(project / "site.yaml"), "--", "all"]
    environment = {**cluster.environment, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=1200
    )


def files_of(project: Path) -> dict[str, bytes]:
    """What the data stages wrote, by name."""
    results = project / "results"
    stages = [
        "sources",
        "distortions",
        "metrics",
        "pmos",
        "pretraining/synthetic/pack*",
        "finetuning/rated/*",
    ]
    paths = [path for stage in stages for top in results.glob(stage) for path in (top, *top.rglob("*"))]
    data = [path for path in paths if path.is_file() and "efficientnet_lite0" not in path.parts]
    return {str(path.relative_to(results)): path.read_bytes() for path in data}


def test_nothing_limits_the_number_of_jobs_while_there_are_arrays() -> None:
    """The plugin never submits the jobs of an array's rule that it is handed only a part of."""
    profile = yaml.safe_load((PROFILE / "config.yaml").read_text())
    assert profile["slurm-array-jobs"]
    assert profile["jobs"] == "unlimited"
    assert int(profile["max-jobs-per-timespan"].removesuffix("/1s")) >= 1_000_000


def test_every_stage_ran_as_slurm_jobs(runs: Runs) -> None:
    assert {job.rule for job in runs.jobs} == SLURM_JOBS
    assert all(job.state == "COMPLETED" for job in runs.jobs if job.rule != "pretrain")


def test_shards_are_tasks_of_arrays(runs: Runs) -> None:
    assert [job.array for job in runs.of("distort")] == [True, True]


def test_jobs_ask_for_what_their_rule_says(runs: Runs) -> None:
    for job in runs.of("pack_shard"):
        assert (job.cpus, job.minutes) == (4, 60)
        assert job.memory_mb in (2000, 2001)  # the plugin adds a megabyte for the list of an array


def test_trainings_and_nothing_else_asked_for_a_gpu(runs: Runs) -> None:
    assert {job.rule: job.gpus for job in runs.jobs if job.gpus} == dict.fromkeys(TRAININGS, 1)
    assert {job.rule for job in runs.jobs if job.partition == "accelerated"} == set(TRAININGS)
    assert {job.partition for job in runs.jobs} == {"short", "accelerated"}


def test_a_cancelled_job_runs_again_with_more_memory_and_the_same_time(runs: Runs) -> None:
    first, second = runs.of("pretrain")
    assert (first.state, second.state) == ("CANCELLED", "COMPLETED")
    assert (first.memory_mb, second.memory_mb) == (16000, 32000)
    assert (first.minutes, second.minutes) == (2880, 2880)


def test_data_stages_wrote_the_same_bytes_as_on_one_machine(runs: Runs) -> None:
    slurm, local = files_of(runs.slurm), files_of(runs.local)
    assert slurm.keys() == local.keys()
    assert [name for name in slurm if slurm[name] != local[name]] == []
    for name in ("distortions/synthetic/jpeg/photos-00000/manifest.parquet", "pmos/synthetic.parquet"):
        assert name in slurm
    assert {"pretraining/synthetic/pack.parquet", "finetuning/rated/pack.pixels"} < slurm.keys()


def test_correlations_are_those_of_one_machine(runs: Runs) -> None:
    path = "results/evaluation/within.parquet"
    slurm, local = (read_table(project / path, CORRELATIONS) for project in (runs.slurm, runs.local))
    assert len(slurm) > 0
    pd.testing.assert_frame_equal(slurm, local)


def test_a_run_on_this_machine_then_plans_nothing(runs: Runs) -> None:
    assert not dry_run(runs.slurm)


def test_two_processes_train_in_a_slurm_job_what_one_trains(
    cluster: Cluster, runs: Runs, tmp_path: Path
) -> None:
    """A process for each GPU that Slurm gave; on the CPU, so in a network without batch normalisation."""
    pretraining = runs.local / "results/pretraining/synthetic"
    cfg = read_stamp(pretraining / "efficientnet_lite0/multitask/history.parquet")["cfg"]
    weights = str(tmp_path / "weights.safetensors")
    fetching = ["pretraining", "fetch_weights", "--backbone", "test_convnext", "--source", "none"]
    assert main([*fetching, "--output", weights]) == 0
    words = ["pretraining", "pretrain", "--labels", str(runs.local / "results/pmos/synthetic.parquet")]
    words += ["--pack", str(pretraining / "pack.parquet"), "--weights", weights, "--device", "cpu"]
    words += ["--cfg", json.dumps(cfg | {"backbone": "test_convnext"})]
    torchrun = [str(Path(sys.executable).parent / "torchrun"), "--redirects", "3"]
    torchrun += ["--log-dir", str(tmp_path / "processes")]
    training = shlex.join(["-m", "mosforge", *words, "--output", str(tmp_path / "two")])
    line = f'{shlex.join(torchrun)} --nproc-per-node "$SLURM_GPUS" {training}'
    said = tmp_path / "said.log"
    options = ["--gpus=2", "--partition=accelerated", "--cpus-per-task=2", "--mem=8000", "--time=30"]
    cluster.ask(
        "sbatch", *options, f"--output={said}", f"--chdir={runs.local}", "--wrap", f"env | grep CUDA; {line}"
    )
    command = [sys.executable, "-m", "mosforge", *words, "--output", str(tmp_path / "one")]
    subprocess.run(command, cwd=runs.local, check=True, capture_output=True)
    while cluster.jobs()[-1].state in ("PENDING", "RUNNING", "COMPLETING"):
        time.sleep(0.2)
    assert cluster.jobs()[-1].state == "COMPLETED", said.read_text()
    assert "CUDA_VISIBLE_DEVICES=0,1" in said.read_text()
    assert {path.name for path in tmp_path.glob("processes/*/attempt_0/*")} >= {"0", "1"}
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-4, atol=1e-5)
