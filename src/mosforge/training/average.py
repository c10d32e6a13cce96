"""The running average of a network's weights, often better than the last ones."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

Weights = dict[str, Tensor]


class Average:
    """An exponential moving average of all weights and batch statistics of a network.

    At step t, from 0, it decays by min(decay, (1 + t) / (10 + t)): a short training, too, forgets where
    it started.

    Args:
        network: what is averaged, in place on its device.
        decay: in (0, 1).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._network = network
        self._decay = decay
        # state_dict gives the very tensors that the optimiser changes in place; counters are not averaged.
        live = {key: value for key, value in network.state_dict().items() if value.is_floating_point()}
        self._live = list(live.values())
        self.weights: Weights = {key: value.clone() for key, value in live.items()}

    def update(self, step: int) -> None:
        """Takes in the weights after a step."""
        decay = min(self._decay, (1 + step) / (10 + step))
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        average(list(self.weights.values()), self._live, 0)

    def load(self, weights: Weights) -> None:
        """Goes on from saved weights."""
        for key, value in self.weights.items():
            value.copy_(weights[key])

    def put(self) -> None:
        """Gives the network the averaged weights for good."""
        self._network.load_state_dict(self.weights, strict=False)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """While the block runs, the network has the averaged weights."""
        own = {key: value.clone() for key, value in zip(self.weights, self._live, strict=True)}
        self.put()
        try:
            yield
        finally:
            with torch.no_grad():
                self._network.load_state_dict(own, strict=False)
