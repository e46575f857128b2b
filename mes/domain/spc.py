"""Control charts for measurements: individual values with moving ranges, and means with ranges or standard deviations.

Pure. Values in, points with their limits out. Limits come from the baseline (phase I) alone; later points (phase II)
are only compared with them. `mes.domain.spc_attributes` has the charts of counts, `mes.domain.spc_rules` the rules.

Source of the charts: ISO 7870-2:2013; D. C. Montgomery, Introduction to Statistical Quality Control, chapter 6.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum, sqrt
from statistics import fmean, median, stdev
from typing import Final, Literal, get_args

from mes.domain.spc_constants import c4, c5, d2, d3, d4

Kind = Literal["i", "mr", "xbar", "r", "s", "p", "np", "c", "u"]
Individual = Literal["mr", "median-mr", "sd"]
Grouped = Literal["pooled", "s", "r"]
Group = Sequence[float]
Constant = Callable[[int], float]

WIDTH: Final = 3.0  # σ to each side
_MR: Final = 2  # a moving range spans two values
_MR_RELATIVE: Final = 0.8264
"""n · Var(MR̄/d2) / σ², 2π/3 + √3 − 3: neighbouring moving ranges share a value. Source: J. D. Cryer, T. P. Ryan, The
estimation of sigma for an X chart: MR̄/d2 or S/c4?, Journal of Quality Technology 22 (1990) 187-192."""
_MEDIAN_MR_RELATIVE: Final = 1.64
"""The same for the median moving range; by simulation (20,000 series of 200 values), as no closed form is published."""


class CannotChart(ValueError):
    """These values make no chart; `reason` says why, `at` which of them (from 0, None: all)."""

    def __init__(self, reason: str, at: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.at = reason, at


@dataclass(frozen=True, slots=True)
class Sigma:
    """A standard deviation within groups: its value, how it was estimated, and its (effective) degrees of freedom."""

    value: float
    estimator: str
    degrees: float


@dataclass(frozen=True, slots=True)
class Point:
    """One plotted value with the limits for its own sample size; `value` is None where there was nothing to plot."""

    index: int
    value: float | None
    size: float
    center: float
    sigma: float
    low: float
    high: float

    @property
    def z(self) -> float | None:
        """How many σ of the plotted statistic it lies above the centre; None where nothing varies or is plotted."""
        return (self.value - self.center) / self.sigma if self.value is not None and self.sigma > 0 else None

    @property
    def limited(self) -> bool:
        """Are there limits? A group of one has none on a chart of spread."""
        return self.value is not None or self.high > self.low

    @property
    def side(self) -> int:
        """1 above the upper limit, −1 below the lower one, else 0. On the limit is inside, whatever rounding says."""
        if self.value is None:
            return 0
        grain = 1e-9 * max(self.sigma, 1e-6 * abs(self.center))
        return (self.value > self.high + grain) - (self.value < self.low - grain)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its points in order, and which of them made the limits."""

    kind: Kind
    points: tuple[Point, ...]
    baseline: frozenset[int]

    @property
    def out(self) -> tuple[Point, ...]:
        """The points beyond a limit."""
        return tuple(p for p in self.points if p.side)


@dataclass(frozen=True, slots=True)
class Study:
    """The two charts of measurements, and what they were drawn from."""

    location: Chart
    spread: Chart
    mean: float
    sigma: Sigma


def individuals(
    values: Sequence[float],
    *,
    baseline: Collection[int] | None = None,
    estimator: Individual = "mr",
    center: float | None = None,
    sigma: float | None = None,
) -> Study:
    """The chart of individual values and its moving ranges.

    A moving range is of the baseline when both its values are. The first value has none.

    Args:
        baseline: indices that make the limits; all when not given.
        estimator: `mr` mean moving range / d2, `median-mr` median moving range / d4 (one odd value does not widen the
            limits), `sd` the standard deviation of all / c4.
        center, sigma: known from before; then nothing is estimated.
    """
    base = baseline_of(len(values), baseline)
    known = [values[i] for i in sorted(base)]
    ranges = [None, *(abs(b - a) for a, b in pairwise(values))]
    usual = [r for i, r in enumerate(ranges) if r is not None and i in base and i - 1 in base]
    mean = fmean(known) if center is None else center
    if sigma is not None:
        found = Sigma(sigma, "given", float("inf"))
    elif estimator == "sd":
        _enough(len(known), 2)
        found = Sigma(stdev(known) / c4(len(known)), "sd", len(known) - 1)
    elif estimator == "mr":
        _enough(len(usual), 1)
        found = Sigma(fmean(usual) / d2(_MR), "mr", len(usual) / (2 * _MR_RELATIVE))
    else:
        _enough(len(usual), 1)
        found = Sigma(median(usual) / d4(_MR), "median-mr", len(usual) / (2 * _MEDIAN_MR_RELATIVE))
    s = found.value
    return Study(
        Chart("i", tuple(_point(i, v, 1, mean, s) for i, v in enumerate(values)), base),
        Chart("mr", tuple(_point(i, r, _MR, d2(_MR) * s, d3(_MR) * s, least=0) for i, r in enumerate(ranges)), base),
        mean,
        found,
    )


def groups(
    values: Sequence[Group],
    *,
    spread: Literal["r", "s"] = "s",
    baseline: Collection[int] | None = None,
    estimator: Grouped | None = None,
    center: float | None = None,
    sigma: float | None = None,
) -> Study:
    """The chart of means with that of ranges or of standard deviations; groups need not be of one size.

    Args:
        spread: `r` X̄-R, `s` X̄-s.
        baseline: indices of the groups that make the limits; all when not given.
        estimator: `pooled` √(ΣSS/Σ(n−1)) / c4, `s` s̄/c4, `r` R̄/d2; the chart's own when not given. With groups of
            several sizes each counts by its information, so that the estimate varies least.
        center, sigma: known from before.
    """
    base = baseline_of(len(values), baseline)
    for i, group in enumerate(values):
        if not group:
            raise CannotChart("empty_group", i)
    known = [values[i] for i in sorted(base)]
    mean = fmean(v for g in known for v in g) if center is None else center
    found = within(known, estimator or spread) if sigma is None else Sigma(sigma, "given", float("inf"))
    s = found.value
    location = tuple(_point(i, fmean(g), len(g), mean, s / sqrt(len(g))) for i, g in enumerate(values))
    if spread == "r":
        made = tuple(_spread(i, g, s, max(g) - min(g), d2, d3) for i, g in enumerate(values))
    else:
        made = tuple(_spread(i, g, s, stdev(g) if len(g) > 1 else None, c4, c5) for i, g in enumerate(values))
    return Study(Chart("xbar", location, base), Chart(spread, made, base), mean, found)


def within(known: Sequence[Group], estimator: Grouped) -> Sigma:
    """The standard deviation within groups; those of one value say nothing of it.

    Source: I. W. Burr, Statistical Quality Control Methods (1976): minimum-variance weights d2²/d3² and c4²/(1−c4²).
    The degrees of freedom are those of a standard deviation that varies as little.
    """
    some = [g for g in known if len(g) > 1]
    _enough(len(some), 1)
    if estimator == "pooled":
        degrees = sum(len(g) - 1 for g in some)
        squares = fsum((v - m) ** 2 for g in some for m in (fmean(g),) for v in g)
        return Sigma(sqrt(squares / degrees) / c4(degrees + 1), estimator, degrees)
    measures, mid, dev = (
        ([max(g) - min(g) for g in some], d2, d3) if estimator == "r" else ([stdev(g) for g in some], c4, c5)
    )
    weights = [(mid(len(g)) / dev(len(g))) ** 2 for g in some]
    total = fsum(weights)
    value = fsum(w * m / mid(len(g)) for w, m, g in zip(weights, measures, some, strict=True)) / total
    return Sigma(value, estimator, _degrees(1 / total))


def _degrees(variance: float) -> float:
    """The ν for which s/c4 with ν + 1 values has that relative variance: (1 − c4²)/c4² ≈ 1/(2ν) + 1/(8ν²)."""
    return (1 + sqrt(1 + 2 * variance)) / (4 * variance)


def _spread(i: int, group: Group, s: float, value: float | None, mid: Constant, dev: Constant) -> Point:
    n = len(group)
    if n < 2:
        return Point(i, None, n, 0.0, 0.0, 0.0, 0.0)
    return _point(i, value, n, mid(n) * s, dev(n) * s, least=0)


def _point(
    i: int, value: float | None, size: float, center: float, sigma: float, *, least: float | None = None
) -> Point:
    low = center - WIDTH * sigma
    return Point(i, value, size, center, sigma, low if least is None else max(least, low), center + WIDTH * sigma)


def baseline_of(count: int, baseline: Collection[int] | None) -> frozenset[int]:
    """The indices that make the limits: all when none are given; there must be one, and each must be there."""
    base = frozenset(range(count) if baseline is None else baseline)
    if not count or not base:
        raise CannotChart("nothing")
    if not base <= set(range(count)):
        raise CannotChart("baseline_outside")
    return base


def _enough(there: int, needed: int) -> None:
    if there < needed:
        raise CannotChart("too_few")


INDIVIDUAL: Final = get_args(Individual)
GROUPED: Final = get_args(Grouped)
