"""The rule `fuse`: the six full-reference scores of every distorted image become its pseudo-MOS."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from mosforge.core.catalogues import only_catalogued
from mosforge.core.errors import MosforgeError
from mosforge.core.files import write_json
from mosforge.core.layout import shard_paths
from mosforge.core.schemas.leaks import LEAKS
from mosforge.core.schemas.metrics import METRIC_SCORES, METRICS
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.schemas.targets import TARGET_SCORES
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.pmos.fusion import curves_of, fuse_scores
from mosforge.pmos.settings import CLASS_MEANS, FusionSettings

log = logging.getLogger(__name__)


def fuse(
    metrics: list[Path],
    catalogues: list[Path],
    leaks: list[Path],
    targets: Path | None = None,
    *,
    output: Path,
    mapping: Path,
    left_out: Path,
    cfg: FusionSettings,
) -> None:
    """Fuses the six scores of all shards of a corpus, or of two that are learned from at once, into labels.

    Args:
        metrics: for each corpus the folder of its scores: GROUP/SHARD.parquet (artefact `metrics`).
        catalogues: catalogues of its sources: the pristine images that are used (artefact `catalogue`).
        leaks: pristine images to leave out, since a target dataset shows them too (artefact `leaks`).
        targets: for the fusion `logistic`, the scored images of the dataset to fit to (artefact `targets`).
        output: the labels, Parquet (artefact `pmos`): a pseudo-MOS in [0, 1] for each distorted image, in the
            order of the groups and of the pristine images, whatever shards these are in.
        mapping: what maps the scores, JSON.
        left_out: the ids of the pristine images that `leaks` names, by source, JSON. Planning compares them
            with what the leakage guard has found since.
        cfg: the shards, the fusion, its number of knots and the weights of the metrics.

    Raises:
        MosforgeError: a table of scores is missing, no image is left, or the fit fails.
    """
    groups = []
    files: list[Path] = []
    for folder, corpus in zip(metrics, (cfg, *cfg.joined), strict=True):
        shards = shard_paths(corpus.groups, corpus.shards)
        if not shards:
            raise MosforgeError(
                f"{folder}: the corpus has no image; `mosforge sources check NAME` says what is missing"
            )
        files += [folder / group / f"{shard}.parquet" for group, shard in shards]
        groups += [scores_of(folder / group, corpus.shards) for group in corpus.groups]
    scores = only_catalogued(pd.concat(groups, ignore_index=True), catalogues)
    tables = [read_table(file, LEAKS) for file in leaks]
    scores = without_leaks(scores, tables)
    curves = curves_of(read_table(targets, TARGET_SCORES)) if targets else None
    if cfg.curves is not None:
        curves = {"dataset": CLASS_MEANS, "curves": cfg.plain()["curves"]}
    fused = fuse_scores(scores[list(METRICS)].to_numpy(), cfg.fusion, cfg.knots, cfg.weights, curves)
    made = read_stamp(files[0])  # at what scale they were scored, which only they know for sure
    write_json(mapping, {**fused.mapping, "scale": made["cfg"].get("scale", "auto")})
    named = pd.concat(tables) if tables else pd.DataFrame({"source": [], "image_id": []})
    ids = named.groupby("source")["image_id"].unique()
    write_json(left_out, {str(source): sorted(found) for source, found in ids.items()})
    labels = scores.assign(pmos=fused.pmos, agreement=fused.agreement)
    write_table(output, LABELS, labels, stage="pmos", cfg=cfg.plain())
    lowest, highest = fused.pmos.min(), fused.pmos.max()
    log.info("%d labels from %d shards, pseudo-MOS %.3f to %.3f", len(labels), len(files), lowest, highest)


def scores_of(folder: Path, shards: Mapping[str, int]) -> Frame:
    """The scores of a group, sorted by pristine image, with the levels of an image in their order."""
    tables = [
        read_table(folder / f"{shard}.parquet", METRIC_SCORES) for _, shard in shard_paths([""], shards)
    ]
    return pd.concat(tables).sort_values(["source", "image_id"], kind="stable", ignore_index=True)


def without_leaks(scores: Frame, leaks: Sequence[Frame]) -> Frame:
    """The rows of `scores` whose pristine image is in none of the tables of leaks.

    Raises:
        MosforgeError: no row is left.
    """
    if not leaks:
        return scores
    keys = ["source", "image_id"]
    leaked = pd.MultiIndex.from_frame(pd.concat(leaks)[keys].drop_duplicates())
    rows = pd.MultiIndex.from_frame(scores[keys])
    is_leaked = rows.isin(leaked)
    log.info(
        "%d of %d pristine images left out, since a target dataset shows them too",
        rows[is_leaked].nunique(),
        rows.nunique(),
    )
    if is_leaked.all():
        raise MosforgeError(
            "a target dataset shows every pristine image of the corpus; use other images, or set "
            "sources.leakage.guard to false"
        )
    return scores[~is_leaked].reset_index(drop=True)
