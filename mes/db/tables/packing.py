"""Cartons and pallets, what is in them, and what happened to each."""

from __future__ import annotations

from sqlalchemy import Boolean, Double, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Id, Key, Long, Position, Utc, Word


class CartonRow(Base):
    """A logistic unit with an SSCC; see `mes.domain.packing.Carton`."""

    __tablename__ = "carton"
    __table_args__ = (Index(None, "state"), Index(None, "order"), Index(None, "parent"))

    sscc: Mapped[str] = mapped_column(String(18), primary_key=True)
    level: Mapped[Word]
    state: Mapped[Word]
    order: Mapped[Id | None]
    product: Mapped[Id | None]
    customer: Mapped[str] = mapped_column(String(120))
    bound: Mapped[bool] = mapped_column(Boolean)
    have: Mapped[int]
    weight_g: Mapped[float | None] = mapped_column(Double)
    weighed: Mapped[Word | None]
    parent: Mapped[str | None] = mapped_column(String(18))
    held: Mapped[Word]
    held_args: Mapped[Long]
    why: Mapped[Long]
    station: Mapped[Id | None]
    opened_at: Mapped[Utc | None]
    closed_at: Mapped[Utc | None]
    reopened: Mapped[int]
    events: Mapped[int]
    numbered_at: Mapped[Utc]
    n: Mapped[Position]


class Packed(Base):
    """One packing: a unit, pieces of an order, or a carton, from when to when. `disputed`: it was in another one."""

    __tablename__ = "packed"
    __table_args__ = (Index(None, "carton"), Index(None, "unit"), Index(None, "order"), Index(None, "inner"))

    id: Mapped[Key]
    carton: Mapped[str] = mapped_column(String(18))
    unit: Mapped[Id | None]
    order: Mapped[Id | None]
    inner: Mapped[str | None] = mapped_column(String(18))
    quantity: Mapped[int]
    packed_at: Mapped[Utc]
    removed_at: Mapped[Utc | None]
    why: Mapped[Long]
    disputed: Mapped[bool] = mapped_column(Boolean)
    n: Mapped[Position]


class CartonEvent(Base):
    """What happened to a carton, numbered from 1: the kind of event, what was said of it, and the reason if any."""

    __tablename__ = "carton_event"

    carton: Mapped[str] = mapped_column(String(18), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[Utc]
    kind: Mapped[Word]
    reason: Mapped[Word]
    args: Mapped[Long]
    why: Mapped[Long]
    n: Mapped[Position]
