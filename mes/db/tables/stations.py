"""Stations: what the ledger says of them, and their streams, keys and presence outside it."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Hash, Id, Key, Long, Position, Utc, Word


class StationRow(Base):
    """A station as its events tell: resource state, last verdict, call for help."""

    __tablename__ = "station"

    id: Mapped[Key]
    state: Mapped[Word]
    state_reason: Mapped[Word]
    since: Mapped[Utc]
    signed_in: Mapped[bool]
    verdict: Mapped[Word | None]
    reason: Mapped[Word]
    args: Mapped[Long]
    verdict_at: Mapped[Utc | None]
    unit: Mapped[Id | None]
    help_since: Mapped[Utc | None]
    faults: Mapped[int]
    counting: Mapped[bool]
    resource: Mapped[Word]
    resource_since: Mapped[Utc]
    n: Mapped[Position]


class Fault(Base):
    """A device that does not work now."""

    __tablename__ = "fault"

    station: Mapped[Key]
    device: Mapped[Key]
    fault: Mapped[Id]
    since: Mapped[Utc]
    cleared: Mapped[bool]
    n: Mapped[Position]


class Stream(Base):
    """The life of one outbox: how far the server has it. Protocol state: duplicates after a fork move it, too."""

    __tablename__ = "stream"

    stream_id: Mapped[Key]
    station: Mapped[Id]
    hwm_seq: Mapped[Position]
    hwm_event_id: Mapped[Id | None]
    created_at: Mapped[Utc]


class Presence(Base):
    """What a station said of itself at its last hello, and the alarm (`mes.keys.Alarm`) that nobody has seen to yet."""

    __tablename__ = "presence"

    station: Mapped[Key]
    stream_id: Mapped[Id]
    agent: Mapped[Id]
    machine_id: Mapped[str] = mapped_column(String(128))
    seen_at: Mapped[Utc]
    kept: Mapped[int]
    offset_ms: Mapped[Position]
    alarm: Mapped[Long]


class Token(Base):
    """A station's key to the door; only its hash is here.

    `replaces` and no `used_at`: it was offered for that one, and both are good until it is used. `rotate_at`: since
    then a new one is offered for it. The boots are those of `mes.keys.Holder`.
    """

    __tablename__ = "token"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    station: Mapped[Id]
    machine_id: Mapped[str] = mapped_column(String(128))
    created_at: Mapped[Utc]
    revoked_at: Mapped[Utc | None]
    replaces: Mapped[Hash | None]
    used_at: Mapped[Utc | None]
    rotate_at: Mapped[Utc | None]
    boot_id: Mapped[Id | None]
    boot_before: Mapped[Id | None]
    boot_refused: Mapped[Id | None]


class EnrolCode(Base):
    """A code that lets one station PC in, once, within 15 minutes."""

    __tablename__ = "enrol_code"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    station: Mapped[Id]
    expires_at: Mapped[Utc]
    used_at: Mapped[Utc | None]
