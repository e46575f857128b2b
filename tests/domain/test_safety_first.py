"""Never energised before the safety test is passed: what the gate and the rules of a unit say, whoever asks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mes import wire
from mes.domain import gate
from mes.domain import unit as rules
from mes.domain.gate import Unit
from mes.domain.unit import Decision, decide, first_to_pass, send_to
from tests.builders import (
    BADGE,
    BATTERY_STEP,
    SAFETY_STEP,
    UNIT,
    a_case,
    a_plan,
    a_product,
    a_step,
    a_test,
    a_unit,
    a_unit_at_work,
    an_order,
    utc,
)

LIVE_STEP = a_step("live", "test", "bench-5", after=("safety",), tests=(a_test("volt", "V", low=1.0, high=5.0),))
ROUTE = a_product(BATTERY_STEP, SAFETY_STEP, LIVE_STEP)
PLAN = a_plan(ROUTE)
RESULTS = ["failed", "error", "timeout", "aborted", None]
LIVE_RUN = wire.UnitsTested(
    unit=UNIT,
    step="live",
    outcome="passed",
    tests=(wire.Measurement(test="volt", outcome="passed", value=3.0, unit="V"),),
)
SAFETY_FAILS = wire.UnitsTested(
    unit=UNIT,
    step="safety",
    outcome="failed",
    tests=(wire.Measurement(test="pe", outcome="failed", value=0.9, unit="ohm"),),
)


def said(result: str | None) -> dict[str, str]:
    return {"safety": result} if result else {}


def enters(unit: Unit, *, online: bool = True) -> gate.Answer:
    return gate.enter(
        serial=UNIT, unit=unit, order=an_order(), plan=PLAN, station="bench-5", operator=BADGE, online=online
    )


def told(unit: Unit, body: wire.Frozen, station: str = "bench-5") -> Decision:
    return decide(a_case(unit, plan=PLAN, station=station, asks=False), body)


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("online", [True, False])
def test_a_unit_enters_no_live_step_until_the_safety_test_is_passed(result: str | None, online: bool) -> None:
    answer = enters(a_unit(step="live", results=said(result)), online=online)
    assert (answer.go, answer.reason, answer.args["step"]) == (
        False,
        "safety_first",
        {"fr": "Étape safety", "en": "Step safety"},
    )
    assert enters(a_unit(step="live", results=said("passed")), online=online).go


def test_a_unit_that_stands_at_the_live_bench_already_is_refused_there_too() -> None:
    assert enters(a_unit_at_work("live", "bench-5", results=said("failed"))).reason == "safety_first"


def test_a_unit_that_comes_too_early_is_told_not_to_be_switched_on_and_where_it_is_due() -> None:
    answer = enters(a_unit(step="battery"))
    assert (answer.reason, answer.args["station"]["en"]) == ("safety_first", "Station bench-1")


def test_no_supervisor_can_let_it_pass() -> None:
    answer = enters(a_unit(step="live"))
    assert not gate.may_be_overridden(answer, LIVE_STEP, PLAN)


@pytest.mark.parametrize("result", RESULTS)
def test_a_test_that_ran_all_the_same_is_recorded_and_holds_the_unit(result: str | None) -> None:
    d = told(a_unit_at_work("live", "bench-5", results=said(result)), LIVE_RUN)
    assert (d.verdict, d.reason, d.args["why"]) == ("held", "contradiction", "safety_first")
    assert d.nc is not None
    assert d.nc.detail["why"] == "safety_first"
    assert d.unit is not None
    assert (d.unit.state, d.unit.results["live"]) == ("waiting", "passed")


def test_a_unit_that_is_held_and_was_tested_live_all_the_same_is_not_just_called_held() -> None:
    blocked = a_unit(step="safety", nc="NC-1", tested="failed", results=said("failed"))
    d = told(blocked, LIVE_RUN)
    assert (d.verdict, d.reason, d.args["unit"]) == ("held", "safety_first", UNIT)


def test_the_live_step_is_not_finished_without_the_safety_test() -> None:
    unit = a_unit_at_work("live", "bench-5", tested="passed", results=said("failed"))
    d = decide(a_case(unit, plan=PLAN, station="bench-5"), wire.WorkCompleted(unit=UNIT, step="live"))
    assert (d.verdict, d.reason) == ("refused", "safety_first")


def test_a_unit_keeps_what_each_steps_last_run_said() -> None:
    d = told(a_unit_at_work("safety", "bench-3"), SAFETY_FAILS, "bench-3")
    assert d.unit is not None
    assert d.unit.results == {"safety": "failed"}


def test_a_new_stay_at_a_step_begins_without_its_result() -> None:
    before = a_unit(step="safety", results={"early": "passed", "safety": "passed"})
    case = a_case(before, plan=PLAN, station="bench-3")
    assert rules.begin(case, None).results == {"early": "passed"}


def test_a_safety_test_that_fails_against_the_record_counts_and_one_that_passes_does_not() -> None:
    unit = a_unit(step="live", results=said("passed"))
    failed = told(unit, SAFETY_FAILS, "bench-3")
    assert failed.unit is not None
    assert (failed.reason, failed.unit.results) == ("contradiction", {"safety": "failed"})
    good = tuple(
        wire.Measurement(test=t.id, outcome="passed", value=t.low or t.high, unit=t.unit) for t in SAFETY_STEP.tests
    )
    passes = wire.UnitsTested(unit=UNIT, step="safety", outcome="passed", tests=good)
    again = told(replace(unit, results=said("failed")), passes, "bench-3")
    assert again.unit is not None
    assert again.unit.results == {"safety": "failed"}


@pytest.mark.parametrize(
    ("to", "left"), [("battery", {}), ("safety", {}), ("live", {"safety": "passed"})], ids=["before", "at", "after"]
)
def test_rework_forgets_the_results_of_the_step_and_of_those_after_it(to: str, left: dict[str, str]) -> None:
    unit = a_unit(step="live", nc="NC-1", results={"safety": "passed", "live": "failed"})
    assert send_to(unit, to, utc(), nc="NC-1", product=ROUTE).results == left


def test_no_decision_sends_a_unit_past_its_safety_test() -> None:
    assert first_to_pass(ROUTE, LIVE_STEP, said("failed")) == "safety"
    assert first_to_pass(ROUTE, LIVE_STEP, said("passed")) is None
    assert first_to_pass(ROUTE, SAFETY_STEP, said("failed")) is None
