"""Sessions of the web pages, kept by the server, so that it can end them: a row each, and the cookie is only its key.

The key is 256 random bits, of which the database keeps the SHA-256. A session ends after 30 minutes without a page,
after 12 hours, at the sign-out, and with all others of its person when the account is shut or its password changes.
It must not know HTTP.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from mes import wire
from mes.db.base import utc_text
from mes.db.tables import Account, AccountRole, Person, WebSession
from mes.keys import digest
from mes.orders import request

IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=12)
TOUCH: Final = timedelta(minutes=1)  # how exactly it is known when somebody last asked for a page: each note is a write


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who is signed in. `session` is the digest of the key, `stale` says that `touch` is due."""

    person: str
    login: str
    name: str
    roles: frozenset[str]
    must_change: bool
    session: str
    stale: bool


def _alive(now: datetime) -> ColumnElement[bool]:
    return and_(
        WebSession.seen_at > utc_text(now - IDLE),
        WebSession.created_at > utc_text(now - LONGEST),
        Account.active.is_(True),
    )


def look(session: Session, key_digest: str, *, now: datetime) -> Who | None:
    """Whose session this is; None when it has ended or never was."""
    row = session.execute(
        select(WebSession.seen_at, Account.person, Account.login, Account.must_change, Person.name)
        .join(Account, Account.person == WebSession.person)
        .outerjoin(Person, Person.id == Account.person)
        .where(WebSession.sha256 == key_digest, _alive(now))
    ).first()
    if row is None:
        return None
    roles = session.scalars(select(AccountRole.role).where(AccountRole.person == row.person))
    stale = row.seen_at < utc_text(now - TOUCH)
    return Who(row.person, row.login, row.name or row.login, frozenset(roles), row.must_change, key_digest, stale)


def alive(session: Session, key_digests: Iterable[str], *, now: datetime) -> set[str]:
    """Which of these sessions have not ended."""
    query = select(WebSession.sha256).join(Account, Account.person == WebSession.person)
    return set(session.scalars(query.where(WebSession.sha256.in_(set(key_digests)), _alive(now))))


def begin(
    session: Session, person: str, password: str, *, now: datetime, instead_of: str | None = None, again: bool = False
) -> str | None:
    """Begin a session and return its key; None when the account was shut, or got another password, meanwhile.

    Args:
        password: the hash that the typed password was found to match.
        instead_of: the digest of this browser's session until now, which ends.
        again: the same person goes on under a new key: no sign-in that anybody need know of.
    """
    row = session.get(Account, person)
    if row is None or not row.active or row.password != password:
        return None
    _forget(session, now)
    if instead_of is not None:
        session.execute(delete(WebSession).where(WebSession.sha256 == instead_of))
    key = secrets.token_urlsafe(32)
    at = utc_text(now)
    session.add(WebSession(sha256=digest(key), person=person, created_at=at, seen_at=at))
    session.flush()
    if not again:
        request(session, "SignedIn", wire.AccountNamed(person=person), now=now, actor=person)
    return key


def touch(session: Session, key_digest: str, *, now: datetime) -> None:
    """Its person has asked for a page."""
    session.execute(update(WebSession).where(WebSession.sha256 == key_digest).values(seen_at=utc_text(now)))


def end(session: Session, key_digest: str, *, now: datetime) -> None:
    """Sign out: this session ends."""
    gone = delete(WebSession).where(WebSession.sha256 == key_digest).returning(WebSession.person)
    person = session.execute(gone).scalar_one_or_none()
    if person is not None:
        request(session, "SignedOut", wire.AccountNamed(person=person), now=now, actor=person)


def end_all(session: Session, person: str) -> None:
    """Every session of a person ends."""
    session.execute(delete(WebSession).where(WebSession.person == person))


def _forget(session: Session, now: datetime) -> None:
    """Rows of sessions that have ended by themselves."""
    over = or_(WebSession.seen_at <= utc_text(now - IDLE), WebSession.created_at <= utc_text(now - LONGEST))
    session.execute(delete(WebSession).where(over))
