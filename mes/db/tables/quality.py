"""Nonconformities."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from mes.db.base import Base, Id, Key, Long, Position, Utc, Word


class Nonconformity(Base):
    """A nonconformity of one unit (or none, when the unit is unknown) and what was decided."""

    __tablename__ = "nonconformity"
    __table_args__ = (Index(None, "state"), Index(None, "unit"))

    id: Mapped[Key]
    unit: Mapped[Id]
    order: Mapped[Id]
    product: Mapped[Id]
    step: Mapped[Id]
    station: Mapped[Id | None]
    cause: Mapped[Word]
    defect: Mapped[Id | None]
    detail: Mapped[Long]
    state: Mapped[Word]
    disposition: Mapped[Word | None]
    why: Mapped[Long]
    event_id: Mapped[Id]
    opened_at: Mapped[Utc]
    decided_at: Mapped[Utc | None]
    closed_at: Mapped[Utc | None]
    n: Mapped[Position]
