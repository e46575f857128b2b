"""Stretches of time that a sum belongs to: shifts, days and weeks of the site, one after the other without a gap.

Pure. The sums are kept by quarter of an hour of UTC; a quarter through which a border goes belongs to the stretch in
which its middle lies (to the later one where the border is the middle).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal

from mes.domain.route import Shift
from mes.domain.shifts import worked

Spell = Literal["shift", "day", "week"]
QUARTER: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of quarters.

    Attributes:
        key: `2026-11-23`, `2026-W48` or `2026-11-23 morning`; for what lies outside all shifts `2026-11-23 -`.
        since, until: its first quarter, and the first one after it (`2026-11-23T05:00`, UTC).
    """

    key: str
    since: str
    until: str


def quarter_of(border: datetime) -> str:
    """The first quarter of an hour that belongs to what begins at `border`."""
    middle = border.astimezone(UTC) - QUARTER / 2
    over = timedelta(minutes=middle.minute % 15, seconds=middle.second, microseconds=middle.microsecond)
    return (middle - over + QUARTER if over else middle).strftime("%Y-%m-%dT%H:%M")


def midnight(day: date, zone: tzinfo) -> datetime:
    """When a day of the site begins, UTC."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def stretches(
    by: Spell, first: date, last: date, shifts: Sequence[Shift], zone: tzinfo
) -> list[tuple[str, datetime, datetime]]:
    """The stretches that cover the days from `first` to `last`, both included, in order and without a gap: their keys,
    and from when to when."""
    borders = list(_shifts(first, last, shifts, zone) if by == "shift" else _days(by, first, last, zone))
    ends = [*(start for _key, start in borders[1:]), midnight(last + timedelta(days=1), zone)]
    return [(key, start, end) for (key, start), end in zip(borders, ends, strict=True)]


def periods(by: Spell, first: date, last: date, shifts: Sequence[Shift], zone: tzinfo) -> list[Period]:
    """The same by the quarters of an hour that belong to them; a stretch without a quarter is left out."""
    found = ((key, quarter_of(a), quarter_of(b)) for key, a, b in stretches(by, first, last, shifts, zone))
    return [Period(key, a, b) for key, a, b in found if a < b]


def _days(by: Spell, first: date, last: date, zone: tzinfo) -> Iterator[tuple[str, datetime]]:
    day, before = first, ""
    while day <= last:
        key = day.isoformat() if by == "day" else week_of(day)
        if key != before:
            yield key, midnight(day, zone)
        day, before = day + timedelta(days=1), key


def week_of(day: date) -> str:
    """The week of ISO 8601 that a day lies in: `2026-W48`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def _shifts(first: date, last: date, shifts: Sequence[Shift], zone: tzinfo) -> Iterator[tuple[str, datetime]]:
    """Where shifts begin, and where time outside of all of them does; the shift that began later takes over."""
    start, end = midnight(first, zone), midnight(last + timedelta(days=1), zone)
    all_ = worked(shifts, zone, start, end)
    at = start
    for i, w in enumerate(all_):
        begins = max(w.start, start)
        if at < begins:
            yield f"{at.astimezone(zone).date().isoformat()} -", at
        yield f"{w.day.isoformat()} {w.shift.id}", begins
        at = min(w.end, all_[i + 1].start) if i + 1 < len(all_) else w.end
    if at < end:
        yield f"{at.astimezone(zone).date().isoformat()} -", at
