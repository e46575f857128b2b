"""The devices of one bench in one process, on a pseudo-terminal each, and the orders that the world outside gives them.

An order is one line, `DEVICE VERB WORDS…`: the unit that is connected shows as values, as at the end of a cable; a key
is pressed, a plug is pulled. It must not know stations, plans or units, and nothing heavy: ten of these run in a demo.
"""

from __future__ import annotations

import hashlib
import random
import shlex
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast, get_args

from stations.simulator.faults import FAULTS, POWER_S, Fault
from stations.simulator.instrument import VirtualInstrument
from stations.simulator.kinds import Device, instrument_of
from stations.simulator.label_printer import PRINTER_FAULTS, SerialLabelPrinter
from stations.simulator.line_tester import VirtualLineTester
from stations.simulator.pty import VirtualPort
from stations.simulator.safety_tester import VirtualSafetyTester
from stations.simulator.scale import VirtualScale
from stations.simulator.scanner import ScanFault, VirtualScanner
from stations.simulator.scpi import Signal, VirtualScpi

VERBS: Final[Mapping[str, str]] = {
    "scan": "TEXT [FAULT]: the scanner reads a code, well or badly",
    "show": "QUERY VALUE [SPREAD [UNIT]]: what a SCPI instrument measures from now on",
    "load": "GRAMS [RESTLESS]: this lies on the scale; the next so many answers are not stable",
    "fail": "[FUNCTION…]: the functions that the unit on the safety tester fails",
    "say": "LINE: a tester that talks by itself has ended a test",
    "fault": "[FAULT…]: the faults of the next answers; none: they are good",
    "local": "on|off: somebody uses the instrument's own keys",
    "power": "the mains are gone for a moment",
    "unplug": "the plug is pulled",
    "plug": "and put in again",
}
"""What can be ordered, and its words."""


class BadOrder(Exception):
    """An order that makes no sense here; the text says what is wrong with it."""


@dataclass(slots=True)
class _Placed:
    device: Device
    port: VirtualPort
    instrument: VirtualInstrument | None
    scanner: VirtualScanner
    printer: SerialLabelPrinter | None = None


class Host:
    """Devices that are plugged in while the context lasts."""

    def __init__(
        self,
        devices: Iterable[tuple[Device, Path]],
        *,
        seed: int | str,
        rates: Mapping[Fault, float] | None = None,
        drift_per_h: float = 0.0,
        late_s: float | None = None,
    ) -> None:
        """Make the devices.

        Args:
            devices: each with the path at which it appears.
            seed: all chance follows from it and from the device's name.
            rates: how often each fault strikes, as a share of all answers.
            drift_per_h: how far values wander in an hour, as a share of them.
            late_s: how late a late answer is, in seconds; None: later than its family's time-out.
        """
        self._placed: dict[str, _Placed] = {}
        self._stack = ExitStack()
        self._mains: list[threading.Thread] = []
        for device, link in devices:
            port = VirtualPort(link)
            rng = random.Random(f"{seed} {device.name}")
            instrument = instrument_of(device, port, rng)
            if instrument is not None:
                port.respond = instrument.respond
                instrument.drift_per_h = drift_per_h
                instrument.late_s = instrument.late_s if late_s is None else late_s
                instrument.on_power_loss = partial(self._lose_power, port)
                if rates:
                    # Values and faults have a chance of their own: without faults the same values come.
                    instrument.strike(rates, random.Random(f"{seed} {device.name} faults"))
            printer = SerialLabelPrinter(port) if device.family == "label-printer" else None
            if printer is not None:
                printer.on_printed = partial(_say_printed, device.name)
            self._placed[device.name] = _Placed(device, port, instrument, VirtualScanner(port, rng=rng), printer)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for placed in self._placed.values():
                stack.enter_context(placed.port)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for thread in self._mains:
            thread.join(timeout=2 * POWER_S)
        for placed in self._placed.values():
            if placed.printer is not None:
                placed.printer.close()
        self._stack.close()

    def describe(self) -> list[str]:
        """One line a device: what it is called, what it speaks, and where it is."""
        return [f"{n}: {p.device.speaks} at {p.port.link} ({p.port.tty})" for n, p in self._placed.items()]

    def obey(self, order: str) -> None:
        """Carry out one order; an empty one is none.

        Raises:
            BadOrder: it makes no sense.
        """
        try:
            name, verb, *words = shlex.split(order) or ("", "")
        except ValueError as error:
            raise BadOrder(f"{order!r}: {error}") from error
        if not name:
            return
        placed = self._placed.get(name)
        if placed is None:
            raise BadOrder(f"no device is called {name}: {', '.join(self._placed)}")
        if verb not in VERBS:
            raise BadOrder(f"{verb} is no order: {', '.join(VERBS)}")
        try:
            done = self._port_order(placed, verb, words) or _order(placed, verb, words)
        except (ValueError, IndexError) as error:
            raise BadOrder(f"{name} {verb} {VERBS[verb]}") from error
        if not done:
            raise BadOrder(f"{name} is a {placed.device.family}: it does not {verb}")

    def _port_order(self, placed: _Placed, verb: str, words: Sequence[str]) -> bool:
        match verb:
            case "unplug":
                placed.port.unplug()
            case "plug":
                placed.port.plug()
            case "power":
                if placed.instrument is not None:
                    placed.instrument.power_cycle()
                self._lose_power(placed.port)
            case "fault" if placed.printer is not None:
                placed.printer.strike(None if not words else PRINTER_FAULTS[PRINTER_FAULTS.index(words[0])])
            case "scan" if placed.instrument is None and placed.printer is None:
                fault = words[1] if len(words) > 1 else None
                if fault is not None and fault not in get_args(ScanFault):
                    raise ValueError(fault)
                stx = placed.device.family == "scanner-stx"
                text = f"\x02{words[0]}" if stx else words[0]
                placed.scanner.scan(text, b"\x03" if stx else b"\r\n", cast(ScanFault | None, fault))
            case _:
                return False
        return True

    def _lose_power(self, port: VirtualPort) -> None:
        """Take the line away and bring it back. On a thread of its own: the device's own cannot pull its plug."""

        def gone() -> None:
            port.unplug()
            threading.Event().wait(POWER_S)
            port.plug()

        self._mains = [t for t in self._mains if t.is_alive()]
        thread = threading.Thread(target=gone, name=f"mains {port.link.name}", daemon=True)
        self._mains.append(thread)
        thread.start()


PRINTED: Final = ": printed "
"""Between the name of a label printer and the hash of a label that came out, on a line of its own."""


def _say_printed(name: str, data: bytes) -> None:
    print(f"{name}{PRINTED}{hashlib.sha256(data).hexdigest()}", flush=True)


def _order(placed: _Placed, verb: str, words: Sequence[str]) -> bool:
    """An order to the instrument itself; False when it is not one that it can follow."""
    match placed.instrument, verb:
        case VirtualScpi() as meter, "show":
            spread = float(words[2]) if len(words) > 2 else 0.0
            unit = words[3] if len(words) > 3 else ""
            meter.signals[words[0].upper()] = Signal(float(words[1]), spread, unit)
        case VirtualScale() as scale, "load":
            scale.load(float(words[0]), settle=int(words[1]) if len(words) > 1 else 0)
        case VirtualSafetyTester() as tester, "fail":
            tester.bad = frozenset(word.upper() for word in words)
        case VirtualLineTester() as talker, "say":
            talker.say(words[0])
        case VirtualInstrument() as instrument, "fault":
            unknown = [word for word in words if word not in FAULTS]
            if unknown:
                raise ValueError(unknown[0])
            instrument.plan(*cast(Sequence[Fault], words))
        case VirtualInstrument() as instrument, "local":
            instrument.local = ("off", "on").index(words[0]) == 1
        case _:
            return False
    return True


Say = Callable[[str], object]
"""Where an order goes: a host's `obey`, or the standard input of a process that has one."""


def order(device: str, verb: str, *words: object) -> str:
    """Write an order down; a word may have blanks and control characters in it, but no line's end."""
    return shlex.join([device, verb, *map(str, words)])
