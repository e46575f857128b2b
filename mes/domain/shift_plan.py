"""What a shift has to make for orders to be on time, what it has made, and how fast the rest has to go.

Pure. It knows steps and pieces, and no person: it says what is needed, never how fast anybody is.

An order's part of a shift is what it still needed at the step when the shift began, shared out over the working time
until the end of its last day: what is due when the shift ends, or was due before, is needed whole. No more is planned
than fits into the shift by the plan's cycle time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from math import ceil

from mes.domain.route import Shift
from mes.domain.shifts import Worked, planned_busy_s


@dataclass(frozen=True, slots=True)
class Need:
    """What an order still needed at a step when the shift began, and its last day (None: it has none)."""

    pieces: int
    due: date | None


@dataclass(frozen=True, slots=True)
class Output:
    """Pieces that a shift has made, and those that it should make; None where no open order says until when.

    `per_hour`: pieces an hour of working time that are still needed; None where nothing is, or no time is left.
    """

    made: int
    planned: int | None = None
    per_hour: float | None = None


def planned(needs: Iterable[Need], shift: Worked, shifts: tuple[Shift, ...], zone: tzinfo, fits: int) -> int | None:
    """What a shift should make at a step; None where no order has a last day.

    Args:
        shift: the one that works, of `shifts`.
        fits: pieces that fit into it.
    """
    dated = [(n.pieces, n.due) for n in needs if n.due is not None]
    if not dated:
        return None
    due = sum(pieces * _part(shift, shifts, zone, day) for pieces, day in dated)
    return min(fits, ceil(due - 1e-9))


def output(made: int, plan: int | None, shift: Worked, now: datetime) -> Output:
    """Both beside each other, and what the rest of the shift needs."""
    left_s = sum((end - max(start, now)).total_seconds() for start, end in shift.planned if end > now)
    missing = (plan or 0) - made
    pace = missing / left_s * 3600 if missing > 0 and left_s > 0 else None
    return Output(made, plan, pace)


def together(parts: Iterable[Output]) -> Output | None:
    """The output of several products side by side; None where there is none. What is too much of one makes up for
    nothing that another lacks: the paces add up.
    """
    some = list(parts)
    if not some:
        return None
    plans = [o.planned for o in some if o.planned is not None]
    paces = [o.per_hour for o in some if o.per_hour is not None]
    return Output(sum(o.made for o in some), sum(plans) if plans else None, sum(paces) if paces else None)


@lru_cache(maxsize=4096)
def _part(shift: Worked, shifts: tuple[Shift, ...], zone: tzinfo, due: date) -> float:
    """The part of an order's working time that a shift is, 0 to 1."""
    end = datetime.combine(due + timedelta(days=1), time.min, zone)
    if end <= shift.end:
        return 1.0
    until = planned_busy_s(shifts, zone, shift.start, end)
    return min(1.0, shift.planned_s / until) if until > 0 else 1.0
