"""The constants of control charts, computed from their definitions: no table, so no size is missing and no digit wrong.

Pure numbers. Of n independent values from a normal distribution with σ = 1: the mean and the standard deviation of
their range (d2, d3), its median (d4), and the mean of their standard deviation (c4).

Source of the definitions: ASTM E2587, annex A1; D. C. Montgomery, Introduction to Statistical Quality Control,
appendix VI. H. L. Harter, Tables of range and studentized range, Ann. Math. Statist. 31 (1960) 1122-1147.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, pi, sqrt
from typing import Final

from mes.domain.distributions import normal_cdf

MOST: Final = 500
"""The largest subgroup. Beyond a dozen values the range tells little anyway: take s."""
_STEP: Final = 0.05
_REACH: Final = 9.0  # σ; beyond it a normal distribution holds 1e-19
_GRID: Final = tuple(-_REACH + i * _STEP for i in range(round(2 * _REACH / _STEP) + 1))
_CDF: Final = tuple(normal_cdf(x) for x in _GRID)
_PDF: Final = tuple(exp(-x * x / 2) / sqrt(2 * pi) for x in _GRID)


class TooFew(ValueError):
    """One value has no spread."""


def _checked(n: int) -> None:
    if not 2 <= n <= MOST:
        raise TooFew(f"a subgroup of {n}")


def c4(n: int) -> float:
    """The mean of the standard deviation of n values: s / c4 is without bias. √(2/(n−1)) Γ(n/2) / Γ((n−1)/2)."""
    if n < 2:
        raise TooFew(f"a subgroup of {n}")
    return sqrt(2 / (n - 1)) * exp(lgamma(n / 2) - lgamma((n - 1) / 2))


def c5(n: int) -> float:
    """The standard deviation of the standard deviation of n values: √(1 − c4²)."""
    return sqrt(max(0.0, 1 - c4(n) ** 2))


@lru_cache(maxsize=64)
def d2(n: int) -> float:
    """The mean of the range: ∫ 1 − (1 − Φ)ⁿ − Φⁿ. The trapezoid rule is exact to rounding here: all ends vanish."""
    _checked(n)
    return _STEP * sum(1 - (1 - p) ** n - p**n for p in _CDF)


@lru_cache(maxsize=64)
def d3(n: int) -> float:
    """The standard deviation of the range: E[W²] = 2 ∫ w (1 − F(w)) dw, by Simpson's rule."""
    _checked(n)
    steps = round(2 * _REACH / _STEP)
    weights = (1 if i in (0, steps) else 4 if i % 2 else 2 for i in range(steps + 1))
    square = 2 * _STEP / 3 * sum(k * i * _STEP * (1 - _range_cdf(i, n)) for i, k in enumerate(weights))
    return sqrt(square - d2(n) ** 2)


@lru_cache(maxsize=64)
def d4(n: int) -> float:
    """The median of the range; of two values √2 · 0.6745 = 0.9539."""
    _checked(n)
    low, high = 0, round(2 * _REACH / _STEP)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _range_cdf(middle, n) < 0.5 else (low, middle)
    # Between two grid points F is smooth: a cubic through the four points around the median.
    xs = [_range_cdf(i, n) for i in range(low - 1, low + 3)]
    return _STEP * sum((low - 1 + i) * _lagrange(xs, i, 0.5) for i in range(4))


def _lagrange(xs: list[float], i: int, x: float) -> float:
    out = 1.0
    for j, other in enumerate(xs):
        if j != i:
            out *= (x - other) / (xs[i] - other)
    return out


def _range_cdf(steps: int, n: int) -> float:
    """How likely the range of n values is at most so many grid steps: n ∫ φ(x) (Φ(x+w) − Φ(x))ⁿ⁻¹ dx."""
    last = len(_CDF) - 1
    return min(
        1.0,
        n * _STEP * sum(p * (_CDF[min(i + steps, last)] - _CDF[i]) ** (n - 1) for i, p in enumerate(_PDF) if p > 1e-18),
    )
