"""The forecast of an order: reads where its pieces are and what its steps took. Nobody's name or pace is in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mes.db.tables import Tally, UnitRow, Visit, WorkOrder
from mes.domain.forecast import Forecast, StepTime, step_time, work_left_s, working_end
from mes.domain.orders import LIVING
from mes.domain.route import Plan, Product
from mes.domain.unit import seconds_between

LAST: Final = 200  # visits of a step that count: the newest, so that a better way of working shows


def forecast(session: Session, order: WorkOrder, plan: Plan, now: datetime) -> Forecast | None:
    """When an order will be finished if work goes on now; None where it is over, held or not known to the plan.

    Args:
        plan: the one that the order is pinned to, or the latest before its release.
        now: any moment that knows its zone.
    """
    product = plan.product(order.product)
    if product is None or order.state not in LIVING or order.state == "on_hold":
        return None
    left = _left(session, order, product)
    times = {s.id: step_time(_took(session, product.id, s.id), s.cycle_s or 0) for s in product.steps}
    places = {s.id: sum(st.places for i in s.stations if (st := plan.station(i))) for s in product.steps}
    used = [times[s] for s, n in left.items() if n]
    if not used or not all(t.seconds for t in used):
        return None
    work_s = work_left_s(product, left, times, places)
    at = working_end(now, work_s, plan.plant.shifts, ZoneInfo(plan.plant.timezone))
    return Forecast(at, *_of(used))


def _of(used: list[StepTime]) -> tuple[int, int]:
    measured = sum(t.measured for t in used)
    return measured, len(used) - measured


def _took(session: Session, product: str, step: str) -> list[float]:
    """Seconds of the newest finished visits of a step."""
    query = (
        select(Visit.started_at, Visit.ended_at)
        .where(Visit.step == step, Visit.product == product, Visit.ended_at.is_not(None), Visit.result == "passed")
        .order_by(Visit.ended_at.desc())
        .limit(LAST)
    )
    spans = (seconds_between(began, ended or "") for began, ended in session.execute(query))
    return [s for s in spans if s is not None]


def _left(session: Session, order: WorkOrder, product: Product) -> Mapping[str, int]:
    """Step → pieces that still have to pass it."""
    ids = [s.id for s in product.steps]
    if order.revision == 0:
        return dict.fromkeys(ids, order.quantity)
    if product.tracking == "lot":
        return _left_to_count(session, order, ids)
    query = (
        select(UnitRow.step, func.count())
        .where(UnitRow.order == order.id, UnitRow.state.in_(("reserved", "waiting", "in_work")))
        .group_by(UnitRow.step)
    )
    left = dict.fromkeys(ids, max(0, order.quantity - order.scanned) if order.scanned is not None else 0)
    for step, count in session.execute(query):
        for later in ids[ids.index(step) :] if step in left else ():
            left[later] += count
    return left


def _left_to_count(session: Session, order: WorkOrder, ids: list[str]) -> Mapping[str, int]:
    rows = session.execute(select(Tally.step, Tally.defect, Tally.quantity).where(Tally.order == order.id)).all()
    left, lost = {}, 0
    for step in ids:
        left[step] = max(0, order.quantity - lost - sum(r.quantity for r in rows if r.step == step))
        lost += sum(r.quantity for r in rows if r.step == step and r.defect)
    return left
