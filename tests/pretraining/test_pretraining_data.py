"""What pretraining may see: the pictures of a training part and no other; and how they are packed."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from mosforge.cli import main
from mosforge.core.errors import MosforgeError, UnreadableImageError
from mosforge.core.files import digest, sha256_of_file
from mosforge.core.images import read_rgb
from mosforge.core.schemas.distortions import MANIFEST
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import read_table, write_table
from mosforge.pretraining.packing import join_indices, scale, scaled_pictures
from mosforge.pretraining.train import only_training_part

_NAMES = st.sampled_from(["1.bmp", "2.bmp", "10.bmp", "a/1.bmp", "1.BMP", "1.bmp "])


@settings(deadline=None)
@given(
    samples=st.lists(
        st.tuples(st.sampled_from(["livec", "koniq10k", "LIVEC", "livec2"]), _NAMES), max_size=30
    ),
    parts=st.dictionaries(_NAMES, st.sampled_from(["train", "validation", "test"])),
)
def test_no_picture_outside_the_training_part_is_let_through(
    samples: list[tuple[str, str]], parts: dict[str, str]
) -> None:
    frame = pd.DataFrame(samples, columns=["source", "image_id"]).assign(number=range(len(samples)))
    split = pd.DataFrame({"image": list(parts), "part": list(parts.values())}, dtype=str)
    allowed = [
        i for i, (source, image) in enumerate(samples) if source == "livec" and parts.get(image) == "train"
    ]
    if allowed:
        kept = only_training_part(frame, ["livec"], split)
        assert kept["number"].tolist() == allowed
        assert kept.index.tolist() == list(range(len(allowed)))
    else:
        with pytest.raises(MosforgeError, match="no picture made from the training part of livec"):
            only_training_part(frame, ["livec"], split)


def photographs(folder: Path, count: int = 7) -> list[str]:
    paths = []
    for i in range(count):
        image = Image.fromarray(data.coffee()[i : i + 60 + i, i : i + 90])
        image.save(folder / f"{i}.png")
        paths.append(str(folder / f"{i}.png"))
    return paths


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_pictures_come_in_order_whatever_the_threads(tmp_path: Path, threads: int) -> None:
    paths = photographs(tmp_path)
    scaled = list(scaled_pictures(paths, 32, threads))
    assert [path for path, _ in scaled] == paths
    for path, pixels in scaled:
        assert pixels.shape == (32, 32, 3)
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels, scale(path, 32))


def test_scaling_squeezes_the_whole_picture_without_aliasing(tmp_path: Path) -> None:
    stripes = np.zeros((64, 128, 3), np.uint8)
    stripes[:, ::2] = 255  # finer than the square can show: grey, not black or white
    stripes[:32] = stripes[:32] // 2
    Image.fromarray(stripes).save(tmp_path / "x.png")
    pixels = scale(str(tmp_path / "x.png"), 32)
    assert np.abs(pixels[20:, 2:-2].astype(int) - 127).max() <= 2
    assert np.abs(pixels[:12, 2:-2].astype(int) - 63).max() <= 2


def test_a_picture_of_that_size_is_not_changed(tmp_path: Path) -> None:
    pixels = data.coffee()[:32, :32]
    Image.fromarray(pixels).save(tmp_path / "x.png")
    np.testing.assert_array_equal(scale(str(tmp_path / "x.png"), 32), pixels)


@pytest.mark.parametrize("threads", [1, 5])
def test_whole_pictures_keep_their_size_and_every_pixel(tmp_path: Path, threads: int) -> None:
    paths = photographs(tmp_path)
    whole = list(scaled_pictures(paths, 0, threads))
    assert [path for path, _ in whole] == paths
    for i, (_, pixels) in enumerate(whole):
        np.testing.assert_array_equal(pixels, data.coffee()[i : i + 60 + i, i : i + 90])


def test_a_damaged_picture_stops_the_pack_by_its_name(tmp_path: Path) -> None:
    paths = photographs(tmp_path)
    Path(paths[3]).write_bytes(b"text")
    with pytest.raises(UnreadableImageError, match=r"3\.png: not an image"):
        list(scaled_pictures(paths, 32, 2))


def test_no_pictures_no_pack() -> None:
    assert list(scaled_pictures([], 32, 2)) == []


def test_indices_are_joined_in_order(corpus) -> None:
    joined = join_indices([str(corpus.pack), str(corpus.pack)])
    assert len(joined) == 48
    assert joined["path"].tolist() == joined["path"].tolist()[:24] * 2
    assert joined.index.is_unique


def test_a_training_sees_whole_pictures_of_all_sizes(corpus: Any, tmp_path: Path) -> None:
    """From 50x73 to 73x50: in width, in height or in both, each is smaller than the crop of 64."""
    labels = read_table(corpus.labels, LABELS)
    paths = [str(tmp_path / f"{i}.png") for i in range(len(labels))]
    for i, (old, new) in enumerate(zip(labels["path"], paths, strict=True)):
        Image.open(old).crop((0, 0, 50 + i, 73 - i)).save(new)
    labels["path"] = paths
    write_table(tmp_path / "labels.parquet", LABELS, labels, stage="test", cfg={})
    rows = labels[[name for name in MANIFEST.columns if name in labels]]
    rows = rows.assign(width=1, height=1, bytes=1, sha256=[sha256_of_file(path) for path in paths])
    write_table(tmp_path / "shard/manifest.parquet", MANIFEST, rows, stage="test", cfg={})
    index, weights, model = f"{tmp_path}/pack.parquet", str(corpus.weights), tmp_path / "model"
    packing = ["--pictures", f"{tmp_path}/shard", "--index", index, "--pixels", f"{tmp_path}/pack.pixels"]
    assert main(["pretraining", "pack", *packing, "--cfg", '{"resize": 0}']) == 0
    training = ["--labels", f"{tmp_path}/labels.parquet", "--pack", index, "--weights", weights]
    training += ["--output", str(model), "--device", "cpu", "--cfg", json.dumps(corpus.cfg | {"epochs": 1})]
    assert main(["pretraining", "train", *training]) == 0
    pixels = [hashlib.sha256(read_rgb(path).tobytes()).hexdigest() for path in paths]
    card = json.loads((model / "card.json").read_text())
    assert card["data_digest"] == digest([pixels, labels["pmos"].tolist()])
    assert card["pictures"] == len(paths)
