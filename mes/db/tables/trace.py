"""What traceability needs beside the state: where the ledger tells of a unit, and which dossiers were given out."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Id, Key, Position, Utc


class UnitEvent(Base):
    """A ledger row that tells of a unit what no state row keeps: a test run, a look, a repair, a rejection."""

    __tablename__ = "unit_event"

    unit: Mapped[Key]
    event_id: Mapped[Key]
    n: Mapped[Position]


class IssuedDossier(Base):
    """A dossier of a unit that was given out, by the SHA-256 of its file; `times` it was, the same to the last byte."""

    __tablename__ = "dossier"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    unit: Mapped[Id]
    language: Mapped[str] = mapped_column(String(2))
    facts_at: Mapped[Utc]
    issued_at: Mapped[Utc]
    times: Mapped[int]
    n: Mapped[Position]
