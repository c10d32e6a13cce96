"""Pretraining of a network on the pseudo-labelled corpus."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mosforge.core.errors import MosforgeError
from mosforge.core.files import digest, sha256_of_file
from mosforge.core.packs import Pack, locate
from mosforge.core.schemas.datasets import SPLIT
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import Frame, read_table
from mosforge.models.heads import MultiTaskHead
from mosforge.pretraining.labels import labels_of, series_of
from mosforge.pretraining.objective import loss_for, untrained
from mosforge.training.finish import finish
from mosforge.training.loop import fit
from mosforge.training.recipe import Recipe
from mosforge.training.setup import Setup
from mosforge.training.start import start
from mosforge.training.state import state_file_in


def pretrain(
    cfg: dict[str, Any],
    *,
    labels: list[Path],
    packs: list[Path],
    weights: Path,
    split: Path | None,
    folder: Path,
    setup: Setup,
) -> None:
    """Trains and writes `model.safetensors`, `card.json`, `card.md` and `history.parquet` into `folder`.

    Args:
        cfg: the parameters of the rule `pretrain`.
        labels: `results/pmos/CORPUS.parquet`; for unified pretraining of the synthetic corpus and of the
            authentic one, in this order.
        packs: indices of the corpora's packs.
        weights: ImageNet weights of the backbone.
        split: for an authentic corpus, the split whose training photographs alone may be used.
        folder: where the model goes.
        setup: where to train; it does not change what is trained.
    """
    if (split is not None) != ("split" in cfg):
        raise MosforgeError(
            "pretraining on a dataset's pictures needs its split, and nothing else may have one"
        )
    tables = [read_table(file, LABELS) for file in labels]
    if split is not None:
        tables[-1] = only_training_part(tables[-1], cfg["sources"], read_table(split, SPLIT))
    samples = locate(pd.concat(tables), pd.concat([read_table(file, PACK) for file in packs]))
    digest_of_data = digest([samples["sha256"].tolist(), samples["pmos"].tolist()])
    recipe = Recipe.from_parameters(cfg, repeats=1)
    known = labels_of(samples, cfg["label_kind"], cfg.get("agreement_scale", 0.0), setup.device)
    network, head = start(
        cfg,
        weights,
        "pretraining head",
        lambda width: MultiTaskHead(width, len(cfg["classes"])),
        float(known.scores.mean()),
    )
    for parameter in untrained(head, cfg["objective"]):
        parameter.requires_grad_(False)
    digest_of_weights = sha256_of_file(weights)
    history = fit(
        network,
        Pack(samples),
        np.arange(len(samples)),
        loss_for(
            cfg["objective"],
            known,
            loss_weights=cfg.get("loss_weights"),
            rank_margin=cfg.get("rank_margin", 0.0),
        ),
        recipe,
        names=samples["path"].tolist(),
        state_file=state_file_in(folder, cfg, digest_of_data, digest_of_weights, known.digest()),
        setup=setup,
        groups=series_of(samples) if cfg["objective"] == "rank" else None,
    )
    facts = {
        "head": "multitask",
        "range": [0.0, 1.0],
        "higher_is_better": True,
        "labels": "pseudo-MOS (fused full-reference metrics), not human scores"
        + (" (of two corpora, whose scales differ)" if len(tables) > 1 else ""),
        "pictures": len(samples),
        "data_digest": digest_of_data,
        "initial_weights_sha256": digest_of_weights,
    }
    finish(folder, network, history, facts, stage="pretraining", cfg=cfg, setup=setup)


def only_training_part(samples: Frame, sources: list[str], split: Frame) -> Frame:
    """The samples made from photographs of a dataset's training part; nothing of its other parts.

    Args:
        samples: pictures of the corpus, with `source` and `image_id`.
        sources: the sources that are the dataset's pictures.
        split: the dataset's split.
    """
    training = set(split.loc[split["part"] == "train", "image"])
    kept = samples[samples["source"].isin(sources) & samples["image_id"].isin(training)]
    if kept.empty:
        raise MosforgeError(
            f"the corpus holds no picture made from the training part of {', '.join(sources)}"
        )
    return kept.reset_index(drop=True)
