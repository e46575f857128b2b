"""What acceptance sampling has said of an order's goods: which lots there are, what none holds yet, and what therefore
stands against a release. Reads of the fold; the pre-check of a page asks here as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from mes.db.tables import InspectedUnit, LotInspection
from mes.domain.gate import Unit, name_of_step
from mes.domain.orders import Against
from mes.domain.route import Product, Step
from mes.fold_orders import pieces, units_of
from mes.rows import InspectionRow, OrderRow
from mes.world import World

Waits = Mapping[str, tuple[Step, InspectionRow | None]]
"""Unit → the step after which its lot is not accepted, and the lot that it was in."""


def every_lot(world: World, order: str) -> list[InspectionRow]:
    """The lots of an order, those that were shown again, too."""
    world.inspections.load_where(LotInspection.order == order)
    rows = (row[0] for row in world.inspections.rows.values() if row is not None)
    return sorted((r for r in rows if r.order == order), key=lambda r: r.id)


def inspections_of(world: World, order: str, step: str) -> list[InspectionRow]:
    """The lots of an order at a step that count: not those that were shown again."""
    return [r for r in every_lot(world, order) if r.step == step and r.state != "again"]


def scrapped_of(world: World, lot: InspectionRow) -> int:
    """Counted pieces that the nonconformity of a lot has made scrap; also where it went on in another one."""
    nc = world.ncs.get(lot.nc) if lot.nc else None
    into = world.ncs.get(nc.merged_into) if nc and nc.merged_into else None
    items = [
        *(world.items_of(nc) if nc else ()),
        *(i for i in (world.items_of(into) if into else ()) if i.why == lot.nc),
    ]
    return sum(i.quantity for i in items if i.kind == "pieces" and i.disposition == "scrap")


def left_of(world: World, lot: InspectionRow) -> int:
    """How much of a counted lot is not scrap."""
    return max(0, lot.quantity - scrapped_of(world, lot))


def scrapped_pieces(world: World, order: str) -> int:
    """Pieces of a counted order that are scrap since a sample was looked at: a bench has counted them as good."""
    return sum(scrapped_of(world, lot) for lot in every_lot(world, order))


def lots_of_units(world: World, step: str, serials: Sequence[str]) -> dict[str, InspectionRow]:
    """Unit → the latest lot that it was in."""
    world.inspected.load((s, step) for s in serials)
    rows = {s: row.inspection for s in serials if (row := world.inspected.get(s, step)) is not None}
    world.inspections.load((i,) for i in rows.values())
    return {s: found for s, i in rows.items() if (found := world.inspections.get(i)) is not None}


def units_in(world: World, lot: InspectionRow) -> list[str]:
    """The units of which a lot is the latest."""
    world.inspected.load_where(InspectedUnit.inspection == lot.id)
    rows = (row[0] for row in world.inspected.rows.values() if row is not None)
    return sorted(r.unit for r in rows if r.inspection == lot.id)


def has_passed(product: Product, step: Step, unit: Unit) -> bool:
    """Has a unit passed a step, and may it be in a lot: nothing holds it, and it is still here?"""
    on = unit.state == "done" or product.place(unit.step) > product.place(step.id)
    return on and unit.state in ("waiting", "in_work", "done") and unit.nc is None and unit.delivery is None


def ready_units(world: World, order: OrderRow, product: Product, step: Step) -> list[str]:
    """The units of an order that have passed a step and that no lot holds yet, by serial."""
    passed = [u.serial for u in units_of(world, order.id) if has_passed(product, step, u)]
    taken = lots_of_units(world, step.id, passed)
    return [s for s in passed if s not in taken]


def ready_pieces(world: World, order: OrderRow, step: Step) -> int:
    """The good pieces of a counted order at a step that no lot holds yet."""
    lots = [r for r in every_lot(world, order.id) if r.step == step.id]
    held = sum(scrapped_of(world, r) if r.state == "again" else r.quantity for r in lots)
    return max(0, pieces(world, order.id, step.id, [""]) - held)


# --- what stands against a release ------------------------------------------------------------------------------------


def waiting_units(world: World, product: Product, serials: Sequence[str]) -> Waits:
    """Those of some units that are in no accepted lot, where the plan asks for one."""
    found: dict[str, tuple[Step, InspectionRow | None]] = {}
    for step in product.sampled:
        lots = lots_of_units(world, step.id, serials)
        for serial in serials:
            lot = lots.get(serial)
            if lot is None or lot.state != "accepted":
                found.setdefault(serial, (step, lot))
    return found


def against_units(order: str, product: Product, waits: Iterable[tuple[Step, InspectionRow | None]]) -> list[Against]:
    """One reason a lot that was not accepted, and one a step for what is in no lot."""
    rejected: dict[str, None] = {}
    missing: dict[str, int] = {}
    for step, lot in waits:
        if lot is None:
            missing[step.id] = missing.get(step.id, 0) + 1
        else:
            rejected[lot.id] = None
    return [
        *(_rejected(order, lot) for lot in rejected),
        *(_missing(order, product, step, count) for step, count in missing.items()),
    ]


def accepted_pieces(world: World, order: OrderRow, product: Product) -> int | None:
    """How many pieces of a counted order lie in accepted lots; None where the plan asks for none."""
    counts = [
        sum(left_of(world, r) for r in inspections_of(world, order.id, step.id) if r.state == "accepted")
        for step in product.sampled
    ]
    return min(counts) if counts else None


def against_pieces(world: World, order: OrderRow, product: Product, *, leaving: int, carton: str = "") -> list[Against]:
    """What stands against it that so many pieces of a counted order have left in all.

    Args:
        carton: where they are in one: it must not be of a lot that was not accepted.
    """
    found: list[Against] = []
    for step in product.sampled:
        rows = inspections_of(world, order.id, step.id)
        rejected = [r for r in rows if r.state == "rejected" and left_of(world, r)]
        accepted = sum(left_of(world, r) for r in rows if r.state == "accepted")
        lacking = leaving - accepted
        if lacking > 0:
            found += [_rejected(order.id, r.id) for r in rejected]
            lacking -= sum(left_of(world, r) for r in rejected)
        elif carton:
            found += [_rejected(order.id, r.id) for r in rejected if carton in json.loads(r.cartons)]
        if lacking > 0:
            found.append(_missing(order.id, product, step.id, lacking))
    return found


def _rejected(order: str, lot: str) -> Against:
    return Against("sampling_rejected", {"order": order, "inspection": lot})


def _missing(order: str, product: Product, step: str, count: int) -> Against:
    said = {"order": order, "count": count, "step": name_of_step(product, step)}
    return Against("sampling_missing", said)
