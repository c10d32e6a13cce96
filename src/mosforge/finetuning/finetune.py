"""The rule `finetune`: a network learns the scores of a target dataset."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn import functional

from mosforge.core.errors import MosforgeError
from mosforge.core.files import digest, sha256_of_file
from mosforge.core.packs import Pack, locate
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.training import HISTORY
from mosforge.core.tables import Frame, read_table
from mosforge.finetuning.about import card_terms
from mosforge.finetuning.finetune_settings import FinetuningSettings
from mosforge.finetuning.head_first import train_head_first
from mosforge.finetuning.rehearsal import read_rehearsal
from mosforge.finetuning.start import first_network
from mosforge.models.crops import draw_boxes, predict, view_side
from mosforge.models.network import Network
from mosforge.training.batches import check_not_empty
from mosforge.training.loop import fit
from mosforge.training.losses import Losses, LossOf
from mosforge.training.model import write_model
from mosforge.training.setup import Setup, launch_if_several
from mosforge.training.state import state_path

_VALIDATION_CROPS = 5


def finetune(
    dataset: Path,
    split: Path,
    pack: Path,
    weights: Path,
    rehearsal: Path | None = None,
    rehearsal_pack: Path | None = None,
    *,
    output: Path,
    cfg: FinetuningSettings,
    setup: Setup = Setup(),
) -> int | None:
    """Fine-tunes a network on the training part of a dataset, or goes on where a stopped run was.

    Args:
        dataset: the images and scores of the dataset, Parquet (artefact `dataset`).
        split: its split, Parquet (artefact `split`); the images of the part `test` are never read.
        pack: the index of its pack, Parquet (artefact `pack`).
        weights: first weights of the backbone, or those of a pretrained model, safetensors.
        rehearsal: the labels of a corpus whose order of levels is rehearsed, Parquet (artefact `pmos`).
        rehearsal_pack: the index of the packs of that corpus, Parquet (artefact `pack`).
        output: folder of the model: model.safetensors, card.json, card.md and history.parquet.
        cfg: how to train, and on which dataset.
        setup: where and how fast to train.

    Returns:
        The exit status of the processes, where several train.

    Raises:
        MosforgeError: an image of the split is unknown, no image is left, nothing can be rehearsed, the
            weights do not fit, another process trains with the same settings, a loss or a weight is not
            finite, or the training was asked to stop.
    """
    # On several GPUs this process only starts one for each of them, which run this function again.
    if (status := launch_if_several(setup)) is not None:
        return status
    device = setup.prepare()
    samples = _read_samples(dataset, split, pack)
    training = np.flatnonzero(samples["part"] == "train")
    check_not_empty(training)
    quality = torch.tensor(samples["quality"].to_numpy(np.float32)[training], device=device)
    data_digest = digest([samples["sha256"].tolist(), samples["quality"].tolist()])
    weights_digest = sha256_of_file(weights)
    network, about_head = first_network(cfg, weights, float(quality.mean()))
    rehearsed = read_rehearsal(rehearsal, rehearsal_pack, cfg.rehearsal)
    packed = samples[PACK.columns]
    images = Pack(packed if rehearsed is None else pd.concat([packed, rehearsed.samples[PACK.columns]]))

    def loss_of_scores(output: Any, positions: torch.Tensor) -> Losses:
        predicted = output[-1] if isinstance(output, tuple) else output  # a kept head tells classes, too
        loss = functional.l1_loss(predicted, quality[positions])
        return {"loss": loss, "score_loss": loss}

    loss_of: LossOf = loss_of_scores
    names, beside = samples["image"].iloc[training].tolist(), None
    if rehearsed is not None:
        loss_of = rehearsed.add_to(loss_of_scores, len(training), device)
        names += rehearsed.samples["path"].tolist()
        beside = rehearsed.beside(len(samples))

    parts = samples[["image", "part"]].to_numpy().tolist()  # names, too: crops of the validation follow them
    further = [] if rehearsed is None else [rehearsed.digest]
    state_file = state_path(output, cfg.plain(), data_digest, weights_digest, parts, *further)
    side = view_side(images.heights[training], images.widths[training])
    if cfg.head_first is not None and not state_file.exists():  # which holds what the head has learned
        network.precision = setup.precision
        rated = samples.iloc[training]
        train_head_first(
            network, images, rated, quality, side, cfg, device, setup.threads, rehearsed, len(samples)
        )
    history = pd.DataFrame(columns=HISTORY.columns)
    if cfg.epochs:
        history = fit(
            network,
            images,
            training,
            loss_of,
            cfg,
            names=names,
            state_file=state_file,
            setup=setup,
            device=device,
            validate=_validation(network, images, samples, cfg.crop, device),
            beside=beside,
        )
    facts = {
        **about_head,
        "view_side": side,
        "pictures": len(training),
        "data_digest": data_digest,
        "initial_weights_sha256": weights_digest,
        **card_terms(cfg.layout),
    }
    if rehearsed is not None:
        facts["rehearsal_digest"] = rehearsed.digest
    write_model(output, network, history, facts, stage="finetuning", cfg=cfg, device=device)
    return None


def _read_samples(dataset: Path, split: Path, pack: Path) -> Frame:
    """The images of the training and validation parts, with their scores and their place in the pack."""
    parts, scores = read_table(split, SPLIT), read_table(dataset, DATASET).drop(columns="part")
    used = parts.loc[parts["part"].isin(["train", "validation"]), ["image", "part", "content"]]
    scored = used.merge(scores, on="image", validate="one_to_one")
    if len(scored) < len(used):
        lost = used.loc[~used["image"].isin(scored["image"]), "image"].iloc[0]
        raise MosforgeError(
            f"{lost}: in the split, but not in the dataset; delete the file of the split and run again"
        )
    return locate(scored, read_table(pack, PACK))


def _validation(
    network: Network, images: Pack, samples: Frame, crop: int, device: torch.device
) -> Callable[[], float] | None:
    """Computes the SROCC of the network on the validation part; None where the split has none."""
    rows = np.flatnonzero(samples["part"] == "validation")
    if len(rows) == 0:
        return None
    from scipy.stats import spearmanr  # takes a second, which a training without this part saves

    given = samples["quality"].to_numpy()[rows]

    def srocc() -> float:
        network.eval()
        scores = []
        for row in rows:
            pixels = images.image(int(row))
            boxes = draw_boxes(pixels, crop, _VALIDATION_CROPS, "validation", samples["image"].iloc[row])
            scores.append(predict(network, pixels, boxes, crop, device).scores.mean())
        network.train()
        constant = np.ptp(scores) == 0 or np.ptp(given) == 0
        return math.nan if constant else float(spearmanr(scores, given).statistic)

    return srocc
