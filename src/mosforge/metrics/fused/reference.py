"""What is computed once for a reference, however many distorted pictures follow."""

from mosforge.images import Pixels
from mosforge.metrics.fused.buffers import aligned
from mosforge.metrics.fused.compilation import F32, Map
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
    """The features of a reference, its local moments and its gradients; never written again, so shared."""

    def __init__(self, plan: Plan, picture: Pixels) -> None:
        self.features = features = Features(plan)
        features.fill(picture)
        self.moments = [_moments(planes) for planes in features.pyramid]
        """Local mean and variance of every scale of MS-SSIM."""
        scale = plan.ssim_scale
        self.ssim_moments = _moments(features.ssim_planes) if scale is None else self.moments[scale]
        """The same at SSIM's scale."""
        self.yiq_gradient = _gradients(features.yiq[0], SCHARR_SIDE, SCHARR_MIDDLE)[2]
        self.lmn_gradient = _gradients(features.lmn[0], SCHARR_SIDE, SCHARR_MIDDLE)[2]
        self.gmsd_gradient = _gradients(features.gmsd_luma, PREWITT_SIDE, PREWITT_MIDDLE)[2]
        self.lhm_gradient = _gradients(features.lhm[0], PREWITT_SIDE, PREWITT_MIDDLE)
        """Both derivatives and the magnitude: MDSI needs the gradient of the mean picture."""


def _moments(planes: Map) -> tuple[Map, Map]:
    channels, height, width = planes.shape
    shape = (channels, height - WINDOW + 1, width - WINDOW + 1)
    mean, variance = aligned(shape), aligned(shape)
    moments(planes, mean, variance)
    return mean, variance


def _gradients(bordered: Map, side: F32, middle: F32) -> Map:
    maps: Map = aligned((3, bordered.shape[0] - 2, bordered.shape[1] - 2))
    gradient_maps(bordered, side, middle, *maps)
    return maps
