"""What a station's key is good for: whose it is, on which machine, how it is replaced without locking anybody out.

A key is a token of 256 random bits, of which the database keeps the SHA-256. The rules: docs/protocol.md, "Keys".
It must not know HTTP.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mes import wire
from mes.db.base import utc_text
from mes.db.tables import Meta, Presence, Token
from mes.orders import request

ROTATE_AFTER: Final = timedelta(days=180)
Alarm = Literal["machine", "boot", "stream", "code"]


def digest(secret: str) -> str:
    """What the database keeps of a secret: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Standing:
    """A key that opens the door. `fresh`: it was offered, and this is its first use (see `begin_use`)."""

    station: str
    fresh: bool


def standing(session: Session, key_digest: str) -> Standing | None:
    """Whose key this is; None when it is unknown, replaced or revoked."""
    row = session.execute(
        select(Token.station, Token.revoked_at, Token.replaces, Token.used_at).where(Token.sha256 == key_digest)
    ).first()
    if row is None or row.revoked_at is not None:
        return None
    return Standing(row.station, row.replaces is not None and row.used_at is None)


# --- which machine ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Holder:
    """The machine that a key belongs to: its id at the enrolment, and the starts of it that were heard.

    `boot` is the start that is heard now, `before` the one before it, `refused` one that belongs to a copy.
    """

    machine: str
    boot: str | None = None
    before: str | None = None
    refused: str | None = None


def judge_machine(holder: Holder, machine: str, boot: str) -> tuple[Holder, Alarm | None]:
    """Is it the machine that the key was given to? Pure.

    Another machine id is another PC. The same machine id with two starts *in turn* is a copy of a virtual machine or of
    a disk: a start that is over does not come back. The one that was there first goes on, the other is refused.
    """
    if holder.machine and machine and machine != holder.machine:
        return holder, "machine"
    if not boot or boot == holder.boot:
        return holder, None
    if boot == holder.refused:
        return holder, "boot"
    if boot == holder.before:
        return replace(holder, boot=boot, before=None, refused=holder.boot), None
    return replace(holder, boot=boot, before=holder.boot), None


def check_machine(session: Session, station: str, key_digest: str, machine: str, boot: str, *, now: datetime) -> bool:
    """Whether the machine that says hello may go on with this key; if not, or if it has a double, there is an alarm."""
    row = session.get_one(Token, key_digest)
    known = Holder(row.machine_id, row.boot_id, row.boot_before, row.boot_refused)
    holder, problem = judge_machine(known, machine, boot)
    if holder != known:
        row.boot_id, row.boot_before, row.boot_refused = holder.boot, holder.before, holder.refused
    doubled = holder.refused is not None and holder.refused != known.refused
    if problem is not None or doubled:
        raise_alarm(session, station, problem or "boot", machine, now=now)
    return problem is None


def raise_alarm(session: Session, station: str, alarm: Alarm, machine: str, *, now: datetime) -> None:
    """Put an alarm on a station until somebody has seen to it. One ledger row, however often the cause comes back."""
    known = session.get(Presence, station)
    if known is not None and known.alarm:
        return
    body = wire.StationAlarm(station=station, alarm=alarm, machine_id=machine)
    request(session, "StationAlarm", body, now=now, actor=None)
    if known is None:
        at = utc_text(now)
        known = Presence(
            station=station, stream_id="", agent="", machine_id="", seen_at=at, kept=0, offset_ms=0, alarm=alarm
        )
        session.add(known)
    known.alarm = alarm
    session.flush()


def end_alarm(session: Session, station: str, *, now: datetime, actor: str | None = None) -> bool:
    """Somebody has seen to a station's alarm; False when there was none."""
    known = session.get(Presence, station)
    if known is None or not known.alarm:
        return False
    request(session, "StationAlarmEnded", wire.StationNamed(station=station), now=now, actor=actor)
    known.alarm = ""
    session.flush()
    return True


# --- a new key for an old one -----------------------------------------------------------------------------------------


def new_token(session: Session, station: str, machine_id: str, *, now: datetime) -> str:
    """A new key for a station; shown once, kept as its hash."""
    token = f"mst_{station}_{secrets.token_urlsafe(32)}"
    session.add(Token(sha256=digest(token), station=station, machine_id=machine_id, created_at=utc_text(now)))
    session.flush()
    return token


def ask_rotation(session: Session, station: str, *, now: datetime) -> int:
    """Have every key of a station replaced at its next hello; returns how many there are."""
    asked = (
        update(Token)
        .where(Token.station == station, Token.revoked_at.is_(None))
        .values(rotate_at=utc_text(now))
        .returning(Token.sha256)
    )
    return len(session.execute(asked).all())


def next_token(session: Session, token: str, *, now: datetime) -> str | None:
    """The key that shall replace `token`, when it is due; None when it is not.

    The same one at each call, until it has been used: it is made of the old key and of a secret of this server, so that
    an answer which was lost, late or given twice can never leave the station with a key that the server has forgotten.
    """
    old = session.get_one(Token, digest(token))
    if old.rotate_at is None and old.created_at > utc_text(now - ROTATE_AFTER):
        return None
    made = hmac.new(_secret(session).encode(), f"after {token}".encode(), hashlib.sha256).digest()
    offered = f"mst_{old.station}_{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"
    if session.get(Token, digest(offered)) is None:
        session.add(
            Token(
                sha256=digest(offered),
                station=old.station,
                machine_id=old.machine_id,
                created_at=utc_text(now),
                replaces=old.sha256,
                boot_id=old.boot_id,
                boot_before=old.boot_before,
                boot_refused=old.boot_refused,
            )
        )
        session.flush()
    return offered


def begin_use(session: Session, key_digest: str, *, now: datetime) -> None:
    """An offered key was used: from now on it is the station's, and the one that it replaces is dead."""
    row = session.get_one(Token, key_digest)
    if row.used_at is not None or row.replaces is None:
        return
    row.used_at = utc_text(now)
    session.get_one(Token, row.replaces).revoked_at = utc_text(now)
    body = wire.TokenRotated(station=row.station, machine_id=row.machine_id)
    request(session, "TokenRotated", body, now=now, actor=None)


def _secret(session: Session) -> str:
    value = session.scalar(select(Meta.value).where(Meta.key == "token_key"))
    if value is None:
        value = secrets.token_urlsafe(32)
        session.add(Meta(key="token_key", value=value))
        session.flush()
    return value
