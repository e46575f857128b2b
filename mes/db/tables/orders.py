"""Work orders, what was counted for them, and the labels printed for them."""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Id, Key, Long, Position, Utc, Word


class WorkOrder(Base):
    """A quantity of one product to make, pinned at release to a plan revision.

    `held_from` is the state that a hold has interrupted; `split_from` the order that these pieces were taken from;
    `given` how many serials the customer has given for it, 0: they are made by the product's pattern;
    `scanned` how many units were taken in by scan, None where none are.
    """

    __tablename__ = "work_order"
    __table_args__ = (Index(None, "state"), Index(None, "split_from"), Index(None, "created_at", "id"))

    id: Mapped[Key]
    product: Mapped[Id]
    quantity: Mapped[int]
    customer: Mapped[str] = mapped_column(String(120))
    due: Mapped[str | None] = mapped_column(String(10))
    note: Mapped[Long]
    state: Mapped[Word]
    revision: Mapped[int]
    open_units: Mapped[int]
    why: Mapped[Long]
    created_at: Mapped[Utc]
    released_at: Mapped[Utc | None]
    ended_at: Mapped[Utc | None]
    reference: Mapped[str] = mapped_column(String(64))
    priority: Mapped[int]
    held_from: Mapped[Word]
    split_from: Mapped[Id | None]
    given: Mapped[int]
    scanned: Mapped[int | None]
    n: Mapped[Position]


class Tally(Base):
    """What a step of a lot-tracked order has counted. `defect` is empty for the good ones."""

    __tablename__ = "tally"

    order: Mapped[Key]
    step: Mapped[Key]
    defect: Mapped[Key]
    quantity: Mapped[int]
    n: Mapped[Position]


class Label(Base):
    """How often the label of a unit, or the traveller of an order, was printed; `subject` is its serial or number."""

    __tablename__ = "label"

    template: Mapped[str] = mapped_column(String(10), primary_key=True)
    subject: Mapped[Key]
    copies: Mapped[int]
    printed_at: Mapped[Utc]
    n: Mapped[Position]
