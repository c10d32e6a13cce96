"""The rule `pack_dataset`: the images of a target dataset are decoded, once for all readers."""

from pathlib import Path

from mosforge.core.images import read_rgb
from mosforge.core.packs import write_pack
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.tables import read_table
from mosforge.finetuning.settings import PackDatasetSettings


def pack_dataset(dataset: Path, *, index: Path, pixels: Path, cfg: PackDatasetSettings) -> None:
    """Decodes the images of a target dataset into a pack.

    Args:
        dataset: the table of the dataset (artefact `dataset`).
        index: where in the pack each image lies, Parquet (artefact `pack`).
        pixels: the pack: 8-bit RGB samples, image after image.
        cfg: what the images depend on; it is written into the index.

    Raises:
        MosforgeError: an image cannot be read.
    """
    paths = read_table(dataset, DATASET)["path"].tolist()
    images = ((path, read_rgb(path)) for path in paths)
    write_pack(index, pixels, images, stage="finetuning", cfg=cfg.plain())
