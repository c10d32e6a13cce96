"""The maps of one picture that its six scores are made of."""

import cv2
import numpy as np

from mosforge.core.images import Pixels
from mosforge.metrics.fused.buffers import aligned
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
        self.planes: Bytes = aligned((3, plan.height, plan.width), np.uint8)
        """The image itself: red, green and blue."""
        distinct = {plan.yiq, plan.lhm, plan.lmn, plan.gmsd}
        self._pooled: dict[Pooling, Map] = {
            key: aligned((3, *key.shape)) for key in distinct if key.factor > 1
        }
        self._phase = PhaseCongruency(plan.phase)
        self._saliency = Saliency(plan.saliency)
        self.pyramid: list[Map] = [aligned((3, *level.shape)) for level in plan.pyramid]
        """The scales of MS-SSIM: RGB in [-1/2, 1/2]."""
        self.ssim_planes: Map = aligned((3, *plan.yiq.shape))
        """The same at SSIM's scale, filled where that is none of them."""
        self.yiq = bordered(3, plan.yiq.shape)
        self.lhm = bordered(3, plan.lhm.shape)
        self.lmn = bordered(3, plan.lmn.shape)
        self._own_luma = bordered(1, plan.gmsd.shape)
        self.phase: Map = aligned(plan.yiq.shape)
        """Phase congruency, in [0, 1]."""
        self.saliency: Map = aligned(plan.lmn.shape)
        """Saliency, in [0, 1]."""
        self.loss: Map = aligned(plan.lhm.shape)
        """Scratch of MDSI."""

    @property
    def gmsd_luma(self) -> Map:
        """Luma in 0..255 at GMSD's scale, bordered: FSIM's where the scales agree."""
        luma: Map = self.yiq[0] if self.plan.gmsd == self.plan.yiq else self._own_luma[0]
        return luma

    def fill(self, picture: Pixels) -> None:
        """Computes every map of a picture of the plan's size."""
        cv2.split(picture, list(self.planes))
        self.fill_pooled()
        self.fill_pyramid()
        self.fill_colours()
        self.fill_phase()
        self.fill_saliency()

    def fill_pooled(self) -> None:
        """The picture as each metric pools it."""
        for pooling, rgb in self._pooled.items():
            pool(self.planes, rgb, pooling.factor, pooling.shift, pooling.replicate)

    def fill_pyramid(self) -> None:
        """The scales of SSIM and MS-SSIM."""
        plan = self.plan
        centre(self.planes.reshape(-1), self.pyramid[0].reshape(-1))
        for finer, coarser, level in zip(self.pyramid, self.pyramid[1:], plan.pyramid[1:], strict=False):
            if finer is self.pyramid[0] and level == plan.gmsd:
                centre(self._rgb(level).reshape(-1), coarser.reshape(-1))
            else:
                pool(finer, coarser, level.factor, level.shift, level.replicate)
        if plan.ssim_scale is None:
            centre(self._rgb(plan.yiq).reshape(-1), self.ssim_planes.reshape(-1))

    def fill_colours(self) -> None:
        """The opponent colours of FSIM, MDSI and VSI, and the luma of GMSD."""
        plan = self.plan
        mix(self._rgb(plan.yiq), YIQ, self.yiq)
        mix(self._rgb(plan.lhm), LHM, self.lhm)
        mix(self._rgb(plan.lmn), LMN, self.lmn)
        if plan.gmsd != plan.yiq:
            mix(self._rgb(plan.gmsd), YIQ, self._own_luma)

    def _rgb(self, pooling: Pooling) -> Map | Bytes:
        return self.planes if pooling.factor == 1 else self._pooled[pooling]

    def fill_phase(self) -> None:
        """FSIM's phase congruency."""
        self._phase.compute(self.yiq[0, 1:-1, 1:-1], self.phase)

    def fill_saliency(self) -> None:
        """VSI's saliency."""
        self._saliency.compute(self.planes, self.saliency)
