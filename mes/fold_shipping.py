"""Releases, folded: what may leave, by whose authority, and what was taken back.

The same contract as `mes.fold`. `candidates` is read by the pre-check of a page as well: page and ledger ask alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import and_

from mes import fold_sampled, wire
from mes.db.tables import DeliveryItem, Lot, Nonconformity, Release, ReleasedUnit
from mes.domain.gate import Unit
from mes.domain.orders import Against
from mes.domain.release import OVER, Candidate, against_pieces, against_unit
from mes.domain.route import Product
from mes.fold_orders import pieces, units_of
from mes.fold_packing import inside
from mes.rows import DeliveryItemRow, OrderRow, PackedRow, ReleasedUnitRow, ReleaseRow
from mes.verdicts import Entry, Judged
from mes.verdicts import no as _no
from mes.verdicts import yes as _yes
from mes.world import CHUNK, World


@dataclass(frozen=True, slots=True)
class Checked:
    """What would be released, and everything that stands against it."""

    units: Sequence[Unit]
    against: Sequence[Against]
    count: int


def product_of(world: World, order: OrderRow) -> Product | None:
    """The order's product as the plan says it that the order was released with; None before its release."""
    plan = world.plan(order.revision) if order.revision else None
    return plan.product(order.product) if plan else None


def check(
    world: World,
    order: OrderRow,
    scope: wire.Scope,
    serials: Sequence[str] = (),
    quantity: int = 0,
    carton: str = "",
) -> Checked:
    """What a release of this scope would cover, and what stands against it.

    Args:
        serials: for the scope `units`.
        quantity: pieces, for a counted order; 0: all that are good and free.
        carton: for the scope `carton`: everything that is in it is looked at, that of other orders too; what is of this
            order is covered.
    """
    product = product_of(world, order)
    if product is None:
        return Checked((), [Against("order_not_released", {"order": order.id})], 0)
    first = [Against("release_order_held", {"order": order.id})] if order.state == "on_hold" else []
    if scope == "carton":
        rows = inside(world, carton)
        first += _against_carton(world, carton, rows)
        serials = [row.unit for row in rows if row.unit]
        first += _against_others(world, serials, order.id)
        serials = [s for s in serials if (u := world.units.get(s)) is None or u.order == order.id]
        quantity = quantity or sum(row.quantity for row in rows if row.unit is None and row.order == order.id)
    if product.tracking == "lot":
        gone = released_pieces(world, order.id)
        scrap = fold_sampled.scrapped_pieces(world, order.id) if product.sampled else 0
        free = good_pieces(world, order, product) - gone - scrap
        accepted = fold_sampled.accepted_pieces(world, order, product)
        most = free if accepted is None or scope != "finished" else min(free, accepted - gone)
        wanted = quantity or (0 if scope == "carton" else max(0, most))
        against = against_pieces(order.id, quantity=wanted, free=free, ncs=open_ncs_of_order(world, order.id))
        against += fold_sampled.against_pieces(world, order, product, leaving=gone + wanted, carton=carton)
        return _checked((), [*first, *against], wanted, order.id)
    named = scope in ("units", "carton")
    missing = [s for s in serials if (u := world.units.get(s)) is None or u.order != order.id] if named else []
    against = [*first, *(Against("unknown_unit", {"unit": s}) for s in missing)]
    units = (
        [u for s in serials if s not in missing and (u := world.units.get(s))] if named else units_of(world, order.id)
    )
    waits = fold_sampled.waiting_units(world, product, [u.serial for u in units])
    chosen: list[Unit] = []
    for each in candidates(world, units):
        found = against_unit(each, product)
        if not named and (each.unit.state in ("scrapped", "withdrawn") or each.release is not None):
            continue  # left out: it does not leave, or it may already
        if scope == "finished" and (found or each.unit.serial in waits):
            continue
        against += found
        chosen.append(each.unit)
    against += fold_sampled.against_units(order.id, product, [w for u in chosen if (w := waits.get(u.serial))])
    return _checked(chosen, against, len(chosen), order.id)


def _against_carton(world: World, sscc: str, rows: Sequence[PackedRow]) -> list[Against]:
    carton, said = world.cartons.get(sscc), {"carton": sscc}
    if carton is None:
        return [Against("unknown_carton", said)]
    found = [Against("carton_held", said)] if carton.held else []
    if carton.state != "closed":
        found.append(Against("carton_gone" if carton.state == "sent" else "carton_not_closed", said))
    return found if rows else [*found, Against("carton_empty", said)]


def _against_others(world: World, serials: Sequence[str], order: str) -> list[Against]:
    """What stands against the units of other orders in the same carton; that they are released is no reason."""
    world.units.load((s,) for s in serials)
    others = [u for s in serials if (u := world.units.get(s)) and u.order != order]
    found: list[Against] = []
    for each in candidates(world, others):
        theirs = world.orders.get(each.unit.order)
        product = product_of(world, theirs) if theirs else None
        found += against_unit(replace(each, release=None), product) if product else []
        waits = fold_sampled.waiting_units(world, product, [each.unit.serial]) if product else {}
        found += fold_sampled.against_units(each.unit.order, product, waits.values()) if product else []
    return found


def _checked(units: Sequence[Unit], against: Sequence[Against], count: int, order: str) -> Checked:
    nothing = [Against("release_nothing", {"order": order})] if count <= 0 and not against else []
    return Checked(units, [*against, *nothing], max(0, count))


def candidates(world: World, units: Sequence[Unit]) -> list[Candidate]:
    """These units with what stands around them."""
    serials = [u.serial for u in units]
    world.released.load((s,) for s in serials)
    world.load_inside(serials)
    ncs = _open_ncs(world, serials)
    world.lots.load_where(Lot.state == "held")
    held = {(row[0].part, row[0].lot) for row in world.lots.rows.values() if row and row[0].state == "held"}
    out = []
    for unit in units:
        lots = [(r.part, r.lot) for r in world.inside(unit.serial) if r.lot and (r.part, r.lot) in held]
        blocking = dict.fromkeys([*([unit.nc] if unit.nc else []), *ncs.get(unit.serial, ())])
        out.append(Candidate(unit, tuple(blocking), lots, release_of(world, unit)))
    return out


def release_of(world: World, unit: Unit) -> str | None:
    """The release that covers a unit as it stands; None when none does."""
    row = world.released.get(unit.serial)
    return row.release if row and not row.back and row.since == unit.since and unit.state == "done" else None


def _open_ncs(world: World, serials: Sequence[str]) -> Mapping[str, list[str]]:
    """Unit → its nonconformities that are not over."""
    for i in range(0, len(serials), CHUNK):
        piece = serials[i : i + CHUNK]
        world.ncs.load_where(and_(Nonconformity.unit.in_(piece), Nonconformity.state.not_in(OVER)))
    wanted, found = set(serials), dict[str, list[str]]()
    rows = (row[0] for row in world.ncs.rows.values() if row is not None)
    for nc in sorted((r for r in rows if r.unit in wanted and r.state not in OVER), key=lambda r: r.id):
        found.setdefault(nc.unit, []).append(nc.id)
    return found


def open_ncs_of_order(world: World, order: str) -> list[str]:
    """Nonconformities of an order that are not over."""
    world.ncs.load_where(and_(Nonconformity.order == order, Nonconformity.state.not_in(OVER)))
    rows = (row[0] for row in world.ncs.rows.values() if row is not None)
    return sorted(r.id for r in rows if r.order == order and r.state not in OVER)


def good_pieces(world: World, order: OrderRow, product: Product) -> int:
    """Pieces of a counted order that its last step has counted as good."""
    return pieces(world, order.id, product.steps[-1].id, [""])


def released_pieces(world: World, order: str) -> int:
    """Pieces of a counted order that a release covers."""
    world.releases.load_where(Release.order == order)
    rows = (row[0] for row in world.releases.rows.values() if row is not None)
    return sum(r.quantity - r.back for r in rows if r.order == order)


def items_in_hand(world: World) -> list[DeliveryItemRow]:
    """The items of deliveries that are loaded."""
    return [row[0] for row in world.delivery_items.rows.values() if row is not None]


def state_of_delivery(world: World, delivery: str) -> str:
    """How a delivery stands; empty where there is none."""
    row = world.deliveries.get(delivery)
    return row.state if row else ""


def delivered_pieces(world: World, order: str, own: str = "") -> int:
    """Pieces of a counted order that have left, or are set aside for it by another delivery than `own`."""
    return sum(i.quantity for i in _items_of_pieces(world, order) if i.delivery != own)


def _items_of_pieces(world: World, order: str, states: Sequence[str] = ("prepared", "sent")) -> list[DeliveryItemRow]:
    world.delivery_items.load_where(and_(DeliveryItem.order == order, DeliveryItem.unit.is_(None)))
    rows = [r for r in items_in_hand(world) if r.order == order and r.unit is None]
    return [r for r in rows if state_of_delivery(world, r.delivery) in states]


def number(world: World, entry: Entry, word: str) -> str:
    """The next number of its kind, such as `LIB-2026-0001`: without gaps in each year."""
    year = entry.received_at[:4]
    return f"{word}-{year}-{world.next_number(f'{word.lower()}-{year}'):04}"


def _released(world: World, entry: Entry, body: wire.UnitsReleased) -> Judged:
    order = world.orders.get(body.order)
    if order is None:
        return _no(entry, "unknown_order", order=body.order)
    world.units.load((s,) for s in body.units)
    found = check(world, order, body.scope, body.units, body.quantity, body.carton)
    if found.against:
        return _no(entry, found.against[0].reason, **found.against[0].args)
    if found.count != body.quantity:
        return _no(entry, "release_count", order=order.id, count=found.count, quantity=body.quantity)
    release = ReleaseRow(
        id=number(world, entry, "LIB"),
        order=order.id,
        product=order.product,
        scope=body.scope,
        carton=body.carton,
        quantity=found.count,
        back=0,
        by=entry.operator or "",
        note=body.note,
        why="",
        released_at=entry.at,
        ended_at=None,
    )
    world.releases.put(release)
    for unit in found.units:
        world.released.put(ReleasedUnitRow(unit.serial, release.id, unit.since, False))
    return _yes(entry, order=order.id, release=release.id, count=found.count)


def units_of_release(world: World, release: str) -> list[ReleasedUnitRow]:
    """The units that a release covers, those that were not taken back."""
    world.released.load_where(ReleasedUnit.release == release)
    rows = (row[0] for row in world.released.rows.values() if row is not None)
    return sorted((r for r in rows if r.release == release and not r.back), key=lambda r: r.unit)


def _taken_back(world: World, entry: Entry, body: wire.ReleaseTakenBack) -> Judged:
    release = world.releases.get(body.release)
    if release is None:
        return _no(entry, "unknown_release", release=body.release)
    if release.back >= release.quantity:
        return _no(entry, "release_over", release=release.id)
    covered = {row.unit: row for row in units_of_release(world, release.id)}
    chosen: Iterable[str] = body.units or covered
    for serial in chosen:
        if serial not in covered:
            return _no(entry, "release_other", unit=serial, release=release.id)
    if (left := _left(world, release, chosen)) is not None:
        return _no(entry, left.reason, **left.args)
    for serial in chosen:
        world.released.put(replace(covered[serial], back=True))
    back = release.back + len(body.units) if body.units else release.quantity
    world.releases.put(replace(release, back=back, why=body.why, ended_at=entry.at))
    return _yes(entry, order=release.order, release=release.id, count=back - release.back)


def _left(world: World, release: ReleaseRow, serials: Iterable[str]) -> Against | None:
    """What a release covers and has left already; None while all of it is here."""
    for serial in serials:
        unit = world.units.get(serial)
        if unit is not None and unit.delivery is not None:
            return Against("release_left", {"unit": serial, "delivery": unit.delivery})
    gone = _items_of_pieces(world, release.order, ("sent",))
    stays = released_pieces(world, release.order) - (release.quantity - release.back)
    if sum(i.quantity for i in gone) > stays:
        return Against("release_left", {"unit": release.order, "delivery": gone[-1].delivery})
    return None


SHIPPING_RULES: Final[dict[str, Callable[[World, Entry, Any], Judged]]] = {
    "UnitsReleased": _released,
    "ReleaseTakenBack": _taken_back,
}
