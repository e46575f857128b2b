"""Serials that a customer gives for an order, folded: they are the order's before it is released, and nobody else's.

The same contract as `mes.fold`. A planned order with a list has its units already, as reserved ones; no bench lets them
in before the release.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import and_

from mes import wire
from mes.db.tables import UnitRow
from mes.domain.barcode import Plain, read
from mes.domain.gate import Unit
from mes.domain.orders import ORDER_STATES
from mes.domain.route import Product
from mes.rows import OrderRow
from mes.verdicts import Entry, Judged, no, yes
from mes.world import World


def _given(world: World, entry: Entry, body: wire.SerialsGiven) -> Judged:
    order = world.orders.get(body.order)
    if order is None:
        return no(entry, "unknown_order", order=body.order)
    if order.state != "planned":
        return no(entry, "order_state", order=order.id, state=ORDER_STATES[order.state])
    plan = world.plan(world.latest_revision())
    product = plan.product(order.product) if plan else None
    if product is None or product.tracking != "serial":
        return no(entry, "serials_counted", order=order.id)
    if len(body.serials) != order.quantity:
        return no(entry, "serials_count", order=order.id, count=len(body.serials), quantity=order.quantity)
    world.units.load((s,) for s in body.serials)
    world.labels.load(("unit", s) for s in body.serials)
    for serial, count in Counter(body.serials).items():
        if count > 1:
            return no(entry, "serial_twice", serial=serial)
        if read(serial) != Plain(serial):
            return no(entry, "serial_form", serial=serial)
        if not free(world, order.id, serial):
            return no(entry, "serial_taken", serial=serial)
    for old in units_given(world, order):
        world.put_unit(replace(old, state="withdrawn", since=entry.at))
    for serial in body.serials:
        world.put_unit(_unit(entry, order, product, serial))
    world.orders.put(replace(order, given=len(body.serials)))
    return yes(entry, order=order.id, count=len(body.serials))


def _taken_back(world: World, entry: Entry, body: wire.OrderChanged) -> Judged:
    order = world.orders.get(body.order)
    if order is None:
        return no(entry, "unknown_order", order=body.order)
    if order.state != "planned":
        return no(entry, "order_state", order=order.id, state=ORDER_STATES[order.state])
    if not order.given:
        return no(entry, "serials_none", order=order.id)
    for old in units_given(world, order):
        world.put_unit(replace(old, state="withdrawn", since=entry.at))
    world.orders.put(replace(order, given=0))
    return yes(entry, order=order.id, count=order.given)


def _unit(entry: Entry, order: OrderRow, product: Product, serial: str) -> Unit:
    first = product.steps[0].id
    return Unit(serial, order.id, product.id, "reserved", first, visits={first: 1}, since=entry.at)


def taken(world: World, order: str, serials: Sequence[str]) -> set[str]:
    """Those of the serials that this order can no more be given."""
    world.units.load((s,) for s in serials)
    world.labels.load(("unit", s) for s in serials)
    return {s for s in serials if not free(world, order, s)}


def free(world: World, order: str, serial: str) -> bool:
    """Was this serial never on a unit? One that was given and taken back counts as never, if no label says it."""
    unit = world.units.get(serial)
    if unit is None or (unit.order == order and unit.state == "reserved"):
        return True
    before = world.orders.get(unit.order)
    given_up = unit.state == "withdrawn" or (
        unit.state == "reserved" and before is not None and before.state == "cancelled"
    )
    return given_up and world.labels.get("unit", serial) is None


def units_given(world: World, order: OrderRow) -> list[Unit]:
    """The reserved units of an order that has a list."""
    if not order.given:
        return []
    world.units.load_where(and_(UnitRow.order == order.id, UnitRow.state == "reserved"))
    held = (row[0] for row in world.units.rows.values() if row is not None)
    return sorted((u for u in held if u.order == order.id and u.state == "reserved"), key=lambda u: u.serial)


def release_given(world: World, entry: Entry, order: OrderRow, product: Product) -> Judged | None:
    """The order begins with the units of its list, at the first step of the plan that it is pinned to."""
    if order.given != order.quantity:
        return no(entry, "serials_count", order=order.id, count=order.given, quantity=order.quantity)
    for unit in units_given(world, order):
        world.put_unit(_unit(entry, order, product, unit.serial))
    return None


SERIAL_RULES: Final[dict[str, Callable[[World, Entry, Any], Judged]]] = {
    "SerialsGiven": _given,
    "SerialsTakenBack": _taken_back,
}
