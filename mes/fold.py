"""The fold: one event after another changes the working set, by the pure decisions of `mes.domain`.

`judge(world, entry)` is the one place where a decision becomes state; ingest, the office and the replay all pass here.
Ids and times come from the entry, never from a clock or a random generator: the replay must give the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import select

from mes import fold_instruments, fold_loaded, fold_lots, fold_packing, fold_rollups, fold_signals, fold_trace, wire
from mes.db.tables import Ledger
from mes.domain import gate
from mes.domain import unit as unit_rules
from mes.domain.days import day_at
from mes.domain.gate import Unit
from mes.domain.lots import Standing
from mes.domain.measurement import convert
from mes.domain.route import Plan, Step
from mes.domain.runs import last_askings
from mes.domain.told import floor_order, floor_unit
from mes.fold_deliveries import DELIVERY_RULES
from mes.fold_nonconformity import open_nc, passed_again, permit_of, use_permit
from mes.fold_office import OFFICE_RULES
from mes.fold_orders import count_order, move_order, pieces
from mes.fold_sampling import SAMPLING_RULES
from mes.fold_scanned import SCANNED_RULES
from mes.fold_shipping import SHIPPING_RULES
from mes.rows import FaultRow, InstallationRow, QuarantineRow, ReadingRow, StationState, TallyRow, VisitRow
from mes.verdicts import Entry, Judged, NotUnderstood, answer_of, spelled
from mes.world import World

__all__ = ["Entry", "Judged", "judge", "preload"]

CONFLICT: Final = "Conflict"
_UNIT_KINDS: Final = frozenset(unit_rules.TRANSITIONS)


def parse(entry: Entry) -> wire.Frozen:
    """The typed body of an entry.

    Raises:
        NotUnderstood: unknown kind or version, a body that does not fit, or a hash that is not the body's.
    """
    if entry.kind == CONFLICT:
        raise NotUnderstood("another body under a known event id")
    if entry.sha256 != entry.digest():
        raise NotUnderstood("the hash is not this event's")
    kinds = wire.OFFICE_KINDS if entry.source == "office" else wire.FLOOR_KINDS
    model = kinds.get((entry.kind, entry.v))
    if model is None:
        raise NotUnderstood(f"unknown kind or version: {entry.kind} v{entry.v}")
    try:
        return model.model_validate_json(entry.body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(x) for x in first["loc"])
        raise NotUnderstood(f"body of {entry.kind}: {where}: {first['msg']}") from error


def preload(world: World, entries: Iterable[tuple[Entry, wire.Frozen | None]]) -> None:
    """Load every row that these events touch, one query a table."""
    units: set[str] = set()
    ending: set[str] = set()
    orders: set[str] = set()
    stations: set[str] = set()
    arriving: set[str] = set()
    badges: set[str] = set()
    components: set[tuple[str, str]] = set()
    lots: set[tuple[str, str]] = set()
    labels: set[tuple[str, str]] = set()
    bodies: list[wire.Frozen] = []
    for entry, body in entries:
        if entry.station:
            stations.add(entry.station)
            if entry.operator:
                badges.add(entry.operator)
        if body is None:
            continue
        bodies.append(body)
        if (unit := getattr(body, "unit", None)) and entry.kind in _UNIT_KINDS:
            units.add(unit)
        if order := getattr(body, "order", None):
            orders.add(order)
        if isinstance(body, wire.WorkCompleted) and body.unit:
            ending.add(body.unit)
        if isinstance(body, wire.LabelPrinted):
            labels.add((body.template, body.counted))
            units.update(filter(None, [body.unit]))
        if isinstance(body, wire.UnitsArrived) and entry.station:
            arriving.add(entry.station)
        if isinstance(body, wire.MaterialsInstalled):
            if body.serial:
                components.add((body.part, body.serial))
            if body.lot:
                lots.add((body.part, body.lot))
        if isinstance(body, wire.MaterialsLoaded):
            lots.add((body.part, body.lot))
    world.stations.load((s,) for s in sorted(stations))
    world.badges.load((b,) for b in sorted(badges))
    if units:
        world.units.load((u,) for u in sorted(units))
        known = [u for s in sorted(units) if (u := world.units.get(s))]
        orders.update(u.order for u in known)
        world.visits.load((u.serial, u.step, u.visit) for u in known)
        world.visits.load(
            (u.serial, first, 1) for u in known if u.serial in ending and (first := _first_step(world, u))
        )
        world.load_inside(sorted(units))
    world.orders.load((o,) for o in sorted(orders))
    world.load_present(sorted(arriving))
    world.load_used(sorted(components))
    world.lots.load(sorted(lots))
    world.labels.load(sorted(labels))
    world.dossiers.load(sorted({(b.sha256,) for b in bodies if isinstance(b, wire.DossierIssued)}))
    fold_instruments.load(world, bodies)
    fold_packing.load(world, bodies)


def _first_step(world: World, unit: Unit) -> str | None:
    """Where the unit's route begins, where its step is the last one: the start of its lead time."""
    plan = world.plan(world.latest_revision())
    product = plan.product(unit.product) if plan else None
    return product.steps[0].id if product and product.after(unit.step) is None else None


def judge(world: World, entry: Entry, body: wire.Frozen | None, *, why_not: str = "") -> Judged:
    """Judge one entry and change the working set accordingly; an exception leaves no trace and quarantines it.

    Args:
        body: the parsed body, None when it could not be understood; then `why_not` says why.
    """
    world.n = entry.n
    mark = world.mark()
    try:
        if body is None:
            raise NotUnderstood(why_not)
        return _folded(world, entry, body)
    except Exception as error:  # a poison event must not stop those behind it; the reason is kept and shown
        world.undo(mark)
        why = str(error) if isinstance(error, NotUnderstood) else f"{type(error).__name__}: {error}"
        return quarantined(world, entry, why[:500])


def _folded(world: World, entry: Entry, body: wire.Frozen) -> Judged:
    judged = _RULES[entry.kind](world, entry, body)
    fold_rollups.look_at_station(world, entry)
    return judged


def quarantined(world: World, entry: Entry, why: str) -> Judged:
    """Keep what could not be understood, in sight."""
    world.n = entry.n
    world.quarantine.put(QuarantineRow(entry.event_id, entry.n, entry.station, entry.kind[:40], why, None))
    return Judged(entry, "quarantined", None, "quarantined", {"why": why})


# --- units ------------------------------------------------------------------------------------------------------------


def _case(world: World, entry: Entry, body: Any) -> unit_rules.Case:
    unit = world.units.get(body.unit)
    order = world.orders.get(unit.order) if unit else None
    plan = world.plan(order.revision) if order and order.revision else world.plan(world.latest_revision())
    if plan is None:
        raise NotUnderstood("no plan is published")
    used, present = None, 0
    lot_is: Standing = "good"
    if isinstance(body, wire.MaterialsInstalled):
        used = world.used_in(body.part, body.serial)
        lot_is = fold_lots.standing_of(world, entry, plan, body)
    elif isinstance(body, wire.UnitsArrived) and entry.station:
        present = sum(1 for serial in world.present(entry.station) if serial != body.unit)
    product = plan.product(unit.product) if unit else None
    step = product.step(unit.step) if product and unit else None
    arrives = isinstance(body, wire.UnitsArrived) and unit is not None
    return unit_rules.Case(
        event_id=entry.event_id,
        unit=unit,
        serial=body.unit,
        order=order.rule if order else None,
        plan=plan,
        station=entry.station or "",
        operator=entry.operator,
        asks=entry.asks,
        at=entry.at,
        installed=[row.rule for row in world.inside(body.unit)] if unit else (),
        used_in=used,
        lot_is=lot_is,
        present=present,
        stopped=fold_signals.stopped(world, entry, unit.product, unit.step) if arrives and unit else None,
        permit=permit_of(world, unit) if arrives and unit else None,
        day=day_at(entry.at, plan.plant.timezone) if arrives else "",
        competent=_competent(world, entry, plan, step, body.unit, unit.visit if unit else 0),
        measured_by=fold_instruments.measured_by(world, entry, plan, body),
        boot=entry.boot_id,
        mono_ms=entry.mono_ms,
    )


def _forgotten(entry: Entry) -> bool:
    """Is it not known any more who did this, but what the gate said of that person then?"""
    return entry.operator == wire.SOMEBODY and entry.competence is not None


def _competent(world: World, entry: Entry, plan: Plan, step: Step | None, thing: str, visit: int) -> gate.Answer | None:
    """What the gate says of who did this, or has said, where that is not known any more."""
    if step is not None and step.qualification is not None and _forgotten(entry):
        return answer_of(entry.competence or "")
    return competent(world, entry.operator, entry.at, plan, step, thing, visit)


def competent(
    world: World, operator: str | None, at: str, plan: Plan, step: Step | None, thing: str, visit: int
) -> gate.Answer | None:
    """What the gate says of who works, and whether a supervisor has let it pass.

    Args:
        operator: the badge.
        at: when, UTC text.
        thing: the unit, or the order whose pieces are counted (then `visit` is 0).

    Returns:
        None where the step asks for no qualification.
    """
    if step is None or step.qualification is None:
        return None
    if operator is None:
        return gate.Answer(False, "no_operator")
    worker = world.worker(operator, step.qualification)
    answer = gate.competence(worker, step, day_at(at, plan.plant.timezone), plan=plan)
    if answer.go:
        return answer
    let = world.overrides.get(thing, step.id)
    if let is None or (let.state, let.operator, let.visit) != ("granted", operator, visit):
        return answer
    return gate.Answer(True, "overridden") if answer.reason in let.reasons.split() else answer


def _unit_event(world: World, entry: Entry, body: Any) -> Judged:
    case = _case(world, entry, body)
    decision = unit_rules.decide(case, body)
    args = dict(decision.args)
    before = case.unit
    after = decision.unit or before
    if before is not None and after is not None and decision.verdict != "refused":
        if decision.nc is not None:
            nc = open_nc(world, entry, after, decision.nc)
            args["nc"] = nc
            after = replace(after, nc=nc)
        visit = world.visits.get(before.serial, before.step, before.visit)
        _apply(world, entry, case, decision, before, after)
        fold_rollups.count_unit(world, entry, case, decision, visit, body)
        if (signalled := fold_signals.watch(world, entry, case, decision, visit, body)) is not None:
            args["signal"] = signalled.name.model_dump()
        fold_trace.note(world, entry, before.serial)
        if decision.sample is not None:
            _keep_readings(world, entry, case, body, decision.sample)
    if case.measured_by is not None:
        outcome = unit_rules.counted(case, body)
        fold_instruments.note(world, entry, case.plan, body, order=before.order if before else "", outcome=outcome)
    screen = None
    if isinstance(body, wire.UnitsArrived) and decision.verdict == "accepted" and entry.asks:
        screen = screen_of(world, body.unit)
    if decision.reason != "sampled":  # nobody has done anything: what the bench last said to a person stands
        _station_verdict(world, entry, decision.verdict, decision.reason, args, body.unit)
    return Judged(
        entry, "recorded", decision.verdict, decision.reason, args, screen, competence=spelled(case.competent)
    )


def _apply(
    world: World, entry: Entry, case: unit_rules.Case, d: unit_rules.Decision, before: Unit, after: Unit
) -> None:
    """Write a decision into the working set: the one place that does."""
    if d.install is not None:
        i = d.install
        # What the gate would have refused is no use of the concession: it waits for a decision of its own.
        under = fold_lots.take_piece(world, i.part, i.lot, i.quantity) if case.lot_is == "good" else None
        put_in = (i.part, i.serial, i.lot, i.quantity, entry.at, None, d.disputed, under)
        world.put_installation(InstallationRow(i.id, before.serial, before.step, *put_in))
    if d.uninstall is not None:
        row = world.installations.get(d.uninstall)
        assert row is not None
        world.put_installation(replace(row, removed_at=entry.at))
        fold_lots.give_back(world, row)
    if d.arrived:
        if before.permit is not None and case.permit is not None:
            use_permit(world, before.permit)
        key = (after.serial, after.step, after.visit)
        if world.visits.get(*key) is None:
            world.visits.put(VisitRow(*key, case.station, after.product, entry.at, None, None, 0))
    if d.failure or d.ended is not None:
        visit = world.visits.get(before.serial, before.step, before.visit)
        if visit is not None:
            if d.failure:
                visit = replace(visit, failures=visit.failures + 1)
            if d.ended is not None:
                visit = replace(visit, ended_at=entry.at, result=d.ended.result)
            world.visits.put(visit)
    if case.competent is not None and case.competent.reason == "overridden" and _went(before, after):
        use_up(world, entry, before.serial, before.step)
    if d.closes is not None:
        passed_again(world, entry, d.closes, before.serial)
    if after != before:
        world.put_unit(after)
        move_order(world, entry, before, after)


def _keep_readings(world: World, entry: Entry, case: unit_rules.Case, body: wire.ReadingsRecorded, n: int) -> None:
    """The readings of a sample as rows, in the unit of measure of the plan's limits."""
    planned = {t.id: t for t in case.step.tests}
    assert case.unit is not None
    for m in last_askings(body.readings).values():
        test = planned.get(m.test)
        if test is None:
            continue
        value = convert(m.value, m.unit or test.unit, test.unit) if m.value is not None else None
        world.readings.put(
            ReadingRow(case.unit.serial, case.step.id, case.unit.visit, n, test.id, entry.at, m.outcome, value)
        )


def _went(before: Unit, after: Unit) -> bool:
    return before.state == "in_work" and after.state != "in_work"


def use_up(world: World, entry: Entry, thing: str, step: str) -> None:
    """A supervisor's word held for this visit, or this booking, and it is over."""
    let = world.overrides.get(thing, step)
    if let is not None:
        world.overrides.put(replace(let, state="used", since=entry.at))


def screen_of(world: World, serial: str) -> dict[str, Any] | None:
    """What a bench cannot know by itself of a unit that has just arrived."""
    unit = world.units.get(serial)
    order = world.orders.get(unit.order) if unit else None
    if unit is None or order is None:
        return None
    return {
        "unit": floor_unit(unit).model_dump(),
        "order": floor_order(order).model_dump(),
        "installed": [
            {"id": r.id, "part": r.part, "serial": r.serial, "lot": r.lot, "quantity": r.quantity, "step": r.step}
            for r in world.inside(serial)
        ],
        "since": unit.since,
    }


# --- the station itself -----------------------------------------------------------------------------------------------


def _station(world: World, entry: Entry) -> StationState:
    return world.stations.get(entry.station) or StationState(entry.station or "", since=entry.at)


def _station_verdict(
    world: World, entry: Entry, verdict: str, reason: str, args: Mapping[str, Any], unit: str | None
) -> None:
    if entry.station is None:
        return
    world.stations.put(
        replace(
            _station(world, entry),
            verdict=verdict,
            reason=reason,
            args=args,
            verdict_at=entry.at,
            unit=unit,
        )
    )


def _noted(entry: Entry, reason: str = "noted", args: Mapping[str, Any] | None = None) -> Judged:
    return Judged(entry, "recorded", "accepted", reason, dict(args or {}))


def _signed_in(world: World, entry: Entry, body: wire.OperatorActivated) -> Judged:
    recorded = answer_of(entry.competence or "") if _forgotten(entry) else None
    answer = recorded or gate.sign_in(world.worker(entry.operator) if entry.operator else None)
    said = spelled(answer)
    if not answer.go:
        return Judged(entry, "recorded", "refused" if entry.asks else "held", answer.reason, competence=said)
    world.stations.put(replace(_station(world, entry), signed_in=True))
    return replace(_noted(entry, answer.reason), competence=said)


def _signed_out(world: World, entry: Entry, body: wire.OperatorDeactivated) -> Judged:
    world.stations.put(replace(_station(world, entry), signed_in=False, counting=False))
    return _noted(entry, "goodbye")


def _station_state(world: World, entry: Entry, body: wire.StationStateChanged) -> Judged:
    world.stations.put(replace(_station(world, entry), state=body.state, state_reason=body.reason, since=entry.at))
    return _noted(entry, "paused" if body.state in ("SBY", "NST") and body.reason else "resumed")


def _fault(world: World, entry: Entry, body: wire.FaultOccurred) -> Judged:
    known = world.faults.get(entry.station or "", body.device)
    if known is None or known.cleared:
        _broken(world, entry, 1)
    world.faults.put(FaultRow(entry.station or "", body.device, body.fault, entry.at, False))
    return _noted(entry)


def _broken(world: World, entry: Entry, more: int) -> None:
    station = _station(world, entry)
    world.stations.put(replace(station, faults=station.faults + more))


def _fault_over(world: World, entry: Entry, body: wire.FaultCleared) -> Judged:
    known = world.faults.get(entry.station or "", body.device)
    if known is not None and not known.cleared:
        world.faults.put(replace(known, cleared=True, since=entry.at))
        _broken(world, entry, -1)
    return _noted(entry)


def _not_read(world: World, entry: Entry, body: wire.IdentifiersNotRead) -> Judged:
    return _noted(entry)


def _help(world: World, entry: Entry, body: wire.HelpRequested) -> Judged:
    station = _station(world, entry)
    world.stations.put(replace(station, help_since=station.help_since or entry.at))
    return _noted(entry, "help_called")


def _help_came(world: World, entry: Entry, body: wire.HelpAnswered) -> Judged:
    name = body.station or entry.station or ""
    station = world.stations.get(name)
    if station is None:
        return Judged(entry, "recorded", "refused", "unknown_station", {"station": name, "known": "–"})
    world.stations.put(replace(station, help_since=None))
    return _noted(entry, "help_came")


# --- counted work -----------------------------------------------------------------------------------------------------


def counted(world: World, plan: Plan, order_id: str, product_id: str, step_id: str, quantity: int) -> tuple[int, int]:
    """How many a step of a lot-tracked order has counted, and how many it still may.

    Returns:
        (counted so far, still available), in pieces.
    """
    product = plan.product(product_id)
    if product is None:
        return 0, 0
    defects = ["", *(d.code for d in plan.defects)]
    so_far = pieces(world, order_id, step_id, defects)
    place = product.place(step_id)
    offered = quantity
    if place > 0:
        before = world.tallies.get(order_id, product.steps[place - 1].id, "")
        offered = before.quantity if before else 0
    return so_far, max(0, offered - so_far)


def _count(world: World, entry: Entry, body: wire.WorkCompleted) -> Judged:
    order_id = body.order or ""
    order = world.orders.get(order_id)
    plan = world.plan(order.revision if order and order.revision else world.latest_revision())
    if plan is None:
        raise NotUnderstood("no plan is published")
    scrap = sum(s.quantity for s in body.scrap)
    made = body.good + scrap
    available, product, able, step = 0, None, None, None
    lots: dict[str, str] = {}
    if order is not None:
        _, available = counted(world, plan, order.id, order.product, body.step, order.quantity)
        product = plan.product(order.product)
        step = product.step(body.step) if product else None
        able = _competent(world, entry, plan, step, order.id, 0)
        if product is not None and product.tracking == "lot" and step is not None:
            lots = fold_loaded.loaded(world, entry.station or "", order.id, step)
    answer = gate.count(
        order=order.rule if order else None,
        order_id=order_id,
        plan=plan,
        step_id=body.step,
        station=entry.station or "",
        operator=entry.operator,
        made=made,
        available=available,
        competent=able,
    )
    if answer.go and step is not None and lots:
        made_of = fold_loaded.made_of(world, entry, plan, step, lots, made)
        answer = answer if made_of.go else made_of
    args = {"good": body.good, "scrap": scrap, "left": max(0, available - made), **answer.args}
    verdict: wire.Verdict = "accepted" if answer.go else "refused" if entry.asks else "held"
    reason = answer.reason
    if verdict != "refused" and order is not None and step is not None:
        for defect, quantity in [("", body.good), *((s.defect, s.quantity) for s in body.scrap)]:
            if quantity:
                row = world.tallies.get(order.id, body.step, defect) or TallyRow(order.id, body.step, defect, 0)
                world.tallies.put(replace(row, quantity=row.quantity + quantity))
        fold_rollups.count_pieces(world, entry, plan, order, body)
        count_order(world, entry, plan, order.id)
        if empty := fold_loaded.use(world, entry, order.id, step, made, lots, permitted=answer.go):
            args["empty"] = empty
        if able is not None and able.reason == "overridden":
            use_up(world, entry, order.id, body.step)
    _station_verdict(world, entry, verdict, reason, args, order_id)
    return Judged(entry, "recorded", verdict, reason, args, competence=spelled(able))


def _loaded(world: World, entry: Entry, body: wire.MaterialsLoaded) -> Judged:
    judged = fold_loaded.load(world, entry, body)
    _station_verdict(world, entry, judged.verdict or "held", judged.reason, judged.args, body.order)
    return judged


def _completed(world: World, entry: Entry, body: wire.WorkCompleted) -> Judged:
    if body.unit:
        return _unit_event(world, entry, body)
    if body.order:
        return _count(world, entry, body)
    raise NotUnderstood("WorkCompleted names neither a unit nor an order")


# --- cartons and pallets ----------------------------------------------------------------------------------------------


def _holding(world: World, entry: Entry, body: Any) -> Judged:
    """What the rules of packing and of scanned serials say, the station's last word, and the nonconformity of a unit
    that is in doubt."""
    outcome = _HOLDING[entry.kind](world, entry, body)
    judged = outcome.judged
    if outcome.hold is not None:
        unit, why, said = outcome.hold
        nc = open_nc(world, entry, unit, unit_rules.NcDraft("contradiction", unit.step, None, {"why": why, **said}))
        world.put_unit(replace(unit, nc=nc))
        judged = replace(judged, args={**judged.args, "nc": nc})
    shown = {name: value for name, value in judged.args.items() if name != "told"}
    thing = getattr(body, "unit", None)
    _station_verdict(world, entry, judged.verdict or "held", judged.reason, shown, thing)
    return judged


def _requeued(world: World, entry: Entry, body: wire.EventRequeued) -> Judged:
    """Try a quarantined event again, at this ledger position: the first row stays as it is."""
    waiting = world.quarantine.get(body.event_id)
    if waiting is None or waiting.requeued_n is not None:
        return Judged(entry, "recorded", "refused", "unknown_event")
    row = world.session.execute(select(Ledger).where(Ledger.n == waiting.ledger_n)).scalar_one()
    original = replace(entry_of(row, n=entry.n), competence=entry.competence)
    parsed = parse(original)  # raises NotUnderstood again; the second try is quarantined with its own reason
    world.quarantine.put(replace(waiting, requeued_n=entry.n))
    again = _folded(world, original, parsed)
    return replace(again, entry=entry, screen=None)


def entry_of(row: Ledger, *, n: int | None = None) -> Entry:
    """The entry that a ledger row was made from."""
    return Entry(
        n=row.n if n is None else n,
        source=row.source,
        seq=row.seq,
        event_id=row.event_id,
        kind=row.kind,
        v=row.v,
        captured_at=row.captured_at,
        received_at=row.received_at,
        mono_ms=row.mono_ms,
        boot_id=row.boot_id,
        offset_ms=row.offset_ms,
        operator=row.operator,
        veil=row.veil,
        operator_mark=row.operator_mark,
        asks=row.asks,
        station=row.station,
        body=row.body,
        sha256=row.sha256,
        at=Entry.occurred(row.captured_at, row.received_at, row.offset_ms),
        competence=row.competence,
    )


Rule = Callable[[World, Entry, Any], Judged]

_HOLDING: Final = {**fold_packing.PACKING_RULES, **SCANNED_RULES}

_RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(_UNIT_KINDS, _unit_event),
    "WorkCompleted": _completed,
    "MaterialsLoaded": _loaded,
    "OperatorActivated": _signed_in,
    "OperatorDeactivated": _signed_out,
    "StationStateChanged": _station_state,
    "FaultOccurred": _fault,
    "FaultCleared": _fault_over,
    "IdentifiersNotRead": _not_read,
    "HelpRequested": _help,
    "HelpAnswered": _help_came,
    "EventRequeued": _requeued,
    **OFFICE_RULES,
    **fold_instruments.INSTRUMENT_RULES,
    **fold_lots.LOT_RULES,
    "UnitHeld": partial(fold_lots.hold_unit, open_nc),
    **dict.fromkeys(_HOLDING, _holding),
    **fold_packing.PACKING_OFFICE,
    **fold_trace.TRACE_RULES,
    **SHIPPING_RULES,
    **DELIVERY_RULES,
    **fold_signals.SIGNAL_RULES,
    **SAMPLING_RULES,
}
