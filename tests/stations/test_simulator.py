"""The real port and the real device code against each virtual device, over a pseudo-terminal, in good days and bad."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import pytest

from mes.domain.barcode import Badge, Gs1, Plain, Unreadable, read, write
from stations.devices import FAMILIES, safety_tester, scale, scpi
from stations.devices.readings import Identity, Reading
from stations.devices.scale import NoWeight, Weight
from stations.frames import BadFrame, Frame
from stations.ports import Port, PortEvent, PortOpened, PortSettings
from stations.simulator.faults import Fault, spoil
from stations.simulator.pty import Burst, VirtualPort
from stations.simulator.safety_tester import VirtualSafetyTester
from stations.simulator.scale import Dialect, VirtualScale
from stations.simulator.scanner import ScanFault, VirtualScanner
from stations.simulator.scpi import QUEUE, Signal, VirtualScpi
from tests.waiting import wait_for


class Responds(Protocol):
    """A virtual instrument."""

    def respond(self, data: bytes) -> list[Burst]: ...


class Bench:
    """Plugs virtual devices in and opens real ports on them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self.events: list[PortEvent] = []
        self.device: VirtualPort

    def connect(self, family: str, instrument: Responds | None = None) -> Port:
        self.device = VirtualPort(self._folder / family)
        if instrument is not None:
            self.device.respond = instrument.respond
        self._stack.enter_context(self.device)
        settings = PortSettings(str(self.device.link))
        port = self._stack.enter_context(Port(settings, FAMILIES[family].framing, self.events.append))
        wait_for(lambda: any(isinstance(e, PortOpened) for e in self.events), 5, "the port opens")
        return port

    def frames(self) -> list[Frame | BadFrame]:
        return [e for e in self.events if isinstance(e, Frame | BadFrame)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(tmp_path, stack)


def rng() -> random.Random:
    return random.Random(7)


# --- scanner


@pytest.mark.parametrize("terminator", [b"\r", b"\n", b"\r\n"])
def test_a_scanned_badge_is_read_whatever_ends_the_line(bench: Bench, terminator: bytes) -> None:
    bench.connect("scanner")
    VirtualScanner(bench.device).scan(write("badge", "B-0007"), terminator)
    wait_for(bench.frames, 5, "the scan arrives")
    assert [read(f.raw) for f in bench.frames()] == [Badge("B-0007")]


def test_a_gs1_code_keeps_its_separators_all_the_way(bench: Bench) -> None:
    bench.connect("scanner")
    VirtualScanner(bench.device).scan(b"]d2010703206980498810LOT7\x1d21S1\x1d")
    wait_for(bench.frames, 5, "the scan arrives")
    code = read(bench.frames()[0].raw)
    assert isinstance(code, Gs1)
    assert (code.lot, code.serial) == ("LOT7", "S1")


@pytest.mark.parametrize(
    ("fault", "good", "bad"),
    [(None, 1, []), ("split", 1, []), ("double", 2, []), ("torn", 0, ["torn"]), ("no_terminator", 0, ["torn"]),
     ("noise", 0, ["bad_bytes"])],
)  # fmt: skip
def test_a_broken_scan_is_seen_as_broken_and_the_next_one_is_read(
    bench: Bench, fault: ScanFault | None, good: int, bad: list[str]
) -> None:
    bench.connect("scanner")
    scanner = VirtualScanner(bench.device, rng=rng())
    scanner.scan("NMD-2640-00012", fault=fault)
    wait_for(lambda: len(bench.frames()) == good + len(bad), 5, "the frames arrive")
    assert [f.raw for f in bench.frames() if isinstance(f, Frame)] == [b"NMD-2640-00012"] * good
    assert [f.why for f in bench.frames() if isinstance(f, BadFrame)] == bad
    scanner.scan("NEXT")
    wait_for(lambda: bench.frames()[-1] == Frame(b"NEXT"), 5, "the next scan arrives")
    assert read(bench.frames()[-1].raw) == Plain("NEXT")


def test_a_code_with_letters_outside_ascii_is_refused_and_not_guessed(bench: Bench) -> None:
    bench.connect("scanner")
    VirtualScanner(bench.device).scan("NMD-É1")
    wait_for(bench.frames, 5, "the frame arrives")
    assert bench.frames() == [BadFrame("bad_bytes", "NMD-É1".encode())]
    assert isinstance(read(bench.frames()[0].raw), Unreadable)


# --- scales


@pytest.mark.parametrize(
    ("family", "dialect", "expected"),
    [("scale", "mt-sics", (1234.5, "g")), ("scale-kern", "kern", (1.234, "kg")),
     ("scale-ohaus", "ohaus", (1234.5, "g"))],
)  # fmt: skip
def test_a_weight_at_rest_is_read_in_each_dialect(
    bench: Bench, family: str, dialect: Dialect, expected: tuple[float, str]
) -> None:
    virtual = VirtualScale(rng=rng(), dialect=dialect)
    virtual.load(1234.5)
    weight = scale.weigh(bench.connect(family, virtual), scale.DIALECTS[dialect])
    assert isinstance(weight, Weight), weight
    assert (weight.unit, weight.stable) == (expected[1], True)
    assert weight.value == pytest.approx(expected[0], abs=0.001)


@pytest.mark.parametrize("dialect", ["mt-sics", "kern", "ohaus"])
def test_a_restless_weight_is_shown_as_such_and_not_measured(bench: Bench, dialect: Dialect) -> None:
    virtual = VirtualScale(rng=rng(), dialect=dialect)
    virtual.load(500, settle=1)
    weight = scale.weigh(bench.connect("scale", virtual), scale.DIALECTS[dialect], stable=False)
    assert isinstance(weight, Weight)
    assert not weight.stable


def test_a_scale_that_does_not_come_to_rest_is_busy_and_then_gives_its_weight(bench: Bench) -> None:
    virtual = VirtualScale(rng=rng())
    port = bench.connect("scale", virtual)
    virtual.load(500, settle=1)
    assert scale.weigh(port, scale.DIALECTS["mt-sics"]) == NoWeight("busy", "S I")
    assert scale.measure(scale.DIALECTS["mt-sics"], port, "S", 2.0) == Reading(
        500.0, "g", "measured", "S S     500.00 g"
    )


@pytest.mark.parametrize(("dialect", "why"), [("mt-sics", "overload"), ("kern", "overload"), ("ohaus", "error")])
def test_an_overloaded_scale_gives_no_weight(bench: Bench, dialect: Dialect, why: str) -> None:
    virtual = VirtualScale(rng=rng(), dialect=dialect, capacity_g=1000)
    virtual.load(1001)
    answer = scale.weigh(bench.connect("scale", virtual), scale.DIALECTS[dialect])
    assert isinstance(answer, NoWeight)
    assert answer.why == why


def test_zeroing_takes_the_load_off_the_display(bench: Bench) -> None:
    virtual = VirtualScale(rng=rng())
    virtual.load(20)
    port = bench.connect("scale", virtual)
    port.ask(b"Z\r\n")
    virtual.load(5)
    answer = scale.weigh(port, scale.DIALECTS["mt-sics"])
    assert isinstance(answer, Weight)
    assert answer.value == -15


@pytest.mark.parametrize("fault", ["silence", "half", "late", "noise"])
def test_a_spoilt_answer_of_a_scale_is_no_weight_and_the_next_one_is(bench: Bench, fault: Fault) -> None:
    virtual = VirtualScale(rng=rng(), planned=[fault])
    virtual.load(100)
    port = bench.connect("scale", virtual)
    first = scale.weigh(port, scale.DIALECTS["mt-sics"], timeout_s=0.2 if fault == "late" else 0.5)
    assert isinstance(first, NoWeight)
    virtual.load(200)
    second = scale.weigh(port, scale.DIALECTS["mt-sics"])
    assert isinstance(second, Weight), second
    assert second.value == 200  # and not the late 100


# --- SCPI


SIGNALS = {
    "MEAS:VOLT:AC?": Signal(230.0, 0.5),
    "MEAS:CURR?": Signal(0.012, unit="A"),
    "MEAS:RES?": Signal(math.inf),
    "MEAS:FREQ?": Signal(49.98, unit="HZ", comma=True),
}


def test_an_instrument_names_itself(bench: Bench) -> None:
    virtual = VirtualScpi(rng=rng(), signals=SIGNALS)
    assert scpi.identify(bench.connect("scpi", virtual)) == Identity(
        "ATELIER", "VIRTUAL-DMM", "0000001", "1.0", "ATELIER,VIRTUAL-DMM,0000001,1.0"
    )


def test_a_query_gives_a_number_its_unit_or_an_overflow(bench: Bench) -> None:
    port = bench.connect("scpi", VirtualScpi(rng=rng(), signals=SIGNALS))
    volts = scpi.measure(port, "MEAS:VOLT:AC?", 2.0)
    assert volts.outcome == "measured"
    assert volts.value == pytest.approx(230, abs=3)
    assert scpi.measure(port, "MEAS:CURR?", 2.0) == Reading(0.012, "A", "measured", "+1.20000000E-02A")
    assert scpi.measure(port, "MEAS:FREQ?", 2.0) == Reading(49.98, "Hz", "measured", "+4,99800000E+01HZ")
    assert scpi.measure(port, "MEAS:RES?", 2.0) == Reading(None, None, "overflow", "+9.90000000E+37")


def test_an_unknown_query_is_silent_and_its_reason_is_fetched_from_the_error_queue(bench: Bench) -> None:
    port = bench.connect("scpi", VirtualScpi(rng=rng(), signals=SIGNALS))
    reading = scpi.measure(port, "MEAS:SMELL?", 0.2)
    assert (reading.outcome, reading.value) == ("timeout", None)
    assert "-113 Undefined header" in reading.raw
    assert scpi.drain_errors(port) == ()


def test_an_overflowing_error_queue_is_emptied(bench: Bench) -> None:
    virtual = VirtualScpi(rng=rng(), signals=SIGNALS)
    port = bench.connect("scpi", virtual)
    errors = scpi.set_up(port, [f"SENS:NOISE {n}" for n in range(QUEUE + 3)])
    assert [e.code for e in errors] == [-113] * (QUEUE - 1) + [350]
    assert scpi.set_up(port, ["*CLS"]) == ()


def test_an_instrument_in_local_mode_is_a_timeout(bench: Bench) -> None:
    virtual = VirtualScpi(rng=rng(), signals=SIGNALS)
    virtual.local = True
    assert scpi.measure(bench.connect("scpi", virtual), "MEAS:CURR?", 0.2).outcome == "timeout"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [("silence", "timeout"), ("half", "error"), ("late", "timeout"), ("noise", "error"), ("split", "measured"),
     ("echo", "measured"), ("twice", "measured")],
)  # fmt: skip
def test_no_fault_of_the_line_makes_a_wrong_number_and_the_next_query_is_answered(
    bench: Bench, fault: Fault, outcome: str
) -> None:
    virtual = VirtualScpi(rng=rng(), signals={"A?": Signal(1.5), "B?": Signal(2.5)}, planned=[fault])
    port = bench.connect("scpi", virtual)
    first = scpi.measure(port, "A?", 0.3)
    assert (first.outcome, first.value) == (outcome, 1.5 if outcome == "measured" else None)
    second = scpi.measure(port, "B?", 2.0)
    assert (second.outcome, second.value) == ("measured", 2.5)


def test_a_cable_pulled_during_a_query_is_an_error_and_after_the_replug_the_instrument_answers(bench: Bench) -> None:
    virtual = VirtualScpi(rng=rng(), signals=SIGNALS, planned=["silence"])
    port = bench.connect("scpi", virtual)
    readings: list[Reading] = []
    asking = threading.Thread(target=lambda: readings.append(scpi.measure(port, "MEAS:CURR?", 30.0)))
    asking.start()
    wait_for(lambda: b"CURR" in bench.device.received, 5, "the query arrives")
    bench.device.unplug()
    asking.join(timeout=10)
    assert [r.outcome for r in readings] == ["error"]
    bench.device.plug()
    wait_for(lambda: port.is_open, 5, "the port opens again")
    assert scpi.measure(port, "MEAS:CURR?", 2.0).value == 0.012


# --- safety tester


@pytest.mark.parametrize(
    ("ask", "unit", "low", "high"), [("GB", "mohm", 10, 100), ("IR", "Mohm", 100, 1000), ("ACW", "mA", 0.1, 5)]
)
def test_each_test_runs_and_gives_its_reading(bench: Bench, ask: str, unit: str, low: float, high: float) -> None:
    virtual = VirtualSafetyTester(rng=rng())
    reading = safety_tester.measure(bench.connect("safety-tester", virtual), ask, 10.0)
    assert (reading.outcome, reading.unit) == ("measured", unit)
    assert reading.value is not None
    assert low < reading.value < high
    assert not virtual.energised


def test_settings_are_taken_and_an_unknown_one_is_objected_to(bench: Bench) -> None:
    virtual = VirtualSafetyTester(rng=rng())
    port = bench.connect("safety-tester", virtual)
    assert scpi.set_up(port, ["MANU:EDIT:MODE ACW", "MANU:ACW:VOLT 1.5", "MANU:ACW:TTIM 1"]) == ()
    assert virtual.settings == {"ACW:VOLT": "1.5", "ACW:TTIM": "1"}
    assert [e.code for e in scpi.set_up(port, ["MANU:ACW:COLOUR RED"])] == [-113]
    identity = scpi.identify(port)
    assert isinstance(identity, Identity)
    assert (identity.maker, identity.model) == ("", "GPT-9803")


def test_a_stored_step_is_selected_and_a_step_that_is_not_stored_starts_nothing(bench: Bench) -> None:
    virtual = VirtualSafetyTester(rng=rng(), steps={3: "IR"})
    port = bench.connect("safety-tester", virtual)
    assert safety_tester.measure(port, "IR@3", 10.0).outcome == "measured"
    assert safety_tester.measure(port, "IR@4", 10.0).raw == "the tester refuses IR@4"
    assert safety_tester.measure(port, "ACW@3", 10.0).outcome == "error"


def test_a_unit_that_fails_is_rejected_whether_it_breaks_down_or_leaks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safety_tester, "START_S", 0.5)
    virtual = VirtualSafetyTester(rng=rng(), fail_probability=1.0)
    port = bench.connect("safety-tester", virtual)
    readings = [safety_tester.measure(port, "ACW", 10.0) for _ in range(6)]
    assert {r.outcome for r in readings} == {"rejected"}
    assert {"R=" in r.raw for r in readings} == {True, False}


def test_an_open_interlock_gives_an_error_and_never_the_last_units_result(bench: Bench) -> None:
    virtual = VirtualSafetyTester(rng=rng())
    port = bench.connect("safety-tester", virtual)
    assert safety_tester.measure(port, "ACW", 10.0).outcome == "measured"
    virtual.interlock_open = True
    assert safety_tester.measure(port, "ACW", 10.0) == Reading(None, None, "error", "the test did not start")


def test_a_test_that_takes_too_long_is_broken_off(bench: Bench) -> None:
    virtual = VirtualSafetyTester(rng=rng(), test_s=60)
    assert safety_tester.measure(bench.connect("safety-tester", virtual), "ACW", 0.3).outcome == "error"
    wait_for(lambda: not virtual.energised, 5, "the voltage is off")


def test_stopping_from_another_thread_switches_the_voltage_off_and_gives_no_value(bench: Bench) -> None:
    virtual = VirtualSafetyTester(rng=rng(), test_s=60)
    port = bench.connect("safety-tester", virtual)
    readings: list[Reading] = []
    testing = threading.Thread(target=lambda: readings.append(safety_tester.measure(port, "ACW", 30.0)))
    testing.start()
    wait_for(lambda: virtual.energised, 5, "the test runs")
    stop: Callable[..., None] | None = FAMILIES["safety-tester"].stop
    assert stop is not None
    stop(port)
    testing.join(timeout=10)
    assert not virtual.energised
    assert [(r.outcome, r.value) for r in readings] == [("error", None)]


@pytest.mark.parametrize("fault", ["half", "noise"])
def test_a_spoilt_answer_during_a_test_gives_no_value_and_no_voltage(bench: Bench, fault: Fault) -> None:
    virtual = VirtualSafetyTester(rng=rng(), planned=[None, None, None, fault], test_s=5)
    reading = safety_tester.measure(bench.connect("safety-tester", virtual), "ACW", 10.0)
    assert (reading.outcome, reading.value) == ("error", None)
    wait_for(lambda: not virtual.energised, 5, "the voltage is off")


# --- the simulator itself


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_same_seed_gives_the_same_answers(seed: int) -> None:
    def answers() -> list[object]:
        chance = random.Random(seed)
        clock = iter(range(0, 100_000, 10))
        meter = VirtualScpi(rng=chance, signals=SIGNALS, planned=[None, "noise"])
        pan = VirtualScale(rng=chance, drift_g=0.5)
        pan.load(100, settle=1)
        tester = VirtualSafetyTester(rng=chance, fail_probability=0.5, now=lambda: float(next(clock)))
        return [
            *(meter.respond(b"MEAS:VOLT:AC?\n") for _ in range(3)),
            *(pan.respond(b"SI\r\n") for _ in range(3)),
            *(tester.respond(b"FUNC:TEST ON\nMEAS?\n") for _ in range(5)),
        ]

    assert answers() == answers()


def test_commands_in_pieces_are_put_together_before_they_are_answered() -> None:
    meter = VirtualScpi(rng=rng(), signals=SIGNALS)
    assert meter.respond(b"*ID") == []
    assert meter.respond(b"N?\r") == [Burst(b"ATELIER,VIRTUAL-DMM,0000001,1.0\n")]
    assert meter.respond(b"\n") == []


def test_a_fault_is_planned_for_an_answer_and_not_for_a_command_without_one() -> None:
    meter = VirtualScpi(rng=rng(), signals=SIGNALS)
    meter.plan("silence")
    assert meter.respond(b"*CLS\n*IDN?\n*IDN?\n") == [Burst(b"ATELIER,VIRTUAL-DMM,0000001,1.0\n")]


def test_an_answer_split_into_bytes_loses_none() -> None:
    bursts = spoil(b"Q\n", b"+1.5\n", "split", rng())
    assert b"".join(b.data for b in bursts) == b"+1.5\n"
    assert all(a.after_s < b.after_s for a, b in pairwise(bursts))


def test_a_virtual_device_appears_behind_its_link_and_leaves_nothing_behind(tmp_path: Path) -> None:
    device = VirtualPort(tmp_path / "dev")
    assert not device.link.is_symlink()
    with device.plug():
        assert device.link.is_char_device()
        device.plug()
    device.unplug()
    assert list(tmp_path.iterdir()) == []
    assert device.write(b"x") == 0


def test_writing_without_a_reader_ends_in_its_time(tmp_path: Path) -> None:
    with VirtualPort(tmp_path / "dev") as device:
        assert device.write(b"x" * 1_000_000, limit_s=0.2) < 1_000_000


def test_unplugging_during_a_long_write_ends_it(tmp_path: Path) -> None:
    device = VirtualPort(tmp_path / "dev").plug()
    taken: list[int] = []
    writing = threading.Thread(target=lambda: taken.append(device.write(b"x" * 1_000_000, limit_s=60)))
    writing.start()
    device.unplug()
    writing.join(timeout=5)
    assert not writing.is_alive()
    assert taken[0] < 1_000_000


def test_a_virtual_device_cannot_unplug_itself_while_it_answers(tmp_path: Path) -> None:
    refused: list[str] = []

    def respond(_: bytes) -> bytes:
        try:
            device.unplug()
        except RuntimeError as e:
            refused.append(str(e))
        return b""

    with VirtualPort(tmp_path / "dev", respond) as device, device.link.open("wb", buffering=0) as line:
        line.write(b"x")
        wait_for(lambda: refused, 5, "the device refuses")
