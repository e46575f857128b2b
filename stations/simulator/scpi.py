"""A virtual SCPI instrument: answers queries with numbers around a nominal value, and keeps a queue of errors."""

from __future__ import annotations

import math
import random
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from stations.simulator.faults import LATE_S, Fault
from stations.simulator.instrument import VirtualInstrument

POWER_ON: Final = 0x80  # PON of the standard event status register, IEEE 488.2, 11.5.1.2.1
QUEUE = 10
"""Entries of the error queue. Source: Keithley 2000 user's manual, error queue: 10 deep, then queue overflow."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What a query measures: a nominal value with a spread (standard deviation), and how it is written.

    An infinite nominal value is written as 9.9E37. `unit` is glued to the number; `comma` writes a decimal comma.
    """

    nominal: float
    spread: float = 0.0
    unit: str = ""
    comma: bool = False


SETTINGS: Final = frozenset({"OUTP", "INP", "ROUT:CLOS", "ROUT:OPEN"})
"""What it can be told: output, load, relays. Source: SCPI-1999, volume 2, chapters 15, 9 and 17."""


class VirtualScpi(VirtualInstrument):
    """An instrument on the bench. `signals` may be changed while it runs.

    With `channels` it is a data logger: each query that it knows can be asked of one of them, `MEAS:TEMP? (@3)`; a
    query with its channel in `signals` is that channel's own.
    """

    end = b"\n"

    def __init__(
        self,
        *,
        rng: random.Random,
        signals: Mapping[str, Signal],
        identity: str = "ATELIER,VIRTUAL-DMM,0000001,1.0",
        planned: Iterable[Fault | None] = (),
        late_s: float = LATE_S,
    ) -> None:
        """Make an instrument.

        Args:
            rng: all chance comes from it.
            signals: what each query measures, by the query's text in capitals.
            identity: the answer to `*IDN?`.
            planned: faults of the next answers.
            late_s: how late a late answer comes, in seconds.
        """
        super().__init__(rng=rng, planned=planned, late_s=late_s)
        self.signals = dict(signals)
        self.identity = identity
        self.channels = 0
        self.settings: dict[str, str] = {}
        self._errors: deque[str] = deque()
        self._status = POWER_ON

    def reply(self, command: str) -> str | None:
        """One answer; an unknown command is silent and leaves an error, as on the real thing."""
        header = command.upper()
        match header:
            case "*IDN?":
                return self.identity
            case "*OPC?":
                return "1"
            case "*CLS":
                self._errors.clear()
                return None
            case "*RST":
                self.settings.clear()
                return None
            case "*ESR?":
                status, self._status = self._status, 0
                return str(status)
            case "SYST:ERR?" | "SYSTEM:ERROR?":
                return self._errors.popleft() if self._errors else '0,"No error"'
        if header in self.signals:
            return self.written(self.signals[header])
        query, _, channel = header.partition(" (@")
        if self.channels and query in self.signals and channel:
            if channel.rstrip(")").isdecimal() and 1 <= int(channel.rstrip(")")) <= self.channels:
                return self.written(self.signals[query])
            self.fault(-222, "Data out of range")
            return None
        name, _, value = header.partition(" ")
        if name in SETTINGS and value:
            self.settings[name] = value
            return None
        self.fault(-113, "Undefined header")
        return None

    def power_cycle(self) -> None:
        """The instrument was off for a moment: what it was told is forgotten, and its status says so."""
        super().power_cycle()
        self.settings.clear()
        self._errors.clear()
        self._status = POWER_ON

    def beyond(self, answer: str) -> str:
        """9.9E37 in place of a number. Source: SCPI-1999, volume 1, 7.2.1.4."""
        return re.sub(r"[+-][0-9][.,][0-9]+E[+-][0-9]+", "+9.90000000E+37", answer)

    def fault(self, code: int, message: str) -> None:
        """Put an error into the queue; when it is full its last entry says so."""
        if len(self._errors) >= QUEUE:
            self._errors[-1] = '350,"Queue Overflow"'
        else:
            self._errors.append(f'{code},"{message}"')

    def written(self, signal: Signal) -> str:
        """A value as it goes onto the line."""
        if math.isinf(signal.nominal):
            return f"{math.copysign(9.9e37, signal.nominal):+.8E}"
        value = (self.rng.gauss(signal.nominal, signal.spread) if signal.spread else signal.nominal) * self.gain()
        text = f"{value:+.8E}"
        return (text.replace(".", ",") if signal.comma else text) + signal.unit
