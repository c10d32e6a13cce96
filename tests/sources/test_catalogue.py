"""The catalogue: the shards of a source in one order, equal files once, and the number of images."""

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mosforge.cli import main
from mosforge.core.errors import MosforgeError
from mosforge.core.layout import shard_name, shard_of
from mosforge.core.schemas.sources import CATALOGUE, EXCLUDED, FILES
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import read_table, write_table
from mosforge.sources.catalogue import check_count, join
from mosforge.sources.catalogue_shard import images_in, read_images

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def files_of(*names: str, sha256: str = "") -> pd.DataFrame:
    """Rows of files that can be used, each with its own bytes unless a digest is given."""
    rows = pd.DataFrame({"image_id": list(names)}, dtype=object)
    digests = [sha256 or name for name in names]
    values = {"source": "s", "width": 200, "height": 180, "format": "PNG", "mode": "RGB", "reason": None}
    return rows.assign(path="photos/" + rows["image_id"], sha256=digests, **values)


def test_the_images_of_all_shards_are_sorted_by_id() -> None:
    kept, excluded = join("s", [files_of("b.png", "d.png"), files_of(), files_of("a.png", "c.png")])
    assert kept["image_id"].tolist() == ["a.png", "b.png", "c.png", "d.png"]
    assert kept["shard"].tolist() == [2, 0, 2, 0]
    assert excluded.empty


def test_equal_files_are_kept_once_whatever_shards_they_are_in() -> None:
    shards = [files_of("b.png", sha256="x"), files_of("c/d.png", "a.png", sha256="x"), files_of("other.png")]
    kept, excluded = join("s", shards)
    assert kept["image_id"].tolist() == ["a.png", "other.png"]
    reasons = dict(zip(excluded["image_id"], excluded["reason"], strict=True))
    assert reasons == {"b.png": "the same file as a.png", "c/d.png": "the same file as a.png"}


def test_equal_files_that_cannot_be_used_have_their_own_reason() -> None:
    bad = files_of("a.png", "b.png", sha256="x").assign(reason="truncated")
    _, excluded = join("s", [bad, files_of("c.png")])
    assert excluded["reason"].tolist() == ["truncated", "truncated"]


def test_a_source_without_a_usable_image_is_an_error() -> None:
    for shards in ([], [files_of()]):
        with pytest.raises(MosforgeError, match=r"source test: there is no image .*\.bmp \.jp2 "):
            join("test", shards)
    with pytest.raises(MosforgeError, match=r"none of the 1 images can be used \(photos/x\.jpg: not a"):
        join("test", [files_of("x.jpg").assign(reason="not an image")])


def test_more_images_than_declared_are_an_error_and_fewer_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(MosforgeError, match=r"2 images .* sources\.collections\.w\.images = 1"):
        check_count("w", 2, 1)
    with caplog.at_level(logging.WARNING):
        check_count("w", 2, 2)
        check_count("w", 2, None)
        assert not caplog.text
        check_count("w", 2, 3)
    assert "2 images found, 3 expected" in caplog.text


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared images are not here")
def test_real_images_are_all_kept() -> None:
    files = read_images(images_in("kodak24", SHARED / "pristine" / "kodak24"), 161, 2).assign(
        source="kodak24"
    )
    kept, excluded = join("kodak24", [files])
    assert excluded.empty
    assert {tuple(sorted(size)) for size in kept[["width", "height"]].to_numpy().tolist()} == {(512, 768)}


def test_the_jobs_catalogue_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for seed, name in enumerate(("0.png", "1.png", "2.png", "2 again.png")):
        noise = np.random.default_rng(min(seed, 2)).integers(0, 256, (170, 180, 3), dtype=np.uint8)
        Image.fromarray(noise).save(f"photos/{name}")
    Path("photos/bad.jpg").write_bytes(b"bad")
    cfg = {"folder": "photos", "shards": 2, "smallest_side": 161}
    for number in range(2):
        words = [
            "--name",
            "mine",
            "--number",
            number,
            "--output",
            f"shards/{shard_name('mine', number)}.parquet",
        ]
        assert main(["sources", "catalogue_shard", *map(str, words), "--cfg", json.dumps(cfg)]) == 0
    joined = {"shards": 2, "images": 5}
    made = ["--output", "c.parquet", "--excluded", "e.parquet", "--cfg", json.dumps(joined)]
    assert main(["sources", "catalogue", "--name", "mine", "--shards", "shards", *made]) == 0
    rows = read_table("c.parquet", CATALOGUE)
    assert rows["image_id"].tolist() == ["0.png", "1.png", "2 again.png"]
    assert rows["shard"].tolist() == [shard_of(name, 2) for name in rows["image_id"]]
    assert read_table("e.parquet", EXCLUDED)["image_id"].tolist() == ["2.png", "bad.jpg"]
    assert read_stamp("c.parquet")["cfg"] == read_stamp("e.parquet")["cfg"] == joined
    write_table("shards/mine-00001.parquet", FILES, files_of().assign(source=[]), stage="sources", cfg={})
    assert main(["sources", "catalogue", "--name", "mine", "--shards", "shards", *made]) == 0
