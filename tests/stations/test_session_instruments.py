"""An instrument out of calibration at the bench: no test begins with it, with and without network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mes import wire
from mes.domain.calibration import Named
from mes.domain.reasons import sentence
from mes.domain.route import Plan
from mes.plan import StationFile, read_station
from stations.recall import told
from stations.session import begin
from tests.builders import (
    SAFETY_STEP,
    UNIT,
    Bench,
    a_bench,
    a_floor,
    a_plan,
    a_product,
    a_unit,
    a_unit_at_work,
    holes,
)

TODAY = "2026-11-23"
YESTERDAY = "2026-11-22"
TESTER = "SAF-01"


def plan_of(begins: str = "when-asked", calibration: str = "stop") -> Plan:
    """A plan whose first step is the safety test, without network too."""
    step = SAFETY_STEP.model_copy(update={"begins": begins, "offline": "allow"})
    plan = a_plan(a_product(step))
    return plan.model_copy(update={"plant": plan.plant.model_copy(update={"calibration": calibration})})


def registered(state: Any = "good", *, until: str = "", since: str = "") -> tuple[wire.FloorInstrument, ...]:
    return (wire.FloorInstrument(id=TESTER, state=state, until=until, since=since),)


def bench_with(
    register: tuple[wire.FloorInstrument, ...] | None,
    *,
    own: str = "2099-12-31",
    link: str = "up",
    begins: str = "when-asked",
    calibration: str = "stop",
) -> Bench:
    """A bench with one tester, and the unit on it."""
    plan = plan_of(begins, calibration)
    floor = a_floor(a_unit(step="safety"), plan=plan)
    floor.register = register
    bench = a_bench("bench-3", floor=floor, link=link, instruments={"tester": Named(TESTER, "S-1", own)})
    bench.scan(UNIT)
    return bench.server() if link == "up" else bench


UNFIT = [
    (registered(until=YESTERDAY), "2099-12-31", "instrument_overdue"),
    (registered("unfit", since=YESTERDAY), "2099-12-31", "instrument_unfit"),
    (registered("retired", since=YESTERDAY), "2099-12-31", "instrument_retired"),
    (registered("new"), YESTERDAY, "instrument_overdue"),
    ((), YESTERDAY, "instrument_overdue"),
    (None, YESTERDAY, "instrument_overdue"),
    ((), "", "instrument_unknown"),
]
CASES = [f"{reason}-{i}" for i, (_r, _own, reason) in enumerate(UNFIT)]


@pytest.mark.parametrize("link", ["up", "down"])
@pytest.mark.parametrize("begins", ["when-asked", "by-itself"])
@pytest.mark.parametrize(("register", "own", "reason"), UNFIT, ids=CASES)
def test_no_test_begins_with_an_instrument_that_is_not_fit(
    register: tuple[wire.FloorInstrument, ...] | None, own: str, reason: str, begins: str, link: str
) -> None:
    bench = bench_with(register, own=own, begins=begins, link=link)
    assert bench.shows == ("stop", reason)  # before anything is connected
    bench.scan(UNIT)
    assert bench.shows == ("stop", reason)
    assert bench.measuring is None
    assert "UnitsTested" not in bench.kinds
    assert holes(bench.banner) == []


@pytest.mark.parametrize("link", ["up", "down"])
@pytest.mark.parametrize(
    ("register", "own"),
    [
        (registered(until=TODAY), YESTERDAY),
        (registered("new"), TODAY),
        ((), TODAY),
        (None, TODAY),
    ],
)
def test_a_calibration_holds_to_the_end_of_its_last_day_and_the_register_wins(
    register: tuple[wire.FloorInstrument, ...] | None, own: str, link: str
) -> None:
    bench = bench_with(register, own=own, link=link).scan(UNIT)
    assert bench.shows[1] == "testing"
    assert bench.measuring is not None


def test_the_test_begins_as_soon_as_the_station_hears_of_a_new_calibration() -> None:
    bench = bench_with(registered(until=YESTERDAY))
    bench.floor.register = registered(until="2027-11-23")
    bench.hear_of_the_floor()
    assert bench.scan(UNIT).shows[1] == "testing"


@pytest.mark.parametrize("begins", ["when-asked", "by-itself"])
def test_a_plant_that_only_warns_says_it_and_tests(begins: str) -> None:
    bench = bench_with(registered(until=YESTERDAY), begins=begins, calibration="warn")
    if begins == "when-asked":
        bench.scan(UNIT)
    assert bench.shows == ("kept", "instrument_overdue_warn")
    assert bench.measuring is not None


def test_a_plant_that_does_not_ask_is_told_nothing() -> None:
    bench = bench_with(registered(until=YESTERDAY), calibration="off").scan(UNIT)
    assert bench.shows[1] == "testing"


def test_the_sentence_names_the_instrument_the_day_and_what_to_do() -> None:
    banner = bench_with(registered(until=YESTERDAY)).banner
    assert sentence(banner.reason, banner.args, "fr") == (
        "L’instrument SAF-01 est hors délai : son étalonnage a fini le 22/11/2026.",
        "L’appareil n’est pas en cause. Scannez AIDE : il faut un étalonnage, ou un autre instrument.",
    )
    assert sentence(banner.reason, banner.args, "en") == (
        "Instrument SAF-01 is overdue: its calibration ended on 2026-11-22.",
        "The unit is not at fault. Scan HELP: it takes a calibration, or another instrument.",
    )


def test_the_servers_word_on_a_run_is_that_it_does_not_count() -> None:
    """The server knew of the calibration's end before the bench did."""
    bench = bench_with(None).scan(UNIT).measure(0.05, 2.0, 1.0)
    bench.says("UnitsTested", "accepted", "instrument_unfit", instrument=TESTER, since={"fr": "x", "en": "x"})
    assert bench.shows == ("stop", "instrument_unfit")
    work = bench.session.at_front
    assert work is not None
    assert (work.unit.tested, work.unit.attempts) == ("error", 0)
    bench.command("DONE")
    assert bench.shows[1] == "needs_test"


def test_a_stations_file_says_what_a_test_may_call_its_instruments() -> None:
    file = read_station(Path(__file__).parents[2] / "config" / "stations" / "bench-4.toml")
    assert isinstance(file, StationFile)
    saf = Named("SAF-01", "GPT-EX-0001", "2027-03-31")
    assert file.named() == {"safety": saf, "safety-tester": saf}


def test_a_station_that_was_told_keeps_the_register_and_an_older_server_tells_none() -> None:
    session = begin("bench-3")
    floor = a_floor(a_unit_at_work())
    floor.register = registered(until=TODAY)
    recall = told(session.recall, floor.reply())
    floor.register = None
    assert told(recall, floor.reply()).instruments == recall.instruments
