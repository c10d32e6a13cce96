"""A run that does not keep its distorted images: they go, and all that was made of them stays."""

import copy
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from planning import planned_jobs
from workflow_project import TINY, dry_run, make_project, snakemake

from mosforge.core.files import read_json
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.schemas.sanity import SANITY as SANITY_SCORES
from mosforge.core.schemas.targets import TARGET_SCORES
from mosforge.core.tables import read_table

pytestmark = pytest.mark.slow

PACKS = ("results/pretraining/synthetic/pack.parquet", "results/finetuning/stand_in/pack.parquet")
SCORES = "results/metrics/targets/stand_in.parquet"
SANITY = "results/evaluation/sanity/pretraining/synthetic/efficientnet_lite0/multitask.parquet"
TABLE = "results/report/tables/frozen.sanity.csv"
TARGETS = ("corpus", *PACKS, SCORES, SANITY, TABLE)


def shards(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob("results/distortions/*/*/*/manifest.parquet"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_project(tmp_path_factory.mktemp("temporary") / "mine")
    config = copy.deepcopy(TINY)
    config["distortions"]["keep"] = False
    config["sources"]["leakage"] = {"guard": False}  # it reads only pristine images
    # the sanity of one model, on images of their own that are temporary too
    shutil.copytree(folder / "photos", folder / "fresh")
    config["sources"]["collections"]["fresh"] = {"folder": "fresh"}
    config["distortions"]["corpora"]["fresh"] = {"kind": "synthetic", "sources": ["fresh"]}
    config["distortions"]["synthetic"]["undistorted"] = [0]
    config["evaluation"]["sanity"] = "fresh"
    zero_shot = {"datasets": ["stand_in"], "initialisations": ["multitask"], "adaptations": ["none"]}
    config["evaluation"]["experiments"]["frozen"] |= zero_shot
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
    assert len(labels) == 4 * 7
    assert (labels.query("group == 'undistorted'")["pmos"] == 1).all()
    card = read_json(folder / "results/pretraining/synthetic/efficientnet_lite0/multitask/card.json")
    assert card["classes"][-1] == "undistorted"
    rows = read_table(folder / SANITY, SANITY_SCORES)
    assert len(rows) == 4 * 7
    assert rows["told_type"].notna().all()
    shares = read_json((folder / SANITY).with_suffix(".json"))
    assert shares["all"]["falls"]["count"] == 4 * 3
    table = pd.read_csv(folder / TABLE).set_index("share")
    assert set(table.loc["pmos", "method"]) == {"CLS+REG, zero-shot"}
    assert table.loc["pmos", "count"].max() == 4 * 7, "all of them are labelled, and nothing is left out"


def test_a_shard_is_read_before_the_next_is_made(folder: Path) -> None:
    # what a proxy dataset or a rule `sanity` scores must all be there at once; of the others, one shard is
    log = (folder / "log.txt").read_text()
    there, most = set(), 0
    for line in log.splitlines():
        if made := re.search(r"distortions distort .*--output (results/distortions/(\w+)/\S+)", line):
            if made[2] not in ("mixtures", "fresh"):
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
