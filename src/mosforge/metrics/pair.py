"""The six scores of one picture, and their oriented mean, for people."""

from pathlib import Path

from mosforge.core.images import read_rgb
from mosforge.core.measures import METRICS, orient
from mosforge.metrics.engines import check_distorted, check_reference, check_scores, make_engine

COLUMNS = (*METRICS, "mean")


def score_pair(reference: Path, distorted: Path, engine: str) -> dict[str, float]:
    """Scores the file `distorted` against the file `reference`.

    Returns:
        The six metrics by name, and `mean`, their mean after the distances MDSI and GMSD are turned into
        similarities by 1 - x: higher is better, and 1 is equality.

    Raises:
        MosforgeError: an unreadable picture, a side under 161 pixels, or shapes that differ.
    """
    original, picture = read_rgb(reference), read_rgb(distorted)
    check_reference(original, str(reference))
    check_distorted(picture, str(distorted), original.shape, str(reference))
    scorer = make_engine(engine, "cpu")
    prepared = scorer.prepare(original)
    scores = scorer.score(lambda: prepared, [picture])
    check_scores(scores, [str(distorted)], str(reference))
    row = dict(zip(METRICS, scores[0].tolist(), strict=True))
    return {**row, "mean": float(orient(scores).mean())}
