"""Testers that talk by themselves: a line counts for the unit that it is about, once, and for no other one."""

from __future__ import annotations

from typing import Any

import pytest

from mes.plan.lines import LineTable
from stations.devices.line_tester import parse_line
from stations.inputs import BenchUnsafe, DeviceBack, MeasureNow, Taken, ToldByTester
from tests.builders import OTHER, UNIT, Bench, a_bench, a_component, a_plan, a_product, a_step, a_test, a_unit, holes

FORM = LineTable(
    separator=";",
    columns=("serial", "iso", "leak", "verdict"),
    units={"iso": "Mohm", "leak": "mA"},
    tests={"iso": "ISO", "leak": "LEAK"},
).form
TESTS = (a_test("iso", "Mohm", 1.0, None), a_test("leak", "mA", None, 5.0))
GOOD = f"{UNIT};550;0.4;PASS"


def a_line_bench(*, here: bool = True, begins: str = "by-itself", tests: Any = TESTS, **more: Any) -> Bench:
    """A bench with a line tester; its step has two tests that the tester makes."""
    step = a_step("one", "test", tests=tests, begins=begins, **{"retests": 1, **more})
    plan = a_plan(a_product(step, a_step("two", station="bench-2")))
    bench = a_bench("bench-1", a_unit(step="one"), a_unit(OTHER, step="one"), plan=plan)
    bench.give(DeviceBack, name="tester", family="line-tester")
    return bench.scan(UNIT).server() if here else bench


def tells(bench: Bench, line: str, *, after_s: float = 10, device: str = "tester") -> Bench:
    result = parse_line(FORM, line.encode())
    readings = (
        tuple(Taken(n, r, "TST-01 (7)", 1, "TST-01", "7", "2027-03-01") for n, r in result.readings) if result else None
    )
    return bench.give(
        ToldByTester,
        after_s=after_s,
        device=device,
        raw=line,
        unit=result.serial if result else None,
        verdict=result.verdict if result else None,
        readings=readings,
        why="" if result else "not_of_its_form",
    )


def fact(bench: Bench) -> tuple[str, str, str]:
    kept = bench.body("IdentifiersNotRead")
    return kept.raw, kept.why, kept.device


def test_the_bench_waits_for_the_tester_and_asks_nothing() -> None:
    bench = a_line_bench()
    assert (bench.screen.phase, bench.screen.tester, bench.screen.left_s) == ("testing", "tester", None)
    assert [n.state for n in bench.screen.needs if n.kind == "test"] == ["doing", "doing"]
    assert not [c for c in bench.told if isinstance(c, MeasureNow)]


def test_the_line_with_the_serial_of_the_unit_is_its_test_run() -> None:
    bench = tells(a_line_bench(), GOOD)
    run = bench.body("UnitsTested")
    assert (run.unit, run.outcome, [m.value for m in run.tests]) == (UNIT, "passed", [550.0, 0.4])
    first = run.tests[0]
    assert (first.instrument, first.device, first.serial, first.calibration_due) == (
        "TST-01 (7)",
        "TST-01",
        "7",
        "2027-03-01",
    )
    assert (first.verdict, first.raw, first.unit) == ("passed", GOOD, "Mohm")
    bench.server()
    assert (bench.shows, bench.screen.phase) == (("go", "test_passed"), "working")


def test_a_line_without_a_serial_is_the_run_that_waits_for_it() -> None:
    bench = tells(a_line_bench(), ";550;0.4;PASS")
    assert (bench.body("UnitsTested").unit, bench.body("UnitsTested").outcome) == (UNIT, "passed")


def test_a_line_for_another_unit_is_never_booked_on_the_one_that_is_there() -> None:
    bench = tells(a_line_bench(), f"{OTHER};550;0.4;PASS")
    assert "UnitsTested" not in bench.kinds
    assert fact(bench) == (f"{OTHER};550;0.4;PASS", "tester_other_unit", "tester")
    assert bench.shows == ("stop", "tester_other_unit")
    assert (bench.banner.args["unit"], bench.banner.args["other"]) == (UNIT, OTHER)
    assert bench.screen.tester == "tester", "the unit's own result is still awaited"
    assert holes(bench.banner) == []


def test_a_line_without_a_unit_on_the_bench_is_a_fact_and_begins_nothing() -> None:
    for line in (GOOD, ";550;0.4;PASS"):
        bench = tells(a_line_bench(here=False), line)
        assert bench.shows == ("stop", "tester_no_unit")
        assert fact(bench) == (line, "tester_no_unit", "tester")
        assert "UnitsTested" not in bench.kinds


def test_the_same_line_twice_is_one_run() -> None:
    bench = tells(a_line_bench(), GOOD)
    tells(bench, GOOD, after_s=0.2)
    bench.server()
    tells(bench, GOOD, after_s=0.2)
    assert bench.kinds.count("UnitsTested") == 1
    assert "IdentifiersNotRead" not in bench.kinds
    assert bench.shows == ("go", "test_passed")


def test_the_same_line_long_after_a_pass_is_a_fact_and_no_second_run() -> None:
    bench = tells(tells(a_line_bench(), GOOD).server(), GOOD, after_s=60)
    assert bench.kinds.count("UnitsTested") == 1
    assert (bench.shows, fact(bench)[1]) == (("stop", "tester_not_now"), "tester_not_now")


def test_a_failed_unit_is_tested_again_by_the_next_line_of_the_tester() -> None:
    bench = tells(a_line_bench(), f"{UNIT};0.2;0.4;FAIL").server()
    assert bench.shows == ("stop", "retest")
    tells(bench, GOOD, after_s=30).server()
    assert [bench.kinds.count("UnitsTested"), bench.shows] == [2, ("go", "test_passed")]


def test_fail_speaks_of_the_whole_line_and_not_against_its_good_numbers() -> None:
    run = tells(a_line_bench(), f"{UNIT};550;8.0;FAIL").body("UnitsTested")
    assert run.outcome == "failed"
    assert [(m.outcome, m.verdict) for m in run.tests] == [("passed", None), ("failed", "failed")]


@pytest.mark.parametrize("line", [f"{UNIT};550;0.4;FAIL", f"{UNIT};550;8.0;PASS"], ids=["FAIL inside", "PASS outside"])
def test_a_tester_that_contradicts_its_numbers_is_an_error_and_somebody_looks(line: str) -> None:
    bench = tells(a_line_bench(), line)
    assert bench.body("UnitsTested").outcome == "error"
    bench.server()
    assert bench.shows == ("stop", "tester_contradicts")


@pytest.mark.parametrize(
    "line", [f"{UNIT};550;0.4;ABORT", f"{UNIT};OL;0.4;PASS", f"{UNIT};x;0.4;PASS"], ids=["verdict", "overload", "word"]
)
def test_a_result_that_is_none_is_an_error_of_the_bench(line: str) -> None:
    bench = tells(a_line_bench(), line)
    assert bench.body("UnitsTested").outcome == "error"
    assert bench.server().shows == ("stop", "bench_error")


def test_a_line_that_cannot_be_read_is_a_fact_and_the_bench_waits_on() -> None:
    bench = tells(a_line_bench(), "garbage")
    assert (bench.shows, fact(bench)) == (("stop", "tester_unreadable"), ("garbage", "not_of_its_form", "tester"))
    assert "UnitsTested" not in bench.kinds
    assert tells(bench, GOOD).body("UnitsTested").outcome == "passed"


def test_where_the_operator_must_ask_first_a_line_that_names_the_unit_begins_the_run() -> None:
    bench = a_line_bench(begins="when-asked")
    assert (bench.screen.phase, bench.screen.tester) == ("working", "")
    assert tells(bench, GOOD).body("UnitsTested").outcome == "passed"


def test_where_the_operator_must_ask_first_a_line_without_a_serial_counts_only_after_yes() -> None:
    bench = tells(a_line_bench(begins="when-asked"), ";550;0.4;PASS")
    assert (bench.shows, fact(bench)[1]) == (("stop", "tester_names_none"), "tester_names_none")
    bench.command("YES")
    assert (bench.shows, bench.screen.tester) == (("wait", "waiting_tester"), "tester")
    assert tells(bench, ";551;0.4;PASS").body("UnitsTested").outcome == "passed"


def test_a_line_in_the_middle_of_another_run_does_not_count() -> None:
    asked = a_test("volt", "V", 220, 240).model_copy(update={"instrument": "meter"})
    bench = a_line_bench(tests=(asked, *TESTS))
    assert bench.measuring is not None
    tells(bench, GOOD)
    assert (bench.shows, fact(bench)[1]) == (("stop", "tester_not_now"), "tester_not_now")
    bench.measure(230.0, unit="V")
    assert bench.screen.tester == "tester"
    run = tells(bench, GOOD).body("UnitsTested")
    assert [(m.test, m.outcome) for m in run.tests] == [("volt", "passed"), ("iso", "passed"), ("leak", "passed")]


def test_a_line_before_everything_is_fitted_does_not_count() -> None:
    bench = a_line_bench(components=(a_component("BAT-48V", pattern=r"(?P<serial>B4-\d{5})"),))
    assert tells(bench, GOOD).shows == ("stop", "tester_not_now")
    assert "UnitsTested" not in bench.kinds


def test_a_line_where_no_test_of_this_tester_is_due_does_not_count() -> None:
    other = tuple(t.model_copy(update={"instrument": "meter"}) for t in TESTS)
    bench = tells(a_line_bench(tests=other, begins="when-asked"), GOOD)
    assert (bench.shows, fact(bench)[1]) == (("stop", "tester_not_wanted"), "tester_not_wanted")


def test_a_line_while_nobody_is_signed_in_does_not_count() -> None:
    step = a_step("one", "test", tests=TESTS)
    bench = a_bench("bench-1", a_unit(step="one"), plan=a_plan(a_product(step)), signed_in=False)
    tells(bench.give(DeviceBack, name="tester", family="line-tester"), GOOD)
    assert fact(bench)[1] == "no_operator"


def test_a_line_while_the_arrival_waits_for_its_verdict_does_not_count() -> None:
    bench = a_line_bench(here=False).scan(UNIT)
    tells(bench, GOOD, after_s=0.1)
    assert fact(bench)[1] == "tester_no_unit"
    bench.server()
    assert bench.shows == ("go", "unit_arrived")


def test_a_measurement_that_the_line_lacks_is_an_error_of_the_bench() -> None:
    more = (*TESTS, a_test("pe", "ohm", None, 0.1))
    run = tells(a_line_bench(tests=more), GOOD).body("UnitsTested")
    assert (run.outcome, [m.outcome for m in run.tests]) == ("error", ["passed", "passed", "error"])


def test_a_silent_tester_is_awaited_for_as_long_as_the_plan_says() -> None:
    limited = tuple(t.model_copy(update={"timeout_s": 60.0}) for t in TESTS)
    bench = a_line_bench(tests=limited).tick(50)
    assert bench.screen.tester == "tester"
    bench.tick(20)
    assert bench.body("UnitsTested").outcome == "timeout"
    assert a_line_bench().tick(3_000).screen.tester == "tester"


def test_a_line_while_another_device_may_still_be_live_begins_nothing() -> None:
    bench = a_line_bench(begins="when-asked").give(BenchUnsafe, devices=("supply",))
    tells(bench, GOOD)
    assert (bench.shows, fact(bench)[1]) == (("stop", "bench_not_safe"), "not_begun")
    assert "UnitsTested" not in bench.kinds


def test_a_line_for_a_unit_that_must_not_be_energised_begins_nothing() -> None:
    safety = a_step("safety", "test", tests=(a_test("pe").model_copy(update={"instrument": "meter"}),))
    live = a_step("live", "test", tests=TESTS, begins="when-asked", after=("safety",))
    unit = a_unit(step="live")
    bench = a_bench("bench-1", unit, plan=a_plan(a_product(safety, live)))
    bench.give(DeviceBack, name="tester", family="line-tester").scan(UNIT).server()
    tells(bench, GOOD)
    assert "UnitsTested" not in bench.kinds
    assert fact(bench)[0] == GOOD


def test_undo_ends_the_waiting_and_a_later_line_begins_anew() -> None:
    bench = a_line_bench().command("UNDO").server()
    assert (bench.screen.tester, bench.body("UnitsTested").outcome) == ("", "aborted")
    assert tells(bench, GOOD).body("UnitsTested").outcome == "passed"
