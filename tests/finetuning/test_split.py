"""Splits: disjoint by content, complete, and the same whatever the machine does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosforge.cli import main
from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.datasets import CONTENTS, DATASET, SPLIT
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import read_table, write_table
from mosforge.finetuning.settings import SplitSettings
from mosforge.finetuning.split import divide, split_digest
from mosforge.finetuning.split import split as write_split


def dataset(contents: int, each: int = 3, parts: dict[int, str] | None = None) -> pd.DataFrame:
    rows = [
        (f"{c:03d}_{n}.png", f"content {c:03d}", (parts or {}).get(c))
        for c in range(contents)
        for n in range(each)
    ]
    frame = pd.DataFrame(rows, columns=["image", "reference", "part"]).astype({"part": object})
    return frame.assign(content=frame["reference"])


def stored(folder: Path, frame: pd.DataFrame) -> Path:
    """The table of a dataset, as the job reads it: without contents."""
    rows = frame.assign(path="p", mos=1.0, quality=0.5).drop(columns="content")
    write_table(folder / "dataset.parquet", DATASET, rows, stage="test", cfg={})
    return folder / "dataset.parquet"


def contents_of(split: pd.DataFrame, part: str) -> set[str]:
    return set(split.loc[split["part"] == part, "reference"])


@given(
    contents=st.integers(4, 60),
    each=st.integers(1, 4),
    train=st.floats(0.5, 0.99),
    validation=st.floats(0, 0.9),
    name=st.integers(0, 10**9),
)
def test_parts_are_disjoint_by_content_complete_and_not_empty(
    contents: int, each: int, train: float, validation: float, name: int
) -> None:
    frame = dataset(contents, each)
    split = divide(frame, str(name), train, validation)
    assert sorted(split["image"]) == sorted(frame["image"])
    assert split.groupby("reference")["part"].nunique().max() == 1
    assert set(split["part"]) == ({"train", "validation", "test"} if validation else {"train", "test"})


@pytest.mark.parametrize(
    ("contents", "train", "test"), [(29, 23, 6), (30, 24, 6), (25, 20, 5), (1162, 930, 232)]
)
def test_shares_are_80_to_20_of_the_contents(contents: int, train: int, test: int) -> None:
    split = divide(dataset(contents, 2), "1", 0.8, 0.0)
    assert len(contents_of(split, "train")) == train
    assert len(contents_of(split, "test")) == test


def test_the_order_of_rows_decides_nothing() -> None:
    frame = dataset(20)
    shuffled = frame.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(divide(frame, "4", 0.8, 0.2), divide(shuffled, "4", 0.8, 0.2))


def test_seeds_differ() -> None:
    frame = dataset(25)
    digests = {split_digest(divide(frame, str(seed), 0.8, 0.0)) for seed in range(1, 11)}
    assert len(digests) == 10


def test_the_test_part_does_not_depend_on_the_validation_share() -> None:
    frame = dataset(30)
    without, with_ = divide(frame, "2", 0.8, 0.0), divide(frame, "2", 0.8, 0.25)
    assert contents_of(without, "test") == contents_of(with_, "test")
    assert contents_of(with_, "validation") < contents_of(without, "train")
    assert len(contents_of(with_, "validation")) == 6


def test_the_same_under_any_hash_seed() -> None:
    code = (
        "import pandas as pd; from mosforge.finetuning.split import divide, split_digest\n"
        "names = [f'content {n}' for n in range(40)]\n"
        "frame = pd.DataFrame({'image': names, 'reference': names, 'content': names, 'part': None})\n"
        "print(split_digest(divide(frame, '7', 0.8, 0.1)))"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(digests) == 1
    assert digests != {""}


def test_the_digest_is_of_the_parts_not_of_the_order() -> None:
    split = divide(dataset(10), "1", 0.8, 0.0)
    assert split_digest(split[::-1]) == split_digest(split)
    other = split.copy()
    other.loc[0, "part"] = "test" if other.loc[0, "part"] == "train" else "train"
    assert split_digest(other) != split_digest(split)


@pytest.mark.parametrize(("name", "shares"), [("3", {"train": 0.8}), ("official", {})])
def test_a_split_is_written_with_its_digest(tmp_path: Path, name: str, shares: dict[str, float]) -> None:
    parts = {content: "train" if content < 4 else "test" for content in range(5)}
    table = stored(tmp_path, dataset(5, 2, parts))
    cfg = {"layout": "table", "folder": ".", "validation": 0.0, **shares}
    files = ["--dataset", f"{table}", "--output", f"{tmp_path}/split.parquet"]
    assert main(["finetuning", "split", *files, "--name", name, "--cfg", json.dumps(cfg)]) == 0
    split = read_table(tmp_path / "split.parquet", SPLIT)
    assert split["part"].value_counts().to_dict() == {"train": 8, "test": 2}
    assert read_stamp(tmp_path / "split.parquet")["cfg"] == {**cfg, "digest": split_digest(split)}


def test_the_official_split_is_taken_as_it_is() -> None:
    parts = {0: "train", 1: "train", 2: "validation", 3: "test"}
    split = divide(dataset(4, parts=parts), "official", 0.5, 0.3)
    for content, part in parts.items():
        assert set(split.loc[split["reference"] == f"content {content:03d}", "part"]) == {part}


def test_an_official_split_without_validation_gets_one_inside_its_training_part() -> None:
    parts = {content: "train" if content < 8 else "test" for content in range(10)}
    split = divide(dataset(10, parts=parts), "official", 0.5, 0.25)
    assert contents_of(split, "test") == {"content 008", "content 009"}
    assert len(contents_of(split, "validation")) == 2


def test_full_trains_on_everything() -> None:
    assert set(divide(dataset(3), "full", 0.8, 0.0)["part"]) == {"train"}


@pytest.mark.parametrize(
    ("frame", "name", "message"),
    [
        (dataset(1), "1", "1 content cannot be divided"),
        (dataset(5), "best", "split best: there is no such split"),
        (dataset(5), "²", "there is no such split"),
        (dataset(5), "-1", "there is no such split"),
        (dataset(5), "official", "the dataset has no official split"),
        (dataset(2, parts={0: "train", 1: "train"}), "official", "has no part test"),
        (dataset(2, parts={0: "train"}), "official", "the dataset has no official split"),
    ],
)
def test_what_cannot_be_split_is_refused(frame: pd.DataFrame, name: str, message: str) -> None:
    with pytest.raises(MosforgeError, match=message):
        divide(frame, name, 0.8, 0.0)


def test_too_few_contents_for_a_validation_part_are_refused() -> None:
    with pytest.raises(MosforgeError, match="split 1: 1 training content leaves none for validation"):
        divide(dataset(2), "1", 0.5, 0.1)


def test_a_content_in_two_parts_of_the_official_split_is_refused() -> None:
    frame = dataset(3, parts={0: "train", 1: "test", 2: "test"})
    frame.loc[1, "part"] = "test"
    with pytest.raises(MosforgeError, match="content 000 is in train and in test"):
        divide(frame, "official", 0.8, 0.0)


def test_images_of_one_scene_stay_together_in_seeded_splits() -> None:
    frame = dataset(40, 1)
    frame["content"] = [f"content {place - place % 2:03d}" for place in range(40)]
    for name in range(20):
        split = divide(frame, str(name), 0.8, 0.2)
        assert split.groupby("content")["part"].nunique().max() == 1
        assert split["clean"].all()
    assert not divide(frame.assign(content=frame["reference"]), "1", 0.8, 0.2).equals(split)


def test_an_official_split_stays_and_says_which_test_images_are_clean() -> None:
    parts = {0: "train", 1: "validation", 2: "train", 3: "test", 4: "test", 5: "test"}
    frame = dataset(6, 1, parts)
    # the scenes of 0 and 3, and those of 1 and 4, are one
    frame["content"] = [f"content {number:03d}" for number in (0, 1, 2, 0, 1, 5)]
    split = divide(frame, "official", 0.8, 0.0)
    assert dict(zip(split["image"], split["part"], strict=True)) == {
        f"{content:03d}_0.png": part for content, part in parts.items()
    }
    assert split["clean"].tolist() == [True, True, True, False, False, True]


def test_the_job_takes_the_contents_that_were_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = dataset(5, 1, {content: "train" if content < 3 else "test" for content in range(5)})
    table = stored(tmp_path, frame)
    found = frame[["image", "reference"]].assign(content=["a", "b", "c", "d", "a"])
    write_table(tmp_path / "contents.parquet", CONTENTS, found, stage="test", cfg={})
    files = [f"--dataset={table}", f"--contents={tmp_path}/contents.parquet"]
    cfg = json.dumps({"layout": "table", "folder": ".", "validation": 0.0})
    words = [*files, f"--output={tmp_path}/split.parquet", "--name=official", f"--cfg={cfg}"]
    assert main(["finetuning", "split", *words]) == 0
    split = read_table(tmp_path / "split.parquet", SPLIT)
    assert split["content"].tolist() == ["a", "b", "c", "d", "a"]
    assert split["clean"].tolist() == [True] * 4 + [False]
    assert "1 of 2 test images" in capsys.readouterr().err
    write_table(tmp_path / "contents.parquet", CONTENTS, found[:-1], stage="test", cfg={})
    assert main(["finetuning", "split", *words]) == 1


def test_a_test_part_that_is_too_small_is_refused_before_any_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = stored(
        tmp_path, dataset(5, 1, {content: "train" if content < 4 else "test" for content in range(5)})
    )
    cfg = json.dumps({"layout": "table", "folder": ".", "validation": 0.0})
    words = [f"--dataset={table}", f"--output={tmp_path}/split.parquet", f"--cfg={cfg}"]
    assert main(["finetuning", "split", *words, "--name=official"]) == 1
    assert "split official: 1 image" in capsys.readouterr().err
    assert not (tmp_path / "split.parquet").exists()
    assert main(["finetuning", "split", *words, "--name=full"]) == 0


def test_without_contents_nothing_is_said_of_clean_images(tmp_path: Path) -> None:
    cfg = SplitSettings(layout="table", folder=".", validation=0.0, train=0.8)
    write_split(stored(tmp_path, dataset(5, 2)), "1", output=tmp_path / "split.parquet", cfg=cfg)
    split = read_table(tmp_path / "split.parquet", SPLIT)
    assert split["clean"].isna().all()
    assert split["content"].equals(split["reference"])


def test_a_budget_keeps_so_many_ratings_each_within_the_next_and_the_test_part(tmp_path: Path) -> None:
    table = stored(tmp_path, dataset(40))
    parts = {}
    for name in ("3", "3-10", "3-30", "3-90", "4-30"):
        cfg = {"layout": "table", "folder": "f", "validation": 0.2, "train": 0.8}
        cfg |= {"ratings": int(name[2:])} if name[2:] else {}
        output = tmp_path / f"{name}.parquet"
        write_split(table, name, output=output, cfg=SplitSettings(**cfg))
        parts[name] = read_table(output, SPLIT).set_index("image")["part"]
    whole = parts["3"]
    rated = {name: set(part.index[part.isin(["train", "validation"])]) for name, part in parts.items()}
    assert [len(rated[name]) for name in ("3", "3-10", "3-30", "3-90")] == [96, 10, 30, 90]
    assert rated["3-10"] < rated["3-30"] < rated["3-90"] < rated["3"]
    assert rated["4-30"] != rated["3-30"]
    for name in ("3-10", "3-30", "3-90"):
        assert (parts[name] == "test").equals(whole == "test")
        kept = parts[name][parts[name] != "unrated"]
        assert kept.equals(whole[kept.index])
    settings = SplitSettings(**{**cfg, "ratings": 97})
    with pytest.raises(MosforgeError, match="split 3: 96 images to train on are fewer than 97 ratings"):
        write_split(table, "3-97", output=tmp_path / "x", cfg=settings)
    assert not (tmp_path / "x").exists()
