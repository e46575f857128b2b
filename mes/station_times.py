"""What the stations did with their planned hours: spans of their states, and OEE from them and the sums. Reads only.

A station waits, works, is set up or is broken: why it waits nobody writes down, and no person stands in it. Planned
hours are those of the published plan's shifts, without breaks.

Source: ISO 22400-2:2014; the formulas are in `mes.domain.oee`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import String, and_, column, func, select, tuple_, values
from sqlalchemy.orm import Session

from mes.board.network import OFFLINE_AFTER
from mes.db.base import utc_text
from mes.db.tables import Presence, StationRow, StationSpan, StepQuarter
from mes.domain.oee import Oee, Span, State, Times, oee, times
from mes.domain.route import Plan, Station
from mes.domain.shifts import Worked, planned_stretches, worked
from mes.yielded.periods import Period, midnight, quarter_of

MOST_DAYS: Final = 93
MEANS: Final[dict[str, State]] = {
    "PRD": "producing", "SDT": "setup", "ENG": "delay", "SBY": "idle", "USD": "down"
}  # fmt: skip
"""Resource states of SEMI E10 as the formulas take them; NST is in none of them: nothing was meant to be done."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A station in one state, of those of `mes.domain.station_time`."""

    state: str
    since: datetime
    until: datetime


SHORT_WAIT: Final = timedelta(minutes=15)


def runs(told: Iterable[Piece]) -> list[Piece]:
    """States as a list may show them: a short wait between two stretches of making belongs to the making.

    Piece by piece, a list would say how long each piece took at a bench: the pace of whoever stood there.
    """
    out: list[Piece] = []
    for piece in told:
        wait = out[-1] if out else None
        if (
            piece.state == "PRD"
            and wait is not None
            and wait.state == "SBY"
            and len(out) > 1
            and out[-2].state == "PRD"
            and piece.since == wait.until
            and wait.since == out[-2].until
            and wait.until - wait.since < SHORT_WAIT
        ):
            out[-2:] = [Piece("PRD", out[-2].since, piece.until)]
        elif wait is not None and wait.state == piece.state and wait.until == piece.since:
            out[-1] = Piece(piece.state, wait.since, piece.until)
        else:
            out.append(piece)
    return out


@dataclass(frozen=True, slots=True)
class Made:
    """What ended at a station: pieces, the good ones of them, and the seconds that the plan gives them together."""

    produced: int = 0
    good: int = 0
    run_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A station, and what it did."""

    station: Station
    pieces: tuple[Piece, ...]
    times: Times
    oee: Oee


@dataclass(frozen=True, slots=True)
class Day:
    """Some days of the floor: the stations in their order, and the shifts that touch these days."""

    first: datetime
    end: datetime
    lines: tuple[Line, ...]
    shifts: tuple[Worked, ...]


def read(session: Session, plan: Plan, since: date, until: date, *, now: datetime) -> Day:
    """The days from `since` to `until` of the site, both included, as far as they have come."""
    zone = ZoneInfo(plan.plant.timezone)
    first, last = midnight(since, zone), midnight(until + timedelta(days=1), zone)
    end = max(first, min(last, now.astimezone(UTC)))
    told = pieces(session, first, end)
    planned = planned_stretches(plan.plant.shifts, zone, first, end)
    done = made(session, plan, [Period("", quarter_of(first), quarter_of(last))])
    lines = []
    for station in plan.stations:
        mine = told.get(station.id, [])
        spent, figures = figured(mine, planned, done.get(("", station.id), Made()))
        lines.append(Line(station, tuple(mine), spent, figures))
    return Day(first, last, tuple(lines), tuple(worked(plan.plant.shifts, zone, first, last)))


def figured(told: Iterable[Piece], planned: Iterable[tuple[datetime, datetime]], done: Made) -> tuple[Times, Oee]:
    """The times and the OEE of one station, from its states, its planned stretches and what it made."""
    spans = [Span(MEANS[p.state], p.since.timestamp(), p.until.timestamp()) for p in told if p.state in MEANS]
    spent = times(spans, [(a.timestamp(), b.timestamp()) for a, b in planned])
    each_s = done.run_s / done.produced if done.produced else 0.0
    return spent, oee(spent, produced=done.produced, good=done.good, planned_run_s=each_s)


def pieces(session: Session, first: datetime, end: datetime) -> dict[str, list[Piece]]:
    """Station → its states, the oldest first; the last one goes on while the station is heard.

    A span never lasts longer than a station was silent, but may have begun long ago: the newest that began before the
    first day is asked for by station.
    """
    rows = select(StationSpan.station, StationSpan.since, StationSpan.until, StationSpan.state)
    within = rows.where(StationSpan.since >= utc_text(first), StationSpan.since < utc_text(end))
    found: list[tuple[str, str, str, str]] = [(s, a, b, state) for s, a, b, state in session.execute(within)]
    # In two steps: asked in one, a database reads every span that there ever was.
    older = select(func.max(StationSpan.since)).where(StationSpan.since < utc_text(first))
    newest = older.where(StationSpan.station == StationRow.id).correlate(StationRow).scalar_subquery()
    before = [(a, b) for a, b in session.execute(select(StationRow.id, newest)) if b is not None]
    held = rows.where(tuple_(StationSpan.station, StationSpan.since).in_(before))
    found += [(s, a, b, state) for s, a, b, state in session.execute(held)]
    now_in = select(StationRow.id, StationRow.resource_since, StationRow.resource)
    seen = {station: at for station, at in session.execute(select(Presence.station, Presence.seen_at))}  # noqa: C416
    for station, since, state in session.execute(now_in):
        if state and since:  # it goes on as long as the station is heard: one that is switched off says nothing
            heard = datetime.fromisoformat(max(since, seen.get(station, ""))) + OFFLINE_AFTER
            found.append((station, since, utc_text(min(end, heard)), state))
    out: dict[str, list[Piece]] = {}
    for station, since, until, state in found:
        a, b = max(first, datetime.fromisoformat(since)), min(end, datetime.fromisoformat(until))
        if a < b:
            out.setdefault(station, []).append(Piece(state, a, b))
    return {station: sorted(some, key=lambda p: p.since) for station, some in out.items()}


def made(session: Session, plan: Plan, spells: Sequence[Period]) -> dict[tuple[str, str], Made]:
    """Key of the stretch and station → what ended there; the database gets the stretches as a table."""
    q = StepQuarter
    names = (column("key", String), column("since", String), column("until", String))
    spell = values(*names, name="spell").data([(s.key, s.since, s.until) for s in spells]).cte("spell")
    ended = func.sum(q.passed + q.failed + q.good + q.scrap)
    group = (spell.c.key, q.station, q.product, q.step)
    rows = session.execute(
        select(*group, ended, func.sum(q.passed + q.good))
        .select_from(spell)
        .join(q, and_(q.quarter >= spell.c.since, q.quarter < spell.c.until))
        .group_by(*group)
    )
    out: dict[tuple[str, str], Made] = {}
    for key, station, product, step, produced, good in rows:
        known = plan.product(product)
        planned = known.step(step) if known else None
        run_s = float((planned.cycle_s if planned else 0) * int(produced))
        was = out.get((key, station), Made())
        out[key, station] = Made(was.produced + int(produced), was.good + int(good), was.run_s + run_s)
    return out


def together(lines: Iterable[tuple[Times, Oee]]) -> tuple[Times, Oee]:
    """All of them: sums over sums."""
    spent, figures = Times(), oee(Times(), produced=0, good=0, planned_run_s=0.0)
    for of, factors in lines:
        spent, figures = spent + of, figures + factors
    return spent, figures
