"""Releases: what may leave, by whose authority; deliveries: what has left, or is about to."""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Id, Key, Long, Position, Utc, Word


class Release(Base):
    """Somebody let goods of an order leave (ISO 9001:2015, 8.6). `by` is that person's pseudonym, `back` how many of
    the `quantity` were taken back since."""

    __tablename__ = "product_release"
    __table_args__ = (Index(None, "order"),)

    id: Mapped[Key]
    order: Mapped[Id]
    product: Mapped[Id]
    scope: Mapped[Word]
    carton: Mapped[Id]
    quantity: Mapped[int]
    back: Mapped[int]
    by: Mapped[Id]
    note: Mapped[Long]
    why: Mapped[Long]
    released_at: Mapped[Utc]
    ended_at: Mapped[Utc | None]
    n: Mapped[Position]


class ReleasedUnit(Base):
    """The last release of a unit. It holds while it was not taken back and the unit stands as it stood then (`since`):
    a unit that goes back on its route needs another one."""

    __tablename__ = "released_unit"
    __table_args__ = (Index(None, "release"),)

    unit: Mapped[Key]
    release: Mapped[Id]
    since: Mapped[Utc]
    back: Mapped[bool] = mapped_column()
    n: Mapped[Position]


class Delivery(Base):
    """Goods for one customer: `prepared`, `sent` or `cancelled`. `quantity` counts its units and pieces."""

    __tablename__ = "delivery"
    __table_args__ = (Index(None, "state"),)

    id: Mapped[Key]
    customer: Mapped[str] = mapped_column(String(120))
    state: Mapped[Word]
    items: Mapped[int]
    quantity: Mapped[int]
    note: Mapped[Long]
    carrier: Mapped[str] = mapped_column(String(120))
    why: Mapped[Long]
    prepared_by: Mapped[Id]
    prepared_at: Mapped[Utc]
    sent_by: Mapped[Id]
    sent_at: Mapped[Utc | None]
    cancelled_at: Mapped[Utc | None]
    n: Mapped[Position]


class DeliveryItem(Base):
    """One unit of a delivery, or pieces of one order, with the carton and the pallet that they are in (empty: in none)
    and the release that they left under."""

    __tablename__ = "delivery_item"
    __table_args__ = (Index(None, "unit"), Index(None, "order"), Index(None, "carton"), Index(None, "pallet"))

    delivery: Mapped[Key]
    item: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order: Mapped[Id]
    product: Mapped[Id]
    unit: Mapped[Id | None]
    quantity: Mapped[int]
    carton: Mapped[str] = mapped_column(String(18))
    pallet: Mapped[str] = mapped_column(String(18))
    release: Mapped[Id]
    n: Mapped[Position]
