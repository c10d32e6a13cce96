"""What an engine is: the type of its scores, and what it can be asked to do."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mosforge.core.images import Pixels

Scores = npt.NDArray[np.float64]
"""Shape (n, 6): a row a picture, columns in the order of `measures.METRICS`."""


class Engine(Protocol):
    """Scores pictures against a prepared reference; several threads may call it at the same time."""

    def batch(self, shape: tuple[int, ...]) -> int:
        """How many pictures of that shape to hand over together."""
        ...

    def prepare(self, reference: Pixels) -> Any:
        """What `score` needs of a reference, computed once."""
        ...

    def score(self, prepared: Callable[[], Any], pictures: Sequence[Pixels]) -> Scores:
        """The scores of each picture, a row each.

        Args:
            prepared: gives what `prepare` returned, once it has: what needs no reference need not wait.
            pictures: at least one.
        """
        ...
