"""When an order will be finished, from the time that its steps take and the plant's shifts: an estimate, and from what.

Pure. It knows steps and pieces, and no person: what a step takes is one figure for the whole shop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from statistics import median
from typing import Final

from mes.domain.route import Product, Shift
from mes.domain.shifts import planned_stretches

ENOUGH: Final = 5
"""So many finished visits make a median that one odd visit does not move; with fewer the plan's cycle time counts."""
FURTHEST: Final = 400  # days; beyond that a date would be a guess


@dataclass(frozen=True, slots=True)
class StepTime:
    """What one piece takes at a step, in seconds, and whether it was measured or stands in the plan."""

    seconds: float
    measured: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """When it will be finished (the plant's own time; None: too far away), and on how many steps' times it rests."""

    at: datetime | None
    measured: int
    planned: int


def step_time(seconds: Sequence[float], cycle_s: float) -> StepTime:
    """The median of what finished visits took, where there are enough of them; else what the plan says."""
    return StepTime(median(seconds), True) if len(seconds) >= ENOUGH else StepTime(float(cycle_s), False)


def work_left_s(
    product: Product, left: Mapping[str, int], times: Mapping[str, StepTime], places: Mapping[str, int]
) -> float:
    """Working seconds until the last piece is through.

    The slowest step decides: all its pieces, side by side at as many places as there are; and one piece's time at
    each other step, because the last piece still has to go there.

    Args:
        left: pieces that still have to pass a step; times, places: of each step.
    """
    open_steps = [s.id for s in product.steps if left.get(s.id, 0) > 0]
    loads = {s: left[s] * times[s].seconds / max(1, min(places.get(s, 1), left[s])) for s in open_steps}
    if not loads:
        return 0.0
    slowest = max(loads, key=lambda s: loads[s])
    return loads[slowest] + sum(times[s].seconds for s in open_steps if s != slowest)


def working_end(start: datetime, seconds: float, shifts: Sequence[Shift], zone: tzinfo) -> datetime | None:
    """The moment after so many working seconds, within shifts and outside breaks; without shifts every hour counts."""
    if not shifts:
        past = start.astimezone(UTC) + timedelta(seconds=min(seconds, FURTHEST * 86_400))
        return past.astimezone(zone) if seconds < FURTHEST * 86_400 else None
    for week in range(FURTHEST // 7 + 1):
        begins = start + timedelta(days=7 * week)
        for opened, shut in planned_stretches(shifts, zone, begins, begins + timedelta(days=7)):
            room = (shut - opened).total_seconds()
            if seconds <= room:
                return (opened + timedelta(seconds=seconds)).astimezone(zone)
            seconds -= room
    return None
