"""The nonconformity log: what an auditor takes away, filtered and sorted. Reads only.

One filter serves the page and every file, so that a file holds exactly what the page shows. `lines` reads in batches:
a log of any length takes the same memory.

Source: ISO 9001:2015, 8.7.2: the nonconformity, the actions, the concessions, the authority that decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from mes.db.base import utc_text
from mes.db.tables import Concession, NcItem, NcText, Nonconformity, WorkOrder
from mes.domain.nonconformity import LIVE, UNDECIDED, due
from mes.domain.plain import plain
from mes.domain.route import NcLimits, Plan
from mes.i18n import N_
from mes.measured import PAGE

BATCH: Final = 500
SORTS: Final = ("newest", "oldest", "customer", "product")
SEVERITIES: Final = {"minor": N_("minor"), "major": N_("major"), "critical": N_("critical")}
SOURCES: Final = {
    "test_failed": N_("failed test"),
    "defect_found": N_("defect seen"),
    "contradiction": N_("not planned"),
    "lot_held": N_("held component lot"),
    "sample": N_("sample of a lot"),
    "reported": N_("reported by the office"),
}
"""Where a nonconformity comes from. English; translated when it is shown."""
SAMPLES: Final = {
    True: N_("Found in the sample of lot %(inspection)s"),
    False: N_("Lot %(inspection)s is not accepted"),
}
"""What a nonconformity from a sample is about, by whether its lot was accepted."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What is wanted of the log; empty: all. Days are the site's, both ends included."""

    first: date | None = None
    last: date | None = None
    product: str = ""
    customer: str = ""
    order: str = ""
    supplier: str = ""
    station: str = ""
    step: str = ""
    defect: str = ""
    severity: str = ""
    source: str = ""
    state: str = ""
    disposition: str = ""
    overdue: bool = False
    text: str = ""
    sort: str = SORTS[0]

    def said(self) -> dict[str, str]:
        """What of it is not left out, as it stands in an address."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            name: "1" if value is True else str(value)
            for name, value in values.items()
            if value and (name, value) != ("sort", SORTS[0])
        }


NAMES: Final = tuple(f.name for f in fields(Filter))
_EQUAL: Final = ("product", "order", "station", "step", "defect", "severity")
NONE: Final = "-"
"""As the value of a name: those that have none."""


def read(given: Mapping[str, str]) -> tuple[Filter, tuple[str, ...]]:
    """A filter out of an address or a command line, and the names whose values cannot be: those are left out."""
    values: dict[str, Any] = {}
    wrong = []
    for name in NAMES:
        text = given.get(name, "").strip()[:120]
        if not text:
            continue
        if name in ("first", "last"):
            day = _day(text)
            values |= {name: day} if day else {}
            wrong += [] if day else [name]
        elif name == "overdue":
            values[name] = text not in ("0", "no")
        elif name == "sort" and text not in SORTS:
            wrong.append(name)
        else:
            values[name] = text
    return Filter(**values), tuple(wrong)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 9000 else None


@dataclass(frozen=True, slots=True)
class Log:
    """What the log is read with: the site's clock and limits. `now` is aware."""

    now: datetime
    timezone: str = "UTC"
    limits: NcLimits = field(default_factory=NcLimits)

    @classmethod
    def of(cls, plan: Plan | None, now: datetime) -> Log:
        """As the plan says."""
        return cls(now, plan.plant.timezone, plan.plant.nonconformity or NcLimits()) if plan else cls(now)

    def midnight(self, day: date) -> str:
        """The beginning of a day at the site, as UTC text."""
        return utc_text(datetime.combine(day, datetime.min.time(), ZoneInfo(self.timezone)))

    def local(self, at: str | None) -> datetime | None:
        """A kept time at the site's clock, to the second, without a zone."""
        if not at:
            return None
        return datetime.fromisoformat(at).astimezone(ZoneInfo(self.timezone)).replace(tzinfo=None, microsecond=0)

    def ago(self, days: int) -> str:
        """So many days before now, as UTC text."""
        return utc_text(self.now - timedelta(days=days))

    def age(self, row: Nonconformity) -> int:
        """Whole days from its report to its end, or to now."""
        end = datetime.fromisoformat(row.closed_at) if row.closed_at else self.now
        return max(0, (end - datetime.fromisoformat(row.opened_at)).days)

    def late(self, row: Nonconformity) -> bool:
        """Has it waited longer than the plan allows?"""
        return any(row.state in states and row.opened_at < self.ago(days) for states, days in due(self.limits))

    def overdue(self) -> ColumnElement[bool]:
        """The same, asked of the database."""
        nc = Nonconformity
        return or_(*(and_(nc.state.in_(states), nc.opened_at < self.ago(days)) for states, days in due(self.limits)))


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the log: the nonconformity, whose it is, how old, what it concerns and what was permitted."""

    row: Nonconformity
    customer: str
    age: int
    overdue: bool
    items: Sequence[NcItem] = ()
    concessions: Sequence[Concession] = ()


CUSTOMER: Final = func.coalesce(func.nullif(Nonconformity.customer, ""), WorkOrder.customer, "")


def _is(column: Any, value: str) -> ColumnElement[bool]:
    return func.coalesce(column, "") == "" if value == NONE else column == value


def _named(column: Any, value: str) -> ColumnElement[bool]:
    """Part of a name; with `=` in front the whole of it; `-`: none."""
    if value == NONE or value.startswith("="):
        return _is(column, value.removeprefix("="))
    found: ColumnElement[bool] = column.icontains(value, autoescape=True)
    return found


def where(log: Log, wanted: Filter) -> list[ColumnElement[bool]]:
    """What a row must be to fit; one about a customer needs the row of the order, too (`joined`)."""
    nc = Nonconformity
    made = [_is(nc.__table__.c[name], getattr(wanted, name)) for name in _EQUAL if getattr(wanted, name)]
    if wanted.first:
        made.append(nc.opened_at >= log.midnight(wanted.first))
    if wanted.last:
        made.append(nc.opened_at < log.midnight(wanted.last + timedelta(days=1)))
    if wanted.customer:
        made.append(_named(CUSTOMER, wanted.customer))
    if wanted.supplier:
        made.append(_named(nc.supplier, wanted.supplier))
    if wanted.text:
        said = [column.contains(plain(wanted.text), autoescape=True) for column in (NcText.facts, NcText.remarks)]
        made.append(nc.id.in_(select(NcText.nc).where(or_(*said))))
    if wanted.source:
        made.append(nc.cause == wanted.source)
    if wanted.state:
        states = {"live": LIVE, "undecided": UNDECIDED}.get(wanted.state, (wanted.state,))
        made.append(nc.state.in_(states))
    if wanted.disposition:
        decided = select(NcItem.nc).where(NcItem.nc == nc.id, NcItem.disposition == wanted.disposition)
        made.append(or_(nc.disposition == wanted.disposition, decided.exists()))
    if wanted.overdue:
        made.append(log.overdue())
    return made


def joined(query: Any, log: Log, wanted: Filter) -> Any:
    """A query over nonconformities and their orders, narrowed to what is wanted."""
    return query.outerjoin(WorkOrder, WorkOrder.id == Nonconformity.order).where(*where(log, wanted))


def count(session: Session, log: Log, wanted: Filter) -> int:
    """How many fit."""
    query = select(func.count()).select_from(Nonconformity)
    found = joined(query, log, wanted) if wanted.customer else query.where(*where(log, wanted))
    return session.scalar(found) or 0


def _sorted(wanted: Filter, *, backwards: bool = False) -> list[Any]:
    nc = Nonconformity
    first = {"customer": (CUSTOMER,), "product": (nc.product,)}.get(wanted.sort, ())
    older = wanted.sort == "oldest"
    up = [*((column, True) for column in first), (nc.opened_at, older), (nc.id, older)]
    return [column.asc() if ascending != backwards else column.desc() for column, ascending in up]


def lines(session: Session, log: Log, wanted: Filter) -> Iterator[Line]:
    """All rows that fit, read batch by batch."""
    return _read(session, log, joined(select(Nonconformity, CUSTOMER), log, wanted).order_by(*_sorted(wanted)))


def page(session: Session, log: Log, wanted: Filter, number: int, *, total: int, size: int = PAGE) -> list[Line]:
    """One page of the rows that fit. The last pages are read from the end: no page costs more than the middle one.

    Args:
        number: which, from 1.
        total: how many fit, as `count` says.
    """
    begin = (number - 1) * size
    many = min(size, total - begin)
    if many <= 0:
        return []
    backwards = begin > total // 2
    query = joined(select(Nonconformity, CUSTOMER), log, wanted).order_by(*_sorted(wanted, backwards=backwards))
    found = list(_read(session, log, query.limit(many).offset(total - begin - many if backwards else begin)))
    return found[::-1] if backwards else found


def _read(session: Session, log: Log, query: Any) -> Iterator[Line]:
    for batch in session.execute(query.execution_options(yield_per=BATCH)).partitions():
        ids = [row.id for row, _customer in batch]
        items = _by_nc(session.scalars(select(NcItem).where(NcItem.nc.in_(ids)).order_by(NcItem.nc, NcItem.item)))
        permits = select(Concession).where(Concession.nc.in_(ids)).order_by(Concession.id)
        granted = _by_nc(session.scalars(permits))
        for row, customer in batch:
            known = items.get(row.id, ()), granted.get(row.id, ())
            yield Line(row, customer, log.age(row), log.late(row), *known)


def _by_nc(rows: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.nc, []).append(row)
    return found
