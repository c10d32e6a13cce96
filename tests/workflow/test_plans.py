"""Dry runs: what a configuration makes of the workflow, and how a bad one is refused."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from planning import planned_jobs
from workflow_project import REPOSITORY, make_project, planned, snakemake

TARGETS = ("corpus", "screened", "pretrained", "report", "all")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("plans") / "mine")


def full_run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile"), "--directory"]
    return subprocess.run(
        [*command, str(folder), "--dry-run", "--quiet", "host", "--nocolor", *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_full_configuration_builds_all_targets_and_lists_what_is_missing(tmp_path: Path) -> None:
    result = full_run("--", *TARGETS, folder=tmp_path)
    jobs = planned(result)
    assert [jobs[target] for target in TARGETS] == [1] * len(TARGETS)
    shards = 64 + 128  # 4,744 and 17,125 images in shards of about 100
    assert jobs["distort"] == jobs["score"] == jobs["pack_shard"] == 9 * shards
    assert jobs["pretrain"] == 2 * 4  # the ablation: two backbones, four objectives, synthetic corpus
    assert f"mosforge: warning: {tmp_path} has no run.yaml" in result.stderr
    message = result.stderr.rpartition("Not all that the configuration names is here:")[2]
    for name in ("waterloo", "live", "csiq", "tid2013", "livec", "koniq10k"):
        assert message.count(f" {name} ") == 1
    assert message.count("resources/datasets/") == 5
    assert "Traceback" not in message


@pytest.mark.slow
def test_an_experiment_that_was_asked_for_and_has_no_dataset_is_an_error(tmp_path: Path) -> None:
    result = full_run("--", "table2", folder=tmp_path)
    assert result.returncode == 1
    (sentence,) = (line for line in result.stderr.splitlines() if line.startswith("mosforge: error: "))
    assert "nothing of the experiment table2 can be done: dataset livec is left out" in sentence
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("text", ["", "- a list\n", "sources: [\n"])
def test_a_run_yaml_that_is_no_configuration_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.yaml").write_text(text)
    result = full_run("--", "report", folder=tmp_path)
    assert result.returncode == 1
    assert "mosforge: error: run.yaml: not " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_target_that_is_none_is_named_last_with_the_nearest(folder: Path) -> None:
    result = snakemake(folder, "--dry-run", "--", "tabel1", "labels.csv")
    assert result.returncode == 1
    last = result.stderr.rstrip().rpartition("\n")[2]
    assert last.startswith("mosforge: error: tabel1: no target of this run; did you mean 'table1'?")


@pytest.mark.slow
def test_planning_touches_no_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    archived = {"distortions": {"corpora": {"synthetic": {"sources": ["voc2012"]}}}}
    weights = {"pretraining": {"backbones": {"efficientnet_lite0": "timm"}}}
    few = {"sources": {"collections": {"voc2012": {"images": 3}}}}
    rules = {job.rule for job in planned_jobs(folder, archived | weights | few)}
    assert {"fetch_source", "fetch_weights"} <= rules


# tests/plan has what else is refused
BAD = {
    "misspelt key": ({"pretraining": {"epocs": 3}}, "pretraining.epocs: unknown key; did you mean 'epochs'?"),
    "misspelt network": (
        {
            "pretraining": {"backbones": {"resnet5": "none"}},
            "evaluation": {"experiments": {"table2": {"backbones": ["resnet5"]}}},
        },
        "pretraining.backbones.resnet5: backbone 'resnet5' is neither",
    ),
    "experiment with the name of a rule": (
        {
            "evaluation": {
                "experiments": {"split": {"datasets": ["rated"], "backbones": [], "initialisations": []}}
            }
        },
        "evaluation.experiments.split: the workflow has a rule of this name; take another",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_bad_configuration_is_refused_in_one_sentence(name: str, folder: Path) -> None:
    change, sentence = BAD[name]
    (folder / "bad.yaml").write_text(yaml.safe_dump(change))
    result = snakemake(folder, str(folder / "bad.yaml"), "--dry-run")
    assert result.returncode == 1
    told = [line for line in result.stderr.splitlines() if line.startswith("mosforge: error:")]
    assert len(told) == 1
    assert sentence in told[0]
    assert "Traceback" not in result.stderr
