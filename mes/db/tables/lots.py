"""The tables of component lots."""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Day, Id, Key, Long, Position, Utc, Word


class Lot(Base):
    """A component lot that has come in, or that somebody has held or released.

    `received` are all pieces that came in; what has been installed stands in `installation`. `receipts` counts the
    deliveries: 0 for a lot of which nobody has said where it comes from. Supplier, owner and days are as last said.
    `concession` is what permits its use, piece by piece.
    """

    __tablename__ = "lot"
    __table_args__ = (Index(None, "lot"), Index(None, "expires"))

    part: Mapped[Key]
    lot: Mapped[Key]
    state: Mapped[Word]
    why: Mapped[Long]
    received: Mapped[Position]
    receipts: Mapped[int]
    received_on: Mapped[Day | None]
    supplier: Mapped[str] = mapped_column(String(120))
    supplier_lot: Mapped[Id]
    owner: Mapped[Word]
    customer: Mapped[str] = mapped_column(String(120))
    expires: Mapped[Day | None]
    concession: Mapped[Id | None]
    n: Mapped[Position]


class Receipt(Base):
    """One delivery of a component lot, numbered as they were recorded."""

    __tablename__ = "receipt"

    part: Mapped[Key]
    lot: Mapped[Key]
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    quantity: Mapped[Position]
    received_on: Mapped[Day]
    supplier: Mapped[str] = mapped_column(String(120))
    supplier_lot: Mapped[Id]
    delivery: Mapped[Id]
    recorded_at: Mapped[Utc]
    n: Mapped[Position]


class Loaded(Base):
    """The component lot that a station uses for a counted order at a step; an empty `lot`: it was used up."""

    __tablename__ = "loaded"

    order: Mapped[Key]
    step: Mapped[Key]
    station: Mapped[Key]
    part: Mapped[Key]
    lot: Mapped[Id]
    since: Mapped[Utc]
    n: Mapped[Position]


class LotUse(Base):
    """How many `pieces` of a counted order were made of a component lot at a step, good and scrap, and the `quantity`
    of the component that is in them. `used_at` is the last time."""

    __tablename__ = "lot_use"
    __table_args__ = (Index(None, "part", "lot"), Index(None, "lot"))

    order: Mapped[Key]
    step: Mapped[Key]
    part: Mapped[Key]
    lot: Mapped[Key]
    pieces: Mapped[Position]
    quantity: Mapped[Position]
    used_at: Mapped[Utc]
    n: Mapped[Position]
