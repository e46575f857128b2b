"""Acceptance sampling: lots with what their samples said, and the series that they make."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from mes.db.base import Base, Id, Key, Long, Position, Utc, Word


class LotInspection(Base):
    """One lot and its sample: `accepted`, `rejected`, or `again` (it was shown again: the later one counts).

    `severity` is what it was judged by, `severity_after` and `score_after` where its series stood then.
    """

    __tablename__ = "lot_inspection"
    __table_args__ = (Index(None, "order"), Index(None, "product", "step"), Index(None, "at"))

    id: Mapped[Key]
    order: Mapped[Id]
    product: Mapped[Id]
    step: Mapped[Id]
    quantity: Mapped[int]
    cartons: Mapped[Long]
    level: Mapped[Word]
    aql: Mapped[Word]
    severity: Mapped[Word]
    letter: Mapped[Word]
    sample: Mapped[int]
    accept: Mapped[int]
    found: Mapped[int]
    bad: Mapped[Long]
    state: Mapped[Word]
    again: Mapped[Id | None]
    nc: Mapped[Id | None]
    note: Mapped[Long]
    severity_after: Mapped[Word]
    score_after: Mapped[int]
    event_id: Mapped[Id]
    at: Mapped[Utc]
    n: Mapped[Position]


class InspectedUnit(Base):
    """In which lot a unit was, by the step after which it was sampled."""

    __tablename__ = "inspected_unit"
    __table_args__ = (Index(None, "inspection"),)

    unit: Mapped[Key]
    step: Mapped[Key]
    inspection: Mapped[Id]
    n: Mapped[Position]


class SamplingSeries(Base):
    """Where the lots of a product stand at a step: severity, switching score, what the rules look back on (JSON), and
    what the responsible authority has decided (JSON).
    """

    __tablename__ = "sampling_series"

    product: Mapped[Key]
    step: Mapped[Key]
    level: Mapped[Word]
    aql: Mapped[Word]
    severity: Mapped[Word]
    score: Mapped[int]
    recent: Mapped[Long]
    not_accepted: Mapped[int]
    stopped: Mapped[bool]
    decisions: Mapped[Long]
    n: Mapped[Position]
