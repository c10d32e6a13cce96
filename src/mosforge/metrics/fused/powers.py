"""Logarithm and power as short polynomials, which loops over them can be vectorised with."""

import numpy as np

from mosforge.metrics.fused.compilation import F32, inline

I32 = np.int32


@inline
def log2(x: F32) -> F32:
    """log2 of a normal positive float32, to 1e-7 of its unit.

    The mantissa m is brought into [sqrt(1/2), sqrt(2)); log2(m) is the series of 2 artanh(s) / ln 2,
    s = (m - 1) / (m + 1).
    """
    bits = F32(x).view(np.int32)
    exponent = (bits - I32(0x3F3504F3)) >> I32(23)
    above_one = I32(bits - (exponent << I32(23))).view(np.float32) - F32(1)
    s = above_one / (above_one + F32(2))
    z = s * s
    series = F32(2.885390082) + z * (
        F32(0.961796694) + z * (F32(0.577078016) + z * (F32(0.412198583) + z * F32(0.32059890)))
    )
    return F32(exponent) + s * series


@inline
def exp2(x: F32) -> F32:
    """2**x for x < 127, to a relative 2e-7; below -126 it stays 2**-126.

    The integer part becomes the exponent; 2**(r + 1/2) for r in [-1/2, 1/2) is its Taylor polynomial.
    """
    x = max(x, F32(-126))
    whole = I32(x + F32(127))
    r = x - F32(whole) + F32(126.5)
    series = F32(1.41421356) + r * (
        F32(0.98025814)
        + r
        * (
            F32(0.33973157)
            + r * (F32(0.07849478) + r * (F32(0.01360213) + r * (F32(0.00188565) + r * F32(0.00021784))))
        )
    )
    return series * I32(whole << I32(23)).view(np.float32)


@inline
def power(x: F32, exponent: F32) -> F32:
    """x**exponent for a normal positive x."""
    return exp2(exponent * log2(x))
