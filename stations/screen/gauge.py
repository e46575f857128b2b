"""A reading against its limits as a small picture: where the bar, the allowed part and the marker stand.

Pure geometry in the units of one SVG; it knows neither words nor colours. The number beside it says the value, the
picture only says: inside or outside, and on which side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 200.0
MARGIN: Final = 12.0  # a marker at the very end must not be cut


@dataclass(frozen=True, slots=True)
class Gauge:
    """x positions from 0 to `WIDTH`. `marker` is None before there is a reading.

    `just`: the parts of what is allowed where a reading is just good.
    """

    ok_from: float
    ok_to: float
    marker: float | None
    beyond: bool  # the reading lies outside the scale: the marker stands at its end
    just: tuple[tuple[float, float], ...] = ()


def gauge(value: float | None, low: float | None, high: float | None, marginal: float = 0.0) -> Gauge | None:
    """Draw a reading against its limits.

    Two limits: they stand at a quarter and three quarters of the scale. One limit: it stands in the middle, with zero
    (or as much on the allowed side) at the end, so that "well inside" and "just inside" look different.

    Args:
        value: the reading, in the unit of the limits; None or not finite before there is one.
        low, high: the limits, both inclusive.
        marginal: width of the band inside a limit where a reading is just good.

    Returns:
        None when there is no limit: then there is nothing to compare with.
    """
    if low is None and high is None:
        return None
    if low is not None and high is not None:
        span = (high - low) or max(abs(high), 1.0)
        start, end = low - span / 2, high + span / 2
    elif high is not None:
        reach = abs(high) or 1.0
        start, end = high - reach, high + reach
    else:
        assert low is not None
        reach = abs(low) or 1.0
        start, end = low - reach, low + reach

    def x(at: float) -> float:
        share = min(1.0, max(0.0, (at - start) / (end - start)))
        return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)

    just = []
    if marginal and low is not None:
        just.append((x(low), x(low + marginal)))
    if marginal and high is not None:
        just.append((x(high - marginal), x(high)))
    known = value is not None and math.isfinite(value)
    return Gauge(
        ok_from=0.0 if low is None else x(low),
        ok_to=WIDTH if high is None else x(high),
        marker=x(value) if known and value is not None else None,
        beyond=bool(known and value is not None and not start <= value <= end),
        just=tuple(just),
    )
