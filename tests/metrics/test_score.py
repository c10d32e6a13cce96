"""The job `score`: a shard in, a table out, and errors that name the image."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage import data

from mosforge.core.errors import MosforgeError
from mosforge.core.files import sha256_of_file
from mosforge.core.images import Pixels
from mosforge.core.schemas.distortions import KEYS, MANIFEST
from mosforge.core.schemas.metrics import METRIC_SCORES, METRICS
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.metrics import score as score_in_memory
from mosforge.metrics.pairs import score_pairs
from mosforge.metrics.score import score
from mosforge.metrics.settings import ScoreSettings

SHARD = Path("shard")
OUTPUT = Path("results/metrics/synthetic/noise/00000.parquet")
CFG = ScoreSettings(engine="fused", scale="auto")


def read_manifest() -> Frame:
    return read_table(SHARD / "manifest.parquet", MANIFEST)


def write_manifest(rows: Frame) -> None:
    write_table(SHARD / "manifest.parquet", MANIFEST, rows, stage="distortions", cfg={})


def test_a_shard_is_scored_in_the_order_of_its_manifest(
    shard: dict[str, tuple[Pixels, list[Pixels]]],
) -> None:
    score(SHARD, output=OUTPUT, cfg=CFG, threads=2)
    table = read_table(OUTPUT, METRIC_SCORES)
    assert read_stamp(OUTPUT)["cfg"] == {"engine": "fused", "scale": "auto"}
    keys = [key.name for key in KEYS]
    pd.testing.assert_frame_equal(table[keys], read_manifest()[keys])
    for name, (reference, distorted) in shard.items():
        rows = table[table["image_id"] == name].sort_values("level")
        np.testing.assert_array_equal(rows[list(METRICS)], score_in_memory(reference, distorted, threads=1))


def test_threads_leave_the_bytes_unchanged(shard: object) -> None:
    score(SHARD, output=OUTPUT, cfg=CFG, threads=1)
    first = OUTPUT.read_bytes()
    score(SHARD, output=OUTPUT, cfg=CFG, threads=3)
    assert OUTPUT.read_bytes() == first


def test_an_empty_manifest_gives_an_empty_table(shard: object) -> None:
    write_manifest(read_manifest()[:0])
    score(SHARD, output=OUTPUT, cfg=CFG, threads=2)
    assert len(read_table(OUTPUT, METRIC_SCORES)) == 0


def test_another_size_than_the_reference_image_is_refused(shard: object) -> None:
    Image.fromarray(data.coffee()[:170, :170]).save(SHARD / "2-b.png")
    manifest = read_manifest()
    write_manifest(manifest.assign(sha256=[sha256_of_file(path) for path in manifest["path"]]))
    with pytest.raises(MosforgeError, match=r"2-b\.png: 170x170 pixels.*b\.png.*161x170"):
        score(SHARD, output=OUTPUT, cfg=CFG, threads=2)
    assert not OUTPUT.exists()


def test_a_small_reference_image_is_refused(shard: object) -> None:
    Image.fromarray(data.astronaut()[:160, :180]).save("references/a.png")
    with pytest.raises(MosforgeError, match=r"references/a\.png: 180x160 pixels.*at least 161"):
        score(SHARD, output=OUTPUT, cfg=CFG, threads=2)


@pytest.mark.parametrize("missing", ["references/a.png", f"{SHARD}/3-b.png"])
def test_a_missing_image_is_named(shard: object, missing: str) -> None:
    Path(missing).unlink()
    with pytest.raises(MosforgeError, match=f"{missing}: no such file"):
        score(SHARD, output=OUTPUT, cfg=CFG, threads=2)


@pytest.mark.parametrize("damage", ["flipped", "truncated"])
def test_an_image_that_changed_since_it_was_made_is_refused(shard: object, damage: str) -> None:
    image = SHARD / "3-b.png"
    content = bytearray(image.read_bytes())
    content[len(content) // 2] ^= 1
    image.write_bytes(content if damage == "flipped" else content[:-1])
    with pytest.raises(MosforgeError, match=r"3-b\.png: damaged.*delete its folder"):
        score(SHARD, output=OUTPUT, cfg=CFG, threads=2)
    assert not OUTPUT.exists()


class BrokenEngine:
    """Gives no number for the second image that it sees."""

    def __init__(self) -> None:
        self.seen = 0

    def batch(self, shape: tuple[int, ...]) -> int:
        return 1

    def prepare(self, reference: Pixels) -> None:
        return None

    def score(self, prepared: None, images: object) -> np.ndarray:
        self.seen += 1
        return np.array([[1, 1, 0, 1, np.nan if self.seen == 2 else 1, 0]])


def test_a_score_that_is_not_finite_names_the_image(shard: object) -> None:
    manifest = read_manifest()
    with pytest.raises(MosforgeError, match=r"2-a\.png: fsim against references/a\.png is nan"):
        score_pairs(manifest["reference"].tolist(), manifest["path"].tolist(), BrokenEngine(), 1)
