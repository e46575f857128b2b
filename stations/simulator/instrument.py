"""What virtual instruments have in common: commands out of bytes, answers into bursts, faults on the way.

It must not know a dialect: a subclass answers one command with one text, or with nothing.
"""

from __future__ import annotations

import random
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable

from stations.simulator.faults import LATE_S, Fault, faults, spoil
from stations.simulator.pty import Burst

MAX_PENDING = 4096
"""Most bytes of an unfinished command that are kept, as the input buffer of a small instrument."""


class VirtualInstrument(ABC):
    """An instrument that answers lines. Give its `respond` to a `VirtualPort`."""

    end = b"\r\n"
    """What it puts behind an answer."""

    def __init__(self, *, rng: random.Random, planned: Iterable[Fault | None] = (), late_s: float = LATE_S) -> None:
        """Make an instrument.

        Args:
            rng: all chance comes from it; the same seed gives the same answers.
            planned: one fault an answer, in order; afterwards every answer is good.
            late_s: how late a late answer comes, in seconds.
        """
        self.rng = rng
        self._faults = faults(planned)
        self._late_s = late_s
        self._pending = b""

    def plan(self, *planned: Fault | None) -> None:
        """Set the faults of the next answers; those planned before are forgotten."""
        self._faults = faults(planned)

    def respond(self, data: bytes) -> list[Burst]:
        """Take bytes in any pieces, and give what goes back."""
        bursts: list[Burst] = []
        for command in self.commands(data):
            answer = self.reply(command.decode("ascii", "replace").strip(" "))
            if answer is not None:
                bursts += spoil(
                    command + self.end, answer.encode("ascii") + self.end, next(self._faults), self.rng, self._late_s
                )
        return bursts

    def commands(self, data: bytes) -> list[bytes]:
        """Whole commands: lines ended by CR, LF or both."""
        *lines, self._pending = re.split(rb"[\r\n]", (self._pending + data)[-MAX_PENDING:])
        return [line for line in lines if line]

    @abstractmethod
    def reply(self, command: str) -> str | None:
        """The answer to one command, without terminator; None where the instrument stays silent."""
