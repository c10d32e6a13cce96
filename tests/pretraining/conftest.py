"""A small labelled corpus of tiles of two images, packed, and weights to start from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageFilter
from safetensors.torch import save_file
from skimage import data

from mosforge.core.packs import write_pack
from mosforge.core.schemas.metrics import METRICS
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import write_table
from mosforge.pretraining.fetch_weights import load_weights
from mosforge.pretraining.pack_shard import scale

BACKBONE = "efficientnet_lite0"
CLASSES = ["gaussian_blur 1", "gaussian_blur 2", "gaussian_blur 3"]


@dataclass
class Corpus:
    """Files of a corpus; `cfg` are the parameters of its pretraining."""

    labels: Path
    pack: Path
    weights: Path
    cfg: dict[str, Any]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("corpus")
    rows, images = [], []
    for name in ("astronaut", "coffee"):
        whole = Image.fromarray(getattr(data, name)())
        for tile in range(4):
            for level, radius in enumerate((0.5, 2, 6)):
                left = 80 * tile
                path = f"{folder}/{name}-{tile}-{level}.png"
                whole.crop((left, 60, left + 100, 150)).filter(ImageFilter.GaussianBlur(radius)).save(path)
                images.append((path, scale(path, 80)))
                rows.append((name, f"{tile}.png", level, path))
    frame = pd.DataFrame(rows, columns=["source", "image_id", "class_index", "path"])
    bits = np.eye(3, dtype=np.uint8)[frame["class_index"]]
    frame = frame.assign(
        reference=frame["source"] + "/" + frame["image_id"],
        group="gaussian_blur",
        level=frame["class_index"] + 1,
        labels=[row.tolist() for row in bits],
        seed=0,
        pmos=0.9 - 0.35 * frame["class_index"],
        agreement=0.1,
        **dict.fromkeys(METRICS, 0.5),
    )
    write_table(folder / "labels.parquet", LABELS, frame, stage="test", cfg={})
    write_pack(folder / "pack.parquet", folder / "pack.pixels", images, stage="test", cfg={})
    state = {key: value.contiguous() for key, value in load_weights(BACKBONE, "none").items()}
    save_file(state, folder / "weights.safetensors")
    cfg = {
        **{"corpus": "synthetic", "backbone": BACKBONE, "objective": "multitask", "label_kind": "single"},
        **{"classes": CLASSES, "seed": 0, "crop": 64, "flip": True, "epochs": 2, "batch_size": 8},
        **{"schedule": "constant", "warm_up": 50},
        **{"multi_level": False},
        "sources": ["astronaut", "coffee"],
        "learning_rates": {"backbone": 1e-3, "classification": 1e-3, "score": 1e-3},
    }
    return Corpus(folder / "labels.parquet", folder / "pack.parquet", folder / "weights.safetensors", cfg)
