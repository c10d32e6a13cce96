"""The engine `piq`: the library itself, on any device. It is the oracle of the other engine."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import piq
import torch

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.metrics.engines import IDENTICAL, Scores, bounded

_FUNCTIONS = (piq.ssim, piq.multi_scale_ssim, piq.mdsi, piq.vsi, piq.fsim, piq.gmsd)  # as measures.METRICS

_CONVOLVING = (piq.ssim, piq.multi_scale_ssim)

_BATCH_PIXELS = 2**22  # on a GPU: about 4 GB of float64 maps, for any size of the images


class PiqEngine:
    """The six metrics as piq computes them, its defaults, `data_range=1`, `reduction="none"`.

    In float64, since piq's MDSI near identity is off by .01 in float32; but SSIM and MS-SSIM in float32 on
    the CPU, where torch's float64 convolution takes 25 times longer to come 1e-5 nearer.
    On the CPU each image is scored by one thread, so the scores do not depend on the number of threads.
    The device is `cpu`, `cuda`, `cuda:N`, or `auto`; a MosforgeError says that it is not there.
    """

    def __init__(self, device: str = "auto") -> None:
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self.device = torch.zeros(1, device=device).device
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise MosforgeError(f"--device {device}: not available here ({reason})") from None

    def batch(self, shape: tuple[int, ...]) -> int:
        """One on the CPU; on a GPU as many as keep it busy in bounded memory."""
        return 1 if self.device.type == "cpu" else max(1, _BATCH_PIXELS // (shape[0] * shape[1]))

    def prepare(self, reference: Pixels) -> torch.Tensor:
        """The reference image as a (1, 3, H, W) tensor on the device."""
        return self._tensor([reference])

    def score(self, prepared: Callable[[], torch.Tensor], images: Sequence[Pixels]) -> Scores:
        """The six scores of each image, shape (n, 6)."""
        if self.device.type == "cpu":
            torch.set_num_threads(1)  # of this thread
        distorted = self._tensor(images)
        reference = prepared().expand_as(distorted)
        with torch.inference_mode():
            columns = [self._column(function, distorted, reference) for function in _FUNCTIONS]
            scores = bounded(torch.stack(columns, dim=1).cpu().numpy())
            scores[(distorted == reference).flatten(1).all(dim=1).cpu().numpy()] = IDENTICAL
            return scores

    def _column(self, function: Any, distorted: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        if self.device.type == "cpu" and function in _CONVOLVING:
            distorted, reference = distorted.float(), reference.float()
        scores: torch.Tensor = function(distorted, reference, reduction="none")
        return scores.double()

    def _tensor(self, images: Sequence[Pixels]) -> torch.Tensor:
        batch = torch.from_numpy(np.stack(images)).to(self.device)
        return batch.permute(0, 3, 1, 2).to(torch.float64) / 255
