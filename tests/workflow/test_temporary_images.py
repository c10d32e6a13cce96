"""A run that does not keep its distorted images: they go, and all that was made of them stays."""

import re
from pathlib import Path

import pytest
import yaml
from planning import planned_jobs
from workflow_project import TINY, dry_run, make_project, snakemake

from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.schemas.targets import TARGET_SCORES
from mosforge.core.tables import read_table

pytestmark = pytest.mark.slow

PACKS = ("results/pretraining/synthetic/pack.parquet", "results/finetuning/stand_in/pack.parquet")
SCORES = "results/metrics/targets/stand_in.parquet"
TARGETS = ("corpus", *PACKS, SCORES)


def shards(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob("results/distortions/*/*/*/manifest.parquet"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_project(tmp_path_factory.mktemp("temporary") / "mine")
    distortions = TINY["distortions"] | {"keep": False}
    sources = TINY["sources"] | {"leakage": {"guard": False}}  # it reads only pristine images
    config = TINY | {"distortions": distortions, "sources": sources}
    (folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    result = snakemake(folder, "--", *TARGETS)
    assert result.returncode == 0, result.stderr[-6000:]
    (folder / "log.txt").write_text(result.stderr)
    return folder


def test_no_image_stays_and_all_that_reads_them_is_there(folder: Path) -> None:
    assert not shards(folder)
    for target in PACKS:
        assert len(read_table(folder / target, PACK)) > 0
    assert len(read_table(folder / SCORES, TARGET_SCORES)) > 0
    labels = read_table(folder / "results/pmos/synthetic.parquet", LABELS)
    assert len(labels) == 4 * 6


def test_a_shard_is_read_before_the_next_is_made(folder: Path) -> None:
    # what a proxy dataset scores must all be there at once; of the other corpora one shard is at a time
    log = (folder / "log.txt").read_text()
    there, most = set(), 0
    for line in log.splitlines():
        if made := re.search(r"distortions distort .*--output (results/distortions/(\w+)/\S+)", line):
            if made[2] != "mixtures":
                there.add(made[1])
        elif gone := re.search(r"Removing temporary output (results/distortions/\S+?)\.?$", line):
            there.discard(gone[1])
        most = max(most, len(there))
    assert most == 1


def test_a_second_run_plans_nothing(folder: Path) -> None:
    assert not dry_run(folder, *TARGETS)


def test_kept_again_an_image_is_made_when_a_target_reads_it(folder: Path) -> None:
    keep = {"distortions": {"keep": True}}
    assert not planned_jobs(folder, keep, *TARGETS)
    later = "results/pretraining/synthetic/packs/jpeg/photos-00000.parquet"
    (folder / later).unlink()
    made = [(job.rule, job.output) for job in planned_jobs(folder, keep, later)]
    shard = "results/distortions/synthetic/jpeg/photos-00000"
    assert made == [("distort", shard), ("pack_shard", later)]
