"""The ledger, its chains, and what stands beside them: plan revisions, counters, what could not be understood."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Hash, Id, Key, Long, Position, Utc, Word


class Ledger(Base):
    """What happened, once and for ever. Rows are only added; triggers refuse UPDATE and DELETE, with one exception: the
    operator and the veil of a floor event may be forgotten together (`~` and nothing in their places).

    `source` is a station's stream, or `office` for what people do away from a bench. `hash` covers the row and the
    previous hash of the same source. `status`: `recorded`, `quarantined` (not understood, kept as it came) or
    `conflict` (another body under a known event id; `event_id` is then derived, the original stands in `args`).
    `operator_mark` (`mes.wire.operator_mark`) stands for operator and veil in both hashes. `competence` is what the
    gate said of the operator (`mes.verdicts.spelled`): the replay needs it when the operator is forgotten.
    """

    __tablename__ = "ledger"
    __table_args__ = (
        UniqueConstraint("event_id"),
        UniqueConstraint("source", "seq"),
        Index(
            "ix_ledger_office_received_at",
            "source",
            "received_at",
            "seq",
            sqlite_where=text("source = 'office'"),
            postgresql_where=text("source = 'office'"),
        ),
        CheckConstraint("status in ('recorded', 'quarantined', 'conflict')", name="status"),
        CheckConstraint("verdict in ('accepted', 'refused', 'held') or verdict is null", name="verdict"),
    )

    n: Mapped[Position] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[Id]
    seq: Mapped[Position]
    event_id: Mapped[Id]
    kind: Mapped[Word]
    v: Mapped[int]
    captured_at: Mapped[Utc]
    received_at: Mapped[Utc]
    mono_ms: Mapped[Position]
    boot_id: Mapped[Id]
    offset_ms: Mapped[Position | None]
    operator: Mapped[Id | None]
    veil: Mapped[str] = mapped_column(String(32))
    operator_mark: Mapped[Hash]
    asks: Mapped[bool]
    station: Mapped[Id | None]
    body: Mapped[Long]
    sha256: Mapped[Hash]
    status: Mapped[Word]
    verdict: Mapped[Word | None]
    reason: Mapped[Word]
    args: Mapped[Long]
    competence: Mapped[Long]
    prev_hash: Mapped[Hash]
    hash: Mapped[Hash]


class Chain(Base):
    """The head of each source's hash chain."""

    __tablename__ = "chain"

    source: Mapped[Key]
    n: Mapped[Position]
    seq: Mapped[Position]
    hash: Mapped[Hash]


class PlanRevision(Base):
    """A published plan, whole. Never changed: a new content is a new revision, and so is a return to an old one."""

    __tablename__ = "plan_revision"

    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[Hash]
    content: Mapped[Long]
    published_at: Mapped[Utc]
    n: Mapped[Position]


class Quarantine(Base):
    """An event that could not be understood, and the ledger position at which it was tried again with success."""

    __tablename__ = "quarantine"

    event_id: Mapped[Key]
    ledger_n: Mapped[Position]
    station: Mapped[Id | None]
    kind: Mapped[Word]
    why: Mapped[Long]
    requeued_n: Mapped[Position | None]
    n: Mapped[Position]


class Counter(Base):
    """The last number given: nonconformities of a year, serials of a pattern."""

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    value: Mapped[Position]
    n: Mapped[Position]


class Meta(Base):
    """Facts of this database: its generation (renewed by a restore), its keys."""

    __tablename__ = "meta"

    key: Mapped[Key]
    value: Mapped[Long]
