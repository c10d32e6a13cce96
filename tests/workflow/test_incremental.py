"""An image more, an image less, another image under a name: real runs do again what these concern."""

import copy
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from skimage import data
from workflow_project import TINY, dry_run, make_project, snakemake, tiles

from mosforge.core.layout import shard_of
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import read_table

pytestmark = pytest.mark.slow

TARGETS = ("results/pmos/synthetic.parquet", "results/pretraining/synthetic/pack.parquet")
OF_ONE_SHARD = {"catalogue_shard": 1, "distort": 1, "score": 1, "pack_shard": 1}
OF_ALL = {"catalogue": 1, "fuse": 1, "index_packs": 1}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A project of images in two shards and one distortion type, up to its labels and packs."""
    config = copy.deepcopy(TINY)
    config["sources"]["leakage"] = {"guard": False}
    config["distortions"]["synthetic"] |= {"gaussian_blur": [], "white_noise": []}
    for experiment in config["evaluation"]["experiments"].values():
        experiment["datasets"] = []
    make_project(tmp_path / "mine")
    configure(tmp_path / "mine", config)
    assert run(tmp_path / "mine")["distort"] == 2
    return tmp_path / "mine"


def configure(folder: Path, config: dict[str, Any]) -> None:
    (folder / "tiny.yaml").write_text(yaml.safe_dump(config))


def run(folder: Path) -> Counter[str]:
    """The jobs that a run does, by rule; a second run has nothing to do."""
    result = snakemake(folder, "--nocolor", "--", *TARGETS)
    assert result.returncode == 0, result.stderr[-6000:]
    assert not dry_run(folder, *TARGETS)
    output = result.stdout + result.stderr
    (folder / "output").write_text(output)
    return Counter(re.findall(r"^(?:local)?rule (\w+):$", output, flags=re.MULTILINE))


def labelled(folder: Path) -> list[str]:
    return sorted(read_table(folder / TARGETS[0], LABELS)["image_id"].unique())


def test_an_image_more_less_or_another_is_one_shard_again_and_a_dataset_none(photos: Path) -> None:
    names = [f"astronaut_{i}.png" for i in range(4)]
    assert labelled(photos) == names
    assert {shard_of(name, 2) for name in names} == {0, 1}
    # equal files under two names, wherever they are: the second is left out
    shutil.copy2(photos / "photos/astronaut_3.png", photos / "photos/a copy.png")
    assert run(photos) == OF_ONE_SHARD | OF_ALL
    assert labelled(photos) == ["a copy.png", *names[:3]]
    (photos / "photos/a copy.png").unlink()
    assert run(photos) == OF_ONE_SHARD | OF_ALL
    assert labelled(photos) == names
    replaced = photos / "photos/astronaut_0.png"
    tiles(data.chelsea())[0].save(replaced)  # no image of the dataset that is added below
    assert run(photos) == OF_ONE_SHARD | OF_ALL
    assert labelled(photos) == names
    add_datasets(photos, names)


def add_datasets(photos: Path, names: list[str]) -> None:
    """A further dataset is screened, and only one with some of the images changes labels."""
    config = yaml.safe_load((photos / "tiny.yaml").read_text())
    config["sources"]["leakage"]["guard"] = True
    table2 = config["evaluation"]["experiments"]["table2"]
    configure(photos, config)
    assert run(photos) == {"leaks": 1, "fuse": 1}
    table2["datasets"] = ["rated"]
    config["pmos"] = {"fusion": "mean"}  # which only a second look sees, behind new leaks
    configure(photos, config)
    assert run(photos) == {"dataset": 1, "screen": 1, "leaks": 1, "fuse": 1}
    assert labelled(photos) == names
    (photos / "compressed/again.png").write_bytes((photos / "photos/astronaut_2.png").read_bytes())
    with (photos / "compressed/dmos.csv").open("a") as table:
        table.write("again.png,0.5,again,\n")
    table2["datasets"].append("csiq")
    configure(photos, config)
    # the run cannot know what it will find, and is followed by a second one
    assert run(photos) == {"dataset": 1, "screen": 1, "leaks": 1, "fuse": 1}
    assert labelled(photos) == [*names[:2], names[3]]
    assert "1 of 4 pristine images of photos got no labels" in (photos / "output").read_text()
