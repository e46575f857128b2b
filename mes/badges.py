"""Badges: issued to a person, ended when one is lost. What a badge says is random; who carries it stands in one row.

A badge signs in at a bench and opens nothing else. It must not know qualifications, passwords or how it is printed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import wire
from mes.db.tables import Badge, Person
from mes.domain.barcode import write
from mes.letters import random_letters
from mes.orders import Answer, request

_LENGTH: Final = 8  # 39 bits: nobody types another one's by mistake; a badge is a name, not a key


def code_of(badge: str) -> str:
    """What a scanner reads from the printed badge."""
    return write("badge", badge)


def issue(session: Session, person: str, *, now: datetime, actor: str | None = None) -> Answer:
    """Give a person a new badge; those that the person has stay good until they are ended.

    Args:
        person: the pseudonym.

    Returns:
        Done with `badge` in its arguments, or refused: `unknown_person`.
    """
    row = session.get(Person, person)
    if row is None:
        return Answer(False, "unknown_person", {"person": person})
    badge = random_letters(_LENGTH)
    body = wire.BadgeIssued(badge=badge, person=person, language="en" if row.language == "en" else "fr")
    return request(session, "BadgeIssued", body, now=now, actor=actor)


def end(session: Session, badge: str, *, now: datetime, why: str = "", actor: str | None = None) -> Answer:
    """A badge is lost, or its person leaves: from now on it signs nobody in."""
    return request(session, "BadgeEnded", wire.BadgeEnded(badge=badge, why=why), now=now, actor=actor)


def of_person(session: Session, person: str) -> list[Badge]:
    """The good badges of a person, the newest first."""
    good = select(Badge).where(Badge.person == person, Badge.state == "active")
    return list(session.scalars(good.order_by(Badge.issued_at.desc(), Badge.id)))
