"""The shift calendar of a plant: which hours were meant for work, and which shift a moment belongs to.

Pure. Shifts and breaks are local times of the plant's clock; every moment that comes in or goes out knows its zone and
every duration is the time that passed: a night shift is an hour shorter when the clock goes forward and an hour longer
when it goes back. Breaks lie outside the planned busy time.

Source: ISO 22400-2:2014, planned busy time = operating time − planned downtime.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import floor
from typing import Final

from mes.domain.route import Shift

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Stretch = tuple[datetime, datetime]
"""From one moment to another, UTC."""


@dataclass(frozen=True, slots=True)
class Worked:
    """One shift on one day.

    Attributes:
        day: on which it began; a night shift belongs to the evening.
        planned: its stretches without breaks, in order, UTC.
    """

    shift: Shift
    day: date
    start: datetime
    end: datetime
    planned: tuple[Stretch, ...]

    @property
    def planned_s(self) -> float:
        """Its planned busy time in seconds."""
        return sum((end - start).total_seconds() for start, end in self.planned)


def worked(shifts: Sequence[Shift], zone: tzinfo, start: datetime, end: datetime) -> list[Worked]:
    """Every shift that touches an interval, whole, the earliest first.

    Args:
        start, end: moments that know their zone; `end` does not belong to the interval.
    """
    first, last = (at.astimezone(zone).date() for at in (start, end))
    found = [made for day in _days(first - timedelta(days=1), last) for made in _of_day(shifts, zone, day)]
    return sorted((w for w in found if w.start < end and start < w.end), key=lambda w: (w.start, w.shift.id))


def planned_stretches(shifts: Sequence[Shift], zone: tzinfo, start: datetime, end: datetime) -> list[Stretch]:
    """When work was planned within an interval: without breaks, and an hour once, however many shifts cover it."""
    cut = [
        (max(a, start.astimezone(UTC)), min(b, end.astimezone(UTC)))
        for w in worked(shifts, zone, start, end)
        for a, b in w.planned
    ]
    out: list[Stretch] = []
    for a, b in sorted(s for s in cut if s[0] < s[1]):
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], b))
        else:
            out.append((a, b))
    return out


def planned_busy_s(shifts: Sequence[Shift], zone: tzinfo, start: datetime, end: datetime) -> float:
    """PBT: the planned busy time of an interval in seconds; 0 where no shift is planned."""
    return sum((b - a).total_seconds() for a, b in planned_stretches(shifts, zone, start, end))


def shift_at(shifts: Sequence[Shift], zone: tzinfo, at: datetime) -> Worked | None:
    """The shift that a moment belongs to, breaks included; None outside all of them.

    Where two overlap it is the one that began later. The moment at which a shift ends belongs to the next one.
    """
    there = worked(shifts, zone, at, at + timedelta(microseconds=1))
    return there[-1] if there else None


def planned_output(planned_s: float, cycle_s: float, places: int = 1) -> int:
    """Whole pieces that fit into a planned time, side by side at so many places.

    Args:
        cycle_s: planned seconds of one piece, more than 0.
    """
    return places * floor(planned_s / cycle_s)


def _of_day(shifts: Sequence[Shift], zone: tzinfo, day: date) -> Iterator[Worked]:
    """The shifts that begin on a day."""
    for shift in shifts:
        if DAYS[day.weekday()] not in shift.days:
            continue
        start, end = _span(zone, day, shift.start, shift.end)
        pauses = sorted(
            _span(zone, day if p.start >= shift.start else day + timedelta(days=1), p.start, p.end)
            for p in shift.breaks
        )
        planned, at = [], start
        for left, back in pauses:
            planned.append((at, left))
            at = max(at, back)
        planned.append((at, end))
        yield Worked(shift, day, start, end, tuple((a, b) for a, b in planned if a < b))


def _span(zone: tzinfo, day: date, start: str, end: str) -> Stretch:
    """Between two local times; one that ends when it starts, or before, ends on the next day.

    A local time that the clock shows twice is the first of the two; one that it leaves out is the moment of the jump
    carried on, as the clock on the wall would have shown it. Source: PEP 495, fold 0.
    """
    next_day = day if end > start else day + timedelta(days=1)
    return _moment(zone, day, start), _moment(zone, next_day, end)


def _moment(zone: tzinfo, day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), tzinfo=zone).astimezone(UTC)


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)
