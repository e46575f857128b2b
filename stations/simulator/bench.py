"""The virtual devices of one bench: what its station file names, on pseudo-terminals, connected to one unit at a time.

It knows the station's file and the dialects of the virtual instruments, and shows what `nature` says is true of the
unit. It must not know the session, the screen or the server.
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from mes.domain.measurement import convert
from mes.domain.route import Step, Test
from mes.plan import Port, StationFile
from stations.simulator.faults import Fault
from stations.simulator.instrument import VirtualInstrument
from stations.simulator.nature import Nature, span
from stations.simulator.people import Odds, Pace
from stations.simulator.pty import VirtualPort
from stations.simulator.safety_tester import VirtualSafetyTester
from stations.simulator.scale import VirtualScale
from stations.simulator.scanner import ScanFault, VirtualScanner
from stations.simulator.scpi import Signal, VirtualScpi

NOISE: Final = 0.002
"""Standard deviation of each answer, as a share of the room between the limits."""
DRIFT: Final = 0.005
"""How far an instrument wanders from one unit to the next, the same way; never further than ten times this."""
BENCH_FAULTS: Final[tuple[Fault, ...]] = ("late", "half", "silence", "noise")


class UnitUnderTest(VirtualSafetyTester):
    """A safety tester whose verdict depends on the function: `bad` names those that the unit fails."""

    bad: frozenset[str] = frozenset()

    def reply(self, command: str) -> str | None:
        """As the tester does; choosing a function connects the unit's own fate."""
        header = command.upper()
        if header.startswith("MANU:EDIT:MODE "):
            self.fail_probability = 1.0 if header.rpartition(" ")[2] in self.bad else 0.0
        return super().reply(command)


class VirtualBench:
    """One bench with its cables. As a context manager everything is plugged in, and gone afterwards."""

    def __init__(
        self,
        file: StationFile,
        links: dict[str, Path],
        *,
        nature: Nature,
        odds: Odds,
        pace: Pace,
        rng: random.Random,
    ) -> None:
        """Prepare the devices; nothing exists until the bench is entered.

        Args:
            file: the station's file.
            links: where each port's symbolic link is to appear, by the port's name.
        """
        self._file, self._nature, self._odds, self._rng = file, nature, odds, rng
        self._instruments: dict[str, VirtualInstrument] = {}
        self._ports: dict[str, VirtualPort] = {}
        self._drift = 0.0
        self._stack = ExitStack()
        for port in file.ports:
            instrument = self._instrument(port, pace)
            if instrument is None:
                self._ports[port.name] = VirtualPort(links[port.name])
            else:
                self._instruments[port.name] = instrument
                self._ports[port.name] = VirtualPort(links[port.name], instrument.respond)
        name = next((p.name for p in file.ports if p.family == "scanner"), None)
        if name is None:
            raise ValueError(f"{file.station.id} has no scanner")
        self._scanner = VirtualScanner(self._ports[name], rng=rng)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for port in self._ports.values():
                stack.enter_context(port)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    # --- the scanner ---

    def scan(self, text: str, fault: ScanFault | None = None) -> None:
        """Hold the scanner to a code."""
        self._scanner.scan(text, fault=fault)

    @property
    def plugged(self) -> bool:
        """Whether the scanner's cable is in."""
        return self._scanner.port.plugged

    def unplug(self) -> None:
        """Pull the scanner's cable."""
        self._scanner.port.unplug()

    def plug(self) -> None:
        """Put it in again."""
        self._scanner.port.plug()

    # --- the instruments ---

    def connect(self, unit: str, step: Step) -> None:
        """Connect a unit: the instruments measure this one from now on. Now and then a bench is in a bad mood."""
        self._drift = max(-10 * DRIFT, min(10 * DRIFT, self._drift + self._rng.gauss(0, DRIFT)))
        for test in step.tests:
            port = self._file.port_for(test.instrument)
            instrument = self._instruments.get(port.name) if port else None
            if instrument is None:
                continue
            self._show(instrument, unit, step, test)
            if self._rng.random() < self._odds.bad_bench:
                instrument.plan(self._rng.choice(BENCH_FAULTS))

    def repair(self) -> None:
        """Somebody who knows the instruments has looked: they answer well again."""
        for instrument in self._instruments.values():
            instrument.plan()

    def _show(self, instrument: VirtualInstrument, unit: str, step: Step, test: Test) -> None:
        value = self._nature.shown(unit, step, test) + self._drift * span(test)
        match instrument:
            case VirtualScpi():
                instrument.signals[test.ask.upper()] = Signal(value, spread=span(test) * NOISE)
            case VirtualScale():
                grams = convert(value, test.unit, "g")
                instrument.load(grams or 0.0, settle=1 if self._rng.random() < self._odds.bad_bench else 0)
            case UnitUnderTest():
                truth = self._nature.of(unit, step)
                failing = (t for t in step.tests if t.id in truth.bad | truth.loose)
                instrument.bad = frozenset(t.ask.partition("@")[0].upper() for t in failing)

    def _instrument(self, port: Port, pace: Pace) -> VirtualInstrument | None:
        match port.family:
            case "scale":
                return VirtualScale(rng=self._rng, drift_g=0.5)
            case "scpi":
                number = port.instrument.serial if port.instrument else "0"
                return VirtualScpi(
                    rng=self._rng, signals={}, identity=f"ATELIER,VIRTUAL-{port.name.upper()},{number},1.0"
                )
            case "safety-tester":
                # 6 s a function, a third of it ramp; not shorter than the station needs to see it running.
                test_s = max(0.2, 4 / pace.speed)
                return UnitUnderTest(rng=self._rng, ramp_s=test_s / 2, test_s=test_s)
            case _:
                return None
