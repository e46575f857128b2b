"""Looking at a unit: PASS, and defects, which any step accepts at any time."""

from __future__ import annotations

import pytest

from tests.builders import OTHER, UNIT, Bench, a_bench, a_bench_at_work, a_unit, holes


def at_look(link: str = "up") -> Bench:
    return a_bench_at_work("bench-2", a_unit(step="look"), link=link)


def test_a_whole_inspection() -> None:
    bench = at_look().command("PASS")
    assert (bench.shows, bench.need("inspection").state) == (("kept", "kept"), "doing")
    bench.server()
    assert (bench.shows, bench.need("inspection").state) == (("go", "inspection_passed"), "ok")
    bench.command("DONE").server()
    assert (bench.shows, bench.floor.units[UNIT].step) == (("go", "step_done"), "safety")


def test_done_before_the_look_says_what_is_missing() -> None:
    assert at_look().command("DONE").shows == ("stop", "needs_inspection")


def test_done_right_after_pass_waits_for_its_verdict_and_then_completes() -> None:
    bench = at_look().command("PASS", "DONE", after_s=0.3)
    assert bench.shows == ("wait", "asking")
    assert bench.server().shows == ("go", "step_done")


def test_pass_twice_is_recorded_once() -> None:
    bench = at_look().command("PASS", "PASS").server().command("PASS")
    assert (bench.kinds.count("UnitsInspected"), bench.shows) == (1, ("go", "inspection_passed"))


def test_a_defect_blocks_the_unit_and_frees_the_bench() -> None:
    bench = at_look().defect("SCRATCH")
    assert (bench.shows, bench.body("UnitsInspected").defects) == (("kept", "kept"), ("SCRATCH",))
    bench.server()
    assert (bench.shows, bench.screen.phase, bench.banner.args["nc"]) == (
        ("stop", "defect_found"),
        "idle",
        "NC-2026-0001",
    )


@pytest.mark.parametrize(
    ("station", "step"), [("bench-1", "battery"), ("bench-2", "look"), ("bench-3", "safety"), ("bench-5", "pack")]
)
def test_every_step_accepts_a_defect(station: str, step: str) -> None:
    bench = a_bench_at_work(station, a_unit(step=step)).defect("CRACK").server()
    assert (bench.shows, bench.body("UnitsInspected").step) == (("stop", "defect_found"), step)


def test_fail_asks_which_defect_it_is() -> None:
    bench = at_look().command("FAIL")
    assert (bench.shows, bench.screen.unit) == (("wait", "which_defect"), UNIT)
    assert bench.defect().kinds[-1] == "UnitsInspected"


def test_a_defect_that_is_not_on_the_list_is_refused() -> None:
    bench = at_look().defect("NOSUCH")
    assert (bench.shows, bench.banner.args["text"]) == (("stop", "unknown_defect"), "NOSUCH")


def test_a_defect_without_a_unit_says_to_scan_one_first() -> None:
    assert a_bench("bench-2").defect().shows == ("stop", "not_now")


def test_the_defects_are_offered_by_touch_while_a_unit_is_on_the_bench() -> None:
    assert [code for code, _, _ in at_look().screen.defects] == ["SCRATCH", "CRACK"]
    assert a_bench("bench-2").screen.defects == ()


def test_pass_is_offered_until_it_was_said() -> None:
    bench = at_look()
    assert "PASS" in bench.screen.actions
    assert "PASS" not in bench.command("PASS").server().screen.actions


def test_a_pass_can_be_taken_back_by_leaving() -> None:
    bench = at_look().command("PASS").server().command("UNDO")
    assert bench.shows == ("stop", "nothing_to_undo")
    bench.command("LEAVE").server().scan(UNIT).server()
    assert bench.need("inspection").state == "todo"


def test_without_network_a_whole_inspection_is_amber_and_then_accepted() -> None:
    bench = at_look("down").command("PASS")
    assert bench.shows == ("kept", "inspection_passed")
    bench.command("DONE")
    assert bench.shows == ("kept", "step_done")
    assert bench.link("up").server().floor.units[UNIT].step == "safety"


def test_without_network_a_defect_is_red_with_a_number_to_come_and_the_unit_is_blocked() -> None:
    bench = at_look("down").defect()
    assert (bench.shows, bench.screen.unit, holes(bench.banner)) == (("stop", "defect_found"), None, [])
    assert bench.scan(UNIT).shows == ("stop", "unit_held")


def test_a_defect_without_an_answer_frees_the_bench_by_the_stations_own_rules() -> None:
    bench = at_look().defect().tick(3)
    assert (bench.shows, bench.screen.phase) == (("stop", "defect_found"), "idle")


def test_a_look_of_an_earlier_stay_is_not_taken_for_this_one() -> None:
    bench = at_look().link("down").command("PASS", "LEAVE").scan(UNIT).server()
    assert bench.need("inspection").state == "todo"


def test_the_number_of_a_blocked_unit_comes_with_its_own_name_when_another_is_on_the_bench() -> None:
    bench = a_bench("bench-2", a_unit(step="look"), a_unit(OTHER, "look"), link="down").scan(UNIT).command("PASS")
    bench.command("DONE").scan(OTHER)
    bench.says("UnitsInspected", "held", "defect_found", unit=UNIT, defect="x", nc="NC-5")
    assert (bench.shows, bench.banner.args["unit"], bench.screen.unit) == (("stop", "unit_held"), UNIT, OTHER)
