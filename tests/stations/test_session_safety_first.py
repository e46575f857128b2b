"""A bench that decides alone energises nothing that has not passed its safety test."""

from __future__ import annotations

from dataclasses import replace

from mes.domain.gate import Unit
from tests.builders import SAFETY_STEP, UNIT, Bench, a_bench, a_plan, a_product, a_step, a_test, a_unit, a_unit_at_work

LIVE_STEP = a_step(
    "live", "test", "bench-5", after=("safety",), begins="when-asked", tests=(a_test("volt", "V", low=1.0, high=5.0),)
)
PLAN = a_plan(a_product(SAFETY_STEP, LIVE_STEP))
PASSED = {"safety": "passed"}


def a_live_bench(unit: Unit, link: str = "down") -> Bench:
    return a_bench("bench-5", unit, plan=PLAN, link=link).scan(UNIT)


def test_without_network_a_unit_that_passed_its_safety_test_is_let_in_and_tested() -> None:
    bench = a_live_bench(a_unit(step="live", results=PASSED))
    assert bench.shows == ("kept", "offline_go")
    bench.command("YES")
    assert (bench.screen.phase, bench.measuring is not None) == ("testing", True)


def test_without_network_a_unit_that_did_not_pass_it_is_refused_and_nothing_is_measured() -> None:
    bench = a_live_bench(a_unit(step="live", results={"safety": "failed"}))
    assert (bench.shows, bench.banner.args["step"]["en"]) == (("stop", "safety_first"), "Step safety")
    assert (bench.kinds, bench.measuring) == ([], None)


def test_the_test_of_a_unit_that_is_here_all_the_same_is_not_begun() -> None:
    bench = a_live_bench(a_unit(step="live", results=PASSED), link="up").server()
    work = bench.session.work(UNIT)
    assert work is not None
    disproved = replace(work, unit=replace(work.unit, results={"safety": "failed"}))
    bench.session = replace(bench.session, works=(disproved,))
    bench.command("YES")
    assert (bench.shows, bench.measuring) == (("stop", "safety_first"), None)
    bench.command("DONE")
    assert bench.shows == ("stop", "safety_first")


def test_a_supervisor_is_not_asked() -> None:
    bench = a_live_bench(a_unit(step="live", results={"safety": "failed"}), link="up").server()
    assert (bench.shows, "SUPERVISOR" in bench.screen.actions) == (("stop", "safety_first"), False)


def test_what_a_bench_has_tested_itself_lets_the_unit_go_on_without_network() -> None:
    both = a_plan(a_product(SAFETY_STEP, LIVE_STEP.model_copy(update={"stations": ("bench-3",)})))
    bench = a_bench("bench-3", a_unit_at_work("safety", "bench-3"), plan=both).scan(UNIT).server()
    bench.command("YES").measure(0.05, unit="ohm").measure(50.0, unit="Mohm").measure(1.0, unit="mA").server()
    bench.link("down").command("DONE").scan(UNIT)
    assert (bench.screen.step and bench.screen.step.id, bench.shows) == ("live", ("kept", "offline_go"))
