"""mosforge: from a folder of pristine images to a trained no-reference image quality model.

`from mosforge import Scorer` scores images; see `mosforge.scoring.scorer`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mosforge.scoring.scorer import Score, Scorer

__all__ = ["Score", "Scorer", "__version__"]

__version__ = "0.1.0"

CHANGES_NO_RESULT = "it holds the version, which artefacts only record, and names for people"


def __getattr__(name: str) -> Any:
    """Imports the scorer, and torch with it, when it is first asked for."""
    if name in ("Score", "Scorer"):
        from mosforge.scoring import scorer

        return getattr(scorer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
