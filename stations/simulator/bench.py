"""The floor's end of one bench's cables: which unit is connected, and what its devices therefore measure, as orders.

It knows the station's file and shows what `nature` says is true of the unit. Who carries the orders out is not its
business: the bench's own process, over a pipe. It must not know the session, the screen or the server.
"""

from __future__ import annotations

import random
from typing import Final

from mes.domain.measurement import convert
from mes.domain.route import Step, Test
from mes.plan import Port, StationFile
from stations.places import PLACE, placed
from stations.simulator.faults import Fault
from stations.simulator.host import Say, order
from stations.simulator.nature import Nature, span
from stations.simulator.people import Odds
from stations.simulator.scanner import ScanFault

NOISE: Final = 0.002
"""Standard deviation of each answer, as a share of the room between the limits."""
DRIFT: Final = 0.005
"""How far an instrument wanders from one unit to the next, the same way; never further than ten times this."""
BENCH_FAULTS: Final[tuple[Fault, ...]] = ("late", "half", "silence", "noise", "echo", "text", "local", "power")
INSTRUMENTS: Final = ("scale", "scale-kern", "scale-ohaus", "scpi", "safety-tester")


class VirtualBench:
    """One bench with its cables."""

    def __init__(self, file: StationFile, say: Say, *, nature: Nature, odds: Odds, rng: random.Random) -> None:
        """Take a bench.

        Args:
            file: the station's file.
            say: takes each order to the bench's devices.
        """
        self._file, self._say, self._nature, self._odds, self._rng = file, say, nature, odds, rng
        self._drift = 0.0
        self._standing: dict[str, str] = {}
        self._places: dict[int, str] = {}
        name = next((p.name for p in file.ports if p.family == "scanner"), None)
        if name is None:
            raise ValueError(f"{file.station.id} has no scanner")
        self._scanner = name

    def say_again(self) -> None:
        """Say what is connected once more: the devices have just been started, and the cables are where they were."""
        for said in list(self._standing.values()):
            self._say(said)

    # --- the scanner ---

    def scan(self, text: str, fault: ScanFault | None = None) -> None:
        """Hold the scanner to a code."""
        self._say(order(self._scanner, "scan", text, *([fault] if fault else [])))

    def unplug(self) -> None:
        """Pull the scanner's cable."""
        self._say(order(self._scanner, "unplug"))

    def plug(self) -> None:
        """Put it in again."""
        self._say(order(self._scanner, "plug"))

    # --- the instruments ---

    def connect(self, unit: str, step: Step) -> None:
        """Connect a unit: the instruments measure this one from now on, in a rack only at its own place.

        Now and then a bench is in a bad mood.
        """
        self._drift = max(-10 * DRIFT, min(10 * DRIFT, self._drift + self._rng.gauss(0, DRIFT)))
        for test in step.tests:
            port = self._file.port_for(test.instrument)
            if port is None or port.family not in INSTRUMENTS:
                continue
            if PLACE in test.ask and unit not in self._places.values():
                continue
            self._show(port, unit, step, test)
            if self._rng.random() < self._odds.bad_bench:
                self._say(order(port.name, "fault", self._rng.choice(BENCH_FAULTS)))

    def stand(self, unit: str, place: int, step: Step) -> None:
        """A unit is put at its place in the rack, and connected there."""
        if self._places.get(place) == unit:
            return
        self._places = {p: u for p, u in self._places.items() if u != unit} | {place: unit}
        self.connect(unit, step)

    def weigh(self, instrument: str, grams: float) -> None:
        """Put something of that weight onto the scale."""
        port = self._file.port_for(instrument)
        if port is not None and port.family.startswith("scale"):
            self._keep_saying(port.name, order(port.name, "load", grams))

    def repair(self) -> None:
        """Somebody who knows the instruments has looked: they answer well again."""
        for port in self._file.ports:
            if port.family in INSTRUMENTS:
                self._say(order(port.name, "fault"))

    def _show(self, port: Port, unit: str, step: Step, test: Test) -> None:
        value = self._nature.shown(unit, step, test) + self._drift * span(test)
        match port.family:
            case "scpi":
                ask = placed(test, next((p for p, u in self._places.items() if u == unit), None)).ask
                said = order(port.name, "show", ask, value, span(test) * NOISE)
                self._keep_saying(f"{port.name} {ask}", said)
            case "safety-tester":
                truth = self._nature.of(unit, step)
                failing = [t.ask.partition("@")[0] for t in step.tests if t.id in truth.bad | truth.loose]
                self._keep_saying(port.name, order(port.name, "fail", *failing))
            case _:
                grams = convert(value, test.unit, "g") or 0.0
                self._keep_saying(port.name, order(port.name, "load", grams))
                if self._rng.random() < self._odds.bad_bench:
                    self._say(order(port.name, "load", grams, 1))

    def _keep_saying(self, what: str, said: str) -> None:
        self._standing[what] = said
        self._say(said)
