"""Stage 3, metrics: the six full-reference scores of distorted images.

The function `score` is for other programs.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

# The first import of this submodule binds the package's name `score` to the module. It happens here, so that
# the function below keeps the name, even after later imports. The module is light.
import mosforge.metrics.score  # noqa: F401

if TYPE_CHECKING:
    from mosforge.core.images import Pixels
    from mosforge.metrics.engines import Scores

__all__ = ["score"]

CHANGES_NO_RESULT = "its function `score` is for other programs, and no job calls it"


def score(
    reference: "Pixels",
    distorted: "Iterable[Pixels]",
    engine: str = "fused",
    threads: int | None = None,
    device: str = "auto",
    scale: str | int = "auto",
) -> "Scores":
    """Scores distorted versions of one reference image with the six full-reference metrics of piq 0.8.

    SSIM and MS-SSIM are those of the rounded luma, as their authors define them: piq's for one channel.
    Both engines agree within 1e-4 with piq in float64; but FSIM with an image of one colour is unstable in
    piq, and `fused` gives what exact arithmetic would (`mosforge.metrics.fused.fsim.fsim`).

    Args:
        reference: uint8 RGB image, shape (H, W, 3), both sides at least 161 pixels.
        distorted: uint8 RGB images of the same shape, in a list or another iterable. Images are taken from it
            as the work goes on, and copied, so it may fill one array again and again.
        engine: `fused`, the same values on the CPU at a fraction of the time; or `piq`, the library itself,
            on the CPU or a GPU.
        threads: images that are scored at the same time; by default, the CPUs that this process may use.
            The scores do not depend on it.
        device: for `piq`: `cpu`, `cuda`, or `auto`: a GPU where there is one.
        scale: by which factor SSIM, MDSI, VSI and FSIM shrink the images first, 1 to 8; `auto`:
            round(shorter side / 256), as piq does (at 640 and 1152 rows halves go to even, where the
            authors' MATLAB rounds up). MS-SSIM and GMSD have scales of their own.

    Returns:
        float64 array, shape (n, 6), in the order of `measures.METRICS`: SSIM, MS-SSIM, MDSI, VSI, FSIM and
        GMSD. MDSI and GMSD are distances from 0, the others similarities up to 1; an image that equals the
        reference image has exactly 0 and 1.

    Raises:
        MosforgeError: an unknown engine, device or scale, an array that is not uint8 RGB, no iterable of
            arrays, a side under 161 pixels, or shapes that differ.
    """
    from mosforge.core.values import is_whole
    from mosforge.metrics.engines import make_engine
    from mosforge.metrics.pairs import score_arrays

    known = int(scale) if is_whole(scale) else scale  # a whole number of numpy's, too
    return score_arrays(make_engine(engine, device, known), reference, distorted, threads)
