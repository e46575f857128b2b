"""The bags of a counted step: scanned once, asked for before DONE, changed, refused, used up, and without network."""

from __future__ import annotations

import pytest

from mes.domain.barcode import write
from mes.domain.route import Plan
from tests.builders import LOT_ORDER, Bench, a_bench, a_component, a_floor, a_plan, a_product, a_step, holes

LABEL = write("order", LOT_ORDER)


def kit_plan() -> Plan:
    """A bag is filled with screws and washers."""
    parts = (
        a_component("SCREW", "lot", 2, pattern=r"S-(?P<lot>\d+)"),
        a_component("NUT", "lot", pattern=r"N-(?P<lot>\d+)"),
    )
    fill, seal = a_step("fill", "count", "count-1", components=parts), a_step("seal", "count", "count-2")
    return a_plan(a_product(), a_product(fill, seal, id="KIT", serial=None, tracking="lot"))


@pytest.fixture
def bench() -> Bench:
    return a_bench("count-1", floor=a_floor(plan=kit_plan())).scan(LABEL)


def loads(bench: Bench, code: str) -> Bench:
    """The bag is scanned, and the server lets it be used."""
    part = {"S": "SCREW", "N": "NUT"}[code[0]]
    return bench.scan(code).says("MaterialsLoaded", "accepted", "lot_loaded", part=part, lot=code[2:])


def lots(bench: Bench) -> list[tuple[str, str]]:
    return [(n.state, n.detail) for n in bench.screen.needs if n.kind == "component"]


def test_a_bag_of_each_part_is_scanned_before_the_count_is_booked_and_stays(bench: Bench) -> None:
    assert (bench.shows, holes(bench.banner), lots(bench)) == (("wait", "order_here_lot"), [], [("todo", "")] * 2)
    bench.scan("S-7")
    body = bench.body("MaterialsLoaded")
    assert (bench.draft("MaterialsLoaded").asks, body.order, body.step, body.part, body.lot, body.scan) == (
        True,
        LOT_ORDER,
        "fill",
        "SCREW",
        "7",
        "S-7",
    )
    bench.says("MaterialsLoaded", "accepted", "lot_loaded", part="SCREW", lot="7")
    assert (bench.shows, lots(bench)) == (("go", "lot_loaded"), [("ok", "7"), ("todo", "")])
    bench.quantity(5).command("DONE")
    assert (bench.shows, holes(bench.banner), bench.screen.good) == (("stop", "needs_lot"), [], 5)
    loads(bench, "N-3").command("DONE").says("WorkCompleted", "accepted", "counted", good=5, scrap=0, left=95)
    bench.scan(LABEL)
    assert lots(bench) == [("ok", "7"), ("ok", "3")], "the bags still stand there"
    bench.scan("S-7")
    assert (bench.banner.reason, bench.kinds.count("MaterialsLoaded")) == ("lot_loaded", 2)


def test_another_bag_comes_after_done_and_what_is_not_needed_is_said_at_once(bench: Bench) -> None:
    loads(loads(bench, "S-7"), "N-3").quantity(5).scan("S-8")
    assert (bench.banner.reason, bench.kinds.count("MaterialsLoaded")) == ("not_now", 2)
    bench.command("UNDO")
    loads(bench, "S-8")
    assert lots(bench)[0] == ("ok", "8")
    bench.scan("BAT-48V")
    assert bench.shows == ("stop", "component_wrong")
    bench.scan("SCREW")
    assert bench.shows == ("stop", "component_without_number")


def test_what_the_server_says_of_a_lot_counts(bench: Bench) -> None:
    bench.scan("S-7").says("MaterialsLoaded", "refused", "lot_held", part="SCREW", lot="7")
    assert (bench.shows, lots(bench)[0]) == (("stop", "lot_held"), ("todo", ""))
    loads(loads(bench, "S-8"), "N-3").quantity(5).command("DONE")
    bench.says("WorkCompleted", "refused", "loaded_held", part="SCREW", lot="8", good=5, scrap=0, left=95)
    assert (bench.shows, bench.screen.good) == (("stop", "loaded_held"), 5), "nothing that was counted is lost"
    loads(bench.command("UNDO"), "S-9").quantity(5).command("DONE")
    bench.says("WorkCompleted", "accepted", "counted", good=5, scrap=0, left=95, empty=["SCREW"]).scan(LABEL)
    assert lots(bench) == [("todo", ""), ("ok", "3")]


def test_without_network_the_bench_goes_by_what_it_was_told(bench: Bench) -> None:
    bench.floor.held_lots.add(("SCREW", "6"))
    bench.hear_of_the_floor().link("down").scan("S-6")
    assert bench.shows == ("stop", "lot_held")
    bench.scan("S-7", "N-3").quantity(5)
    assert (bench.draft("MaterialsLoaded").asks, lots(bench)) == (False, [("ok", "7"), ("ok", "3")])
    bench.floor.held_lots.add(("SCREW", "7"))
    bench.hear_of_the_floor().command("DONE")
    assert bench.shows == ("stop", "loaded_held")
    bench.floor.held_lots.clear()
    bench.hear_of_the_floor().command("DONE")
    assert bench.kinds[-1] == "WorkCompleted"
    bench.link("up").says("MaterialsLoaded", "held", "lot_held", part="NUT", lot="3").scan(LABEL)
    assert lots(bench) == [("ok", "7"), ("todo", "")], "the server knows of a hold"


def test_a_step_that_names_no_parts_counts_as_before() -> None:
    bench = a_bench("count-1").scan(LABEL).quantity(5).command("DONE").server()
    assert bench.banner.reason == "counted"
