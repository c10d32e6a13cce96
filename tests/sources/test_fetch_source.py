"""Fetching: folders are filled whole or not at all, and a user's own are not touched."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mosforge.core.errors import MosforgeError
from mosforge.core.images import read_rgb
from mosforge.sources.fetch_source import DOWNLOADS, fetch_source, find_packaged, packaged_image, write_tiles
from mosforge.sources.settings import FetchSettings

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


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> dict[str, Any]:
    """The settings of a source whose archive is there."""
    archive = tar_of(DOWNLOADS / "x.tar", {"JPEGImages/a.jpg": b"a", "JPEGImages/b.jpg": b"b"})
    return {"folder": str(tmp_path / "images"), "images": 2, "archive": archive}


def run(source: dict[str, Any]) -> dict[str, Any]:
    """What the job says of the folder."""
    output = Path("results/voc.fetched.json")
    fetch_source("voc", output=output, cfg=FetchSettings.model_validate(source))
    found: dict[str, Any] = json.loads(output.read_text())
    output.unlink()
    output.parent.rmdir()
    return found


def visible(source: dict[str, Any]) -> list[str]:
    return sorted(path.name for path in Path(source["folder"]).iterdir() if path.name[0] != ".")


def test_an_archive_fills_the_folder_once(source: dict[str, Any]) -> None:
    found = run(source)
    assert visible(source) == ["a.jpg", "b.jpg"]
    assert found["files"] == 2
    before = Path(source["folder"]).stat().st_ino
    assert run(source) == found
    assert Path(source["folder"]).stat().st_ino == before


def test_a_damaged_folder_is_filled_again(source: dict[str, Any]) -> None:
    found = run(source)
    (Path(source["folder"]) / "a.jpg").write_bytes(b"changed")
    assert run(source) == found
    assert (Path(source["folder"]) / "a.jpg").read_bytes() == b"a"


def test_another_archive_replaces_what_the_first_made(source: dict[str, Any]) -> None:
    found = run(source)
    source["archive"] = tar_of(DOWNLOADS / "y.tar", {"JPEGImages/c.jpg": b"c"})
    assert run(source)["digest"] != found["digest"]
    assert visible(source) == ["c.jpg"]


def test_a_folder_of_the_users_is_used_or_refused_but_never_overwritten(
    source: dict[str, Any], tmp_path: Path
) -> None:
    folder = Path(source["folder"])
    folder.mkdir()
    (folder / "mine.jpg").write_bytes(b"mine")
    with pytest.raises(MosforgeError, match="holds 1 images that mosforge did not put there"):
        run(source)
    assert visible(source) == ["mine.jpg"]
    (folder / "mine2.jpg").write_bytes(b"mine")
    assert run(source)["files"] == 2
    assert visible(source) == ["mine.jpg", "mine2.jpg"]


def test_what_else_lies_in_the_folder_is_not_removed(source: dict[str, Any]) -> None:
    own = Path(source["folder"]) / "raw/IMG_1.HEIC"  # not an image that is looked for
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    with pytest.raises(MosforgeError, match=r"did not put raw/IMG_1\.HEIC there"):
        run(source)
    assert own.read_bytes() == b"mine"
    own.rename(own.parent / ".DS_Store")  # what a desktop leaves is no reason to stop
    assert run(source)["files"] == 2


def test_images_that_were_added_to_ours_are_not_removed(source: dict[str, Any]) -> None:
    run(source)
    (Path(source["folder"]) / "mine.jpg").write_bytes(b"mine")
    with pytest.raises(MosforgeError, match="holds 3 images where mosforge put 2"):
        run(source)
    assert visible(source) == ["a.jpg", "b.jpg", "mine.jpg"]


def test_a_folder_that_is_a_link_is_filled_where_it_leads(source: dict[str, Any], tmp_path: Path) -> None:
    disk = tmp_path / "disk/voc"
    disk.mkdir(parents=True)
    Path(source["folder"]).symlink_to(disk)
    assert run(source)["files"] == 2
    assert Path(source["folder"]).is_symlink()
    assert sorted(path.name for path in disk.iterdir()) == [".fetched.json", "a.jpg", "b.jpg"]


def test_a_bad_archive_leaves_no_folder(source: dict[str, Any], tmp_path: Path) -> None:
    source["archive"] = tar_of(DOWNLOADS / "z.tar", {"JPEGImages/a.jpg": b"a", "../evil": b"b"})
    with pytest.raises(MosforgeError, match="not unpacked"):
        run(source)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["resources"]


def test_an_archive_needs_the_name_of_a_file(source: dict[str, Any]) -> None:
    source["archive"]["url"] = "http://127.0.0.1:9/"
    with pytest.raises(MosforgeError, match="does not end in the name of a file"):
        run(source)


def test_packaged_images_become_the_same_tiles_in_every_run(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    packaged = {"photographs": [ASTRONAUT, "skimage/data/coffee.png"], "tile": 256, "stride": 128}
    first, second = (run({"folder": str(tmp_path / name), "packaged": packaged}) for name in ("one", "two"))
    assert first["files"] == 9 + 6
    assert first["digest"] == second["digest"]


def test_what_cannot_be_cut_leaves_no_folder(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    packaged = {"photographs": [ASTRONAUT], "tile": 513, "stride": 128}
    with pytest.raises(MosforgeError, match="513 pixels"):
        run({"folder": str(tmp_path / "tiles"), "packaged": packaged})
    assert list(tmp_path.iterdir()) == []


def test_images_are_cut_without_loss(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    # 512x512 and 600x400 pixels: 3 x 3 and 3 x 2 tiles
    assert write_tiles([ASTRONAUT, "skimage/data/coffee.png"], 256, 128, tmp_path) == 9 + 6
    found = read_rgb(tmp_path / "astronaut/astronaut_01_02.png")
    assert np.array_equal(found, packaged_image(ASTRONAUT)[128:384, 256:512])


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(MosforgeError, match=r"no_such_package.*pip install mosforge\[demo\]"):
        find_packaged("no_such_package/data/x.png")


def test_a_missing_file_is_named() -> None:
    pytest.importorskip("skimage")
    with pytest.raises(MosforgeError, match=r"nobody\.png.* no such file"):
        find_packaged("skimage/data/nobody.png")


@pytest.mark.parametrize("name", ["", ".", "..", "/", "..a/b.png", "sys/x.png", "os/x.png", "skimage"])
def test_what_names_no_file_in_a_package_is_refused(name: str) -> None:
    with pytest.raises(MosforgeError, match=r"packaged image .*; correct it"):
        find_packaged(name)


@pytest.mark.parametrize(
    ("names", "tile", "message"),
    [([ASTRONAUT, ASTRONAUT], 256, "called astronaut"), ([ASTRONAUT], 513, "tile of 513 pixels")],
)
def test_what_cannot_be_cut_is_refused(tmp_path: Path, names: list[str], tile: int, message: str) -> None:
    pytest.importorskip("skimage")
    with pytest.raises(MosforgeError, match=message):
        write_tiles(names, tile, 128, tmp_path)
