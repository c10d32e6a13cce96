"""The rule `label_proxy`: labels in the place of human scores where none can be had, as in the offline demo.

Each distorted image gets its HaarPSI against its reference (Reisenhofer et al., Signal Processing: Image
Communication 61, 2018; computed by piq), a metric that is none of the six that the pseudo-MOS is fused from.
It is NOT a human score: what is measured with it shows that the pipeline works, and nothing about people.
"""

import logging
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pandas as pd
import piq
import torch
from pydantic import PositiveInt
from tqdm import tqdm

from mosforge.core.atomic import atomic_file
from mosforge.core.catalogues import only_catalogued
from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, read_rgb
from mosforge.core.manifests import read_manifest

log = logging.getLogger(__name__)

_DIGITS = 6  # what float32 holds of a number near 1


def label_proxy(
    shards: list[Path], catalogues: list[Path], *, output: Path, threads: PositiveInt = 1
) -> None:
    """Scores distorted images with HaarPSI: a dataset in the place of one with human scores.

    The rows of the table are sorted by image: `image` (the image's path), `mos` (HaarPSI in [0, 1], higher is
    better, 6 decimals), `reference` (the content: the first folder of the image id, which is the image that
    a tile was cut from, or the id where it has no folder) and `reference_image` (the reference image's path).

    Args:
        shards: folders of distorted images, each with its `manifest.parquet`, in any order.
        catalogues: catalogues of their sources: the pristine images that are used (artefact `catalogue`).
        output: the table, a CSV that the layout `table` reads.
        threads: CPU threads of an image; they change no label.

    Raises:
        MosforgeError: a manifest or an image is missing or damaged, or there is no image.
    """
    torch.set_num_threads(threads)
    manifests = [read_manifest(folder) for folder in shards]
    rows = (
        only_catalogued(pd.concat(manifests, ignore_index=True), catalogues) if manifests else pd.DataFrame()
    )
    if rows.empty:
        raise MosforgeError("proxy labels: the shards hold no image; give folders with a manifest.parquet")
    labels: list[tuple[str, float, str, str]] = []
    groups = rows.sort_values("path").groupby("reference", sort=True)
    for reference, group in tqdm(groups, desc="proxy labels", unit="reference", disable=None):
        scores = _score(read_rgb(str(reference)), list(group["path"]))
        contents = [_content(image_id) for image_id in group["image_id"]]
        labels += zip(group["path"], scores, contents, group["reference"], strict=True)
    log.info("%d images labelled with HaarPSI, which stands in for human scores", len(labels))
    frame = pd.DataFrame(labels, columns=["image", "mos", "reference", "reference_image"])
    with atomic_file(output) as temporary:
        frame.sort_values("image").to_csv(
            temporary, index=False, float_format=f"%.{_DIGITS}f", lineterminator="\n"
        )


def _content(image_id: str) -> str:
    return PurePosixPath(image_id).parts[0]


def _score(reference: Pixels, paths: Sequence[str]) -> list[float]:
    """HaarPSI of the distorted images of one reference, one by one.

    A batch is no faster on a CPU, and the sixth decimal of a score would depend on the others in it.
    """
    expected = _tensor(reference)
    scores: list[float] = []
    for path in paths:
        image = read_rgb(path)
        if image.shape != reference.shape:
            raise MosforgeError(
                f"{path}: its size is not its reference image's; delete the folder of its shard and run again"
            )
        with torch.inference_mode():
            scores.append(round(piq.haarpsi(_tensor(image), expected).item(), _DIGITS))
    return scores


def _tensor(image: Pixels) -> torch.Tensor:
    """float32, (1, 3, height, width), in [0, 1]."""
    return torch.tensor(image).permute(2, 0, 1)[None].float() / 255
