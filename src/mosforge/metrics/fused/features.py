"""The maps that the six scores are made of: of any image, and more of a reference image."""

import cv2
import numpy as np

from mosforge.core.images import Pixels
from mosforge.metrics.engines import luma
from mosforge.metrics.fused.compilation import F32, Bytes, Map, aligned, kernel
from mosforge.metrics.fused.fsim import PhaseCongruency
from mosforge.metrics.fused.gmsd import PREWITT, SCHARR, gradient_maps
from mosforge.metrics.fused.pooling import Pooling, centre, pool
from mosforge.metrics.fused.ssim import SCALES, WINDOW, moments
from mosforge.metrics.fused.vsi import Saliency, SaliencyGeometry
from mosforge.metrics.fused.wavelets import WaveletFilters

# Matrices from RGB in 0..255 to the opponent colours of the metrics. The weights of the luma differ between
# them in the fourth digit; these are piq's.
YIQ: Map = np.array(
    [[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]], np.float32
)
"""FSIM, and the luma of GMSD (Zhang et al. 2011, eq. 8)."""

LHM: Map = np.array([[0.2989, 0.587, 0.114], [0.3, 0.04, -0.35], [0.34, -0.6, 0.17]], np.float32)
"""MDSI (Nafchi et al. 2016, eq. 2 and 3)."""

LMN: Map = np.array([[0.06, 0.63, 0.27], [0.3, 0.04, -0.35], [0.34, -0.6, 0.17]], np.float32)
"""VSI (Zhang et al. 2014, eq. 10)."""


class Geometry:
    """Poolings, filters and interpolations for images of height x width pixels, both at least 161.

    SSIM, MDSI, VSI and FSIM shrink them by `factor`.
    """

    def __init__(self, height: int, width: int, factor: int) -> None:
        self.height, self.width = height, width
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
        self.ssim_scale = _ssim_scale(factor, height, width)
        """The scale of MS-SSIM that SSIM looks at; the number of scales if it is none of them."""
        self.wavelets = WaveletFilters(floor)
        self.saliency = SaliencyGeometry(height, width, self.lmn)


def _pyramid(height: int, width: int) -> tuple[Pooling, ...]:
    """From each scale of MS-SSIM to the next; the first is the image itself.

    Where either side is odd, piq repeats the first row and the first column, in both directions.
    """
    poolings = [Pooling(1, 0, False, (height, width))]
    for _ in range(len(SCALES) - 1):
        odd = max(height % 2, width % 2)
        shape = ((height + odd) // 2, (width + odd) // 2)
        poolings.append(Pooling(2, odd, True, shape).merged(height, width))
        height, width = shape
    return tuple(poolings)


def _ssim_scale(factor: int, height: int, width: int) -> int:
    halvings = factor.bit_length() - 1
    if factor == 2**halvings and height % factor == 0 and width % factor == 0:
        return min(halvings, len(SCALES))
    return len(SCALES)


class Features:
    """The maps of one image, in buffers that the next `fill` uses again: one object a thread."""

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        self._planes: Bytes = aligned((3, geometry.height, geometry.width), np.uint8)
        distinct = {geometry.yiq, geometry.lhm, geometry.lmn, geometry.gmsd}
        self._pooled: dict[Pooling, Map] = {
            key: aligned((3, *key.shape)) for key in distinct if key.factor > 1
        }
        self._phase = PhaseCongruency(geometry.wavelets)
        self._saliency = Saliency(geometry.saliency)
        self._luma: Bytes = aligned((1, geometry.height, geometry.width), np.uint8)
        self.pyramid: list[Map] = [aligned((1, *level.shape)) for level in geometry.pyramid]
        """Luma in [-1/2, 1/2] at the scales of MS-SSIM, and then at SSIM's where that is none of them."""
        if geometry.ssim_scale == len(SCALES):
            self.pyramid.append(aligned((1, *geometry.yiq.shape)))
        self.yiq = _bordered(3, geometry.yiq.shape)
        self.lhm = _bordered(3, geometry.lhm.shape)
        self.lmn = _bordered(3, geometry.lmn.shape)
        has_luma = geometry.gmsd == geometry.yiq
        self.gmsd_luma: Map = self.yiq[0] if has_luma else _bordered(1, geometry.gmsd.shape)[0]
        """Luma in 0..255 at GMSD's scale, bordered: FSIM's where the scales agree."""
        self.phase: Map = aligned(geometry.yiq.shape)
        """Phase congruency, in [0, 1]."""
        self.saliency: Map = aligned(geometry.lmn.shape)
        """Saliency, in [0, 1]."""
        self.loss: Map = aligned(geometry.lhm.shape)
        """Scratch of MDSI."""

    def equals(self, other: "Features") -> bool:
        """Whether both are of the same image, pixel by pixel; numpy would take four times longer."""
        difference: float = cv2.norm(self._planes.reshape(3, -1), other._planes.reshape(3, -1), cv2.NORM_INF)
        return difference == 0

    def fill(self, image: Pixels) -> None:
        """Computes every map of an image of the geometry's size."""
        cv2.split(image, list(self._planes))
        self._luma[0] = luma(image)
        self.fill_pyramid()
        self.fill_pooled()
        self.fill_colours()
        self.fill_phase()
        self.fill_saliency()

    def fill_pyramid(self) -> None:
        """The scales of SSIM and MS-SSIM."""
        geometry = self.geometry
        centre(self._luma.reshape(-1), self.pyramid[0].reshape(-1))
        for finer, coarser, level in zip(self.pyramid, self.pyramid[1:], geometry.pyramid[1:], strict=False):
            pool(finer, coarser, level.factor, level.shift, level.replicate)
        if geometry.ssim_scale == len(SCALES):
            level = geometry.yiq
            pool(self.pyramid[0], self.pyramid[-1], level.factor, level.shift, level.replicate)

    def fill_pooled(self) -> None:
        """The image as each metric of colours pools it."""
        for pooling, rgb in self._pooled.items():
            pool(self._planes, rgb, pooling.factor, pooling.shift, pooling.replicate)

    def fill_colours(self) -> None:
        """The opponent colours of FSIM, MDSI and VSI, and the luma of GMSD."""
        geometry = self.geometry
        _mix(self._rgb(geometry.yiq), YIQ, self.yiq)
        _mix(self._rgb(geometry.lhm), LHM, self.lhm)
        _mix(self._rgb(geometry.lmn), LMN, self.lmn)
        if geometry.gmsd != geometry.yiq:
            _mix(self._rgb(geometry.gmsd), YIQ, self.gmsd_luma[None])

    def _rgb(self, pooling: Pooling) -> Map | Bytes:
        return self._planes if pooling.factor == 1 else self._pooled[pooling]

    def fill_phase(self) -> None:
        """FSIM's phase congruency."""
        self._phase.compute(self.yiq[0, 1:-1, 1:-1], self.phase)

    def fill_saliency(self) -> None:
        """VSI's saliency."""
        self._saliency.compute(self._planes, self.saliency)


class Reference:
    """The features of a reference image, its local moments and its gradients.

    They are in buffers that the next `fill` uses again; until then, threads may share them.
    """

    def __init__(self, geometry: Geometry) -> None:
        self.features = features = Features(geometry)
        self.moments = [_empty_moments(planes) for planes in features.pyramid]
        """Local mean and variance of every map of the pyramid."""
        self.yiq_gradients: Map = aligned((3, *geometry.yiq.shape))
        """Of the first of the maps: both derivatives and the magnitude; so are the next."""
        self.lhm_gradients: Map = aligned((3, *geometry.lhm.shape))
        self.lmn_gradients: Map = aligned((3, *geometry.lmn.shape))
        self.gmsd_gradients: Map = aligned((3, *geometry.gmsd.shape))

    def fill(self, image: Pixels) -> None:
        """Computes everything for an image of the geometry's size."""
        features = self.features
        features.fill(image)
        for planes, maps in zip(features.pyramid, self.moments, strict=True):
            moments(planes, *maps)
        gradient_maps(features.yiq[0], SCHARR, self.yiq_gradients)
        gradient_maps(features.lmn[0], SCHARR, self.lmn_gradients)
        gradient_maps(features.gmsd_luma, PREWITT, self.gmsd_gradients)
        gradient_maps(features.lhm[0], PREWITT, self.lhm_gradients)


def _empty_moments(planes: Map) -> tuple[Map, Map]:
    channels, height, width = planes.shape
    shape = (channels, height - WINDOW + 1, width - WINDOW + 1)
    return aligned(shape), aligned(shape)


def _bordered(channels: int, shape: tuple[int, int]) -> Map:
    """Zero maps with a border of one pixel, which the 3x3 gradients read and nothing ever writes."""
    return np.zeros((channels, shape[0] + 2, shape[1] + 2), np.float32)


@kernel
def _mix(rgb: Map | Bytes, matrix: Map, out: Map) -> None:
    """Matrix times RGB planes (3, h, w), into the inside of bordered maps (C, h + 2, w + 2), C <= 3."""
    _, height, width = rgb.shape
    for c in range(out.shape[0]):
        m0, m1, m2 = matrix[c, 0], matrix[c, 1], matrix[c, 2]
        for i in range(height):
            red, green, blue = rgb[0, i], rgb[1, i], rgb[2, i]
            row = out[c, i + 1, 1:]
            for j in range(width):
                row[j] = m0 * F32(red[j]) + m1 * F32(green[j]) + m2 * F32(blue[j])
