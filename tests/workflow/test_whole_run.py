"""One real run of a small configuration through all stages, looked at from all sides."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from PIL import Image
from skimage import data
from workflow_project import REPOSITORY, dry_run, snakemake

from mosforge import Scorer
from mosforge.cli import main
from mosforge.core.files import digest, sha256_of_file
from mosforge.core.packs import locate
from mosforge.core.schemas import Artefact
from mosforge.core.schemas.correlations import CORRELATIONS, VALIDATION
from mosforge.core.schemas.datasets import DATASET, FILES_OF_DATASET, SPLIT
from mosforge.core.schemas.distortions import MANIFEST
from mosforge.core.schemas.metrics import METRIC_SCORES
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.schemas.predictions import PREDICTIONS
from mosforge.core.schemas.sources import CATALOGUE, EXCLUDED, FILES
from mosforge.core.schemas.targets import BRISQUE_FEATURES, TARGET_SCORES
from mosforge.core.schemas.training import HISTORY
from mosforge.core.tables import read_table
from mosforge.pretraining.pretrain import keep_training_part

pytestmark = pytest.mark.slow

MODEL = "results/finetuning/rated/1/efficientnet_lite0/authentic-multitask"

ARTEFACTS = {
    "results/sources/shards/photos-00000.parquet": FILES,
    "results/sources/photos.parquet": CATALOGUE,
    "results/sources/photos.excluded.parquet": EXCLUDED,
    "results/distortions/synthetic/jpeg/photos-00001/manifest.parquet": MANIFEST,
    "results/distortions/authentic/authentic/rated-00000/manifest.parquet": MANIFEST,
    "results/metrics/synthetic/gaussian_blur/photos-00000.parquet": METRIC_SCORES,
    "results/pmos/synthetic.parquet": LABELS,
    "results/pmos/authentic.parquet": LABELS,
    "results/metrics/targets/stand_in.parquet": TARGET_SCORES,
    "results/pmos/validation/stand_in.parquet": VALIDATION,
    "results/pretraining/synthetic/pack.parquet": PACK,
    "results/pretraining/synthetic/efficientnet_lite0/multitask/history.parquet": HISTORY,
    "results/pretraining/authentic/rated/1/efficientnet_lite0/multitask/history.parquet": HISTORY,
    "results/finetuning/rated/dataset.parquet": DATASET,
    "results/finetuning/rated/files.parquet": FILES_OF_DATASET,
    "results/finetuning/rated/1/split.parquet": SPLIT,
    f"{MODEL}/history.parquet": HISTORY,
    "results/evaluation/rated/1/efficientnet_lite0/authentic-multitask/finetune/rated.parquet": PREDICTIONS,
    "results/evaluation/rated/full/efficientnet_lite0/authentic-multitask/finetune/csiq.parquet": PREDICTIONS,
    "results/evaluation/stand_in/1/none/psnr/none/stand_in.parquet": PREDICTIONS,
    "results/evaluation/rated/1/none/brisque/none/rated.parquet": PREDICTIONS,
    "results/evaluation/rated/full/none/brisque/none/csiq.parquet": PREDICTIONS,
    "results/evaluation/brisque/rated.parquet": BRISQUE_FEATURES,
    "results/evaluation/table2.parquet": CORRELATIONS,
}


@pytest.mark.parametrize(("path", "artefact"), ARTEFACTS.items())
def test_artefact_has_its_schema(project: Path, path: str, artefact: Artefact) -> None:
    frame = read_table(project / path, artefact)
    assert list(frame.columns) == artefact.columns
    assert len(frame) > 0


def test_every_class_of_every_image_is_labelled(project: Path) -> None:
    labels = read_table(project / "results/pmos/synthetic.parquet", LABELS)
    assert len(labels) == 4 * 6  # four readable images, six classes
    assert sorted(labels["class_index"].unique()) == list(range(6))
    assert (labels.groupby("class_index").size() == 4).all()
    assert labels["pmos"].between(0, 1).all()


def test_a_run_begins_with_an_estimate_and_ends_with_its_numbers_and_paths(project: Path) -> None:
    log, end = ((project.parent / name).read_text() for name in ("log.txt", "end.txt"))
    (estimate,) = (line for line in log.splitlines() if line.startswith("Estimate: "))
    assert re.search(
        r"[1-9]\d* distorted images, [1-9][\d,]* crops to train on and [1-9]\d* to score", estimate
    )
    assert log.index(estimate) < log.index("Shell command:")
    assert re.search(r"^csiq +csiq +efficientnet_lite0 +CLS\+REG ", end, flags=re.MULTILINE)
    for made in ("tables/table1.csv", "tables/table3.csv", "index.html"):
        assert f"{project}/results/report/{made}" in end
    (model,) = re.findall(r"mosforge score IMAGE --model (\S+)", end)
    assert (Path(model) / "model.safetensors").exists()


def test_unreadable_image_is_set_aside_with_its_reason(project: Path) -> None:
    excluded = read_table(project / "results/sources/photos.excluded.parquet", EXCLUDED)
    assert excluded["image_id"].tolist() == ["broken.jpg"]
    assert "not an image" in excluded["reason"].iloc[0]


def test_images_named_in_the_labels_are_there(project: Path) -> None:
    labels = read_table(project / "results/pmos/authentic.parquet", LABELS)
    assert all((project / path).is_file() for path in labels["path"])
    assert all((project / path).is_file() for path in labels["reference"])


def test_no_test_image_reaches_any_pretraining(project: Path) -> None:
    dataset = read_table(project / "results/finetuning/rated/dataset.parquet", DATASET)
    cards = sorted((project / "results/pretraining").rglob("card.json"))
    used_splits = [path.parts[-4] for path in cards if path.parts[-5] == "rated"]
    assert used_splits == ["1", "full"], "two were pretrained on the images of the dataset"
    for path in cards:
        card = json.loads(path.read_text())
        if card.get("split") == "full":  # that one is tested on other datasets
            continue
        split = read_table(project / "results/finetuning/rated/1/split.parquet", SPLIT)
        tested = set(split.loc[split["part"] == "test", "image"])
        tested_files = {
            sha256_of_file(project / path) for path in dataset["path"][dataset["image"].isin(tested)]
        }
        assert len(tested_files) == len(tested) > 0
        corpus = card["corpus"]
        labels = read_table(project / f"results/pmos/{corpus}.parquet", LABELS)
        used = keep_training_part(labels, card["sources"], split) if "split" in card else labels
        pack = read_table(project / f"results/pretraining/{corpus}/pack.parquet", PACK)
        seen = locate(used, pack)
        assert card["pictures"] == len(seen)
        assert card["data_digest"] == digest([seen["sha256"].tolist(), seen["pmos"].tolist()])
        if "rated" in card["sources"]:
            assert tested < set(labels["image_id"]), "they are in the corpus, which all splits share"
            assert not tested & set(seen["image_id"])
        catalogues = [
            read_table(project / f"results/sources/{name}.parquet", CATALOGUE) for name in card["sources"]
        ]
        references = seen[["source", "image_id", "reference"]].drop_duplicates()
        known = references.merge(pd.concat(catalogues), validate="one_to_one")
        assert len(known) == len(references) > 0
        assert known["reference"].tolist() == known["path"].tolist()
        assert known["sha256"].tolist() == [sha256_of_file(project / name) for name in known["reference"]]
        assert not tested_files & set(known["sha256"])


def test_fine_tuning_never_counts_test_images(project: Path) -> None:
    split = read_table(project / "results/finetuning/rated/1/split.parquet", SPLIT)
    card = json.loads((project / MODEL / "card.json").read_text())
    assert card["pictures"] == (split["part"] == "train").sum()
    predicted = read_table(
        project / "results/evaluation/rated/1/efficientnet_lite0/authentic-multitask/finetune/rated.parquet",
        PREDICTIONS,
    )
    assert set(predicted["image"]) == set(split.loc[split["part"] == "test", "image"])


def test_models_that_share_a_head_start_differ_by_their_pretraining(project: Path) -> None:
    folder = project / "results/finetuning/rated/1/efficientnet_lite0"
    cards = {
        name: json.loads((folder / name / "card.json").read_text())
        for name in ("imagenet", "authentic-multitask")
    }
    assert cards["imagenet"]["data_digest"] == cards["authentic-multitask"]["data_digest"]
    assert (
        cards["imagenet"]["initial_weights_sha256"] != cards["authentic-multitask"]["initial_weights_sha256"]
    )


def test_page_is_one_file_that_names_the_proxy(project: Path) -> None:
    page = (project / "results/report/index.html").read_text()
    assert "not human scores" in page
    assert "broken.jpg" in page
    assert 'src="http' not in page
    assert "<svg" in page


def test_measures_without_a_network_stand_in_the_table_where_they_can(project: Path) -> None:
    table = (project / "results/report/tables/table2.md").read_text()
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in table.splitlines()}
    assert {"PSNR", "MDSI", "BRISQUE"} < rows.keys()
    assert rows["PSNR"].count("–") == 2, "rated has no reference images"
    assert "–" not in rows["BRISQUE"]
    assert "psnr, mdsi on dataset rated left out of table2: it has no reference images" in table


def test_figures_are_files(project: Path) -> None:
    names = {path.name for path in (project / "results/report/figures").iterdir()}
    assert {"bars-table2.svg", "bars-table2.png"} <= names


def test_snakemakes_own_report_holds_tables_figures_and_the_page(project: Path, tmp_path: Path) -> None:
    result = snakemake(project, "--report", str(tmp_path / "report.html"))
    assert result.returncode == 0, result.stderr[-3000:]
    text = (tmp_path / "report.html").read_text()
    for category in ("Tables", "Figures", "Page"):
        assert f'"category": "{category}"' in text or f'"{category}"' in text
    assert "bars-table2" in text
    assert "Correlations of the experiment" in text


@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_second_run_plans_nothing(project: Path, hash_seed: str) -> None:
    assert not dry_run(project, hash_seed=hash_seed)


def test_new_image_is_seen_and_a_touch_is_not(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(project, copy, copy_function=shutil.copy2)
    (copy / "photos/astronaut_0.png").touch()
    assert not dry_run(copy)
    Image.fromarray(data.chelsea()[:200, :200]).save(copy / "photos/zebra.png")
    jobs = dry_run(copy, "corpus")
    assert jobs["catalogue_shard"] == jobs["catalogue"] == 1
    assert jobs["distort"] == jobs["score"] == 3, "one of two shards of each type"


def test_one_level_redoes_its_type_alone(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(project, copy, copy_function=shutil.copy2)
    text = (copy / "tiny.yaml").read_text().replace("- 39\n", "- 41\n")
    (copy / "tiny.yaml").write_text(text)
    jobs = dry_run(copy, "corpus")
    assert jobs == {"distort": 2, "score": 2, "fuse": 1, "corpus": 1}


def test_another_fusion_redoes_the_labels_and_what_follows(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(project, copy, copy_function=shutil.copy2)
    config = yaml.safe_load((copy / "tiny.yaml").read_text())
    following = {"fuse", "diagnose", "validate", "pretrain", "pretrain_authentic", "finetune", "predict"}
    following |= {"features", "features_on_split", "probe"}
    following |= {"correlate", "table", "page", *config["evaluation"]["experiments"]}
    following |= {"all", "corpus", "pretrained", "report"}
    for change in ({"fusion": "mean"}, {"fusion": "logistic"}):
        logistic = {"dataset": "stand_in", "allow_evaluated": True}
        (copy / "tiny.yaml").write_text(yaml.safe_dump(config | {"pmos": {"logistic": logistic, **change}}))
        jobs = dry_run(copy)
        assert jobs["fuse"] == 2
        assert jobs["diagnose"] == 2
        assert set(jobs) <= following


def test_the_dataset_of_the_logistic_matters_only_where_it_is_used(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(project, copy, copy_function=shutil.copy2)
    config = yaml.safe_load((copy / "tiny.yaml").read_text())
    config["pmos"] = {"logistic": {"dataset": "stand_in", "allow_evaluated": True}}
    (copy / "tiny.yaml").write_text(yaml.safe_dump(config))
    jobs = dry_run(copy)
    assert set(jobs) == {"validate", "page", "all"}
    assert jobs["validate"] == 1, "that of csiq; no label follows"


def test_score_of_an_image_and_of_its_jpeg(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    original = Image.fromarray(data.chelsea())
    original.save(tmp_path / "chelsea.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    words = [str(tmp_path / "chelsea.png"), str(tmp_path / "broken.png")]
    status = main(["score", *words, "--model", str(project / MODEL), "--format", "json"])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert status == 1
    assert rows[0].keys() == {"path", "quality", "score", "spread"}
    assert rows[0]["score"] == pytest.approx(10 * rows[0]["quality"], abs=1e-4)
    assert rows[1].keys() == {"path", "error"}


def test_model_is_exported_and_scores_elsewhere(project: Path, tmp_path: Path) -> None:
    card = (project / MODEL / "card.md").read_text()
    assert "the training part of the dataset `rated`, split `1`" in card
    assert "The images of the sources `rated`" in card
    words = ["export", "--model", str(project / MODEL)]
    correlations = str(project / "results/evaluation/table2.parquet")
    copy = tmp_path / "copy"
    assert main([*words, "--format", "folder", "--correlations", correlations, "--output", str(copy)]) == 0
    assert "| rated (test part) |" in (copy / "card.md").read_text()
    assert main([*words, "--format", "onnx", "--output", str(tmp_path / "model.onnx")]) == 0
    original = str(project / "photos/astronaut_0.png")
    examples = str(project / "results/finetuning/rated/dataset.parquet")
    page = ["--explain", str(tmp_path / "page.html"), "--examples", examples]
    assert main(["score", original, "--model", str(copy), *page]) == 0
    assert "Rated images of rated" in (tmp_path / "page.html").read_text()
    expected = Scorer(project / MODEL, device="cpu").score(original).quality
    script = [str(REPOSITORY / "docs/score_onnx.py"), str(tmp_path / "model.onnx"), original]
    out = subprocess.run([sys.executable, *script], capture_output=True, text=True, check=True).stdout
    assert float(out.split()[-3]) == pytest.approx(expected, abs=1.01e-4)


def test_missing_source_folder_stops_with_a_sentence(project: Path, tmp_path: Path) -> None:
    shutil.copy(project / "tiny.yaml", tmp_path / "tiny.yaml")
    shutil.copytree(project / "rated", tmp_path / "rated")
    result = snakemake(tmp_path, "--", "results/sources/photos.parquet")
    assert result.returncode == 1
    assert "source photos is missing in photos" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_notebook_about_a_model_runs(project: Path, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel", reason="the extra `test` is not installed whole")
    from nbclient import NotebookClient

    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/demo").symlink_to(project)
    (tmp_path / "docs/notebooks").mkdir(parents=True)
    notebook = nbformat.read(REPOSITORY / "docs/notebooks/model.ipynb", as_version=4)
    place = {"metadata": {"path": str(tmp_path / "docs/notebooks")}}
    NotebookClient(notebook, timeout=300, resources=place).execute()
    told = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert "(3, 1280)" in told  # the reference image and two levels of jpeg
    assert re.search(r"step 3: mean absolute error \d", told)
