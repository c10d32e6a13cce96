"""The user's own scores: which way they point, and files that cannot be used."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mosforge.cli import main
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.schemas.predictions import PREDICTIONS
from mosforge.core.tables import read_table, write_table

COUNT = 30
IMAGES = [f"{i:02}.png" for i in range(COUNT)]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Thirty images, the later the better; every third is a test image."""
    frame = pd.DataFrame({"image": IMAGES, "path": IMAGES, "reference": IMAGES})
    frame = frame.assign(mos=np.arange(COUNT) / 10, quality=np.linspace(0, 1, COUNT))
    write_table(tmp_path / "dataset.parquet", DATASET, frame, stage="test", cfg={})
    parts = ["test" if i % 3 == 0 else "train" for i in range(COUNT)]
    split = frame[["image", "reference"]].assign(content=IMAGES, part=parts, clean=True)
    write_table(tmp_path / "split.parquet", SPLIT, split, stage="test", cfg={})
    return tmp_path


def compare(place: Path, lines: list[str], header: str = "image,score") -> int:
    (place / "niqe.csv").write_text("\n".join([header, *lines]) + "\n")
    run = {"dataset": "a", "split": "1", "backbone": "none", "initialisation": "niqe", "test_dataset": "a"}
    run |= {"adaptation": "none"}
    words = ["--test_dataset", "dataset", "--test_split", "split", "--dataset", "dataset", "--split", "split"]
    files = [word if word.startswith("--") else f"{place}/{word}.parquet" for word in words]
    files += [f"--test_scores={place}/niqe.csv", f"--output={place}/out.parquet"]
    return main(["evaluation", "compare", *files, "--cfg", json.dumps(run)])


@pytest.mark.parametrize("sign", [1, -1])
def test_the_training_part_says_which_way_scores_point(place: Path, sign: int) -> None:
    """Also if the test images, by chance, say the contrary."""
    scores = [sign * (i if i % 3 else -i) for i in range(COUNT)]
    assert compare(place, [f"{image},{score}" for image, score in zip(IMAGES, scores, strict=True)]) == 0
    frame = read_table(place / "out.parquet", PREDICTIONS)
    assert frame["image"].tolist() == IMAGES[::3]
    assert frame["prediction"].tolist() == [-i for i in range(0, COUNT, 3)]
    assert set(frame["initialisation"]) == {"niqe"}
    words = ["--predictions", f"{place}/out.parquet", "--output", f"{place}/table.parquet"]
    assert main(["evaluation", "correlate", *words]) == 0
    row = read_table(place / "table.parquet", CORRELATIONS).iloc[0]
    assert (row["srocc"], row["mapping"]) == (pytest.approx(-1), "falling")


def test_rows_of_other_datasets_are_passed_over(place: Path) -> None:
    lines = [f"{image},{i},a" for i, image in enumerate(IMAGES)]
    lines += [f"{image},no number,b" for image in IMAGES]
    assert compare(place, lines, "image,score,dataset") == 0
    assert read_table(place / "out.parquet", PREDICTIONS)["prediction"].tolist() == list(range(0, COUNT, 3))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: lines[:-2], ("2 of 30 images of a", "28.png")),
        (lambda lines: [*lines, "03.png,5"], ("'03.png' stands twice",)),
        (
            lambda lines: [*lines[:4], "04.png,good", *lines[5:]],
            ("the score of 04.png is", "'good'", "not a number"),
        ),
        (lambda lines: [*lines[:4], "04.png,nan", *lines[5:]], ("the score of 04.png is", "not a number")),
        (
            lambda lines: [*lines[:4], "04.png,1_0", *lines[5:]],
            ("the score of 04.png is", "'1_0'", "not a number"),
        ),
        (lambda lines: [*lines[:4], "04.png,", *lines[5:]], ("the score of 04.png is", "not a number")),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_a_sentence(
    place: Path, capsys: pytest.CaptureFixture[str], change: object, told: tuple[str, ...]
) -> None:
    assert callable(change)
    assert compare(place, change([f"{image},{i}" for i, image in enumerate(IMAGES)])) == 1
    message = capsys.readouterr().err
    assert all(part in message for part in ("niqe.csv", *told)), message
    assert not (place / "out.parquet").exists()


def test_a_missing_column_is_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(place, ["00.png,1"], "image,niqe") == 1
    assert "no column score" in capsys.readouterr().err
