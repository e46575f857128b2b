"""What is held on one person: everything, from every table, for the person who asks.

Each source is one reader in `SOURCES`: a table that comes to hold something of a person adds one there. No secrets (the
hash of a password is no answer to anybody), and nothing that is counted, timed or compared: events stand as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from mes import forgetting, wire
from mes.db.base import Base
from mes.db.tables import Account, AccountRole, Badge, Ledger, Override, Person, Qualification, WebSession
from mes.i18n import N_
from mes.orders import Answer, request
from mes.verdicts import OFFICE

Row = Mapping[str, Any]
Reader = Callable[[Session, str], Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Source:
    """One place: its name for programs, its name for people (an English text, translated when it is shown)."""

    id: str
    title: str
    read: Reader


@dataclass(frozen=True, slots=True)
class Part:
    """What one source says of the person."""

    id: str
    title: str
    rows: tuple[Row, ...]


def _of_table(table: type[Base], *names: str, key: str = "person") -> Reader:
    """These columns of the rows that belong to a person."""

    def read(session: Session, person: str) -> Sequence[Row]:
        columns = [table.__table__.c[name] for name in names]
        wanted = select(*columns).where(table.__table__.c[key] == person).order_by(*columns)
        return [dict(row) for row in session.execute(wanted).mappings()]

    return read


def _account(session: Session, person: str) -> Sequence[Row]:
    row = session.get(Account, person)
    if row is None:
        return []
    roles = session.scalars(select(AccountRole.role).where(AccountRole.person == person).order_by(AccountRole.role))
    return [
        {
            "login": row.login,
            "roles": ", ".join(roles),
            "active": row.active,
            "pin": row.pin is not None,
            "created_at": row.created_at,
        }
    ]


def _badges_of(session: Session, person: str) -> list[str]:
    return list(session.scalars(select(Badge.id).where(Badge.person == person).order_by(Badge.id)))


def _agreements(session: Session, person: str) -> Sequence[Row]:
    """Where a supervisor has let the person do a step, and where the person has let somebody else."""
    mine = Override.operator.in_(_badges_of(session, person))
    columns = (Override.since, Override.station, Override.unit, Override.state, Override.by)
    found = session.execute(select(*columns).where(or_(mine, Override.by == person)).order_by(Override.n))
    return [
        {"since": since, "station": station, "thing": unit, "state": state, "by": "self" if by == person else "another"}
        for since, station, unit, state, by in found
    ]


def _floor_events(session: Session, person: str) -> Sequence[Row]:
    """The events that still say that this person did them, as they happened."""
    who = [person, *_badges_of(session, person)]
    where = (Ledger.n > forgetting.clean_to(session), Ledger.source != OFFICE, Ledger.operator.in_(who))
    columns = (Ledger.captured_at, Ledger.kind, Ledger.station, Ledger.operator, Ledger.body)
    return [
        {"at": at, "kind": kind, "station": station or "", "thing": _thing(body), "as": operator}
        for at, kind, station, operator, body in session.execute(select(*columns).where(*where).order_by(Ledger.n))
    ]


def _thing(body: str) -> str:
    """The unit or the order that an event's body speaks of."""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    found = (said.get("unit") or said.get("order")) if isinstance(said, dict) else None
    return found if isinstance(found, str) else ""


def _office_rows(session: Session, person: str) -> Sequence[Row]:
    """What the person did in the office, and what others wrote there about the person."""
    who = [person, *_badges_of(session, person)]
    named: list[ColumnElement[bool]] = [Ledger.body.contains(json.dumps(each), autoescape=True) for each in who]
    wanted = select(Ledger.received_at, Ledger.kind, Ledger.operator, Ledger.body).where(
        Ledger.source == OFFICE, or_(Ledger.operator == person, *named)
    )
    return [
        {"at": at, "kind": kind, "by": "self" if actor == person else "another", "said": body}
        for at, kind, actor, body in session.execute(wanted.order_by(Ledger.n))
    ]


SOURCES: Final[tuple[Source, ...]] = (
    Source("name", N_("Name"), _of_table(Person, "id", "name", "language", "created_at", key="id")),
    Source("account", N_("Account, without password and PIN"), _account),
    Source("sessions", N_("Open sign-ins"), _of_table(WebSession, "created_at", "seen_at")),
    Source("badges", N_("Badges"), _of_table(Badge, "id", "state", "language", "issued_at", "ended_at")),
    Source(
        "qualifications",
        N_("Qualifications"),
        _of_table(Qualification, "qualification", "valid_until", "state", "since"),
    ),
    Source("agreements", N_("Agreements of a supervisor"), _agreements),
    Source("floor", N_("At the benches"), _floor_events),
    Source("office", N_("In the office, and what was written about the person"), _office_rows),
)
"""Where something of a person stands; docs/privacy.md says how long."""

FIELDS: Final[dict[str, str]] = {
    "id": N_("Number"),
    "name": N_("Name"),
    "language": N_("Language"),
    "created_at": N_("Since"),
    "login": N_("User name"),
    "roles": N_("Roles"),
    "active": N_("May sign in"),
    "pin": N_("PIN"),
    "seen_at": N_("Last seen"),
    "state": N_("State"),
    "issued_at": N_("Issued"),
    "ended_at": N_("Ended"),
    "qualification": N_("Qualification"),
    "valid_until": N_("Until"),
    "since": N_("Since"),
    "at": N_("When"),
    "kind": N_("What"),
    "station": N_("Station"),
    "thing": N_("Unit or order"),
    "as": N_("As"),
    "by": N_("By"),
    "said": N_("Text"),
}
"""What the fields of the rows are called, English; translated when they are shown."""


def read(session: Session, person: str) -> tuple[Part, ...]:
    """Everything that is held on a person, by pseudonym; a source that holds nothing is there, empty."""
    return tuple(Part(source.id, source.title, tuple(source.read(session, person))) for source in SOURCES)


def ask(session: Session, person: str, *, now: datetime, actor: str | None = None) -> Answer:
    """Write down that somebody has all that is held on a person printed.

    Returns:
        Refused with `unknown_person` where no table knows the pseudonym.
    """
    known = session.get(Person, person) is not None or bool(_badges_of(session, person))
    if not known and session.get(Account, person) is None:
        return Answer(False, "unknown_person", {"person": person})
    return request(session, "PersonalDataPrinted", wire.PersonChanged(person=person), now=now, actor=actor)
