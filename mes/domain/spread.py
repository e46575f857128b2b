"""Distributions as counts in buckets: sums of them are distributions again, so a year costs no more than its days.

Buckets grow by a fixed ratio, so a quantile is known to within `ERROR` of itself, from a second to a year.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, floor, log, sqrt
from typing import Final

RATIO: Final = 1.05
ERROR: Final = RATIO**0.5 - 1  # relative: a bucket's middle is never further from what it holds
LEAST_S: Final = 0.1  # what takes less stands in the first bucket

_STEP: Final = log(RATIO)


def bucket(seconds: float) -> int:
    """The bucket of a duration; 0 holds all that takes `LEAST_S` or less."""
    return max(0, floor(log(max(seconds, LEAST_S) / LEAST_S) / _STEP))


def edges(number: int) -> tuple[float, float]:
    """Where a bucket begins and ends, in seconds."""
    return LEAST_S * exp(number * _STEP), LEAST_S * exp((number + 1) * _STEP)


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """The duration that `share` of all stay within, in seconds; None where nothing was counted.

    Args:
        counts: bucket → how many.
        share: 0.5 for the median; more than 0, at most 1.
    """
    total = sum(counts.values())
    if not total:
        return None
    seen = 0
    for number in sorted(counts):
        seen += counts[number]
        if seen >= share * total:
            low, high = edges(number)
            return sqrt(low * high)
    raise AssertionError("a share above 1")
