"""Where a reading lies between its limits, as positions in percent of a drawn scale. Numbers only."""

from __future__ import annotations

from dataclasses import dataclass

from mes import wire
from mes.domain.measurement import convert
from mes.domain.route import Test


@dataclass(frozen=True, slots=True)
class Gauge:
    """The allowed stretch (`start` to `end`) and the reading (`at`), percent of the scale from 0 to 100."""

    start: float
    end: float
    at: float


def gauge(test: Test, m: wire.Measurement) -> Gauge | None:
    """The scale of a test: the allowed stretch in its middle, as wide again on the side where it can fail.

    None without a reading, without limits, or when the reading is in another unit of measure.
    """
    value = None if m.value is None else convert(m.value, m.unit or test.unit, test.unit)
    if value is None or (test.low is None and test.high is None):
        return None
    if test.low is not None and test.high is not None:
        span = (test.high - test.low) or abs(test.high) or 1.0
        low, high = test.low - span / 2, test.high + span / 2
    elif test.low is not None:
        low, high = 0.0, 2 * test.low or 1.0
    else:
        assert test.high is not None
        low, high = 0.0, 2 * test.high or 1.0

    def place(x: float) -> float:
        return round(min(100.0, max(0.0, 100 * (x - low) / (high - low))), 1)

    return Gauge(place(test.low) if test.low is not None else 0.0, place(test.high) if test.high is not None else 100.0,
                 place(value))  # fmt: skip
