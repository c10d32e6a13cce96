"""Reading a manifest: its images must be there, and be what was written."""

import hashlib
from pathlib import Path

import pytest

from mosforge.core.errors import MosforgeError
from mosforge.core.manifests import read_manifest
from mosforge.core.schemas.distortions import MANIFEST
from mosforge.core.tables import write_table


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Two images of a shard, whose manifest lies beside them."""
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    for file in files:
        file.write_bytes(file.name.encode())
    columns = {name: ["x", "x"] for name in ("source", "image_id", "reference", "group")}
    columns |= {"path": [str(file) for file in files]}
    numbers = {name: [1, 1] for name in ("seed", "width", "height", "bytes")}
    digests = {"sha256": [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]}
    rows = columns | numbers | digests
    write_table(tmp_path / "manifest.parquet", MANIFEST, rows, stage="distortions", cfg={})
    return files


def test_the_rows_come_back(images: list[Path]) -> None:
    assert read_manifest(images[0].parent)["path"].tolist() == [str(image) for image in images]


def test_an_image_that_changed_is_named(images: list[Path]) -> None:
    images[1].write_bytes(b"other")
    with pytest.raises(MosforgeError, match=r"b\.png: damaged .* delete its folder"):
        read_manifest(images[0].parent)


def test_an_image_that_is_gone_is_named(images: list[Path]) -> None:
    images[0].unlink()
    with pytest.raises(MosforgeError, match=r"a\.png: no such file; delete its folder"):
        read_manifest(images[0].parent)


def test_a_shard_without_a_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(MosforgeError, match=r"manifest\.parquet: no such file; delete its folder"):
        read_manifest(tmp_path)
