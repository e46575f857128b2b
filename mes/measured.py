"""What each instrument has measured: what has to be looked at when it is found unfit. Reads only, in pages.

Nobody stands in it: units, orders, steps, times, outcomes.

Source: ISO 9001:2015, 7.1.5.2 (an instrument found unfit: were earlier results valid?).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, literal, select, tuple_
from sqlalchemy.orm import Session

from mes import revisions
from mes.db.tables import Calibration, Instrument, Ledger, MeasuredWith, UnitRow
from mes.domain import days

PAGE: Final = 50
CHUNK: Final = 500
Cursor = tuple[str, str]
BEGINNING: Final[Cursor] = ("", "")
"""Before the first event: times and ids sort behind it."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and how many there are."""

    rows: tuple[Any, ...]
    total: int

    def pages(self, size: int = PAGE) -> int:
        """How many pages that is, one at least."""
        return max(1, -(-self.total // size))


@dataclass(frozen=True, slots=True)
class Measured:
    """A unit at a step, and its measurements with the instrument: how many, from when to when, how the last one ended.

    `unfit`: how many of them on a day when the instrument was not fit.
    """

    unit: str
    order: str
    step: str
    count: int
    first_at: str
    last_at: str
    outcome: str
    unfit: int


@dataclass(frozen=True, slots=True)
class Window:
    """From the start of a day to the end of another one, at the site: days, empty where it is open."""

    first: str = ""
    last: str = ""


def in_doubt(session: Session, instrument: str, number: int | None = None) -> Window:
    """The time whose measurements a calibration puts in doubt, should it find the instrument unfit.

    From the day of the last good calibration before it (open when there was none) to its own day. Of one day's
    calibrations the last one counts.

    Args:
        number: of the calibration; None: that of tomorrow, so that everything since the last good one is in it.
    """
    c = Calibration
    mine = select(c.number, c.done, c.result).where(c.instrument == instrument)
    rows = session.execute(mine.order_by(c.done.desc(), c.number.desc())).all()
    this = next((row.done for row in rows if row.number == number), "")
    seen: set[str] = set()
    for _number, done, result in rows:
        if (not this or done < this) and done not in seen and result == "good":
            return Window(done, this)
        seen.add(done)
    return Window("", this)


def _within(session: Session, instrument: str, window: Window) -> ColumnElement[bool]:
    timezone = revisions.timezone_of(session)
    mine: ColumnElement[bool] = MeasuredWith.device == instrument
    if window.first:
        mine = and_(mine, MeasuredWith.at >= days.start_of(window.first, timezone))
    if window.last:
        mine = and_(mine, MeasuredWith.at < days.start_of(days.after(window.last), timezone))
    return mine


def count_units(session: Session, instrument: str, window: Window) -> int:
    """How many units it has measured in that time."""
    wanted = select(func.count(MeasuredWith.unit.distinct())).where(_within(session, instrument, window))
    return session.scalar(wanted) or 0


def count_events(session: Session, instrument: str, window: Window) -> int:
    """How many test runs and samples it has measured in that time."""
    wanted = select(func.count()).select_from(MeasuredWith).where(_within(session, instrument, window))
    return session.scalar(wanted) or 0


def units(session: Session, instrument: str, window: Window, *, page: int = 1, size: int | None = PAGE) -> Page:
    """The units that it has measured in that time, by unit and step; the latest first."""
    t = MeasuredWith
    unfit = func.count().filter(t.fitness != "")
    # The outcome goes with its time: the greatest of both is that of the last measurement.
    last = func.max(t.at + " " + t.outcome)
    columns = (t.unit, func.max(t.order), t.step, func.count(), func.min(t.at), last, unfit)
    grouped = select(*columns).where(_within(session, instrument, window)).group_by(t.unit, t.step)
    total = session.scalar(select(func.count()).select_from(grouped.subquery())) or 0
    query = grouped.order_by(last.desc(), t.unit, t.step)
    if size is not None:
        query = query.limit(size).offset((page - 1) * size)
    return Page(tuple(_row(*row) for row in session.execute(query)), total)


def _row(unit: str, order: str, step: str, count: int, first_at: str, last: str, unfit: int) -> Measured:
    at, _, outcome = last.partition(" ")
    return Measured(unit, order, step, count, first_at, at, outcome, unfit)


# --- each reading ---


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of the instrument, as it was told: of which unit, when, and what it came to.

    `counted` is what its run counted as; `fitness` why the instrument was not fit that day, empty when it was.
    """

    at: str
    unit: str
    product: str
    order: str
    step: str
    station: str
    test: str
    attempt: int
    outcome: str
    value: float | None
    unit_of_measure: str
    low: float | None
    high: float | None
    counted: str
    serial: str
    fitness: str


def readings(
    session: Session, instrument: str, window: Window, *, after: Cursor
) -> tuple[list[Reading], Cursor | None]:
    """The next few hundred events' readings in that time, the oldest first.

    Args:
        after: where the last piece ended; `BEGINNING` for the first.

    Returns:
        The readings, and where the next piece begins; None after the last.
    """
    t = MeasuredWith
    query = (
        select(t, Ledger.body, UnitRow.product)
        .join(Ledger, Ledger.event_id == t.event_id)
        .outerjoin(UnitRow, UnitRow.serial == t.unit)
        .where(_within(session, instrument, window), tuple_(t.at, t.event_id) > tuple_(*map(literal, after)))
        .order_by(t.at, t.event_id)
        .limit(CHUNK)
    )
    rows = session.execute(query).all()
    found = [reading for row, body, product in rows for reading in _readings(row, json.loads(body), product or "")]
    return found, (rows[-1][0].at, rows[-1][0].event_id) if len(rows) == CHUNK else None


def _readings(row: MeasuredWith, body: dict[str, Any], product: str) -> Iterator[Reading]:
    for m in body.get("tests") or body.get("readings") or ():
        if m.get("device") == row.device:
            yield Reading(
                at=row.at,
                unit=row.unit,
                product=product,
                order=row.order,
                step=row.step,
                station=row.station,
                test=m["test"],
                attempt=m.get("attempt") or 1,
                outcome=m["outcome"],
                value=m.get("value"),
                unit_of_measure=m.get("unit") or "",
                low=m.get("low"),
                high=m.get("high"),
                counted=row.outcome,
                serial=row.serial,
                fitness=row.fitness,
            )


# --- seen on the floor ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stranger:
    """An instrument that benches have measured with and that the register does not have."""

    device: str
    serial: str
    last_at: str


def strangers(session: Session, most: int = PAGE) -> list[Stranger]:
    """Seen on the floor, not in the register; by number. One step in the index an instrument, however often each has
    measured."""
    t = MeasuredWith
    known = set(session.scalars(select(Instrument.id)))
    found: list[Stranger] = []
    device = session.scalar(select(func.min(t.device)))
    while device is not None and len(found) < most:
        if device not in known:
            last = select(t.serial, t.at).where(t.device == device).order_by(t.at.desc(), t.event_id.desc()).limit(1)
            found.append(Stranger(device, *session.execute(last).one()))
        device = session.scalar(select(func.min(t.device)).where(t.device > device))
    return found


def floor_serial(session: Session, instrument: str) -> str:
    """The serial number that the bench gave at the last measurement; empty when it has never measured."""
    t = MeasuredWith
    last = select(t.serial).where(t.device == instrument).order_by(t.at.desc(), t.event_id.desc()).limit(1)
    return session.scalar(last) or ""
