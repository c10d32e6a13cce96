"""mosforge: from a folder of pristine images to a trained no-reference image quality model.

`from mosforge import Scorer, distort, metrics, pretrained_backbone, pseudo_mos` is for other programs; see
the modules `mosforge.scoring`, `mosforge.library` and `mosforge.metrics`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mosforge import metrics
    from mosforge.library import distort, pseudo_mos
    from mosforge.scoring.backbone import pretrained_backbone
    from mosforge.scoring.scorer import Score, Scorer

__all__ = ["Score", "Scorer", "__version__", "distort", "metrics", "pretrained_backbone", "pseudo_mos"]

__version__ = "0.1.0"

CHANGES_NO_RESULT = "it holds the version, which artefacts only record, and names for people"


def __getattr__(name: str) -> Any:
    """Imports what is asked for when it is first asked for: the scorer brings torch with it."""
    if name in ("Score", "Scorer"):
        from mosforge.scoring import scorer

        return getattr(scorer, name)
    if name == "pretrained_backbone":
        from mosforge.scoring.backbone import pretrained_backbone

        return pretrained_backbone
    if name in ("distort", "pseudo_mos"):
        from mosforge import library

        return getattr(library, name)
    if name == "metrics":
        import mosforge.metrics

        return mosforge.metrics
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
