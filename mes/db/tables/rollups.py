"""Sums that grow with the floor's work and not with the ledger: what pages of yields read, whatever the plant's age.

Folded from the ledger like every state row, in the transaction of the event that changes them. What each column counts
is said once, in `mes.fold_rollups`.
"""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Day, Id, Key, Position, Utc, Word

Quarter = mapped_column(String(16), primary_key=True)


class StepCounts:
    """The columns of both sums over steps, all of them counts of visits, runs, units or pieces."""

    begun: Mapped[int]
    first: Mapped[int]
    first_passed: Mapped[int]
    passed: Mapped[int]
    failed: Mapped[int]
    failures: Mapped[int]
    errors: Mapped[int]
    aborted: Mapped[int]
    defects: Mapped[int]
    reworked: Mapped[int]
    finished: Mapped[int]
    scrapped: Mapped[int]
    good: Mapped[int]
    scrap: Mapped[int]
    timed: Mapped[int]
    took_ms: Mapped[Position]


class StepQuarter(StepCounts, Base):
    """What happened at a step, at a station, to a product, in one quarter of an hour of UTC (`2026-11-23T10:15`)."""

    __tablename__ = "step_quarter"
    __table_args__ = (Index(None, "product", "quarter"),)

    quarter: Mapped[str] = Quarter
    product: Mapped[Key]
    step: Mapped[Key]
    station: Mapped[Key]
    n: Mapped[Position]


class StepOrder(StepCounts, Base):
    """The same of one order, over its whole life."""

    __tablename__ = "step_order"

    order: Mapped[Key]
    step: Mapped[Key]
    product: Mapped[Id]
    n: Mapped[Position]


class StepDefect(Base):
    """How often a defect was found at a step, on a product, on one day of the site."""

    __tablename__ = "step_defect"

    day: Mapped[Day] = mapped_column(primary_key=True)
    product: Mapped[Key]
    step: Mapped[Key]
    defect: Mapped[Key]
    found: Mapped[int]
    n: Mapped[Position]


class Failure(Base):
    """One cause of one failure, bench error or loss: `mes.fold_failures` says when. Units that pass have no row, so
    what a page reads grows with what went wrong. `unit` is empty for counted pieces, `station` for decisions of the
    office.
    """

    __tablename__ = "failure"
    __table_args__ = (Index(None, "go", "at"), Index(None, "order"), Index(None, "product", "step", "at"))

    event_id: Mapped[Key]
    unit: Mapped[str] = mapped_column(String(64), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    go: Mapped[Word]
    of: Mapped[Word]
    cause: Mapped[Id]
    found: Mapped[int]
    once: Mapped[int]
    order: Mapped[Id]
    product: Mapped[Id]
    step: Mapped[Id]
    station: Mapped[Id]
    at: Mapped[Utc]
    n: Mapped[Position]


class Spread(Base):
    """A distribution: how many visits of a step, or whole units (`step` is empty), took how long, on one day.

    `bucket` is `mes.domain.spread.bucket` of the seconds.
    """

    __tablename__ = "spread"

    day: Mapped[Day] = mapped_column(primary_key=True)
    product: Mapped[Key]
    step: Mapped[str] = mapped_column(String(64), primary_key=True)
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int]
    n: Mapped[Position]


class StationSpan(Base):
    """A station was in one resource state (`mes.domain.station_time`) from `since` to `until`.

    The state that it is in now stands in `station`: a row here is never changed.
    """

    __tablename__ = "station_span"
    __table_args__ = (Index(None, "since"),)

    station: Mapped[Key]
    since: Mapped[Utc] = mapped_column(primary_key=True)
    until: Mapped[Utc]
    state: Mapped[Word]
    n: Mapped[Position]
