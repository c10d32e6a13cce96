"""Splits: disjoint by content, complete, and the same whatever the machine does."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.datasets import SPLIT
from mosforge.core.tables import read_table, write_table
from mosforge.finetuning.splits import make_split, split_digest


def dataset(contents: int, each: int = 3, parts: dict[int, str] | None = None) -> pd.DataFrame:
    rows = [
        (f"{c:03d}_{n}.png", f"content {c:03d}", (parts or {}).get(c))
        for c in range(contents)
        for n in range(each)
    ]
    return pd.DataFrame(rows, columns=["image", "reference", "part"]).astype({"part": object})


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
    split = make_split(frame, str(name), train, validation)
    assert sorted(split["image"]) == sorted(frame["image"])
    assert split.groupby("reference")["part"].nunique().max() == 1
    assert set(split["part"]) == ({"train", "validation", "test"} if validation else {"train", "test"})


@pytest.mark.parametrize(
    ("contents", "train", "test"), [(29, 23, 6), (30, 24, 6), (25, 20, 5), (1162, 930, 232)]
)
def test_shares_are_80_to_20_of_the_contents(contents: int, train: int, test: int) -> None:
    split = make_split(dataset(contents, 2), "1", 0.8, 0.0)
    assert len(contents_of(split, "train")) == train
    assert len(contents_of(split, "test")) == test


def test_the_order_of_rows_decides_nothing() -> None:
    frame = dataset(20)
    shuffled = frame.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(make_split(frame, "4", 0.8, 0.2), make_split(shuffled, "4", 0.8, 0.2))


def test_seeds_differ() -> None:
    frame = dataset(25)
    digests = {split_digest(make_split(frame, str(seed), 0.8, 0.0)) for seed in range(1, 11)}
    assert len(digests) == 10


def test_the_test_part_does_not_depend_on_the_validation_share() -> None:
    frame = dataset(30)
    without, with_ = make_split(frame, "2", 0.8, 0.0), make_split(frame, "2", 0.8, 0.25)
    assert contents_of(without, "test") == contents_of(with_, "test")
    assert contents_of(with_, "validation") < contents_of(without, "train")
    assert len(contents_of(with_, "validation")) == 6


def test_the_same_under_any_hash_seed() -> None:
    code = (
        "import pandas as pd; from mosforge.finetuning.splits import make_split, split_digest\n"
        "names = [f'content {n}' for n in range(40)]\n"
        "frame = pd.DataFrame({'image': names, 'reference': names, 'part': None})\n"
        "print(split_digest(make_split(frame, '7', 0.8, 0.1)))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(told) == 1
    assert told != {""}


def test_the_digest_is_of_the_parts_not_of_the_order() -> None:
    split = make_split(dataset(10), "1", 0.8, 0.0)
    assert split_digest(split[::-1]) == split_digest(split)
    other = split.copy()
    other.loc[0, "part"] = "test" if other.loc[0, "part"] == "train" else "train"
    assert split_digest(other) != split_digest(split)


def test_the_frame_is_the_artefact(tmp_path: Path) -> None:
    split = make_split(dataset(10), "1", 0.8, 0.1)
    write_table(tmp_path / "s.parquet", SPLIT, split, stage="finetuning", cfg={})
    assert split_digest(read_table(tmp_path / "s.parquet", SPLIT)) == split_digest(split)


def test_the_official_split_is_taken_as_it_is() -> None:
    parts = {0: "train", 1: "train", 2: "validation", 3: "test"}
    split = make_split(dataset(4, parts=parts), "official", 0.5, 0.3)
    for content, part in parts.items():
        assert set(split.loc[split["reference"] == f"content {content:03d}", "part"]) == {part}


def test_an_official_split_without_validation_gets_one_inside_its_training_part() -> None:
    parts = {content: "train" if content < 8 else "test" for content in range(10)}
    split = make_split(dataset(10, parts=parts), "official", 0.5, 0.25)
    assert contents_of(split, "test") == {"content 008", "content 009"}
    assert len(contents_of(split, "validation")) == 2


def test_full_trains_on_everything() -> None:
    assert set(make_split(dataset(3), "full", 0.8, 0.0)["part"]) == {"train"}


@pytest.mark.parametrize(
    ("frame", "name", "told"),
    [
        (dataset(1), "1", "1 content cannot be divided"),
        (dataset(5), "best", "split best: there is no such split; use a number, official or full"),
        (dataset(5), "²", "there is no such split"),
        (dataset(5), "-1", "there is no such split"),
        (dataset(5), "official", "the dataset has no official split"),
        (dataset(2, parts={0: "train", 1: "train"}), "official", "has no part test"),
        (dataset(2, parts={0: "train"}), "official", "the dataset has no official split"),
    ],
)
def test_what_cannot_be_split_is_told(frame: pd.DataFrame, name: str, told: str) -> None:
    with pytest.raises(MosforgeError, match=told):
        make_split(frame, name, 0.8, 0.0)


def test_too_few_contents_for_a_validation_part_are_told() -> None:
    with pytest.raises(MosforgeError, match="split 1: 1 training content leaves none for validation"):
        make_split(dataset(2), "1", 0.5, 0.1)


def test_a_content_on_two_sides_of_the_official_split_is_told() -> None:
    frame = dataset(3, parts={0: "train", 1: "test", 2: "test"})
    frame.loc[1, "part"] = "test"
    with pytest.raises(MosforgeError, match="content 000 is in train and in test"):
        make_split(frame, "official", 0.8, 0.0)
