"""The layout of the results: every path below `results/`, spelled once, and the names of shards.

`{corpus}` and the like are wildcards of the rules. The report finds what it reads by the same patterns.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

FETCHED = "results/sources/{source}.fetched.json"
FOLDER_OF_FILES = "results/sources/shards"
FILES = "results/sources/shards/{shard}.parquet"
"""The files of a shard of a source, as they were read."""
CATALOGUE = "results/sources/{source}.parquet"
EXCLUDED = "results/sources/{source}.excluded.parquet"
LEAKS_IN_DATASET = "results/sources/leaks/{source}/{dataset}.parquet"
LEAKS = "results/sources/{source}.leaks.parquet"

SHARD = "results/distortions/{corpus}/{group}/{shard}"
"""A folder: distorted images and their manifest."""

METRICS_OF_CORPUS = "results/metrics/{corpus}"
METRICS = "results/metrics/{corpus}/{group}/{shard}.parquet"
TARGETS = "results/metrics/targets/{dataset}.parquet"

LABELS = "results/pmos/{corpus}.parquet"
MAPPING = "results/pmos/{corpus}.mapping.json"
LEFT_OUT = "results/pmos/{corpus}.left_out.json"
"""The pristine images that the labels leave out, since a target dataset shows them too."""
DIAGNOSTICS = "results/pmos/{corpus}.diagnostics.json"
VALIDATION = "results/pmos/validation/{dataset}.parquet"

WEIGHTS = "results/pretraining/weights/{backbone}.safetensors"
"""The first weights of a backbone, such as those of ImageNet."""
PACKS_OF_CORPUS = "results/pretraining/{corpus}/packs"
PACK_OF_SHARD = "results/pretraining/{corpus}/packs/{group}/{shard}.parquet"
PIXELS_OF_SHARD = "results/pretraining/{corpus}/packs/{group}/{shard}.pixels"
PACK_OF_CORPUS = "results/pretraining/{corpus}/pack.parquet"
PRETRAINED = "results/pretraining/{corpus}/{backbone}/{objective}"
"""The folder of a pretrained model."""
PRETRAINED_ON_SPLIT = "results/pretraining/{corpus}/{dataset}/{split}/{backbone}/{objective}"
"""The folder of a pretrained model that has seen the training part of a target dataset."""

PROXY_LABELS = "results/finetuning/{dataset}/labels.csv"
DATASET = "results/finetuning/{dataset}/dataset.parquet"
CONTENTS = "results/finetuning/{dataset}/contents.parquet"
SPLIT_ACROSS = "results/finetuning/{test_dataset}/across/{dataset}/split.parquet"
"""The images of a dataset as the test part of models that are fine-tuned on the whole of another one."""
FILES_OF_DATASET = "results/finetuning/{dataset}/files.parquet"
PACK_OF_DATASET = "results/finetuning/{dataset}/pack.parquet"
PIXELS_OF_DATASET = "results/finetuning/{dataset}/pack.pixels"
SPLIT = "results/finetuning/{dataset}/{split}/split.parquet"
FINETUNED = "results/finetuning/{dataset}/{split}/{backbone}/{initialisation}{training}"
"""The folder of a fine-tuned model; `{training}` is empty for the seed 0, and `.seed3` for the seed 3."""

PREDICTIONS = (
    "results/evaluation/{dataset}/{split}/{backbone}/{initialisation}{training}/{adaptation}/"
    "{test_dataset}.parquet"
)
FEATURES = "results/evaluation/features/{test_dataset}/{backbone}/{initialisation}.parquet"
"""What a network that has seen no target dataset makes of the images of one."""
FEATURES_ON_SPLIT = (
    "results/evaluation/features/{test_dataset}/{dataset}/{split}/{backbone}/{initialisation}.parquet"
)
"""The same of a network that has seen the training part of a dataset in its pretraining."""
BRISQUE = "results/evaluation/brisque/{dataset}.parquet"
CORRELATIONS = "results/evaluation/{experiment}.parquet"

ANY_MODEL = "results/{model}"
"""The folder of a model, pretrained or fine-tuned; `{model}` is the folder below `results/`."""
SANITY = "results/evaluation/sanity/{model}.parquet"
"""The scores that a model gives to the images of `evaluation.sanity`."""
SANITY_SHARES = "results/evaluation/sanity/{model}.json"

TABLE = "results/report/tables/{experiment}.csv"
TABLE_MARKDOWN = "results/report/tables/{experiment}.md"
TABLE_OF_GAINS = "results/report/tables/{experiment}.gains.csv"
TABLE_OF_SPLITS = "results/report/tables/{experiment}.splits.csv"
TABLE_OF_SANITY = "results/report/tables/{experiment}.sanity.csv"
PAGE = "results/report/index.html"
FIGURES = "results/report/figures"
"""A folder."""

MODEL = "model.safetensors"
"""In the folder of a model: its weights."""
CARD = "card.json"
HISTORY = "history.parquet"


def of_model(folder: str) -> dict[str, str]:
    """The files of a model's folder, by the names that the rules of the trainings give to their outputs."""
    return {
        "model": f"{folder}/{MODEL}",
        "card": f"{folder}/{CARD}",
        "text": f"{folder}/card.md",
        "history": f"{folder}/{HISTORY}",
    }


def below(results: Path, pattern: str, **wildcards: str) -> Path:
    """A path in a folder of results, wherever that lies.

    Args:
        results: the folder.
        pattern: one of those above.
        wildcards: their values.
    """
    return results / pattern.format(**wildcards).removeprefix("results/")


def training_of(seed: int) -> str:
    """The part of a path that names a training by its seed; a further seed moves no other training."""
    return f".seed{seed}" if seed else ""


def seed_in(training: str) -> int:
    """The seed of a training, from the part of a path that `training_of` gives."""
    return int(training.removeprefix(".seed") or 0)


def shard_name(source: str, number: int) -> str:
    """The name of a source's shard, counted from 0; names sort as the numbers do."""
    return f"{source}-{number:05d}"


def shard_count(images: int, size: int) -> int:
    """The number of shards of a source: the power of two that lets a shard hold about `size` images.

    A power of two seldom changes when images are added or removed. The mean of the shards is between 0.7 and
    1.4 times `size`, or below, if there is only one shard.

    Args:
        images: of the source; without any there is no shard.
        size: images in a shard.
    """
    return 1 << max(round(math.log2(images / size)), 0) if images else 0


def shard_of(image_id: str, shards: int) -> int:
    """The number of the shard that holds an image: a hash of its id, so no other image has a say.

    Args:
        image_id: of the image in its source.
        shards: their number, a power of two.
    """
    name = image_id.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.sha256(name).digest()[:8]) % shards


def shard_paths(groups: Iterable[str], shards: Mapping[str, int]) -> list[tuple[str, str]]:
    """Every (group, shard name) of a corpus, in a fixed order.

    Args:
        groups: distortion types, or only `authentic`.
        shards: number of shards by source.
    """
    return [
        (group, shard_name(source, number))
        for group in groups
        for source in sorted(shards)
        for number in range(shards[source])
    ]
