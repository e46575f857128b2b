"""Qualifications: who may do what, and until when. Granted by a supervisor, checked by the gate.

Source: ISO 9001:2015, 7.2 (competence, and the retained evidence of it): each grant and withdrawal is a ledger row.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import wire
from mes.db.base import utc_text
from mes.db.tables import Person, Qualification
from mes.domain.days import day_at, months_after
from mes.domain.route import Plan
from mes.orders import Answer, request
from mes.revisions import latest_plan

SOON_DAYS: Final = 60
"""A qualification that ends within so many days is shown as ending soon."""


def today_of(plan: Plan, now: datetime) -> str:
    """The day at the site, `YYYY-MM-DD`."""
    return day_at(utc_text(now), plan.plant.timezone)


def grant(
    session: Session,
    person: str,
    qualification: str,
    *,
    now: datetime,
    until: date | None = None,
    actor: str | None = None,
) -> Answer:
    """Let a person do the steps that ask for a qualification; again: until another day.

    Args:
        until: the last day; the plan's months from today when it is not given.
    """
    if session.get(Person, person) is None:
        return Answer(False, "unknown_person", {"person": person})
    last = until.isoformat() if until else _by_the_plan(session, qualification, now)
    if last is None:
        return Answer(False, "needs_date", {"qualification": qualification})
    body = wire.QualificationGranted(person=person, qualification=qualification, valid_until=last)
    return request(session, "QualificationGranted", body, now=now, actor=actor)


def _by_the_plan(session: Session, qualification: str, now: datetime) -> str | None:
    """The last day that the plan gives; today for what no plan knows, which is refused by its name."""
    plan = latest_plan(session)
    known = plan.qualification(qualification) if plan else None
    if plan is None or known is None:
        return now.date().isoformat()
    return months_after(today_of(plan, now), known.months) if known.months else None


def withdraw(
    session: Session, person: str, qualification: str, *, now: datetime, why: str = "", actor: str | None = None
) -> Answer:
    """A person may not do these steps any more."""
    body = wire.QualificationWithdrawn(person=person, qualification=qualification, why=why)
    return request(session, "QualificationWithdrawn", body, now=now, actor=actor)


def held(session: Session) -> list[Qualification]:
    """Everything that is granted, what ends first at the top."""
    granted = select(Qualification).where(Qualification.state == "granted")
    return list(
        session.scalars(granted.order_by(Qualification.valid_until, Qualification.person, Qualification.qualification))
    )


def soon(today: str, days: int = SOON_DAYS) -> str:
    """The last day that still is soon."""
    return (date.fromisoformat(today) + timedelta(days=days)).isoformat()


def ending(rows: Iterable[Qualification], today: str, *, days: int = SOON_DAYS) -> list[Qualification]:
    """Those that have ended or end within so many days, in their order."""
    last = soon(today, days)
    return [row for row in rows if row.valid_until <= last]
