"""Deliveries, folded: prepared, sent, cancelled; and a unit that comes back.

The same contract as `mes.fold`. `check` is read by the pre-check of a page as well: page and ledger ask alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from mes import wire
from mes.db.tables import DeliveryItem, UnitRow
from mes.domain.delivery import Line, against_unit, customer_of, pieces_by_order
from mes.domain.gate import Unit
from mes.domain.orders import Against
from mes.domain.packing import Carton
from mes.fold_shipping import (
    candidates,
    delivered_pieces,
    items_in_hand,
    number,
    open_ncs_of_order,
    release_of,
    released_pieces,
    state_of_delivery,
)
from mes.rows import CartonEventRow, DeliveryItemRow, DeliveryRow, PackedRow
from mes.verdicts import Entry, Judged, no, yes
from mes.world import CHUNK, World


@dataclass(frozen=True, slots=True)
class Checked:
    """What a delivery would take, for whom, and everything that stands against it."""

    customer: str
    lines: Sequence[Line]
    against: Sequence[Against]

    @property
    def count(self) -> int:
        """Units and pieces."""
        return sum(line.quantity for line in self.lines)


def check(world: World, wanted: wire.DeliveryPrepared, own: str = "") -> Checked:
    """What a delivery of these would take, and what stands against it.

    Args:
        own: the delivery itself, where it is prepared already: it does not stand in its own way.
    """
    against: list[Against] = []
    lines = [line for sscc in _tops(world, wanted.cartons) for line in _carton(world, sscc, against)]
    lines += _loose(world, wanted.units, against)
    lines += _pieces(world, wanted.pieces, against)
    customers = {line.order: order.customer for line in lines if (order := world.orders.get(line.order))}
    customer, wrong = customer_of(wanted.customer, customers)
    against += wrong if lines else []
    against += _against_orders(world, customers)
    against += _against_units(world, [line.unit for line in lines if line.unit], own)
    against += _against_pieces(world, pieces_by_order(lines), own)
    if not lines and not against:
        against.append(Against("delivery_nothing", {}))
    return Checked(customer, lines, list({(a.reason, str(a.args)): a for a in against}.values()))


def _tops(world: World, cartons: Sequence[str]) -> list[str]:
    """The cartons and pallets once each, without those that come along with a pallet."""
    named = dict.fromkeys(cartons)
    return [c for c in named if (row := world.cartons.get(c)) is None or row.parent not in named]


def _carton(world: World, sscc: str, against: list[Against], pallet: str = "") -> list[Line]:
    """What is in a carton, or on a pallet; what stands against the carton itself goes to `against`."""
    carton = world.cartons.get(sscc)
    if carton is None:
        against.append(Against("unknown_carton", {"carton": sscc}))
        return []
    against += _against_carton(carton, pallet)
    rows = world.packed_by("carton", sscc)
    if not rows:
        against.append(Against("carton_empty", {"carton": sscc}))
    lines: list[Line] = []
    on = sscc if carton.level == "pallet" else pallet
    for row in rows:
        if row.inner:
            lines += _carton(world, row.inner, against, on)
        else:
            lines.append(_line(world, row, sscc, pallet))
    return lines


def _line(world: World, row: PackedRow, carton: str, pallet: str) -> Line:
    unit = world.units.get(row.unit) if row.unit else None
    order_id = unit.order if unit else row.order or ""
    order = world.orders.get(order_id)
    return Line(order_id, order.product if order else "", row.unit, row.quantity, carton, pallet)


def _against_carton(carton: Carton, pallet: str) -> list[Against]:
    said = {"carton": carton.sscc}
    if carton.state == "sent":
        return [Against("carton_gone", said)]
    found = [] if carton.state == "closed" else [Against("carton_not_closed", said)]
    if carton.held:
        found.append(Against("carton_held", said))
    if carton.parent is not None and carton.parent != pallet:
        found.append(Against("carton_on_pallet", {**said, "pallet": carton.parent}))
    return found


def _loose(world: World, serials: Iterable[str], against: list[Against]) -> list[Line]:
    wanted = list(dict.fromkeys(serials))
    world.units.load((s,) for s in wanted)
    lines = []
    for serial in wanted:
        unit = world.units.get(serial)
        order = world.orders.get(unit.order) if unit else None
        if unit is None or order is None:
            against.append(Against("unknown_unit", {"unit": serial}))
            continue
        for row in world.packed_by("unit", serial)[:1]:
            against.append(Against("delivery_in_carton", {"unit": serial, "carton": row.carton}))
        lines.append(Line(order.id, order.product, serial, 1))
    return lines


def _pieces(world: World, wanted: Iterable[wire.DeliveredPieces], against: list[Against]) -> list[Line]:
    lines = []
    for each in wanted:
        order = world.orders.get(each.order)
        if order is None:
            against.append(Against("unknown_order", {"order": each.order}))
        elif world.units.load_where(UnitRow.order == order.id):
            against.append(Against("delivery_order_counted", {"order": order.id}))
        else:
            lines.append(Line(order.id, order.product, None, each.quantity))
    return lines


def _against_orders(world: World, orders: Iterable[str]) -> list[Against]:
    rows = [row for o in orders if (row := world.orders.get(o))]
    return [Against("delivery_order_held", {"order": row.id}) for row in rows if row.state == "on_hold"]


def _against_units(world: World, serials: Sequence[str], own: str) -> list[Against]:
    world.units.load((s,) for s in serials)
    reserved = _reserved(world, serials, own)
    units = [u for s in serials if (u := world.units.get(s))]
    missing = [Against("unknown_unit", {"unit": s}) for s in serials if world.units.get(s) is None]
    return missing + [a for c in candidates(world, units) for a in against_unit(c, reserved.get(c.unit.serial))]


def _reserved(world: World, serials: Sequence[str], own: str) -> dict[str, str]:
    """Unit → the other prepared delivery that it is in."""
    for i in range(0, len(serials), CHUNK):
        world.delivery_items.load_where(DeliveryItem.unit.in_(serials[i : i + CHUNK]))
    wanted = set(serials)
    rows = [r for r in items_in_hand(world) if r.unit in wanted and r.delivery != own]
    return {r.unit: r.delivery for r in rows if r.unit and state_of_delivery(world, r.delivery) == "prepared"}


def _against_pieces(world: World, wanted: dict[str, int], own: str) -> list[Against]:
    found: list[Against] = []
    for order, quantity in wanted.items():
        free = released_pieces(world, order) - delivered_pieces(world, order, own)
        found += [Against("release_nc", {"unit": order, "nc": nc}) for nc in open_ncs_of_order(world, order)]
        if quantity > free:
            found.append(Against("delivery_pieces", {"order": order, "count": max(0, free), "quantity": quantity}))
    return found


# --- what people do ---------------------------------------------------------------------------------------------------


def _prepared(world: World, entry: Entry, body: wire.DeliveryPrepared) -> Judged:
    found = check(world, body)
    if found.against:
        return no(entry, found.against[0].reason, **found.against[0].args)
    row = DeliveryRow(
        id=number(world, entry, "BL"),
        customer=found.customer,
        state="prepared",
        items=len(found.lines),
        quantity=found.count,
        note=body.note,
        carrier="",
        why="",
        prepared_by=entry.operator or "",
        prepared_at=entry.at,
        sent_by="",
        sent_at=None,
        cancelled_at=None,
    )
    world.deliveries.put(row)
    for n, line in enumerate(found.lines, 1):
        world.delivery_items.put(
            DeliveryItemRow(
                row.id, n, line.order, line.product, line.unit, line.quantity, line.carton, line.pallet, release=""
            )
        )
    return yes(entry, delivery=row.id, count=row.quantity)


def items_of(world: World, row: DeliveryRow) -> list[DeliveryItemRow]:
    """What is in a delivery, in the order of its numbers."""
    keys = [(row.id, n) for n in range(1, row.items + 1)]
    world.delivery_items.load(keys)
    return [found for key in keys if (found := world.delivery_items.get(*key))]


def asked_again(row: DeliveryRow, items: Iterable[DeliveryItemRow]) -> wire.DeliveryPrepared:
    """What a delivery was prepared with."""
    held = list(items)
    pieces = [i for i in held if i.unit is None and not i.carton]
    return wire.DeliveryPrepared(
        customer=row.customer,
        cartons=tuple(dict.fromkeys(i.pallet or i.carton for i in held if i.carton)),
        units=tuple(i.unit for i in held if i.unit and not i.carton),
        pieces=tuple(wire.DeliveredPieces(order=i.order, quantity=i.quantity) for i in pieces),
    )


def check_again(world: World, row: DeliveryRow) -> Checked:
    """What stands against a prepared delivery leaving now."""
    items = items_of(world, row)
    found = check(world, asked_again(row, items), own=row.id)
    before = {Line(i.order, i.product, i.unit, i.quantity, i.carton, i.pallet) for i in items}
    moved = before.symmetric_difference(found.lines)
    changed = sorted({line.pallet or line.carton for line in moved} - {""})
    return replace(found, against=[*found.against, *(Against("delivery_changed", {"carton": c}) for c in changed)])


def _open_one(world: World, entry: Entry, delivery: str) -> DeliveryRow | Judged:
    row = world.deliveries.get(delivery)
    if row is None:
        return no(entry, "unknown_delivery", delivery=delivery)
    over = {"sent": "delivery_sent", "cancelled": "delivery_cancelled"}.get(row.state)
    return no(entry, over, delivery=delivery) if over else row


def _sent(world: World, entry: Entry, body: wire.DeliverySent) -> Judged:
    row = _open_one(world, entry, body.delivery)
    if isinstance(row, Judged):
        return row
    found = check_again(world, row)
    if found.against:
        return no(entry, found.against[0].reason, **found.against[0].args)
    for item in items_of(world, row):
        unit = world.units.get(item.unit) if item.unit else None
        if unit is not None:
            world.delivery_items.put(replace(item, release=release_of(world, unit) or ""))
            world.put_unit(replace(unit, delivery=row.id))
    for sscc in dict.fromkeys(x for line in found.lines for x in (line.carton, line.pallet) if x):
        _send_carton(world, entry, sscc, row.id)
    gone = replace(row, state="sent", carrier=body.carrier, sent_by=entry.operator or "", sent_at=entry.at)
    world.deliveries.put(gone)
    return yes(entry, delivery=row.id, count=row.quantity)


def _send_carton(world: World, entry: Entry, sscc: str, delivery: str) -> None:
    carton = world.cartons.get(sscc)
    assert carton is not None  # the check has found it
    args = json.dumps({"carton": sscc, "delivery": delivery}, sort_keys=True)
    line = carton.events + 1
    world.carton_events.put(CartonEventRow(sscc, line, entry.at, entry.kind, "carton_sent", args, ""))
    world.cartons.put(replace(carton, state="sent", events=line))


def _cancelled(world: World, entry: Entry, body: wire.DeliveryCancelled) -> Judged:
    row = _open_one(world, entry, body.delivery)
    if isinstance(row, Judged):
        return row
    world.deliveries.put(replace(row, state="cancelled", why=body.why, cancelled_at=entry.at))
    return yes(entry, delivery=row.id, count=row.quantity)


def came_back(world: World, entry: Entry, unit: Unit, why: str) -> None:
    """A unit that had left goes on its route again: it is in the carton of that delivery no more."""
    if unit.delivery is None:
        return
    for row in world.packed_by("unit", unit.serial):
        world.put_packed(replace(row, removed_at=entry.at, why=why))


DELIVERY_RULES: Final[dict[str, Callable[[World, Entry, Any], Judged]]] = {
    "DeliveryPrepared": _prepared,
    "DeliverySent": _sent,
    "DeliveryCancelled": _cancelled,
}
