"""Cartons and pallets, folded: numbered, opened, filled, weighed, closed, opened again.

The same contract as `mes.fold`: values from the entry only; a request that may not be changes nothing, and a fact is
recorded always. A fact that the rules would have refused holds the carton, and with it what it says of a unit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from mes import fold_instruments, wire
from mes.domain import packing as rules
from mes.domain import sscc
from mes.domain.gate import Answer, Unit
from mes.domain.packing import Carton
from mes.domain.route import Plan
from mes.rows import CartonEventRow, OrderRow, PackedRow
from mes.verdicts import OFFICE, Entry, Judged, NotUnderstood, no, yes
from mes.world import World

HOLDS_THE_UNIT: Final = frozenset({"unit_unfinished"})
"""What a packing says of the unit itself: somebody has to look at it, and not at its carton alone."""
OFFICE_HAND: Final = "office"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an event; `hold` is the unit that somebody has to look at, with the reason code and its args."""

    judged: Judged
    hold: tuple[Unit, str, Mapping[str, Any]] | None = None


def load(world: World, bodies: Iterable[wire.Frozen]) -> None:
    """Load the cartons and units that these events name, one query a table."""
    named = [b for b in bodies if hasattr(b, "carton")]
    cartons = {x for b in named for x in (b.carton, getattr(b, "inner", None)) if x}
    world.cartons.load((c,) for c in sorted(cartons))
    world.units.load((u,) for u in sorted({getattr(b, "unit", None) or "" for b in named} - {""}))


# --- small things -----------------------------------------------------------------------------------------------------


def _judged(entry: Entry, answer: Answer, **more: Any) -> Judged:
    """A fact is never refused."""
    verdict: wire.Verdict = "accepted" if answer.go else "refused" if entry.asks else "held"
    return Judged(entry, "recorded", verdict, answer.reason, {**answer.args, **more})


def _operator(entry: Entry) -> str | None:
    return entry.operator or (OFFICE_HAND if entry.source == OFFICE else None)


def _checked(number: str) -> str:
    if not sscc.valid(number):
        raise NotUnderstood(f"{number} is no SSCC: its check digit is wrong")
    return number


def _carton(world: World, number: str) -> Carton | None:
    return world.cartons.get(_checked(number))


def _plan(world: World, order: OrderRow | None) -> Plan:
    plan = world.plan(order.revision) if order and order.revision else world.plan(world.latest_revision())
    if plan is None:
        raise NotUnderstood("no plan is published")
    return plan


def _plan_of(world: World, carton: Carton) -> Plan:
    return _plan(world, world.orders.get(carton.order) if carton.order else None)


def _put(world: World, entry: Entry, carton: Carton, answer: Answer, why: str = "") -> None:
    """The carton as it is now, and a line in its history."""
    number = carton.events + 1
    args = json.dumps(answer.args, ensure_ascii=False, sort_keys=True)
    world.carton_events.put(CartonEventRow(carton.sscc, number, entry.at, entry.kind, answer.reason, args, why))
    world.cartons.put(replace(carton, events=number))


def _held(carton: Carton, answer: Answer) -> Carton:
    """Somebody has to look at this carton; the first reason stands."""
    if answer.go or carton.held:
        return carton
    return replace(carton, held=answer.reason, held_args=json.dumps(answer.args, ensure_ascii=False, sort_keys=True))


def told(world: World, carton: Carton) -> dict[str, Any]:
    """What a bench must know of a carton: it travels in the answer, so that a lost answer can be given again."""
    rows = world.packed_by("carton", carton.sscc)
    inside = tuple(dict.fromkeys(row.unit or row.inner or row.order or "" for row in rows))
    return floor_carton(carton, inside).model_dump(mode="json")


def _kind_of(carton: Carton) -> dict[str, Any]:
    """The same without its contents: of a unit that a bench does not know, it learns what is packed here."""
    return floor_carton(carton, ()).model_dump(mode="json")


def floor_carton(carton: Carton, inside: tuple[str, ...]) -> wire.FloorCarton:
    """A carton as a station is told of it."""
    return wire.FloorCarton(
        sscc=carton.sscc,
        level=carton.level,
        state=carton.state,
        order=carton.order,
        product=carton.product,
        customer=carton.customer,
        bound=carton.bound,
        have=carton.have,
        weighed=carton.weighed,
        parent=carton.parent,
        held=carton.held,
        inside=inside,
    )


# --- numbers ----------------------------------------------------------------------------------------------------------


def _draw(world: World, entry: Entry, level: rules.Level, count: int, order: OrderRow | None) -> list[str] | Answer:
    """The next numbers of the plant's prefix, each a carton from now on."""
    plan = world.plan(world.latest_revision())
    if plan is None:
        return Answer(False, "no_plan")
    prefix = plan.plant.gs1_prefix
    if prefix is None:
        return Answer(False, "no_gs1_prefix")
    drawn: list[str] = []
    while len(drawn) < count:
        made = sscc.number(prefix, world.next_number(f"sscc {prefix}"))
        if made is None:
            return Answer(False, "sscc_used_up", {"prefix": prefix})
        if world.cartons.get(made) is not None:
            continue  # a bench has packed into it before the ledger had drawn it: the number is taken
        carton = Carton(made, level, bound=order is not None, numbered_at=entry.at)
        if order is not None:
            carton = replace(carton, order=order.id, customer=order.customer)
            carton = replace(carton, product=order.product) if level == "carton" else carton
        _put(world, entry, carton, Answer(True, "carton_numbered", {"carton": made}))
        drawn.append(made)
    return drawn


def _numbered(world: World, entry: Entry, body: wire.CartonsNumbered) -> Judged:
    order = world.orders.get(body.order) if body.order else None
    if body.order and order is None:
        return no(entry, "unknown_order", order=body.order)
    plan = _plan(world, order)
    product = plan.product(order.product) if order else None
    if body.level == "pallet" and plan.plant.pallet is None:
        return no(entry, "no_pallets")
    if product is not None and body.level == "carton" and product.carton is None:
        return no(entry, "not_packed", product=product.name.model_dump())
    mark = world.mark()
    drawn = _draw(world, entry, body.level, body.count, order)
    if isinstance(drawn, Answer):
        world.undo(mark)
        return no(entry, drawn.reason, **drawn.args)
    return yes(entry, cartons=drawn)


def _wanted(world: World, entry: Entry, body: wire.CartonWanted) -> Outcome:
    if entry.operator is None:
        return Outcome(_judged(entry, Answer(False, "no_operator")))
    drawn = _draw(world, entry, body.level, 1, None)
    if isinstance(drawn, Answer):
        return Outcome(_judged(entry, drawn))
    carton = world.cartons.get(drawn[0])
    assert carton is not None
    here = replace(carton, state="open", station=entry.station, opened_at=entry.at)
    answer = Answer(True, "carton_new", {"carton": here.sscc})
    _put(world, entry, here, answer)
    return Outcome(_judged(entry, answer, told=told(world, here)))


# --- at the bench -----------------------------------------------------------------------------------------------------


def _opened(world: World, entry: Entry, body: wire.CartonOpened) -> Outcome:
    carton = _carton(world, body.carton)
    answer = rules.may_open(carton, body.carton, operator=_operator(entry))
    if carton is None:
        if entry.asks:
            return Outcome(_judged(entry, answer))
        carton = _unknown(entry, body.carton, "carton")
        _put(world, entry, carton, answer)
        return Outcome(_judged(entry, answer))
    if not answer.go:  # it was scanned at a bench, and nothing has been done to it yet
        return Outcome(_judged(entry, answer, told=told(world, carton)))
    after = replace(carton, state="open", station=entry.station, opened_at=carton.opened_at or entry.at)
    if after != carton:
        _put(world, entry, after, answer)
    rule = rules.holding(_plan_of(world, after), after)
    full = rule is not None and after.have >= rule.holds
    return Outcome(_judged(entry, answer, holds=rule.holds if rule else 0, full=full, told=told(world, after)))


def _unknown(entry: Entry, number: str, level: rules.Level) -> Carton:
    """A carton that the ledger has not numbered is there all the same: somebody has to look where it comes from."""
    answer = Answer(False, "unknown_carton", {"carton": number})
    made = Carton(number, level, state="open", station=entry.station, opened_at=entry.at, numbered_at=entry.at)
    return _held(made, answer)


def _packed(world: World, entry: Entry, body: wire.UnitsPacked) -> Outcome:
    station = None if entry.source == OFFICE else entry.station
    carton, unit, inner = _carton(world, body.carton), None, None
    order: OrderRow | None = None
    elsewhere: str | None = None
    if body.unit:
        unit = world.units.get(body.unit)
        order = world.orders.get(unit.order) if unit else None
        elsewhere = _where(world, "unit", body.unit)
        answer = rules.pack_unit(
            carton,
            body.carton,
            serial=body.unit,
            unit=unit,
            order=order.rule if order else None,
            customer=order.customer if order else None,
            plan=_plan(world, order),
            station=station,
            operator=_operator(entry),
            packed_in=elsewhere,
        )
    elif body.inner:
        inner = _carton(world, body.inner)
        plan = _plan_of(world, carton) if carton else _plan(world, None)
        elsewhere = inner.parent if inner else None
        answer = rules.stack(
            carton,
            body.carton,
            inner=inner,
            inner_sscc=body.inner,
            plan=plan,
            station=station,
            operator=_operator(entry),
        )
    elif body.order:
        order = world.orders.get(body.order)
        plan = _plan(world, order)
        answer = rules.pack_pieces(
            carton,
            body.carton,
            order=order.rule if order else None,
            order_id=body.order,
            customer=order.customer if order else None,
            plan=plan,
            station=station,
            operator=_operator(entry),
            quantity=body.quantity,
            available=_unpacked(world, plan, order),
        )
    else:
        raise NotUnderstood("UnitsPacked names neither a unit, nor an order, nor a carton")
    if not answer.go and entry.asks:
        return Outcome(_judged(entry, answer))
    if not answer.go and answer.reason == "packed_here":
        return Outcome(_judged(entry, Answer(True, "packed_here", answer.args)))  # scanned twice: it is in there
    carton = carton or _unknown(entry, body.carton, "pallet" if body.inner else "carton")
    customer = order.customer if order else inner.customer if inner else ""
    of_order = order.id if order else inner.order if inner else None
    product = order.product if order else inner.product if inner else None
    row = PackedRow(
        id=entry.event_id,
        carton=carton.sscc,
        unit=body.unit,
        order=of_order,
        inner=body.inner,
        quantity=1 if body.unit or body.inner else body.quantity,
        packed_at=entry.at,
        removed_at=None,
        why=body.why,
        disputed=elsewhere is not None,
    )
    world.put_packed(row)
    after = replace(
        carton,
        state="open" if carton.state == "new" else carton.state,
        order=carton.order or of_order,
        product=carton.product or product,
        customer=carton.customer or customer,
        have=carton.have + row.quantity,
        weight_g=None,
        weighed=None,
        station=entry.station or carton.station,
        opened_at=carton.opened_at or entry.at,
    )
    _put(world, entry, _held(after, answer), answer, body.why)
    if inner is not None and elsewhere is None:
        _put(world, entry, replace(inner, parent=carton.sscc), Answer(True, "stacked", {"pallet": carton.sscc}))
    if elsewhere is not None and (other := world.cartons.get(elsewhere)) is not None:
        also = Answer(False, "packed_elsewhere", {**answer.args, "carton": carton.sscc})
        _put(world, entry, _held(other, also), also)
    hold = (unit, answer.reason, answer.args) if unit is not None and answer.reason in HOLDS_THE_UNIT else None
    judged = _judged(entry, answer, **({"told": _kind_of(after)} if answer.go else {}))
    return Outcome(judged, hold if hold and unit and unit.nc is None else None)


def _where(world: World, column: str, key: str) -> str | None:
    """The carton that something is in, by the record."""
    rows = world.packed_by("unit" if column == "unit" else "inner", key)
    return next((row.carton for row in rows if not row.disputed), None)


def _unpacked(world: World, plan: Plan, order: OrderRow | None) -> int | None:
    """Good pieces of an order's last step that are in no carton yet."""
    product = plan.product(order.product) if order else None
    if order is None or product is None:
        return None
    made = world.tallies.get(order.id, product.steps[-1].id, "")
    inside = sum(row.quantity for row in world.packed_by("order", order.id))
    return max(0, (made.quantity if made else 0) - inside)


def _taken_out(world: World, entry: Entry, body: wire.UnitsUnpacked) -> Outcome:
    carton = _carton(world, body.carton)
    thing = body.unit or body.inner or body.order
    if thing is None:
        raise NotUnderstood("UnitsUnpacked names neither a unit, nor an order, nor a carton")
    rows = [r for r in world.packed_by("carton", body.carton) if thing == (r.unit or r.inner or r.order)]
    there = sum(r.quantity for r in rows) >= (1 if body.unit or body.inner else body.quantity)
    answer = rules.take_out(carton, body.carton, thing=thing, there=there)
    if not answer.go and entry.asks:
        return Outcome(_judged(entry, answer))
    if carton is None or not there:
        return Outcome(_judged(entry, Answer(True, "noted")))  # taken back before it was ever accepted
    left = 1 if body.unit or body.inner else body.quantity
    gone = left
    for row in reversed(rows):
        out = min(left, row.quantity)
        if out == row.quantity:
            world.put_packed(replace(row, removed_at=entry.at, why=body.why))
        elif out:
            world.put_packed(replace(row, quantity=row.quantity - out))
        left -= out
    after = replace(carton, have=carton.have - gone, weight_g=None, weighed=None)
    if after.have == 0 and not after.bound:
        after = replace(after, order=None, product=None, customer="")
    _put(world, entry, _held(after, answer), answer, body.why)
    if body.unit:
        _settle(world, "unit", body.unit)
    if body.inner:
        parent = _settle(world, "inner", body.inner)
        if (inner := world.cartons.get(body.inner)) is not None:
            _put(world, entry, replace(inner, parent=parent), answer, body.why)
    return Outcome(_judged(entry, answer, have=after.have))


def _settle(world: World, column: str, key: str) -> str | None:
    """It is in one carton only now: what was disputed is the truth. Returns that carton."""
    rows = world.packed_by("unit" if column == "unit" else "inner", key)
    if len(rows) == 1 and rows[0].disputed:
        world.put_packed(replace(rows[0], disputed=False))
    return rows[0].carton if rows else None


def limits(world: World, carton: Carton) -> tuple[float, float] | None:
    """What this carton may weigh with all that is in it, in grams."""
    plan = _plan_of(world, carton)
    rule = rules.holding(plan, carton)
    if rule is None:
        return None
    return rules.weight(
        [(row.quantity, _net(world, plan, row)) for row in world.packed_by("carton", carton.sscc)], rule
    )


def _net(world: World, plan: Plan, row: PackedRow) -> float | None:
    if row.inner is not None:
        inner = world.cartons.get(row.inner)
        return inner.weight_g if inner else None
    order = world.orders.get(row.order) if row.order else None
    product = plan.product(order.product) if order else None
    return product.carton.net_g if product and product.carton else None


def _weighed(world: World, entry: Entry, body: wire.CartonWeighed) -> Outcome:
    carton = _carton(world, body.carton)
    if carton is None or carton.state != "open":
        answer = rules.may_open(carton, body.carton, operator=_operator(entry))
        return Outcome(_judged(entry, answer if not answer.go else Answer(True, "noted")))
    m = body.reading
    value = m.value if m.outcome in ("passed", "failed") else None
    answer = rules.weighed(carton, value, m.unit, limits(world, carton))
    fit = fold_instruments.measured_by(world, entry, _plan_of(world, carton), body)
    if answer.reason == "bench_error":
        return Outcome(_judged(entry, Answer(True, "bench_error")))
    if fit is not None and not fit.go:
        return Outcome(_judged(entry, Answer(True, fit.reason, fit.args)))
    grams = rules.grams(value, m.unit)
    after = replace(carton, weight_g=grams, weighed="passed" if answer.go else "failed")
    _put(world, entry, after, answer)
    # Too light is no reason to refuse the reading: it was read. The carton cannot be closed with it.
    return Outcome(_judged(entry, Answer(True, answer.reason, answer.args)))


def inside(world: World, number: str) -> list[PackedRow]:
    """What is in a carton, or in those on a pallet."""
    rows = world.packed_by("carton", number)
    return [r for row in rows for r in (inside(world, row.inner) if row.inner else [row])]


def blocked(world: World, carton: Carton) -> str | None:
    """What is in it and must not leave: held, or not finished any more."""
    for row in world.packed_by("carton", carton.sscc):
        unit = world.units.get(row.unit) if row.unit else None
        if unit is not None and (unit.nc is not None or unit.state != "done"):
            return unit.serial
        inner = world.cartons.get(row.inner) if row.inner else None
        if inner is not None and (inner.held or inner.state != "closed" or blocked(world, inner)):
            return inner.sscc
    return None


def _closed(world: World, entry: Entry, body: wire.CartonClosed) -> Outcome:
    carton = _carton(world, body.carton)
    if carton is None:
        answer = rules.may_open(None, body.carton, operator=_operator(entry))
        return Outcome(_judged(entry, answer))
    rule = rules.holding(_plan_of(world, carton), carton)
    answer = rules.close(
        carton,
        body.carton,
        rule=rule,
        partial=body.partial,
        blocked=blocked(world, carton),
        operator=_operator(entry),
    )
    if carton.state == "closed":
        return Outcome(_judged(entry, answer if entry.asks else Answer(True, "carton_done", answer.args)))
    if not answer.go and entry.asks:
        return Outcome(_judged(entry, answer))
    after = replace(carton, state="closed", closed_at=entry.at, station=None)
    _put(world, entry, _held(after, answer), answer)
    return Outcome(_judged(entry, answer))


def _reopened(world: World, entry: Entry, body: wire.CartonChanged) -> Outcome:
    carton = _carton(world, body.carton)
    answer = rules.reopen(carton, body.carton)
    if carton is None or (not answer.go and entry.asks):
        return Outcome(_judged(entry, answer))
    after = replace(
        carton,
        state="open",
        closed_at=None,
        weighed=None,
        weight_g=None,
        why=body.why,
        station=entry.station,
        reopened=carton.reopened + 1,
    )
    _put(world, entry, _held(after, answer), answer, body.why)
    return Outcome(_judged(entry, answer, told=told(world, after)))


def _released(world: World, entry: Entry, body: wire.CartonChanged) -> Judged:
    carton = _carton(world, body.carton)
    if carton is None:
        return no(entry, "unknown_carton", carton=body.carton)
    if not carton.held:
        return no(entry, "carton_not_held", carton=body.carton)
    answer = Answer(True, "carton_released", {"carton": carton.sscc})
    _put(world, entry, replace(carton, held="", held_args="{}"), answer, body.why)
    return yes(entry, carton=carton.sscc)


PACKING_RULES: Final[dict[str, Callable[[World, Entry, Any], Outcome]]] = {
    "CartonWanted": _wanted,
    "CartonOpened": _opened,
    "UnitsPacked": _packed,
    "UnitsUnpacked": _taken_out,
    "CartonWeighed": _weighed,
    "CartonClosed": _closed,
    "CartonReopened": _reopened,
}
"""What a bench reports, and the office may do too."""
PACKING_OFFICE: Final[dict[str, Callable[[World, Entry, Any], Judged]]] = {
    "CartonsNumbered": _numbered,
    "CartonReleased": _released,
}
