"""What the board asks the database: a constant number of queries, each on an index or on a small table.

Counting ten thousand units must not fetch them: states are counted on the index of (order, state), and only what is on
a bench, between two steps or held is looked at row by row. The statements are built once, on tables and not on mapped
classes: fifty boards wait for the answer of each, and building took longer than asking.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, case, func, select
from sqlalchemy.orm import Session

from mes.board.model import DeviceFault
from mes.db import tables as t
from mes.db.base import Base
from mes.domain.nonconformity import LIVE, UNDECIDED
from mes.domain.route import Plan
from mes.ledger import last_position
from mes.world import PLANS

OPEN_ORDERS: Final = ("released", "in_work", "on_hold")
OPEN_NCS: Final = LIVE
SHOWN_SIGNALS: Final = 20
PlanOf = Callable[[int], Plan]


@dataclass(slots=True)
class OrderRows:
    """What is read of some orders; (order, step) → units that wait free, (good, scrap) pieces counted."""

    orders: Sequence[Any]
    plan_of: PlanOf
    states: dict[str, dict[str, int]]
    waiting: dict[tuple[str, str], int]
    tallies: dict[tuple[str, str], tuple[int, int]]
    ncs: Sequence[Any]


@dataclass(slots=True)
class Rows:
    """One look at the whole floor; dictionaries are by station."""

    cursor: int
    work: OrderRows
    stations: dict[str, Any]
    presence: dict[str, Any]
    faults: dict[str, list[DeviceFault]]
    units: Sequence[Any]
    visits: Sequence[Any]
    finished: int
    shift: ShiftRows
    signals: Sequence[Any]

    def station_args(self, station: str) -> Mapping[str, Any]:
        """The arguments of a station's last answer."""
        row = self.stations.get(station)
        found: Mapping[str, Any] = json.loads(row.args) if row is not None else {}
        return found


@dataclass(slots=True)
class ShiftRows:
    """What a shift has to do with: orders that are open or were worked on, what they have passed and lost at each step
    in their whole life (`done`), and the good pieces of counted products since it began, by (product, step).
    """

    orders: Sequence[Any] = ()
    done: Sequence[Any] = ()
    counted: Mapping[tuple[str, str], int] = field(default_factory=dict)


def read(session: Session, plan: Plan, *, day_start: str, since: str, at_work: bool) -> Rows:
    """Look once.

    Args:
        plan: the latest one; it serves for orders whose own revision is gone.
        day_start: UTC text of the local midnight.
        since: UTC text of what yields are counted from.
        at_work: does a shift work now?
    """
    # The first statement takes the snapshot: what follows is never older than this position.
    cursor = last_position(session)
    db = session.connection()
    stations = [s.id for s in plan.stations]
    steps = sorted({s.id for p in plan.products for s in p.steps})
    last = {(p.id, p.steps[-1].id) for p in plan.products}
    orders = db.execute(_ORDERS, {"states": OPEN_ORDERS}).all()
    visits = db.execute(_VISITS, {"steps": steps, "since": since}).all()
    passed = db.execute(_PASSED, {"steps": sorted({step for _, step in last}), "since": day_start})
    return Rows(
        cursor=cursor,
        work=_work(session, db, plan, orders),
        stations={r.id: r for r in db.execute(_STATIONS)},
        presence={r.station: r for r in db.execute(_PRESENCE)},
        faults=_faults(db),
        units=db.execute(_ON_BENCHES, {"stations": stations}).all(),
        visits=visits,
        finished=sum(int(count) for product, step, count in passed if (product, step) in last),
        shift=_shift(db, orders, visits, since) if at_work else ShiftRows(),
        signals=db.execute(_SIGNALS).all(),
    )


def _shift(db: Connection, orders: Sequence[Any], visits: Sequence[Any], since: str) -> ShiftRows:
    """What is needed to say what the shift should make; an order that it has finished belongs to it."""
    known = {row.id for row in orders}
    gone = sorted({row.order for row in visits} - known)
    some = [*orders, *(db.execute(_SOME_ORDERS, {"orders": gone}).all() if gone else ())]
    counted = db.execute(_COUNTED, {"since": since[:16]})
    return ShiftRows(
        orders=some,
        done=db.execute(_DONE, {"orders": [row.id for row in some]}).all(),
        counted={(product, step): int(good) for product, step, good in counted},
    )


def read_orders(session: Session, plan: Plan, orders: Collection[str]) -> OrderRows:
    """Read these orders, and where their pieces are."""
    db = session.connection()
    return _work(session, db, plan, db.execute(_SOME_ORDERS, {"orders": list(orders)}).all())


def _work(session: Session, db: Connection, plan: Plan, orders: Sequence[Any]) -> OrderRows:
    some = {"orders": [row.id for row in orders]}
    states: dict[str, dict[str, int]] = {}
    for order, state, count in db.execute(_STATES, some):
        states.setdefault(order, {})[state] = count
    return OrderRows(
        orders=orders,
        plan_of=_plans(session, db, {row.revision for row in orders}, plan),
        states=states,
        waiting={(order, step): count for order, step, count in db.execute(_WAITING, some)},
        tallies={(order, step): (int(g), int(a - g)) for order, step, g, a in db.execute(_TALLIES, some)},
        ncs=db.execute(_NONCONFORMITIES).all(),
    )


def _faults(db: Connection) -> dict[str, list[DeviceFault]]:
    out: dict[str, list[DeviceFault]] = {}
    for row in db.execute(_FAULTS):
        out.setdefault(row.station, []).append(DeviceFault(*row))
    return out


def _plans(session: Session, db: Connection, revisions: Collection[int], latest: Plan) -> PlanOf:
    """Revision → its plan, decoded once a process; a running order keeps the plan that it was released with."""
    hashes = {r.revision: r.hash for r in db.execute(_PLANS, {"revisions": sorted(revisions)})}

    def plan_of(revision: int) -> Plan:
        if revision not in hashes:
            return latest

        def content() -> str:
            return session.scalars(select(t.PlanRevision.content).where(t.PlanRevision.revision == revision)).one()

        return PLANS.plan(revision, hashes[revision], content)

    return plan_of


# --- the statements ---------------------------------------------------------------------------------------------------


def _table(mapped: type[Base]) -> Table:
    table = mapped.__table__
    assert isinstance(table, Table)
    return table


def _many(name: str) -> Any:
    return bindparam(name, expanding=True)


_o, _u, _n = _table(t.WorkOrder).c, _table(t.UnitRow).c, _table(t.Nonconformity).c
_s = _table(t.ControlSignal).c
_q, _k = _table(t.StepQuarter).c, _table(t.StepOrder).c
_f, _p, _y, _v = _table(t.Fault).c, _table(t.PlanRevision).c, _table(t.Tally).c, _table(t.Visit).c

_STATIONS: Final = select(_table(t.StationRow))
_PRESENCE: Final = select(_table(t.Presence))
_FAULTS: Final = (
    select(_f.station, _f.device, _f.fault, _f.since).where(_f.cleared.is_(False)).order_by(_f.since, _f.device)
)
_ORDER: Final = select(_o.id, _o.product, _o.quantity, _o.state, _o.revision, _o.due, _o.scanned)
_ORDERS: Final = _ORDER.where(_o.state.in_(_many("states")))
_SOME_ORDERS: Final = _ORDER.where(_o.id.in_(_many("orders")))
_PLANS: Final = select(_p.revision, _p.hash).where(_p.revision.in_(_many("revisions")))

_ON_BENCHES: Final = (
    select(_u.serial, _u.order, _u.product, _u.step, _u.station, _u.since)
    .where(_u.station.in_(_many("stations")), _u.state == "in_work")
    .order_by(_u.since, _u.serial)
)
_STATES: Final = (
    select(_u.order, _u.state, func.count()).where(_u.order.in_(_many("orders"))).group_by(_u.order, _u.state)
)
_WAITING: Final = (
    select(_u.order, _u.step, func.count())
    .where(_u.order.in_(_many("orders")), _u.state == "waiting", _u.nc.is_(None))
    .group_by(_u.order, _u.step)
)
_TALLIES: Final = (
    select(
        _y.order,
        _y.step,
        func.sum(case((_y.defect == "", _y.quantity), else_=0)),
        func.sum(_y.quantity),
    )
    .where(_y.order.in_(_many("orders")))
    .group_by(_y.order, _y.step)
)

_SIGNALS: Final = (
    select(_s.id, _s.product, _s.step, _s.test, _s.state)
    .where(_s.state == "open")
    .order_by(_s.opened_at, _s.id)
    .limit(SHOWN_SIGNALS)
)

# The open ones, undecided before decided, the oldest first; with the state of the unit that each still blocks.
_NONCONFORMITIES: Final = (
    select(
        _n.id, _n.unit, _n.order, _n.product, _n.step, _n.station, _n.cause, _n.defect, _n.detail, _n.state,
        _n.opened_at, _n.title, _u.state.label("unit_state"),
    )
    .select_from(_table(t.Nonconformity).outerjoin(_table(t.UnitRow), (_u.serial == _n.unit) & (_u.nc == _n.id)))
    .where(_n.state.in_(OPEN_NCS))
    .order_by(case((_n.state.in_(UNDECIDED), 0), else_=1), _n.opened_at, _n.id)
)  # fmt: skip

# For each product and step: first visits that ended today, the good ones of them, and all passes.
_VISITS: Final = (
    select(
        _v.product,
        _v.step,
        _u.order,
        func.sum(case((_v.visit == 1, 1), else_=0)).label("total"),
        func.sum(case(((_v.visit == 1) & (_v.result == "passed") & (_v.failures == 0), 1), else_=0)).label("good"),
        func.sum(case((_v.result == "passed", 1), else_=0)).label("passed"),
    )
    .join(_table(t.UnitRow), _u.serial == _v.unit)
    .where(_v.step.in_(_many("steps")), _v.ended_at >= bindparam("since"))
    .group_by(_v.product, _v.step, _u.order)
)
_PASSED: Final = (
    select(_v.product, _v.step, func.count())
    .where(_v.step.in_(_many("steps")), _v.ended_at >= bindparam("since"), _v.result == "passed")
    .group_by(_v.product, _v.step)
)
_COUNTED: Final = (
    select(_q.product, _q.step, func.sum(_q.good)).where(_q.quarter >= bindparam("since")).group_by(_q.product, _q.step)
)
_DONE: Final = select(_k.order, _k.step, (_k.passed + _k.good).label("passed"), _k.scrapped).where(
    _k.order.in_(_many("orders"))
)
