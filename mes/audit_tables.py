"""The tables of the audit file: for each clause of ISO 9001:2015 what the records of a period say, row by row.

Rows are read as they are wanted, so that a year of records needs no more memory than a day of them. People stand as
pseudonyms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Double, Select, cast, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from mes.db.tables import (
    ActionCause,
    ActionTask,
    Calibration,
    Concession,
    CorrectiveAction,
    Instrument,
    LotInspection,
    NcItem,
    Nonconformity,
    Qualification,
    Release,
    WorkOrder,
)
from mes.domain.days import after, start_of
from mes.i18n import N_

BATCH: Final = 1_000
Rows = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Period:
    """Days at the site, both included, and the moments at which they begin and end."""

    first: str
    last: str
    start: str
    end: str

    @classmethod
    def of(cls, first: str, last: str, timezone: str) -> Period:
        """The period of two days."""
        return cls(first, last, start_of(first, timezone), start_of(after(last), timezone))

    def holds(self, column: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """A moment that lies in it."""
        return (column >= self.start) & (column < self.end)

    def holds_day(self, column: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """A day that lies in it."""
        return (column >= self.first) & (column <= self.last)


@dataclass(frozen=True, slots=True)
class AuditTable:
    """One file: where it stands, the clause that asks for it, what it is, its heads, and its rows."""

    name: str
    clause: str
    title: str
    head: Sequence[str]
    query: Callable[[Period], Rows]

    def rows(self, session: Session, period: Period) -> Iterator[Sequence[Any]]:
        """The rows of a period, one by one."""
        for row in session.execute(self.query(period).execution_options(yield_per=BATCH)):
            yield tuple(int(v) if isinstance(v, bool) else v for v in row)


def file_name(text: str) -> str:
    """A text as the name of a file."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", text)


def _ncs(period: Period) -> Rows:
    """Opened in the period, or not over when it began."""
    nc = Nonconformity
    live = (nc.opened_at < period.end) & (nc.closed_at.is_(None) | (nc.closed_at >= period.start))
    columns = (
        nc.id, nc.opened_at, nc.state, nc.severity, nc.title, nc.requirement, nc.product, nc.order, nc.unit, nc.step,
        nc.station, nc.defect, nc.customer, nc.supplier, nc.reference, nc.customer_informed, nc.place, nc.labelled,
        nc.contained_at, nc.analysis, nc.analysed_at, nc.disposition, nc.why, nc.decided_at, nc.closed_at,
        nc.merged_into, nc.cost_material, nc.cost_work, nc.cost_other,
    )  # fmt: skip
    return select(*columns).where(live).order_by(nc.id)


def _items(period: Period) -> Rows:
    nc, item = Nonconformity, NcItem
    live = (nc.opened_at < period.end) & (nc.closed_at.is_(None) | (nc.closed_at >= period.start))
    columns = (
        item.nc, item.item, item.kind, item.subject, item.quantity, item.state, item.disposition, item.decided_by,
        item.decided_at, item.concession, item.verified_at,
    )  # fmt: skip
    return select(*columns).join(nc, nc.id == item.nc).where(live).order_by(item.nc, item.item)


def _concessions(period: Period) -> Rows:
    c = Concession
    columns = (
        c.id, c.nc, c.product, c.step, c.scope, c.serials, c.count, c.remaining, c.expires, c.authority, c.reference,
        c.granted_by, c.granted_at,
    )  # fmt: skip
    return select(*columns).where((c.granted_at < period.end) & (c.expires >= period.first)).order_by(c.id)


def _actions(period: Period) -> Rows:
    a = CorrectiveAction
    live = (a.opened_at < period.end) & (a.ended_at.is_(None) | (a.ended_at >= period.start))
    columns = (
        a.id, a.opened_at, a.state, a.title, a.problem, a.product, a.step, a.defect, a.criterion, a.check_by,
        a.check_after, a.done_at, a.checked_at, a.checked_by, a.before_found, a.before_of, a.after_found, a.after_of,
        a.note,
    )  # fmt: skip
    return select(*columns).where(live).order_by(a.id)


def _causes(period: Period) -> Rows:
    a, c = CorrectiveAction, ActionCause
    columns = (c.action, c.number, c.under, c.branch, c.text, c.root)
    joined = select(*columns).join(a, a.id == c.action).where(a.opened_at < period.end)
    return joined.order_by(c.action, c.number)


def _tasks(period: Period) -> Rows:
    a, task = CorrectiveAction, ActionTask
    columns = (task.action, task.number, task.text, task.owner, task.due, task.done_at, task.evidence)
    joined = select(*columns).join(a, a.id == task.action).where(a.opened_at < period.end)
    return joined.order_by(task.action, task.number)


def _instruments(_period: Period) -> Rows:
    i = Instrument
    columns = (i.id, i.family, i.model, i.serial, i.state, i.months, i.done, i.due, i.result)
    return select(*columns).order_by(i.id)


def _calibrations(period: Period) -> Rows:
    c = Calibration
    columns = (c.instrument, c.number, c.done, c.due, c.result, c.supplier, c.certificate, c.file_name, c.file_sha256)
    return select(*columns).where(period.holds_day(c.done)).order_by(c.instrument, c.number)


def _qualifications(_period: Period) -> Rows:
    q = Qualification
    return select(q.person, q.qualification, q.state, q.since, q.valid_until).order_by(q.person, q.qualification)


def _releases(period: Period) -> Rows:
    r = Release
    columns = (r.id, r.order, r.product, r.scope, r.carton, r.quantity, r.back, r.by, r.released_at, r.note, r.why)
    return select(*columns).where(period.holds(r.released_at)).order_by(r.id)


def _orders(period: Period) -> Rows:
    o, r = WorkOrder, Release
    released = select(r.order).where(period.holds(r.released_at))
    columns = (o.id, o.product, o.quantity, o.customer, o.reference, o.revision, o.state, o.created_at, o.released_at)
    return select(*columns).where(o.id.in_(released)).order_by(o.id)


def _inspections(period: Period) -> Rows:
    i = LotInspection
    columns = (
        i.id, i.at, i.order, i.product, i.step, i.quantity, i.level, cast(i.aql, Double), i.severity, i.letter,
        i.sample, i.accept, i.found, i.state, i.again, i.nc, i.severity_after, i.score_after,
    )  # fmt: skip
    return select(*columns).where(period.holds(i.at)).order_by(i.id)


_AT: Final = N_("Opened")
TABLES: Final[tuple[AuditTable, ...]] = (
    AuditTable(
        "1-nonconformities/log.csv", "8.7.2, 10.2.2", N_("Log of the nonconformities"),
        (
            N_("Nonconformity"), _AT, N_("State"), N_("Severity"), N_("What"), N_("Requirement"), N_("Product"),
            N_("Order"), N_("Unit"), N_("Step"), N_("Station"), N_("Defect"), N_("Customer"), N_("Supplier"),
            N_("Reference"), N_("Customer informed"), N_("Where it lies"), N_("Red label"), N_("Contained"),
            N_("Analysis"), N_("Analysed"), N_("Decision"), N_("Reason"), N_("Decided"), N_("Closed"),
            N_("Merged into"), N_("Cost of material (cents)"), N_("Cost of work (cents)"), N_("Other cost (cents)"),
        ),
        _ncs,
    ),
    AuditTable(
        "1-nonconformities/items.csv", "8.7.1, 8.7.2", N_("What each of them concerns, and the decision on it"),
        (
            N_("Nonconformity"), N_("Item"), N_("Kind"), N_("Concerned"), N_("Pieces"), N_("State"), N_("Decision"),
            N_("Authority"), N_("Decided"), N_("Concession"), N_("Verified again"),
        ),
        _items,
    ),
    AuditTable(
        "2-concessions.csv", "8.7.1 d", N_("Concessions"),
        (
            N_("Concession"), N_("Nonconformity"), N_("Product"), N_("Step"), N_("Scope"), N_("Serials"), N_("Pieces"),
            N_("Left"), N_("Last day"), N_("Permitted by"), N_("Reference"), N_("Authority"), N_("Granted"),
        ),
        _concessions,
    ),
    AuditTable(
        "3-corrective-actions/actions.csv", "10.2", N_("Corrective actions, and whether they have worked"),
        (
            N_("Action"), _AT, N_("State"), N_("What"), N_("Problem"), N_("Product"), N_("Step"), N_("Defect"),
            N_("Criterion"), N_("Checked by count of"), N_("After how many"), N_("All done"), N_("Checked"),
            N_("Authority"), N_("Before: found"), N_("Before: units"), N_("Since: found"), N_("Since: units"),
            N_("Note"),
        ),
        _actions,
    ),
    AuditTable(
        "3-corrective-actions/causes.csv", "10.2.1 b", N_("Their causes"),
        (N_("Action"), N_("Number"), N_("It explains"), N_("Family"), N_("Why?"), N_("root cause")),
        _causes,
    ),
    AuditTable(
        "3-corrective-actions/tasks.csv", "10.2.1 c", N_("Their tasks"),
        (
            N_("Action"), N_("Number"), N_("To do"), N_("Who sees to it"), N_("Until"), N_("Done on"), N_("Evidence"),
        ),
        _tasks,
    ),
    AuditTable(
        "4-instruments/instruments.csv", "7.1.5", N_("Register of the measuring instruments"),
        (
            N_("Instrument"), N_("Kind"), N_("Model"), N_("Serial number"), N_("State"), N_("Months"), N_("Calibrated"),
            N_("Due"), N_("Result"),
        ),
        _instruments,
    ),
    AuditTable(
        "4-instruments/calibrations.csv", "7.1.5.2", N_("Calibrations"),
        (
            N_("Instrument"), N_("Number"), N_("Calibrated"), N_("Due"), N_("Result"), N_("Supplier"),
            N_("Certificate"), N_("File"), "SHA-256",
        ),
        _calibrations,
    ),
    AuditTable(
        "5-qualifications.csv", "7.2", N_("Qualifications, by pseudonym"),
        (N_("Pseudonym"), N_("Qualification"), N_("State"), N_("Since"), N_("Last day")),
        _qualifications,
    ),
    AuditTable(
        "6-releases/releases.csv", "8.6", N_("Releases, with the authority"),
        (
            N_("Release"), N_("Order"), N_("Product"), N_("Scope"), N_("Carton"), N_("Pieces"), N_("Taken back"),
            N_("Authority"), N_("Released"), N_("Note"), N_("Reason"),
        ),
        _releases,
    ),
    AuditTable(
        "6-releases/inspections.csv", "8.6", N_("Lots that were inspected by sampling (ISO 2859-1)"),
        (
            N_("Inspection"), N_("When"), N_("Order"), N_("Product"), N_("Step"), N_("Lot size"), N_("Level"),
            N_("AQL"), N_("Kind of inspection"), N_("Code letter"), N_("Sample size"), N_("Ac"),
            N_("Nonconforming"), N_("Result"),
            N_("Shown again for"), N_("Nonconformity"), N_("Kind of inspection afterwards"), N_("Switching score"),
        ),
        _inspections,
    ),
    AuditTable(
        "6-releases/orders.csv", "8.5.1, 8.6", N_("Orders that were released, with the plan they were made by"),
        (
            N_("Order"), N_("Product"), N_("Quantity"), N_("Customer"), N_("Reference"), N_("Plan revision"),
            N_("State"), N_("Created"), N_("Released"),
        ),
        _orders,
    ),
)  # fmt: skip
