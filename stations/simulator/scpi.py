"""A virtual SCPI instrument: answers queries with numbers around a nominal value, and keeps a queue of errors."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stations.simulator.faults import LATE_S, Fault
from stations.simulator.instrument import VirtualInstrument

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


class VirtualScpi(VirtualInstrument):
    """An instrument on the bench. `signals` may be changed while it runs; `local` makes it deaf, as its LOCAL key."""

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
        self.local = False
        self._errors: deque[str] = deque()

    def reply(self, command: str) -> str | None:
        """One answer; an unknown command is silent and leaves an error, as on the real thing."""
        if self.local:
            return None
        header = command.upper()
        match header:
            case "*IDN?":
                return self.identity
            case "*CLS":
                self._errors.clear()
                return None
            case "*RST":
                return None
            case "SYST:ERR?" | "SYSTEM:ERROR?":
                return self._errors.popleft() if self._errors else '0,"No error"'
        if header in self.signals:
            return self._number(self.signals[header])
        self.fault(-113, "Undefined header")
        return None

    def fault(self, code: int, message: str) -> None:
        """Put an error into the queue; when it is full its last entry says so."""
        if len(self._errors) >= QUEUE:
            self._errors[-1] = '350,"Queue Overflow"'
        else:
            self._errors.append(f'{code},"{message}"')

    def _number(self, signal: Signal) -> str:
        if math.isinf(signal.nominal):
            return f"{math.copysign(9.9e37, signal.nominal):+.8E}"
        value = self.rng.gauss(signal.nominal, signal.spread) if signal.spread else signal.nominal
        text = f"{value:+.8E}"
        return (text.replace(".", ",") if signal.comma else text) + signal.unit
