"""Fine-tuning of a network on the scores of a target dataset."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from mosforge.core.errors import MosforgeError
from mosforge.core.files import digest, sha256_of_file
from mosforge.core.packs import Pack, locate
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.schemas.packs import PACK
from mosforge.core.tables import Frame, read_table
from mosforge.finetuning.about import terms_of
from mosforge.models.crops import draw_boxes, predict
from mosforge.models.heads import ScoreHead
from mosforge.models.network import Network
from mosforge.training.finish import finish
from mosforge.training.loop import Losses, fit
from mosforge.training.recipe import Recipe
from mosforge.training.setup import Setup
from mosforge.training.start import start
from mosforge.training.state import state_file_in

_VALIDATION_CROPS = 5


def finetune(
    cfg: dict[str, Any],
    *,
    dataset: Path,
    split: Path,
    pack: Path,
    weights: Path,
    folder: Path,
    setup: Setup,
) -> None:
    """Trains on the training part and writes the model's folder (weights, cards and history).

    Args:
        cfg: the parameters of the rule `finetune`.
        dataset: normalised table of the target dataset.
        split: its split; the pictures of the part `test` are never read.
        pack: index of the dataset's pack.
        weights: ImageNet weights of the backbone, or a pretrained model's.
        folder: where the model goes.
        setup: where to train; it does not change what is trained.
    """
    samples = _samples(read_table(dataset, DATASET), read_table(split, SPLIT), read_table(pack, PACK))
    training = np.flatnonzero(samples["part"] == "train")
    quality = torch.tensor(samples["quality"].to_numpy(np.float32)[training], device=setup.device)
    digest_of_data = digest([samples["sha256"].tolist(), samples["quality"].tolist()])
    digest_of_weights = sha256_of_file(weights)
    recipe = Recipe.from_parameters(cfg, repeats=cfg["patches"])
    network, _ = start(
        cfg,
        weights,
        "fine-tuning head",
        lambda width: ScoreHead(width, cfg["dropout"]),
        float(quality.mean()),
    )
    pictures = Pack(samples)
    parts = samples[["image", "part"]].to_numpy().tolist()  # names, too: crops of the validation follow them

    def loss_of(predicted: torch.Tensor, positions: torch.Tensor) -> Losses:
        loss = functional.l1_loss(predicted, quality[positions])
        return {"loss": loss, "score_loss": loss}

    history = fit(
        network,
        pictures,
        training,
        loss_of,
        recipe,
        names=samples["image"].iloc[training].tolist(),
        state_file=state_file_in(folder, cfg, digest_of_data, digest_of_weights, parts),
        setup=setup,
        validate=_validation(network, pictures, samples, recipe.crop, setup.device),
    )
    facts = {
        "head": "score",
        "pictures": len(training),
        "data_digest": digest_of_data,
        "initial_weights_sha256": digest_of_weights,
        **terms_of(cfg["layout"]),
    }
    finish(folder, network, history, facts, stage="finetuning", cfg=cfg, setup=setup)


def _samples(dataset: Frame, split: Frame, index: Frame) -> Frame:
    """The pictures of the training and validation parts, with their scores and their place in the pack."""
    used = split.loc[split["part"] != "test", ["image", "part"]]
    scored = used.merge(dataset.drop(columns="part"), on="image", validate="one_to_one")
    if len(scored) < len(used):
        lost = used.loc[~used["image"].isin(scored["image"]), "image"].iloc[0]
        raise MosforgeError(f"{lost}: in the split, but not in the dataset; make the split again")
    return locate(scored, index)


def _validation(
    network: Network, pictures: Pack, samples: Frame, crop: int, device: torch.device
) -> Callable[[], float] | None:
    rows = np.flatnonzero(samples["part"] == "validation")
    if len(rows) == 0:
        return None
    from scipy.stats import spearmanr  # a second, which a training without this part need not wait

    given = samples["quality"].to_numpy()[rows]

    def srocc() -> float:
        network.eval()
        scores = []
        for row in rows:
            pixels = pictures.image(int(row))
            boxes = draw_boxes(pixels, crop, _VALIDATION_CROPS, "validation", samples["image"].iloc[row])
            scores.append(predict(network, pixels, boxes, crop, device)[0].mean())
        network.train()
        constant = np.ptp(scores) == 0 or np.ptp(given) == 0
        return math.nan if constant else float(spearmanr(scores, given).statistic)

    return srocc
