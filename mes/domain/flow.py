"""How work flows through steps: how fast, how long, and how much of it stands where.

Pure. It knows visits of units at steps; figures are of the shop, never of a person. Times are seconds since one and
the same moment, durations are seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor
from statistics import fmean, median
from typing import Final

from mes.domain.ratios import Ratio

_BINS: Final = 16
_WIDTHS: Final = tuple(60.0 * m for m in (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1_440, 2_880, 10_080, 40_320))


@dataclass(frozen=True, slots=True)
class Visit:
    """A stay of one unit at one step, or on the whole way; `left` is None while it lasts."""

    step: str
    entered: float
    left: float | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """How durations are spread: count, mean, quantiles, in the unit that came in."""

    count: int
    mean: float
    least: float
    median: float
    p80: float
    p95: float
    most: float


def spread(durations: Iterable[float]) -> Spread | None:
    """The distribution of cycle times (of visits at a step) or lead times (of units on the whole way).

    None without any: no median is invented. Source of the quantiles: R. J. Hyndman, Y. Fan, Sample quantiles in
    statistical packages, The American Statistician 50 (1996) 361-365, type 7.
    """
    sorted_ = sorted(durations)
    if not sorted_:
        return None
    return Spread(
        len(sorted_),
        fmean(sorted_),
        sorted_[0],
        median(sorted_),
        quantile(sorted_, 0.8),
        quantile(sorted_, 0.95),
        sorted_[-1],
    )


@dataclass(frozen=True, slots=True)
class Bin:
    """How many durations lie from `start` on and before `end`, seconds; the last bin may have no end."""

    start: float
    end: float | None
    count: int


def histogram(durations: Iterable[float]) -> list[Bin]:
    """Durations in bins of one width that people count in (minutes, hours, days), without a gap.

    What lies beyond the most bins, the few that took very long, stands in the last one, which then has no end.
    """
    sorted_ = sorted(max(0.0, d) for d in durations)
    if not sorted_:
        return []
    reach = quantile(sorted_, 0.95) - sorted_[0]
    width = next((w for w in _WIDTHS if reach / w < _BINS - 4), _WIDTHS[-1])
    first = floor(sorted_[0] / width)
    places = Counter(min(floor(d / width) - first, _BINS - 1) for d in sorted_)
    last = max(places)
    open_ = floor(sorted_[-1] / width) - first > last
    return [
        Bin((first + i) * width, None if open_ and i == last else (first + i + 1) * width, places[i])
        for i in range(last + 1)
    ]


def quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile of numbers in ascending order, interpolated (type 7 of Hyndman and Fan)."""
    place = share * (len(ordered) - 1)
    below = min(floor(place), max(0, len(ordered) - 2))
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def cycle_times(visits: Iterable[Visit]) -> list[float]:
    """How long the finished visits took; those that last are not guessed at."""
    return [v.left - v.entered for v in visits if v.left is not None]


def throughput_rate(produced: int, order_time_s: float) -> float | None:
    """Pieces an hour over the time of the order, from its start to its end, with queues and transport.

    None for an order that has not taken any time. Source: ISO 22400-2:2014, throughput rate = PQ / AOET.
    """
    return Ratio(float(produced), order_time_s / 3600).value


def work_in_progress(visits: Iterable[Visit], at: float) -> dict[str, int]:
    """How many units stand at each step at a moment: who enters then is there, who leaves then is gone."""
    there = Counter(v.step for v in visits if v.entered <= at and (v.left is None or at < v.left))
    return dict(there)


@dataclass(frozen=True, slots=True)
class Little:
    """Both sides of Little's law over a window: work in progress, and rate times stay.

    Attributes:
        mean_wip: units inside, averaged over time.
        rate: units that left, by second.
        mean_stay: seconds that those which left had been inside.
    """

    mean_wip: float
    rate: float
    mean_stay: float | None

    @property
    def expected_wip(self) -> float | None:
        """What the law expects where as much enters as leaves: rate · stay."""
        return None if self.mean_stay is None else self.rate * self.mean_stay

    @property
    def gap(self) -> float | None:
        """How far the two are apart, as a share of the mean; far apart means: not steady, or visits are missing."""
        if self.expected_wip is None or not self.mean_wip:
            return None
        return (self.mean_wip - self.expected_wip) / self.mean_wip


def little(visits: Iterable[Visit], start: float, end: float) -> Little | None:
    """Little's law over a window, as a check that visits are complete; None for a window without length.

    Source: J. D. C. Little, A proof for the queuing formula L = λW, Operations Research 9 (1961) 383-387.
    """
    if end <= start:
        return None
    all_ = list(visits)
    inside = sum(max(0.0, min(end if v.left is None else v.left, end) - max(v.entered, start)) for v in all_)
    stays = [v.left - v.entered for v in all_ if v.left is not None and start < v.left <= end]
    return Little(inside / (end - start), len(stays) / (end - start), fmean(stays) if stays else None)
