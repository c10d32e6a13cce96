"""Archives that are not trusted: nothing leaves the folder, nothing but the wanted folder is unpacked."""

import contextlib
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosforge.core.errors import MosforgeError
from mosforge.sources.unpack import unpack

CONTENT = {
    "top/JPEGImages/a.jpg": b"first",
    "top/JPEGImages/deep/b.jpg": b"second",
    "top/JPEGImagesNot/c.jpg": b"third",
    "top/readme.txt": b"fourth",
}


def make_tar(path: Path, content: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def make_zip(path: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def make(kind: str, folder: Path, content: dict[str, bytes]) -> Path:
    if kind == "zip":
        return make_zip(folder / "x.zip", content)
    return make_tar(folder / "x.tar", content, kind)


def inside(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("kind", ["w", "w:gz", "w:bz2", "w:xz", "zip"])
def test_only_the_wanted_folder_is_unpacked(tmp_path: Path, place: Path, kind: str) -> None:
    assert unpack(make(kind, tmp_path, CONTENT), place, "top/JPEGImages/") == 2
    assert inside(place) == {"a.jpg": b"first", "deep/b.jpg": b"second"}


@pytest.mark.parametrize("kind", ["w", "zip"])
def test_without_a_folder_all_is_unpacked(tmp_path: Path, place: Path, kind: str) -> None:
    assert unpack(make(kind, tmp_path, CONTENT), place) == 4
    assert inside(place) == CONTENT


@pytest.mark.parametrize("kind", ["w", "zip"])
@pytest.mark.parametrize("name", ["../evil.jpg", "p/../../evil.jpg", "p/../evil.jpg", "p\\..\\..\\evil.jpg"])
def test_a_path_that_leads_outside_is_refused(tmp_path: Path, place: Path, kind: str, name: str) -> None:
    with pytest.raises(MosforgeError, match="not unpacked"):
        unpack(make(kind, tmp_path, {"p/a.jpg": b"x", name: b"evil"}), place, "p")
    assert not list(tmp_path.rglob("evil*"))


def test_an_absolute_path_in_a_zip_is_refused(tmp_path: Path, place: Path) -> None:
    with pytest.raises(MosforgeError, match="leads outside"):
        unpack(make("zip", tmp_path, {f"{tmp_path}/evil.jpg": b"evil"}), place)
    assert not (tmp_path / "evil.jpg").exists()


def test_an_absolute_path_in_a_tar_stays_inside(tmp_path: Path, place: Path) -> None:
    unpack(make("w", tmp_path, {"/evil.jpg": b"evil"}), place)
    assert inside(place) == {"evil.jpg": b"evil"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
@pytest.mark.parametrize("target", ["../../secret", "a.jpg", "/etc/passwd"])
def test_links_and_devices_in_a_tar_are_refused(
    tmp_path: Path, place: Path, kind: bytes, target: str
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        member = tarfile.TarInfo("p/link.jpg")
        member.type, member.linkname = kind, target
        archive.addfile(member)
    with pytest.raises(MosforgeError, match=r"not safe|a link or a special file"):
        unpack(tmp_path / "x.tar", place, "p")
    assert inside(place) == {}


def test_links_in_a_zip_are_refused(tmp_path: Path, place: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        member = zipfile.ZipInfo("p/link.jpg")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(MosforgeError, match=r"link\.jpg is a link"):
        unpack(tmp_path / "x.zip", place, "p")


@pytest.mark.parametrize("kind", ["w:gz", "zip"])
def test_a_bomb_is_stopped_at_the_limit(tmp_path: Path, place: Path, kind: str) -> None:
    archive = make(kind, tmp_path, {"p/a.bmp": bytes(3_000_000), "p/b.bmp": bytes(3_000_000)})
    with pytest.raises(MosforgeError, match="more than 4,000,000 bytes"):
        unpack(archive, place, "p", limit=4_000_000)
    assert sum(len(data) for data in inside(place).values()) <= 4_000_000


def test_a_zip_that_lies_about_its_size_is_stopped_too(tmp_path: Path, place: Path) -> None:
    archive = make("zip", tmp_path, {"p/a.bmp": bytes(3_000_000)})
    data = archive.read_bytes()
    archive.write_bytes(data.replace((3_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(MosforgeError):
        unpack(archive, place, "p", limit=1_000_000)
    assert sum(len(content) for content in inside(place).values()) <= 1_000_000


def test_an_encrypted_zip_is_refused(tmp_path: Path, place: Path) -> None:
    archive = make("zip", tmp_path, {"p/a.jpg": b"x"})
    data = bytearray(archive.read_bytes())
    for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(start) + flags] |= 1
    archive.write_bytes(data)
    with pytest.raises(MosforgeError, match=r"x\.zip: .*encrypted.* unpack it yourself"):
        unpack(archive, place, "p")


def test_a_tar_with_a_link_elsewhere_is_unpacked(tmp_path: Path, place: Path) -> None:
    with tarfile.open(make("w", tmp_path, CONTENT), "a") as archive:
        member = tarfile.TarInfo("top/latest")
        member.type, member.linkname = tarfile.SYMTYPE, "JPEGImages"
        archive.addfile(member)
    assert unpack(tmp_path / "x.tar", place, "top/JPEGImages") == 2


@pytest.mark.parametrize("data", [b"", b"<html>sorry</html>", os.urandom(2000)])
def test_another_file_than_an_archive_is_refused(tmp_path: Path, place: Path, data: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(data)
    with pytest.raises(MosforgeError, match=r"x\.tar: not a tar or zip archive") as caught:
        unpack(tmp_path / "x.tar", place)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["w:gz", "w:xz", "zip"])
def test_a_cut_archive_is_refused(tmp_path: Path, place: Path, kind: str) -> None:
    archive = make(kind, tmp_path, {"p/a.jpg": os.urandom(50_000)})
    archive.write_bytes(archive.read_bytes()[:30_000])
    with pytest.raises(MosforgeError, match=r"x\..*: not a tar or zip archive"):
        unpack(archive, place, "p")


def test_a_missing_folder_is_named(tmp_path: Path, place: Path) -> None:
    with pytest.raises(MosforgeError, match=r"'JPEGImages'.* key pictures"):
        unpack(make("w", tmp_path, CONTENT), place, "JPEGImages")


@settings(max_examples=40, deadline=None)
@given(
    names=st.lists(st.text("ab./\\", min_size=1, max_size=12), min_size=1, max_size=4, unique=True),
    kind=st.sampled_from(["w", "zip"]),
)
def test_whatever_the_names_nothing_is_written_outside(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], kind: str
) -> None:
    base = tmp_path_factory.mktemp("names")
    place = base / "outer" / "place"
    place.mkdir(parents=True)
    archive = make(kind, base, {f"p/{name}": b"x" for name in names})
    with contextlib.suppress(MosforgeError, OSError):
        unpack(archive, place, "p")
    outside = [path for path in base.rglob("*") if path.is_file() and not path.is_relative_to(place)]
    assert outside == [archive]
