"""Units that bear their serial already, folded: taken into an order by scan, and taken back while nothing was done.

The same contract as `mes.fold`: a request that may not be changes nothing, and a fact is recorded always. A serial that
is another unit's blocks that unit: two things bear one number, and somebody has to look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mes import wire
from mes.domain import gate
from mes.domain.gate import Unit
from mes.domain.route import Plan, Product
from mes.fold_packing import Outcome
from mes.fold_passages import follow
from mes.fold_serials import free
from mes.rows import OrderRow
from mes.verdicts import Entry, Judged, NotUnderstood
from mes.world import World

NEVER_HELD: Final = ("scrapped", "withdrawn")


def _plan(world: World, order: OrderRow | None) -> Plan:
    plan = world.plan(order.revision if order and order.revision else world.latest_revision())
    if plan is None:
        raise NotUnderstood("no plan is published")
    return plan


def _judged(entry: Entry, answer: gate.Answer) -> Judged:
    verdict: wire.Verdict = "accepted" if answer.go else "refused" if entry.asks else "held"
    return Judged(entry, "recorded", verdict, answer.reason, dict(answer.args))


def _initialised(world: World, entry: Entry, body: wire.UnitsInitialized) -> Outcome:
    order = world.orders.get(body.order)
    plan = _plan(world, order)
    known = world.units.get(body.unit)
    answer = gate.initialise(
        serial=body.unit,
        order=order.rule if order else None,
        order_id=body.order,
        plan=plan,
        station=entry.station or "",
        operator=entry.operator,
        known=not free(world, body.order, body.unit) or (known is not None and known.state == "reserved"),
        have=(order.scanned if order.scanned is not None else order.quantity) if order else 0,
    )
    judged = _judged(entry, answer)
    product = plan.product(order.product) if order else None
    if order is not None and product is not None and answer.go:
        world.put_unit(_new(entry, order, product, body.unit))
        world.orders.put(replace(order, scanned=(order.scanned or 0) + 1))
        return Outcome(judged)
    if entry.asks:
        return Outcome(judged)
    if answer.reason == "serial_known" and known is not None:
        blocked = known.nc is not None or known.state in NEVER_HELD
        return Outcome(judged, None if blocked else (known, answer.reason, answer.args))
    if order is not None and product is not None and product.serial_scan is not None and known is None:
        world.orders.put(replace(order, scanned=(order.scanned or 0) + 1))  # it stands on the bench, rules or not
        return Outcome(judged, (_new(entry, order, product, body.unit), answer.reason, answer.args))
    return Outcome(judged)


def _new(entry: Entry, order: OrderRow, product: Product, serial: str) -> Unit:
    first = product.steps[0].id
    return Unit(serial, order.id, product.id, "reserved", first, visits={first: 1}, since=entry.at)


def _withdrawn(world: World, entry: Entry, body: wire.UnitsWithdrawn) -> Outcome:
    order, unit = world.orders.get(body.order), world.units.get(body.unit)
    said = {"unit": body.unit, "order": body.order}
    if order is None or unit is None or unit.order != order.id or order.scanned is None:
        return Outcome(Judged(entry, "recorded", "refused", "unknown_unit", said))
    if not _untouched(world, unit):
        return Outcome(Judged(entry, "recorded", "refused", "unit_begun", said))
    gone = replace(unit, state="withdrawn", station=None, place=None, since=entry.at)
    world.put_unit(gone)
    follow(world, entry, unit, gone)
    world.orders.put(replace(order, scanned=order.scanned - 1))
    return Outcome(Judged(entry, "recorded", "accepted", "unit_taken_back", said))


def _untouched(world: World, unit: Unit) -> bool:
    """Has nothing been done to it but that it came and went?"""
    came = unit.state in ("reserved", "waiting", "in_work") and unit.visits == {unit.step: 1}
    tested = unit.attempts or unit.tested or unit.inspected or unit.results or unit.burn
    return came and not tested and unit.nc is None and unit.treating is None and not world.inside(unit.serial)


SCANNED_RULES: Final[dict[str, Callable[[World, Entry, Any], Outcome]]] = {
    "UnitsInitialized": _initialised,
    "UnitsWithdrawn": _withdrawn,
}
