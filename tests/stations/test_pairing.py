"""Every fault of an instrument, through a real pseudo-terminal and the real families: never a wrong value.

And whatever sequence of faults comes: an answer is never taken for the answer to another question.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mes.domain.measurement import convert
from stations.devices import FAMILIES
from stations.devices.readings import Reading, Reply
from stations.devices.scpi import FRAMING
from stations.ports import Port, PortEvent, PortSettings
from stations.simulator import host, instrument
from stations.simulator.faults import FAULTS, Fault
from stations.simulator.host import Host, order
from stations.simulator.instrument import VirtualInstrument
from stations.simulator.kinds import Device
from stations.simulator.pty import VirtualPort
from tests.waiting import wait_for


@dataclass(frozen=True)
class Case:
    """A family, what it is asked, the orders that make the unit, and the value that is right, in its unit."""

    family: str
    asked: str
    connected: tuple[str, ...]
    right: float
    unit: str
    within: float
    timeout_s: float

    @property
    def late_s(self) -> float:
        """Later than the family waits for one answer."""
        return 2.2 if self.family == "safety-tester" else 1.2 * self.timeout_s


def weighed(family: str, grams: float) -> Case:
    return Case(family, "S", (order("it", "load", grams),), grams, "g", 5, 0.5)


CASES = {
    "scpi": Case("scpi", "MEAS:CURR?", (order("it", "show", "MEAS:CURR?", 1.25, 0.0, "A"),), 1.25, "A", 1e-6, 0.5),
    "scale": weighed("scale", 1200),
    "scale-kern": weighed("scale-kern", 1200),
    "scale-ohaus": weighed("scale-ohaus", 1200),
    "safety-tester": Case("safety-tester", "ACW", (order("it", "fail"),), 0.4, "mA", 0.3, 3.0),
}
HARMLESS = {"split", "echo", "twice", "stale", "comma", "unit"}
"""Faults in spite of which the right value may be read."""


class Bench:
    """One simulated instrument with a real port on it."""

    def __init__(self, folder: Path, case: Case, stack: ExitStack) -> None:
        self.case = case
        self.events: list[PortEvent] = []
        device = Device("it", case.family, test_s=0.3)
        self.host = stack.enter_context(Host([(device, folder / "it")], seed=7, late_s=case.late_s))
        framing = FAMILIES[case.family].framing
        self.port = stack.enter_context(Port(PortSettings(str(folder / "it")), framing, self.events.append))
        self.open()

    def open(self) -> None:
        wait_for(lambda: self.port.is_open, 10, "the port opens")

    def ask(self) -> Reading:
        measure = FAMILIES[self.case.family].measure
        assert measure is not None
        return measure(self.port, self.case.asked, self.case.timeout_s)

    def measured(self) -> Reading:
        """The next value; a safety test that is over before it was seen running gives none."""

        def asked() -> Reading | None:
            found = self.ask()
            return found if found.outcome == "measured" else None

        found = wait_for(asked, 20, "it answers well")
        assert found is not None
        return found


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def is_right(case: Case, reading: Reading) -> bool:
    value = convert(reading.value or 0.0, reading.unit or case.unit, case.unit)
    return value == pytest.approx(case.right, abs=case.within)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CASES)
def test_a_fault_gives_no_value_or_the_right_one_and_afterwards_the_right_one(
    tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch, name: str, fault: Fault
) -> None:
    monkeypatch.setattr(instrument, "LOCAL_S", 0.4)
    monkeypatch.setattr(host, "POWER_S", 0.3)
    case = CASES[name]
    bench = Bench(tmp_path, case, stack)
    # The unit before, on the same instrument: its value must never come again.
    other = [order("it", "load", 7.0), order("it", "show", case.asked, 7.0, 0.0, "A")]
    for said in other:
        if said.split()[1] == case.connected[0].split()[1]:
            bench.host.obey(said)
    assert not is_right(case, bench.measured()) or name == "safety-tester"
    for said in case.connected:
        bench.host.obey(said)
    faults: list[str] = [fault] * (3 if name == "safety-tester" else 1)
    bench.host.obey(order("it", "fault", *faults))
    spoilt = bench.ask()
    if spoilt.value is None:
        assert spoilt.outcome in ("error", "timeout", "overflow"), spoilt
    else:
        assert fault in HARMLESS or name == "safety-tester", spoilt
        assert is_right(case, spoilt), spoilt
    bench.host.obey(order("it", "fault"))
    bench.open()
    for _ in range(2):
        assert is_right(case, bench.measured())


def test_values_drift_with_time_and_are_what_the_instrument_shows() -> None:
    clock = [0.0]
    meter = instrument_with_clock(clock)
    meter.drift_per_h = 0.01
    clock[0] = 3600.0
    assert float(meter.respond(b"X?\n")[0].data) == pytest.approx(10.1)


def instrument_with_clock(clock: list[float]) -> VirtualInstrument:
    class Ten(VirtualInstrument):
        def reply(self, command: str) -> str | None:
            return f"{10 * self.gain():.3f}"

    return Ten(rng=random.Random(1), now=lambda: clock[0])


# --- whose answer it is


class Numbered(VirtualInstrument):
    """Answers with the question and a number that grows: so a test knows which asking an answer belongs to."""

    end = b"\n"
    count = 0

    def reply(self, command: str) -> str | None:
        self.count += 1
        return f"{command} {self.count}"


LINE_FAULTS: tuple[Fault, ...] = (
    "silence", "half", "late", "split", "echo", "noise", "twice", "stale", "text", "local",
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32),
    rates=st.dictionaries(st.sampled_from(LINE_FAULTS), st.floats(0.02, 0.3), max_size=4),
    often_late=st.floats(0.1, 0.4),
    late_ms=st.integers(60, 300),
    questions=st.integers(10, 16),
)
def test_an_answer_is_never_taken_for_the_answer_to_another_question(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    rates: dict[Fault, float],
    often_late: float,
    late_ms: int,
    questions: int,
) -> None:
    rates = {**rates, "late": often_late}
    whole = sum(rates.values())
    rates = {fault: rate / max(1.0, whole) for fault, rate in rates.items()}
    device = Numbered(rng=random.Random(seed), late_s=late_ms / 1000)
    device.strike(rates, random.Random(seed))
    chance = random.Random(seed)
    link = tmp_path_factory.mktemp("pty") / "it"
    with (
        pytest.MonkeyPatch.context() as patch,
        VirtualPort(link, device.respond),
        Port(PortSettings(str(link)), replace(FRAMING, idle_ms=40), lambda event: None) as port,
    ):
        patch.setattr(instrument, "LOCAL_S", 0.1)
        wait_for(lambda: port.is_open, 10, "the port opens")
        for n in range(questions):
            question = f"Q{n if chance.random() < 0.7 else 0}?"
            before = device.count
            answer = port.ask(question.encode() + b"\n", 0.06)
            if isinstance(answer, Reply) and answer.raw != b"ERROR":
                assert answer.raw.decode().rpartition(" ")[0] == question
                assert int(answer.raw.decode().rpartition(" ")[2]) > before, "it was asked for now, and not earlier"
