"""OEE of lines, and of shifts, days and weeks: the sums of the stations' times, over their sums. Reads only.

What a shift gives is asked of several stations together, never of one: a bench in a shift is one person.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from mes.domain.oee import Oee, Times
from mes.domain.route import Plan
from mes.domain.shifts import Stretch, planned_stretches
from mes.station_times import Day, Made, Piece, figured, made, pieces, together
from mes.yielded.periods import Period, Spell, midnight, quarter_of, stretches

By = Literal["station", "line", "shift", "day", "week"]
SPELLS: Final[tuple[Spell, ...]] = ("shift", "day", "week")
LEAST_STATIONS: Final = 2
"""A line of fewer stations has no figures by shift."""


class OneStation(Exception):
    """A shift was asked of a line with one station."""


@dataclass(frozen=True, slots=True)
class Group:
    """A line (its id), or a stretch of time (`2026-11-23 morning`, `2026-11-23`, `2026-W48`), and what was done."""

    key: str
    times: Times
    oee: Oee


def by_line(plan: Plan, found: Day) -> list[Group]:
    """The lines of the plan that have stations, in their order."""
    out = []
    for line in plan.plant.lines:
        mine = [(x.times, x.oee) for x in found.lines if x.station.line == line.id]
        if mine:
            out.append(Group(line.id, *together(mine)))
    return out


def by_spell(
    session: Session, plan: Plan, by: Spell, since: date, until: date, *, now: datetime, line: str = ""
) -> list[Group]:
    """Each shift, day or week of these days in which work was planned or done, as far as they have come.

    Args:
        line: only its stations, where not empty.

    Raises:
        OneStation: a shift of a line with one station.
    """
    zone = ZoneInfo(plan.plant.timezone)
    stations = [s.id for s in plan.stations if line in ("", s.line)]
    if by == "shift" and len(stations) < LEAST_STATIONS:
        raise OneStation
    first, last = midnight(since, zone), midnight(until + timedelta(days=1), zone)
    end = max(first, min(last, now.astimezone(UTC)))
    spells: dict[str, list[Stretch]] = {}
    for key, a, b in stretches(by, since, until, plan.plant.shifts, zone):  # a day is outside its shifts twice
        spells.setdefault(key, []).append((a, b))
    quarters = [Period(key, quarter_of(a), quarter_of(b)) for key, parts in spells.items() for a, b in parts]
    done = made(session, plan, quarters)
    told = {station: _Told(mine) for station, mine in pieces(session, first, end).items()}
    out = []
    for key, parts in spells.items():
        come = [(a, min(b, end)) for a, b in parts if a < end]
        planned = [p for a, b in come for p in planned_stretches(plan.plant.shifts, zone, a, b)]
        spent, figures = together(
            figured(_cut(told.get(station), come), planned, done.get((key, station), Made())) for station in stations
        )
        if spent.planned_busy or spent.outside or figures.quality.denominator:
            out.append(Group(key, spent, figures))
    return out


def _cut(told: _Told | None, parts: Sequence[Stretch]) -> Iterator[Piece]:
    return (piece for a, b in parts for piece in told.between(a, b)) if told else iter(())


class _Told:
    """The states of a station in order, to be cut again and again: each stretch looks at its own alone."""

    def __init__(self, mine: Sequence[Piece]) -> None:
        self._mine = mine
        self._since = [p.since for p in mine]
        self._until = [p.until for p in mine]

    def between(self, start: datetime, stop: datetime) -> Iterator[Piece]:
        for piece in self._mine[bisect_right(self._until, start) : bisect_left(self._since, stop)]:
            yield Piece(piece.state, max(piece.since, start), min(piece.until, stop))
