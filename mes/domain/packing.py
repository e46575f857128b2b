"""Cartons and pallets: may this go in, may it be closed, what should it weigh. The packing bench's own gate.

Pure functions of frozen values; server and station share them. Each answer is a verdict with one reason code, in the
order in which a person would want to hear of it. A carton holds units, or counted pieces; a pallet holds cartons.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from mes.domain.gate import Answer, Order, Unit, name_of_station, name_of_step
from mes.domain.measurement import convert
from mes.domain.route import Holding, Plan

Level = Literal["carton", "pallet"]
KG: Final = "kg"


@dataclass(frozen=True, slots=True)
class Carton:
    """A logistic unit with an SSCC.

    `order`, `product` and `customer` are those of what is in it, or (`bound`) those it was numbered for. `have` counts
    what is in it: units, pieces, or cartons. `weight_g` is the last weight, `weighed` what it came to; both are
    forgotten when the content changes. `parent` is the pallet that it stands on. `held` is the reason code of what
    contradicts the record, and keeps it from being closed until a person has looked; `held_args` its arguments as JSON.
    States: `new` (only numbered), `open`, `closed`, `sent` (it has left with a delivery).
    """

    sscc: str
    level: Level
    state: str = "new"
    order: str | None = None
    product: str | None = None
    customer: str = ""
    bound: bool = False
    have: int = 0
    weight_g: float | None = None
    weighed: str | None = None
    parent: str | None = None
    held: str = ""
    held_args: str = "{}"
    why: str = ""
    station: str | None = None
    opened_at: str | None = None
    closed_at: str | None = None
    reopened: int = 0
    events: int = 0
    numbered_at: str = ""


def holding(plan: Plan, carton: Carton, product: str | None = None) -> Holding | None:
    """How the plan says that this is packed; None where it does not.

    Args:
        product: of what shall go in, for a carton that does not know yet.
    """
    if carton.level == "pallet":
        return plan.plant.pallet
    found = plan.product(carton.product or product or "")
    return found.carton if found else None


def may_open(carton: Carton | None, sscc: str, *, operator: str | None, online: bool = True) -> Answer:
    """May this carton be packed here now?"""
    if operator is None:
        return Answer(False, "no_operator")
    if carton is None:
        return Answer(False, "unknown_carton", {"carton": sscc}) if online else Answer(True, "carton_open")
    if carton.state == "closed":
        return Answer(False, "carton_closed", {"carton": sscc})
    if carton.state not in ("new", "open"):
        return Answer(False, "carton_gone", {"carton": sscc})
    return Answer(True, "carton_open", {"carton": sscc, "have": carton.have})


def _accepts(carton: Carton | None, sscc: str, level: Level, operator: str | None) -> Answer | None:
    """Why nothing of this kind may go in; None when it may."""
    answer = may_open(carton, sscc, operator=operator)
    if not answer.go:
        return answer
    assert carton is not None
    if carton.held:
        return Answer(False, "carton_held", {"carton": sscc})
    if carton.level != level:
        return Answer(False, "pallet_takes_cartons" if carton.level == "pallet" else "carton_takes_no_carton")
    return None


def pack_unit(
    carton: Carton | None,
    sscc: str,
    *,
    serial: str,
    unit: Unit | None,
    order: Order | None,
    customer: str | None,
    plan: Plan,
    station: str | None,
    operator: str | None,
    packed_in: str | None,
) -> Answer:
    """May this unit go into this carton?

    Args:
        carton: as last known; None when unknown.
        customer: of the unit's order; None: not known here, and so not judged.
        plan: the revision of the unit's order.
        station: where it is packed; None: away from the benches, where somebody puts the record right.
        packed_in: the carton that it is in by the record.
    """
    if (closed := _accepts(carton, sscc, "carton", operator)) is not None:
        return closed
    assert carton is not None
    if unit is None:
        return Answer(False, "unknown_unit", {"unit": serial})
    said = {"unit": unit.serial}
    if packed_in is not None:
        return Answer(False, "packed_here" if packed_in == sscc else "packed_elsewhere", {**said, "carton": packed_in})
    if unit.state in ("scrapped", "withdrawn"):
        return Answer(False, f"unit_{unit.state}", said)
    if unit.nc is not None:
        return Answer(False, "unit_held", {**said, "nc": unit.nc})
    if unit.state != "done":
        return _unfinished(unit, plan)
    if unit.delivery is not None:
        return Answer(False, "unit_shipped", {**said, "delivery": unit.delivery})
    return _fits(carton, unit.product, unit.order, order, customer, plan, station, said, 1)


def _unfinished(unit: Unit, plan: Plan) -> Answer:
    product = plan.product(unit.product)
    step = product.step(unit.step) if product else None
    return Answer(
        False,
        "unit_unfinished",
        {
            "unit": unit.serial,
            "step": name_of_step(product, unit.step) if product else unit.step,
            "station": name_of_station(plan, step.stations[0] if step else None),
        },
    )


def pack_pieces(
    carton: Carton | None,
    sscc: str,
    *,
    order: Order | None,
    order_id: str,
    customer: str | None,
    plan: Plan,
    station: str | None,
    operator: str | None,
    quantity: int,
    available: int | None,
) -> Answer:
    """May so many pieces of a counted order go into this carton?

    Args:
        available: good pieces of the last step that are in no carton yet; None: not known here, and so not judged.
    """
    if (closed := _accepts(carton, sscc, "carton", operator)) is not None:
        return closed
    assert carton is not None
    if order is None:
        return Answer(False, "unknown_order", {"order": order_id})
    product = plan.product(order.product)
    if product is None or product.tracking != "lot":
        return Answer(False, "not_lot_order", {"order": order.id})
    answer = _fits(carton, order.product, order.id, order, customer, plan, station, {"unit": order.id}, quantity)
    if answer.go and available is not None and quantity > available:
        return Answer(False, "pieces_unfinished", {"order": order.id, "left": available, "counted": quantity})
    return answer


def _fits(
    carton: Carton,
    product: str,
    order_id: str,
    order: Order | None,
    customer: str | None,
    plan: Plan,
    station: str | None,
    said: dict[str, Any],
    quantity: int,
) -> Answer:
    """Is it of the right kind, and is there room?"""
    rule = holding(plan, carton, product)
    made = plan.product(product)
    if made is None or made.carton is None or rule is None:
        return Answer(False, "not_packed", {"product": made.name.model_dump() if made else product})
    if order is not None and order.state in ("on_hold", "cancelled"):
        return Answer(False, "order_held" if order.state == "on_hold" else "order_closed", {"order": order.id})
    if carton.product is not None and carton.product != product and rule.same != "customer":
        wanted = plan.product(carton.product)
        name = wanted.name.model_dump() if wanted else carton.product
        return Answer(False, "other_product", {**said, "wanted": name, "got": made.name.model_dump()})
    if carton.order is not None and carton.order != order_id and (rule.same == "order" or carton.bound):
        return Answer(False, "other_order", {**said, "wanted": carton.order, "got": order_id})
    if carton.customer and customer is not None and customer != carton.customer:
        return Answer(False, "other_customer", {**said, "wanted": carton.customer, "got": customer or "–"})
    if station is not None and station not in rule.stations:
        return Answer(False, "not_packed_here", {**said, "station": name_of_station(plan, rule.stations[0])})
    return _room(carton, rule, said, quantity)


def _room(carton: Carton, rule: Holding, said: dict[str, Any], quantity: int) -> Answer:
    have = carton.have + quantity
    if have > rule.holds:
        return Answer(False, "carton_full", {"carton": carton.sscc, "holds": rule.holds, "have": carton.have})
    full = have == rule.holds
    return Answer(True, "packed_full" if full else "packed", {**said, "have": have, "holds": rule.holds})


def stack(
    pallet: Carton | None,
    sscc: str,
    *,
    inner: Carton | None,
    inner_sscc: str,
    plan: Plan,
    station: str | None,
    operator: str | None,
) -> Answer:
    """May this carton go onto this pallet?"""
    if (closed := _accepts(pallet, sscc, "pallet", operator)) is not None:
        return closed
    assert pallet is not None
    if inner is None:
        return Answer(False, "unknown_carton", {"carton": inner_sscc})
    said = {"unit": inner_sscc}
    if inner.level != "carton":
        return Answer(False, "pallet_takes_cartons")
    if inner.parent is not None:
        return Answer(
            False, "packed_here" if inner.parent == sscc else "packed_elsewhere", {**said, "carton": inner.parent}
        )
    if inner.state in ("new", "open"):
        return Answer(False, "carton_not_closed", {"carton": inner_sscc})
    if inner.state != "closed":
        return Answer(False, "carton_gone", {"carton": inner_sscc})
    if inner.held:
        return Answer(False, "carton_held", {"carton": inner_sscc})
    rule = plan.plant.pallet
    if rule is None:
        return Answer(False, "no_pallets")
    if station is not None and station not in rule.stations:
        return Answer(False, "not_packed_here", {**said, "station": name_of_station(plan, rule.stations[0])})
    if rule.same != "customer" and pallet.product is not None and pallet.product != inner.product:
        return Answer(False, "other_product", {**said, "wanted": pallet.product, "got": inner.product or "–"})
    if rule.same == "order" and pallet.order is not None and pallet.order != inner.order:
        return Answer(False, "other_order", {**said, "wanted": pallet.order, "got": inner.order or "–"})
    if pallet.bound and pallet.order is not None and pallet.order != inner.order:
        return Answer(False, "other_order", {**said, "wanted": pallet.order, "got": inner.order or "–"})
    if pallet.customer and pallet.customer != inner.customer:
        return Answer(False, "other_customer", {**said, "wanted": pallet.customer, "got": inner.customer or "–"})
    return _room(pallet, rule, said, 1)


def take_out(carton: Carton | None, sscc: str, *, thing: str, there: bool) -> Answer:
    """May this come out again? What is in a closed carton needs it opened first.

    Args:
        thing: the unit, order or carton, for the sentence.
        there: whether it is in there.
    """
    if carton is None:
        return Answer(False, "unknown_carton", {"carton": sscc})
    if carton.state == "closed":
        return Answer(False, "carton_closed", {"carton": sscc})
    if carton.state not in ("new", "open"):
        return Answer(False, "carton_gone", {"carton": sscc})
    if not there:
        return Answer(False, "not_in_carton", {"unit": thing, "carton": sscc})
    return Answer(True, "unpacked", {"unit": thing, "carton": sscc})


def weight(nets_g: Iterable[tuple[int, float | None]], rule: Holding) -> tuple[float, float] | None:
    """The lightest and the heaviest that this content may weigh with its packaging, in grams.

    Args:
        nets_g: how many, and what one of them weighs.

    Returns:
        None where the plan asks for no weighing, or a weight is not known.
    """
    if rule.tolerance_g is None:
        return None
    total = Decimal(repr(rule.tare_g))
    for quantity, net in nets_g:
        if net is None:
            return None
        total += quantity * Decimal(repr(net))
    tolerance = Decimal(repr(rule.tolerance_g))
    return float(total - tolerance), float(total + tolerance)


def grams(value: float | None, unit: str | None) -> float | None:
    """A reading of a scale in grams; None when it is none."""
    return convert(value, unit or KG, "g") if value is not None else None


def _kg(weight_g: float) -> str:
    return f"{weight_g / 1000:.3f}".rstrip("0").rstrip(".")


def weighed(carton: Carton, value: float | None, unit: str | None, limits_g: tuple[float, float] | None) -> Answer:
    """What a reading of the scale says of the content. `go` is whether it is right."""
    weight_g = grams(value, unit)
    if weight_g is None:
        return Answer(False, "bench_error")
    shown = _kg(weight_g)
    if limits_g is None:
        return Answer(True, "weight_noted", {"carton": carton.sscc, "value": shown})
    low, high = map(_kg, limits_g)
    said = {"carton": carton.sscc, "value": shown, "low": low, "high": high, "have": carton.have}
    if weight_g < limits_g[0]:
        return Answer(False, "weight_light", said)
    if weight_g > limits_g[1]:
        return Answer(False, "weight_heavy", said)
    return Answer(True, "weight_right", said)


def close(
    carton: Carton | None,
    sscc: str,
    *,
    rule: Holding | None,
    partial: bool,
    blocked: str | None = None,
    operator: str | None = "",
) -> Answer:
    """May this carton be closed?

    Args:
        partial: the operator has said that it stays so, though it is not full.
        blocked: what is in it and is held or not finished any more.
    """
    answer = may_open(carton, sscc, operator=operator)
    if not answer.go:
        return answer
    assert carton is not None
    said = {"carton": sscc, "have": carton.have}
    if carton.held:
        return Answer(False, "carton_held", said)
    if carton.have == 0:
        return Answer(False, "carton_empty", said)
    if blocked is not None:
        return Answer(False, "carton_has_held", {**said, "unit": blocked})
    if rule is not None and carton.have < rule.holds and not partial:
        return Answer(False, "carton_not_full", {**said, "holds": rule.holds})
    if rule is not None and rule.tolerance_g is not None and carton.weighed != "passed":
        return Answer(False, "needs_weighing", said)
    return Answer(True, "carton_done", said)


def reopen(carton: Carton | None, sscc: str) -> Answer:
    """May this closed carton be opened again?"""
    if carton is None:
        return Answer(False, "unknown_carton", {"carton": sscc})
    if carton.state in ("new", "open"):
        return Answer(False, "carton_not_closed", {"carton": sscc})
    if carton.state != "closed":
        return Answer(False, "carton_gone", {"carton": sscc})
    if carton.parent is not None:
        return Answer(False, "carton_on_pallet", {"carton": sscc, "pallet": carton.parent})
    return Answer(True, "carton_reopened", {"carton": sscc})
