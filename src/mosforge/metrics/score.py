"""The rule `score`: the six full-reference scores of the distorted images of one shard.

`import mosforge.metrics` imports this module (its `__init__` says why), so heavy imports stand in the
function.
"""

import logging
import time
from pathlib import Path

from mosforge.metrics.settings import ScoreSettings

log = logging.getLogger(__name__)


def score(images: Path, *, output: Path, cfg: ScoreSettings, threads: int = 1, device: str = "auto") -> None:
    """Scores the distorted images of a shard against their reference images.

    Args:
        images: folder of the shard, with its manifest.parquet.
        output: the scores, Parquet (artefact `metrics`), in the order of the manifest.
        cfg: the engine and the viewing scale.
        threads: images that are decoded and scored at the same time; they change no score.
        device: where the engine `piq` computes: cpu, cuda, or auto, a GPU where there is one.

    Raises:
        MosforgeError: an image is unreadable or has changed, a size differs from that of the reference
            image, a side is under 161 pixels, or a score is not finite.
    """
    from mosforge.core.manifests import read_manifest
    from mosforge.core.schemas.metrics import METRIC_SCORES, METRICS
    from mosforge.core.tables import write_table
    from mosforge.metrics.engines import make_engine
    from mosforge.metrics.pairs import score_pairs

    started = time.monotonic()
    manifest = read_manifest(images)
    engine = make_engine(cfg.engine, device, cfg.scale)
    scores = score_pairs(manifest["reference"].tolist(), manifest["path"].tolist(), engine, threads)
    columns = manifest.assign(**dict(zip(METRICS, scores.T, strict=True)))
    write_table(output, METRIC_SCORES, columns[METRIC_SCORES.columns], stage="metrics", cfg=cfg.plain())
    references, seconds = manifest["reference"].nunique(), time.monotonic() - started
    rate = len(manifest) / max(seconds, 1e-9)
    log.info(
        "%s: %d images of %d reference images, engine %s, %d threads, %.1f s, %.1f images a second",
        *(images, len(manifest), references, cfg.engine, threads, seconds, rate),
    )
