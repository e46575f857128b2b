"""Keys of programs that plan and read: who they are, what they may do, until when, and that a request counts once.

A key is a principal of its own: its id stands in the ledger as who acted. The database keeps the SHA-256 of its 256
random bits. Keys and answers lie outside the folded state; each thing that happens to a key is a row in the ledger. It
must not know HTTP.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, get_args

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mes import wire
from mes.db.base import utc_text
from mes.db.tables import ApiAnswer, ApiKey
from mes.keys import digest
from mes.letters import random_letters
from mes.orders import Answer, request
from mes.people import fit_name

ROLES: Final[tuple[wire.KeyRole, ...]] = get_args(wire.KeyRole)
TOUCH: Final = timedelta(minutes=5)
"""How exactly it is known when a key was last used: a request that only reads must not write each time."""


@dataclass(frozen=True, slots=True)
class Program:
    """Who holds a key: a program, never a person. An empty `customer`: the orders of all customers."""

    id: str
    name: str
    role: wire.KeyRole
    customer: str = ""
    stale: bool = False

    def sees(self, customer: str) -> bool:
        """May it know of this customer's orders?"""
        return not self.customer or self.customer == customer


@dataclass(frozen=True, slots=True)
class Listed:
    """A key as a list shows it; `over`: it opens nothing any more."""

    id: str
    name: str
    role: str
    customer: str
    ends_on: str
    created_at: str
    used_at: str | None
    ended_at: str | None
    over: bool


def add(
    session: Session,
    name: str,
    role: str,
    ends_on: date,
    *,
    now: datetime,
    customer: str = "",
    actor: str | None = None,
) -> tuple[Answer, str]:
    """Make a key. Returns what came of it, and the key itself, which nobody can be shown again.

    Args:
        name: what the program is called.
        ends_on: the last day on which it opens anything, UTC.
        customer: it sees and plans orders of this customer only; empty: of all.
    """
    called, whose = fit_name(name), customer.strip()
    if called is None:
        return Answer(False, "name_form", {}), ""
    if role not in ROLES:
        return Answer(False, "no_role", {"known": ", ".join(ROLES)}), ""
    if ends_on < now.date() or len(whose) > 120 or not whose.isprintable():
        return Answer(False, "key_form", {}), ""
    key_id = f"K-{random_letters(8)}"
    key = f"mak_{key_id}_{secrets.token_urlsafe(32)}"
    session.add(
        ApiKey(
            sha256=digest(key),
            id=key_id,
            name=called,
            role=role,
            customer=whose,
            ends_on=ends_on.isoformat(),
            created_at=utc_text(now),
        )
    )
    session.flush()
    body = wire.ApiKeyAdded(key=key_id, name=called, role=role, customer=whose, ends_on=ends_on.isoformat())
    return request(session, "ApiKeyAdded", body, now=now, actor=actor), key


def end(session: Session, key_id: str, *, now: datetime, actor: str | None = None) -> Answer:
    """Withdraw a key: it opens nothing from now on."""
    gone = (
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.ended_at.is_(None))
        .values(ended_at=utc_text(now))
        .returning(ApiKey.id)
    )
    if session.execute(gone).scalar_one_or_none() is None:
        return Answer(False, "unknown_key", {"key": key_id})
    return request(session, "ApiKeyEnded", wire.ApiKeyNamed(key=key_id), now=now, actor=actor)


def listed(session: Session, *, now: datetime) -> list[Listed]:
    """Every key that there has been, the newest first."""
    today = now.date().isoformat()
    return [
        Listed(
            r.id, r.name, r.role, r.customer, r.ends_on, r.created_at, r.used_at, r.ended_at,
            over=r.ended_at is not None or r.ends_on < today,
        )
        for r in session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.id))
    ]  # fmt: skip


def standing(session: Session, key_digest: str, *, now: datetime) -> Program | None:
    """Whose key this is; None when it is unknown, withdrawn or too old."""
    row = session.get(ApiKey, key_digest)
    if row is None or row.ended_at is not None or row.ends_on < now.date().isoformat():
        return None
    stale = row.used_at is None or row.used_at < utc_text(now - TOUCH)
    return Program(row.id, row.name, row.role, row.customer, stale)  # type: ignore[arg-type]


def touch(session: Session, key_digest: str, *, now: datetime) -> None:
    """The key was used."""
    session.execute(update(ApiKey).where(ApiKey.sha256 == key_digest).values(used_at=utc_text(now)))


def names(session: Session) -> dict[str, str]:
    """Key id → what its program is called."""
    return {key: name for key, name in session.execute(select(ApiKey.id, ApiKey.name))}  # noqa: C416


# --- once -------------------------------------------------------------------------------------------------------------


class Reused(Exception):
    """The same idempotency key came with another request."""


def once(
    session: Session, program: Program, said: str, asked: str, do: Callable[[], Sequence[str]], *, now: datetime
) -> tuple[Sequence[str], bool]:
    """Do something at most once for an idempotency key, in the caller's writing transaction.

    Writers stand in one queue, so of two equal requests at the same time the second finds the answer of the first. What
    is refused raises, and leaves nothing behind: the same key may come again with the request put right.

    Args:
        said: the idempotency key; empty: do it.
        asked: the whole request as one text.
        do: what it does; the numbers of the orders that it has touched.

    Returns:
        The order numbers, and whether they are those of an earlier request.

    Raises:
        Reused: the key belongs to another request.
    """
    if not said:
        return do(), False
    known = session.get(ApiAnswer, (program.id, said))
    if known is not None:
        if known.sha256 != digest(asked):
            raise Reused
        return list(json.loads(known.orders)), True
    made = list(do())
    session.add(
        ApiAnswer(key=program.id, said=said, sha256=digest(asked), orders=json.dumps(made), made_at=utc_text(now))
    )
    session.flush()
    return made, False
