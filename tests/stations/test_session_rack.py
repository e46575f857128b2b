"""A rack: units come in, stay for their time while others come and go, are tested and finished."""

from __future__ import annotations

from datetime import datetime

from tests.builders import BURN_IN_STEP, OTHER, UNIT, Bench, a_bench, a_unit

THIRD = "NMD-2647-00003"
FOURTH = "NMD-2647-00004"
HOUR = float(BURN_IN_STEP.min_s)


def a_rack(link: str = "up") -> Bench:
    units = [a_unit(serial, "burn-in") for serial in (UNIT, OTHER, THIRD, FOURTH)]
    return a_bench("rack-1", *units, link=link)


def in_rack(bench: Bench) -> list[tuple[str, bool]]:
    return [(r.unit, r.ready) for r in bench.screen.rack]


def test_a_unit_that_arrives_goes_into_the_rack_and_the_bench_is_free_for_the_next() -> None:
    bench = a_rack().scan(UNIT).server()
    assert (bench.shows, bench.screen.phase, in_rack(bench)) == (("go", "rack_place"), "idle", [(UNIT, False)])
    bench.scan(OTHER).server()
    assert in_rack(bench) == [(UNIT, False), (OTHER, False)]


def test_the_rack_says_when_each_unit_is_ready() -> None:
    bench = a_rack().scan(UNIT).server()
    (item,) = bench.screen.rack
    work = bench.session.work(UNIT)
    assert work is not None
    stayed = datetime.fromisoformat(item.ready_at) - datetime.fromisoformat(work.unit.since)
    assert abs(stayed.total_seconds() - HOUR) <= 1
    assert in_rack(bench.tick(HOUR)) == [(UNIT, True)]


def test_a_unit_that_is_scanned_too_early_says_how_long_it_takes() -> None:
    bench = a_rack().scan(UNIT).server().scan(UNIT, after_s=HOUR - 600)
    assert (bench.shows, bench.banner.args["minutes"], bench.measuring) == (("stop", "needs_time"), 10, None)


def test_a_defect_can_be_named_before_the_time_is_over() -> None:
    bench = a_rack().scan(UNIT).server().scan(UNIT).defect("CRACK").server()
    assert (bench.shows, in_rack(bench)) == (("stop", "defect_found"), [])


def test_a_unit_whose_time_is_over_comes_to_the_front_and_is_tested() -> None:
    bench = a_rack().scan(UNIT, OTHER)
    bench = a_rack().scan(UNIT).server().scan(OTHER).server().scan(UNIT, after_s=HOUR)
    assert (bench.screen.phase, bench.screen.unit, in_rack(bench)) == ("testing", UNIT, [(OTHER, True)])
    assert bench.measuring is not None


def test_a_whole_burn_in() -> None:
    bench = a_rack().scan(UNIT).server().scan(UNIT, after_s=HOUR).measure(1000.0, unit="W").server().command("DONE")
    bench.server()
    assert (bench.shows, bench.floor.units[UNIT].step, in_rack(bench)) == (("go", "step_done"), "pack", [])


def test_another_unit_may_come_while_one_is_at_the_front_and_not_under_test() -> None:
    bench = a_rack().scan(UNIT).server().scan(UNIT).scan(OTHER).server()
    assert [u for u, _ in in_rack(bench)] == [UNIT, OTHER]


def test_another_unit_waits_while_one_is_under_test() -> None:
    bench = a_rack().scan(UNIT).server().scan(UNIT, after_s=HOUR).scan(OTHER)
    assert bench.shows == ("stop", "finish_first")


def test_a_full_rack_takes_no_more() -> None:
    bench = a_rack().scan(UNIT).server().scan(OTHER).server().scan(THIRD).server().scan(FOURTH).server()
    assert (bench.shows, bench.banner.args["places"]) == (("stop", "bench_full"), 3)


def test_without_network_a_full_rack_takes_no_more_either() -> None:
    bench = a_rack("down").scan(UNIT, OTHER, THIRD, FOURTH)
    assert (bench.shows, len(bench.screen.rack)) == (("stop", "bench_full"), 3)


def test_a_person_may_sign_out_while_units_stay_in_the_rack() -> None:
    bench = a_rack().scan(UNIT).server().badge()
    assert (bench.shows, [u for u, _ in in_rack(bench)]) == (("wait", "goodbye"), [UNIT])


def test_after_a_restart_a_unit_comes_back_to_the_front_with_its_time() -> None:
    before = a_rack().scan(UNIT).server()
    after = a_bench("rack-1", floor=before.floor).scan(UNIT, after_s=HOUR + 60).server()
    assert (after.screen.phase, after.screen.unit) == ("testing", UNIT)


def test_leaving_takes_the_front_unit_out_of_the_rack() -> None:
    bench = a_rack().scan(UNIT).server().scan(UNIT).command("LEAVE")
    assert (bench.shows, in_rack(bench)) == (("wait", "unit_left"), [])


def test_a_held_verdict_takes_a_unit_out_of_the_rack() -> None:
    bench = a_rack("down").scan(UNIT, OTHER)
    token = next(d.token for d, _ in bench.kept if d.kind == "UnitsArrived")
    verdict = bench.floor.judge("rack-1", "x", bench.kept[-1][0], "2026-11-23T08:00:00Z")
    args = {"unit": UNIT, "why": "unit_held", "nc": "NC-8"}
    bench.hear(token, verdict.model_copy(update={"verdict": "held", "reason": "contradiction", "args": args}))
    assert (bench.shows, [u for u, _ in in_rack(bench)]) == (("stop", "contradiction"), [OTHER])
