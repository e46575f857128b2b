"""Component lots, folded: received, held, released, and the units that are held because of one.

The same contract as `mes.fold`: values from the entry only; a request that may not be changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mes import wire
from mes.domain import lots as rules
from mes.domain.days import day_at
from mes.domain.gate import Unit
from mes.domain.lots import Standing
from mes.domain.route import Plan
from mes.domain.unit import NcDraft
from mes.rows import InstallationRow, LotRow, ReceiptRow
from mes.verdicts import Entry, Judged, no, yes
from mes.world import World

OpenNc = Callable[[World, Entry, Unit, NcDraft], str]


def standing_of(world: World, entry: Entry, plan: Plan, body: wire.MaterialsInstalled) -> Standing:
    """How the lot of an installation stood on that day, for so many pieces; a component without lot is good."""
    if not body.lot:
        return "good"
    return standing(world, entry, plan, body.part, body.lot, body.quantity)


def standing(world: World, entry: Entry, plan: Plan, part: str, lot: str, quantity: int = 1) -> Standing:
    """How a lot stood on that day, for so many pieces."""
    row = world.lots.get(part, lot)
    policy = plan.plant.lots if plan.lot_tracked(part) else "any"
    granted = world.concessions.get(row.concession) if row and row.concession else None
    known = row.rule(granted.remaining, granted.expires) if row and granted else row.rule(None, "") if row else None
    return rules.standing(known, day_at(entry.at, plan.plant.timezone), policy, quantity=quantity)


def take_piece(world: World, part: str, lot: str | None, quantity: int) -> str | None:
    """Pieces of a lot under a concession have gone in, as the gate permits: it counts down.

    Returns:
        The concession; None for a lot that needs none.
    """
    row = world.lots.get(part, lot) if lot else None
    granted = world.concessions.get(row.concession) if row and row.concession else None
    if granted is None:
        return None
    world.concessions.put(replace(granted, remaining=granted.remaining - quantity))
    return granted.id


def give_back(world: World, row: InstallationRow) -> None:
    """What went in under a concession has come out again: it may be used for another piece."""
    granted = world.concessions.get(row.concession) if row.concession else None
    if granted is not None:
        world.concessions.put(replace(granted, remaining=granted.remaining + row.quantity))


def _row(world: World, part: str, lot: str) -> LotRow:
    return world.lots.get(part, lot) or LotRow(part, lot)


def _received(world: World, entry: Entry, body: wire.LotReceived) -> Judged:
    if body.received > world.day(entry.at):
        return no(entry, "receipt_future")
    if body.owner == "customer" and not body.customer:
        return no(entry, "receipt_customer")
    row = _row(world, body.part, body.lot)
    number = row.receipts + 1
    supplier, supplier_lot = body.supplier or row.supplier, body.supplier_lot or row.supplier_lot
    world.lots.put(
        replace(
            row,
            received=row.received + body.quantity,
            receipts=number,
            received_on=max(row.received_on or "", body.received),
            supplier=supplier,
            supplier_lot=supplier_lot,
            owner=body.owner,
            customer=body.customer if body.owner == "customer" else "",
            expires=body.expires or row.expires,
        )
    )
    world.receipts.put(
        ReceiptRow(
            body.part,
            body.lot,
            number,
            body.quantity,
            body.received,
            supplier,
            supplier_lot,
            body.delivery,
            entry.at,
        )
    )
    return yes(entry, part=body.part, lot=body.lot, number=number)


def _changed(world: World, entry: Entry, body: wire.LotChanged) -> Judged:
    state = "held" if entry.kind == "LotHeld" else "released"
    world.lots.put(replace(_row(world, body.part, body.lot), state=state, why=body.why))
    return yes(entry, part=body.part, lot=body.lot)


def hold_unit(open_nc: OpenNc, world: World, entry: Entry, body: wire.UnitHeld) -> Judged:
    """Block one unit that contains the lot, wherever it is: nothing goes on before somebody has decided."""
    unit = world.units.get(body.unit)
    if unit is None:
        return no(entry, "unknown_unit", unit=body.unit)
    if unit.nc is not None:
        return no(entry, "unit_held", unit=unit.serial, nc=unit.nc)
    if unit.state in ("scrapped", "withdrawn"):
        return no(entry, f"unit_{unit.state}", unit=unit.serial)
    if not any((i.part, i.lot) == (body.part, body.lot) for i in world.inside(unit.serial)):
        return no(entry, "lot_not_inside", unit=unit.serial, part=body.part, lot=body.lot)
    draft = NcDraft("lot_held", unit.step, None, {"part": body.part, "lot": body.lot, "why": body.why})
    nc = open_nc(world, entry, unit, draft)
    off = replace(unit, state="waiting", station=None, place=None, since=entry.at) if unit.state == "in_work" else unit
    world.put_unit(replace(off, nc=nc))
    return yes(entry, unit=unit.serial, nc=nc)


LOT_RULES: Final[dict[str, Callable[[World, Entry, Any], Judged]]] = {
    "LotReceived": _received,
    "LotHeld": _changed,
    "LotReleased": _changed,
}
