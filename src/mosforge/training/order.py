"""The order in which an epoch meets its samples."""

import numpy as np

from mosforge.core.packs import Indices
from mosforge.core.seeds import generator


def epoch_order(seed: int, epoch: int, samples: int, groups: Indices | None = None) -> Indices:
    """The samples of an epoch in random order, int64 (samples,).

    Args:
        seed: of the training.
        epoch: from 0.
        samples: crops of the epoch; sample s is one of row s modulo the rows.
        groups: a number for each row; samples of rows of one number follow each other, so that a loss over
            pairs finds them in one batch (the end of a batch may still cut through a group).
    """
    order = generator("order", seed, epoch).permutation(samples)
    if groups is None:
        return order
    repeat, row = np.divmod(order, len(groups))
    group = repeat * (groups.max() + 1) + groups[row]
    _, first, member_of = np.unique(group, return_index=True, return_inverse=True)
    return order[np.argsort(first[member_of], kind="stable")]
