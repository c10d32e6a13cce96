"""Logarithm and power as short polynomials, which loops over them can be vectorised with."""

import numpy as np

from mosforge.metrics.fused.compilation import F32, inline

I32 = np.int32


@inline
def log2(x: F32) -> F32:
    """log2 of a normal positive float32, to 1e-7 of its unit.

    The mantissa is brought into [sqrt(1/2), sqrt(2)), for which log2(1 + x) / x is the polynomial of degree 8
    whose largest relative error is least, 3e-8. There is no division, which takes as long as all of it.
    """
    bits = F32(x).view(np.int32)
    exponent = I32((bits - I32(0x3F3504F3)) >> I32(23))
    x = I32(bits - (exponent << I32(23))).view(np.float32) - F32(1)
    series = F32(0.215714291) + x * (F32(-0.207261205) + x * F32(0.125830218))
    series = F32(0.287916481) + x * (F32(-0.238945946) + x * series)
    series = F32(0.480910629) + x * (F32(-0.360703647) + x * series)
    series = F32(1.44269502) + x * (F32(-0.721347332) + x * series)
    return F32(exponent) + x * series


@inline
def exp2(x: F32) -> F32:
    """2**x for x < 127, to a relative 2e-7; below -126 it stays 2**-126.

    The integer part becomes the exponent; 2**(r + 1/2) for r in [-1/2, 1/2) is its Taylor polynomial.
    """
    x = max(x, F32(-126))
    whole = I32(x + F32(127))
    r = x - F32(I32(whole - I32(127))) - F32(0.5)  # in this order, every difference is exact
    series = F32(0.07849478) + r * (F32(0.01360213) + r * (F32(0.00188565) + r * F32(0.00021784)))
    series = F32(1.41421356) + r * (F32(0.98025814) + r * (F32(0.33973157) + r * series))
    return series * I32(whole << I32(23)).view(np.float32)


@inline
def power(x: F32, exponent: F32) -> F32:
    """x**exponent for a normal positive x."""
    return exp2(exponent * log2(x))
