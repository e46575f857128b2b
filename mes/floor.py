"""What a station is told of the floor, so that it can decide alone when the network is gone."""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from mes import instruments, revisions, signals, wire
from mes.db.tables import (
    Badge,
    Concession,
    Installation,
    Lot,
    PlanRevision,
    Qualification,
    StationRow,
    UnitRow,
    WorkOrder,
)
from mes.domain import calibration
from mes.domain.told import floor_order
from mes.ledger import last_position

OPEN: Final = ("released", "in_work", "on_hold")
MOST_LOT_DAYS: Final = 2_000
MOST_PERMITS: Final = 200


def changes(session: Session, since: int, station: str) -> wire.FloorReply:
    """Orders, units, components and held lots that have changed after a ledger position.

    Args:
        since: the cursor of the last answer; 0 for everything that belongs to an open order.
        station: who asks.
    """
    cursor = last_position(session)
    whole = since <= 0 or since > cursor  # a cursor from the future: the server was restored, tell everything
    after = 0 if whole else since
    open_orders = select(WorkOrder.id).where(WorkOrder.state.in_(OPEN))
    orders = session.scalars(
        select(WorkOrder).where(
            and_(WorkOrder.n > after, WorkOrder.state != "planned"),
            or_(not whole, WorkOrder.state.in_(OPEN)),  # type: ignore[arg-type]
        )
    )
    units = session.scalars(
        select(UnitRow).where(UnitRow.n > after, or_(not whole, UnitRow.order.in_(open_orders)))  # type: ignore[arg-type]
    )
    moved = select(Installation).where(Installation.n > after, Installation.serial.is_not(None))
    if whole:
        moved = moved.where(Installation.removed_at.is_(None))
    components = {
        (row.part, row.serial): row.unit if row.removed_at is None else ""
        for row in session.scalars(moved.where(Installation.disputed.is_(False)).order_by(Installation.n))
    }
    lots = session.execute(select(Lot.part, Lot.lot).where(Lot.state == "held"))
    return wire.FloorReply(
        cursor=cursor,
        whole=whole,
        orders=tuple(floor_order(o) for o in orders),
        units=tuple(_unit(u) for u in units),
        components=tuple(wire.FloorComponent(part=p, serial=s, unit=u) for (p, s), u in components.items() if s),
        held_lots=tuple(wire.FloorLot(part=p, lot=lot) for p, lot in lots),
        stopped=_stopped(session),
        help_called=session.scalar(select(StationRow.help_since).where(StationRow.id == station)) is not None,
        badges=_badges(session),
        instruments=tuple(wire.FloorInstrument(**calibration.floor_args(i)) for i in instruments.standings(session)),
        lot_days=_lot_days(session, after),
        permits=_permits(session),
    )


def _stopped(session: Session) -> tuple[wire.FloorStop, ...]:
    """The steps to which no further unit comes, because of a signal of a control chart."""
    if not signals.count_open(session):
        return ()
    stops = signals.stops(session, revisions.latest_plan(session))
    return tuple(wire.FloorStop(product=s.product, step=s.step, signal=s.id) for s in stops)


def _lot_days(session: Session, after: int) -> tuple[wire.FloorLotDay, ...]:
    """The last days of use that were said after a ledger position, those farthest off first."""
    said = select(Lot.part, Lot.lot, Lot.expires, Lot.concession).where(Lot.expires.is_not(None), Lot.n > after)
    found = session.execute(said.order_by(Lot.expires.desc(), Lot.part, Lot.lot).limit(MOST_LOT_DAYS))
    return tuple(wire.FloorLotDay(part=p, lot=lot, until=until or "", permit=c) for p, lot, until, c in found)


def _permits(session: Session) -> tuple[wire.FloorPermit, ...]:
    """The concessions that lots or waiting units use, the newest first: also one that is used up, or has expired."""
    if session.scalar(select(Concession.id).limit(1)) is None:  # every bench asks for this every few seconds
        return ()
    waiting = select(UnitRow.permit).where(UnitRow.permit.is_not(None))
    lots = select(Lot.concession).where(Lot.concession.is_not(None))
    used = select(Concession).where(or_(Concession.id.in_(waiting), Concession.id.in_(lots)))
    found = session.scalars(used.order_by(Concession.granted_at.desc(), Concession.id).limit(MOST_PERMITS))
    return tuple(wire.FloorPermit(id=c.id, until=c.expires, left=c.remaining) for c in found)


def _badges(session: Session) -> tuple[wire.FloorBadge, ...]:
    """The badges that are good, and what each may do. Who carries one is nobody's business at a bench."""
    held: dict[str, dict[str, str]] = {}
    granted = select(Qualification).where(Qualification.state == "granted")
    for row in session.scalars(granted.order_by(Qualification.person, Qualification.qualification)):
        held.setdefault(row.person, {})[row.qualification] = row.valid_until
    good = session.scalars(select(Badge).where(Badge.state == "active").order_by(Badge.id))
    return tuple(wire.FloorBadge(id=b.id, language=b.language, until=held.get(b.person, {})) for b in good)


def _unit(row: UnitRow) -> wire.FloorUnit:
    visits = json.loads(row.visits)
    return wire.FloorUnit(
        serial=row.serial,
        order=row.order,
        product=row.product,
        state=row.state,
        step=row.step,
        visit=visits.get(row.step, 1),
        attempts=row.attempts,
        tested=row.tested,
        inspected=row.inspected,
        station=row.station,
        nc=row.nc,
        since=row.since,
        results=json.loads(row.results),
        place=row.place,
        burn=wire.FloorBurn.model_validate_json(row.burn) if row.burn else None,
        permit=row.permit,
    )


def plans(session: Session) -> dict[str, Any] | None:
    """The latest plan, and the older ones that open orders are pinned to.

    Returns:
        `{"revision", "hash", "content", "older": [{"revision", "content"}]}`, None before the first plan.
    """
    latest = session.scalars(select(PlanRevision).order_by(PlanRevision.revision.desc()).limit(1)).first()
    if latest is None:
        return None
    pinned = select(WorkOrder.revision).where(WorkOrder.state.in_(OPEN)).distinct()
    older = session.scalars(
        select(PlanRevision).where(PlanRevision.revision.in_(pinned), PlanRevision.revision != latest.revision)
    )
    return {
        "revision": latest.revision,
        "hash": latest.hash,
        "content": json.loads(latest.content),
        "older": [{"revision": r.revision, "content": json.loads(r.content)} for r in older],
    }
