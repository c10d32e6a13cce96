"""What the size of the images fixes."""

from mosforge.metrics.fused.phase_congruency import PhaseFilters
from mosforge.metrics.fused.pooling import Pooling
from mosforge.metrics.fused.saliency import SaliencyGeometry

_SCALES = 5  # of MS-SSIM


class Geometry:
    """Poolings, filters and interpolations for images of height x width pixels, both at least 161."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        factor = max(1, round(min(height, width) / 256))  # halves to even, as in piq
        floor = (height // factor, width // factor)
        ceiling = (-(-height // factor), -(-width // factor))
        odd = max(height % 2, width % 2)

        def pooling(factor: int, shift: int, replicate: bool, shape: tuple[int, int]) -> Pooling:
            return Pooling(factor, shift, replicate, shape).merged(height, width)

        self.yiq = pooling(factor, 0, False, floor)
        """FSIM's pooling, and SSIM's."""
        self.lhm = pooling(factor, (factor - 1) // 2, False, ceiling)
        """MDSI's."""
        self.lmn = pooling(factor, factor // 2, True, ceiling)
        """VSI's."""
        self.gmsd = pooling(2, 0, False, ((height + odd) // 2, (width + odd) // 2))
        """GMSD's: always by 2; where either side is odd, both are padded."""
        self.pyramid = _pyramid(height, width)
        self.ssim_scale = _scale_of(factor, height, width)
        """The scale of MS-SSIM that SSIM looks at, if any."""
        self.phase = PhaseFilters(floor)
        self.saliency = SaliencyGeometry(height, width, self.lmn)


def _pyramid(height: int, width: int) -> tuple[Pooling, ...]:
    """From each scale of MS-SSIM to the next; the first is the image itself.

    Where either side is odd, piq repeats the first row and the first column, in both directions.
    """
    poolings = [Pooling(1, 0, False, (height, width))]
    for _ in range(_SCALES - 1):
        odd = max(height % 2, width % 2)
        shape = ((height + odd) // 2, (width + odd) // 2)
        poolings.append(Pooling(2, odd, True, shape).merged(height, width))
        height, width = shape
    return tuple(poolings)


def _scale_of(factor: int, height: int, width: int) -> int | None:
    if factor.bit_count() == 1 and height % factor == 0 and width % factor == 0:
        scale = factor.bit_length() - 1
        return scale if scale < _SCALES else None
    return None
