"""Folders of images that the user fills."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from plans import plan_of

from mosforge.core.errors import MosforgeError
from mosforge.core.layout import shard_of
from mosforge.finetuning.dataset import load


@pytest.fixture
def mine(config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The listings of the shards of a folder `photos` of the user's."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    config["sources"]["collections"]["mine"] = {"folder": "photos"}

    def listings() -> list[str]:
        sources = plan_of(config).sources
        shards = [sources.catalogue_shard("mine", number) for number in range(sources.shards("mine"))]
        return [str(shard.listing) for shard in shards]

    return listings


def test_a_users_folder_is_counted_and_watched(mine: Callable[[], list[str]]) -> None:
    for i in range(150):
        Path(f"photos/{i}.jpg").write_bytes(b"x")
    Path("photos/notes.txt").write_text("not an image")
    before = mine()
    assert len(before) == 2
    Path("photos/notes.txt").write_text("still none")
    assert mine() == before
    for change in (
        lambda: Path("photos/5.jpg").write_bytes(b"y"),
        lambda: Path("photos/5.jpg").unlink(),
        lambda: Path("photos/another.jpg").write_bytes(b"x"),
    ):
        change()
        after = mine()
        assert [one != other for one, other in zip(before, after, strict=True)].count(True) == 1
        before = after


def test_a_link_that_leads_nowhere_stops_no_plan(mine: Callable[[], list[str]]) -> None:
    Path("photos/gone.jpg").symlink_to(Path("later").absolute())
    before = mine()
    Path("later").write_bytes(b"x")
    assert mine() != before


@pytest.mark.parametrize(("name", "shards"), [("images/5.jpg", 1), ("images/original.jpg", 0), ("x.jpg", 0)])
def test_another_image_under_a_name_is_seen_by_what_reads_it(
    rated: dict[str, Any], name: str, shards: int
) -> None:
    def settings() -> tuple[Any, list[Any]]:
        plan = plan_of(rated)
        assert plan.sources.shards("again") == 2
        return plan.datasets.images("rated"), [plan.sources.catalogue_shard("again", n) for n in range(2)]

    before = settings()
    Path("rated", name).write_bytes(b"y")
    after = settings()
    assert (before[0] != after[0]) == (name != "x.jpg")
    assert [one != other for one, other in zip(before[1], after[1], strict=True)].count(True) == shards


@pytest.mark.parametrize("start", ["./", "../images/", "{folder}/", "~/rated/images/"])
def test_an_image_is_watched_in_its_shard_however_its_name_is_written(
    rated: dict[str, Any], start: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job that reads a shard knows an image by the name that the dataset's table gives it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    start = start.format(folder=tmp_path / "rated/images")
    lines = [f"{start}{i}.jpg,{i / 50},{start}original.jpg" for i in range(200)]
    Path("rated/labels.csv").write_text("\n".join(["image,mos,reference_image", *lines]))

    def settings() -> tuple[Any, list[Any]]:
        plan = plan_of(rated)
        return plan.datasets.images("rated"), [plan.sources.catalogue_shard("again", n) for n in range(2)]

    table = load("rated", plan_of(rated).datasets.table("rated"))
    for place in range(8):
        before = settings()
        Path(table["path"][place]).write_bytes(b"another")
        after = settings()
        assert before[0] != after[0]
        changed = [one != other for one, other in zip(before[1], after[1], strict=True)]
        assert changed == [shard_of(table["image"][place], 2) == number for number in range(2)]
    before = settings()
    Path("rated/images/original.jpg").write_bytes(b"another")
    assert settings()[0] != before[0]


def test_a_folder_that_cannot_be_listed_is_an_error(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> Iterator[os.DirEntry[str]]:
        if Path(folder).name == "private":
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scandir(folder)

    scandir = os.scandir
    (tmp_path / "private").mkdir()
    monkeypatch.setattr("mosforge.core.folders.os.scandir", refuse)
    config["sources"]["collections"]["mine"] = {"folder": str(tmp_path)}
    config["distortions"]["corpora"]["synthetic"]["sources"] = ["mine"]
    with pytest.raises(MosforgeError, match="private: Permission denied"):
        plan_of(config).explain_missing()
