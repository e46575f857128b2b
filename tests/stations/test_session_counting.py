"""Counted work: good and scrapped pieces of an order without serials, booked with DONE."""

from __future__ import annotations

from mes.domain.barcode import write
from stations.view import Need
from tests.builders import (
    LOT_ORDER,
    ORDER,
    UNIT,
    Bench,
    a_bench,
    a_floor,
    a_plan,
    a_product,
    a_step,
    a_unit,
    an_order,
    holes,
)

LABEL = write("order", LOT_ORDER)


def counting(link: str = "up") -> Bench:
    return a_bench("count-1", link=link).scan(LABEL)


def counts(bench: Bench) -> tuple[int, int, int | None]:
    return bench.screen.good, bench.screen.scrap, bench.screen.left


def test_an_orders_label_begins_counting_its_step() -> None:
    bench = counting()
    assert (bench.screen.phase, bench.screen.order, counts(bench)) == ("working", LOT_ORDER, (0, 0, 100))
    assert bench.screen.step is not None
    assert (bench.screen.step.id, bench.shows, holes(bench.banner)) == ("fill", ("wait", "order_here"), [])


def test_quantities_add_up() -> None:
    bench = counting().quantity(20, 5)
    assert (counts(bench), bench.banner.reason) == ((25, 0, 75), "counted")


def test_a_count_is_not_green_before_it_is_booked() -> None:
    assert counting().quantity(20).banner.tone == "wait"


def test_the_same_quantity_twice_quickly_is_two_boxes() -> None:
    code = write("quantity", 20)
    assert counts(counting().scan(code).scan(code, after_s=0.2))[0] == 40


def test_a_defect_alone_is_one_piece_of_scrap() -> None:
    assert counts(counting().quantity(20).defect("SCRATCH")) == (20, 1, 79)


def test_a_defect_and_then_a_quantity_is_so_many_pieces_of_scrap() -> None:
    assert counts(counting().quantity(20).defect("SCRATCH").quantity(4)) == (20, 4, 76)


def test_a_quantity_after_that_is_good_again() -> None:
    assert counts(counting().defect("SCRATCH").quantity(4, 10)) == (10, 4, 86)


def test_undo_takes_the_last_count_back() -> None:
    bench = counting().quantity(20, 5).command("UNDO")
    assert counts(bench) == (20, 0, 80)
    assert bench.command("UNDO", "UNDO").shows == ("stop", "nothing_to_undo")


def test_the_orders_label_again_counts_nothing() -> None:
    bench = counting().quantity(20).scan(LABEL)
    assert (counts(bench), bench.banner.reason) == ((20, 0, 80), "counted")


def test_done_books_good_and_scrap_by_defect_and_frees_the_bench() -> None:
    bench = counting().quantity(20).defect("SCRATCH").quantity(2).defect("CRACK").defect("SCRATCH").command("DONE")
    assert (bench.draft("WorkCompleted").asks, bench.shows, bench.screen.phase) == (True, ("kept", "kept"), "asking")
    body = bench.body("WorkCompleted")
    assert (body.order, body.step, body.unit, body.good) == (LOT_ORDER, "fill", None, 20)
    assert {s.defect: s.quantity for s in body.scrap} == {"SCRATCH": 3, "CRACK": 1}
    bench.server()
    assert (bench.shows, bench.screen.phase, bench.banner.args["left"]) == (("go", "counted"), "idle", 76)


def test_what_is_left_is_remembered_for_the_next_time() -> None:
    assert counting().quantity(30).command("DONE").server().scan(LABEL).screen.left == 70


def test_done_without_a_count_asks_how_many() -> None:
    assert counting().command("DONE").shows == ("stop", "needs_quantity")


def test_a_booking_that_the_server_refuses_can_be_counted_again() -> None:
    bench = counting().quantity(30).command("DONE")
    bench.says("WorkCompleted", "refused", "too_many", left=10, counted=30)
    assert (bench.shows, bench.screen.phase, counts(bench)[0]) == (("stop", "too_many"), "working", 30)
    assert counts(bench.command("UNDO").quantity(10))[0] == 10


def test_more_than_the_order_has_is_refused_at_once() -> None:
    bench = counting().quantity(90, 20)
    assert (bench.shows, counts(bench)[0]) == (("stop", "too_many"), 90)


def test_zero_is_no_quantity() -> None:
    assert counting().quantity(0).shows == ("stop", "needs_quantity")


def test_without_network_a_count_is_booked_amber() -> None:
    bench = counting("down").quantity(20).command("DONE")
    assert (bench.shows, bench.screen.phase, bench.draft("WorkCompleted").asks) == (("kept", "counted"), "idle", False)
    assert bench.link("up").server().shows == ("go", "counted")


def test_a_booking_without_an_answer_frees_the_bench_amber() -> None:
    bench = counting().quantity(20).command("DONE").tick(3)
    assert (bench.shows, bench.screen.phase) == (("kept", "counted"), "idle")


def test_a_booking_that_is_held_late_is_told() -> None:
    bench = counting("down").quantity(20).command("DONE").link("up")
    bench.says("WorkCompleted", "held", "too_many", left=10, counted=20)
    assert bench.shows == ("stop", "too_many")


def test_leaving_gives_the_count_up() -> None:
    bench = counting().quantity(20).command("LEAVE")
    assert (bench.screen.phase, bench.shows, bench.kinds) == ("idle", ("wait", "unit_left"), [])


def test_fail_asks_which_defect_it_is() -> None:
    assert counting().command("FAIL").shows == ("wait", "which_defect")


def test_an_unknown_defect_is_refused() -> None:
    assert counting().defect("NOSUCH").shows == ("stop", "unknown_defect")


SEVERAL = a_plan(
    a_product(a_step("cut", "count", "count-1"), a_step("fold", "count", "count-1"), id="KIT", tracking="lot")
)


def test_a_steps_label_says_which_of_several_steps_is_counted() -> None:
    bench = a_bench("count-1", plan=SEVERAL).scan(LABEL, write("step", "FOLD"))
    assert bench.screen.step is not None
    assert (bench.screen.step.id, bench.banner.reason) == ("fold", "order_here")


def test_a_step_that_is_not_done_here_is_refused_with_those_that_are() -> None:
    bench = a_bench("count-1", plan=SEVERAL).scan(LABEL, write("step", "PACK"))
    assert (bench.shows, bench.banner.args["known"]["en"]) == (("stop", "unknown_step"), "Step cut, Step fold")


def test_the_step_does_not_change_under_an_open_count() -> None:
    bench = a_bench("count-1", plan=SEVERAL).scan(LABEL).quantity(5).scan(write("step", "FOLD"))
    assert bench.shows == ("stop", "not_now")


def test_a_steps_label_without_an_order_is_not_now() -> None:
    assert a_bench("count-1").scan(write("step", "FILL")).shows == ("stop", "not_now")


def test_help_names_the_step_that_is_counted() -> None:
    assert counting().command("HELP").body("HelpRequested").step == "fill"


def test_an_unknown_order_is_refused() -> None:
    assert a_bench("count-1").scan(write("order", "OF-1")).shows == ("stop", "unknown_order")


def test_an_order_that_is_worked_unit_by_unit_is_not_counted() -> None:
    assert a_bench("count-1").scan(write("order", ORDER)).shows == ("stop", "not_lot_order")


def test_an_order_that_does_not_pass_here_says_where_to_take_it() -> None:
    bench = a_bench("bench-1").scan(LABEL)
    assert (bench.shows, bench.banner.args["station"]["en"]) == (("stop", "order_not_here"), "Station count-1")


def test_an_order_on_hold_is_not_counted() -> None:
    floor = a_floor(orders=[an_order(LOT_ORDER, "KIT", 100, "on_hold"), an_order()])
    assert a_bench("count-1", floor=floor).scan(LABEL).shows == ("stop", "order_held")


def test_another_order_or_a_unit_waits_until_the_count_is_finished() -> None:
    bench = counting().quantity(1).scan(write("order", ORDER))
    assert (bench.shows, bench.banner.args["unit"]) == (("stop", "finish_first"), LOT_ORDER)
    assert bench.scan(UNIT).banner.reason == "finish_first"


def test_a_quantity_without_an_order_is_not_now() -> None:
    assert a_bench("count-1").quantity(5).shows == ("stop", "not_now")


def test_the_same_badge_does_not_sign_out_with_an_open_count() -> None:
    assert counting().badge().banner.reason == "finish_first"


def test_the_screen_asks_for_a_quantity() -> None:
    assert counting().screen.needs == (Need("quantity", "todo", have=0), Need("done", "todo"))


def test_a_units_label_at_a_counting_station_is_judged_as_anywhere() -> None:
    bench = a_bench("count-1", a_unit(), link="down").scan(UNIT)
    assert bench.shows == ("stop", "step_missing")
