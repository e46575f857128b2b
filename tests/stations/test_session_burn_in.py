"""Hours in the rack: places, samples, what they come to, and the rack after the station was off."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mes.wire import FloorUnit
from stations.inputs import FloorCame
from stations.rack import note_of
from stations.view import InRack
from tests.builders import OTHER, UNIT, Bench, a_bench, a_component, a_plan, a_product, a_step, a_test, a_unit

THIRD = "NMD-2647-00003"
POWER = a_test("power", "W", low=900.0, high=1100.0).model_copy(update={"ask": "POW? (@{place})"})
HEAT = a_test("heat", "degC", low=10.0, high=65.0).model_copy(update={"settle_s": 30.0, "repeats": 2})
BURN = a_step("burn-in", "burn-in", "rack-1", min_s=3600, sample_s=600, tests=(POWER, HEAT))
PLAN = a_plan(a_product(BURN, a_step("pack", "pack", "bench-5")))
GOOD = (1000.0, 40.0)
HOT = (1000.0, 80.0)
NOTHING = (None, None)


def a_rack(link: str = "up", **more: Any) -> Bench:
    units = [a_unit(serial, "burn-in") for serial in (UNIT, OTHER, THIRD)]
    return a_bench("rack-1", *units, plan=PLAN, link=link, **more)


def arrived(*serials: str, link: str = "up") -> Bench:
    bench = a_rack(link)
    for serial in serials:
        bench.scan(serial)
        if link == "up":
            bench.server()
    return bench


def hours(bench: Bench, count: int, *values: float | None) -> Bench:
    """So many planned samples with the same readings."""
    for _ in range(count):
        bench.tick(600).sample(*(values or GOOD)).server()
    return bench


def rack(bench: Bench) -> dict[str, InRack]:
    return {r.unit: r for r in bench.screen.rack}


# --- places -----------------------------------------------------------------------------------------------------------


def test_each_unit_gets_the_first_free_place_and_is_told_it() -> None:
    bench = arrived(UNIT)
    assert (bench.shows, bench.banner.args) == (("go", "rack_place"), {"unit": UNIT, "place": 1})
    bench.scan(OTHER).server()
    assert (bench.banner.args["place"], bench.body("UnitsArrived").place) == (2, 2)
    bench.scan(UNIT).command("LEAVE").server().scan(THIRD).server()
    assert [(r.unit, r.place) for r in bench.screen.rack] == [(THIRD, 1), (OTHER, 2)]


def test_without_network_the_place_is_told_too_and_only_kept() -> None:
    bench = arrived(UNIT, OTHER, link="down")
    assert (bench.shows, bench.banner.args["place"]) == (("kept", "rack_place"), 2)


def test_the_unit_at_the_front_keeps_its_place_in_sight() -> None:
    assert arrived(UNIT, OTHER).scan(OTHER).screen.rack_place == 2


def test_an_instrument_is_asked_for_the_place_of_the_unit() -> None:
    bench = arrived(UNIT, OTHER).tick(600)
    assert bench.sampling is not None
    asked = {bench.sampling.test.ask}
    bench.sample(*GOOD)
    assert bench.sampling is not None
    asked.add(bench.sampling.test.ask)
    assert asked == {"POW? (@1)", "POW? (@2)"}


# --- samples ----------------------------------------------------------------------------------------------------------


def test_a_sample_is_read_when_it_is_due_and_not_before() -> None:
    bench = arrived(UNIT).tick(590)
    assert bench.sampling is None
    bench.tick(10).sample(*GOOD)
    body = bench.body("ReadingsRecorded")
    assert (body.unit, body.step, body.n) == (UNIT, "burn-in", 1)
    assert [(m.test, m.outcome, m.value, m.low, m.high) for m in body.readings] == [
        ("power", "passed", 1000.0, 900.0, 1100.0),
        ("heat", "passed", 40.0, 10.0, 65.0),
    ]


def test_a_sample_waits_for_nothing_and_names_nobody() -> None:
    bench = arrived(UNIT).tick(600).sample(1000.0)
    assert bench.sampling is not None
    assert (bench.sampling.test.settle_s, bench.sampling.test.repeats) == (0, 0)
    bench.sample(40.0)
    assert bench.draft("ReadingsRecorded").operator is None


def test_samples_are_taken_while_nobody_is_signed_in() -> None:
    bench = arrived(UNIT).badge()
    hours(bench, 2)
    assert rack(bench)[UNIT].samples == 2


def test_one_sample_goes_on_at_a_time_and_the_one_that_is_longest_due_comes_first() -> None:
    bench = arrived(UNIT).tick(60).scan(OTHER).server().tick(600).sample(*GOOD)
    assert bench.body("ReadingsRecorded").unit == UNIT
    bench.sample(*GOOD)
    assert bench.body("ReadingsRecorded").unit == OTHER
    assert bench.tick().sampling is None


def test_the_time_is_counted_from_samples_and_then_the_unit_is_ready() -> None:
    bench = hours(arrived(UNIT), 5)
    assert not rack(bench)[UNIT].ready
    bench.scan(UNIT)
    assert (bench.shows, bench.banner.args["minutes"]) == (("stop", "needs_time"), 10)
    hours(bench, 1)
    assert bench.need("time").state == "ok"
    bench.command("YES").measure(1000.0, unit="W").measure(40.0, unit="degC").server().command("DONE").server()
    assert (bench.shows, bench.floor.units[UNIT].step, bench.screen.rack) == (("go", "step_done"), "pack", ())


def test_time_without_samples_makes_no_unit_ready() -> None:
    bench = arrived(UNIT)
    bench.tick(7200).sample(*GOOD).server()
    assert (rack(bench)[UNIT].ready, rack(bench)[UNIT].samples) == (False, 1)


def test_station_and_server_count_the_same_time() -> None:
    bench = hours(arrived(UNIT), 3)
    hours(bench, 1, *NOTHING)
    hours(bench, 1)
    work, told = bench.session.work(UNIT), bench.floor.units[UNIT]
    assert work is not None
    assert work.unit.burn == told.burn
    assert told.burn is not None
    assert told.burn.samples == 5


def test_a_sample_that_brought_nothing_is_recorded_and_shown_and_blames_no_unit() -> None:
    bench = hours(arrived(UNIT), 1, *NOTHING)
    assert [m.outcome for m in bench.body("ReadingsRecorded").readings] == ["error", "error"]
    assert (rack(bench)[UNIT].last, bench.shows) == ("error", ("go", "rack_place"))


def test_a_sample_beyond_the_limits_is_shown_at_once_and_taken_again_soon() -> None:
    bench = arrived(UNIT).tick(600).sample(*HOT)
    assert (bench.shows, rack(bench)[UNIT].last) == (("stop", "sample_out"), "out")
    assert bench.server().tick(10).sampling is not None
    bench.sample(*GOOD).server()
    assert (rack(bench)[UNIT].last, bench.floor.units[UNIT].state) == ("in", "in_work")


def test_two_samples_in_a_row_beyond_the_limits_hold_the_unit_and_free_its_place() -> None:
    bench = arrived(UNIT).tick(600).sample(*HOT).server().tick(10).sample(*HOT).server()
    assert (bench.shows, bench.banner.args["nc"]) == (("stop", "test_failed"), "NC-2026-0001")
    unit = bench.floor.units[UNIT]
    assert (unit.state, unit.nc, unit.place, unit.results) == ("waiting", "NC-2026-0001", None, {"burn-in": "failed"})
    assert (bench.screen.rack, bench.tick(600).sampling) == ((), None)


def test_without_network_two_bad_samples_take_the_unit_out_of_the_rack_too() -> None:
    bench = arrived(UNIT, link="down").tick(600).sample(*HOT).tick(10).sample(*HOT)
    assert (bench.shows, bench.screen.rack) == (("stop", "test_failed"), ())
    bench.scan(UNIT)
    assert bench.shows == ("stop", "unit_held")


def test_a_unit_that_is_taken_away_while_it_is_read_leaves_nothing_behind() -> None:
    bench = arrived(UNIT).scan(UNIT).tick(600).command("LEAVE").sample(1000.0)
    assert (bench.kinds[-1], bench.sampling) == ("UnitsDeparted", None)


def test_a_front_unit_under_test_is_not_sampled_and_the_others_are() -> None:
    bench = hours(arrived(UNIT), 6).scan(OTHER).server().scan(UNIT)
    assert bench.screen.phase == "testing"
    bench.tick(600)
    assert bench.sampling is not None
    bench.sample(*GOOD)
    assert bench.body("ReadingsRecorded").unit == OTHER


def test_a_unit_that_still_lacks_a_part_is_not_read() -> None:
    step = BURN.model_copy(update={"components": (a_component("FAN", per="lot"),)})
    bench = a_bench("rack-1", a_unit(UNIT, "burn-in"), plan=a_plan(a_product(step))).scan(UNIT).server()
    assert bench.tick(600).sampling is None


# --- after the station was off ----------------------------------------------------------------------------------------


def again(before: Bench, *, boot: str = "boot-2", link: str = "up") -> Bench:
    """The same station after a start, with what its disk says."""
    note = note_of(before.session)
    assert note is not None
    return a_bench("rack-1", floor=before.floor, note=note, boot=boot, link=link, signed_in=False, at_s=before.seconds)


def test_after_a_power_cut_the_rack_is_there_without_a_scan() -> None:
    before = hours(arrived(UNIT, OTHER), 1)
    before.sample(*GOOD).server()
    after = again(before, link="down")
    kept = rack(after)
    assert {u: (r.place, r.samples, r.last) for u, r in kept.items()} == {UNIT: (1, 1, "in"), OTHER: (2, 1, "in")}
    assert after.session.operator is None


def test_after_a_power_cut_the_samples_go_on_and_the_gap_does_not_count() -> None:
    after = again(hours(arrived(UNIT), 3))
    after.tick(7200 * 4)
    after.sample(*GOOD).server()
    burn = after.floor.units[UNIT].burn
    assert burn is not None
    assert (after.body("ReadingsRecorded").n, burn.samples, burn.ran_ms // 60_000) == (4, 4, 30)
    hours(after, 3)
    assert rack(after)[UNIT].ready


def test_a_restart_of_the_program_alone_loses_no_time() -> None:
    after = again(hours(arrived(UNIT), 3), boot="boot-1")
    hours(after, 3)
    assert rack(after)[UNIT].ready


def test_the_rack_waits_for_the_plan_and_is_not_forgotten_meanwhile() -> None:
    note = note_of(hours(arrived(UNIT), 1).session)
    unread = a_bench("rack-1", plan=a_plan(), note="", signed_in=False)
    unread.session = replace(unread.session, rack_known=False)
    assert note_of(unread.session) is None
    assert note
    assert UNIT in note


def test_a_note_that_cannot_be_read_is_none() -> None:
    assert a_rack(note="{").screen.rack == ()


def test_without_a_note_the_servers_answer_brings_the_rack_back() -> None:
    before = hours(arrived(UNIT), 2)
    after = a_bench("rack-1", floor=before.floor, boot="boot-2", signed_in=False)
    assert {u: (r.place, r.samples) for u, r in rack(after).items()} == {UNIT: (1, 2)}


def test_what_the_server_said_last_time_brings_nothing_back() -> None:
    before = arrived(UNIT)
    after = a_bench("rack-1", a_unit(OTHER, "burn-in"), plan=PLAN, signed_in=False)
    after.give(FloorCame, reply=before.floor.reply(), from_disk=True)
    assert after.screen.rack == ()


def test_a_unit_that_the_office_took_away_meanwhile_leaves_the_rack() -> None:
    before = hours(arrived(UNIT, OTHER), 1)
    before.sample(*GOOD).server()
    before.floor.units[UNIT] = replace(before.floor.units[UNIT], state="scrapped", station=None)
    assert list(rack(again(before))) == [OTHER]


def test_the_servers_answer_does_not_count_while_events_of_the_bench_wait() -> None:
    bench = arrived(UNIT, link="down")
    told = bench.floor.reply()
    assert isinstance(told.units[0], FloorUnit)
    bench.session = replace(bench.session, kept=1)
    bench.give(FloorCame, reply=told)
    assert list(rack(bench)) == [UNIT]
