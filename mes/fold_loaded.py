"""The component lots of counted orders, folded: which lot a station has loaded, and how many pieces were made of it.

The same contract as `mes.fold`. A count is never refused because no lot is loaded: ledgers from before know none, and
what was counted was counted.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import func, select

from mes import wire
from mes.db.tables import Installation, LotUse
from mes.domain import gate
from mes.domain import lots as rules
from mes.domain.route import Plan, Step
from mes.fold_lots import standing, take_piece
from mes.rows import LoadedRow, LotUseRow
from mes.verdicts import Entry, Judged, NotUnderstood
from mes.world import World


def load(world: World, entry: Entry, body: wire.MaterialsLoaded) -> Judged:
    """A bag was scanned at a counted step; the lot takes the place of the one that was loaded there."""
    order = world.orders.get(body.order)
    plan = world.plan(order.revision if order and order.revision else world.latest_revision())
    if plan is None:
        raise NotUnderstood("no plan is published")
    station = entry.station or ""
    answer = gate.load(
        order=order.rule if order else None,
        order_id=body.order,
        plan=plan,
        step_id=body.step,
        station=station,
        operator=entry.operator,
        part=body.part,
        lot=body.lot,
        lot_is=standing(world, entry, plan, body.part, body.lot),
    )
    product = plan.product(order.product) if order else None
    step = product.step(body.step) if product and product.tracking == "lot" else None
    needed = step is not None and any(c.part == body.part for c in gate.of_lots(step))
    if needed and (answer.go or not entry.asks):  # it is loaded, whatever the rules say
        world.loaded.put(LoadedRow(body.order, body.step, station, body.part, body.lot, entry.at))
    verdict: wire.Verdict = "accepted" if answer.go else "refused" if entry.asks else "held"
    return Judged(entry, "recorded", verdict, answer.reason, dict(answer.args))


def loaded(world: World, station: str, order: str, step: Step) -> dict[str, str]:
    """The lot of each part that a station has loaded for an order at a step."""
    keys = [(order, step.id, station, c.part) for c in gate.of_lots(step)]
    world.loaded.load(keys)
    return {row.part: row.lot for key in keys if (row := world.loaded.get(*key)) is not None and row.lot}


def made_of(world: World, entry: Entry, plan: Plan, step: Step, lots: dict[str, str], pieces: int) -> gate.Answer:
    """May so many pieces be counted that are made of these lots on the day of the entry?"""
    standings = {
        c.part: standing(world, entry, plan, c.part, lots[c.part], pieces * c.quantity)
        for c in gate.of_lots(step)
        if c.part in lots
    }
    return gate.made_of(step, lots, standings)


def use(
    world: World, entry: Entry, order: str, step: Step, pieces: int, lots: dict[str, str], *, permitted: bool
) -> list[str]:
    """So many pieces were counted: they are made of these lots.

    Args:
        permitted: the gate let them be counted; else no concession is used, and somebody has to decide on them.

    Returns:
        The parts of which the lot should be used up now; a bag of it has to be scanned before the next count.
    """
    empty = []
    for component in gate.of_lots(step):
        part, lot = component.part, lots.get(component.part)
        if not lot or not pieces:
            continue
        row = world.lot_uses.get(order, step.id, part, lot) or LotUseRow(order, step.id, part, lot, 0, 0, entry.at)
        more = pieces * component.quantity
        changed = replace(row, pieces=row.pieces + pieces, quantity=row.quantity + more, used_at=entry.at)
        world.lot_uses.put(changed)
        if permitted:
            take_piece(world, part, lot, more)
        if _used_up(world, part, lot):
            world.loaded.put(LoadedRow(order, step.id, entry.station or "", part, "", entry.at))
            empty.append(part)
    return empty


def _used_up(world: World, part: str, lot: str) -> bool:
    """Is nothing left of a lot, by its receipts? Of one without a receipt nobody can say."""
    row = world.lots.get(part, lot)
    if row is None or not row.receipts:
        return False
    i, u = Installation, LotUse
    # What this transaction has changed is not in the database yet.
    fitted = [r for key in world.installations.changed if (r := world.installations.get(*key)) is not None]
    counted = [c for key in world.lot_uses.changed if (c := world.lot_uses.get(*key)) is not None]
    stored_fits = select(func.coalesce(func.sum(i.quantity), 0)).where(
        i.part == part, i.lot == lot, i.removed_at.is_(None), i.id.not_in([r.id for r in fitted])
    )
    mine = {(r.order, r.step) for r in counted if (r.part, r.lot) == (part, lot)}
    stored_uses = select(u.order, u.step, u.quantity).where(u.part == part, u.lot == lot)
    used = int(world.connection.scalar(stored_fits) or 0)
    used += sum(n for order, step, n in world.connection.execute(stored_uses) if (order, step) not in mine)
    used += sum(r.quantity for r in fitted if (r.part, r.lot) == (part, lot) and r.removed_at is None)
    used += sum(r.quantity for r in counted if (r.part, r.lot) == (part, lot))
    return rules.left(row.received, used) <= 0
