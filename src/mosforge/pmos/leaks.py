"""Leaves out of a corpus what was made from photographs that a target dataset shows too."""

import logging
from collections.abc import Sequence

import pandas as pd

from mosforge.core.errors import MosforgeError
from mosforge.core.tables import Frame

_log = logging.getLogger(__name__)

_PHOTOGRAPH = ["source", "image_id"]


def without_leaks(scores: Frame, leaks: Sequence[Frame]) -> Frame:
    """The rows of `scores` whose photograph is in none of the tables of the artefact `leaks`.

    Raises:
        MosforgeError: nothing is left.
    """
    if not leaks:
        return scores
    leaked = pd.MultiIndex.from_frame(pd.concat(leaks)[_PHOTOGRAPH].drop_duplicates())
    rows = pd.MultiIndex.from_frame(scores[_PHOTOGRAPH])
    is_leaked = rows.isin(leaked)
    _log.info(
        "%d of %d photographs left out, since a target dataset shows them too",
        rows[is_leaked].nunique(),
        rows.nunique(),
    )
    if is_leaked.all():
        raise MosforgeError(
            "a target dataset shows every photograph of the corpus; use other photographs, or set "
            "sources.leakage.guard to false"
        )
    return scores[~is_leaked].reset_index(drop=True)
