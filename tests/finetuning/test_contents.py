"""Contents of a target dataset: images of one scene have one name."""

from pathlib import Path

import pandas as pd

from mosforge.cli import main
from mosforge.core.schemas.datasets import CONTENTS, DATASET, SPLIT
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import read_table, write_table
from mosforge.finetuning.contents import group_contents
from mosforge.finetuning.settings import SplitAcrossSettings
from mosforge.finetuning.split_across import mark_seen, split_across

CFG = '{"layout": "table", "folder": ".", "correlation": 0.9}'
AUTHENTIC = pd.DataFrame({"image": list("edcba"), "reference": list("edcba"), "reference_path": None})


def pairs(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["image", "other", "correlation"])


def contents_of(found: pd.DataFrame) -> dict[str, str]:
    return dict(zip(found["image"], found["content"], strict=True))


def test_pairs_join_images_to_contents() -> None:
    found = group_contents(AUTHENTIC, pairs(("d", "e", 0.92), ("b", "d", 0.97)))
    assert contents_of(found) == {"a": "a", "b": "b", "c": "c", "d": "b", "e": "b"}
    assert found["twin"].fillna("").tolist() == ["", "d", "", "b", "d"]
    assert found["correlation"].dropna().tolist() == [0.97, 0.97, 0.92]


def test_without_a_pair_contents_are_the_references() -> None:
    found = group_contents(AUTHENTIC, pairs())
    assert found["content"].tolist() == found["reference"].tolist() == list("abcde")
    assert found["twin"].isna().all()


def test_references_with_one_scene_join_all_their_images() -> None:
    frame = pd.DataFrame({"image": list("abcd"), "reference": ["y", "y", "x", "z"]})
    frame["reference_path"] = ["r/y.png", "r/y.png", "r/x.png", "r/z.png"]
    found = group_contents(frame, pairs(("r/x.png", "r/y.png", 0.95)))
    assert contents_of(found) == {"a": "x", "b": "x", "c": "x", "d": "z"}
    assert found["twin"].fillna("").tolist() == ["r/x.png", "r/x.png", "r/y.png", ""]


def test_a_content_that_is_trained_on_spoils_all_its_test_images() -> None:
    frame = AUTHENTIC.assign(content=["e", "c", "c", "b", "a"])
    split = mark_seen(frame, {"d", "a"})
    assert dict(zip(split["image"], split["clean"], strict=True)) == {
        "a": False,
        "b": True,
        "c": False,
        "d": False,
        "e": True,
    }
    assert set(split["part"]) == {"test"}


def _dataset(file: Path, images: list[tuple[str, str]], references: bool = False) -> Path:
    frame = pd.DataFrame(images, columns=["image", "path"]).assign(mos=1.0, quality=1.0)
    frame["reference"] = frame["image"].str.split().str[-1]
    if references:
        frame = frame.assign(reference_path=frame["path"], path="none")
    write_table(file, DATASET, frame, stage="test", cfg={})
    return file


def test_the_jobs_read_images(images: list[tuple[str, str]], tmp_path: Path) -> None:
    from PIL import Image, ImageOps

    with Image.open(images[0][1]) as image:
        ImageOps.mirror(image).save(tmp_path / "mirrored.png")
    first = _dataset(tmp_path / "a", [*images[:3], ("twin", str(tmp_path / "mirrored.png"))])
    words = ["--dataset", str(first), "--output", f"{tmp_path}/contents", "--cfg", CFG]
    assert main(["finetuning", "contents", *words]) == 0
    found = read_table(tmp_path / "contents", CONTENTS)
    assert contents_of(found)["twin"] == "astronaut"
    assert found["content"].nunique() == 3
    assert read_stamp(tmp_path / "contents")["cfg"]["correlation"] == 0.9

    second = _dataset(tmp_path / "b", images[2:5], references=True)
    images_of = {"layout": "table", "folder": "."}
    cfg = SplitAcrossSettings.model_validate(
        {"correlation": 0.9, "dataset": images_of, "trained_on": images_of}
    )
    split_across(first, second, tmp_path / "contents", output=tmp_path / "split", cfg=cfg)
    split = read_table(tmp_path / "split", SPLIT)
    assert split.loc[~split["clean"], "image"].tolist() == ["china"]
