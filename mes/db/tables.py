"""The tables: the ledger, the state that is folded from it, and what lies outside it (tokens, presence, accounts).

`REPLAYED` names the state tables that `mes ledger verify` builds anew from the ledger and compares, row by row.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Double, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Day, Hash, Id, Key, Long, Position, Utc, Word


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
    """A published plan, whole. Never changed: a new content is a new revision."""

    __tablename__ = "plan_revision"
    __table_args__ = (UniqueConstraint("hash"),)

    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[Hash]
    content: Mapped[Long]
    published_at: Mapped[Utc]
    n: Mapped[Position]


class WorkOrder(Base):
    """A quantity of one product to make, pinned at release to a plan revision.

    `held_from` is the state that a hold has interrupted; `split_from` the order that these pieces were taken from.
    """

    __tablename__ = "work_order"
    __table_args__ = (Index(None, "state"), Index(None, "split_from"))

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
    n: Mapped[Position]


class UnitRow(Base):
    """One serialised piece and where it stands. See `mes.domain.gate.Unit`."""

    __tablename__ = "unit"
    __table_args__ = (Index(None, "order", "state"), Index(None, "station", "state"), Index(None, "n"))

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
    n: Mapped[Position]


class Visit(Base):
    """One visit of a unit to a step: the row behind yields. `failures` counts judged failures within the visit."""

    __tablename__ = "visit"
    __table_args__ = (Index(None, "step", "ended_at"), Index(None, "station", "ended_at"))

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
    contradicts another one is `disputed`, because it happened all the same."""

    __tablename__ = "installation"
    __table_args__ = (
        Index(None, "unit"),
        Index(None, "part", "lot"),
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
    n: Mapped[Position]


class Tally(Base):
    """What a step of a lot-tracked order has counted. `defect` is empty for the good ones."""

    __tablename__ = "tally"

    order: Mapped[Key]
    step: Mapped[Key]
    defect: Mapped[Key]
    quantity: Mapped[int]
    n: Mapped[Position]


class Lot(Base):
    """A component lot that somebody has held or released."""

    __tablename__ = "lot"

    part: Mapped[Key]
    lot: Mapped[Key]
    state: Mapped[Word]
    why: Mapped[Long]
    n: Mapped[Position]


class Label(Base):
    """How often the label of a unit, or the traveller of an order, was printed; `subject` is its serial or number."""

    __tablename__ = "label"

    template: Mapped[str] = mapped_column(String(10), primary_key=True)
    subject: Mapped[Key]
    copies: Mapped[int]
    printed_at: Mapped[Utc]
    n: Mapped[Position]


class Nonconformity(Base):
    """A nonconformity of one unit (or none, when the unit is unknown) and what was decided."""

    __tablename__ = "nonconformity"
    __table_args__ = (Index(None, "state"), Index(None, "unit"))

    id: Mapped[Key]
    unit: Mapped[Id]
    order: Mapped[Id]
    product: Mapped[Id]
    step: Mapped[Id]
    station: Mapped[Id | None]
    cause: Mapped[Word]
    defect: Mapped[Id | None]
    detail: Mapped[Long]
    state: Mapped[Word]
    disposition: Mapped[Word | None]
    why: Mapped[Long]
    event_id: Mapped[Id]
    opened_at: Mapped[Utc]
    decided_at: Mapped[Utc | None]
    closed_at: Mapped[Utc | None]
    n: Mapped[Position]


class StationRow(Base):
    """A station as its events tell: resource state, last verdict, call for help."""

    __tablename__ = "station"

    id: Mapped[Key]
    state: Mapped[Word]
    state_reason: Mapped[Word]
    since: Mapped[Utc]
    signed_in: Mapped[bool]
    verdict: Mapped[Word | None]
    reason: Mapped[Word]
    args: Mapped[Long]
    verdict_at: Mapped[Utc | None]
    unit: Mapped[Id | None]
    help_since: Mapped[Utc | None]
    n: Mapped[Position]


class Fault(Base):
    """A device that does not work now."""

    __tablename__ = "fault"

    station: Mapped[Key]
    device: Mapped[Key]
    fault: Mapped[Id]
    since: Mapped[Utc]
    cleared: Mapped[bool]
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


class Badge(Base):
    """A printed badge and the person who carries it, by pseudonym. A lost one is ended, never given again."""

    __tablename__ = "badge"
    __table_args__ = (Index(None, "person"),)

    id: Mapped[Key]
    person: Mapped[Id]
    language: Mapped[str] = mapped_column(String(2))
    state: Mapped[Word]
    issued_at: Mapped[Utc]
    ended_at: Mapped[Utc | None]
    n: Mapped[Position]


class Qualification(Base):
    """What a person may do, and the last day of it; `withdrawn` ones stay, as evidence."""

    __tablename__ = "qualification"

    person: Mapped[Key]
    qualification: Mapped[Key]
    valid_until: Mapped[str] = mapped_column(String(10))
    state: Mapped[Word]
    since: Mapped[Utc]
    n: Mapped[Position]


class Override(Base):
    """A supervisor let somebody do a unit (or book an order) at a step, the last time; `used` up with that visit."""

    __tablename__ = "override"

    unit: Mapped[Key]
    step: Mapped[Key]
    visit: Mapped[int]
    operator: Mapped[Id]
    station: Mapped[Id]
    by: Mapped[Id]
    reasons: Mapped[Long]
    state: Mapped[Word]
    since: Mapped[Utc]
    n: Mapped[Position]


class Instrument(Base):
    """A measuring instrument of the register. `done`, `due` and `result` are those of the calibration that counts now;
    `retired_on` and `returned_on` the last time that it was taken out of use, and back."""

    __tablename__ = "instrument"
    __table_args__ = (Index(None, "state", "due"),)

    id: Mapped[Key]
    family: Mapped[str] = mapped_column(String(120))
    model: Mapped[str] = mapped_column(String(120))
    serial: Mapped[str] = mapped_column(String(120))
    supplier: Mapped[str] = mapped_column(String(120))
    months: Mapped[int]
    state: Mapped[Word]
    retired_on: Mapped[Day | None]
    returned_on: Mapped[Day | None]
    why: Mapped[Long]
    calibrations: Mapped[int]
    done: Mapped[Day | None]
    due: Mapped[Day | None]
    result: Mapped[Word | None]
    registered_at: Mapped[Utc]
    n: Mapped[Position]


class Calibration(Base):
    """One calibration of an instrument, numbered as they were recorded; its file lies in `file`, by its hash."""

    __tablename__ = "calibration"

    instrument: Mapped[Key]
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    done: Mapped[Day]
    due: Mapped[Day | None]
    result: Mapped[Word]
    supplier: Mapped[str] = mapped_column(String(120))
    certificate: Mapped[str] = mapped_column(String(120))
    file_sha256: Mapped[Hash | None]
    file_name: Mapped[str] = mapped_column(String(120))
    file_size: Mapped[int]
    file_type: Mapped[Word]
    note: Mapped[Long]
    recorded_at: Mapped[Utc]
    n: Mapped[Position]


class MeasuredWith(Base):
    """Which instrument has measured which unit, in which event: what has to be looked at when it is found unfit.

    `outcome` is what counted (`sample`: a reading on the way), `fitness` why the instrument was not fit that day, empty
    when it was. Nobody stands in it.
    """

    __tablename__ = "tested_with"
    __table_args__ = (Index(None, "device", "at", "event_id"), Index(None, "device", "unit"), Index(None, "unit"))

    device: Mapped[Key]
    event_id: Mapped[Key]
    unit: Mapped[Id]
    order: Mapped[Id]
    step: Mapped[Id]
    station: Mapped[Id]
    serial: Mapped[Id]
    at: Mapped[Utc]
    outcome: Mapped[Word]
    fitness: Mapped[Word]
    n: Mapped[Position]


class Counter(Base):
    """The last number given: nonconformities of a year, serials of a pattern."""

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    value: Mapped[Position]
    n: Mapped[Position]


# --- outside the ledger -----------------------------------------------------------------------------------------------


class Stream(Base):
    """The life of one outbox: how far the server has it. Protocol state: duplicates after a fork move it, too."""

    __tablename__ = "stream"

    stream_id: Mapped[Key]
    station: Mapped[Id]
    hwm_seq: Mapped[Position]
    hwm_event_id: Mapped[Id | None]
    created_at: Mapped[Utc]


class Presence(Base):
    """What a station said of itself at its last hello, and the alarm (`mes.keys.Alarm`) that nobody has seen to yet."""

    __tablename__ = "presence"

    station: Mapped[Key]
    stream_id: Mapped[Id]
    agent: Mapped[Id]
    machine_id: Mapped[str] = mapped_column(String(128))
    seen_at: Mapped[Utc]
    kept: Mapped[int]
    offset_ms: Mapped[Position]
    alarm: Mapped[Long]


class Token(Base):
    """A station's key to the door; only its hash is here.

    `replaces` and no `used_at`: it was offered for that one, and both are good until it is used. `rotate_at`: since
    then a new one is offered for it. The boots are those of `mes.keys.Holder`.
    """

    __tablename__ = "token"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    station: Mapped[Id]
    machine_id: Mapped[str] = mapped_column(String(128))
    created_at: Mapped[Utc]
    revoked_at: Mapped[Utc | None]
    replaces: Mapped[Hash | None]
    used_at: Mapped[Utc | None]
    rotate_at: Mapped[Utc | None]
    boot_id: Mapped[Id | None]
    boot_before: Mapped[Id | None]
    boot_refused: Mapped[Id | None]


class EnrolCode(Base):
    """A code that lets one station PC in, once, within 15 minutes."""

    __tablename__ = "enrol_code"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    station: Mapped[Id]
    expires_at: Mapped[Utc]
    used_at: Mapped[Utc | None]


class Person(Base):
    """The one table that knows a name. Everything else knows the pseudonym; erasing the row leaves all of it valid."""

    __tablename__ = "person"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(120))
    language: Mapped[str] = mapped_column(String(2))
    created_at: Mapped[Utc]


class Account(Base):
    """A person's way in at the web pages. `password` and `pin` are argon2id hashes; `pin` is a supervisor's."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("login"),)

    person: Mapped[Key]
    login: Mapped[Id]
    password: Mapped[str] = mapped_column(String(200))
    pin: Mapped[str | None] = mapped_column(String(200))
    active: Mapped[bool]
    must_change: Mapped[bool]
    created_at: Mapped[Utc]


class AccountRole(Base):
    """One role of an account; which there are stands in `mes.wire.Role`."""

    __tablename__ = "account_role"

    person: Mapped[Key]
    role: Mapped[str] = mapped_column(String(40), primary_key=True)


class WebSession(Base):
    """A browser that is signed in; only the hash of its key is here. A session that has ended has no row."""

    __tablename__ = "web_session"
    __table_args__ = (Index(None, "person"),)

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    person: Mapped[Id]
    created_at: Mapped[Utc]
    seen_at: Mapped[Utc]


class File(Base):
    """A file that a ledger row names by its hash: a certificate. In the database, so that every backup holds it."""

    __tablename__ = "file"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Meta(Base):
    """Facts of this database: its generation (renewed by a restore), its keys."""

    __tablename__ = "meta"

    key: Mapped[Key]
    value: Mapped[Long]


REPLAYED: Final[tuple[type[Base], ...]] = (
    Chain,
    PlanRevision,
    WorkOrder,
    UnitRow,
    Visit,
    Reading,
    Installation,
    Tally,
    Lot,
    Label,
    Nonconformity,
    StationRow,
    Fault,
    Quarantine,
    Badge,
    Qualification,
    Override,
    Instrument,
    Calibration,
    MeasuredWith,
    Counter,
)
