"""Components at the bench: which one was scanned, whether it may go in, what is shown until the server has judged."""

from __future__ import annotations

import pytest

from mes import wire
from mes.domain.reasons import sentence
from tests.builders import (
    BATTERY,
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
    an_installed,
    holes,
)

FUSE = "FUSE-30A/L1"
GS, RS, EOT = "\x1d", "\x1e", "\x04"


def ecia(**fields: str) -> str:
    """A component label as suppliers print it."""
    return f"[)>{RS}06{GS}" + GS.join(f"{k.lstrip('_')}{v}" for k, v in fields.items()) + f"{RS}{EOT}"


def states(bench: Bench) -> list[tuple[str, int, str]]:
    return [(n.part, n.have, n.state) for n in bench.screen.needs if n.kind == "component"]


def test_the_screen_lists_what_the_step_needs_and_done_at_the_end() -> None:
    bench = a_bench_at_work()
    assert states(bench) == [("BAT-48V", 0, "todo"), ("FUSE-30A", 0, "todo")]
    assert (bench.need("component", 1).want, bench.screen.needs[-1].kind) == (2, "done")


def test_a_right_component_is_amber_at_once_and_green_with_its_verdict() -> None:
    bench = a_bench_at_work().scan(BATTERY)
    assert (bench.shows, states(bench)[0], bench.draft("MaterialsInstalled").asks) == (
        ("kept", "kept"),
        ("BAT-48V", 1, "doing"),
        True,
    )
    bench.server()
    assert (bench.shows, states(bench)[0]) == (("go", "component_fitted"), ("BAT-48V", 1, "ok"))
    assert bench.need("component").detail == BATTERY


def test_the_event_carries_part_number_and_what_was_scanned() -> None:
    body = a_bench_at_work().scan(BATTERY).body("MaterialsInstalled")
    assert (body.unit, body.step, body.part, body.serial, body.scan) == (UNIT, "battery", "BAT-48V", BATTERY, BATTERY)


def test_a_component_that_the_server_refuses_is_taken_from_the_list() -> None:
    bench = a_bench_at_work().scan(BATTERY)
    bench.says("MaterialsInstalled", "refused", "component_used", serial=BATTERY, unit=OTHER)
    assert (bench.shows, states(bench)[0]) == (("stop", "component_used"), ("BAT-48V", 0, "todo"))


def test_two_fuses_of_one_lot_are_two_however_quickly_they_are_scanned() -> None:
    bench = a_bench_at_work().scan(FUSE).scan(FUSE, after_s=0.2).server()
    assert states(bench)[1] == ("FUSE-30A", 2, "ok")


def test_several_components_may_wait_for_their_verdicts_together() -> None:
    bench = a_bench_at_work().scan(BATTERY, FUSE, FUSE, after_s=0.3)
    assert [s for _, _, s in states(bench)] == ["doing", "doing"]
    assert [s for _, _, s in states(bench.server())] == ["ok", "ok"]


def test_a_refusal_is_not_wiped_away_by_the_verdict_of_the_next_component() -> None:
    bench = a_bench_at_work().scan(BATTERY, FUSE, after_s=0.3)
    first, second = (d.token for d, _ in bench.kept[-2:])
    refused = bench.floor.judge("bench-1", "x", bench.kept[-2][0], "2026-11-23T08:00:00Z")
    bench.hear(first, refused.model_copy(update={"verdict": "refused", "reason": "lot_held", "args": {}}))
    bench.hear(second, refused)
    assert bench.shows == ("stop", "lot_held")


def test_the_verdict_of_an_older_component_does_not_take_the_place_of_what_was_scanned_since() -> None:
    bench = a_bench_at_work().scan(BATTERY).scan("FUSE-15A/L1", after_s=0.1)
    before = bench.banner
    assert bench.server().banner == before


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        (ecia(P="FUSE-15A", _1T="L1"), "component_wrong"),
        (ecia(P="BAT-48V"), "component_without_number"),
        ("FUSE-30A", "component_without_number"),
    ],
)
def test_a_component_that_cannot_go_in_is_red_at_once_and_nothing_is_sent(label: str, reason: str) -> None:
    bench = a_bench_at_work()
    count = len(bench.kept)
    assert (bench.scan(label).shows, len(bench.kept), holes(bench.banner)) == (("stop", reason), count, [])


def test_a_wrong_part_says_what_it_takes_and_what_was_scanned() -> None:
    bench = a_bench_at_work().scan(ecia(P="FUSE-15A", _1T="L1"))
    assert sentence(bench.banner.reason, bench.banner.args, "en")[1].startswith(
        "It takes BAT-48V. You scanned FUSE-15A L1."
    )


def test_more_of_a_part_than_the_step_wants_is_refused() -> None:
    assert a_bench_at_work().scan(BATTERY).server().scan("B4-00002").shows == ("stop", "component_enough")


@pytest.mark.parametrize("link", ["up", "down"])
def test_a_serial_that_is_in_another_unit_is_refused(link: str) -> None:
    floor = a_floor(a_unit(), a_unit(OTHER))
    floor.inside[OTHER] = [an_installed()]
    bench = a_bench_at_work("bench-1", floor=floor, link=link).scan(BATTERY)
    bench = bench.server() if link == "up" else bench
    assert (bench.shows, bench.banner.args["unit"]) == (("stop", "component_used"), OTHER)


def test_a_part_that_has_just_been_freed_elsewhere_is_left_to_the_server_to_judge() -> None:
    floor = a_floor(a_unit(), a_unit(OTHER))
    floor.inside[OTHER] = [an_installed()]
    bench = a_bench_at_work("bench-1", floor=floor)
    floor.inside[OTHER] = []
    assert bench.scan(BATTERY).server().shows == ("go", "component_fitted")


@pytest.mark.parametrize("link", ["up", "down"])
def test_a_held_lot_is_refused(link: str) -> None:
    floor = a_floor()
    floor.held_lots.add(("FUSE-30A", "L1"))
    bench = a_bench_at_work("bench-1", floor=floor, link=link).scan(FUSE)
    assert (bench.server() if link == "up" else bench).shows == ("stop", "lot_held")


def test_without_network_the_pieces_of_a_lot_under_a_concession_are_counted_here() -> None:
    floor = a_floor()
    floor.permits.append(wire.FloorPermit(id="CO-2026-0001", until="2030-01-01", left=1))
    day = wire.FloorLotDay(part="FUSE-30A", lot="L1", until="2030-01-01", permit="CO-2026-0001")
    floor.lot_days.append(day)
    bench = a_bench_at_work("bench-1", floor=floor, link="down").scan(FUSE)
    assert bench.shows == ("kept", "component_fitted")
    assert bench.session.recall.permits["CO-2026-0001"].left == 0
    assert bench.scan(FUSE).shows == ("stop", "lot_used_up")
    assert bench.command("UNDO").session.recall.permits["CO-2026-0001"].left == 1, "it came out again"


def test_a_step_without_components_takes_none() -> None:
    bench = a_bench("bench-2", a_unit(step="look")).scan(UNIT).server().scan(BATTERY)
    assert bench.shows == ("stop", "component_not_needed")


def test_a_suppliers_label_is_matched_by_our_part_or_by_the_makers() -> None:
    plan = a_plan(a_product(a_step("one", components=(a_component("MK-1"), a_component("FUSE-30A", "lot")))))
    bench = a_bench("bench-1", a_unit(step="one"), plan=plan).scan(UNIT).server()
    bench.scan(ecia(_1P="MK-1", S="S1"), ecia(P="FUSE-30A", _1T="L7", Q="500")).server()
    assert [(n.detail, n.state) for n in bench.screen.needs[:2]] == [("S1", "ok"), ("L7", "ok")]


def test_the_serial_of_a_bag_is_not_taken_for_the_serial_of_a_lot_tracked_part() -> None:
    body = a_bench_at_work().scan(ecia(P="FUSE-30A", _1T="L7", S="BAG-9")).body("MaterialsInstalled")
    assert (body.serial, body.lot, body.quantity) == (None, "L7", 1)


def test_a_gs1_code_with_a_serial_goes_to_the_one_part_that_is_tracked_by_serial() -> None:
    body = a_bench_at_work().scan(f"]C101095011015300031012AB{GS}21SER-1").body("MaterialsInstalled")
    assert (body.part, body.serial, body.lot) == ("BAT-48V", "SER-1", "12AB")


def test_a_gs1_lot_goes_to_the_part_that_is_tracked_by_lot() -> None:
    body = a_bench_at_work().scan("]C1010950110153000310L-26").body("MaterialsInstalled")
    assert (body.part, body.lot) == ("FUSE-30A", "L-26")


def test_a_gs1_code_of_another_part_is_the_wrong_part() -> None:
    plan = a_plan(a_product(a_step("one", components=(a_component("A", "lot"), a_component("B", "lot")))))
    bench = a_bench("bench-1", a_unit(step="one"), plan=plan).scan(UNIT).server().scan("]C1010950110153000310L-26")
    assert bench.shows == ("stop", "component_wrong")


def test_a_part_of_another_step_is_known_and_wrong_here() -> None:
    plan = a_plan(
        a_product(
            a_step("one", components=(a_component("A"),)),
            a_step("two", station="bench-2", components=(a_component("B", pattern=r"B-(?P<serial>\d+)"),)),
        )
    )
    bench = a_bench("bench-1", a_unit(step="one"), plan=plan).scan(UNIT).server().scan("B-12")
    assert (bench.shows, bench.banner.args["got"]) == (("stop", "component_wrong"), "B 12")


def test_a_text_that_is_nothing_is_kept_as_not_read_and_said() -> None:
    bench = a_bench_at_work().scan("what is this")
    assert (bench.shows, bench.banner.args["text"]) == (("stop", "unknown_code"), "what is this")
    assert bench.body("IdentifiersNotRead").model_dump() == {"raw": "what is this", "why": "unknown_code", "device": ""}


def test_a_subassembly_that_is_a_unit_itself_is_a_part_where_it_is_wanted() -> None:
    part = a_component("SUB", pattern=r"(?P<serial>NMD-2647-\d+)")
    plan = a_plan(a_product(a_step("one", components=(part,))))
    bench = a_bench("bench-1", a_unit(step="one"), a_unit(OTHER, "one"), plan=plan).scan(UNIT).server().scan(OTHER)
    assert bench.body("MaterialsInstalled").serial == OTHER


def test_a_component_before_any_unit_says_to_scan_the_unit_first() -> None:
    bench = a_bench().scan(BATTERY)
    assert bench.shows == ("stop", "not_now")
    assert bench.kinds == []


def test_a_quantity_before_a_lot_makes_it_count_for_so_many() -> None:
    bench = a_bench_at_work().quantity(2)
    assert bench.shows == ("wait", "next_lot")
    assert bench.scan(FUSE).server().need("component", 1).have == 2
    assert bench.body("MaterialsInstalled").quantity == 2


def test_a_quantity_counts_for_one_scan_only() -> None:
    bench = a_bench_at_work().quantity(3).scan(FUSE)
    assert bench.shows == ("stop", "component_enough")
    assert bench.scan(FUSE).body("MaterialsInstalled").quantity == 1


# --- undo -------------------------------------------------------------------------------------------------------------


def test_undo_takes_the_last_component_out_by_its_event() -> None:
    bench = a_bench_at_work().scan(BATTERY, FUSE).server().command("UNDO")
    fuse = bench.kept[-2][1]
    assert bench.body("MaterialsUninstalled").installation == fuse
    assert (states(bench)[1], bench.shows) == (("FUSE-30A", 0, "todo"), ("kept", "component_removed"))
    assert bench.server().shows == ("go", "component_removed")


def test_undo_again_takes_out_the_one_before_and_then_the_unit_leaves() -> None:
    bench = a_bench_at_work().scan(BATTERY, FUSE).server().command("UNDO", "UNDO").server()
    assert [n for _, n, _ in states(bench)] == [0, 0]
    assert bench.command("UNDO").kinds[-1] == "UnitsDeparted"


def test_a_component_that_was_taken_out_can_go_in_again() -> None:
    bench = a_bench_at_work().scan(BATTERY).server().command("UNDO").server().scan(BATTERY).server()
    assert bench.shows == ("go", "component_fitted")


def test_undo_before_the_verdict_is_not_undone_by_a_late_refusal() -> None:
    bench = a_bench_at_work().scan(BATTERY).command("UNDO")
    before = bench.banner
    bench.says("MaterialsInstalled", "refused", "component_used", serial=BATTERY, unit=OTHER)
    assert (bench.banner, states(bench)[0][1]) == (before, 0)


def test_undo_of_a_component_that_the_server_had_refused_is_nothing_to_be_red_about() -> None:
    bench = a_bench_at_work().scan(BATTERY).command("UNDO")
    assert bench.says("MaterialsUninstalled", "accepted", "nothing_installed").shows == ("go", "noted")


def test_after_a_restart_undo_takes_out_what_was_fitted_before_it() -> None:
    before = a_bench_at_work().scan(BATTERY).server()
    after = a_bench("bench-1", floor=before.floor).scan(UNIT).server().command("UNDO")
    assert after.body("MaterialsUninstalled").installation == before.kept[-1][1]


# --- done -------------------------------------------------------------------------------------------------------------


def test_done_says_which_component_is_missing_and_sends_nothing() -> None:
    bench = a_bench_at_work().scan(BATTERY, FUSE).server().command("DONE")
    assert (bench.shows, bench.banner.args["left"]) == (("stop", "needs_component"), 1)
    assert bench.kinds[-1] == "MaterialsInstalled"


def test_a_whole_assembly_step() -> None:
    bench = a_bench_at_work().scan(BATTERY).server().scan(FUSE).server().scan(FUSE).server().command("DONE").server()
    assert (bench.shows, bench.screen.phase, bench.floor.units[UNIT].step) == (("go", "step_done"), "idle", "look")


def test_done_waits_for_verdicts_that_are_on_their_way_and_then_completes() -> None:
    bench = a_bench_at_work().scan(BATTERY, FUSE, FUSE).command("DONE")
    assert (bench.shows, "WorkCompleted" in bench.kinds) == (("wait", "asking"), False)
    assert (bench.server().shows, bench.screen.phase) == (("go", "step_done"), "idle")


def test_done_that_waited_is_given_up_when_a_component_is_refused() -> None:
    bench = a_bench_at_work().scan(BATTERY).server().scan(FUSE, FUSE).command("DONE")
    bench.says("MaterialsInstalled", "refused", "lot_held", lot="L1", part="FUSE-30A").server()
    assert "WorkCompleted" not in bench.kinds
    assert (bench.screen.unit, bench.shows) == (UNIT, ("stop", "lot_held"))


def test_done_that_waited_in_vain_completes_when_the_network_goes() -> None:
    bench = a_bench_at_work().scan(BATTERY, FUSE, FUSE).command("DONE").link("down")
    assert (bench.shows, bench.screen.phase, bench.draft("WorkCompleted").asks) == (
        ("kept", "step_done"),
        "idle",
        False,
    )


# --- without the server -----------------------------------------------------------------------------------------------


def test_without_network_a_whole_assembly_step_is_amber_and_then_accepted() -> None:
    bench = a_bench_at_work(link="down").scan(BATTERY)
    assert (bench.shows, states(bench)[0], bench.draft("MaterialsInstalled").asks) == (
        ("kept", "component_fitted"),
        ("BAT-48V", 1, "ok"),
        False,
    )
    bench.scan(FUSE, FUSE).command("DONE").link("up").server()
    assert (bench.floor.units[UNIT].step, bench.floor.units[UNIT].nc) == ("look", None)


def test_a_unit_that_leaves_and_comes_back_without_network_still_has_its_lots() -> None:
    bench = a_bench_at_work(link="down").scan(BATTERY, FUSE).command("LEAVE").scan(UNIT)
    assert states(bench) == [("BAT-48V", 1, "ok"), ("FUSE-30A", 1, "todo")]
    bench.scan(FUSE).command("DONE").link("up").server()
    assert (bench.floor.units[UNIT].step, bench.floor.units[UNIT].nc) == ("look", None)


def test_a_component_that_is_refused_after_the_unit_left_and_came_back_is_taken_from_the_list() -> None:
    bench = a_bench_at_work().scan(BATTERY).link("down").command("LEAVE").scan(UNIT)
    bench.says("MaterialsInstalled", "refused", "component_used", serial=BATTERY, unit=OTHER)
    assert (bench.shows, states(bench)[0]) == (("stop", "component_used"), ("BAT-48V", 0, "todo"))


def test_without_network_a_serial_is_not_used_twice_at_one_station() -> None:
    bench = a_bench("bench-1", a_unit(), a_unit(OTHER), link="down")
    bench.scan(UNIT, BATTERY, FUSE, FUSE).command("DONE").scan(OTHER, BATTERY)
    assert (bench.shows, bench.banner.args["unit"]) == (("stop", "component_used"), UNIT)


def test_a_component_that_is_held_late_frees_the_bench() -> None:
    bench = a_bench_at_work().scan(BATTERY).tick(3)
    assert bench.shows == ("kept", "component_fitted")
    bench.says("MaterialsInstalled", "held", "contradiction", unit=UNIT, why="component_used", nc="NC-3")
    assert (bench.shows, bench.screen.unit) == (("stop", "contradiction"), None)


def test_a_component_that_is_refused_after_the_unit_has_gone_is_told_all_the_same() -> None:
    bench = a_bench_at_work().scan(BATTERY).tick(3).scan(FUSE, FUSE).tick(3).command("DONE").tick(3)
    token = next(d.token for d, _ in bench.kept if d.kind == "MaterialsInstalled")
    verdict = bench.floor.judge("bench-1", "x", bench.kept[-1][0], "2026-11-23T08:00:00Z")
    bench.hear(token, verdict.model_copy(update={"verdict": "refused", "reason": "component_used", "args": {}}))
    assert (bench.shows, holes(bench.banner)) == (("stop", "component_used"), [])
