"""`mosforge finetuning dataset`: the table, and what made it; what it holds is tested layout by layout."""

import hashlib
import json
from pathlib import Path

import pytest

from mosforge.cli import main
from mosforge.core.schemas.datasets import DATASET, FILES_OF_DATASET
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import read_table

CFG = {"layout": "table", "table": "scores.csv", "range": [0, 8], "higher_is_better": False}


def test_a_table_is_written_with_the_cfg_that_made_it(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("image,mos\nb.png,2\na.png,6\n")
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "unused.png").write_bytes(b"y")
    cfg, output = json.dumps(CFG | {"folder": f"{tmp_path}"}), tmp_path / "dataset.parquet"
    files = ["--files", f"{tmp_path}/files.parquet"]
    assert (
        main(["finetuning", "dataset", "--name", "mine", "--output", f"{output}", *files, "--cfg", cfg]) == 0
    )
    frame = read_table(output, DATASET)
    assert frame["image"].tolist() == ["a.png", "b.png"]
    assert frame["quality"].tolist() == [0.25, 0.75]
    digests = read_table(tmp_path / "files.parquet", FILES_OF_DATASET)
    assert digests["path"].tolist() == frame["path"].tolist()
    assert set(digests["sha256"]) == {hashlib.sha256(b"x").hexdigest()}
    assert json.dumps(read_stamp(output)["cfg"], sort_keys=True) == json.dumps(
        json.loads(cfg), sort_keys=True
    )


def test_a_missing_dataset_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cfg, output = json.dumps({"layout": "live", "folder": f"{tmp_path}/live"}), tmp_path / "dataset.parquet"
    files = ["--files", f"{tmp_path}/files.parquet"]
    assert (
        main(["finetuning", "dataset", "--name", "mine", "--output", f"{output}", *files, "--cfg", cfg]) == 1
    )
    err = capsys.readouterr().err
    assert f"dataset mine: the folder {tmp_path}/live is missing" in err
    assert not output.exists()
