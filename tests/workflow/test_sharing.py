"""Results on another machine: nothing in them says where they were made, and they are used elsewhere."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from workflow_project import REPOSITORY, command

from mosforge.cli import main
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import read_table

pytestmark = pytest.mark.slow

MODEL = "results/finetuning/rated/1/efficientnet_lite0/authentic-multitask"
PRETRAINED = "results/pretraining/synthetic/efficientnet_lite0/multitask/model.safetensors"


@pytest.fixture
def elsewhere(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another folder, with the results alone."""
    folder = tmp_path / "deep/below/elsewhere"
    shutil.copytree(project / "results", folder / "results")
    monkeypatch.chdir(folder)
    return folder


def text_of(file: Path) -> str:
    if file.suffix != ".parquet":
        return file.read_bytes().decode("latin-1")
    table = pq.read_table(file, partitioning=None)
    return f"{table.schema.metadata} {table.schema.pandas_metadata} {table.to_pylist()}"


def test_no_result_says_where_it_was_made(project: Path) -> None:
    places = [
        str(place) for place in (project, project.resolve(), REPOSITORY, Path.home()) if place != Path("/")
    ]
    files = [path for path in sorted((project / "results").rglob("*")) if path.is_file()]
    assert {".parquet", ".json", ".md", ".html", ".safetensors", ".csv", ".svg"} <= {
        file.suffix for file in files
    }
    told = {file: place for file in files for place in places if place in text_of(file)}
    assert not told


def test_paths_in_the_labels_begin_at_the_folder_that_holds_results(elsewhere: Path) -> None:
    labels = read_table("results/pmos/synthetic.parquet", LABELS)
    assert all(Path(path).is_file() for path in labels["path"])
    assert {path.split("/")[0] for path in labels["path"]} == {"results"}
    assert {path.split("/")[0] for path in labels["reference"]} == {"photos"}


def test_a_model_scores_elsewhere_as_at_home(
    project: Path, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = str(project / "photos/astronaut_0.png")
    rows = []
    for model in (str(project / MODEL), MODEL):
        assert main(["score", image, "--model", model, "--format", "json"]) == 0
        rows.append(json.loads(capsys.readouterr().out))
    assert rows[0] == rows[1]


def test_labels_train_elsewhere_the_network_that_they_train_at_home(project: Path, elsewhere: Path) -> None:
    shutil.rmtree("results/pretraining/synthetic/efficientnet_lite0")
    words = command(project, "pretraining pretrain --labels results/pmos/synthetic.parquet", PRETRAINED)
    assert main(words) == 0
    assert Path(PRETRAINED).read_bytes() == (project / PRETRAINED).read_bytes()
