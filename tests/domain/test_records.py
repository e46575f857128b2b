"""What a tester's record means by the plan: its readings, its run, and everything that does not fit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes import wire
from mes.domain.measurement import UNITS
from mes.domain.openhtf import Record, read_record
from mes.domain.records import Mapped, Run, run_of
from mes.domain.route import Product, Step, Test
from tests.htf_records import MILLIVOLT, OHM, data, measurement, phase, record, volt
from tests.server.small_plan import small_plan, text


def product(**changes: Any) -> Product:
    """The small plan's generator; `changes` go into its test step."""
    found = small_plan().product("GEN")
    assert found is not None
    steps = tuple(s.model_copy(update=changes) if s.id == "test" else s for s in found.steps)
    return found.model_copy(update={"steps": steps})


def two_tests(**second: Any) -> Product:
    """The same with an insulation test beside the voltage."""
    volts = next(s for s in product().steps if s.id == "test").tests[0]
    riso = Test(id="riso", name=text("Isolement"), unit="Mohm", low=1.0, instrument="dmm", ask="R?")
    return product(tests=(volts, riso.model_copy(update=second)))


def run(made: dict[str, Any], of: Product | None = None, **how: Any) -> Run:
    found = read_record(data(made))
    assert isinstance(found, Record), found
    return run_of(found, of or product(), station="b2", **how)


def codes(done: Run) -> list[str]:
    return [r.code for r in done.remarks]


def test_a_reading_that_passes_by_both_limits_passes_without_a_remark() -> None:
    done = run(volt(3.0))
    (m,) = done.body.tests
    assert (done.body.step, done.body.outcome, codes(done)) == ("test", "passed", [])
    assert (m.test, m.value, m.unit, m.low, m.high, m.outcome, m.verdict) == (
        "volt", 3.0, "V", 1.0, 5.0, "passed", "passed",
    )  # fmt: skip


def test_the_event_is_at_the_end_of_the_test_and_carries_which_record_it_is() -> None:
    done = run(volt(3.0))
    raw = json.loads(done.body.tests[0].raw)
    assert done.captured_at == "2026-11-25T09:46:40.000000Z"
    assert (raw["phase"], raw["measurement"], raw["value"]) == ("measure", "volt", 3.0)
    assert len(raw["record"]) == 64


def test_the_same_run_is_the_same_event_and_another_run_another() -> None:
    assert run(volt(3.0)).event_id == run(volt(3)).event_id != run(volt(3.5)).event_id


def test_a_record_that_says_pass_where_the_numbers_say_no_is_named_and_keeps_both() -> None:
    done = run(volt(6.0, high=10.0))
    (m,) = done.body.tests
    assert (m.outcome, m.verdict, done.body.outcome) == ("failed", "passed", "passed")
    assert codes(done) == ["verdict", "limits", "run"]


def test_a_record_that_says_fail_where_the_numbers_say_yes_is_named() -> None:
    done = run(volt(4.0, outcome="FAIL", high=3.0))
    assert codes(done) == ["verdict", "limits", "run"]


def test_where_the_tester_has_no_limits_the_plan_alone_judges() -> None:
    done = run(record(phase("p", measurement("volt", 6.0, units="V"))))
    assert (done.body.outcome, done.body.tests[0].verdict) == ("failed", None)
    assert codes(done) == ["no_verdict"]


def test_another_unit_of_measure_is_converted_together_with_the_limits() -> None:
    made = measurement("volt", 3000.0, units=MILLIVOLT, validators=["1000 <= x <= 5000"])
    done = run(record(phase("p", made)))
    assert (done.body.tests[0].value, done.body.tests[0].unit, codes(done)) == (3.0, "V", [])


def test_a_unit_of_measure_that_does_not_convert_is_an_error_of_the_bench() -> None:
    done = run(record(phase("p", measurement("volt", 3.0, units=OHM, validators=["1 <= x <= 5"]))))
    (m,) = done.body.tests
    assert (m.outcome, m.value, m.unit) == ("error", 3.0, "ohm")
    assert codes(done) == ["unit", "run"]


def test_a_record_without_a_unit_of_measure_is_read_in_the_plans_and_says_so() -> None:
    assert codes(run(volt(3.0, units=None))) == ["no_unit"]


def test_a_mapping_names_the_unit_of_measure_that_the_record_does_not() -> None:
    mapped = Mapped.model_validate({"tests": {"volt": {"measurement": "volt", "unit": "mV"}}})
    made = record(phase("p", measurement("volt", 3000.0, validators=["1000 <= x <= 5000"])))
    done = run(made, mapped=mapped)
    assert (done.body.tests[0].value, codes(done)) == (3.0, [])


def test_a_planned_test_that_a_passed_record_does_not_have_is_missing() -> None:
    done = run(volt(3.0), two_tests())
    assert codes(done) == ["missing"]
    assert [m.test for m in done.body.tests] == ["volt"]


def test_a_failed_record_may_have_stopped_before_the_other_tests() -> None:
    assert codes(run(volt(6.0, outcome="FAIL"), two_tests())) == []


def test_a_measurement_that_the_plan_does_not_know_is_left_out_and_named() -> None:
    made = volt(3.0)
    made["phases"].append(phase("more", measurement("temperature", 21.0)))
    done = run(made)
    assert [m.test for m in done.body.tests] == ["volt"]
    assert [(r.code, r.args["test"]) for r in done.remarks] == [("unknown", "temperature")]


def test_a_skipped_measurement_is_as_if_it_were_not_there() -> None:
    assert codes(run(record(phase("p", measurement("volt", outcome="SKIPPED"))))) == ["missing", "run"]


@pytest.mark.parametrize("value", ["nan", True, "3.0"])
def test_a_value_that_is_no_number_is_an_error_of_the_bench(value: Any) -> None:
    done = run(record(phase("p", measurement("volt", value, units="V", validators=["1.0 <= x <= 5.0"]))))
    assert done.body.tests[0].outcome == "error"
    assert codes(done) == ["no_number", "run"]


def test_a_measurement_that_was_not_set_is_an_error_of_the_bench() -> None:
    done = run(record(phase("p", measurement("volt", outcome="UNSET")), outcome="FAIL"))
    assert (done.body.tests[0].outcome, codes(done)) == ("error", ["not_set", "run"])


def test_of_a_multi_dimensional_measurement_the_value_nearest_to_a_limit_counts() -> None:
    rows = [[0, 3.0], [1, 4.9], [2, 2.0]]
    made = measurement("volt", rows, units="V", dimensions=[{}], validators=["All values pass: 1.0 <= x <= 5.0"])
    done = run(record(phase("p", made)))
    assert (done.body.tests[0].value, done.body.tests[0].outcome, codes(done)) == (4.9, "passed", ["worst"])


def test_one_value_outside_the_limits_fails_a_multi_dimensional_measurement() -> None:
    made = measurement("volt", [[0, 3.0], [1, 0.5]], units="V", dimensions=[{}])
    assert run(record(phase("p", made))).body.tests[0].outcome == "failed"


def test_a_phase_that_was_repeated_is_an_attempt_each() -> None:
    first = phase("p", measurement("volt", outcome="UNSET"), outcome="SKIP")
    second = phase("p", measurement("volt", 3.0, units="V", validators=["1.0 <= x <= 5.0"]))
    done = run(record(first, second))
    assert [(m.attempt, m.outcome) for m in done.body.tests] == [(1, "error"), (2, "passed")]
    assert "again" not in codes(done)


def test_measuring_again_after_a_number_is_named() -> None:
    made = volt(6.0)
    made["phases"] += volt(3.0)["phases"]
    assert "again" in codes(run(made))


@pytest.mark.parametrize(("said", "outcome"), [("ERROR", "error"), ("TIMEOUT", "timeout")])
def test_a_tester_that_broke_down_is_an_error_of_the_bench_and_no_failure_of_the_unit(said: str, outcome: str) -> None:
    done = run(volt(3.0) | {"outcome": said}, two_tests())
    assert (done.body.outcome, [m.outcome for m in done.body.tests]) == (outcome, ["passed", outcome])
    assert codes(done) == ["broken_off"]


def test_a_tester_that_broke_down_before_it_measured_says_nothing_of_the_unit() -> None:
    done = run(record(outcome="TIMEOUT"))
    assert [m.outcome for m in done.body.tests] == [done.body.outcome] == ["timeout"]


def test_a_tester_that_broke_down_after_a_reading_failed_was_broken_off() -> None:
    done = run(volt(6.0, outcome="FAIL") | {"outcome": "ERROR"})
    assert (done.body.outcome, done.body.tests[0].outcome) == ("aborted", "failed")


def test_the_plans_ask_is_the_name_in_the_record_where_a_record_brings_the_reading() -> None:
    of = two_tests(instrument="record", ask="insulation_resistance")
    made = volt(3.0)
    made["phases"].append(phase("safety", measurement("insulation_resistance", 7.0, units="MΩ")))
    assert [(m.test, m.value) for m in run(made, of).body.tests] == [("volt", 3.0), ("riso", 7.0)]


def test_a_mapping_can_name_the_phase_where_two_have_a_measurement_of_one_name() -> None:
    mapped = Mapped.model_validate({"tests": {"volt": {"measurement": "u", "phase": "load"}}})
    made = record(phase("idle", measurement("u", 9.0, units="V")), phase("load", measurement("u", 3.0, units="V")))
    done = run(made, mapped=mapped)
    assert done.body.tests[0].value == 3.0
    assert codes(done) == ["no_verdict", "unknown"]  # the one of the other phase is still said to be left out


def test_the_step_is_the_one_whose_tests_the_record_has() -> None:
    assert run(volt(3.0)).body.step == "test"


def test_a_step_that_is_named_wins() -> None:
    assert run(volt(3.0), step="look").body.step == "look"


def test_a_record_of_an_unknown_unit_is_kept_as_it_is_and_judged_by_nobody() -> None:
    found = read_record(data(volt(3.0)))
    assert isinstance(found, Record)
    done = run_of(found, None, station="b2")
    assert (done.body.step, done.body.outcome, codes(done)) == ("?", "passed", ["no_step"])
    assert done.body.tests[0].value == 3.0


VALUE = st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.lists(st.lists(st.floats(), max_size=3))
MEASURED = st.builds(
    measurement,
    st.sampled_from(["volt", "riso", "other", "\ud800"]),
    VALUE,
    outcome=st.sampled_from(["PASS", "FAIL", "UNSET", "PARTIALLY_SET", "SKIPPED", "?"]),
    units=st.sampled_from([None, "V", "VLT", "mV", "MΩ", "x" * 300, *UNITS]),
    validators=st.lists(st.sampled_from(["0 <= x <= 10", "x <= 1e308", "no", "é" * 300]), max_size=3),
    dimensions=st.sampled_from([None, [{}]]),
)
PHASES = st.lists(st.lists(MEASURED, max_size=4).map(lambda ms: phase("p", *ms)), max_size=4)
OUTCOMES = st.sampled_from(["PASS", "FAIL", "ERROR", "TIMEOUT", "ABORTED"])


@given(PHASES, OUTCOMES, st.sampled_from([None, product(), two_tests()]))
def test_every_record_becomes_an_event_that_can_be_sent(
    phases: list[dict[str, Any]], outcome: str, of: Product | None
) -> None:
    found = read_record(data(record(*phases, outcome=outcome)))
    assert isinstance(found, Record)
    body = run_of(found, of, station="b2").body
    assert wire.UnitsTested.model_validate_json(body.model_dump_json()) == body


@pytest.mark.parametrize("known", [True, False])
def test_a_record_of_two_thousand_measurements_still_fits_into_an_event(known: bool) -> None:
    found = read_record(data(record(*(phase("p", measurement(f"m{i}", i, units="V")) for i in range(2_000)))))
    assert isinstance(found, Record)
    tests = tuple(Test(id=f"m{i}", name=text("x"), unit="V", high=1e6, instrument="dmm", ask="?") for i in range(2_000))
    body = run_of(found, product(tests=tests) if known else None, station="b2").body
    assert len(body.model_dump_json()) <= wire.MAX_BODY


def test_a_step_with_tests_from_a_record_asks_no_instrument() -> None:
    step: Step = next(s for s in two_tests(instrument="record").steps if s.id == "test")
    assert step.recorded


def test_the_instrument_that_the_record_names_stands_with_its_reading() -> None:
    assert run(volt(3.0) | {"metadata": {"instruments": "DMM-03"}}).body.tests[0].device == "DMM-03"


def test_a_mapping_names_the_instrument_where_the_record_does_not() -> None:
    mapped = Mapped.model_validate({"tests": {"volt": {"measurement": "volt", "device": "DMM-03"}}})
    assert run(volt(3.0), mapped=mapped).body.tests[0].device == "DMM-03"
    named = run(volt(3.0) | {"metadata": {"instruments": "DMM-04"}}, mapped=mapped)
    assert named.body.tests[0].device == "DMM-04"
