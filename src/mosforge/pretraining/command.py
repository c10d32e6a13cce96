"""`mosforge pretraining`: weights, packs and the training."""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from mosforge.options import add_fitting_options, add_threads, add_verb, add_verify


def add_commands(commands: Any, verbs: Any) -> None:
    """Adds the verbs `pack`, `index`, `verify` and `train`."""
    pack = add_verb(verbs, "pack", _pack, "pack the pictures of a shard", cfg=True)
    pack.add_argument("--pictures", type=Path, required=True, metavar="DIR", help="folder of the shard")
    pack.add_argument("--index", type=Path, required=True, metavar="FILE", help="index, Parquet")
    pack.add_argument("--pixels", type=Path, required=True, metavar="FILE", help="pixels")
    add_threads(pack)

    index = add_verb(verbs, "index", _index, "join the indices of a corpus' packs", cfg=True)
    index.add_argument("--packs", type=Path, required=True, metavar="DIR", help="folder of the packs")
    index.add_argument("--output", type=Path, required=True, metavar="FILE")

    add_verify(verbs)

    train = add_verb(verbs, "train", _train, "train, or go on training where a killed run stopped", cfg=True)
    files: dict[str, Any] = {"type": Path, "required": True, "nargs": "+", "metavar": "FILE"}
    train.add_argument("--labels", **files, help="pseudo-MOS, Parquet; unified: synthetic, then authentic")
    train.add_argument("--pack", **files, help="joined index of the packs of each")
    train.add_argument("--weights", type=Path, required=True, metavar="FILE", help="ImageNet weights")
    train.add_argument("--split", type=Path, metavar="FILE", help="use its training part alone")
    train.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of the model")
    add_fitting_options(train)


def _pack(arguments: argparse.Namespace) -> None:
    from mosforge.core.manifests import read_manifest
    from mosforge.core.packs import write_pack
    from mosforge.pretraining.packing import scaled_pictures

    manifest = read_manifest(arguments.pictures)
    pictures = scaled_pictures(manifest["path"].tolist(), arguments.cfg["resize"], arguments.threads)
    write_pack(arguments.index, arguments.pixels, pictures, stage="pretraining", cfg=arguments.cfg)


def _index(arguments: argparse.Namespace) -> None:
    from mosforge.core.schemas.packs import PACK
    from mosforge.core.shards import shard_paths
    from mosforge.core.tables import write_table
    from mosforge.pretraining.packing import join_indices

    shards = shard_paths(arguments.cfg["groups"], arguments.cfg["shards"])
    index = join_indices([f"{arguments.packs}/{group}/{shard}.parquet" for group, shard in shards])
    write_table(arguments.output, PACK, index, stage="pretraining", cfg=arguments.cfg)


def _train(arguments: argparse.Namespace) -> int | None:
    from mosforge.pretraining.train import pretrain
    from mosforge.training.launch import train_in_processes

    train = partial(
        pretrain,
        arguments.cfg,
        labels=arguments.labels,
        packs=arguments.pack,
        weights=arguments.weights,
        split=arguments.split,
        folder=arguments.output,
    )
    return train_in_processes(arguments, train)
