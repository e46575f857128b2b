"""What traceability needs beside the state: where the ledger tells of a unit, and what was given out on paper."""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Id, Key, Position, Utc, Word


class UnitEvent(Base):
    """A ledger row that tells of a unit what no state row keeps: a test run, a look, a repair, a rejection."""

    __tablename__ = "unit_event"

    unit: Mapped[Key]
    event_id: Mapped[Key]
    n: Mapped[Position]


class OrderEvent(Base):
    """A ledger row that tells of an order: what the office has done with it, and what of the floor has moved it.

    `state` is the order's afterwards. Who, why and how many stand in the ledger row itself.
    """

    __tablename__ = "order_event"

    order: Mapped[Key]
    event_id: Mapped[Key]
    at: Mapped[Utc]
    state: Mapped[Word]
    n: Mapped[Position]


class NcEvent(Base):
    """A ledger row that tells of a nonconformity: what has opened it, and what the office has done with it."""

    __tablename__ = "nc_event"

    nc: Mapped[Key]
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


class IssuedPaper(Base):
    """A paper that was given out with a delivery, a carton or an order, by the SHA-256 of its file."""

    __tablename__ = "issued_paper"
    __table_args__ = (Index(None, "subject"),)

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    paper: Mapped[Word]
    scope: Mapped[Word]
    subject: Mapped[Id]
    language: Mapped[str] = mapped_column(String(2))
    facts_at: Mapped[Utc]
    issued_at: Mapped[Utc]
    times: Mapped[int]
    n: Mapped[Position]
