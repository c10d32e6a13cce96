"""The engine `piq`: the library itself, on any device. It is the oracle of the other engine."""

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np
import piq
import torch

from mosforge.core.errors import MosforgeError, first_line
from mosforge.core.images import Pixels
from mosforge.metrics.engines import IDENTICAL, Scores, bounded, luma, viewing_factor

_OF_LUMA = (piq.ssim, piq.multi_scale_ssim)
_OF_COLOURS = (piq.mdsi, piq.vsi, piq.fsim, piq.gmsd)  # with those of the luma before, as METRICS

_BATCH_PIXELS = 2**22  # on a GPU: about 4 GB of float64 maps, for any size of the images


class PiqEngine:
    """The six metrics as piq computes them, its defaults, `data_range=1`, `reduction="none"`.

    SSIM and MS-SSIM get the rounded luma, as their authors define them.

    In float64, since piq's MDSI near identity is off by .01 in float32; but SSIM and MS-SSIM in float32 on
    the CPU, where torch's float64 convolution takes 25 times longer to come 1e-5 nearer.
    On the CPU each image is scored by one thread, so the scores do not depend on the number of threads.
    The device is `cpu`, `cuda`, `cuda:N`, or `auto`; a MosforgeError says that it is not there.
    """

    def __init__(self, device: str = "auto", scale: str | int = "auto") -> None:
        self._scale = scale
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self.device = torch.zeros(1, device=device).device
        except (RuntimeError, AssertionError) as error:
            raise MosforgeError(f"--device {device}: not available here ({first_line(error)})") from None

    def batch(self, shape: tuple[int, ...]) -> int:
        """One on the CPU; on a GPU as many as keep it busy in bounded memory."""
        return 1 if self.device.type == "cpu" else max(1, _BATCH_PIXELS // (shape[0] * shape[1]))

    def prepare(self, reference: Pixels) -> tuple[torch.Tensor, torch.Tensor]:
        """The reference image and its luma as (1, 3, H, W) and (1, 1, H, W) tensors on the device."""
        return self._tensors([reference])

    def score(
        self, prepared: Callable[[], tuple[torch.Tensor, torch.Tensor]], images: Sequence[Pixels]
    ) -> Scores:
        """The six scores of each image, shape (n, 6)."""
        if self.device.type == "cpu":
            torch.set_num_threads(1)  # of this thread
        distorted, luma_of_distorted = self._tensors(images)
        reference, luma_of_reference = (tensor.expand(len(images), -1, -1, -1) for tensor in prepared())
        if self.device.type == "cpu":
            luma_of_distorted, luma_of_reference = luma_of_distorted.float(), luma_of_reference.float()
        factor = viewing_factor(self._scale, *images[0].shape[:2])
        with torch.inference_mode():
            columns = [
                *(
                    at_scale(f, factor)(luma_of_distorted, luma_of_reference, reduction="none")
                    for f in _OF_LUMA
                ),
                *(at_scale(f, factor)(distorted, reference, reduction="none") for f in _OF_COLOURS),
            ]
            columns = [column.double() for column in columns]
            scores = bounded(torch.stack(columns, dim=1).cpu().numpy())
            scores[(distorted == reference).flatten(1).all(dim=1).cpu().numpy()] = IDENTICAL
            return scores

    def _tensors(self, images: Sequence[Pixels]) -> tuple[torch.Tensor, torch.Tensor]:
        rgb = torch.from_numpy(np.stack(images)).to(self.device).permute(0, 3, 1, 2)
        grey = torch.from_numpy(np.stack([luma(image) for image in images])).to(self.device)[:, None]
        return rgb.to(torch.float64) / 255, grey.to(torch.float64) / 255


def at_scale(function: Any, factor: int) -> Any:
    """A metric of piq that shrinks images by a given factor.

    piq has no argument for it: each of its functions rounds the shorter side / 256. The copy of the function
    that is returned has another `round`; nothing else in these functions is rounded.
    """
    names = {**function.__globals__, "round": lambda _: factor}
    copy = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy
