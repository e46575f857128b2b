"""The life of a unit on its route: what each event means, asked or told, and what becomes of the unit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mes import wire
from mes.domain import unit as rules
from mes.domain.gate import Unit, UnitState
from mes.domain.reasons import REASONS
from mes.domain.runs import limit_text
from mes.domain.unit import Decision, decide, seconds_between, send_to
from tests.builders import (
    ALL_FITTED,
    BATTERY,
    OTHER,
    SAFETY_STEP,
    UNIT,
    a_case,
    a_plan,
    a_product,
    a_test,
    a_unit,
    a_unit_at_work,
    an_installed,
    an_order,
    utc,
)

ARRIVES = wire.UnitsArrived(unit=UNIT, step="battery")
DEPARTS = wire.UnitsDeparted(unit=UNIT, step="battery")
INSTALLS = wire.MaterialsInstalled(unit=UNIT, step="battery", part="BAT-48V", serial=BATTERY)
TAKES_OUT = wire.MaterialsUninstalled(unit=UNIT, step="battery", installation="00000000-0000-0000-0000-000000000001")
COMPLETES = wire.WorkCompleted(unit=UNIT, step="battery")
LOOKS = wire.UnitsInspected(unit=UNIT, step="look", result="passed")
AT_SAFETY: dict[str, Any] = {"unit": a_unit_at_work("safety", "bench-3"), "station": "bench-3"}
AT_LOOK: dict[str, Any] = {"unit": a_unit_at_work("look", "bench-2"), "station": "bench-2"}
GOOD = {"pe": (0.05, "ohm"), "iso": (50.0, "Mohm"), "hipot": (1.0, "mA")}


def asked(body: wire.Frozen, **more: Any) -> Decision:
    return decide(a_case(**more), body)


def told(body: wire.Frozen, **more: Any) -> Decision:
    return decide(a_case(**{"asks": False, **more}), body)


def state(d: Decision) -> tuple[str, str, str | None]:
    assert d.unit is not None
    return d.unit.state, d.unit.step, d.unit.station


def measured(
    test: str, value: float | None, unit: str | None = None, outcome: wire.Outcome = "passed", **more: Any
) -> wire.Measurement:
    return wire.Measurement(test=test, outcome=outcome, value=value, unit=unit, **more)


def a_run(*tests: wire.Measurement, outcome: wire.Outcome = "passed", **changed: float) -> wire.UnitsTested:
    """A run of the safety test that passed, with some values changed."""
    values = {test: (changed.get(test, value), unit) for test, (value, unit) in GOOD.items()}
    return wire.UnitsTested(
        unit=UNIT,
        step="safety",
        outcome=outcome,
        tests=tests or tuple(measured(test, value, unit) for test, (value, unit) in values.items()),
    )


FAILED_RUN = a_run(measured("pe", 0.5, "ohm", "failed"), outcome="failed")


# --- it arrives and leaves --------------------------------------------------------------------------------------------


def test_a_unit_that_may_enter_is_in_work_here_from_now_on() -> None:
    d = asked(ARRIVES, unit=a_unit(attempts=2, tested="failed", inspected="passed"))
    assert (d.verdict, d.reason, d.arrived, state(d)) == (
        "accepted",
        "unit_arrived",
        True,
        ("in_work", "battery", "bench-1"),
    )
    assert d.unit is not None
    assert (d.unit.since, d.unit.attempts, d.unit.tested, d.unit.inspected) == (utc(60), 0, None, None)


def test_a_request_to_enter_that_may_not_be_changes_nothing() -> None:
    d = asked(ARRIVES, unit=a_unit(nc="NC-1"))
    assert (d.verdict, d.reason, d.unit, d.nc) == ("refused", "unit_held", None, None)


def test_a_unit_that_entered_all_the_same_is_held_for_a_person_to_look_at() -> None:
    d = told(ARRIVES, unit=a_unit(step="safety"))
    assert (d.verdict, d.reason, state(d)) == ("held", "contradiction", ("waiting", "safety", None))
    assert d.nc is not None
    assert (d.nc.cause, d.nc.step, d.nc.detail["why"]) == ("contradiction", "safety", "step_already_done")


def test_a_unit_that_is_already_blocked_gets_no_second_nonconformity() -> None:
    d = told(ARRIVES, unit=a_unit(nc="NC-1"))
    assert (d.verdict, d.reason, d.args["nc"], d.nc) == ("held", "unit_held", "NC-1", None)


def test_scrap_that_is_worked_on_stays_scrap() -> None:
    d = told(ARRIVES, unit=a_unit(state="scrapped"))
    assert (d.verdict, d.reason, d.unit, d.nc) == ("held", "unit_scrapped", None, None)


def test_a_unit_that_is_here_already_keeps_what_it_has() -> None:
    d = asked(ARRIVES)
    assert (d.verdict, d.reason, d.unit, d.arrived) == ("accepted", "unit_here", None, False)


def test_an_unknown_unit_is_refused_when_asked_and_held_when_told() -> None:
    case = replace(a_case(), unit=None)
    assert decide(case, ARRIVES).verdict == "refused"
    assert decide(replace(case, asks=False), ARRIVES) == Decision("held", "unknown_unit", {"unit": UNIT})


def test_a_unit_that_leaves_waits_for_the_same_step() -> None:
    d = told(DEPARTS)
    assert (d.verdict, d.reason, state(d)) == ("accepted", "unit_left", ("waiting", "battery", None))


@pytest.mark.parametrize("unit", [a_unit(), a_unit(state="done"), a_unit_at_work(station="bench-5")])
def test_a_unit_that_has_left_already_may_leave_again(unit: Unit) -> None:
    d = told(DEPARTS, unit=unit)
    assert (d.verdict, d.unit) == ("accepted", None)


# --- components -------------------------------------------------------------------------------------------------------


def test_a_component_that_fits_is_in_the_unit_under_its_events_id() -> None:
    d = asked(INSTALLS, event_id="e-9")
    assert (d.verdict, d.reason) == ("accepted", "component_fitted")
    assert d.install is not None
    assert (d.install.id, d.install.part, d.install.serial) == ("e-9", "BAT-48V", BATTERY)


def test_a_component_that_does_not_fit_is_refused_and_not_in_the_unit() -> None:
    d = asked(INSTALLS, used_in=OTHER)
    assert (d.verdict, d.reason, d.install, d.unit) == ("refused", "component_used", None, None)


def test_a_component_that_went_in_all_the_same_is_in_the_unit_and_the_unit_is_held() -> None:
    d = told(INSTALLS, used_in=OTHER)
    assert (d.verdict, d.reason, d.disputed, state(d)) == ("held", "contradiction", True, ("waiting", "battery", None))
    assert d.install is not None
    assert d.nc is not None
    assert d.nc.detail["why"] == "component_used"


def test_a_wrong_part_that_went_in_is_not_disputed_by_another_unit() -> None:
    assert told(INSTALLS, installed=[an_installed()]).disputed is False


def test_a_component_comes_out_again() -> None:
    item = replace(an_installed(), id=TAKES_OUT.installation)
    d = told(TAKES_OUT, installed=[item])
    assert (d.verdict, d.reason, d.uninstall, d.args["part"]["en"]) == (
        "accepted",
        "component_removed",
        item.id,
        "Part BAT-48V",
    )


def test_a_component_that_was_never_accepted_may_be_taken_back() -> None:
    d = told(TAKES_OUT)
    assert (d.verdict, d.reason, d.uninstall) == ("accepted", "nothing_installed", None)


# --- tests ------------------------------------------------------------------------------------------------------------


def test_a_run_within_all_limits_has_passed() -> None:
    d = told(a_run(), **AT_SAFETY)
    assert (d.verdict, d.reason, d.failure) == ("accepted", "test_passed", False)
    assert d.unit is not None
    assert (d.unit.tested, d.unit.attempts, d.unit.state) == ("passed", 1, "in_work")


def test_a_failed_run_with_a_retest_left_may_be_repeated_and_says_reading_and_limit() -> None:
    d = told(FAILED_RUN, **AT_SAFETY)
    assert (d.verdict, d.reason, d.args["left"], d.failure) == ("accepted", "retest", 1, True)
    assert (d.args["value"]["en"], d.args["limit"]["en"]) == ("0.5\u202fΩ", "0.1\u202fΩ or less")
    assert d.unit is not None
    assert (d.unit.tested, d.unit.attempts) == ("failed", 1)


def test_the_last_failed_run_blocks_the_unit_and_ends_the_visit() -> None:
    d = told(FAILED_RUN, **{**AT_SAFETY, "unit": a_unit_at_work("safety", "bench-3", attempts=1)})
    assert (d.verdict, d.reason, state(d)) == ("held", "test_failed", ("waiting", "safety", None))
    assert d.nc is not None
    assert d.ended is not None
    assert (d.nc.cause, d.ended.result, d.failure) == ("test_failed", "failed", True)


BROKEN = {
    "a silent instrument": a_run(measured("pe", None, outcome="timeout"), outcome="timeout"),
    "a unit of measure that does not convert": a_run(measured("pe", 0.05, "V", "error"), outcome="error"),
    "a number that is none": a_run(measured("pe", 9.9e37, "ohm", "error"), outcome="error"),
    "an aborted run": a_run(measured("pe", 0.05, "ohm"), outcome="aborted"),
    "a run that was broken off before its first reading": wire.UnitsTested(
        unit=UNIT, step="safety", outcome="aborted", tests=()
    ),
}


@pytest.mark.parametrize("run", BROKEN.values(), ids=BROKEN.keys())
def test_a_run_that_says_nothing_of_the_unit_is_an_error_of_the_bench(run: wire.UnitsTested) -> None:
    d = told(run, **AT_SAFETY)
    reason = "test_stopped" if run.outcome == "aborted" else "bench_error"
    assert (d.verdict, d.reason, d.failure, d.nc) == ("accepted", reason, False, None)
    assert d.unit is not None
    assert (d.unit.attempts, d.unit.tested) == (0, run.outcome)


GENEROUS = wire.Measurement(test="pe", outcome="passed", value=0.5, unit="ohm", high=1.0)
CONTRADICTORY = {
    "a pass with a test missing": (a_run(measured("pe", 0.05, "ohm")), "run_contradicts"),
    "a pass outside the limits": (a_run(pe=0.5), "station_contradicts"),
    "a pass inside limits that are not the plan's": (a_run(GENEROUS, outcome="passed"), "station_contradicts"),
    "a failure inside the limits": (
        a_run(measured("pe", 0.05, "ohm", "failed"), outcome="failed"),
        "station_contradicts",
    ),
    "a failure without a reading": (a_run(measured("pe", None, None, "failed"), outcome="failed"), "run_contradicts"),
    "a pass without a reading": (
        a_run(measured("pe", None), measured("iso", 50, "Mohm"), measured("hipot", 1, "mA")),
        "run_contradicts",
    ),
    "a test that is not planned": (a_run(measured("other", 1.0), outcome="passed"), "run_contradicts"),
    "a run without tests": (wire.UnitsTested(unit=UNIT, step="safety", outcome="passed", tests=()), "run_contradicts"),
    "a word that contradicts its readings": (a_run(outcome="failed"), "run_contradicts"),
    "a tester that passes what the plan does not": (
        a_run(measured("pe", 0.5, "ohm", "error", verdict="passed"), outcome="error"),
        "tester_contradicts",
    ),
    "a tester that fails what the plan passes": (
        a_run(measured("pe", 0.05, "ohm", "error", verdict="failed"), outcome="error"),
        "tester_contradicts",
    ),
    "a number that was asked for again": (
        a_run(
            measured("pe", 0.5, "ohm", "failed"),
            measured("pe", 0.05, "ohm", attempt=2),
            measured("iso", 50, "Mohm"),
            measured("hipot", 1, "mA"),
        ),
        "run_contradicts",
    ),
}


@pytest.mark.parametrize(("run", "reason"), CONTRADICTORY.values(), ids=CONTRADICTORY.keys())
def test_a_run_that_contradicts_itself_is_an_error_and_a_person_looks(run: wire.UnitsTested, reason: str) -> None:
    d = told(run, **AT_SAFETY)
    assert (d.verdict, d.reason, d.failure, state(d)) == ("held", reason, False, ("waiting", "safety", None))
    assert d.nc is not None
    assert (d.nc.cause, d.nc.detail["why"], d.ended) == ("contradiction", reason, None)
    assert d.unit is not None
    assert (d.unit.attempts, d.unit.tested) == (0, "error")
    assert not REASONS[reason].names - {*d.args, "nc"}


def test_the_last_asking_counts_where_nothing_usable_came_before() -> None:
    silent = measured("pe", None, outcome="timeout")
    rest = (measured("iso", 50, "Mohm"), measured("hipot", 1, "mA"))
    assert told(a_run(silent, measured("pe", 0.05, "ohm", attempt=2), *rest), **AT_SAFETY).reason == "test_passed"
    late = a_run(measured("pe", 0.05, "ohm"), measured("pe", None, outcome="timeout", attempt=2), *rest)
    assert told(late, **AT_SAFETY).reason == "run_contradicts"


def test_a_run_that_was_broken_off_after_a_failure_is_a_failure() -> None:
    run = a_run(measured("pe", 0.5, "ohm", "failed"), measured("iso", 50, "Mohm"), outcome="aborted")
    assert (told(run, **AT_SAFETY).reason, told(run, **AT_SAFETY).failure) == ("retest", True)


def test_a_reading_just_inside_its_limit_passes_and_is_said() -> None:
    step = SAFETY_STEP.model_copy(
        update={
            "tests": tuple(t.model_copy(update={"marginal": 0.02 if t.id == "pe" else 0}) for t in SAFETY_STEP.tests)
        }
    )
    product = a_plan().product("NOMAD")
    assert product is not None
    others = tuple(step if s.id == "safety" else s for s in product.steps)
    plan = a_plan(product.model_copy(update={"steps": others}))
    assert told(a_run(pe=0.07), plan=plan, **AT_SAFETY).reason == "test_passed"
    just = told(a_run(pe=0.09), plan=plan, **AT_SAFETY)
    assert (just.verdict, just.reason, just.unit and just.unit.tested) == ("accepted", "test_marginal", "passed")
    assert just.args["value"]["en"] == "0.09\u202fΩ"


def test_a_reading_in_another_unit_of_measure_is_judged_by_what_it_means() -> None:
    run = a_run(measured("pe", 48, "mohm"), measured("iso", 2000, "kohm"), measured("hipot", 0.001, "A"))
    assert told(run, **AT_SAFETY).reason == "test_passed"


def test_a_failure_counts_although_the_rest_of_the_run_broke_down() -> None:
    run = a_run(measured("pe", 0.5, "ohm", "failed"), measured("iso", None, None, "timeout"), outcome="failed")
    assert told(run, **AT_SAFETY).reason == "retest"


def test_an_error_after_a_pass_wants_a_new_test() -> None:
    d = told(
        BROKEN["a silent instrument"], **{**AT_SAFETY, "unit": a_unit_at_work("safety", "bench-3", tested="passed")}
    )
    assert d.unit is not None
    assert d.unit.tested != "passed"


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (1.0, None, "1\u202fΩ or more"),
        (None, 0.1, "0.1\u202fΩ or less"),
        (1.0, 2.0, "between 1\u202fΩ and 2\u202fΩ"),
        (None, None, "–"),
    ],
)
def test_limits_are_said_as_people_say_them(low: float | None, high: float | None, said: str) -> None:
    assert limit_text(a_test(low=low, high=high))["en"] == said


# --- looks ------------------------------------------------------------------------------------------------------------


def test_a_look_that_is_good_is_remembered() -> None:
    d = told(LOOKS, **AT_LOOK)
    assert (d.verdict, d.reason, d.unit and d.unit.inspected) == ("accepted", "inspection_passed", "passed")


def test_a_defect_blocks_the_unit_and_is_named() -> None:
    d = told(wire.UnitsInspected(unit=UNIT, step="look", result="failed", defects=("SCRATCH",)), **AT_LOOK)
    assert (d.verdict, d.reason, d.args["defect"]["en"], state(d)) == (
        "held",
        "defect_found",
        "Scratch",
        ("waiting", "look", None),
    )
    assert d.nc is not None
    assert d.ended is not None
    assert (d.nc.cause, d.nc.defect, d.ended.result) == ("defect_found", "SCRATCH", "failed")


def test_a_defect_that_the_plan_does_not_know_is_kept_by_its_code() -> None:
    d = told(wire.UnitsInspected(unit=UNIT, step="look", result="failed", defects=("X",)), **AT_LOOK)
    assert (d.args["defect"], d.verdict) == ("X", "held")


# --- the step ends ----------------------------------------------------------------------------------------------------


def test_a_finished_step_moves_the_unit_on_and_says_where_to_carry_it() -> None:
    d = asked(COMPLETES, installed=ALL_FITTED)
    assert (d.verdict, d.reason, state(d), d.args["next"]["en"]) == (
        "accepted",
        "step_done",
        ("waiting", "look", None),
        "Station bench-2",
    )
    assert d.ended is not None
    assert d.unit is not None
    assert (d.ended.step, d.ended.result, d.unit.visits["look"]) == ("battery", "passed", 1)


def test_a_finished_step_forgets_the_outcomes_of_its_visit() -> None:
    unit = a_unit_at_work("look", "bench-2", inspected="passed", tested="passed", attempts=1)
    d = asked(wire.WorkCompleted(unit=UNIT, step="look"), unit=unit, station="bench-2")
    assert d.unit is not None
    assert (d.unit.inspected, d.unit.tested, d.unit.attempts) == (None, None, 0)


def test_after_the_last_step_the_unit_is_done() -> None:
    d = asked(wire.WorkCompleted(unit=UNIT, step="pack"), unit=a_unit_at_work("pack", "bench-5"), station="bench-5")
    assert (d.reason, state(d)) == ("unit_finished", ("done", "pack", None))


def test_a_step_that_is_not_complete_is_refused_when_asked() -> None:
    d = asked(COMPLETES)
    assert (d.verdict, d.reason, d.unit) == ("refused", "needs_component", None)


def test_a_step_that_was_finished_incomplete_holds_the_unit_where_it_was() -> None:
    d = told(COMPLETES)
    assert (d.verdict, d.reason, state(d)) == ("held", "contradiction", ("waiting", "battery", None))
    assert d.nc is not None
    assert d.nc.detail["why"] == "needs_component"


def test_a_burn_in_that_was_cut_short_is_refused() -> None:
    unit = a_unit_at_work("burn-in", "rack-1", tested="passed")
    done = wire.WorkCompleted(unit=UNIT, step="burn-in")
    assert asked(done, unit=unit, station="rack-1", at=utc(600)).reason == "needs_time"
    assert asked(done, unit=unit, station="rack-1", at=utc(3600)).verdict == "accepted"


def test_a_unit_on_hold_while_on_the_bench_may_be_finished() -> None:
    assert asked(COMPLETES, installed=ALL_FITTED, order=an_order(state="on_hold")).verdict == "accepted"


def test_a_unit_is_disqualified_wherever_it_stands() -> None:
    body = wire.UnitsDisqualified(unit=UNIT, step="battery")
    for unit in (a_unit(), a_unit(state="reserved"), a_unit_at_work(), a_unit(state="done")):
        assert state(told(body, unit=unit))[0] == "scrapped"
    assert told(body, unit=a_unit(state="scrapped")).unit is None


def test_a_repair_is_recorded_and_moves_nothing() -> None:
    d = told(wire.UnitsRepaired(unit=UNIT, step="battery", text="soldered"))
    assert (d.verdict, d.reason, d.unit) == ("accepted", "repaired", None)


# --- work on a unit that is not there ---------------------------------------------------------------------------------

AT_THE_BENCH = [INSTALLS, TAKES_OUT, COMPLETES, LOOKS, a_run()]


@pytest.mark.parametrize("body", AT_THE_BENCH, ids=lambda b: type(b).__name__)
def test_work_on_a_unit_that_has_not_arrived_is_refused_when_asked(body: wire.Frozen) -> None:
    d = asked(body, unit=a_unit())
    assert (d.verdict, d.reason, d.unit) == ("refused", "not_arrived", None)


@pytest.mark.parametrize("body", AT_THE_BENCH, ids=lambda b: type(b).__name__)
def test_work_on_a_unit_that_has_not_arrived_holds_it_when_told(body: wire.Frozen) -> None:
    d = told(body, unit=a_unit())
    assert (d.verdict, d.reason) == ("held", "contradiction")
    assert d.nc is not None


@pytest.mark.parametrize("body", AT_THE_BENCH, ids=lambda b: type(b).__name__)
def test_work_on_a_unit_that_is_in_work_elsewhere_says_where(body: wire.Frozen) -> None:
    d = asked(body, unit=a_unit_at_work(station="bench-5"))
    assert (d.verdict, d.reason) == ("refused", "at_other_station")


def test_work_for_another_step_than_the_one_in_work_is_a_contradiction() -> None:
    d = told(wire.WorkCompleted(unit=UNIT, step="look"))
    assert d.verdict == "held"


def test_what_was_fitted_into_a_unit_that_was_not_there_is_in_it_all_the_same() -> None:
    assert told(INSTALLS, unit=a_unit()).install is not None


def test_a_finished_unit_that_is_worked_on_stays_finished_and_is_blocked() -> None:
    d = told(COMPLETES, unit=a_unit(state="done", step="pack"))
    assert (d.verdict, state(d)[0], d.nc is not None) == ("held", "done", True)


STATES: list[UnitState] = ["reserved", "waiting", "in_work", "done", "scrapped"]
BODIES: list[wire.Frozen] = [
    *AT_THE_BENCH,
    ARRIVES,
    DEPARTS,
    wire.UnitsRepaired(unit=UNIT, step="battery"),
    wire.UnitsDisqualified(unit=UNIT, step="battery"),
]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("body", BODIES, ids=lambda b: type(b).__name__)
def test_no_fact_is_ever_refused(body: wire.Frozen, state: UnitState) -> None:
    station = "bench-1" if state == "in_work" else None
    assert told(body, unit=a_unit(state=state, station=station, since=utc())).verdict in ("accepted", "held")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("body", BODIES, ids=lambda b: type(b).__name__)
def test_what_is_refused_changes_nothing(body: wire.Frozen, state: UnitState) -> None:
    d = asked(body, unit=a_unit(state=state, since=utc()))
    if d.verdict == "refused":
        assert d == Decision("refused", d.reason, d.args)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("body", BODIES, ids=lambda b: type(b).__name__)
def test_a_held_unit_is_in_work_nowhere(body: wire.Frozen, state: UnitState) -> None:
    d = told(body, unit=a_unit(state=state, since=utc()))
    assert d.verdict != "held" or d.unit is None or (d.unit.state != "in_work" and d.unit.station is None)


def test_the_table_says_something_of_every_kind_that_names_a_unit_alone() -> None:
    named = {kind for (kind, _), model in wire.FLOOR_KINDS.items() if "unit" in model.model_fields}
    assert set(rules.TRANSITIONS) == named - {
        "HelpRequested",
        "UnitsPacked",
        "UnitsUnpacked",
        "UnitsInitialized",
        "UnitsWithdrawn",
    }  # the life of a carton, and units that an order takes in


# --- rework -----------------------------------------------------------------------------------------------------------


def test_a_unit_that_is_sent_back_visits_the_step_again_and_is_free_of_its_nonconformity() -> None:
    blocked = a_unit(step="safety", nc="NC-1", visits={"battery": 1, "safety": 1}, tested="failed", attempts=2)
    back = send_to(blocked, "battery", utc(100), nc="NC-1", product=a_product())
    assert (back.state, back.step, back.visit, back.nc, back.treating, back.reverify) == (
        "waiting",
        "battery",
        2,
        None,
        "NC-1",
        "safety",
    )
    assert (back.tested, back.attempts) == (None, 0)


def test_the_nonconformity_closes_when_the_step_that_blocked_the_unit_is_passed_again() -> None:
    back = send_to(a_unit(step="look", nc="NC-1"), "battery", utc(), nc="NC-1", product=a_product())
    first = asked(COMPLETES, unit=replace(back, state="in_work", station="bench-1"), installed=ALL_FITTED)
    assert (first.closes, first.unit and first.unit.treating) == (None, "NC-1")
    assert first.unit is not None
    again = replace(first.unit, state="in_work", station="bench-2", inspected="passed")
    second = asked(wire.WorkCompleted(unit=UNIT, step="look"), unit=again, station="bench-2")
    assert (second.closes, second.unit and second.unit.treating, second.unit and second.unit.reverify) == (
        "NC-1",
        None,
        None,
    )


# --- time and plan ----------------------------------------------------------------------------------------------------


def test_the_time_between_two_moments_is_in_seconds_and_unknown_without_a_start() -> None:
    assert seconds_between(utc(10), utc(100)) == 90
    assert seconds_between("", utc()) is None


def test_a_unit_that_the_orders_plan_does_not_know_is_a_fault_of_the_record() -> None:
    with pytest.raises(LookupError):
        told(COMPLETES, unit=replace(a_unit_at_work(), product="OTHER"))
    with pytest.raises(LookupError):
        told(wire.WorkCompleted(unit=UNIT, step="gone"), unit=replace(a_unit_at_work(), step="gone"))
