"""People: a name and its pseudonym. The ledger and every event know the pseudonym only; the name can be erased.

It knows no password and no badge, except that an account ends when its person is forgotten.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mes import wire
from mes.db.base import utc_text
from mes.db.tables import Account, AccountRole, Badge, Person, WebSession
from mes.letters import random_letters
from mes.orders import Answer, request

MOST_NAME: Final = 120
_LENGTH: Final = 8  # 39 bits: a pseudonym need not be secret, only unique and without meaning


def new_pseudonym(letter: str) -> str:
    """A random id that says nothing of the person: the letter, a dash, eight characters."""
    return f"{letter}-{random_letters(_LENGTH)}"


def fit_name(typed: str) -> str | None:
    """A name as it is kept, without space around it; None for what can be none: empty, too long, with line feeds."""
    name = typed.strip()
    return name if 0 < len(name) <= MOST_NAME and name.isprintable() else None


def add(session: Session, name: str, language: str, *, now: datetime, actor: str | None = None) -> str:
    """Take a person in.

    Args:
        name: as people say it (`fit_name`); kept in one table and nowhere else.
        language: `fr` or `en`, the language of this person's screens.

    Returns:
        The pseudonym.
    """
    person = new_pseudonym("P")
    session.add(Person(id=person, name=name, language=language, created_at=utc_text(now)))
    session.flush()
    request(session, "PersonAdded", wire.PersonChanged(person=person), now=now, actor=actor)
    return person


def erase(session: Session, person: str, *, now: datetime, actor: str | None = None) -> Answer:
    """Forget the name behind a pseudonym, whose badges end with it; what the pseudonym did stays."""
    row = session.get(Person, person)
    if row is None:
        return Answer(False, "unknown_person", {"person": person})
    # A user name is often the person's own: it goes with the name, and nobody can sign in with it any more.
    for table in (WebSession, AccountRole, Account):
        session.execute(delete(table).where(table.person == person))
    session.delete(row)
    session.flush()
    good = select(Badge.id).where(Badge.person == person, Badge.state == "active")
    for badge in session.scalars(good).all():
        request(session, "BadgeEnded", wire.BadgeEnded(badge=badge), now=now, actor=actor)
    return request(session, "PersonErased", wire.PersonChanged(person=person), now=now, actor=actor)
