"""A supervisor lets one operator do one unit at a step without the qualification: by badge and PIN, at the bench.

The badge alone opens nothing. Whoever calls compares the PIN (`mes.passwords`) and counts the tries; here it is decided
what may be let pass, and each outcome is a row in the ledger. The PIN is in none of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from mes import accounts, fold, wire
from mes.db.base import utc_text
from mes.db.tables import Badge
from mes.domain import gate
from mes.domain.route import Plan, Step
from mes.orders import Answer, request
from mes.world import World


def supervisor_of(session: Session, badge: str) -> tuple[str, str | None]:
    """Who carries a good badge, and the hash of that supervisor's PIN: empty and None for everybody else."""
    row = session.get(Badge, badge)
    if row is None or row.state != "active":
        return "", None
    return row.person, accounts.pin_of(session, row.person)


def decide(
    session: Session, station: str, asked: wire.OverrideRequest, *, by: str, pin: str | None, now: datetime
) -> Answer:
    """Let the operator go on, or say why not.

    Args:
        by: who the badge belongs to, by pseudonym; empty when it is nobody's.
        pin: the hash that the typed PIN matched; None when it matched none. It must still be that supervisor's.
    """
    if pin is None or accounts.pin_of(session, by) != pin:
        return _refused(session, station, asked, by, "wrong", now)
    world = World(session)
    found = _work(world, asked)
    if found is None:
        return Answer(False, "override_not_now", {})
    plan, step, visit = found
    answer = fold.competent(world, asked.operator, utc_text(now), plan, step, asked.unit, visit)
    if answer is None or answer.go:  # granted already (the answer was lost), or nothing to let pass any more
        return Answer(True, "overridden", {"unit": asked.unit, "step": step.id})
    if not gate.may_be_overridden(answer, step, plan):
        return _refused(session, station, asked, by, "never", now)
    operator = world.badges.get(asked.operator)
    if operator is None or operator.person == by:
        return _refused(session, station, asked, by, "self", now)
    body = wire.OverrideGranted(
        unit=asked.unit,
        step=step.id,
        visit=visit,
        operator=asked.operator,
        station=station,
        reasons=(answer.reason,),
        by=by,
    )
    return request(session, "OverrideGranted", body, now=now, actor=by)


def _work(world: World, asked: wire.OverrideRequest) -> tuple[Plan, Step, int] | None:
    """Plan, step and visit of the unit where it stands now, or of the order whose pieces are counted."""
    unit = world.units.get(asked.unit)
    order = world.orders.get(unit.order if unit else asked.unit)
    plan = world.plan(order.revision) if order else None
    product = plan.product(order.product) if plan and order else None
    step = product.step(unit.step if unit else asked.step) if product else None
    return (plan, step, unit.visit if unit else 0) if plan and step else None


def _refused(
    session: Session,
    station: str,
    asked: wire.OverrideRequest,
    by: str,
    why: Literal["wrong", "self", "never"],
    now: datetime,
) -> Answer:
    """Written down; an unknown badge and a wrong PIN are told the same."""
    body = wire.OverrideRefused(
        unit=asked.unit, step=asked.step, operator=asked.operator, station=station, by=by, why=why
    )
    request(session, "OverrideRefused", body, now=now, actor=by or None)
    return Answer(False, f"override_{why}", {})
