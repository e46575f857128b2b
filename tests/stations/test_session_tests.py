"""Test steps: the session asks for one reading after the other, judges them, and never energises a unit that failed."""

from __future__ import annotations

from typing import Any

import pytest

from mes import wire
from mes.domain.barcode import write
from mes.domain.route import Command, Test
from stations.devices.readings import Reading
from stations.inputs import BenchUnsafe, FinishMeasuring, MeasureNow, RunBroken, StopMeasuring
from tests.builders import (
    SAFETY_STEP,
    UNIT,
    Bench,
    a_bench,
    a_bench_at_work,
    a_component,
    a_plan,
    a_product,
    a_step,
    a_test,
    a_unit,
    an_installed,
    holes,
)

OVERFLOW = Reading(None, None, "overflow", "9.9E37")
SILENCE = Reading(None, None, "timeout", "timeout")


def at_safety(**more: Any) -> Bench:
    return a_bench_at_work("bench-3", a_unit(step="safety"), **more)


def with_tests(link: str = "up", **more: Any) -> Bench:
    """A bench whose step may go on without network, with two tests."""
    step = a_step("one", "test", tests=(a_test("v", "V", 220, 240), a_test("i", "mA", None, 5)), **more)
    plan = a_plan(a_product(step, a_step("two", station="bench-2")))
    return a_bench_at_work("bench-1", a_unit(step="one"), plan=plan, link=link)


def shown(bench: Bench) -> list[tuple[float | None, str]]:
    return [(n.value, n.state) for n in bench.screen.needs if n.kind == "test"]


def test_the_first_test_begins_when_the_unit_has_arrived() -> None:
    bench = at_safety()
    assert (bench.screen.phase, bench.shows) == ("testing", ("go", "unit_arrived"))
    assert bench.measuring is not None
    assert [t.id for t in bench.measuring.tests] == ["pe"]


def test_each_reading_shows_with_its_limits_while_the_next_is_taken() -> None:
    bench = at_safety().measure(0.05, unit="ohm")
    assert shown(bench) == [(0.05, "ok"), (None, "doing"), (None, "todo")]
    assert (bench.need("test").unit, bench.need("test").high) == ("ohm", 0.1)


def test_a_whole_test_step() -> None:
    bench = at_safety().measure(0.05, unit="ohm").measure(50.0, unit="Mohm").measure(1.2, unit="mA")
    assert (bench.shows, bench.body("UnitsTested").outcome) == (("kept", "kept"), "passed")
    bench.server()
    assert (bench.shows, bench.screen.phase) == (("go", "test_passed"), "working")
    bench.command("DONE").server()
    assert (bench.shows, bench.floor.units[UNIT].step) == (("go", "step_done"), "burn-in")


def test_a_reading_that_is_not_as_usual_is_said_and_the_step_goes_on() -> None:
    bench = at_safety()
    bench.floor.signalled = {"fr": "Isolement", "en": "Insulation"}
    bench.measure(0.05, 50.0, 1.2).server()
    assert (bench.shows, holes(bench.banner)) == (("go", "test_signal"), [])
    assert bench.command("DONE").server().shows == ("go", "step_done")


def test_the_event_keeps_value_limits_instrument_and_raw_text() -> None:
    bench = at_safety().measure(Reading(48, "mohm", "measured", ">GB, PASS, 48mohm")).measure(50.0, 1.2)
    first = bench.body("UnitsTested").tests[0]
    assert (first.test, first.outcome, first.value, first.unit, first.high) == ("pe", "passed", 0.048, "ohm", 0.1)
    assert (first.instrument, first.raw) == ("MAKER MODEL 42", ">GB, PASS, 48mohm")


def test_the_raw_text_of_an_instrument_is_cut_to_what_an_event_carries() -> None:
    bench = at_safety().measure(Reading(None, None, "error", "x" * 5000))
    assert len(bench.body("UnitsTested").tests[0].raw) == 2000


def test_a_unit_that_failed_a_safety_test_is_not_energised_by_the_next() -> None:
    bench = at_safety().measure(0.5, unit="ohm")
    assert bench.measuring is None
    assert [m.test for m in bench.body("UnitsTested").tests] == ["pe"]


def test_an_error_of_the_bench_does_not_let_the_next_safety_test_begin_either() -> None:
    bench = at_safety().measure(SILENCE)
    assert bench.measuring is None


def test_where_a_failure_may_be_followed_by_other_tests_all_are_run() -> None:
    bench = with_tests(after_failure="go-on").measure(300.0, 1.0)
    assert [m.outcome for m in bench.body("UnitsTested").tests] == ["failed", "passed"]
    assert bench.body("UnitsTested").outcome == "failed"


def test_a_failed_test_with_a_retest_left_says_so_and_the_label_starts_it_again() -> None:
    bench = at_safety().measure(0.5, unit="ohm").server()
    assert (bench.shows, bench.screen.phase, holes(bench.banner)) == (("stop", "retest"), "working", [])
    bench.scan(UNIT)
    assert (bench.shows, bench.screen.phase) == (("wait", "testing"), "testing")
    bench.measure(0.05, 50.0, 1.2).server()
    assert bench.shows == ("go", "test_passed")


def test_the_label_may_come_quickly_after_a_run() -> None:
    bench = at_safety()
    bench.measure(0.5).server().scan(UNIT, after_s=0.1)
    assert bench.screen.phase == "testing"


def test_a_unit_that_failed_its_last_retest_is_blocked_and_leaves_the_bench() -> None:
    bench = at_safety().measure(0.5).server().scan(UNIT).measure(0.6).server()
    assert (bench.shows, bench.screen.phase, bench.screen.unit) == (("stop", "test_failed"), "idle", None)
    assert bench.banner.args["nc"] == "NC-2026-0001"


@pytest.mark.parametrize(
    "reading",
    [
        SILENCE,
        OVERFLOW,
        Reading(None, None, "error", "garbage"),
        Reading(0.05, "V", "measured", "0.05 V"),
        Reading(float("nan"), "ohm", "measured", "nan"),
        None,
    ],
    ids=["silence", "overflow", "garbage", "wrong unit", "not a number", "no reading"],
)
def test_a_broken_bench_is_not_a_broken_unit(reading: Reading | None) -> None:
    bench = at_safety().measure(reading).server()
    assert (bench.shows, bench.screen.phase, bench.screen.unit) == (("stop", "bench_error"), "working", UNIT)
    assert bench.floor.units[UNIT].attempts == 0


@pytest.mark.parametrize(
    ("reading", "verdict"),
    [
        (Reading(0.05, "ohm", "rejected", "FAIL"), "failed"),
        (Reading(0.5, "ohm", "measured", "PASS", passed=True), "passed"),
    ],
)
@pytest.mark.parametrize("online", [True, False])
def test_where_the_instrument_and_its_number_do_not_agree_a_person_looks(
    reading: Reading, verdict: str, *, online: bool
) -> None:
    bench = at_safety().measure(reading)
    run = bench.body("UnitsTested")
    assert (run.outcome, run.tests[0].outcome, run.tests[0].verdict) == ("error", "error", verdict)
    bench = bench.server() if online else bench.link("down").tick(1)
    assert (bench.banner.reason, bench.screen.phase, bench.screen.unit) == ("tester_contradicts", "idle", None)
    if online:
        assert (bench.floor.units[UNIT].attempts, bench.floor.units[UNIT].nc) == (0, "NC-2026-0001")


def test_what_the_instrument_and_the_limits_both_reject_has_failed() -> None:
    bench = at_safety().measure(Reading(0.5, "ohm", "rejected", "FAIL"))
    assert bench.body("UnitsTested").outcome == "failed"


def test_done_before_the_test_has_passed_says_what_is_missing() -> None:
    bench = at_safety().measure(0.5).server().command("DONE")
    assert (bench.shows, bench.kinds[-1]) == (("stop", "needs_test"), "UnitsTested")


@pytest.mark.parametrize("name", ["DONE", "PAUSE"])
def test_while_the_test_runs_nothing_is_finished_and_nobody_takes_a_break(name: str) -> None:
    bench = at_safety().command(name)  # type: ignore[arg-type]
    assert (bench.shows, bench.screen.phase) == (("stop", "not_now"), "testing")


def test_leaving_stops_the_test_and_keeps_what_it_has_read() -> None:
    bench = at_safety().measure(0.05).command("LEAVE")
    assert bench.last is not None
    assert StopMeasuring(1) in bench.last.commands
    assert (bench.body("UnitsTested").outcome, len(bench.body("UnitsTested").tests)) == ("aborted", 1)
    assert (bench.kinds[-1], bench.screen.phase) == ("UnitsDeparted", "idle")


def test_a_defect_that_is_seen_during_the_test_stops_it() -> None:
    bench = at_safety().defect("CRACK")
    assert bench.last is not None
    assert StopMeasuring(1) in bench.last.commands
    assert bench.kinds[-2:] == ["UnitsTested", "UnitsInspected"]
    bench.server()
    assert (bench.shows, bench.screen.unit) == (("stop", "defect_found"), None)


def test_readings_of_a_run_that_was_stopped_change_nothing() -> None:
    bench = at_safety()
    late = bench.measuring
    bench.command("LEAVE")
    count, before = len(bench.kept), bench.banner
    bench.measuring = late
    bench.measure(0.05)
    assert (len(bench.kept), bench.banner) == (count, before)


def test_the_test_waits_until_every_component_of_the_step_is_in() -> None:
    step = a_step("one", "test", tests=(a_test(),), components=(a_component(pattern=r"(?P<serial>B4-\d+)"),))
    bench = a_bench_at_work("bench-1", a_unit(step="one"), plan=a_plan(a_product(step)))
    assert bench.measuring is None
    bench.scan("B4-1").server()
    assert bench.measuring is None, "hands may still be in the unit"
    assert bench.scan(UNIT).screen.phase == "testing"


def test_a_test_of_which_the_station_has_no_answer_goes_on_by_the_stations_own_judgement() -> None:
    bench = with_tests().measure(230.0, 1.0)
    assert bench.screen.phase == "asking"
    bench.tick(3)
    assert (bench.shows, bench.screen.phase) == (("kept", "test_passed"), "working")


def test_without_network_a_whole_test_step_is_amber_and_then_accepted() -> None:
    bench = with_tests("down").measure(230.0, 1.0)
    assert bench.shows == ("kept", "test_passed")
    bench.command("DONE")
    assert bench.shows == ("kept", "step_done")
    assert bench.link("up").server().floor.units[UNIT].step == "two"


def test_without_network_a_failed_test_blocks_the_unit_with_a_number_to_come() -> None:
    bench = with_tests("down").measure(300.0)
    assert (bench.shows, bench.screen.unit, holes(bench.banner)) == (("stop", "test_failed"), None, [])
    assert bench.scan(UNIT).shows == ("stop", "unit_held")


def test_the_number_of_the_nonconformity_is_shown_when_it_comes() -> None:
    bench = with_tests("down").measure(300.0).link("up").server()
    assert (bench.shows, bench.banner.args["nc"]) == (("stop", "test_failed"), "NC-2026-0001")


def test_a_late_verdict_that_says_the_same_does_not_disturb_the_next_scan() -> None:
    bench = with_tests("down").measure(300.0).command("HELP").scan("what is this").link("up").server()
    assert bench.banner.reason == "unknown_code"


def test_a_server_that_counts_more_attempts_blocks_the_unit() -> None:
    bench = at_safety().measure(0.5).says("UnitsTested", "held", "test_failed", unit=UNIT, nc="NC-4")
    assert (bench.shows, bench.screen.unit, holes(bench.banner)) == (("stop", "test_failed"), None, [])


def test_a_retest_after_a_restart_waits_for_the_label() -> None:
    before = at_safety().measure(0.5).server()
    after = a_bench("bench-3", floor=before.floor).scan(UNIT).server()
    assert (after.banner.reason, after.screen.phase) == ("unit_here", "testing")


def test_a_unit_that_has_passed_is_not_tested_again_by_its_label() -> None:
    bench = at_safety().measure(0.05, 50.0, 1.2).server().scan(UNIT)
    assert (bench.shows, bench.measuring) == (("go", "unit_here"), None)


def test_the_operator_may_call_help_while_the_test_runs() -> None:
    bench = at_safety().command("HELP")
    assert (bench.screen.help_called, bench.screen.phase) == (True, "testing")


def test_undo_does_not_take_back_a_test() -> None:
    bench = at_safety().measure(0.05, 50.0, 1.2).server().command("UNDO")
    assert (bench.shows, bench.screen.unit) == (("stop", "nothing_to_undo"), UNIT)


def test_what_the_agent_is_asked_for_names_unit_step_and_run() -> None:
    bench = at_safety()
    assert bench.measuring == MeasureNow(1, UNIT, "safety", SAFETY_STEP.tests[:1], operator=bench.session.operator)


def test_parts_of_earlier_steps_do_not_hinder_the_test() -> None:
    bench = a_bench("bench-3", a_unit(step="safety"))
    bench.floor.inside[UNIT] = [an_installed()]
    assert bench.scan(UNIT).server().screen.phase == "testing"


def test_another_unit_waits_for_the_end_of_the_test() -> None:
    bench = at_safety().scan("NMD-2647-00002")
    assert bench.shows == ("stop", "finish_first")


def test_an_order_waits_for_the_end_of_the_test() -> None:
    assert at_safety().scan(write("order", "OF-2026-002")).shows == ("stop", "finish_first")


def test_a_test_that_waits_to_be_asked_for_begins_with_yes_and_not_with_the_label_that_brought_the_unit() -> None:
    bench = with_tests(begins="when-asked")
    assert (bench.measuring, bench.screen.phase) == (None, "working")
    assert bench.screen.actions[0] == "YES"
    bench.command("YES")
    assert bench.screen.phase == "testing"
    assert bench.measuring is not None


def test_yes_without_a_test_to_begin_is_answered_and_nothing_happens() -> None:
    bench = a_bench_at_work("bench-1", a_unit(step="battery"))
    bench.command("YES")
    assert bench.shows == ("stop", "not_now")


# --- how a plan steers a run ------------------------------------------------------------------------------------------


def a_run_of(*tests: Test, **more: Any) -> Bench:
    """A bench that has begun a step with these tests."""
    step = a_step("one", "test", tests=tests, **more)
    return a_bench_at_work(
        "bench-1", a_unit(step="one"), plan=a_plan(a_product(step, a_step("two", station="bench-2")))
    )


def outcomes(bench: Bench) -> list[tuple[str, int, str]]:
    return [(m.test, m.attempt, m.outcome) for m in bench.body("UnitsTested").tests]


def test_every_asking_is_kept_and_the_last_one_judges() -> None:
    bench = a_run_of(a_test("v", "V", 220, 240, repeats=2)).measure(
        [SILENCE, OVERFLOW, Reading(230, "V", "measured", "230")]
    )
    assert outcomes(bench) == [("v", 1, "timeout"), ("v", 2, "error"), ("v", 3, "passed")]
    assert (bench.body("UnitsTested").outcome, bench.server().shows) == ("passed", ("go", "test_passed"))


def test_one_test_says_for_itself_what_follows_its_failure() -> None:
    tests = (a_test("a", "V", 1, 2, after_failure="go-on"), a_test("b", "V", 1, 2), a_test("c", "V", 1, 2))
    assert outcomes(a_run_of(*tests).measure(9.0, 9.0)) == [("a", 1, "failed"), ("b", 1, "failed")]
    assert outcomes(a_run_of(*tests, after_failure="go-on").measure(9.0, 9.0, 1.5))[2] == ("c", 1, "passed")
    strict = (a_test("a", "V", 1, 2, after_failure="stop"), a_test("b", "V", 1, 2))
    assert outcomes(a_run_of(*strict, after_failure="go-on").measure(9.0)) == [("a", 1, "failed")]


def test_a_test_is_not_made_unless_what_it_needs_has_passed() -> None:
    tests = (a_test("relay", "V", 1, 2), a_test("load", "V", 1, 2, needs=("relay",)), a_test("fan", "V", 1, 2))
    bench = a_run_of(*tests, after_failure="go-on").measure(9.0, 1.5)
    assert outcomes(bench) == [("relay", 1, "failed"), ("fan", 1, "passed")]
    assert bench.body("UnitsTested").outcome == "failed"
    whole = a_run_of(*tests, after_failure="go-on").measure(1.5, 1.5, 1.5)
    assert [test for test, _, _ in outcomes(whole)] == ["relay", "load", "fan"]


ON, OFF = Command(instrument="tester", send="OUTP ON"), Command(instrument="tester", send="OUTP OFF")


def test_the_bench_is_told_what_to_set_up_and_what_it_owes_when_the_run_begins() -> None:
    bench = a_run_of(a_test(), set_up=(ON,), tear_down=(OFF,))
    assert bench.measuring == MeasureNow(1, UNIT, "one", (a_test(),), (ON,), (OFF,), bench.session.operator)


def test_a_run_that_is_over_brings_the_bench_to_rest_after_its_event_is_kept() -> None:
    bench = a_run_of(a_test()).measure(0.05)
    assert bench.kinds[-1] == "UnitsTested"
    assert [c for c in bench.told if isinstance(c, (MeasureNow, FinishMeasuring))][-1] == FinishMeasuring(1)


def test_undo_stops_a_test_that_runs_and_the_unit_stays() -> None:
    bench = a_run_of(a_test("a"), a_test("b")).measure(0.05).command("UNDO")
    assert (bench.shows, bench.screen.phase, bench.screen.unit) == (("stop", "test_stopped"), "working", UNIT)
    assert StopMeasuring(1) in bench.told
    assert outcomes(bench) == [("a", 1, "passed")]
    assert bench.body("UnitsTested").outcome == "aborted"
    assert bench.server().command("YES").screen.phase == "testing"


def test_a_failure_does_not_vanish_by_stopping_the_run() -> None:
    bench = a_run_of(a_test("a", "V", 1, 2, after_failure="go-on"), a_test("b"), retests=1).measure(9.0).command("UNDO")
    assert bench.body("UnitsTested").outcome == "failed"
    assert bench.server().banner.reason == "retest"


# --- a bench that may still be live -----------------------------------------------------------------------------------


def test_a_bench_that_may_be_live_says_so_and_begins_no_test() -> None:
    bench = a_run_of(a_test(), retests=1).measure(0.5).server().give(BenchUnsafe, devices=("tester",))
    assert (bench.shows, bench.banner.args) == (("stop", "bench_not_safe"), {"device": "tester"})
    assert (bench.command("YES").shows, bench.measuring) == (("stop", "bench_not_safe"), None)
    bench.give(BenchUnsafe, devices=())
    assert bench.banner.reason == "bench_safe"
    assert bench.command("YES").screen.phase == "testing"


def test_a_run_that_a_power_cut_broke_off_is_recorded_as_such_with_what_it_had_read() -> None:
    before = a_run_of(a_test("a"), a_test("b"))
    after = a_bench("bench-1", floor=before.floor)
    read = wire.Measurement(test="a", outcome="passed", value=0.05, unit="ohm")
    event_id = "00000000-0000-4000-8000-000000000001"
    after.give(RunBroken, event_id=event_id, unit=UNIT, step="one", operator="OP-09", tests=(read,))
    assert (after.body("UnitsTested").outcome, after.body("UnitsTested").tests) == ("aborted", (read,))
    assert (after.kept[-1][0].operator, after.kept[-1][0].event_id) == ("OP-09", event_id)
    after.server()
    assert after.floor.units[UNIT].tested == "aborted"


# --- how long it takes ------------------------------------------------------------------------------------------------


def test_the_time_left_is_known_once_every_test_was_made_once() -> None:
    bench = a_run_of(a_test("a"), a_test("b"), retests=1)
    assert bench.screen.left_s is None
    bench.measure(0.05, after_s=10)
    assert bench.screen.left_s is None
    bench.measure(0.5, after_s=20).server().command("YES")
    assert (bench.screen.phase, bench.screen.left_s) == ("testing", 30)
    bench.tick(4)
    assert bench.screen.left_s == 26
    bench.measure(0.05, after_s=1).tick(60)
    assert bench.screen.left_s == 1, "it takes longer than the last time"


def test_a_test_of_which_nothing_came_is_not_shown_as_a_failure_of_the_unit() -> None:
    bench = (
        a_run_of(a_test("a", repeats=1), a_test("b"), after_failure="go-on", retests=1)
        .measure([SILENCE, SILENCE], 0.5)
        .server()
    )
    tests = [n for n in bench.screen.needs if n.kind == "test"]
    assert [(n.state, n.nothing) for n in tests] == [("todo", True), ("bad", False)]
