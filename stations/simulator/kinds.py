"""What can be simulated: the families of devices, and what a SCPI instrument can be, each with its usual values.

It must not know stations, plans or units: a bench says what its instruments are to show.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from stations.simulator.instrument import VirtualInstrument
from stations.simulator.line_tester import VirtualLineTester
from stations.simulator.pty import VirtualPort
from stations.simulator.safety_tester import VirtualSafetyTester
from stations.simulator.scale import VirtualScale
from stations.simulator.scpi import Signal, VirtualScpi
from stations.simulator.source import VirtualSource

Family = Literal[
    "scanner", "scanner-stx", "scale", "scale-kern", "scale-ohaus", "scpi", "safety-tester", "line-tester",
    "label-printer",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """A family: what it speaks, in words, and how late (seconds) its late answer is: beyond the family's time-out."""

    speaks: str
    late_s: float


FAMILIES: Final[Mapping[str, Kind]] = {
    "scanner": Kind("bar codes, CR LF", 0),
    "scanner-stx": Kind("bar codes, STX ETX", 0),
    "scale": Kind("MT-SICS", 11),
    "scale-kern": Kind("KERN", 11),
    "scale-ohaus": Kind("Ohaus", 11),
    "scpi": Kind("SCPI", 6),
    "safety-tester": Kind("GPT-9000", 3),
    "line-tester": Kind("a line a unit, by itself", 1),
    "label-printer": Kind("ZPL", 0),
}


@dataclass(frozen=True, slots=True)
class Personality:
    """What a SCPI instrument is: what it measures when nobody has said more, and how many channels it has."""

    what: str
    signals: Mapping[str, Signal] = field(default_factory=dict)
    channels: int = 0
    source: bool = False


PERSONALITIES: Final[Mapping[str, Personality]] = {
    "power": Personality(
        "power analyser",
        {
            "MEAS:VOLT?": Signal(230.0, 0.05), "MEAS:CURR?": Signal(4.3, 0.01), "MEAS:FREQ?": Signal(50.0, 0.005),
            "MEAS:POW?": Signal(10.0, 0.05), "MEAS:THD?": Signal(2.5, 0.02), "MEAS:EFF?": Signal(95.0, 0.05),
            "MEAS:VOLT:DC?": Signal(51.2, 0.01), "MEAS:CURR:DC?": Signal(10.0, 0.01),
        },
    ),
    "source": Personality("DC source", {"MEAS:CURR?": Signal(1.0, 0.001)}, source=True),
    "logger": Personality(
        "data logger", {"MEAS:TEMP?": Signal(35.0, 0.1), "MEAS:VOLT?": Signal(230.0, 0.05)}, channels=40
    ),
    "meter": Personality("multimeter", {"READ?": Signal(1.0, 0.0001), "MEAS:VOLT:DC?": Signal(1.0, 0.0001)}),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Device:
    """One device that is to be simulated.

    `personality` is one of `PERSONALITIES`, or empty; `serial` is what it says of itself; `test_s` is how long a
    safety test takes, ramp included, in seconds.
    """

    name: str
    family: str
    personality: str = ""
    serial: str = "0000001"
    test_s: float = 2.0

    @property
    def speaks(self) -> str:
        """What it is and speaks, for people."""
        kind = FAMILIES[self.family]
        what = PERSONALITIES[self.personality].what if self.personality else ""
        return f"{kind.speaks}, {what}" if what else kind.speaks


def instrument_of(device: Device, port: VirtualPort, rng: random.Random) -> VirtualInstrument | None:
    """The instrument that answers on a port; None for a scanner, which answers nothing, and for a printer."""
    late_s = FAMILIES[device.family].late_s
    match device.family:
        case "scale" | "scale-kern" | "scale-ohaus":
            dialects: dict[str, Literal["mt-sics", "kern", "ohaus"]] = {"scale-kern": "kern", "scale-ohaus": "ohaus"}
            return VirtualScale(rng=rng, dialect=dialects.get(device.family, "mt-sics"), drift_g=0.5, late_s=late_s)
        case "scpi":
            kind = PERSONALITIES[device.personality or "meter"]
            make = VirtualSource if kind.source else VirtualScpi
            identity = f"ATELIER,VIRTUAL-{device.name.upper()},{device.serial},1.0"
            made = make(rng=rng, signals=kind.signals, identity=identity, late_s=late_s)
            made.channels = kind.channels
            return made
        case "safety-tester":
            half_s = device.test_s / 2
            tester = VirtualSafetyTester(rng=rng, ramp_s=half_s, test_s=half_s, late_s=late_s)
            tester.serial = device.serial
            return tester
        case "line-tester":
            return VirtualLineTester(port, rng=rng)
        case _:
            return None
