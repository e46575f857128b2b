"""The working set of one transaction: every row that its events touch, loaded with one query a table, kept as frozen
values in memory, and stored as the difference with one statement a table.

It knows tables and nothing of rules. What is not loaded when it is asked for is fetched then, so a forgotten preload
costs time and never truth. Each event's changes can be taken back (`mark`, `undo`): an event that cannot be understood
leaves no trace.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from functools import cache
from typing import Any, Final, Generic, Literal, TypeVar

from sqlalchemy import Boolean, Table, and_, bindparam, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from mes.db import tables as t
from mes.db.base import Base
from mes.db.prepared import Prepared, PreparedIn
from mes.db.session import connection_of
from mes.domain import calibration
from mes.domain.burn_in import Burn
from mes.domain.calibration import Instrument
from mes.domain.days import day_at
from mes.domain.gate import Unit, Worker
from mes.domain.packing import Carton
from mes.domain.route import Plan
from mes.plan import from_content
from mes.rows import (
    ActionCauseRow,
    ActionNcRow,
    ActionRow,
    ActionTaskRow,
    BadgeRow,
    CalibrationRow,
    CartonEventRow,
    ChainRow,
    ConcessionRow,
    CounterRow,
    DeliveryItemRow,
    DeliveryRow,
    FailureRow,
    FaultRow,
    InspectedUnitRow,
    InspectionRow,
    InstallationRow,
    InstrumentRow,
    IssuedDossierRow,
    IssuedPaperRow,
    LabelRow,
    LoadedRow,
    LogViewRow,
    LotRow,
    LotUseRow,
    MeasuredWithRow,
    NcEventRow,
    NcItemRow,
    NcRemarkRow,
    NcRow,
    NcTextRow,
    OrderEventRow,
    OrderRow,
    OverrideRow,
    PackedRow,
    PassageRow,
    PlanRow,
    QualificationRow,
    QuarantineRow,
    ReadingRow,
    ReceiptRow,
    ReleasedUnitRow,
    ReleaseRow,
    SeriesRow,
    SignalRow,
    SpreadRow,
    StationSpanRow,
    StationState,
    StepDefectRow,
    StepOrderRow,
    StepQuarterRow,
    TallyRow,
    UnitEventRow,
    VisitRow,
    WatchRow,
)

R = TypeVar("R")
PackedBy = Literal["carton", "unit", "order", "inner"]
KEEP_ROWS: Final = 100_000  # rows that a working set may carry into the next transaction; about 60 MB
CHUNK: Final = 500  # keys in one IN list; SQLite's own bound on variables is higher, its planner is happier here


@cache
def _upsert(table: Table, postgres: bool) -> Prepared:
    """Insert, or update where the key is there: one statement for a table's difference."""
    insert = postgresql.insert(table) if postgres else sqlite.insert(table)
    keys = [c.name for c in table.primary_key]
    rest = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in keys}
    return Prepared(insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=rest))


def _rows_where(table: Table, columns: Sequence[str], condition: Callable[[Any], Any]) -> PreparedIn:
    """All columns of a table, and the position of the last change, where a condition on some keys holds."""
    return PreparedIn(lambda keys: select(*[table.c[c] for c in columns], table.c.n).where(condition(keys)))


@cache
def _by_key(table: Table, columns: tuple[str, ...]) -> PreparedIn:
    (key,) = table.primary_key
    return _rows_where(table, columns, key.in_)


@cache
def _by_whole_key(table: Table, columns: tuple[str, ...]) -> Prepared:
    """One row of a table whose key has several columns."""
    condition = and_(*[key == bindparam(f"of_{key.name}") for key in table.primary_key])
    return Prepared(select(*[table.c[c] for c in columns], table.c.n).where(condition))


_GONE: Final = object()


class Shelf(Generic[R]):
    """The rows of one table that a transaction has in its hands, by primary key (a tuple)."""

    def __init__(self, world: World, table: type[Base], row: Callable[..., R], columns: Sequence[str]) -> None:
        self.world = world
        self.table: Table = table.__table__  # type: ignore[assignment]
        self.key_names = tuple(c.name for c in self.table.primary_key)
        self.columns = tuple(columns)
        self._row = row
        self._keys = [self.table.c[k] for k in self.key_names]
        self._all = select(*[self.table.c[c] for c in self.columns], self.table.c.n)
        self._bools = [c.name for c in self.table.columns if isinstance(c.type, Boolean)]
        self._by_key = _by_key(self.table, self.columns) if len(self._keys) == 1 else None
        self.rows: dict[tuple[Any, ...], tuple[R, int] | None] = {}
        self.changed: dict[tuple[Any, ...], None] = {}

    def make(self, values: Mapping[str, Any]) -> R:
        """A row from column values."""
        return self._row(**values)

    def values(self, row: R) -> dict[str, Any]:
        """Column values of a row."""
        return {c: getattr(row, c) for c in self.columns}

    def load(self, keys: Iterable[tuple[Any, ...]]) -> None:
        """Fetch these rows with one query (in pieces); those that are not there are remembered as absent."""
        wanted = [k for k in dict.fromkeys(keys) if k not in self.rows]
        for i in range(0, len(wanted), CHUNK):
            piece = wanted[i : i + CHUNK]
            self.rows.update(dict.fromkeys(piece))
            if self._by_key is not None:
                self._take(self._by_key.run(self.world.connection, [k[0] for k in piece]))
            elif len(piece) == 1:
                of = {f"of_{name}": value for name, value in zip(self.key_names, piece[0], strict=True)}
                self._take(_by_whole_key(self.table, self.columns).run(self.world.connection, [of]))
            else:
                self.load_where(tuple_(*self._keys).in_(piece))

    def load_where(self, condition: Any) -> list[R]:
        """Fetch all rows of a condition; rows already in hand win over what the database says."""
        return self._take(self.world.connection.execute(self._all.where(condition)))

    def load_by(self, statement: PreparedIn, keys: Sequence[str]) -> list[R]:
        """The same with a statement of `_rows_where`."""
        return self._take(statement.run(self.world.connection, keys))

    def _take(self, records: Iterable[Any]) -> list[R]:
        out = []
        for record in records:
            values = dict(zip(self.columns, record[:-1], strict=True))
            for name in self._bools:
                values[name] = bool(values[name])
            key = tuple(values[k] for k in self.key_names)
            if self.rows.get(key) is None:
                self.rows[key] = (self.make(values), record[-1])
            held = self.rows[key]
            assert held is not None
            out.append(held[0])
        return out

    def get(self, *key: Any) -> R | None:
        """The row, or None when there is none."""
        if key not in self.rows:
            self.load([key])
        held = self.rows[key]
        return held[0] if held else None

    def put(self, row: R) -> None:
        """A new or changed row; stored at the end, with the ledger position of the event that changed it."""
        key = tuple(getattr(row, k) for k in self.key_names)
        self.world.set(self.rows, key, (row, self.world.n))
        if key not in self.changed:
            self.world.set(self.changed, key, None)

    def store(self) -> None:
        """Write what changed, with one statement."""
        if not self.changed:
            return
        records: list[dict[str, Any]] = []
        for key in self.changed:
            held = self.rows[key]
            assert held is not None
            records.append({**self.values(held[0]), "n": held[1]})
        connection = self.world.connection
        _upsert(self.table, connection.dialect.name == "postgresql").run(connection, records)
        self.changed.clear()


_JSON: Final = ("visits", "results")


class UnitShelf(Shelf[Unit]):
    """Units: the only row that the rules define themselves; `visits`, `results` and `burn` are JSON."""

    def make(self, values: Mapping[str, Any]) -> Unit:
        """A unit from column values."""
        read = {name: json.loads(values[name]) for name in _JSON}
        burn = Burn(**json.loads(values["burn"])) if values["burn"] else None
        return Unit(**{**values, **read, "burn": burn})

    def values(self, row: Unit) -> dict[str, Any]:
        """Column values of a unit."""
        spelled = {name: json.dumps(getattr(row, name), sort_keys=True, separators=(",", ":")) for name in _JSON}
        burn = json.dumps(asdict(row.burn), sort_keys=True, separators=(",", ":")) if row.burn else None
        return {**super().values(row), **spelled, "burn": burn}


class StationShelf(Shelf[StationState]):
    """Stations: `args` is JSON in its column, written once a transaction however many verdicts there were."""

    def make(self, values: Mapping[str, Any]) -> StationState:
        """A station from column values."""
        return StationState(**{**values, "args": json.loads(values["args"])})

    def values(self, row: StationState) -> dict[str, Any]:
        """Column values of a station."""
        return {**super().values(row), "args": json.dumps(row.args, ensure_ascii=False, sort_keys=True)}


class PlanCache:
    """Decoded plans by revision; a published plan never changes, so a process decodes each once."""

    def __init__(self) -> None:
        self._plans: dict[tuple[int, str], Plan] = {}

    def plan(self, revision: int, content_hash: str, content: Callable[[], str]) -> Plan:
        """The plan of a revision, decoded at most once."""
        key = (revision, content_hash)
        if key not in self._plans:
            self._plans[key] = from_content(json.loads(content()))
        return self._plans[key]


PLANS: Final = PlanCache()


def _columns(row: type[Any]) -> list[str]:
    return [f.name for f in fields(row)]


_IN: Final = t.Installation
_INSIDE: Final = _rows_where(
    _IN.__table__,  # type: ignore[arg-type]
    _columns(InstallationRow),
    lambda units: and_(_IN.unit.in_(units), _IN.removed_at.is_(None)),
)
_USED: Final = _rows_where(
    _IN.__table__,  # type: ignore[arg-type]
    _columns(InstallationRow),
    lambda serials: and_(_IN.serial.in_(serials), _IN.removed_at.is_(None), _IN.disputed.is_(False)),
)


class World:
    """All shelves of one transaction, the look-ups across them, and the position that is being written."""

    def __init__(self, session: Session, plans: PlanCache = PLANS) -> None:
        self.session = session
        self.connection = connection_of(session)
        self.n = 0
        self.journal: list[tuple[dict[Any, Any], Any, Any]] = []
        self.units = UnitShelf(self, t.UnitRow, Unit, _columns(Unit))
        self.orders = Shelf(self, t.WorkOrder, OrderRow, _columns(OrderRow))
        self.visits = Shelf(self, t.Visit, VisitRow, _columns(VisitRow))
        self.passages = Shelf(self, t.Passage, PassageRow, _columns(PassageRow))
        self.readings = Shelf(self, t.Reading, ReadingRow, _columns(ReadingRow))
        self.installations = Shelf(self, t.Installation, InstallationRow, _columns(InstallationRow))
        self.tallies = Shelf(self, t.Tally, TallyRow, _columns(TallyRow))
        self.lots = Shelf(self, t.Lot, LotRow, _columns(LotRow))
        self.receipts = Shelf(self, t.Receipt, ReceiptRow, _columns(ReceiptRow))
        self.loaded = Shelf(self, t.Loaded, LoadedRow, _columns(LoadedRow))
        self.lot_uses = Shelf(self, t.LotUse, LotUseRow, _columns(LotUseRow))
        self.labels = Shelf(self, t.Label, LabelRow, _columns(LabelRow))
        self.ncs = Shelf(self, t.Nonconformity, NcRow, _columns(NcRow))
        self.nc_items = Shelf(self, t.NcItem, NcItemRow, _columns(NcItemRow))
        self.nc_remarks = Shelf(self, t.NcRemark, NcRemarkRow, _columns(NcRemarkRow))
        self.concessions = Shelf(self, t.Concession, ConcessionRow, _columns(ConcessionRow))
        self.stations = StationShelf(self, t.StationRow, StationState, _columns(StationState))
        self.faults = Shelf(self, t.Fault, FaultRow, _columns(FaultRow))
        self.quarantine = Shelf(self, t.Quarantine, QuarantineRow, _columns(QuarantineRow))
        self.badges = Shelf(self, t.Badge, BadgeRow, _columns(BadgeRow))
        self.qualifications = Shelf(self, t.Qualification, QualificationRow, _columns(QualificationRow))
        self.overrides = Shelf(self, t.Override, OverrideRow, _columns(OverrideRow))
        self.instruments = Shelf(self, t.Instrument, InstrumentRow, _columns(InstrumentRow))
        self.calibrations = Shelf(self, t.Calibration, CalibrationRow, _columns(CalibrationRow))
        self.tested_with = Shelf(self, t.MeasuredWith, MeasuredWithRow, _columns(MeasuredWithRow))
        self.cartons = Shelf(self, t.CartonRow, Carton, _columns(Carton))
        self.packed = Shelf(self, t.Packed, PackedRow, _columns(PackedRow))
        self.carton_events = Shelf(self, t.CartonEvent, CartonEventRow, _columns(CartonEventRow))
        self.order_events = Shelf(self, t.OrderEvent, OrderEventRow, _columns(OrderEventRow))
        self.nc_texts = Shelf(self, t.NcText, NcTextRow, _columns(NcTextRow))
        self.nc_events = Shelf(self, t.NcEvent, NcEventRow, _columns(NcEventRow))
        self.log_views = Shelf(self, t.LogView, LogViewRow, _columns(LogViewRow))
        self.unit_events = Shelf(self, t.UnitEvent, UnitEventRow, _columns(UnitEventRow))
        self.dossiers = Shelf(self, t.IssuedDossier, IssuedDossierRow, _columns(IssuedDossierRow))
        self.papers = Shelf(self, t.IssuedPaper, IssuedPaperRow, _columns(IssuedPaperRow))
        self.releases = Shelf(self, t.Release, ReleaseRow, _columns(ReleaseRow))
        self.released = Shelf(self, t.ReleasedUnit, ReleasedUnitRow, _columns(ReleasedUnitRow))
        self.actions = Shelf(self, t.CorrectiveAction, ActionRow, _columns(ActionRow))
        self.action_causes = Shelf(self, t.ActionCause, ActionCauseRow, _columns(ActionCauseRow))
        self.action_tasks = Shelf(self, t.ActionTask, ActionTaskRow, _columns(ActionTaskRow))
        self.action_ncs = Shelf(self, t.ActionNc, ActionNcRow, _columns(ActionNcRow))
        self.deliveries = Shelf(self, t.Delivery, DeliveryRow, _columns(DeliveryRow))
        self.delivery_items = Shelf(self, t.DeliveryItem, DeliveryItemRow, _columns(DeliveryItemRow))
        self.counters = Shelf(self, t.Counter, CounterRow, _columns(CounterRow))
        self.step_quarters = Shelf(self, t.StepQuarter, StepQuarterRow, _columns(StepQuarterRow))
        self.step_orders = Shelf(self, t.StepOrder, StepOrderRow, _columns(StepOrderRow))
        self.step_defects = Shelf(self, t.StepDefect, StepDefectRow, _columns(StepDefectRow))
        self.failures = Shelf(self, t.Failure, FailureRow, _columns(FailureRow))
        self.spreads = Shelf(self, t.Spread, SpreadRow, _columns(SpreadRow))
        self.station_spans = Shelf(self, t.StationSpan, StationSpanRow, _columns(StationSpanRow))
        self.watches = Shelf(self, t.Watch, WatchRow, _columns(WatchRow))
        self.signals = Shelf(self, t.ControlSignal, SignalRow, _columns(SignalRow))
        self.inspections = Shelf(self, t.LotInspection, InspectionRow, _columns(InspectionRow))
        self.inspected = Shelf(self, t.InspectedUnit, InspectedUnitRow, _columns(InspectedUnitRow))
        self.series = Shelf(self, t.SamplingSeries, SeriesRow, _columns(SeriesRow))
        self.chains = Shelf(self, t.Chain, ChainRow, _columns(ChainRow))
        self.plan_rows = Shelf(self, t.PlanRevision, PlanRow, _columns(PlanRow))
        self._plans = plans
        self._latest: int | None = None
        self._inside: dict[str, dict[str, InstallationRow]] = {}
        self._used: dict[tuple[str, str], str | None] = {}
        self._present: dict[str, dict[str, None]] = {}
        self._packed: dict[tuple[str, str], dict[str, PackedRow]] = {}

    @property
    def shelves(self) -> tuple[Shelf[Any], ...]:
        """Every shelf, in the order in which they are stored."""
        return (
            self.plan_rows,
            self.orders,
            self.units,
            self.visits,
            self.passages,
            self.readings,
            self.installations,
            self.tallies,
            self.lots,
            self.receipts,
            self.loaded,
            self.lot_uses,
            self.labels,
            self.ncs,
            self.nc_items,
            self.nc_remarks,
            self.concessions,
            self.stations,
            self.faults,
            self.quarantine,
            self.badges,
            self.qualifications,
            self.overrides,
            self.instruments,
            self.calibrations,
            self.tested_with,
            self.cartons,
            self.packed,
            self.carton_events,
            self.unit_events,
            self.order_events,
            self.nc_events,
            self.nc_texts,
            self.log_views,
            self.dossiers,
            self.papers,
            self.releases,
            self.released,
            self.actions,
            self.action_causes,
            self.action_tasks,
            self.action_ncs,
            self.deliveries,
            self.delivery_items,
            self.counters,
            self.step_quarters,
            self.step_orders,
            self.step_defects,
            self.failures,
            self.spreads,
            self.station_spans,
            self.watches,
            self.signals,
            self.inspections,
            self.inspected,
            self.series,
            self.chains,
        )

    # --- keep between transactions ---

    def begin(self, session: Session, position: int) -> World:
        """This working set for the next transaction, or a fresh one when it is not the truth any more.

        State rows change with ledger rows only. So as long as the ledger's last position is the one that this working
        set has written itself, everything that it holds is what the database holds.
        """
        size = sum(len(shelf.rows) for shelf in self.shelves)
        if position != self.n or self.journal or size > KEEP_ROWS:
            return World(session, self._plans)
        self.session = session
        self.connection = connection_of(session)
        return self

    # --- take back ---

    def mark(self) -> int:
        """A place to come back to."""
        return len(self.journal)

    def undo(self, mark: int) -> None:
        """Take back every change since the mark, the last first."""
        while len(self.journal) > mark:
            where, key, before = self.journal.pop()
            if before is _GONE:
                where.pop(key, None)
            else:
                where[key] = before

    def set(self, where: dict[Any, Any], key: Any, value: Any) -> None:
        """Put a value into one of this working set's tables, so that it can be taken back; `_GONE` removes it."""
        self.journal.append((where, key, where.get(key, _GONE)))
        if value is _GONE:
            where.pop(key, None)
        else:
            where[key] = value

    def store(self) -> None:
        """Write all that changed."""
        for shelf in self.shelves:
            shelf.store()
        self.journal.clear()

    # --- plans ---

    def plan(self, revision: int) -> Plan | None:
        """The plan of a revision, None when there is none."""
        row = self.plan_rows.get(revision)
        return self._plans.plan(row.revision, row.hash, lambda: row.content) if row else None

    def day(self, at: str) -> str:
        """The site's own day of a UTC text, `YYYY-MM-DD`; that of UTC before the first plan."""
        plan = self.plan(self.latest_revision())
        return day_at(at, plan.plant.timezone if plan else "UTC")

    def latest_revision(self) -> int:
        """The newest published revision, 0 when nothing is published."""
        if self._latest is None:
            column = t.PlanRevision.revision
            self._latest = int(self.session.scalar(select(column).order_by(column.desc()).limit(1)) or 0)
        return max([self._latest, *(int(k[0]) for k, v in self.plan_rows.rows.items() if v)])  # a handful of revisions

    # --- look-ups across rows ---

    def load_inside(self, units: Iterable[str]) -> None:
        """Fetch what is in these units."""
        wanted = [u for u in dict.fromkeys(units) if u not in self._inside]
        for i in range(0, len(wanted), CHUNK):
            piece = wanted[i : i + CHUNK]
            for unit in piece:
                self._inside[unit] = {}
            rows = self.installations.load_by(_INSIDE, piece)
            for row in sorted(rows, key=lambda r: (r.installed_at, r.id)):
                self._inside[row.unit][row.id] = row

    def inside(self, unit: str) -> list[InstallationRow]:
        """What is in a unit now, the oldest first."""
        if unit not in self._inside:
            self.load_inside([unit])
        return list(self._inside[unit].values())

    def load_used(self, components: Iterable[tuple[str, str]]) -> None:
        """Fetch where these serialised components (part, serial) are."""
        wanted = [c for c in dict.fromkeys(components) if c not in self._used]
        for i in range(0, len(wanted), CHUNK):
            piece = wanted[i : i + CHUNK]
            self._used.update(dict.fromkeys(piece))
            for row in self.installations.load_by(_USED, [s for _, s in piece]):
                assert row.serial is not None
                if row.removed_at is None and not row.disputed:
                    self._used[(row.part, row.serial)] = row.unit

    def used_in(self, part: str, serial: str | None) -> str | None:
        """The unit that holds this serialised component, None when none does."""
        if not serial:
            return None
        if (part, serial) not in self._used:
            self.load_used([(part, serial)])
        return self._used[(part, serial)]

    def load_present(self, stations: Iterable[str]) -> None:
        """Fetch the units in work at these stations."""
        wanted = [s for s in dict.fromkeys(stations) if s not in self._present]
        if not wanted:
            return
        for station in wanted:
            self._present[station] = {}
        rows = self.units.load_where(and_(t.UnitRow.station.in_(wanted), t.UnitRow.state == "in_work"))
        for unit in rows:
            # A unit already in hand may have moved on since the database last heard of it.
            if unit.state == "in_work" and unit.station in self._present:
                self._present[unit.station][unit.serial] = None

    def present(self, station: str) -> list[str]:
        """The units in work at a station."""
        self.load_present([station])
        return list(self._present[station])

    def worker(self, badge: str, qualification: str | None = None) -> Worker | None:
        """Who carries a badge, as far as a step with this qualification asks; None when the badge is unknown."""
        row = self.badges.get(badge)
        if row is None:
            return None
        held = self.qualifications.get(row.person, qualification) if qualification else None
        until = {held.qualification: held.valid_until} if held and held.state == "granted" else {}
        return Worker(row.id, row.state == "active", until, row.language)

    def calibrations_of(self, row: InstrumentRow) -> list[CalibrationRow]:
        """All calibrations of an instrument, as they were recorded."""
        keys = [(row.id, number) for number in range(1, row.calibrations + 1)]
        self.calibrations.load(keys)
        return [found for key in keys if (found := self.calibrations.get(*key))]

    def items_of(self, row: NcRow) -> list[NcItemRow]:
        """All that a nonconformity concerns, in the order of its numbers."""
        keys = [(row.id, number) for number in range(1, row.items + 1)]
        self.nc_items.load(keys)
        return [found for key in keys if (found := self.nc_items.get(*key))]

    def instrument(self, number: str, day: str) -> Instrument | None:
        """How an instrument stood on a day; None when the register does not have it."""
        row = self.instruments.get(number)
        if row is None:
            return None
        history = [c.rule for c in self.calibrations_of(row)]
        return calibration.standing(row.id, history, day, retired_on=row.retired_on, returned_on=row.returned_on)

    def packed_by(self, column: PackedBy, key: str) -> list[PackedRow]:
        """What is packed now, the oldest first: in a carton, of a unit, of a counted order, or one carton."""
        index = (column, key)
        if index not in self._packed:
            where = t.Packed.__table__.c
            condition = and_(where[column] == key, where.removed_at.is_(None))
            if column == "order":
                condition = and_(condition, where.unit.is_(None), where.inner.is_(None))
            rows = self.packed.load_where(condition)
            self._packed[index] = {row.id: row for row in rows if row.removed_at is None}
        return sorted(self._packed[index].values(), key=lambda row: (row.packed_at, row.id))

    # --- changes that touch a look-up ---

    def put_unit(self, unit: Unit) -> None:
        """A unit's new state; keeps the look-up of who is where."""
        before = self.units.get(unit.serial)
        was = before.station if before and before.state == "in_work" else None
        now = unit.station if unit.state == "in_work" else None
        if was != now:
            self.load_present([s for s in (was, now) if s])
            if was:
                self.set(self._present[was], unit.serial, _GONE)
            if now:
                self.set(self._present[now], unit.serial, None)
        self.units.put(unit)

    def put_installation(self, row: InstallationRow) -> None:
        """A component in or out; keeps the look-ups of what is where."""
        self.inside(row.unit)  # fetched before the change, or the change would be fetched twice
        self.set(self._inside[row.unit], row.id, row if row.removed_at is None else _GONE)
        if row.serial and not row.disputed:
            self.used_in(row.part, row.serial)
            self.set(self._used, (row.part, row.serial), row.unit if row.removed_at is None else None)
        self.installations.put(row)

    def put_packed(self, row: PackedRow) -> None:
        """Something went into a carton or came out; keeps the look-ups of what is where."""
        keys: list[tuple[PackedBy, str | None]] = [("carton", row.carton), ("unit", row.unit), ("inner", row.inner)]
        keys += [("order", row.order)] if row.unit is None and row.inner is None else []
        for column, key in keys:
            if key is not None:
                self.packed_by(column, key)  # fetched before the change, or the change would be fetched twice
                self.set(self._packed[(column, key)], row.id, row if row.removed_at is None else _GONE)
        self.packed.put(row)

    def next_number(self, name: str) -> int:
        """The next number of a counter: gapless, because it is taken in the transaction that uses it."""
        held = self.counters.get(name)
        value = (held.value if held else 0) + 1
        self.counters.put(CounterRow(name, value))
        return value
