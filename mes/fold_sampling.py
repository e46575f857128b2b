"""Acceptance sampling, folded: a lot is judged by its sample, and the series of its product moves by the rules.

The same contract as `mes.fold`. `offer` is asked by the page as well: page and ledger see the same lot and plan.
A series is kept by product and step. A lot that is shown again does not count in it. What a sample has shown is held:
the whole lot where it is not accepted, else what does not conform. Source: ISO 2859-1:1999 (`mes.domain.sampling`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from mes import fold_sampled, wire
from mes.domain import sampling as rules
from mes.domain.gate import name_of_step
from mes.domain.nonconformity import UNDECIDED
from mes.domain.orders import Against
from mes.domain.route import Product, Sampling, Step
from mes.domain.sampling import SamplingPlan, Series, Severity
from mes.fold_nonconformity import number, open_of_sample
from mes.fold_packing import inside
from mes.fold_shipping import product_of
from mes.rows import InspectedUnitRow, InspectionRow, OrderRow, SeriesRow
from mes.verdicts import Entry, Judged, no, yes
from mes.wire.nonconformity import MAX_ITEMS
from mes.world import World


@dataclass(frozen=True, slots=True)
class Offer:
    """A lot as it would be inspected now: its size and its units, by which plan, and where its series stands."""

    product: Product
    step: Step
    count: int
    units: Sequence[str]
    severity: Severity
    plan: SamplingPlan
    series: Series
    again: InspectionRow | None = None


def series_of(world: World, product: str, step: str, asked: Sampling) -> Series:
    """Where the lots of a product stand at a step; another AQL or level begins to look back anew."""
    row = world.series.get(product, step)
    if row is None:
        return Series()
    same = (row.level, row.aql) == (asked.level, asked.column)
    return row.rule if same else rules.restarted(row.rule)


def offer(world: World, stated: wire.LotStated) -> Offer | Against:
    """The lot that somebody states and its plan; or what is not right with it."""
    order = world.orders.get(stated.order)
    product = product_of(world, order) if order else None
    if order is None or product is None:
        return Against("order_not_released" if order else "unknown_order", {"order": stated.order})
    step = product.step(stated.step)
    asked = step.sampling if step else None
    if step is None or asked is None:
        return Against("sampling_not_asked", {"order": order.id, "step": stated.step})
    series = series_of(world, product.id, step.id, asked)
    named = {"order": order.id, "step": name_of_step(product, step.id), "product": product.id}
    if series.stopped:
        return Against("sampling_stopped", named)
    before: InspectionRow | None = None
    if stated.again:
        before = world.inspections.get(stated.again)
        if before is None or (before.order, before.step, before.state) != (order.id, step.id, "rejected"):
            return Against("sampling_not_again", {**named, "inspection": stated.again})
    lot = _lot(world, order, product, step, stated, before)
    if isinstance(lot, Against):
        return replace(lot, args={**named, **lot.args})
    count, units = lot
    if count == 0:
        return Against("sampling_nothing", named)
    if len(units) > MAX_ITEMS:
        return Against("sampling_too_many_units", {**named, "most": MAX_ITEMS})
    severity = rules.for_shown_again(series.severity) if before else series.severity
    plan = rules.plan_for(count, asked.column, level=asked.level, severity=severity)
    return Offer(product, step, count, units, severity, plan, series, before)


Lot = tuple[int, Sequence[str]]


def _lot(
    world: World, order: OrderRow, product: Product, step: Step, stated: wire.LotStated, before: InspectionRow | None
) -> Lot | Against:
    """How large a lot is, and which units it has."""
    if before is not None:
        return _again(world, product, step, stated, before)
    if product.tracking == "serial":
        ready = fold_sampled.ready_units(world, order, product, step)
        if stated.cartons:
            return _units_of_cartons(world, order, stated.cartons, ready)
        if stated.quantity > len(ready):
            return Against("sampling_too_many", {"count": len(ready), "quantity": stated.quantity})
        chosen = ready[: stated.quantity or len(ready)]
        return len(chosen), chosen
    free = fold_sampled.ready_pieces(world, order, step)
    wanted = stated.quantity or free
    if stated.cartons:
        packed = _packed(world, order, step, stated.cartons)
        if isinstance(packed, Against):
            return packed
        wanted = packed
    if wanted > free:
        return Against("sampling_too_many", {"count": free, "quantity": wanted})
    return wanted, ()


def _again(world: World, product: Product, step: Step, stated: wire.LotStated, before: InspectionRow) -> Lot | Against:
    """A lot that was not accepted, after its treatment: what is left of it."""
    nc = world.ncs.get(before.nc) if before.nc else None
    while nc is not None and nc.merged_into:
        nc = world.ncs.get(nc.merged_into)
    said = {"inspection": before.id, "nc": nc.id if nc else ""}
    if nc is not None and nc.state in (*UNDECIDED, "in_treatment"):
        return Against("sampling_untreated", said)
    if product.tracking == "lot":
        left = fold_sampled.left_of(world, before)
        wanted = stated.quantity or left
        if wanted > left:
            return Against("sampling_too_many", {"count": left, "quantity": wanted})
        return wanted, ()
    units = [u for s in fold_sampled.units_in(world, before) if (u := world.units.get(s)) is not None]
    here = [u for u in units if u.state not in ("scrapped", "withdrawn")]
    if any(not fold_sampled.has_passed(product, step, u) for u in here):
        return Against("sampling_untreated", said)
    return len(here), [u.serial for u in here]


def _closed(world: World, cartons: Sequence[str]) -> Against | None:
    """The first carton that is not there, or not closed."""
    for each in cartons:
        carton = world.cartons.get(each)
        if carton is None or carton.state != "closed":
            return Against("carton_not_closed" if carton else "unknown_carton", {"carton": each})
    return None


def _units_of_cartons(world: World, order: OrderRow, cartons: Sequence[str], ready: Sequence[str]) -> Lot | Against:
    if (wrong := _closed(world, cartons)) is not None:
        return wrong
    serials = [r.unit for each in dict.fromkeys(cartons) for r in inside(world, each) if r.unit]
    mine = sorted(s for s in serials if (u := world.units.get(s)) is not None and u.order == order.id)
    for serial in mine:
        if serial not in ready:
            return Against("sampling_unit_taken", {"unit": serial})
    return len(mine), mine


def _packed(world: World, order: OrderRow, step: Step, cartons: Sequence[str]) -> int | Against:
    """Pieces of a counted order in cartons that no lot holds yet."""
    if (wrong := _closed(world, cartons)) is not None:
        return wrong
    taken = {c for row in fold_sampled.inspections_of(world, order.id, step.id) for c in json.loads(row.cartons)}
    for each in cartons:
        if each in taken:
            return Against("sampling_carton_taken", {"carton": each})
    rows = [r for each in dict.fromkeys(cartons) for r in inside(world, each)]
    return sum(r.quantity for r in rows if r.unit is None and r.order == order.id)


def _inspected(world: World, entry: Entry, body: wire.LotInspected) -> Judged:
    found = offer(world, body)
    if isinstance(found, Against):
        return no(entry, found.reason, **found.args)
    if (found.count, found.severity, found.plan.size) != (body.size, body.severity, body.sample):
        return no(entry, "sampling_changed", order=body.order, count=found.count, sample=found.plan.size)
    if body.found > found.plan.size:
        return no(entry, "sampling_found_more", count=body.found, sample=found.plan.size)
    if found.units and (wrong := _named(found, body)) is not None:
        return no(entry, wrong.reason, **wrong.args)
    accepted, asked = found.plan.accepts(body.found), found.step.sampling
    assert asked is not None
    made, order = number(world, entry, "li", "LI"), world.orders.get(body.order)
    assert order is not None
    nc = _held(world, entry, order, found, body, made, accepted=accepted) if body.found else None
    series = found.series
    if found.again is None:
        series = rules.after(series, found.plan, asked.column, body.found, steady=body.steady, wanted=asked.reduced)
        before = world.series.get(found.product.id, found.step.id)
        _put_series(world, found.product.id, found.step.id, asked, series, before.decisions if before else "[]")
    else:
        world.inspections.put(replace(found.again, state="again"))
    world.inspections.put(
        InspectionRow(
            id=made,
            order=body.order,
            product=found.product.id,
            step=found.step.id,
            quantity=found.count,
            cartons=json.dumps(list(body.cartons) or (json.loads(found.again.cartons) if found.again else [])),
            level=asked.level,
            aql=asked.column,
            severity=found.severity,
            letter=found.plan.letter,
            sample=found.plan.size,
            accept=found.plan.accept,
            found=body.found,
            bad=json.dumps(list(body.units)),
            state="accepted" if accepted else "rejected",
            again=body.again or None,
            nc=nc,
            note=body.note,
            severity_after="stopped" if series.stopped else series.severity,
            score_after=series.score,
            event_id=entry.event_id,
            at=entry.at,
        )
    )
    for serial in found.units:
        world.inspected.put(InspectedUnitRow(serial, found.step.id, made))
    state = "accepted" if accepted else "rejected"
    return yes(entry, order=body.order, inspection=made, state=state, **({"nc": nc} if nc else {}))


def _named(found: Offer, body: wire.LotInspected) -> Against | None:
    """Of units with serials it is said which do not conform, each once, and they are in the lot."""
    if len(set(body.units)) != body.found or len(body.units) != body.found:
        return Against("sampling_name_units", {"count": body.found})
    strange = next((s for s in body.units if s not in found.units), None)
    return Against("sampling_other_unit", {"unit": strange}) if strange is not None else None


def _held(
    world: World,
    entry: Entry,
    order: OrderRow,
    found: Offer,
    body: wire.LotInspected,
    made: str,
    *,
    accepted: bool,
) -> str:
    """Hold what a sample has shown: all of a lot that is not accepted. Returns the nonconformity."""
    if found.units:
        spared = () if accepted else tuple(s for s in found.units if s not in body.units)
        items = [
            wire.NcItem(kind="unit", subject=s, why="" if s in body.units else made) for s in (*body.units, *spared)
        ]
    else:
        spared = ()
        items = [wire.NcItem(kind="pieces", subject=order.id, quantity=body.found if accepted else found.count)]
    detail = {"inspection": made, "found": body.found, "sample": found.plan.size, "accepted": accepted}
    return open_of_sample(world, entry, order, found.step.id, items, spared=spared, place=body.place, detail=detail)


def _put_series(world: World, product: str, step: str, asked: Sampling, series: Series, decisions: str) -> None:
    world.series.put(
        SeriesRow(
            product=product,
            step=step,
            level=asked.level,
            aql=asked.column,
            severity=series.severity,
            score=series.score,
            recent=json.dumps(list(series.recent)),
            not_accepted=series.not_accepted,
            stopped=series.stopped,
            decisions=decisions,
        )
    )


def _decided(world: World, entry: Entry, body: wire.SeriesDecided) -> Judged:
    row = world.series.get(body.product, body.step)
    if row is None:
        return no(entry, "sampling_no_series", product=body.product, step=body.step)
    series = row.rule
    after = rules.resumed(series) if body.decision == "resume" else rules.eased(series)
    if after == series:
        return no(entry, "sampling_not_stopped" if body.decision == "resume" else "sampling_not_reduced")
    said = [*json.loads(row.decisions), {"at": entry.at, "decision": body.decision, "why": body.why}]
    world.series.put(
        replace(
            row,
            severity=after.severity,
            score=after.score,
            recent=json.dumps(list(after.recent)),
            not_accepted=after.not_accepted,
            stopped=after.stopped,
            decisions=json.dumps(said, sort_keys=True),
        )
    )
    return yes(entry, product=body.product, step=body.step)


SAMPLING_RULES: Final[dict[str, Callable[[World, Entry, Any], Judged]]] = {
    "LotInspected": _inspected,
    "SeriesDecided": _decided,
}
