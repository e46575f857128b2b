"""The few distribution functions that charts and capability need, without a library: normal, χ², incomplete gamma.

Pure numbers. Accuracy is that of double precision to about twelve digits, far more than any data here have.
"""

from __future__ import annotations

from functools import lru_cache
from math import erfc, exp, lgamma, log, sqrt
from statistics import NormalDist
from typing import Final

_SQRT2: Final = sqrt(2)
_TINY: Final = 1e-300
_MANY: Final = 10_000  # from here on the approximation is right to seven digits, and the sum takes long


def normal_cdf(x: float) -> float:
    """The standard normal distribution function."""
    return erfc(-x / _SQRT2) / 2


def chi2_cdf(x: float, degrees: float) -> float:
    """The distribution function of χ²; degrees of freedom need not be whole."""
    return _lower_gamma(degrees / 2, x / 2) if x > 0 else 0.0


@lru_cache(maxsize=256)
def chi2_quantile(share: float, degrees: float) -> float:
    """Below what χ² lies with that probability.

    Args:
        share: more than 0, less than 1.
        degrees: degrees of freedom, more than 0.

    Source, for many degrees: E. B. Wilson, M. M. Hilferty, The distribution of chi-square, PNAS 17 (1931) 684-688.
    """
    if degrees > _MANY:
        z = NormalDist().inv_cdf(share)
        return degrees * (1 - 2 / (9 * degrees) + z * sqrt(2 / (9 * degrees))) ** 3
    low, high = 0.0, max(1.0, degrees)
    while chi2_cdf(high, degrees) < share:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if chi2_cdf(middle, degrees) < share else (low, middle)
    return (low + high) / 2


def _lower_gamma(a: float, x: float) -> float:
    """The regularised lower incomplete gamma function P(a, x).

    Source: W. H. Press et al., Numerical Recipes, 3rd ed., 6.2: the series below a + 1, above it
    Lentz's continued fraction.
    """
    front = exp(a * log(x) - x - lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        n = a
        while abs(term) > abs(total) * 1e-16:
            n += 1
            term *= x / n
            total += term
        return total * front
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    h = d
    for i in range(1, 10_000):
        an = -i * (i - a)
        b += 2
        d = 1 / _nonzero(an * d + b)
        c = _nonzero(b + an / c)
        step = c * d
        h *= step
        if abs(step - 1) < 1e-15:
            break
    return 1 - front * h


def _nonzero(x: float) -> float:
    return x if abs(x) > _TINY else _TINY
