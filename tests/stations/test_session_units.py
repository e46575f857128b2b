"""A unit at the bench: it arrives, the gate speaks, the step is finished or left; with the server and without it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mes import wire
from mes.domain.gate import OrderState, Unit
from mes.domain.reasons import sentence
from stations.inputs import PlanCame, VerdictCame
from tests.builders import (
    ALL_FITTED,
    LOT_ORDER,
    OTHER,
    UNIT,
    Bench,
    a_bench,
    a_bench_at_work,
    a_component,
    a_floor,
    a_plan,
    a_product,
    a_step,
    a_unit,
    a_unit_at_work,
    an_order,
    holes,
    utc,
)

BARE = a_plan(a_product(a_step("one"), a_step("two", station="bench-2")))
ONE = a_unit(step="one")


def bare(link: str = "up", *units: Unit) -> Bench:
    """A bench whose step needs nothing but DONE."""
    return a_bench("bench-1", *(units or (ONE,)), plan=BARE, link=link)


# --- with the server --------------------------------------------------------------------------------------------------


def test_a_units_label_asks_the_server_whether_it_may_enter() -> None:
    bench = bare().scan(UNIT)
    assert (bench.screen.phase, bench.shows) == ("asking", ("wait", "asking"))
    assert bench.draft("UnitsArrived").asks
    assert bench.body("UnitsArrived").model_dump() == {"unit": UNIT, "step": "one", "scan": UNIT, "place": None}


def test_when_the_server_says_yes_the_screen_shows_the_step() -> None:
    bench = bare().scan(UNIT).server()
    assert (bench.screen.phase, bench.screen.unit, bench.shows) == ("working", UNIT, ("go", "unit_arrived"))
    assert bench.screen.step is not None
    assert (bench.screen.step.id, bench.screen.place, bench.screen.order) == ("one", (1, 2), "OF-2026-001")


def test_when_the_server_says_no_the_bench_stays_free_and_says_why() -> None:
    bench = bare().scan(UNIT).says("UnitsArrived", "refused", "unit_held", unit=UNIT, nc="NC-1")
    assert (bench.screen.phase, bench.screen.unit, bench.shows) == ("idle", None, ("stop", "unit_held"))


def test_what_the_unit_already_has_is_told_with_the_verdict() -> None:
    bench = a_bench("bench-1", a_unit_at_work())
    bench.floor.inside[UNIT] = list(ALL_FITTED)
    bench.scan(UNIT).server()
    assert bench.banner.reason == "unit_here"
    assert [(n.have, n.state) for n in bench.screen.needs if n.kind == "component"] == [(1, "ok"), (2, "ok")]


def test_after_a_restart_the_unit_on_the_bench_goes_on_where_it_was() -> None:
    before = a_bench_at_work().scan("B4-77120").server()
    after = a_bench("bench-1", floor=before.floor)
    assert after.screen.phase == "idle"
    after.scan(UNIT).server()
    assert (after.shows, after.need("component").state) == (("go", "unit_here"), "ok")


def test_an_accepted_arrival_whose_screen_was_lost_goes_on_with_what_the_station_was_told() -> None:
    bench = (
        bare().scan(UNIT).says("UnitsArrived", "accepted", "unit_arrived", status="duplicate", unit=UNIT, step="one")
    )
    assert (bench.screen.phase, bench.screen.unit) == ("working", UNIT)


def test_an_accepted_arrival_that_the_station_knows_nothing_of_asks_for_the_label_again() -> None:
    bench = bare("up", a_unit(OTHER, "one")).scan(UNIT)
    bench.says("UnitsArrived", "accepted", "unit_arrived", status="duplicate", unit=UNIT, step="one")
    assert (bench.screen.phase, bench.banner.reason) == ("idle", "not_now")
    assert "label" in bench.banner.args["hint"]["en"]


def test_while_the_server_is_asked_other_scans_are_refused_in_sight_and_the_verdict_still_shows() -> None:
    bench = bare().scan(UNIT).command("DONE", after_s=0.2)
    assert bench.shows == ("stop", "not_now")
    assert bench.server().shows == ("go", "unit_arrived")


def test_a_scan_that_was_refused_while_the_server_was_asked_counts_a_moment_later() -> None:
    bench = bare().scan(UNIT).command("DONE", after_s=0.2).server().command("DONE", after_s=0.2)
    assert bench.kinds[-1] == "WorkCompleted"


def test_the_same_unit_again_is_already_here() -> None:
    assert bare().scan(UNIT).server().scan(UNIT).shows == ("go", "unit_here")


def test_another_unit_waits_until_the_first_is_finished() -> None:
    bench = bare("up", ONE, a_unit(OTHER, "one")).scan(UNIT).server().scan(OTHER)
    assert (bench.shows, bench.banner.args["unit"], bench.kinds[-1]) == (("stop", "finish_first"), UNIT, "UnitsArrived")


def test_done_completes_the_step_and_says_where_to_carry_the_unit() -> None:
    bench = bare().scan(UNIT).server().command("DONE")
    assert (bench.draft("WorkCompleted").asks, bench.shows, bench.screen.phase) == (True, ("kept", "kept"), "asking")
    bench.server()
    assert (bench.shows, bench.screen.phase, bench.screen.unit) == (("go", "step_done"), "idle", None)
    assert "Station bench-2" in sentence("step_done", bench.banner.args, "en")[1]


def test_where_to_carry_the_unit_stays_on_the_screen_until_the_next_scan() -> None:
    bench = bare("up", ONE, a_unit(OTHER, "one")).scan(UNIT).server().command("DONE").server().tick(60)
    assert bench.banner.reason == "step_done"
    assert bench.scan(OTHER).banner.reason == "asking"


def test_done_that_the_server_refuses_leaves_the_unit_on_the_bench() -> None:
    bench = bare().scan(UNIT).server().command("DONE").says("WorkCompleted", "refused", "needs_test")
    assert (bench.shows, bench.screen.phase, bench.screen.unit) == (("stop", "needs_test"), "working", UNIT)


def test_leaving_takes_the_unit_off_the_bench_unfinished() -> None:
    bench = bare().scan(UNIT).server().command("LEAVE")
    assert (bench.shows, bench.screen.phase) == (("wait", "unit_left"), "idle")
    assert bench.body("UnitsDeparted").reason == "left"
    assert bench.server().floor.units[UNIT].state == "waiting"


def test_a_unit_that_left_can_come_back() -> None:
    bench = bare().scan(UNIT).server().command("LEAVE").server().scan(UNIT).server()
    assert bench.shows == ("go", "unit_arrived")


def test_undo_with_nothing_done_takes_the_unit_off_the_bench() -> None:
    bench = bare().scan(UNIT).server().command("UNDO")
    assert (bench.body("UnitsDeparted").reason, bench.screen.phase) == ("undo", "idle")


@pytest.mark.parametrize("name", ["DONE", "LEAVE", "PASS", "FAIL", "YES", "NO"])
def test_a_command_without_a_unit_says_to_scan_one_first(name: str) -> None:
    bench = bare().command(name)  # type: ignore[arg-type]
    assert bench.shows == ("stop", "not_now")
    assert "unit" in bench.banner.args["hint"]["en"]


def test_undo_on_an_empty_bench_has_nothing_to_undo() -> None:
    assert bare().command("UNDO").shows == ("stop", "nothing_to_undo")


def test_pass_at_a_step_without_a_look_is_not_now() -> None:
    assert bare().scan(UNIT).server().command("PASS").shows == ("stop", "not_now")


# --- without the server -----------------------------------------------------------------------------------------------


def test_without_network_a_known_unit_enters_amber_and_as_a_fact() -> None:
    bench = bare("down").scan(UNIT)
    assert (bench.shows, bench.screen.phase, bench.screen.unit) == (("kept", "offline_go"), "working", UNIT)
    assert not bench.draft("UnitsArrived").asks


def test_without_network_a_step_is_finished_amber_and_still_says_where_to_carry_the_unit() -> None:
    bench = bare("down").scan(UNIT).command("DONE")
    assert (bench.shows, bench.screen.phase) == (("kept", "step_done"), "idle")
    assert not bench.draft("WorkCompleted").asks
    assert holes(bench.banner) == []


def test_without_network_a_unit_goes_through_two_steps_of_one_station() -> None:
    plan = a_plan(a_product(a_step("one"), a_step("two"), a_step("three", station="bench-2")))
    bench = a_bench("bench-1", ONE, plan=plan, link="down").scan(UNIT).command("DONE").scan(UNIT)
    assert bench.screen.step is not None
    assert (bench.screen.step.id, bench.shows) == ("two", ("kept", "offline_go"))


def test_what_was_done_without_network_is_accepted_by_the_server_afterwards() -> None:
    bench = bare("down").scan(UNIT).command("DONE").link("up").server()
    assert (bench.floor.units[UNIT].step, bench.floor.units[UNIT].nc) == ("two", None)


def test_an_amber_banner_turns_green_when_its_verdict_comes_late() -> None:
    bench = bare("down").scan(UNIT).command("DONE").link("up").server()
    assert bench.shows == ("go", "step_done")


def test_without_network_an_unknown_unit_is_stopped_and_nothing_is_sent() -> None:
    bench = bare("down").scan(OTHER)
    assert (bench.shows, bench.kinds) == (("stop", "unknown_unit"), [])


def test_without_network_a_step_that_needs_it_is_stopped() -> None:
    bench = a_bench("bench-3", a_unit(step="safety"), link="down").scan(UNIT)
    assert (bench.shows, bench.screen.phase) == (("stop", "needs_network"), "idle")


def test_without_network_a_step_that_a_signal_stops_stays_stopped() -> None:
    bench = bare("down")
    stop = wire.FloorStop(product=ONE.product, step=ONE.step, signal="SI-2026-0001")
    bench.floor.stopped.append(stop)
    bench.hear_of_the_floor().scan(UNIT)
    assert (bench.shows, bench.kinds) == (("stop", "step_stopped"), [])
    bench.floor.stopped.clear()
    assert bench.hear_of_the_floor().scan(UNIT).shows == ("kept", "offline_go")


@pytest.mark.parametrize(
    ("until", "left", "reason"), [("2026-01-01", 1, "permit_expired"), ("2030-01-01", 0, "permit_used_up")]
)
def test_without_network_a_unit_goes_on_under_its_concession_only_while_that_holds(
    until: str, left: int, reason: str
) -> None:
    bench = bare("down", known(permit="CO-2026-0001"))
    bench.floor.permits.append(wire.FloorPermit(id="CO-2026-0001", until=until, left=left))
    bench.hear_of_the_floor().scan(UNIT)
    assert (bench.shows, bench.kinds) == (("stop", reason), [])
    bench.floor.permits[:] = [wire.FloorPermit(id="CO-2026-0001", until="2030-01-01", left=1)]
    assert bench.hear_of_the_floor().scan(UNIT).shows == ("kept", "offline_go")
    assert bench.session.recall.permits["CO-2026-0001"].left == 0


def known(**more: object) -> Unit:
    return replace(ONE, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unit", "reason"),
    [
        (known(state="scrapped"), "unit_scrapped"),
        (known(nc="NC-2026-0007"), "unit_held"),
        (known(state="done"), "unit_done"),
        (known(step="two"), "step_already_done"),
        (known(state="in_work", station="bench-5"), "at_other_station"),
    ],
)
def test_without_network_the_bench_refuses_what_the_server_would_refuse(unit: Unit, reason: str) -> None:
    bench = bare("down", unit).scan(UNIT)
    assert (bench.shows, bench.kinds, holes(bench.banner)) == (("stop", reason), [], [])


def test_without_network_a_unit_whose_earlier_step_is_missing_is_sent_there() -> None:
    bench = a_bench("bench-2", ONE, plan=BARE, link="down").scan(UNIT)
    assert bench.shows == ("stop", "step_missing")
    assert bench.banner.args["station"]["en"] == "Station bench-1"


@pytest.mark.parametrize(
    ("state", "reason"),
    [("planned", "order_not_released"), ("on_hold", "order_held"), ("closed", "order_closed")],
)
def test_without_network_an_order_that_is_not_open_stops_its_units(state: OrderState, reason: str) -> None:
    bench = a_bench("bench-1", floor=a_floor(ONE, orders=[an_order(state=state)], plan=BARE), link="down").scan(UNIT)
    assert bench.shows == ("stop", reason)


def test_without_network_a_bench_whose_only_place_is_taken_says_so() -> None:
    other = a_unit(OTHER, "one", "in_work", station="bench-1")
    bench = bare("down", ONE, other).scan(UNIT)
    assert (bench.shows, bench.banner.args) == (("stop", "bench_full"), {"places": 1})


# --- the network goes while the operator waits ------------------------------------------------------------------------


def test_no_answer_within_two_seconds_lets_the_bench_decide_alone() -> None:
    bench = bare().scan(UNIT).tick(1.9)
    assert bench.screen.phase == "asking"
    bench.tick(0.2)
    assert (bench.screen.phase, bench.shows) == ("working", ("kept", "offline_go"))


def test_the_link_going_down_while_asking_lets_the_bench_decide_at_once() -> None:
    bench = bare().scan(UNIT).link("down")
    assert (bench.screen.phase, bench.shows) == ("working", ("kept", "offline_go"))


def test_an_arrival_that_is_accepted_late_turns_green() -> None:
    assert bare().scan(UNIT).tick(3).server().shows == ("go", "unit_arrived")


def test_an_arrival_that_is_held_late_frees_the_bench_in_red() -> None:
    bench = (
        bare().scan(UNIT).tick(3).says("UnitsArrived", "held", "contradiction", unit=UNIT, why="unit_held", nc="NC-9")
    )
    assert (bench.shows, bench.screen.phase, bench.screen.unit) == (("stop", "contradiction"), "idle", None)


def test_an_arrival_that_is_refused_late_frees_the_bench_in_red() -> None:
    bench = bare().scan(UNIT).tick(3).says("UnitsArrived", "refused", "order_held", order="OF-2026-001")
    assert (bench.shows, bench.screen.unit) == (("stop", "order_held"), None)


def test_a_late_yes_to_a_unit_that_the_bench_had_refused_lets_it_in_while_nobody_has_gone_on() -> None:
    bench = a_bench("bench-1", a_unit(OTHER, "one"), plan=BARE)
    bench.floor.units[UNIT] = ONE
    bench.scan(UNIT).tick(3)
    assert bench.shows == ("stop", "unknown_unit")
    bench.server()
    assert (bench.shows, bench.screen.unit) == (("go", "unit_arrived"), UNIT)


def test_a_late_yes_to_a_unit_that_the_operator_has_put_aside_is_given_back() -> None:
    bench = a_bench("bench-1", a_unit(OTHER, "one"), plan=BARE)
    bench.floor.units[UNIT] = ONE
    bench.scan(UNIT).tick(3).scan(OTHER).server()
    assert bench.body("UnitsDeparted").unit == UNIT
    assert bench.floor.units[UNIT].state == "waiting"


def test_a_late_yes_to_a_unit_whose_label_was_scanned_again_since_is_kept() -> None:
    bench = a_bench("bench-1", a_unit(OTHER, "one"), plan=BARE)
    bench.floor.units[UNIT] = ONE
    bench.scan(UNIT).tick(3).scan(UNIT).server()
    assert (bench.screen.unit, "UnitsDeparted" in bench.kinds) == (UNIT, False)


def test_a_late_held_verdict_on_a_finished_unit_is_told_and_blocks_it_here() -> None:
    bench = bare("down").scan(UNIT).command("DONE").link("up")
    bench.says("WorkCompleted", "held", "contradiction", unit=UNIT, why="needs_component", nc="NC-9")
    assert bench.shows == ("stop", "contradiction")
    assert bench.link("down").scan(UNIT).shows == ("stop", "unit_held")


def test_a_late_refusal_to_finish_brings_the_unit_back_to_this_station() -> None:
    bench = bare().scan(UNIT).server().command("DONE").tick(3)
    assert bench.shows == ("kept", "step_done")
    bench.says("WorkCompleted", "refused", "needs_test").link("down").scan(UNIT)
    assert (bench.screen.unit, bench.screen.step and bench.screen.step.id) == (UNIT, "one")


def test_done_without_an_answer_frees_the_bench_amber() -> None:
    bench = bare().scan(UNIT).server().command("DONE").tick(3)
    assert (bench.shows, bench.screen.phase) == (("kept", "step_done"), "idle")


def test_a_verdict_that_was_not_looked_at_yet_changes_nothing() -> None:
    bench = bare().scan(UNIT).says("UnitsArrived", "accepted", "", status="gap")
    assert bench.screen.phase == "asking"


def test_a_late_yes_to_a_unit_on_which_work_has_gone_on_keeps_the_work() -> None:
    bench = a_bench("bench-1").scan(UNIT).tick(3).scan("B4-77120")
    bench.server()
    assert (bench.need("component").state, bench.shows) == ("ok", ("go", "component_fitted"))


def test_a_scrapped_unit_that_was_worked_on_without_network_stays_scrapped() -> None:
    bench = bare("down").scan(UNIT).link("up").says("UnitsArrived", "held", "unit_scrapped", unit=UNIT)
    assert (bench.shows, bench.screen.unit) == (("stop", "unit_scrapped"), None)


def test_a_quarantined_arrival_lets_the_bench_go_on_by_itself() -> None:
    bench = bare().scan(UNIT)
    token = bench.kept[-1][0].token
    bench.give(VerdictCame, token=token, status="quarantined", reason="quarantined", args={"why": "x"})
    assert (bench.shows, bench.screen.unit) == (("kept", "quarantined"), UNIT)


# --- odds and ends ----------------------------------------------------------------------------------------------------


def test_an_order_keeps_the_plan_that_it_was_released_with() -> None:
    bench = bare()
    newer = a_plan(a_product(a_step("one", components=(a_component(),)), a_step("two", station="bench-2")))
    bench.give(PlanCame, plan=newer, revision=2).scan(UNIT).server()
    assert [n.kind for n in bench.screen.needs] == ["done"]


def test_a_floor_that_names_a_plan_that_is_not_here_says_which_to_fetch() -> None:
    floor = a_floor(ONE, orders=[replace(an_order(), revision=7), an_order(LOT_ORDER, "KIT")], plan=BARE)
    assert a_bench("bench-1", floor=floor).session.recall.missing_plans() == (7,)


def test_the_first_tick_of_the_day_changes_nothing_that_is_seen() -> None:
    bench = bare()
    before = bench.screen
    assert bench.tick().screen == before


def test_every_new_verdict_has_a_higher_number() -> None:
    bench = bare()
    first = bench.banner.serial
    assert bench.scan(UNIT).server().banner.serial > first


def test_a_unit_shows_since_when_by_the_servers_clock() -> None:
    bench = bare().scan(UNIT).server()
    work = bench.session.at_front
    assert work is not None
    assert utc() < work.unit.since <= utc(bench.seconds)
