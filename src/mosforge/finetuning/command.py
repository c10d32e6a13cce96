"""`mosforge finetuning`: target datasets, splits, packs and the training."""

import argparse
import logging
import sys
from functools import partial
from pathlib import Path
from typing import Any

from mosforge.core.rows import format_rows
from mosforge.options import add_config, add_fitting_options, add_threads, add_verb, add_verify

log = logging.getLogger(__name__)


def add_commands(commands: Any, verbs: Any) -> None:
    """Adds the verbs `check`, `proxy`, `dataset`, `split`, `pack`, `verify` and `train`."""

    check = add_verb(verbs, "check", _check, "say what is there of a target dataset, and what is missing")
    check.add_argument("dataset", help="name in finetuning.datasets")
    add_config(check)

    proxy = add_verb(verbs, "proxy", _proxy, "score distorted pictures with HaarPSI, as a stand-in dataset")
    proxy.add_argument("shards", type=Path, nargs="+", metavar="DIR", help="shards of distorted pictures")
    proxy.add_argument("--output", type=Path, required=True, metavar="FILE", help="CSV")
    add_threads(proxy)

    dataset = add_verb(verbs, "dataset", _dataset, "check a dataset and normalise its table", cfg=True)
    dataset.add_argument("--name", required=True)
    dataset.add_argument("--output", type=Path, required=True, metavar="FILE")

    split = add_verb(verbs, "split", _split, "split a dataset by content", cfg=True)
    split.add_argument("--dataset", type=Path, required=True, metavar="FILE")
    split.add_argument("--name", required=True, help="a seed, `official` or `full`")
    split.add_argument("--output", type=Path, required=True, metavar="FILE")

    pack = add_verb(verbs, "pack", _pack, "decode a dataset's pictures into a pack", cfg=True)
    pack.add_argument("--dataset", type=Path, required=True, metavar="FILE")
    pack.add_argument("--index", type=Path, required=True, metavar="FILE")
    pack.add_argument("--pixels", type=Path, required=True, metavar="FILE")

    add_verify(verbs)

    train = add_verb(verbs, "train", _train, "train, or go on training where a killed run stopped", cfg=True)
    train.add_argument("--dataset", type=Path, required=True, metavar="FILE")
    train.add_argument("--split", type=Path, required=True, metavar="FILE")
    train.add_argument("--pack", type=Path, required=True, metavar="FILE")
    train.add_argument("--weights", type=Path, required=True, metavar="FILE")
    train.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of the model")
    add_fitting_options(train)


def _check(arguments: argparse.Namespace) -> int:
    from mosforge.configuration import entry_of, load_config
    from mosforge.finetuning.datasets import describe, load
    from mosforge.finetuning.registry import layout_of, missing

    cfg = entry_of(load_config(arguments.config), "finetuning.datasets", arguments.dataset)
    if cfg["layout"] == "proxy":
        print(f"{arguments.dataset}: the workflow makes this dataset itself; its scores are no human ones")
        return 0
    problem = missing(cfg["layout"], cfg["folder"], cfg)
    if problem:
        print(f"{arguments.dataset}: {problem}")
        return 1
    frame = load(arguments.dataset, cfg["layout"], cfg["folder"], cfg)
    found = describe(arguments.dataset, frame, layout_of(cfg["layout"], cfg))
    sys.stdout.write(
        format_rows(
            [{"item": key, "found": value} for key, value in found.items()], ("item", "found"), "table"
        )
    )
    return 0


def _proxy(arguments: argparse.Namespace) -> None:
    import torch

    from mosforge.finetuning.proxy import proxy_labels

    torch.set_num_threads(arguments.threads)
    proxy_labels(arguments.shards, arguments.output)


def _dataset(arguments: argparse.Namespace) -> None:
    from mosforge.core.schemas.datasets import DATASET
    from mosforge.core.tables import write_table
    from mosforge.finetuning.datasets import load

    cfg = arguments.cfg
    frame = load(arguments.name, cfg["layout"], Path(cfg["folder"]), cfg)
    write_table(arguments.output, DATASET, frame, stage="finetuning", cfg=cfg)
    log.info("%s: %d pictures of %d contents", arguments.name, len(frame), frame["reference"].nunique())


def _split(arguments: argparse.Namespace) -> None:
    from mosforge.core.schemas.datasets import DATASET, SPLIT
    from mosforge.core.tables import read_table, write_table
    from mosforge.finetuning.splits import make_split, split_digest

    cfg = arguments.cfg
    dataset = read_table(arguments.dataset, DATASET)
    # only a random split has a share that is trained on
    frame = make_split(dataset, arguments.name, cfg.get("train", 1.0), cfg["validation"])
    digest = split_digest(frame)
    write_table(arguments.output, SPLIT, frame, stage="finetuning", cfg={**cfg, "digest": digest})
    parts = ", ".join(f"{part} {count}" for part, count in frame["part"].value_counts().sort_index().items())
    log.info("split %s: %s pictures, digest %s", arguments.name, parts, digest)


def _pack(arguments: argparse.Namespace) -> None:
    from mosforge.core.images import read_rgb
    from mosforge.core.packs import write_pack
    from mosforge.core.schemas.datasets import DATASET
    from mosforge.core.tables import read_table

    paths = read_table(arguments.dataset, DATASET)["path"].tolist()
    pictures = ((path, read_rgb(path)) for path in paths)
    write_pack(arguments.index, arguments.pixels, pictures, stage="finetuning", cfg=arguments.cfg)


def _train(arguments: argparse.Namespace) -> int | None:
    from mosforge.finetuning.train import finetune
    from mosforge.training.launch import train_in_processes

    train = partial(
        finetune,
        arguments.cfg,
        dataset=arguments.dataset,
        split=arguments.split,
        pack=arguments.pack,
        weights=arguments.weights,
        folder=arguments.output,
    )
    return train_in_processes(arguments, train)
