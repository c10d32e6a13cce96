"""The images that a pretraining sees: those of a training part and no others, whatever their size."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mosforge.cli import main
from mosforge.core.errors import MosforgeError
from mosforge.core.files import digest, sha256_of_file
from mosforge.core.images import read_rgb
from mosforge.core.schemas.distortions import MANIFEST
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import read_table, write_table
from mosforge.pretraining.pretrain import keep_training_part

_NAMES = st.sampled_from(["1.bmp", "2.bmp", "10.bmp", "a/1.bmp", "1.BMP", "1.bmp "])


@settings(deadline=None)
@given(
    samples=st.lists(
        st.tuples(st.sampled_from(["livec", "koniq10k", "LIVEC", "livec2"]), _NAMES), max_size=30
    ),
    parts=st.dictionaries(_NAMES, st.sampled_from(["train", "validation", "test"])),
)
def test_no_image_outside_the_training_part_is_let_through(
    samples: list[tuple[str, str]], parts: dict[str, str]
) -> None:
    frame = pd.DataFrame(samples, columns=["source", "image_id"]).assign(number=range(len(samples)))
    split = pd.DataFrame({"image": list(parts), "part": list(parts.values())}, dtype=str)
    allowed = [
        i for i, (source, image) in enumerate(samples) if source == "livec" and parts.get(image) == "train"
    ]
    if allowed:
        kept = keep_training_part(frame, ["livec"], split)
        assert kept["number"].tolist() == allowed
        assert kept.index.tolist() == list(range(len(allowed)))
    else:
        with pytest.raises(MosforgeError, match="no image made from the training part of livec"):
            keep_training_part(frame, ["livec"], split)


def test_a_training_sees_whole_images_of_all_sizes(corpus: Any, tmp_path: Path) -> None:
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
    packing = ["--images", f"{tmp_path}/shard", "--index", index, "--pixels", f"{tmp_path}/pack.pixels"]
    assert main(["pretraining", "pack_shard", *packing, "--cfg", '{"resize": 0}']) == 0
    training = ["--labels", f"{tmp_path}/labels.parquet", "--pack", index, "--weights", weights]
    training += ["--output", str(model), "--device", "cpu", "--cfg", json.dumps(corpus.cfg | {"epochs": 1})]
    assert main(["pretraining", "pretrain", *training]) == 0
    pixels = [hashlib.sha256(read_rgb(path).tobytes()).hexdigest() for path in paths]
    card = json.loads((model / "card.json").read_text())
    assert card["data_digest"] == digest([pixels, labels["pmos"].tolist()])
    assert card["pictures"] == len(paths)
