"""A shard of distorted images in a folder of its own."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage import data

sys.path.insert(0, str(Path(__file__).parent))  # tests are no packages, and share oracle.py

from mosforge.core.files import sha256_of_file
from mosforge.core.images import Pixels
from mosforge.core.schemas.distortions import MANIFEST
from mosforge.core.tables import write_table


@pytest.fixture
def shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Pixels, list[Pixels]]]:
    """The working directory has `shard` and `references`: two reference images of different sizes, and three
    levels of noise of each, whose rows take turns in the manifest.

    Returns:
        The reference image and its distorted images by name.
    """
    monkeypatch.chdir(tmp_path)
    references = {"a.png": data.astronaut()[:165, :180].copy(), "b.png": data.coffee()[:170, :161].copy()}
    images: dict[str, tuple[Pixels, list[Pixels]]] = {name: (image, []) for name, image in references.items()}
    for folder in ("references", "shard"):
        Path(folder).mkdir()
    rows = []
    for level in (1, 2, 3):
        for name, reference in references.items():
            Image.fromarray(reference).save(f"references/{name}")
            noise = np.random.default_rng(level).normal(0, 12 * level, reference.shape)
            distorted = np.clip(reference + noise, 0, 255).astype(np.uint8)
            images[name][1].append(distorted)
            path = Path(f"shard/{level}-{name}")
            Image.fromarray(distorted).save(path)
            rows.append(
                {
                    "source": "skimage",
                    "image_id": name,
                    "reference": f"references/{name}",
                    "group": "noise",
                    "level": level,
                    "class_index": level - 1,
                    "labels": None,
                    "seed": 7,
                    "path": str(path),
                    "width": distorted.shape[1],
                    "height": distorted.shape[0],
                    "bytes": path.stat().st_size,
                    "sha256": sha256_of_file(path),
                }
            )
    write_table("shard/manifest.parquet", MANIFEST, pd.DataFrame(rows), stage="distortions", cfg={})
    return images
