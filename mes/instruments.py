"""The register of measuring instruments: what there is, and until when each is calibrated.

One function a verb; the caller commits. What each has measured is in `mes.measured`.

Source: ISO 9001:2015, 7.1.5 (monitoring and measuring resources).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from pydantic import ValidationError
from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from mes import certificates, measured, revisions, wire
from mes.certificates import Received
from mes.db.base import utc_text
from mes.db.tables import Calibration, Instrument
from mes.domain import calibration as rules
from mes.domain.calibration import SOON_DAYS
from mes.domain.days import day_at, months_after
from mes.i18n import N_
from mes.measured import PAGE, Page
from mes.orders import Answer, request

Result = Literal["good", "unfit"]
State = Literal["unfit", "overdue", "soon", "new", "good", "retired"]
STATES: Final[tuple[State, ...]] = ("unfit", "overdue", "soon", "new", "good", "retired")
"""How an instrument stands, what has to be seen to first."""


def today_of(session: Session, now: datetime) -> str:
    """The day at the site, `YYYY-MM-DD`; that of UTC before the first plan."""
    return day_at(utc_text(now), revisions.timezone_of(session))


def line(typed: str) -> str:
    """What somebody has typed, as one line that can be kept."""
    return "".join(c if c.isprintable() else " " for c in typed).strip()[:120]


# --- what is done -----------------------------------------------------------------------------------------------------


def add(
    session: Session,
    instrument: str,
    *,
    now: datetime,
    family: str,
    model: str,
    serial: str,
    supplier: str = "",
    months: int = 12,
    actor: str | None = None,
) -> Answer:
    """Take an instrument into the register.

    Args:
        instrument: its number in the plant, such as `SAF-01`: what stands on it and in the station's file.
        supplier: who calibrates it.
        months: from one calibration to the next.
    """
    return _describe(session, "InstrumentRegistered", now, actor, instrument, family, model, serial, supplier, months)


def change(
    session: Session,
    instrument: str,
    *,
    now: datetime,
    family: str,
    model: str,
    serial: str,
    supplier: str = "",
    months: int = 12,
    actor: str | None = None,
) -> Answer:
    """Say anew what an instrument is, who calibrates it and how often; its calibrations stay as they are."""
    return _describe(session, "InstrumentChanged", now, actor, instrument, family, model, serial, supplier, months)


def _describe(
    session: Session,
    kind: str,
    now: datetime,
    actor: str | None,
    instrument: str,
    family: str,
    model: str,
    serial: str,
    supplier: str,
    months: int,
) -> Answer:
    try:
        body = wire.InstrumentDescribed(
            instrument=instrument,
            family=line(family),
            model=line(model),
            serial=line(serial),
            supplier=line(supplier),
            months=months,
        )
    except ValidationError:
        return Answer(False, "instrument_form", {})
    return request(session, kind, body, now=now, actor=actor)


def calibrate(
    session: Session,
    instrument: str,
    result: Result,
    *,
    now: datetime,
    done: date | None = None,
    due: date | None = None,
    supplier: str = "",
    certificate: str = "",
    file: Received | None = None,
    note: str = "",
    actor: str | None = None,
) -> Answer:
    """Record a calibration. A mistake is put right by another one of the same day: the last one counts.

    Args:
        result: `unfit` keeps it from measuring until it is found good again.
        done: the day; today when it is not given.
        due: the last day that it holds for; the instrument's months later when it is not given.
        certificate: its number.
        file: the certificate itself.

    Returns:
        With `units`, for an unfit one: how many units were measured with it since it was last found good.
    """
    row = session.get(Instrument, instrument)
    if row is None:
        return Answer(False, "unknown_instrument", {"instrument": instrument})
    kept: wire.CertificateFile | None = None
    if file is not None:
        described = certificates.described(file)
        if isinstance(described, str):
            return Answer(False, described, {})
        kept = described
    today = today_of(session, now)
    day = done.isoformat() if done else today
    if day > today:
        return Answer(False, "calibration_future", {})
    last = due.isoformat() if due else months_after(day, row.months)
    body = wire.InstrumentCalibrated(
        instrument=instrument,
        done=day,
        result=result,
        due=last if result == "good" else None,
        supplier=line(supplier),
        certificate=line(certificate),
        file=kept,
        note=note[:2_000],
    )
    answer = request(session, "InstrumentCalibrated", body, now=now, actor=actor)
    if answer.done and kept is not None and file is not None:
        certificates.keep(session, kept, file.content)
    if answer.done and result == "unfit":
        doubt = measured.in_doubt(session, instrument, int(answer.args["number"]))
        return Answer(True, answer.reason, {**answer.args, "units": measured.count_units(session, instrument, doubt)})
    return answer


def retire(session: Session, instrument: str, *, now: datetime, why: str, actor: str | None = None) -> Answer:
    """Take an instrument out of use: from this day on nothing that it measures counts."""
    return _move(session, "InstrumentRetired", instrument, now, why, actor)


def take_back(session: Session, instrument: str, *, now: datetime, why: str = "", actor: str | None = None) -> Answer:
    """Put an instrument into use again; its calibrations count as before."""
    return _move(session, "InstrumentReturned", instrument, now, why, actor)


def _move(session: Session, kind: str, instrument: str, now: datetime, why: str, actor: str | None) -> Answer:
    if session.get(Instrument, instrument) is None:
        return Answer(False, "unknown_instrument", {"instrument": instrument})
    body = wire.InstrumentMoved(instrument=instrument, why=why.strip()[:500])
    return request(session, kind, body, now=now, actor=actor)


def note_export(
    session: Session, instrument: str, since: str, rows: int, *, now: datetime, actor: str | None = None
) -> Answer:
    """Write down that somebody takes a list of what an instrument has measured since a day (empty: ever)."""
    if session.get(Instrument, instrument) is None:
        return Answer(False, "unknown_instrument", {"instrument": instrument})
    body = wire.MeasuredUnitsExported(instrument=instrument, since=since, rows=rows)
    return request(session, "MeasuredUnitsExported", body, now=now, actor=actor)


# --- what there is ----------------------------------------------------------------------------------------------------


STATE_WORDS: Final[dict[str, str]] = {
    "good": N_("in order"),
    "soon": N_("due soon"),
    "overdue": N_("overdue"),
    "unfit": N_("found unfit"),
    "new": N_("no calibration yet"),
    "retired": N_("out of use"),
}
"""English; translated when they are shown."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An instrument with how it stands today."""

    row: Instrument
    state: State


def soon(today: str) -> str:
    """The last day that still is soon."""
    return (date.fromisoformat(today) + timedelta(days=SOON_DAYS)).isoformat()


def state_of(row: Instrument, today: str) -> State:
    """How an instrument stands today."""
    if row.state == "retired":
        return "retired"
    if row.result is None:
        return "new"
    if row.result == "unfit":
        return "unfit"
    due = row.due or ""
    return "overdue" if due < today else "soon" if due <= soon(today) else "good"


def _is(state: str, today: str) -> ColumnElement[bool]:
    """The same in SQL; what is no state is all of them."""
    used, good = Instrument.state != "retired", Instrument.result == "good"
    last = soon(today)
    conditions: dict[str, ColumnElement[bool]] = {
        "retired": Instrument.state == "retired",
        "new": and_(used, Instrument.result.is_(None)),
        "unfit": and_(used, Instrument.result == "unfit"),
        "overdue": and_(used, good, Instrument.due < today),
        "soon": and_(used, good, Instrument.due >= today, Instrument.due <= last),
        "good": and_(used, good, Instrument.due > last),
        "due": and_(used, good, Instrument.due <= last),
    }
    return conditions.get(state, Instrument.id.is_not(None))


def listed(
    session: Session, today: str, *, state: str = "", text: str = "", page: int = 1, size: int | None = PAGE
) -> Page:
    """The register: what has to be seen to first, then by due date.

    Args:
        state: one of `STATES`, `due` for what is overdue or due soon; all of them otherwise.
        text: found in number, kind, model or serial number.
        page: from 1.
        size: rows of a page; None for all of them.
    """
    where = _is(state, today)
    if text:
        fields = (Instrument.id, Instrument.family, Instrument.model, Instrument.serial)
        where = and_(where, or_(*(field.icontains(text, autoescape=True) for field in fields)))
    order = case((Instrument.state == "retired", 3), (Instrument.result == "unfit", 0), else_=1)
    query = select(Instrument).where(where).order_by(order, Instrument.due.is_(None), Instrument.due, Instrument.id)
    total = session.scalar(select(func.count()).select_from(Instrument).where(where)) or 0
    if size is not None:
        query = query.limit(size).offset((page - 1) * size)
    return Page(tuple(Listed(row, state_of(row, today)) for row in session.scalars(query)), total)


def counts(session: Session, today: str) -> dict[str, int]:
    """How many instruments stand how."""
    wanted = [func.count().filter(_is(state, today)) for state in STATES]
    found = session.execute(select(*wanted).select_from(Instrument)).one()
    return dict(zip(STATES, found, strict=True))


def history(session: Session, instrument: str) -> list[Calibration]:
    """Every calibration of an instrument, the latest first."""
    mine = select(Calibration).where(Calibration.instrument == instrument)
    return list(session.scalars(mine.order_by(Calibration.done.desc(), Calibration.number.desc())))


def standings(session: Session) -> list[rules.Instrument]:
    """How each instrument stands, as the rules want to know it: what the benches are told, for any day to come."""
    found = []
    for row in session.scalars(select(Instrument).order_by(Instrument.id)):
        if row.state == "retired":
            found.append(rules.Instrument(row.id, "retired", since=row.retired_on or ""))
        elif row.result is None:
            found.append(rules.Instrument(row.id, "new"))
        elif row.result == "unfit":
            found.append(rules.Instrument(row.id, "unfit", since=row.done or ""))
        else:
            found.append(rules.Instrument(row.id, "good", until=row.due or ""))
    return found
