"""The exact lower median of non-negative float32 values, by their bits."""

import numpy as np
import numpy.typing as npt

from mosforge.metrics.fused.compilation import Map, kernel

Words = npt.NDArray[np.uint32]
Counts = npt.NDArray[np.int64]

_LANES = 4  # histograms that are filled in turn, so that equal neighbours do not wait for each other


@kernel
def lower_median(values: Map, candidates: Words) -> float:
    """The element of rank (n - 1) // 2, as torch.median defines it.

    Non-negative floats are ordered as their bit patterns are: a radix select over the upper 11, the middle
    11 and the lower 10 bits, each time keeping what shares the median's digit.

    Args:
        values: shape (n,), n > 0, no NaN.
        candidates: a buffer of n words.
    """
    words = values.view(np.uint32)
    n = words.shape[0]
    counts = np.zeros((_LANES, 2048), np.int64)
    for j in range(n):
        counts[j & (_LANES - 1), words[j] >> np.uint32(21)] += 1
    digit, rank = _digit_of_rank(counts, (n - 1) // 2)
    left = 0
    for j in range(n):  # without a branch, which would be mispredicted half of the time
        candidates[left] = words[j]
        left += (words[j] >> np.uint32(21)) == digit
    for shift, mask in ((10, 2047), (0, 1023)):
        counts[:] = 0
        for j in range(left):
            counts[0, (candidates[j] >> np.uint32(shift)) & np.uint32(mask)] += 1
        digit, rank = _digit_of_rank(counts, rank)
        kept = 0
        for j in range(left):
            word = candidates[j]
            candidates[kept] = word
            kept += ((word >> np.uint32(shift)) & np.uint32(mask)) == digit
        left = kept
    return float(candidates[:1].view(np.float32)[0])


@kernel
def _digit_of_rank(counts: Counts, rank: int) -> tuple[int, int]:
    """The digit that the element of that rank has, and its rank among those with the digit."""
    digit = 0
    while True:
        count = counts[:, digit].sum()
        if count > rank:
            return digit, rank
        rank -= count
        digit += 1
