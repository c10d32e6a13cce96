"""What is computed once for a reference, however many distorted pictures follow."""

from mosforge.core.images import Pixels
from mosforge.metrics.fused.buffers import aligned
from mosforge.metrics.fused.compilation import Map
from mosforge.metrics.fused.features import Features
from mosforge.metrics.fused.gaussian import WINDOW, moments
from mosforge.metrics.fused.gradients import (
    PREWITT_MIDDLE,
    PREWITT_SIDE,
    SCHARR_MIDDLE,
    SCHARR_SIDE,
    gradient_maps,
)
from mosforge.metrics.fused.plan import Plan


class Reference:
    """The features of a reference, its local moments and its gradients.

    In buffers that the next `fill` uses again; between two, threads may share them.
    """

    def __init__(self, plan: Plan) -> None:
        self.features = features = Features(plan)
        self.moments = [_empty_moments(planes) for planes in features.pyramid]
        """Local mean and variance of every scale of MS-SSIM."""
        scale = plan.ssim_scale
        self.ssim_moments = _empty_moments(features.ssim_planes) if scale is None else self.moments[scale]
        """The same at SSIM's scale."""
        self._yiq_gradients = _empty_gradients(features.yiq)
        self._lmn_gradients = _empty_gradients(features.lmn)
        self._gmsd_gradients = _empty_gradients(features.gmsd_luma[None])
        self.yiq_gradient: Map = self._yiq_gradients[2]
        self.lmn_gradient: Map = self._lmn_gradients[2]
        self.gmsd_gradient: Map = self._gmsd_gradients[2]
        self.lhm_gradient = _empty_gradients(features.lhm)
        """Both derivatives and the magnitude: MDSI needs the gradient of the mean picture."""

    def fill(self, picture: Pixels) -> None:
        """Computes everything for a picture of the plan's size."""
        features = self.features
        features.fill(picture)
        for planes, maps in zip(features.pyramid, self.moments, strict=True):
            moments(planes, *maps)
        if features.plan.ssim_scale is None:
            moments(features.ssim_planes, *self.ssim_moments)
        gradient_maps(features.yiq[0], SCHARR_SIDE, SCHARR_MIDDLE, *self._yiq_gradients)
        gradient_maps(features.lmn[0], SCHARR_SIDE, SCHARR_MIDDLE, *self._lmn_gradients)
        gradient_maps(features.gmsd_luma, PREWITT_SIDE, PREWITT_MIDDLE, *self._gmsd_gradients)
        gradient_maps(features.lhm[0], PREWITT_SIDE, PREWITT_MIDDLE, *self.lhm_gradient)


def _empty_moments(planes: Map) -> tuple[Map, Map]:
    channels, height, width = planes.shape
    shape = (channels, height - WINDOW + 1, width - WINDOW + 1)
    return aligned(shape), aligned(shape)


def _empty_gradients(bordered: Map) -> Map:
    """Of a bordered map, the first of (n, h + 2, w + 2): both derivatives and the magnitude, (3, h, w)."""
    maps: Map = aligned((3, bordered.shape[1] - 2, bordered.shape[2] - 2))
    return maps
