"""The packing gate: what may go into a carton, when it may be closed, what it should weigh; and the SSCC itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain import packing, sscc
from mes.domain.gate import Answer, Order, Unit
from mes.domain.packing import Carton
from mes.domain.route import CartonHolding, PalletHolding, Plan
from tests.server.small_plan import small_plan

NUMBER = "395212340000000015"
OTHER = "395212340000000022"


def plan_of(**carton: Any) -> Plan:
    """The small plan, whose generators go two into a carton at b3."""
    plan = small_plan()
    rule = CartonHolding(**{"stations": ("b3",), "holds": 2, "net_g": 1000, "tare_g": 100, **carton})
    gen, kit = plan.products
    products = (gen.model_copy(update={"carton": rule}), kit.model_copy(update={"carton": rule}))
    plant = plan.plant.model_copy(update={"pallet": PalletHolding(stations=("p2",), holds=2)})
    return plan.model_copy(update={"products": products, "plant": plant})


PLAN = plan_of()
UNIT = Unit("GEN-1", "OF-1", "GEN", "done", "look")
ORDER = Order("OF-1", "GEN", 5, "completed", 1)
OPEN = Carton(NUMBER, "carton", "open")


def packed(carton: Carton | None = OPEN, unit: Unit | None = UNIT, **said: Any) -> Answer:
    given: dict[str, Any] = {
        "serial": "GEN-1", "order": ORDER, "customer": "ACME", "plan": PLAN, "station": "b3", "operator": "007",
        "packed_in": None,
    }  # fmt: skip
    return packing.pack_unit(carton, NUMBER, unit=unit, **{**given, **said})


def test_a_finished_unit_goes_in_and_the_last_one_says_that_it_is_full() -> None:
    assert packed().reason == "packed"
    assert packed(replace(OPEN, have=1, order="OF-1", product="GEN")).reason == "packed_full"


@pytest.mark.parametrize(
    ("carton", "unit", "said", "reason"),
    [
        (OPEN, UNIT, {"operator": None}, "no_operator"),
        (None, UNIT, {}, "unknown_carton"),
        (replace(OPEN, state="closed"), UNIT, {}, "carton_closed"),
        (replace(OPEN, state="shipped"), UNIT, {}, "carton_gone"),
        (replace(OPEN, held="other_order"), UNIT, {}, "carton_held"),
        (replace(OPEN, level="pallet"), UNIT, {}, "pallet_takes_cartons"),
        (OPEN, None, {}, "unknown_unit"),
        (OPEN, UNIT, {"packed_in": NUMBER}, "packed_here"),
        (OPEN, UNIT, {"packed_in": OTHER}, "packed_elsewhere"),
        (OPEN, replace(UNIT, state="scrapped"), {}, "unit_scrapped"),
        (OPEN, replace(UNIT, nc="NC-1"), {}, "unit_held"),
        (OPEN, replace(UNIT, state="waiting"), {}, "unit_unfinished"),
        (OPEN, UNIT, {"plan": small_plan()}, "not_packed"),
        (OPEN, UNIT, {"order": replace(ORDER, state="on_hold")}, "order_held"),
        (replace(OPEN, product="KIT", order="OF-9"), UNIT, {}, "other_product"),
        (replace(OPEN, product="GEN", order="OF-9"), UNIT, {}, "other_order"),
        (replace(OPEN, customer="B"), UNIT, {}, "other_customer"),
        (OPEN, UNIT, {"station": "b1"}, "not_packed_here"),
        (replace(OPEN, have=2), UNIT, {}, "carton_full"),
    ],
)
def test_what_may_not_go_in_gets_one_reason(carton: Carton | None, unit: Unit | None, said: Any, reason: str) -> None:
    answer = packed(carton, unit, **said)
    assert (answer.go, answer.reason) == (False, reason)


def test_a_carton_may_mix_orders_where_the_plan_asks_for_one_product_only() -> None:
    inside = replace(OPEN, product="GEN", order="OF-9", customer="ACME", have=1)
    assert packed(inside, plan=plan_of(same="product")).go
    assert not packed(inside, plan=plan_of(same="product"), customer="B").go
    bound = replace(inside, bound=True)
    assert packed(bound, plan=plan_of(same="product")).reason == "other_order"


@pytest.mark.parametrize(("quantity", "reason"), [(2, "packed_full"), (3, "carton_full"), (1, "packed")])
def test_pieces_of_a_counted_order_go_in_by_number(quantity: int, reason: str) -> None:
    answer = pieces(quantity, available=2)
    assert answer.reason == reason


def test_no_more_pieces_go_in_than_are_finished() -> None:
    assert pieces(2, available=1).reason == "pieces_unfinished"
    assert pieces(2, available=None).go, "a bench without network does not know"


def pieces(quantity: int, available: int | None) -> Answer:
    order = Order("OF-2", "KIT", 100, "in_work", 1)
    return packing.pack_pieces(
        OPEN, NUMBER, order=order, order_id="OF-2", customer="B", plan=PLAN, station="b3", operator="007",
        quantity=quantity, available=available,
    )  # fmt: skip


CLOSED = Carton(OTHER, "carton", "closed", order="OF-1", product="GEN", customer="ACME")
PALLET = Carton(NUMBER, "pallet", "open")


@pytest.mark.parametrize(
    ("pallet", "inner", "reason"),
    [
        (PALLET, CLOSED, "packed"),
        (replace(PALLET, have=1, customer="ACME"), CLOSED, "packed_full"),
        (PALLET, replace(CLOSED, state="open"), "carton_not_closed"),
        (PALLET, replace(CLOSED, held="carton_full"), "carton_held"),
        (PALLET, replace(CLOSED, parent=NUMBER), "packed_here"),
        (PALLET, None, "unknown_carton"),
        (PALLET, replace(CLOSED, level="pallet"), "pallet_takes_cartons"),
        (replace(PALLET, customer="B"), CLOSED, "other_customer"),
        (OPEN, CLOSED, "carton_takes_no_carton"),
    ],
)
def test_a_pallet_takes_closed_cartons_of_one_customer(pallet: Carton, inner: Carton | None, reason: str) -> None:
    answer = packing.stack(pallet, NUMBER, inner=inner, inner_sscc=OTHER, plan=PLAN, station="p2", operator="007")
    assert answer.reason == reason


RULE = CartonHolding(stations=("b3",), holds=2, net_g=1000, tare_g=100, tolerance_g=50)


@pytest.mark.parametrize(
    ("carton", "partial", "blocked", "reason"),
    [
        (replace(OPEN, have=2, weighed="passed"), False, None, "carton_done"),
        (replace(OPEN, have=2), False, None, "needs_weighing"),
        (replace(OPEN, have=2, weighed="failed"), False, None, "needs_weighing"),
        (replace(OPEN, have=1, weighed="passed"), False, None, "carton_not_full"),
        (replace(OPEN, have=1, weighed="passed"), True, None, "carton_done"),
        (OPEN, True, None, "carton_empty"),
        (replace(OPEN, have=2, weighed="passed"), False, "GEN-1", "carton_has_held"),
        (replace(OPEN, have=2, weighed="passed", held="other_order"), False, None, "carton_held"),
    ],
)
def test_a_carton_is_closed_when_it_is_full_weighed_and_nothing_in_it_is_held(
    carton: Carton, partial: bool, blocked: str | None, reason: str
) -> None:
    assert packing.close(carton, NUMBER, rule=RULE, partial=partial, blocked=blocked).reason == reason


@pytest.mark.parametrize(
    ("value", "unit", "reason"),
    [(2.1, "kg", "weight_right"), (2050, "g", "weight_right"), (1.1, "kg", "weight_light"), (3.1, "kg", "weight_heavy"),
     (None, "kg", "bench_error"), (2.1, "V", "bench_error")],
)  # fmt: skip
def test_the_scale_finds_a_piece_that_is_missing_and_one_too_many(value: float | None, unit: str, reason: str) -> None:
    limits = packing.weight([(2, 1000.0)], RULE)
    assert limits == (2050.0, 2150.0)
    assert packing.weighed(replace(OPEN, have=2), value, unit, limits).reason == reason


def test_a_weight_that_the_plan_does_not_know_is_no_limit() -> None:
    assert packing.weight([(2, None)], RULE) is None
    assert packing.weight([(2, 1.0)], CartonHolding(stations=("b3",), holds=2)) is None


def test_what_is_in_a_closed_carton_stays_there_until_it_is_opened_again() -> None:
    shut = replace(OPEN, state="closed")
    assert packing.take_out(shut, NUMBER, thing="GEN-1", there=True).reason == "carton_closed"
    assert packing.take_out(OPEN, NUMBER, thing="GEN-1", there=False).reason == "not_in_carton"
    assert packing.take_out(OPEN, NUMBER, thing="GEN-1", there=True).go
    assert packing.reopen(shut, NUMBER).go
    assert packing.reopen(replace(shut, parent=OTHER), NUMBER).reason == "carton_on_pallet"
    assert packing.reopen(replace(shut, state="shipped"), NUMBER).reason == "carton_gone"
    assert packing.reopen(OPEN, NUMBER).reason == "carton_not_closed"


# --- the number -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digits", "check"), [("37610425002123456", "9"), ("37340030680998173", "3"), ("629104150021", "3")]
)
def test_the_check_digit_is_that_of_the_general_specifications(digits: str, check: str) -> None:
    assert sscc.check_digit(digits) == check


@given(prefix=st.from_regex(r"[0-9]{4,12}", fullmatch=True), n=st.integers(0, 10**13 - 1))
def test_every_number_of_a_prefix_is_valid_and_no_two_are_the_same(prefix: str, n: int) -> None:
    made = sscc.number(prefix, n)
    if n >= sscc.capacity(prefix):
        assert made is None
        return
    assert made is not None
    assert sscc.valid(made)
    assert made[1 : 1 + len(prefix)] == prefix
    assert int(made[0] + made[1 + len(prefix) : 17]) == n, "extension digit and serial count as one"


def test_the_extension_digit_counts_on_when_the_serial_is_used_up() -> None:
    assert sscc.number("123456789012", 9_999) == "012345678901299994"[:17] + sscc.check_digit("01234567890129999")
    after = sscc.number("123456789012", 10_000)
    assert after is not None
    assert after.startswith("1123456789012" + "0000")
    assert sscc.number("123456789012", 100_000) is None
