"""The maps of one picture that its six scores are made of."""

import cv2
import numpy as np

from mosforge.images import Pixels
from mosforge.metrics.fused.colour import LHM, LMN, YIQ, bordered, mix
from mosforge.metrics.fused.compilation import Bytes, Map
from mosforge.metrics.fused.phase_congruency import PhaseCongruency
from mosforge.metrics.fused.plan import Plan
from mosforge.metrics.fused.pooling import Pooling, centre, pool
from mosforge.metrics.fused.saliency import Saliency


class Features:
    """The maps of one picture, in buffers that the next `fill` uses again: one object a thread."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._planes: Bytes = np.empty((3, plan.height, plan.width), np.uint8)
        distinct = {plan.yiq, plan.lhm, plan.lmn, plan.gmsd}
        self._pooled: dict[Pooling, Map] = {key: np.empty((3, *key.shape), np.float32) for key in distinct}
        self._phase = PhaseCongruency(plan.phase)
        self._saliency = Saliency(plan.saliency)
        self.pyramid: list[Map] = [np.empty((3, *level.shape), np.float32) for level in plan.pyramid]
        """The scales of MS-SSIM: RGB in [-1/2, 1/2]."""
        self.ssim_planes: Map = np.empty((3, *plan.yiq.shape), np.float32)
        """The same at SSIM's scale, filled where that is none of them."""
        self.yiq = bordered(3, plan.yiq.shape)
        self.lhm = bordered(3, plan.lhm.shape)
        self.lmn = bordered(3, plan.lmn.shape)
        self._own_luma = bordered(1, plan.gmsd.shape)
        self.phase: Map = np.empty(plan.yiq.shape, np.float32)
        """Phase congruency, in [0, 1]."""
        self.saliency: Map = np.empty(plan.lmn.shape, np.float32)
        """Saliency, in [0, 1]."""
        self.loss: Map = np.empty(plan.lhm.shape, np.float32)
        """Scratch of MDSI."""

    @property
    def gmsd_luma(self) -> Map:
        """Luma in 0..255 at GMSD's scale, bordered: FSIM's where the scales agree."""
        luma: Map = self.yiq[0] if self.plan.gmsd == self.plan.yiq else self._own_luma[0]
        return luma

    def fill(self, picture: Pixels) -> None:
        """Computes every map of a picture of the plan's size."""
        cv2.split(picture, list(self._planes))
        self.fill_pyramid()
        self.fill_colours()
        self.fill_phase()
        self.fill_saliency()

    def fill_pyramid(self) -> None:
        """The scales of SSIM and MS-SSIM."""
        centre(self._planes.reshape(-1), self.pyramid[0].reshape(-1))
        for finer, coarser, level in zip(self.pyramid, self.pyramid[1:], self.plan.pyramid[1:], strict=False):
            pool(finer, coarser, level.factor, level.shift, level.replicate)
        if self.plan.ssim_scale is None:
            pool(self.pyramid[0], self.ssim_planes, self.plan.yiq.factor, 0, False)

    def fill_colours(self) -> None:
        """The opponent colours of FSIM, MDSI and VSI, and the luma of GMSD."""
        plan = self.plan
        for pooling, rgb in self._pooled.items():
            pool(self._planes, rgb, pooling.factor, pooling.shift, pooling.replicate)
        mix(self._pooled[plan.yiq], YIQ, self.yiq)
        mix(self._pooled[plan.lhm], LHM, self.lhm)
        mix(self._pooled[plan.lmn], LMN, self.lmn)
        if plan.gmsd != plan.yiq:
            mix(self._pooled[plan.gmsd], YIQ, self._own_luma)

    def fill_phase(self) -> None:
        """FSIM's phase congruency."""
        self._phase.compute(self.yiq[0, 1:-1, 1:-1], self.phase)

    def fill_saliency(self) -> None:
        """VSI's saliency."""
        self._saliency.compute(self._planes, self.saliency)
