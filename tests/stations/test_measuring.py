"""The measuring thread on real pseudo-terminals: set-up, askings, and a bench that comes to rest whatever happens."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mes import wire
from mes.domain.route import Command, Station, Test
from mes.plan import Instrument, Screen, Server, StationFile
from mes.plan import Port as PortTable
from stations.bench_note import BenchNote, Doing
from stations.devices import FAMILIES
from stations.inputs import MeasureNow, Taken
from stations.measuring import Measuring, Wired
from stations.ports import Port, PortEvent, PortOpened, PortSettings
from stations.simulator.pty import VirtualPort
from stations.simulator.scpi import Signal, VirtualScpi
from tests.builders import UNIT, a_test, text
from tests.waiting import wait_for

ON, OFF = Command(instrument="meter", send="OUTP ON"), Command(instrument="meter", send="OUTP OFF")


class Desk:
    """A virtual SCPI instrument on a pseudo-terminal, the station's line to it, and the measuring thread."""

    def __init__(self, folder: Path) -> None:
        self.link = folder / "usb-Meter_0042-if00"
        self.meter = VirtualScpi(rng=random.Random(1), signals={"V": Signal(1.5)})
        self.device = VirtualPort(self.link, self.meter.respond)
        self.note = BenchNote(folder / "bench.json")
        self.taken: list[tuple[int, Sequence[Taken]]] = []
        self.unsafe: list[tuple[str, ...]] = []
        self.file = StationFile(
            station=Station(id="b1", name=text("B"), line="l", place=1),
            ports=(
                PortTable(
                    name="meter",
                    url="/dev/null",
                    family="scpi",
                    instrument=Instrument(id="DMM-1", serial="S-1", calibration_due=date(2027, 3, 1)),
                ),
            ),
            screen=Screen(port=8100),
            server=Server(url="https://atelier.lan:8443"),
        )
        self.start()

    def start(self) -> None:
        """A station that starts, with whatever an earlier one has left."""
        self.opened = 0
        self.port = Port(PortSettings(str(self.link)), FAMILIES["scpi"].framing, self._heard, retry_s=0.05)
        line = Wired("meter", "scpi", "DMM-1 (S-1)", self.port, "DMM-1", "S-1", "2027-03-01")
        self.measuring = Measuring(
            self.file,
            {"meter": line},
            self.note,
            lambda run, taken: self.taken.append((run, taken)),
            self.unsafe.append,
        )
        self.measuring.start()
        self.port.start()

    def _heard(self, event: PortEvent) -> None:
        if isinstance(event, PortOpened):
            self.measuring.opened("meter")
            self.opened += 1

    def crash(self) -> None:
        """The station is gone without a word: nothing is told to anybody any more."""
        self.port.close()

    def plugged(self) -> Desk:
        self.device.plug()
        wait_for(lambda: self.opened, 5, "the port opens")
        return self

    def run(self, *tests: Test, run: int = 1, tear_down: tuple[Command, ...] = (OFF,), **more: Any) -> Sequence[Taken]:
        """Begin a run and wait for its readings."""
        count = len(self.taken)
        self.measuring.begin(MeasureNow(run, UNIT, "one", tests, more.get("set_up", (ON,)), tear_down, "OP-07"))
        wait_for(lambda: len(self.taken) > count, 10, "readings came")
        assert self.taken[-1][0] == run
        return self.taken[-1][1]

    def output(self) -> str | None:
        return self.meter.settings.get("OUTP")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.measuring.close()
    made.port.close()
    made.device.unplug()


def asks(id: str = "v", **more: Any) -> Test:
    return a_test(id, "V", 1, 2, **more).model_copy(
        update={"instrument": "meter", "ask": "V?" if id != "odd" else "X?"}
    )


@pytest.fixture(autouse=True)
def _what_it_measures(desk: Desk) -> None:
    desk.meter.signals["V?"] = Signal(1.5)


def test_the_bench_is_set_up_before_the_first_test_and_at_rest_after_the_run(desk: Desk) -> None:
    taken = desk.plugged().run(asks())
    assert ([t.reading.value for t in taken], desk.output()) == ([1.5], "ON")
    desk.measuring.finish(1)
    wait_for(lambda: desk.output() == "OFF", 5, "the output is off")
    wait_for(lambda: desk.note.read() is None, 5, "nothing is owed any more")
    assert not any(desk.unsafe)


def test_a_reading_names_its_instrument_and_the_end_of_its_calibration(desk: Desk) -> None:
    (taken,) = desk.plugged().run(asks())
    assert (taken.device, taken.serial, taken.calibration_due) == ("DMM-1", "S-1", "2027-03-01")
    assert taken.instrument.startswith("DMM-1 (S-1) · VIRTUAL-DMM")


def test_what_is_owed_is_on_the_disk_before_the_output_is_on(desk: Desk) -> None:
    desk.plugged()
    seen: list[Doing | None] = []
    answer = desk.meter.respond

    def looks(data: bytes) -> Any:
        if b"OUTP ON" in data:
            seen.append(desk.note.read())
        return answer(data)

    desk.device.respond = looks
    desk.run(asks())
    assert [doing and doing.owed for doing in seen] == [{"meter": ("OUTP OFF",)}]


def test_a_question_is_asked_again_only_while_nothing_usable_comes(desk: Desk) -> None:
    desk.plugged()
    answer, deaf = desk.meter.respond, iter([True, True])

    def hears_the_third(data: bytes) -> Any:
        return b"" if b"V?" in data and next(deaf, False) else answer(data)

    desk.device.respond = hears_the_third
    taken = desk.run(asks(repeats=3, timeout_s=0.2), run=2, set_up=(), tear_down=())
    assert [(t.attempt, t.reading.outcome) for t in taken] == [(1, "timeout"), (2, "timeout"), (3, "measured")]
    silent = desk.run(asks("odd", repeats=2, timeout_s=0.2), run=3, set_up=(), tear_down=())
    assert [(t.attempt, t.reading.outcome) for t in silent] == [(1, "timeout"), (2, "timeout"), (3, "timeout")]


def test_a_bench_that_cannot_be_set_up_measures_nothing(desk: Desk) -> None:
    (taken,) = desk.plugged().run(asks(), set_up=(Command(instrument="meter", send="RELAY 1"),))
    assert (taken.reading.outcome, taken.reading.value) == ("error", None)
    assert "Undefined header" in taken.reading.raw


def test_a_run_that_is_stopped_ends_at_once_although_the_instrument_is_silent(desk: Desk) -> None:
    desk.plugged().run(asks(), run=1)
    desk.measuring.begin(MeasureNow(1, UNIT, "one", (asks("odd", timeout_s=600),), (ON,), (OFF,)))
    wait_for(lambda: b"X?" in desk.device.received, 5, "it is being asked")
    desk.measuring.stop(1)
    wait_for(lambda: desk.output() == "OFF", 5, "the output is off")
    assert len(desk.taken) == 1, "its readings are not wanted"


def test_a_run_that_is_stopped_while_it_settles_asks_nothing(desk: Desk) -> None:
    desk.plugged()
    desk.measuring.begin(MeasureNow(1, UNIT, "one", (asks(settle_s=600),), (ON,), (OFF,)))
    wait_for(lambda: desk.output() == "ON", 5, "the output is on")
    desk.measuring.stop(1)
    wait_for(lambda: desk.output() == "OFF", 5, "the output is off")
    assert b"V?" not in desk.device.received


def test_after_a_pulled_cable_the_run_is_an_error_and_the_bench_is_unsafe_until_it_has_been_told(desk: Desk) -> None:
    desk.plugged().run(asks(), run=1)
    desk.device.unplug()
    wait_for(lambda: not desk.port.is_open, 5, "the line is gone")
    (taken,) = desk.run(asks("w"), run=1)
    assert (taken.reading.outcome, desk.output()) == ("error", "ON")
    desk.measuring.finish(1)
    wait_for(lambda: desk.unsafe[-1:] == [("meter",)], 5, "the operator is told")
    assert desk.run(asks(), run=2)[0].reading.raw == "the bench is not at rest"
    desk.device.plug()
    wait_for(lambda: desk.output() == "OFF", 5, "it is told at once when it is back")
    wait_for(lambda: desk.unsafe[-1:] == [()], 5, "and the operator hears it")
    assert desk.run(asks(), run=3)[0].reading.value == 1.5


def test_a_cable_that_comes_back_during_the_run_does_not_save_it(desk: Desk) -> None:
    desk.plugged().run(asks(), run=1)
    desk.device.unplug()
    wait_for(lambda: not desk.port.is_open, 5, "the line is gone")
    before = desk.opened
    desk.device.plug()
    wait_for(lambda: desk.opened > before, 5, "the line is back")
    (taken,) = desk.run(asks("w"), run=1)
    assert (taken.reading.outcome, taken.reading.value) == ("error", None), "its output was off: 1.5 V says nothing"


def test_an_instrument_that_lost_its_power_in_the_middle_says_nothing_of_the_unit(desk: Desk) -> None:
    desk.plugged().run(asks(), run=1)
    desk.meter.power_cycle()
    (taken,) = desk.run(asks("w"), run=1)
    assert (taken.reading.outcome, taken.reading.value) == ("error", None)


def test_an_instrument_that_was_switched_on_before_the_run_is_all_right(desk: Desk) -> None:
    desk.plugged().run(asks(), run=1)
    desk.measuring.finish(1)
    desk.meter.power_cycle()
    assert desk.run(asks(), run=2)[0].reading.value == 1.5


def test_after_a_crash_the_bench_is_made_safe_before_anything_else_and_the_run_is_told(desk: Desk) -> None:
    desk.plugged().run(asks(), run=1)
    desk.crash()
    assert desk.output() == "ON"
    desk.device.received.clear()
    desk.unsafe.clear()
    desk.start()
    broken = desk.measuring.broken_off
    assert broken is not None
    assert (broken.unit, broken.step, broken.operator) == (UNIT, "one", "OP-07")
    assert [(m.test, m.outcome, m.value) for m in broken.tests] == [("v", "passed", 1.5)]
    wait_for(lambda: desk.output() == "OFF", 5, "the output is off")
    told = bytes(desk.device.received).replace(b"SYST:ERR?\n", b"")
    assert told.startswith(b"OUTP OFF"), told
    wait_for(lambda: desk.unsafe == [("meter",), ()], 5, "unsafe until then")
    desk.measuring.reported()
    wait_for(lambda: desk.note.read() is None, 5, "it is recorded once")


def test_a_station_that_is_ended_in_the_middle_of_a_run_leaves_the_bench_at_rest(desk: Desk) -> None:
    desk.plugged().run(asks(), run=1)
    desk.measuring.close()
    assert desk.output() == "OFF"
    doing = desk.note.read()
    assert doing is not None
    assert (doing.owed, doing.open) == ({}, True), "the run is still to be recorded"


def test_a_note_that_somebody_has_spoilt_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "note.json").write_text("{}")
    assert BenchNote(tmp_path / "note.json").read() is None
    assert (tmp_path / "note.bad").exists()
    doing = Doing(unit=UNIT, step="one", owed={"meter": ("OUTP OFF",)})
    BenchNote(tmp_path / "note.json").write(doing)
    more = doing.with_tests(wire.Measurement(test="v", outcome="passed", value=1.5))
    BenchNote(tmp_path / "note.json").write(more)
    assert BenchNote(tmp_path / "note.json").read() == more
