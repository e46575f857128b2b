"""Capability: how a process that is in control fits between its limits, and how sure that is.

Pure. C indices use σ within groups (what the process can do), P indices the standard deviation of all values (what it
did). An index of a process that is not in control says nothing of tomorrow, one of few values little: both are said.

Source of the indices: ISO 22514-2:2017; D. C. Montgomery, Introduction to Statistical Quality Control, chapter 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, fmean, stdev
from typing import Final, Literal

from mes.domain.distributions import chi2_quantile, normal_cdf
from mes.domain.ratios import Ratio
from mes.domain.spc import Sigma
from mes.domain.spc_rules import Signal

ENOUGH: Final = 50
"""With fewer values an interval of Cpk is wider than a quarter of it to each side. Source: ISO 22514-2 asks for 125."""

Warning_ = Literal["not_in_control", "few_values", "no_spread"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the product asks for: at least one limit; the target is the middle of both where it is not given."""

    lower: float | None = None
    upper: float | None = None
    target: float | None = None

    @property
    def aim(self) -> float | None:
        """The target, or the middle; None with one limit and no target."""
        if self.target is None and self.lower is not None and self.upper is not None:
            return (self.lower + self.upper) / 2
        return self.target


@dataclass(frozen=True, slots=True)
class Index:
    """An index with its interval; the interval is None where σ was given and not estimated."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Indices:
    """The indices with one σ: Cp, Cpl, Cpu, Cpk, Cpm, or Pp, Ppl, Ppu, Ppk, Ppm; None where a limit is missing."""

    sigma: Sigma
    both: Index | None
    lower: Index | None
    upper: Index | None
    worst: Index | None
    target: Index | None


@dataclass(frozen=True, slots=True)
class Capability:
    """What a process can do (`within`) and did (`overall`), what lay outside, and what stands against believing it.

    Attributes:
        below, above: values outside each limit, of all.
        expected: the share outside that a normal distribution with σ within would have.
    """

    mean: float
    within: Indices | None
    overall: Indices | None
    below: Ratio | None
    above: Ratio | None
    expected: float | None
    warnings: tuple[Warning_, ...]


def capability(
    values: Sequence[float],
    limits: Limits,
    within: Sigma,
    *,
    signals: Sequence[Signal] = (),
    confidence: float = 0.95,
) -> Capability:
    """Indices of the values that made the limits of a chart.

    Args:
        values: all single values of the baseline.
        within: σ within groups, from the chart.
        signals: what the rules found on the charts: any of them means that the process is not in control.
    """
    n, mean = len(values), fmean(values)
    overall = Sigma(stdev(values) if n > 1 else 0.0, "overall", n - 1)
    warnings: list[Warning_] = []
    if signals:
        warnings.append("not_in_control")
    if n < ENOUGH:
        warnings.append("few_values")
    if not (within.value > 0 and overall.value > 0):
        warnings.append("no_spread")
    lower, upper = limits.lower, limits.upper
    return Capability(
        mean,
        indices(mean, n, within, limits, confidence),
        indices(mean, n, overall, limits, confidence),
        None if lower is None else Ratio(sum(v < lower for v in values), n),
        None if upper is None else Ratio(sum(v > upper for v in values), n),
        _expected(mean, within.value, limits),
        tuple(warnings),
    )


def indices(mean: float, count: int, sigma: Sigma, limits: Limits, confidence: float = 0.95) -> Indices | None:
    """The indices with one σ; None where nothing varies, for then none of them is defined.

    Args:
        count: values that the mean is of.
    """
    if not sigma.value > 0:
        return None
    s = sigma.value
    low, high, aim = limits.lower, limits.upper, limits.aim
    of_lower = None if low is None else (mean - low) / (3 * s)
    of_upper = None if high is None else (high - mean) / (3 * s)
    sides = [v for v in (of_lower, of_upper) if v is not None]
    both = target = None
    if low is not None and high is not None:
        both = _width(high - low, s, sigma.degrees, confidence)
        if aim is not None:
            target = _to_target(high - low, mean - aim, s, count, sigma, confidence)
    made = [None if v is None else _to_side(v, count, sigma, confidence) for v in (of_lower, of_upper)]
    worst = _to_side(min(sides), count, sigma, confidence) if sides else None
    return Indices(sigma, both, made[0], made[1], worst, target)


def _width(width: float, s: float, degrees: float, confidence: float) -> Index:
    """(USL − LSL) / 6σ; the interval is that of σ. Source: Montgomery 8.3.4, NIST/SEMATECH e-Handbook 6.1.6."""
    value = width / (6 * s)
    if degrees == float("inf"):
        return Index(value, None, None)
    return Index(value, *(value * sqrt(chi2_quantile(q, degrees) / degrees) for q in _tails(confidence)))


def _to_side(value: float, n: int, sigma: Sigma, confidence: float) -> Index:
    """(USL − μ) / 3σ or (μ − LSL) / 3σ. Source of the interval: A. F. Bissell, How reliable is your capability index?,
    Applied Statistics 39 (1990) 331-340; with the degrees of freedom that σ has."""
    if sigma.degrees == float("inf"):
        return Index(value, None, None)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    half = z * sqrt(1 / (9 * n) + value * value / (2 * sigma.degrees))
    return Index(value, value - half, value + half)


def _to_target(width: float, off: float, s: float, n: int, sigma: Sigma, confidence: float) -> Index:
    """(USL − LSL) / 6√(σ² + (μ − T)²). Source: L. K. Chan, S. W. Cheng, F. A. Spiring, A new measure of process
    capability: Cpm, J. Quality Technology 20 (1988) 162-175; interval: R. A. Boyles, The Taguchi capability index,
    J. Quality Technology 23 (1991) 17-26."""
    value = width / (6 * sqrt(s * s + off * off))
    if sigma.degrees == float("inf"):
        return Index(value, None, None)
    a2 = (off / s) ** 2
    degrees = n * (1 + a2) ** 2 / (1 + 2 * a2)
    return Index(value, *(value * sqrt(chi2_quantile(q, degrees) / degrees) for q in _tails(confidence)))


def _tails(confidence: float) -> tuple[float, float]:
    return (1 - confidence) / 2, (1 + confidence) / 2


def _expected(mean: float, s: float, limits: Limits) -> float | None:
    if not s > 0:
        return None
    below = 0.0 if limits.lower is None else normal_cdf((limits.lower - mean) / s)
    above = 0.0 if limits.upper is None else normal_cdf((mean - limits.upper) / s)
    return below + above
