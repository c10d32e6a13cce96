"""Labels that stand in for human scores where none can be had, as in the offline demo.

Each distorted picture gets its HaarPSI against its reference (Reisenhofer et al., Signal Processing:
Image Communication 61, 2018; computed by piq), a metric that is none of the six that the pseudo-MOS is
fused from. It is NOT a human score: what is measured with it says that the pipeline works, and nothing
about people.
"""

import logging
import os
from collections.abc import Sequence
from pathlib import PurePosixPath

import pandas as pd
import piq
import torch
from tqdm import tqdm

from mosforge.core.errors import MosforgeError
from mosforge.core.files import atomic_file
from mosforge.core.images import Pixels, read_rgb
from mosforge.core.manifests import read_manifest

_log = logging.getLogger(__name__)

_DIGITS = 6  # what float32 holds of a number near 1


def proxy_labels(folders: Sequence[str | os.PathLike[str]], output: str | os.PathLike[str]) -> None:
    """Scores every distorted picture of shard folders, and writes a CSV that the layout `table` reads.

    Its rows are sorted by image: `image` (the picture's path), `mos` (HaarPSI in [0, 1], higher is
    better, 6 decimals), `reference` (the content: the first folder of the image id, which is the
    photograph that a tile was cut from, or the id where it has no folder) and `reference_image` (the
    undistorted picture's path).

    Args:
        folders: shard folders, each with its `manifest.parquet`, in any order.
        output: the CSV, written whole or not at all.

    Raises:
        MosforgeError: a manifest or a picture is missing or damaged, or there is no picture.
    """
    manifests = [read_manifest(folder) for folder in folders]
    rows = pd.concat(manifests, ignore_index=True) if manifests else pd.DataFrame()
    if rows.empty:
        raise MosforgeError("proxy labels: the shards hold no picture; give folders with a manifest.parquet")
    labels: list[tuple[str, float, str, str]] = []
    groups = rows.sort_values("path").groupby("reference", sort=True)
    for reference, group in tqdm(groups, desc="proxy labels", unit="photograph", disable=None):
        scores = _score(read_rgb(str(reference)), list(group["path"]))
        contents = [_content(image_id) for image_id in group["image_id"]]
        labels += zip(group["path"], scores, contents, group["reference"], strict=True)
    _log.info("%d pictures labelled with HaarPSI, which stands in for human scores", len(labels))
    frame = pd.DataFrame(labels, columns=["image", "mos", "reference", "reference_image"])
    with atomic_file(output) as temporary:
        frame.sort_values("image").to_csv(
            temporary, index=False, float_format=f"%.{_DIGITS}f", lineterminator="\n"
        )


def _content(image_id: str) -> str:
    return PurePosixPath(image_id).parts[0]


def _score(reference: Pixels, paths: Sequence[str]) -> list[float]:
    """HaarPSI of the pictures of one reference, each by itself.

    A batch is no faster on a CPU, and moves the sixth decimal with what else is in it.
    """
    expected = _tensor(reference)
    scores: list[float] = []
    for path in paths:
        picture = read_rgb(path)
        if picture.shape != reference.shape:
            raise MosforgeError(f"{path}: its size is not its reference's; make its shard again")
        with torch.inference_mode():
            scores.append(round(piq.haarpsi(_tensor(picture), expected).item(), _DIGITS))
    return scores


def _tensor(picture: Pixels) -> torch.Tensor:
    """float32, (1, 3, height, width), in [0, 1]."""
    return torch.tensor(picture).permute(2, 0, 1)[None].float() / 255
