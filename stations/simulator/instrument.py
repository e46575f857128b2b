"""What virtual instruments have in common: commands out of bytes, answers into bursts, faults on the way.

It must not know a dialect: a subclass answers one command with one text, or with nothing.
"""

from __future__ import annotations

import random
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from stations.simulator.faults import LATE_S, LOCAL_S, Fault, draw, faults, in_other_units, spoil, with_comma
from stations.simulator.pty import Burst

NEXT_S: Final = 0.03
"""How long it takes for the next answer, in seconds, when several wait."""
MAX_PENDING: Final = 4096
"""Most bytes of an unfinished command that are kept, as the input buffer of a small instrument."""


class VirtualInstrument(ABC):
    """An instrument that answers lines. Give its `respond` to a `VirtualPort`."""

    end = b"\r\n"
    """What it puts behind an answer."""
    complaint = "ERROR"
    """What it says where something is wrong with it."""

    def __init__(
        self,
        *,
        rng: random.Random,
        planned: Iterable[Fault | None] = (),
        late_s: float = LATE_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make an instrument.

        Args:
            rng: all chance comes from it; the same seed gives the same answers.
            planned: one fault an answer, in order; afterwards every answer is good, unless faults are drawn.
            late_s: how late a late answer comes, in seconds.
            now: a monotonic clock, in seconds.
        """
        self.rng = rng
        self.late_s = late_s
        self.local = False
        """Somebody uses its own keys: it hears nothing."""
        self.drift_per_h = 0.0
        """How far its values wander in an hour, as a share of them."""
        self.on_power_loss: Callable[[], None] = lambda: None
        """Told when the mains go: whoever owns the cable takes it away and brings it back."""
        self._now, self._born = now, now()
        self._drawn: Iterable[Fault | None] = ()
        self._faults = faults(planned)
        self._pending = self._last = b""
        self._deaf_until = self._busy_until = -1.0

    def plan(self, *planned: Fault | None) -> None:
        """Set the faults of the next answers; those planned before are forgotten."""
        self._faults = faults(planned, self._drawn)

    def strike(self, rates: Mapping[Fault, float], rng: random.Random) -> None:
        """From now on faults strike at these rates; each as a share of all answers."""
        self._drawn = draw(rates, rng)
        self.plan()

    def respond(self, data: bytes) -> list[Burst]:
        """Take bytes in any pieces, and give what goes back."""
        bursts: list[Burst] = []
        for command in self.commands(data):
            if self.local or self._now() < self._deaf_until:
                continue
            answer = self.reply(command.decode("ascii", "replace").strip(" "))
            if answer is None:
                continue
            fault = next(self._faults)
            if fault == "power":
                self.power_cycle()
                self.on_power_loss()
                return []
            if fault == "local":
                self._deaf_until = self._now() + LOCAL_S
                continue
            spoken = self.spoken(answer, fault).encode("ascii") + self.end
            bursts += self._behind(
                spoil(command + self.end, spoken, fault, self.rng, self.late_s, self._last), late=fault == "late"
            )
            self._last = spoken
        return bursts

    def _behind(self, bursts: list[Burst], *, late: bool) -> list[Burst]:
        """The same, behind an answer that is still to come: an instrument says one thing after the other."""
        wait_s = max(0.0, self._busy_until - self._now())
        if late or wait_s:
            self._busy_until = self._now() + wait_s + (self.late_s if late else NEXT_S)
        return [replace(b, after_s=b.after_s + wait_s) for b in bursts] if wait_s else bursts

    def commands(self, data: bytes) -> list[bytes]:
        """Whole commands: lines ended by CR, LF or both."""
        *lines, self._pending = re.split(rb"[\r\n]", (self._pending + data)[-MAX_PENDING:])
        return [line for line in lines if line]

    @abstractmethod
    def reply(self, command: str) -> str | None:
        """The answer to one command, without terminator; None where the instrument stays silent."""

    def spoken(self, answer: str, fault: Fault | None) -> str:
        """How it says an answer when its number, and not the line, is what a fault strikes."""
        match fault:
            case "text":
                return self.complaint
            case "comma":
                return with_comma(answer)
            case "unit":
                return in_other_units(answer)
            case "over":
                return self.beyond(answer)
            case _:
                return answer

    def beyond(self, answer: str) -> str:
        """The same answer for a value beyond the range."""
        return answer

    def gain(self) -> float:
        """What its values are multiplied by after so long a time."""
        return 1 + self.drift_per_h * (self._now() - self._born) / 3600 if self.drift_per_h else 1.0

    def power_cycle(self) -> None:
        """It was off for a moment: what it was told and what it was about to say is forgotten."""
        self._pending = self._last = b""
        self._deaf_until = self._busy_until = -1.0
