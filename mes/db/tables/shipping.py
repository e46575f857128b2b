"""Releases: what may leave, by whose authority."""

from __future__ import annotations

from sqlalchemy import Index
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
