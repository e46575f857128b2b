"""Scans that say nothing, scans that come twice, devices that go away, and a disk that keeps nothing."""

from __future__ import annotations

import pytest

from mes.domain.barcode import write
from stations import session
from stations.inputs import BadScan, Feedback, KeptCount, VerdictCame
from stations.view import Device
from tests.builders import BATTERY, UNIT, Bench, a_bench, a_bench_at_work, a_floor

DONE = write("command", "DONE")


# --- what says nothing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "empty"),
        (".C.DONE.X", "bad_check"),
        (b"\x00\xff", "bad_characters"),
        ("A" * 600, "too_long"),
        ("[)>x", "bad_label"),
    ],
)
def test_what_cannot_be_read_is_kept_as_it_came_and_said(raw: str | bytes, why: str) -> None:
    bench = a_bench().scan(raw)
    assert (bench.shows, bench.body("IdentifiersNotRead").why) == (("stop", "unreadable"), why)


def test_an_unreadable_badge_is_said_to_be_unreadable() -> None:
    assert a_bench(signed_in=False).scan(".B.OP-07.?").shows == ("stop", "unreadable")


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (".B.OP-07.?", ".B.….?"),
        (".B.OP-0", ".B.…"),
        ("]C0.B.OP-07", ".B.…"),
        ("OP-07", "…"),
        ("OP-07.B", "….B"),
        ("OP-077", "OP-077"),
    ],
)
def test_the_number_of_a_badge_that_was_read_badly_is_not_kept_where_it_could_never_be_forgotten(
    raw: str, kept: str
) -> None:
    assert a_bench().scan(raw).body("IdentifiersNotRead").raw.endswith(kept)
    torn = a_bench().give(BadScan, raw=raw.encode(), why="torn", device="scanner-1")
    assert torn.body("IdentifiersNotRead").raw.endswith(kept)


def test_a_torn_frame_is_kept_with_its_device() -> None:
    bench = a_bench().give(BadScan, raw=b"PN12\x1b[2J", why="torn", device="scanner-1")
    assert bench.shows == ("stop", "unreadable")
    assert bench.body("IdentifiersNotRead").model_dump() == {
        "raw": "PN12\\x1b[2J",
        "why": "torn",
        "device": "scanner-1",
    }


def test_a_very_long_torn_frame_fits_into_its_event() -> None:
    bench = a_bench().give(BadScan, raw=b"\x00" * 100_000, why="w" * 100, device="d" * 100)
    body = bench.body("IdentifiersNotRead")
    assert (len(body.raw) <= 2000, len(body.why), len(body.device)) == (True, 64, 64)


def test_a_text_that_nobody_knows_is_said_and_kept() -> None:
    bench = a_bench().scan("HELLO WORLD")
    assert (bench.shows, bench.banner.args["text"]) == (("stop", "unknown_code"), "HELLO WORLD")
    assert bench.body("IdentifiersNotRead").why == "unknown_code"


def test_a_long_text_is_cut_in_the_sentence_only() -> None:
    bench = a_bench().scan("A" * 200)
    assert (len(bench.banner.args["text"]), len(bench.body("IdentifiersNotRead").raw)) == (40, 200)


def test_a_cartons_code_is_not_now() -> None:
    assert a_bench().scan(write("carton", "K-1")).shows == ("stop", "not_now")


def test_a_red_answer_is_not_wiped_away_by_the_verdict_of_the_scan_before() -> None:
    bench = a_bench_at_work().scan(BATTERY).scan("nonsense", after_s=0.1).server()
    assert bench.banner.reason == "unknown_code"


# --- what comes twice -------------------------------------------------------------------------------------------------


def test_a_unit_that_the_scanner_reads_twice_arrives_once() -> None:
    bench = a_bench().scan(UNIT).scan(UNIT, after_s=0.3)
    assert (bench.kinds, bench.banner.reason) == (["UnitsArrived"], "asking")


def test_a_command_that_the_scanner_reads_twice_counts_once() -> None:
    bench = a_bench_at_work("bench-5").command("HELP").command("HELP", after_s=0.9)
    assert bench.kinds.count("HelpRequested") == 1


def test_a_badge_that_the_scanner_reads_twice_does_not_sign_out_again() -> None:
    bench = a_bench(signed_in=False).badge().scan(write("badge", "OP-07"), after_s=0.5)
    assert (bench.screen.operator, bench.banner.reason) == ("OP-07", "welcome")


def test_a_defect_that_the_scanner_reads_twice_keeps_its_banner() -> None:
    bench = a_bench_at_work(link="down").defect()
    before = bench.banner
    assert bench.scan(write("defect", "SCRATCH"), after_s=0.2).banner == before


def test_a_scanner_that_reads_without_end_makes_one_scan() -> None:
    bench = a_bench().scan(UNIT)
    for _ in range(20):
        bench.scan(UNIT, after_s=0.5)
    assert bench.kinds.count("UnitsArrived") == 1


def test_the_same_serial_component_read_twice_is_no_mistake_of_the_operator() -> None:
    bench = a_bench_at_work().scan(BATTERY).scan(BATTERY, after_s=0.3)
    assert (bench.kinds.count("MaterialsInstalled"), bench.shows) == (1, ("kept", "kept"))


def test_the_same_command_after_a_second_is_a_new_one() -> None:
    bench = a_bench().command("HELP").command("HELP", after_s=1.1)
    assert bench.kinds.count("HelpRequested") == 2


# --- devices ----------------------------------------------------------------------------------------------------------


def test_a_device_that_is_lost_is_a_fault_once_and_shows() -> None:
    bench = a_bench().lose().lose()
    assert (bench.shows, bench.kinds) == (("stop", "device_lost"), ["FaultOccurred"])
    assert [(d.name, d.ok, d.fault) for d in bench.screen.devices] == [("scanner", False, "unplugged")]


def test_a_device_that_is_back_clears_its_fault_once() -> None:
    bench = a_bench().lose().find().find()
    assert (bench.shows, bench.kinds) == (("go", "device_back"), ["FaultOccurred", "FaultCleared"])
    assert (bench.body("FaultCleared").fault, bench.screen.devices[0].ok) == ("unplugged", True)


def test_a_device_that_was_never_lost_just_appears() -> None:
    bench = a_bench().find()
    assert (bench.kinds, bench.screen.devices[0].ok) == ([], True)


def test_devices_that_open_when_the_station_starts_are_no_news() -> None:
    bench = Bench(
        "bench-1", a_floor(), session.begin("bench-1", devices=[Device("scanner", "scanner", ok=False)])
    ).find()
    assert (bench.kinds, bench.banner.reason, bench.screen.devices[0].ok) == ([], "not_ready", True)


def test_a_device_that_is_not_there_when_the_station_starts_is_a_fault() -> None:
    bench = Bench(
        "bench-1", a_floor(), session.begin("bench-1", devices=[Device("scanner", "scanner", ok=False)])
    ).lose()
    assert (bench.kinds, bench.banner.reason) == (["FaultOccurred"], "device_lost")


def test_a_device_that_is_lost_while_the_server_is_asked_does_not_hide_the_verdict() -> None:
    assert a_bench().scan(UNIT).lose().server().shows == ("go", "unit_arrived")


# --- the disk ---------------------------------------------------------------------------------------------------------


def test_a_scan_that_is_not_kept_is_red_and_changes_nothing() -> None:
    bench = a_bench_at_work()
    bench.disk_full = True
    bench.scan(BATTERY)
    assert (bench.shows, bench.need("component").have, bench.kinds[-1]) == (("stop", "not_kept"), 0, "UnitsArrived")


def test_a_badge_that_is_not_kept_signs_nobody_in() -> None:
    bench = a_bench(signed_in=False)
    bench.disk_full = True
    assert (bench.badge().screen.operator, bench.banner.reason) == (None, "not_kept")


def test_a_scan_that_was_not_kept_counts_when_it_is_repeated_at_once() -> None:
    bench = a_bench_at_work()
    bench.disk_full = True
    bench.scan(BATTERY)
    bench.disk_full = False
    assert bench.scan(BATTERY, after_s=0.3).need("component").have == 1


# --- what the agent hears ---------------------------------------------------------------------------------------------


def test_each_new_banner_is_one_feedback_in_its_tone() -> None:
    bench = a_bench().scan("nonsense")
    assert bench.last is not None
    assert bench.last.commands == (Feedback("stop"),)


def test_an_input_without_a_new_banner_is_silent() -> None:
    bench = a_bench().tick()
    assert bench.last is not None
    assert bench.last.commands == ()


def test_how_much_is_kept_and_how_the_link_is_stands_on_the_screen() -> None:
    bench = a_bench(link="down").give(KeptCount, count=7)
    assert (bench.screen.kept, bench.screen.link) == (7, "down")


def test_a_verdict_on_an_event_of_an_earlier_start_is_told_when_it_is_bad() -> None:
    bench = a_bench().give(
        VerdictCame, event_id="unknown", verdict="held", reason="contradiction", args={"unit": UNIT, "nc": "NC-1"}
    )
    assert bench.shows == ("stop", "contradiction")
    assert (
        bench.give(VerdictCame, event_id="unknown", verdict="accepted", reason="noted").banner.reason == "contradiction"
    )


def test_a_verdict_may_come_by_event_id_alone() -> None:
    bench = a_bench_at_work().scan(BATTERY)
    bench.give(
        VerdictCame, event_id=bench.kept[-1][1], verdict="accepted", reason="component_fitted", args={"part": "x"}
    )
    assert bench.shows == ("go", "component_fitted")
