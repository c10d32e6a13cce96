"""The rule `pretrain`: a network learns pseudo-MOS and distortion classes from a pseudo-labelled corpus."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mosforge.core.errors import MosforgeError
from mosforge.core.files import digest, sha256_of_file
from mosforge.core.packs import Pack, locate
from mosforge.core.schemas.datasets import SPLIT
from mosforge.core.schemas.distortions import UNDISTORTED
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import Frame, read_table
from mosforge.models.crops import view_side
from mosforge.models.heads import MultiTaskHead
from mosforge.pretraining.labels import number_series, read_labels
from mosforge.pretraining.objective import make_loss, untrained_parameters
from mosforge.pretraining.pretrain_settings import PretrainingSettings
from mosforge.pretraining.standardise import standardise
from mosforge.training.batches import Mixture
from mosforge.training.loop import fit
from mosforge.training.model import start_network, write_model
from mosforge.training.setup import Setup, launch_if_several
from mosforge.training.state import state_path


def pretrain(
    labels: Path,
    pack: list[Path],
    weights: Path,
    split: Path | None = None,
    *,
    output: Path,
    cfg: PretrainingSettings,
    setup: Setup = Setup(),
) -> int | None:
    """Pretrains a network on a pseudo-labelled corpus, or goes on where a stopped run was.

    Args:
        labels: the labels of the corpus, Parquet (artefact `pmos`), or of both of a unified pretraining.
        pack: the index of the packs of each corpus, Parquet (artefact `pack`).
        weights: first weights of the backbone, safetensors.
        split: for mixtures of a target dataset's own images, its split: only the training part is used.
        output: folder of the model: model.safetensors, card.json, card.md and history.parquet.
        cfg: how to train, and on which images.
        setup: where and how fast to train.

    Returns:
        The exit status of the processes, where several train.

    Raises:
        MosforgeError: a split is missing or not wanted, no image is left, the weights do not fit, another
            process trains with the same settings, a loss is not finite, or the training was asked to stop.
    """
    if (split is not None) != (cfg.split is not None):
        raise MosforgeError(
            "--split: a pretraining on the images of a dataset needs its split, and any other has none"
        )
    # On several GPUs this process only starts one for each of them, which run this function again.
    if (status := launch_if_several(setup)) is not None:
        return status
    device = setup.prepare()
    table = read_table(labels, LABELS)
    is_mixture = table["class_index"].isna()
    mixtures = table[is_mixture]
    if split is not None:  # only mixtures are made of the dataset's images
        mixtures = keep_training_part(mixtures, cfg.sources, read_table(split, SPLIT))
    kept = pd.concat([table[~is_mixture], mixtures], ignore_index=True)
    samples = locate(kept, pd.concat([read_table(file, PACK) for file in pack]))
    mixture = kinds_of(samples, cfg)
    data_digest = digest([samples["sha256"].tolist(), samples["pmos"].tolist()])
    weights_digest = sha256_of_file(weights)
    known = read_labels(samples, cfg.label_kind, device)
    network, head = start_network(
        cfg,
        weights,
        "pretraining head",
        lambda width: MultiTaskHead(width, len(cfg.classes), cfg.head_width),
        float(known.scores.mean()),
    )
    for parameter in untrained_parameters(head, cfg.objective):
        parameter.requires_grad_(False)
    images = Pack(samples)
    groups = number_series(samples) if cfg.objective == "rank" else None
    state_file = state_path(output, cfg.plain(), data_digest, weights_digest, known.digest())
    if cfg.standardise and not state_file.exists():  # which holds what the head standardises by
        network.precision = setup.precision
        standardise(network, head, images, cfg, device, groups=groups, mixture=mixture)
    history = fit(
        network,
        images,
        np.arange(len(samples)),
        make_loss(cfg.objective, known, loss_weights=cfg.loss_weights, rank_margin=cfg.rank_margin),
        cfg,
        names=samples["path"].tolist(),
        state_file=state_file,
        setup=setup,
        device=device,
        groups=groups,
        mixture=mixture,
    )
    facts = {
        "head": "multitask",
        "range": [0.0, 1.0],
        "higher_is_better": True,
        "view_side": view_side(images.heights, images.widths),
        "labels": "pseudo-MOS (fused full-reference metrics), not human scores",
        "pictures": len(samples),
        "data_digest": data_digest,
        "initial_weights_sha256": weights_digest,
    }
    write_model(output, network, history, facts, stage="pretraining", cfg=cfg, device=device)
    return None


def kinds_of(samples: Frame, cfg: PretrainingSettings) -> Mixture | None:
    """In what proportion a unified pretraining draws from its two corpora, and undistorted images.

    Args:
        samples: rows of the artefact `pmos`; mixtures have no class index.
        cfg: of the training.

    Returns:
        None for a pretraining on one corpus.

    Raises:
        MosforgeError: a kind that has a share has no image.
    """
    if cfg.authentic_share is None:
        return None
    is_authentic = samples["class_index"].isna().to_numpy()
    if is_authentic.all() or not is_authentic.any():
        which = "synthetic corpus" if is_authentic.all() else "corpus of mixtures"
        raise MosforgeError(f"{cfg.corpus}: its {which} has no image; check the sources of both")
    if cfg.undistorted_share is None:
        return Mixture(is_authentic.astype(np.int64), (1 - cfg.authentic_share, cfg.authentic_share))
    is_undistorted = (samples["group"] == UNDISTORTED).to_numpy()
    if not is_undistorted.any() or not (~is_authentic & ~is_undistorted).any():
        raise MosforgeError(
            f"{cfg.corpus}: its synthetic corpus needs both distorted and undistorted images; make it again"
        )
    shares = 1 - cfg.authentic_share - cfg.undistorted_share, cfg.authentic_share, cfg.undistorted_share
    return Mixture(np.where(is_undistorted, 2, is_authentic.astype(np.int64)), shares)


def keep_training_part(samples: Frame, sources: Sequence[str], split: Frame) -> Frame:
    """The samples made from images of the training part of a dataset, and from no others.

    Args:
        samples: images of the corpus, with `source` and `image_id`.
        sources: the sources that are the images of the dataset.
        split: of the dataset.

    Raises:
        MosforgeError: there are none.
    """
    training = set(split.loc[split["part"] == "train", "image"])
    kept = samples[samples["source"].isin(sources) & samples["image_id"].isin(training)]
    if kept.empty:
        raise MosforgeError(
            f"the corpus holds no image made from the training part of {', '.join(sources)}; "
            "check its sources"
        )
    return kept.reset_index(drop=True)
