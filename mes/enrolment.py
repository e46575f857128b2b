"""How a station PC is let in: a code for one use and 15 minutes, then a token of its own. Outside the ledger but for
the row that says that it happened."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mes import wire
from mes.db.base import utc_text
from mes.db.tables import EnrolCode, StationRow, Token
from mes.orders import Answer, request

CODE_LIFE: Final = timedelta(minutes=15)
_ALPHABET: Final = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # read aloud and typed by hand: no I, L, O, U, 0, 1
_CODE_LETTERS: Final = 16  # 78 bits


def digest(secret: str) -> str:
    """What the database keeps of a secret: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def new_code(session: Session, station: str, *, now: datetime) -> Answer | str:
    """A one-time code that lets one PC in as `station`; refused for a station that no plan knows."""
    known = sorted(session.scalars(select(StationRow.id)))
    if station not in known:
        return Answer(False, "unknown_station", {"station": station, "known": ", ".join(known) or "–"})
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LETTERS))
    code = "-".join(letters[i : i + 4] for i in range(0, _CODE_LETTERS, 4))
    session.add(EnrolCode(sha256=digest(code), station=station, expires_at=utc_text(now + CODE_LIFE), used_at=None))
    session.flush()
    return code


def enroll(session: Session, asked: wire.EnrollRequest, *, now: datetime) -> wire.EnrollReply | None:
    """Trade a code for a token; None when the code is unknown, used or too old.

    The code is claimed by one conditional update, so that of two PCs with one code exactly one gets in.
    """
    claimed = session.execute(
        update(EnrolCode)
        .where(
            EnrolCode.sha256 == digest(asked.code.strip().upper()),
            EnrolCode.used_at.is_(None),
            EnrolCode.expires_at > utc_text(now),
        )
        .values(used_at=utc_text(now))
        .returning(EnrolCode.station)
    ).scalar_one_or_none()
    if claimed is None:
        return None
    token = give_token(session, claimed, asked.machine_id, now=now)
    body = wire.StationEnrolled(station=claimed, machine_id=asked.machine_id)
    request(session, "StationEnrolled", body, now=now, actor=None)
    return wire.EnrollReply(station=claimed, token=token)


def give_token(session: Session, station: str, machine_id: str, *, now: datetime) -> str:
    """A new token for a station; shown once, kept as its hash."""
    token = f"mst_{station}_{secrets.token_urlsafe(32)}"
    session.add(
        Token(sha256=digest(token), station=station, machine_id=machine_id, created_at=utc_text(now), revoked_at=None)
    )
    session.flush()
    return token


def revoke(session: Session, station: str, *, now: datetime) -> int:
    """End every token of a station; returns how many there were."""
    done = session.execute(
        update(Token)
        .where(Token.station == station, Token.revoked_at.is_(None))
        .values(revoked_at=utc_text(now))
        .returning(Token.sha256)
    )
    return len(done.all())
