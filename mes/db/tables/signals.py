"""Control charts that are watched while benches measure, and their signals."""

from __future__ import annotations

from sqlalchemy import Double, Index
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Id, Key, Long, Position, Utc, Word


class Watch(Base):
    """A chart as the next reading needs it: the latest readings (JSON, as many as the longest rule looks at) by the
    centre and σ they were judged by, and, while an excursion goes on, its signal and how long ago each rule was broken.
    """

    __tablename__ = "watch"

    product: Mapped[Key]
    step: Mapped[Key]
    test: Mapped[Key]
    centre: Mapped[float] = mapped_column(Double())
    sigma: Mapped[float] = mapped_column(Double())
    readings: Mapped[Long]
    signal: Mapped[Id | None]
    since: Mapped[Long]
    n: Mapped[Position]


class ControlSignal(Base):
    """One excursion of a chart: open, over (the readings came back by themselves), or closed with a cause.

    `broken` (JSON) are the rules, `readings` (JSON) the evidence; `nc` the nonconformity that was opened from it.
    """

    __tablename__ = "control_signal"
    __table_args__ = (Index(None, "state"), Index(None, "opened_at"), Index(None, "nc"))

    id: Mapped[Key]
    product: Mapped[Id]
    step: Mapped[Id]
    test: Mapped[Id]
    station: Mapped[Id]
    measure: Mapped[Word]
    centre: Mapped[float] = mapped_column(Double())
    sigma: Mapped[float] = mapped_column(Double())
    state: Mapped[Word]
    broken: Mapped[Long]
    readings: Mapped[Long]
    event_id: Mapped[Id]
    opened_at: Mapped[Utc]
    over_at: Mapped[Utc | None]
    closed_at: Mapped[Utc | None]
    cause: Mapped[Word]
    why: Mapped[Long]
    nc: Mapped[Id | None]
    n: Mapped[Position]
