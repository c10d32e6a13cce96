"""Fetching: folders are filled whole or not at all, and a user's own are left alone."""

import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mosforge.core.errors import MosforgeError
from mosforge.sources.fetch import fetch
from mosforge.sources.tiles import find_packaged, packaged_photograph

ASTRONAUT = "skimage/data/astronaut.png"


def tar_of(path: Path, content: dict[str, bytes]) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    # nobody answers there: the archive is used from where it was put
    return {"url": f"http://127.0.0.1:9/{path.name}", "md5": digest, "pictures": "JPEGImages"}


@pytest.fixture
def collection(tmp_path: Path) -> dict[str, Any]:
    archive = tar_of(tmp_path / "downloads/x.tar", {"JPEGImages/a.jpg": b"a", "JPEGImages/b.jpg": b"b"})
    return {"folder": str(tmp_path / "photographs"), "images": 2, "archive": archive}


def run(collection: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    return fetch("voc", collection, tmp_path / "downloads")


def visible(collection: dict[str, Any]) -> list[str]:
    return sorted(path.name for path in Path(collection["folder"]).iterdir() if path.name[0] != ".")


def test_an_archive_fills_the_folder_once(collection: dict[str, Any], tmp_path: Path) -> None:
    told = run(collection, tmp_path)
    assert visible(collection) == ["a.jpg", "b.jpg"]
    assert told["files"] == 2
    before = Path(collection["folder"]).stat().st_ino
    assert run(collection, tmp_path) == told
    assert Path(collection["folder"]).stat().st_ino == before


def test_a_damaged_folder_is_filled_again(collection: dict[str, Any], tmp_path: Path) -> None:
    told = run(collection, tmp_path)
    (Path(collection["folder"]) / "a.jpg").write_bytes(b"changed")
    assert run(collection, tmp_path) == told
    assert (Path(collection["folder"]) / "a.jpg").read_bytes() == b"a"


def test_another_archive_replaces_what_the_first_made(collection: dict[str, Any], tmp_path: Path) -> None:
    told = run(collection, tmp_path)
    collection["archive"] = tar_of(tmp_path / "downloads/y.tar", {"JPEGImages/c.jpg": b"c"})
    assert run(collection, tmp_path)["digest"] != told["digest"]
    assert visible(collection) == ["c.jpg"]


def test_a_folder_of_the_users_is_used_or_refused_but_never_overwritten(
    collection: dict[str, Any], tmp_path: Path
) -> None:
    folder = Path(collection["folder"])
    folder.mkdir()
    (folder / "mine.jpg").write_bytes(b"mine")
    with pytest.raises(MosforgeError, match="holds 1 pictures that mosforge did not put there"):
        run(collection, tmp_path)
    assert visible(collection) == ["mine.jpg"]
    (folder / "mine2.jpg").write_bytes(b"mine")
    assert run(collection, tmp_path)["files"] == 2
    assert visible(collection) == ["mine.jpg", "mine2.jpg"]


def test_what_else_lies_in_the_folder_is_not_removed(collection: dict[str, Any], tmp_path: Path) -> None:
    own = Path(collection["folder"]) / "raw/IMG_1.HEIC"  # none of the pictures that are looked for
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    with pytest.raises(MosforgeError, match=r"did not put raw/IMG_1\.HEIC there, .* move away what is yours"):
        run(collection, tmp_path)
    assert own.read_bytes() == b"mine"
    own.rename(own.parent / ".DS_Store")  # what a desktop leaves is no reason to stop
    assert run(collection, tmp_path)["files"] == 2


def test_pictures_that_were_added_to_ours_are_not_removed(collection: dict[str, Any], tmp_path: Path) -> None:
    run(collection, tmp_path)
    (Path(collection["folder"]) / "mine.jpg").write_bytes(b"mine")
    with pytest.raises(MosforgeError, match="holds 3 pictures where mosforge put 2; move away what is yours"):
        run(collection, tmp_path)
    assert visible(collection) == ["a.jpg", "b.jpg", "mine.jpg"]


def test_a_folder_that_is_a_link_is_filled_where_it_leads(collection: dict[str, Any], tmp_path: Path) -> None:
    disk = tmp_path / "disk/voc"
    disk.mkdir(parents=True)
    Path(collection["folder"]).symlink_to(disk)
    assert run(collection, tmp_path)["files"] == 2
    assert Path(collection["folder"]).is_symlink()
    assert sorted(path.name for path in disk.iterdir()) == [".fetched.json", "a.jpg", "b.jpg"]


def test_a_bad_archive_leaves_no_folder(collection: dict[str, Any], tmp_path: Path) -> None:
    collection["archive"] = tar_of(tmp_path / "downloads/z.tar", {"JPEGImages/a.jpg": b"a", "../evil": b"b"})
    with pytest.raises(MosforgeError, match="not unpacked"):
        run(collection, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["downloads"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"md5": None}, "needs the key md5 or sha256"),
        ({"md5": "123"}, "must be 32 hexadecimal digits"),
        ({"url": "http://127.0.0.1:9/"}, "does not end in the name of a file"),
    ],
)
def test_a_bad_archive_key_is_told(
    collection: dict[str, Any], tmp_path: Path, change: dict[str, str | None], told: str
) -> None:
    archive = {key: value for key, value in (collection["archive"] | change).items() if value is not None}
    with pytest.raises(MosforgeError, match=told):
        run(collection | {"archive": archive}, tmp_path)


def test_packaged_photographs_are_cut_without_loss(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    packaged = {"photographs": [ASTRONAUT, "skimage/data/coffee.png"], "tile": 256, "stride": 128}
    told = fetch("demo", {"folder": str(tmp_path / "tiles"), "packaged": packaged})
    # 512x512 and 600x400 pixels: 3 x 3 and 3 x 2 tiles
    assert told["files"] == 9 + 6
    with Image.open(tmp_path / "tiles/astronaut/astronaut_01_02.png") as tile:
        found = np.asarray(tile)
    assert np.array_equal(found, packaged_photograph(ASTRONAUT)[128:384, 256:512])


def test_tiles_are_the_same_in_every_run(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    packaged = {"photographs": [ASTRONAUT], "tile": 256, "stride": 256}
    first, second = (
        fetch("demo", {"folder": str(tmp_path / name), "packaged": packaged}) for name in ("one", "two")
    )
    assert first["digest"] == second["digest"]


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(
        MosforgeError, match=r"no_such_package is not installed; pip install mosforge\[demo\]"
    ):
        find_packaged("no_such_package/data/x.png")


def test_what_cannot_be_cut_is_told(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    with pytest.raises(MosforgeError, match="has no such file"):
        find_packaged("skimage/data/nobody.png")
    for photographs, tile, told in (
        ([ASTRONAUT, ASTRONAUT], 256, "more than one is called astronaut"),
        ([ASTRONAUT], 513, "smaller than a tile of 513 pixels"),
    ):
        packaged = {"photographs": photographs, "tile": tile, "stride": 128}
        with pytest.raises(MosforgeError, match=told):
            fetch("demo", {"folder": str(tmp_path / "tiles"), "packaged": packaged})
    assert list(tmp_path.iterdir()) == []
