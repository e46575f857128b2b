"""The sums behind yields, folded with the events that they count: by quarter of an hour and station, and by order.

The same contract as `mes.fold`: called by it after a decision has been applied, never by anybody else.

What each column counts, at the step where it happened and in the quarter of an hour of the event's own time:

- `begun`: visits that began. `passed`, `failed`: visits that ended so. `failures`: failed attempts, repeats included.
- `first`: units whose *first* attempt at the step was judged: its first visit failed for the first time, or passed
  without having failed. `first_passed`: of these, the ones that passed. A broken bench judges nothing.
- `errors`, `aborted`: test runs that said nothing of the unit.
- `defects`: nonconformities that were opened. `reworked`: decisions that sent a unit back. `scrapped`: units lost.
- `finished`: units whose route ended here; one that goes back or is lost afterwards is taken off again.
- `good`, `scrap`: counted pieces of orders without serials.
- `timed`, `took_ms`: visits that passed, and how long they lasted together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from mes import fold_failures, wire
from mes.domain import spread
from mes.domain import unit as unit_rules
from mes.domain.days import day_at, quarter_at
from mes.domain.gate import Unit
from mes.domain.route import Plan
from mes.domain.station_time import resource
from mes.domain.unit import seconds_between
from mes.rows import OrderRow, SpreadRow, StationSpanRow, StepDefectRow, StepOrderRow, StepQuarterRow, VisitRow
from mes.verdicts import Entry
from mes.world import World

R = TypeVar("R", StepQuarterRow, StepOrderRow)


def add(world: World, entry: Entry, *, order: str, product: str, step: str, station: str | None, **more: int) -> None:
    """Let counts of a step grow, by quarter of an hour and by order.

    Args:
        more: column → by how much; zeros change nothing.
    """
    grown = {column: by for column, by in more.items() if by}
    if not grown:
        return
    key = (quarter_at(entry.at), product, step, station or "")
    by_quarter = world.step_quarters.get(*key) or StepQuarterRow(
        quarter=key[0], product=product, step=step, station=key[3]
    )
    world.step_quarters.put(_grown(by_quarter, grown))
    by_order = world.step_orders.get(order, step) or StepOrderRow(order=order, step=step, product=product)
    world.step_orders.put(_grown(by_order, grown))


def _grown(row: R, more: Mapping[str, int]) -> R:
    counts: dict[str, Any] = {column: getattr(row, column) + by for column, by in more.items()}
    return replace(row, **counts)


def count_unit(
    world: World, entry: Entry, case: unit_rules.Case, decision: unit_rules.Decision, visit: VisitRow | None, body: Any
) -> None:
    """Count what an event did to a unit.

    Args:
        visit: the unit's visit as it was before the event, None where there was none.
    """
    before, after = case.unit, decision.unit
    assert before is not None
    ended = decision.ended.result if decision.ended else None
    first, good = _first_attempt(decision, visit)
    took = seconds_between(visit.started_at, entry.at) if visit and ended == "passed" else None
    here = isinstance(body, wire.UnitsTested) and body.step == before.step
    outcome = unit_rules.counted(case, body) if here else ""
    scrapped = after is not None and after.state == "scrapped" and before.state != "scrapped"
    finished = _finished(before, after or before)
    add(
        world,
        entry,
        order=before.order,
        product=before.product,
        step=before.step,
        station=entry.station,
        begun=int(decision.arrived),
        first=int(first),
        first_passed=int(good),
        passed=int(ended == "passed"),
        failed=int(ended == "failed"),
        failures=int(decision.failure),
        errors=int(outcome in ("error", "timeout")),
        aborted=int(outcome == "aborted"),
        defects=int(decision.nc is not None),
        scrapped=int(scrapped),
        finished=finished,
        timed=int(took is not None),
        took_ms=max(0, round((took or 0) * 1000)),
    )
    fold_failures.found(world, entry, case, decision, body, first=first, outcome=outcome)
    if scrapped:
        fold_failures.scrapped(world, entry, before)
    day = day_at(entry.at, case.plan.plant.timezone)
    if decision.nc is not None:
        find(world, day, before.product, before.step, decision.nc.defect or decision.nc.cause, 1)
    if took is not None:
        _spread(world, day, before.product, before.step, took)
    if finished > 0:
        whole = world.visits.get(before.serial, case.product.steps[0].id, 1)
        if whole is not None and (lead := seconds_between(whole.started_at, entry.at)) is not None:
            _spread(world, day, before.product, "", lead)


def _first_attempt(decision: unit_rules.Decision, visit: VisitRow | None) -> tuple[bool, bool]:
    """Was this the first judgement of the unit at the step, and did it pass?"""
    if visit is None or visit.visit != 1 or visit.failures:
        return False, False
    if decision.failure:
        return True, False
    passed = decision.ended is not None and decision.ended.result == "passed"
    return passed, passed


def _finished(before: Unit, after: Unit) -> int:
    return (after.state == "done") - (before.state == "done")


def decided(world: World, entry: Entry, before: Unit, after: Unit, *, rework: bool = False) -> None:
    """Count what a person decided on a unit away from a bench."""
    lost = after.state == "scrapped" and before.state != "scrapped"
    if lost:
        fold_failures.scrapped(world, entry, before)
    add(
        world,
        entry,
        order=before.order,
        product=before.product,
        step=before.step,
        station=None,
        scrapped=int(lost),
        reworked=int(rework),
        finished=_finished(before, after),
    )


def count_pieces(world: World, entry: Entry, plan: Plan, order: OrderRow, body: wire.WorkCompleted) -> None:
    """Count the pieces that a step of a counted order reports, and that its station is at work."""
    product = plan.product(order.product)
    last = product is not None and product.after(body.step) is None
    scrap = sum(s.quantity for s in body.scrap)
    add(
        world,
        entry,
        order=order.id,
        product=order.product,
        step=body.step,
        station=entry.station,
        good=body.good,
        scrap=scrap,
        finished=body.good if last else 0,
        scrapped=scrap,
    )
    fold_failures.pieces(world, entry, order, body)
    day = day_at(entry.at, plan.plant.timezone)
    for each in body.scrap:
        if each.quantity:
            find(world, day, order.product, body.step, each.defect, each.quantity)
    if entry.station and (station := world.stations.get(entry.station)) is not None:
        world.stations.put(replace(station, counting=True))


def find(world: World, day: str, product: str, step: str, defect: str, by: int) -> None:
    """A defect was found so many times."""
    row = world.step_defects.get(day, product, step, defect) or StepDefectRow(day, product, step, defect, 0)
    world.step_defects.put(replace(row, found=row.found + by))


def _spread(world: World, day: str, product: str, step: str, seconds: float) -> None:
    number = spread.bucket(seconds)
    row = world.spreads.get(day, product, step, number) or SpreadRow(day, product, step, number, 0)
    world.spreads.put(replace(row, count=row.count + 1))


def look_at_station(world: World, entry: Entry) -> None:
    """After a floor event: is its station in another resource state now? Then the span before it is over."""
    station = world.stations.get(entry.station) if entry.station else None
    if station is None:
        return
    here = [u for serial in world.present(station.id) if (u := world.units.get(serial)) is not None]
    state = resource(
        told=station.state,
        paused=station.state == "SBY" and bool(station.state_reason),
        signed_in=station.signed_in,
        faults=station.faults,
        units=len(here),
        alone=sum(1 for u in here if u.burn is not None),
        counting=station.counting,
    )
    if state == station.resource and station.resource_since:
        return
    # A clock that was set back makes no span that ends before it begins.
    since = max(entry.at, station.resource_since)
    if station.resource_since and since > station.resource_since:
        world.station_spans.put(StationSpanRow(station.id, station.resource_since, since, station.resource))
    world.stations.put(replace(station, resource=state, resource_since=since))
