"""Units on their way: visits, readings, what is installed, and component lots."""

from __future__ import annotations

from sqlalchemy import Double, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Id, Key, Long, Position, Utc, Word


class UnitRow(Base):
    """One serialised piece and where it stands. See `mes.domain.gate.Unit`."""

    __tablename__ = "unit"
    # Only units on a bench stand in the second index: statistics of a night when there is none mislead no database.
    __table_args__ = (
        Index(None, "order", "state"),
        Index(
            None,
            "station",
            "state",
            sqlite_where=text("station is not null"),
            postgresql_where=text("station is not null"),
        ),
        Index(
            None,
            "permit",
            sqlite_where=text("permit is not null"),
            postgresql_where=text("permit is not null"),
        ),
        Index(None, "n"),
    )

    serial: Mapped[Key]
    order: Mapped[Id]
    product: Mapped[Id]
    state: Mapped[Word]
    step: Mapped[Id]
    visits: Mapped[Long]
    attempts: Mapped[int]
    tested: Mapped[Word | None]
    inspected: Mapped[Word | None]
    station: Mapped[Id | None]
    since: Mapped[Utc]
    nc: Mapped[Id | None]
    treating: Mapped[Id | None]
    reverify: Mapped[Id | None]
    results: Mapped[Long]
    place: Mapped[int | None]
    burn: Mapped[Long | None]
    delivery: Mapped[Id | None]
    permit: Mapped[Id | None]
    n: Mapped[Position]


class Visit(Base):
    """One visit of a unit to a step: the row behind yields. `failures` counts judged failures within the visit."""

    __tablename__ = "visit"
    __table_args__ = (
        Index(None, "step", "ended_at"),
        Index(None, "station", "ended_at"),
        Index(None, "station", "started_at"),
    )

    unit: Mapped[Key]
    step: Mapped[Key]
    visit: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    station: Mapped[Id]
    product: Mapped[Id]
    started_at: Mapped[Utc]
    ended_at: Mapped[Utc | None]
    result: Mapped[Word | None]
    failures: Mapped[int]
    n: Mapped[Position]


class Passage(Base):
    """The way of one unit through the shop, from its first bench to its end; `result` is `done`, `scrapped` or
    `withdrawn`. Only those on their way stand in the last index."""

    __tablename__ = "passage"
    __table_args__ = (
        Index(None, "ended_at", "product", "began_at"),
        Index(None, "began_at", "product", "ended_at"),
        Index(
            "ix_passage_open",
            "product",
            "began_at",
            sqlite_where=text("ended_at is null"),
            postgresql_where=text("ended_at is null"),
        ),
    )

    unit: Mapped[Key]
    product: Mapped[Id]
    began_at: Mapped[Utc]
    ended_at: Mapped[Utc | None]
    result: Mapped[Word | None]
    n: Mapped[Position]


class Reading(Base):
    """One reading of one sample of a unit in burn-in, in the unit of measure of the plan's limits."""

    __tablename__ = "reading"

    unit: Mapped[Key]
    step: Mapped[Key]
    visit: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sample: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    test: Mapped[Key]
    at: Mapped[Utc]
    outcome: Mapped[Word]
    value: Mapped[float | None] = mapped_column(Double())
    n: Mapped[Position]


class Installation(Base):
    """A component in a unit. The partial unique index decides that a serial is in one unit only; an installation that
    contradicts another one is `disputed`, because it happened all the same. `concession`: what it went in under."""

    __tablename__ = "installation"
    __table_args__ = (
        Index(None, "unit"),
        Index(None, "part", "lot"),
        Index(None, "serial"),
        Index(None, "lot"),
        Index(
            "uq_installation_part_serial",
            "part",
            "serial",
            unique=True,
            sqlite_where=text("serial is not null and removed_at is null and not disputed"),
            postgresql_where=text("serial is not null and removed_at is null and not disputed"),
        ),
    )

    id: Mapped[Key]
    unit: Mapped[Id]
    step: Mapped[Id]
    part: Mapped[Id]
    serial: Mapped[Id | None]
    lot: Mapped[Id | None]
    quantity: Mapped[int]
    installed_at: Mapped[Utc]
    removed_at: Mapped[Utc | None]
    disputed: Mapped[bool]
    concession: Mapped[Id | None]
    n: Mapped[Position]
