"""Packing at the bench by scan: a carton is opened, filled, weighed and closed, with the server and without it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mes.domain import sscc
from mes.domain.barcode import write
from mes.domain.gate import Unit
from mes.domain.route import CartonHolding, Plan
from tests.builders import Bench, a_bench, a_plan, a_unit

CARTON, OTHER = (sscc.number("9521234", n) or "" for n in (1, 2))
LABEL = f"]C100{CARTON}"


def packing_plan() -> Plan:
    """Two units a carton at bench-1, weighed."""
    plan = a_plan()
    rule = CartonHolding(stations=("bench-1",), holds=2, net_g=1000, tare_g=100, tolerance_g=50)
    products = tuple(p.model_copy(update={"carton": rule}) for p in plan.products)
    return plan.model_copy(update={"products": products})


def done(n: int = 1) -> Unit:
    """A finished unit."""
    return replace(a_unit(), serial=f"NMD-2648-{n:05}", state="done")


def bench_of(*units: Unit, link: str = "up") -> Bench:
    return a_bench("bench-1", *(units or (done(1), done(2), done(3))), plan=packing_plan(), link=link)


def told(have: int = 0, **more: Any) -> dict[str, Any]:
    return {"sscc": CARTON, "level": "carton", "state": "open", "have": have, "inside": [], **more}


def opened(**more: Any) -> Bench:
    bench = bench_of().scan(LABEL)
    assert bench.draft("CartonOpened").asks
    return bench.says("CartonOpened", "accepted", "carton_open", carton=CARTON, told=told(**more))


def filled() -> Bench:
    bench = opened()
    for n in (1, 2):
        bench.scan(done(n).serial)
        reason = "packed_full" if n == 2 else "packed"
        bench.says("UnitsPacked", "accepted", reason, unit=done(n).serial, have=n, holds=2)
    return bench


def test_a_cartons_label_opens_it_and_each_unit_after_it_goes_in() -> None:
    bench = opened()
    assert (bench.screen.unit, bench.screen.actions[0]) == (CARTON, "DONE")
    bench.scan(done(1).serial)
    body = bench.body("UnitsPacked")
    assert (body.carton, body.unit) == (CARTON, done(1).serial)
    bench.says("UnitsPacked", "accepted", "packed", unit=done(1).serial, have=1, holds=2)
    need = bench.need("quantity")
    assert (need.have, need.want) == (1, 2)
    assert "UnitsArrived" not in bench.kinds


def test_of_a_unit_that_the_bench_does_not_know_it_learns_how_many_go_in_and_that_they_are_weighed() -> None:
    bench = a_bench("bench-1", plan=packing_plan()).scan(LABEL)
    bench.says("CartonOpened", "accepted", "carton_open", carton=CARTON, told=told())
    bench.scan(done(1).serial)
    kind = told(1, product=done(1).product, order="OF-1")
    bench.says("UnitsPacked", "accepted", "packed", unit=done(1).serial, have=1, holds=2, told=kind)
    assert (bench.need("quantity").have, bench.need("quantity").want) == (1, 2)
    assert bench.need("test").unit == "kg"


def test_the_same_unit_twice_is_red_at_once_and_nothing_is_sent() -> None:
    bench = opened().scan(done(1).serial)
    bench.says("UnitsPacked", "accepted", "packed", unit=done(1).serial, have=1, holds=2)
    before = len(bench.kept)
    bench.scan(done(1).serial)
    assert bench.shows == ("stop", "packed_here")
    assert len(bench.kept) == before


def test_what_the_server_refuses_is_not_in_the_carton() -> None:
    bench = opened().scan(done(1).serial)
    bench.says("UnitsPacked", "refused", "other_order", unit=done(1).serial, wanted="OF-1", got="OF-2")
    assert bench.shows == ("stop", "other_order")
    assert bench.need("quantity").have == 0


def test_done_asks_the_scale_and_a_right_weight_closes_the_carton() -> None:
    bench = filled().command("DONE")
    assert bench.shows == ("wait", "weighing")
    assert bench.sampling is not None
    assert (bench.sampling.test.instrument, bench.sampling.test.ask) == ("scale", "S")
    bench.sample(2.1)
    assert bench.body("CartonWeighed").reading.value == 2.1
    assert not bench.draft("CartonWeighed").asks, "a reading is a fact"
    bench.says("CartonWeighed", "accepted", "weight_right", carton=CARTON, value="2.1")
    assert bench.kinds[-1] == "CartonClosed"
    bench.says("CartonClosed", "accepted", "carton_done", carton=CARTON, have=2)
    assert bench.shows == ("go", "carton_done")
    assert bench.screen.unit is None


def test_a_wrong_weight_leaves_the_carton_open_and_done_weighs_again() -> None:
    bench = filled().command("DONE").sample(1.1)
    bench.says("CartonWeighed", "accepted", "weight_light", carton=CARTON, value="1.1", low="2.05", high="2.15", have=2)
    assert bench.shows == ("stop", "weight_light")
    assert "CartonClosed" not in bench.kinds
    assert bench.command("DONE").shows == ("wait", "weighing")


def test_a_carton_that_is_not_full_is_closed_by_yes() -> None:
    bench = opened().scan(done(1).serial)
    bench.says("UnitsPacked", "accepted", "packed", unit=done(1).serial, have=1, holds=2)
    assert bench.command("DONE").shows == ("wait", "carton_not_full")
    assert bench.screen.actions[0] == "YES"
    bench.command("YES").sample(1.1)
    bench.says("CartonWeighed", "accepted", "weight_right", carton=CARTON, value="1.1")
    assert bench.body("CartonClosed").partial


def test_an_empty_carton_is_not_closed() -> None:
    assert opened().command("DONE").shows == ("stop", "carton_empty")


def test_undo_takes_out_what_went_in_last() -> None:
    bench = filled().command("UNDO")
    body = bench.body("UnitsUnpacked")
    assert (body.unit, body.why) == (done(2).serial, "undo")
    bench.says("UnitsUnpacked", "accepted", "unpacked", unit=done(2).serial, carton=CARTON)
    assert bench.need("quantity").have == 1
    assert opened().command("UNDO").shows == ("stop", "nothing_to_undo")


def test_a_closed_carton_is_opened_again_by_a_defect_that_says_why() -> None:
    bench = bench_of().scan(LABEL)
    bench.says("CartonOpened", "refused", "carton_closed", carton=CARTON)
    assert bench.shows == ("stop", "carton_closed")
    bench.defect()
    draft = bench.draft("CartonReopened")
    assert '"why":"SCRATCH"' in draft.body
    bench.says("CartonReopened", "accepted", "carton_reopened", carton=CARTON, told=told(2, inside=[done(1).serial]))
    assert (bench.shows, bench.screen.unit) == (("go", "carton_reopened"), CARTON)


def test_counted_pieces_go_in_by_the_orders_label_and_a_quantity() -> None:
    bench = opened().quantity(5)
    assert bench.shows == ("stop", "order_for_pieces")
    bench.scan(write("order", "OF-7")).quantity(5)
    body = bench.body("UnitsPacked")
    assert (body.order, body.quantity, body.unit) == ("OF-7", 5, None)


def test_a_pallet_takes_the_labels_of_cartons() -> None:
    bench = opened(level="pallet").scan(f"00{OTHER}")
    assert bench.body("UnitsPacked").inner == OTHER
    other = opened().scan(f"00{OTHER}")
    assert other.shows == ("stop", "finish_first")


def test_leave_puts_the_carton_aside_and_the_bench_is_free() -> None:
    bench = opened().command("LEAVE")
    assert bench.screen.unit is None
    assert bench.screen.phase == "idle"


@pytest.mark.parametrize(("name", "level"), [("CARTON", "carton"), ("PALLET", "pallet")])
def test_the_bench_asks_for_a_new_number(name: Any, level: str) -> None:
    bench = bench_of().command(name)
    assert bench.body("CartonWanted").level == level
    bench.says("CartonWanted", "accepted", "carton_new", carton=CARTON, told=told(level=level))
    assert bench.screen.unit == CARTON
    assert bench_of(link="down").command(name).shows == ("stop", "needs_network")


# --- without network --------------------------------------------------------------------------------------------------


def test_without_network_the_whole_carton_is_packed_amber_and_kept() -> None:
    bench = bench_of(link="down").scan(LABEL)
    assert bench.shows == ("kept", "carton_open")
    bench.scan(done(1).serial, done(2).serial)
    assert bench.shows == ("kept", "packed_full")
    bench.command("DONE").sample(2.1)
    assert bench.shows == ("kept", "carton_done")
    assert bench.kinds == ["CartonOpened", "UnitsPacked", "UnitsPacked", "CartonWeighed", "CartonClosed"]
    assert not any(d.asks for d, _ in bench.kept), "without network everything is a fact"


def test_without_network_a_unit_that_is_known_to_be_unfinished_is_refused() -> None:
    bench = bench_of(replace(done(), state="waiting"), link="down").scan(LABEL, done().serial)
    assert bench.shows == ("stop", "unit_unfinished")
    assert "UnitsPacked" not in bench.kinds


def test_without_network_the_third_unit_does_not_go_into_a_full_carton() -> None:
    bench = bench_of(link="down").scan(LABEL, *(done(n).serial for n in (1, 2, 3)))
    assert bench.shows == ("stop", "carton_full")


def test_without_network_a_weight_is_judged_by_the_plan() -> None:
    bench = bench_of(link="down").scan(LABEL, done(1).serial, done(2).serial).command("DONE").sample(1.1)
    assert bench.shows == ("stop", "weight_light")
    assert "CartonClosed" not in bench.kinds


def test_what_the_server_says_later_against_a_carton_is_shown() -> None:
    bench = bench_of(link="down").scan(LABEL, done(1).serial)
    bench.says("UnitsPacked", "held", "packed_elsewhere", unit=done(1).serial, carton=OTHER)
    assert bench.shows == ("stop", "packed_elsewhere")
