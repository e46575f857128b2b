"""Units that bear their serial already are taken in by scan: with the server, without it, and taken back."""

from __future__ import annotations

import pytest

from mes.domain.barcode import write
from mes.domain.route import Plan
from tests.builders import ORDER, Bench, a_bench, a_plan

ONE, TWO = "PF3A0B1C", "PF3A0B2D"


def scan_plan() -> Plan:
    """The units of the product bear serials of their maker."""
    plan = a_plan()
    own = {"serial": None, "serial_scan": "PF[0-9A-Z]{6}"}
    products = tuple(p.model_copy(update=own) if p.tracking == "serial" else p for p in plan.products)
    return plan.model_copy(update={"products": products})


@pytest.fixture
def bench() -> Bench:
    made = a_bench("bench-1", plan=scan_plan()).scan(write("order", ORDER))
    assert made.screen.banner.reason == "serials_here"
    return made


def test_an_orders_label_says_what_is_taken_in_and_each_serial_becomes_a_unit_that_arrives(bench: Bench) -> None:
    assert (bench.screen.order, bench.screen.unit) == (ORDER, None)
    bench.scan(ONE)
    draft, body = bench.draft("UnitsInitialized"), bench.body("UnitsInitialized")
    assert (draft.asks, body.order, body.unit, body.step) == (True, ORDER, ONE, "battery")
    assert "UnitsArrived" not in bench.kinds, "first the unit, then its arrival"
    bench.says("UnitsInitialized", "accepted", "unit_initialised", unit=ONE, order=ORDER, have=1)
    assert bench.body("UnitsArrived").unit == ONE
    bench.says("UnitsArrived", "accepted", "unit_arrived", unit=ONE, step={"fr": "P", "en": "F"})
    assert (bench.screen.phase, bench.screen.unit) == ("working", ONE)
    bench.scan(TWO)
    assert bench.screen.banner.reason == "finish_first"


@pytest.mark.parametrize("reason", ["serial_known", "serials_full", "order_held"])
def test_what_the_server_refuses_does_not_come_to_the_bench(bench: Bench, reason: str) -> None:
    bench.scan(ONE).says("UnitsInitialized", "refused", reason, serial=ONE, order=ORDER, quantity=10)
    assert (bench.screen.banner.reason, bench.screen.unit) == (reason, None)
    assert "UnitsArrived" not in bench.kinds


def test_what_is_no_serial_of_the_product_is_said_at_once(bench: Bench) -> None:
    bench.scan("4006381333931")
    assert bench.screen.banner.reason == "serial_not_like"
    assert "UnitsInitialized" not in bench.kinds


def test_without_network_the_unit_is_made_here_and_can_be_worked_on(bench: Bench) -> None:
    bench.link("down").scan(ONE)
    assert not bench.draft("UnitsInitialized").asks
    assert (bench.screen.phase, bench.screen.unit) == ("working", ONE)
    assert bench.kinds[-2:] == ["UnitsInitialized", "UnitsArrived"]


def test_a_server_that_is_late_does_not_keep_the_bench(bench: Bench) -> None:
    bench.scan(ONE)
    for _ in range(10):
        bench.tick(0.5)
    assert (bench.screen.phase, bench.screen.unit) == ("working", ONE)
    bench.says("UnitsInitialized", "refused", "serial_known", serial=ONE)
    assert bench.screen.banner.reason == "serial_known"


def test_undo_before_anything_was_done_takes_the_unit_back(bench: Bench) -> None:
    bench.link("down").scan(ONE).command("UNDO")
    assert bench.kinds[-2:] == ["UnitsDeparted", "UnitsWithdrawn"]
    assert (bench.screen.banner.reason, bench.screen.unit) == ("unit_taken_back", None)
    bench.scan(ONE)
    assert bench.screen.unit == ONE, "the same label was right after all"


def test_leave_without_a_unit_ends_taking_in(bench: Bench) -> None:
    bench.command("LEAVE").scan(ONE)
    assert "UnitsInitialized" not in bench.kinds


def test_an_order_whose_serials_are_made_is_worked_unit_by_unit_as_before() -> None:
    bench = a_bench("bench-1").scan(write("order", ORDER))
    assert bench.screen.banner.reason == "not_lot_order"


def test_an_order_whose_route_begins_elsewhere_is_sent_there() -> None:
    bench = a_bench("bench-2", plan=scan_plan()).scan(write("order", ORDER))
    assert bench.screen.banner.reason == "order_not_here"
