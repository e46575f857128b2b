"""Work orders, folded: planned, released, changed, split, held, ended; and what the floor does to them.

The same contract as `mes.fold`. What follows what stands in `mes.domain.orders`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any, Final

from sqlalchemy import and_

from mes import wire
from mes.db.tables import UnitRow
from mes.domain import orders as rules
from mes.domain.gate import Unit
from mes.domain.orders import ORDER_STATES
from mes.domain.route import Plan, Product
from mes.fold_passages import follow
from mes.fold_serials import SERIAL_RULES, release_given
from mes.rows import OrderEventRow, OrderRow
from mes.verdicts import Entry, Judged
from mes.verdicts import no as _no
from mes.verdicts import yes as _yes
from mes.world import World


def _create(world: World, entry: Entry, body: wire.OrderCreated) -> Judged:
    if world.orders.get(body.order) is not None:
        return _no(entry, "order_exists", order=body.order)
    plan = world.plan(world.latest_revision())
    if plan is None:
        return _no(entry, "no_plan")
    product = plan.product(body.product)
    if product is None:
        return _no(entry, "unknown_product", product=body.product, known=", ".join(p.id for p in plan.products))
    world.orders.put(
        OrderRow(
            id=body.order,
            product=body.product,
            quantity=body.quantity,
            customer=body.customer or product.customer,
            due=body.due,
            note=body.note,
            state="planned",
            revision=0,
            open_units=body.quantity,
            why="",
            created_at=entry.at,
            released_at=None,
            ended_at=None,
            reference=body.reference,
            priority=body.priority,
            held_from="",
            split_from=None,
            given=0,
        )
    )
    return _yes(entry, order=body.order)


def _moved(world: World, entry: Entry, order_id: str) -> OrderRow | Judged:
    """The order in its next state, or why it cannot go there."""
    order = world.orders.get(order_id)
    if order is None:
        return _no(entry, "unknown_order", order=order_id)
    to = rules.after(entry.kind, order.state, held_from=order.held_from, left=order.open_units)
    if to is None:
        return _no(entry, "order_state", order=order_id, state=ORDER_STATES[order.state])
    return replace(order, state=to)


def _release(world: World, entry: Entry, body: wire.OrderReleased) -> Judged:
    order = _moved(world, entry, body.order)
    if isinstance(order, Judged):
        return order
    plan = world.plan(body.revision)
    product = plan.product(order.product) if plan else None
    if plan is None or product is None:
        return _no(entry, "no_plan")
    if order.given:
        if (refused := release_given(world, entry, order, product)) is not None:
            return refused
    elif product.serial_scan is not None:
        order = replace(order, scanned=0)  # the units come by scan
    elif product.tracking == "serial" and (taken := _reserve(world, entry, order, product, order.quantity)):
        return _no(entry, "serial_taken", serial=taken)
    world.orders.put(replace(order, revision=body.revision, released_at=entry.at))
    return _yes(entry, order=order.id, units=order.quantity)


def _reserve(world: World, entry: Entry, order: OrderRow, product: Product, quantity: int) -> str | None:
    """New units with the next serials; the serial that is there already, where one is."""
    first = product.steps[0].id
    for serial in _serials(world, entry, product, quantity):
        if world.units.get(serial) is not None:
            return serial
        world.put_unit(Unit(serial, order.id, product.id, "reserved", first, visits={first: 1}, since=entry.at))
    return None


def _serials(world: World, entry: Entry, product: Product, quantity: int) -> list[str]:
    """The next serials of a product's pattern: `{yy}` and `{ww}` are the ISO year and week of the release."""
    day = date.fromisoformat(entry.at[:10])
    year, week, _ = day.isocalendar()
    pattern = product.serial or "{n:06}"
    stem = pattern.replace("{yy}", f"{year % 100:02}").replace("{yyyy}", f"{year}").replace("{ww}", f"{week:02}")
    made = [stem.format(n=world.next_number(f"serial {stem}")) for _ in range(quantity)]
    world.units.load((s,) for s in made)
    return made


def _hold(world: World, entry: Entry, body: wire.OrderChanged) -> Judged:
    before = world.orders.get(body.order)
    order = _moved(world, entry, body.order)
    if isinstance(order, Judged):
        return order
    assert before is not None
    # Version 1 of a hold did not keep the state that it interrupts.
    world.orders.put(replace(order, why=body.why, held_from=before.state if entry.v > 1 else ""))
    return _yes(entry, order=order.id)


def _resume(world: World, entry: Entry, body: wire.OrderChanged) -> Judged:
    order = _moved(world, entry, body.order)
    if isinstance(order, Judged):
        return order
    ended = entry.at if order.state == "completed" else None
    world.orders.put(replace(order, why=body.why, held_from="", ended_at=ended))
    return _yes(entry, order=order.id)


def _cancel(world: World, entry: Entry, body: wire.OrderChanged) -> Judged:
    order = _moved(world, entry, body.order)
    if isinstance(order, Judged):
        return order
    world.orders.put(replace(order, why=body.why))
    return _yes(entry, order=order.id)


def _close(world: World, entry: Entry, body: wire.OrderClosed) -> Judged:
    order = _moved(world, entry, body.order)
    if isinstance(order, Judged):
        return order
    if order.open_units > 0:
        return _no(entry, "order_has_open_units", order=order.id, count=order.open_units)
    world.orders.put(replace(order, why=body.why, ended_at=entry.at))
    return _yes(entry, order=order.id)


# --- change and split -------------------------------------------------------------------------------------------------


def _amend(world: World, entry: Entry, body: wire.OrderAmended) -> Judged:
    order = _moved(world, entry, body.order)
    if isinstance(order, Judged):
        return order
    was = order
    said = {n: v for n in ("customer", "reference", "priority", "note") if (v := getattr(body, n)) is not None}
    if body.due is not None:
        said["due"] = body.due or None
    order = replace(order, **said)
    if body.quantity is not None and body.quantity != order.quantity:
        grown = body.quantity - order.quantity
        refused = _grow(world, entry, order, grown) if grown > 0 else _shrink(world, entry, order, -grown)
        if refused is not None:
            return refused
        order = _resized(entry, order, body.quantity)
    if order == was:
        return _no(entry, "order_unchanged", order=order.id)
    world.orders.put(order)
    return _yes(entry, order=order.id, quantity=order.quantity, was=was.quantity)


def _resized(entry: Entry, order: OrderRow, quantity: int) -> OrderRow:
    left = order.open_units + quantity - order.quantity
    return _followed(entry, replace(order, quantity=quantity, open_units=left), begun=False)


def _grow(world: World, entry: Entry, order: OrderRow, more: int) -> Judged | None:
    """More units get serials, by the plan that the order was released with."""
    product = _product(world, order)
    if product is None or product.tracking != "serial" or order.scanned is not None:
        return None
    if order.given:
        return _no(entry, "serials_by_list", order=order.id)
    taken = _reserve(world, entry, order, product, more)
    return _no(entry, "serial_taken", serial=taken) if taken else None


def _shrink(world: World, entry: Entry, order: OrderRow, fewer: int) -> Judged | None:
    """Those go that have not begun, the last serials first; they stay on record as withdrawn."""
    free, units = _free(world, order)
    if fewer > free:
        return _no(entry, "order_too_few_free", order=order.id, count=free)
    for unit in units[len(units) - fewer :] if units else ():
        world.put_unit(replace(unit, state="withdrawn", since=entry.at))
    return None


def _split(world: World, entry: Entry, body: wire.OrderSplit) -> Judged:
    order = _moved(world, entry, body.order)
    if isinstance(order, Judged):
        return order
    if world.orders.get(body.to) is not None:
        return _no(entry, "order_exists", order=body.to)
    free, units = _free(world, order)
    if body.quantity >= order.quantity or body.quantity > free:
        return _no(entry, "order_too_few_free", order=order.id, count=min(free, order.quantity - 1))
    for unit in units[len(units) - body.quantity :] if units else ():
        world.put_unit(replace(unit, order=body.to, since=entry.at))
    held = order.state == "on_hold"
    world.orders.put(
        replace(
            order,
            id=body.to,
            quantity=body.quantity,
            open_units=body.quantity,
            due=body.due or order.due,
            state="released" if order.state == "in_work" else order.state,
            held_from="released" if held else "",
            created_at=entry.at,
            split_from=order.id,
            given=order.given if order.revision else 0,
            scanned=None if order.scanned is None else 0,
            why=order.why if held else "",
        )
    )
    world.orders.put(_resized(entry, order, order.quantity - body.quantity))
    return _yes(entry, order=order.id, to=body.to, quantity=body.quantity)


def _free(world: World, order: OrderRow) -> tuple[int, list[Unit]]:
    """How many pieces have not begun, and their units in the order of their serials where they have serials."""
    product = _product(world, order)
    if order.revision == 0 or product is None:
        return order.quantity, []
    if order.scanned is not None:
        return order.quantity - order.scanned, []
    if product.tracking != "serial":
        plan = world.plan(order.revision)
        assert plan is not None
        begun = pieces(world, order.id, product.steps[0].id, ["", *(d.code for d in plan.defects)])
        return max(0, order.quantity - begun), []
    world.units.load_where(and_(UnitRow.order == order.id, UnitRow.state == "reserved"))
    # What is in hand wins: a unit may have begun, or been reserved, in this very transaction.
    held = (row[0] for row in world.units.rows.values() if row is not None)
    free = sorted((u for u in held if u.order == order.id and _untouched(u)), key=lambda u: u.serial)
    return len(free), free


def _untouched(unit: Unit) -> bool:
    return unit.state == "reserved" and unit.nc is None and unit.treating is None


def _product(world: World, order: OrderRow) -> Product | None:
    plan = world.plan(order.revision) if order.revision else None
    return plan.product(order.product) if plan else None


# --- what the floor does ----------------------------------------------------------------------------------------------


def _moved_by_floor(world: World, entry: Entry, was: OrderRow, order: OrderRow) -> None:
    if order.state != was.state:
        world.order_events.put(OrderEventRow(order.id, entry.event_id, entry.at, order.state))
    world.orders.put(order)


def _followed(entry: Entry, order: OrderRow, *, begun: bool) -> OrderRow:
    state, held_from = rules.on_floor(order.state, order.held_from, begun=begun, left=order.open_units)
    ended = order.ended_at
    if state != order.state and "completed" in (state, order.state):
        ended = entry.at if state == "completed" else None
    return replace(order, state=state, held_from=held_from, ended_at=ended)


def move_order(world: World, entry: Entry, before: Unit, after: Unit) -> None:
    """What a unit's way does to its order: the first arrival starts it, the last unit completes it, and one that goes
    back on its route opens it again.
    """
    follow(world, entry, before, after)
    order = world.orders.get(after.order)
    if order is None:
        return
    over = ("done", "scrapped")
    left = order.open_units + (before.state in over) - (after.state in over)
    if left == order.open_units and after.state != "in_work":
        return
    changed = _followed(entry, replace(order, open_units=left), begun=after.state == "in_work")
    if changed != order:
        _moved_by_floor(world, entry, order, changed)


def units_of(world: World, order: str) -> list[Unit]:
    """The units of an order by serial; those in hand win, as they may have moved in this very transaction."""
    world.units.load_where(UnitRow.order == order)
    held = (row[0] for row in world.units.rows.values() if row is not None)
    return sorted((u for u in held if u.order == order), key=lambda u: u.serial)


def pieces(world: World, order: str, step: str, defects: Iterable[str]) -> int:
    """Pieces counted at a step under these defects; the empty one is the good pieces."""
    keys = [(order, step, d) for d in defects]
    world.tallies.load(keys)
    return sum(row.quantity for key in keys if (row := world.tallies.get(*key)))


def count_order(world: World, entry: Entry, plan: Plan, order_id: str) -> None:
    """What a count does to its order: the first one starts it, the last piece completes it."""
    order = world.orders.get(order_id)
    assert order is not None
    product = plan.product(order.product)
    assert product is not None
    defects = [d.code for d in plan.defects]
    good = pieces(world, order_id, product.steps[-1].id, [""])
    scrapped = sum(pieces(world, order_id, step.id, defects) for step in product.steps)
    left = max(0, order.quantity - good - scrapped)
    _moved_by_floor(world, entry, order, _followed(entry, replace(order, open_units=left), begun=True))


Rule = Callable[[World, Entry, Any], Judged]


def _told(rule: Rule) -> Rule:
    """The rule, and then a note that the order's history has this row, where it was done."""

    def noted(world: World, entry: Entry, body: Any) -> Judged:
        judged = rule(world, entry, body)
        if judged.verdict == "accepted":
            for name in filter(None, (body.order, getattr(body, "to", None))):
                if (order := world.orders.get(name)) is not None:
                    world.order_events.put(OrderEventRow(name, entry.event_id, entry.at, order.state))
        return judged

    return noted


_RULES: Final[dict[str, Rule]] = {
    "OrderCreated": _create,
    "OrderReleased": _release,
    "OrderHeld": _hold,
    "OrderResumed": _resume,
    "OrderClosed": _close,
    "OrderCancelled": _cancel,
    "OrderAmended": _amend,
    "OrderSplit": _split,
    **SERIAL_RULES,
}
ORDER_RULES: Final = {kind: _told(rule) for kind, rule in _RULES.items()}
