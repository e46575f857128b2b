"""A virtual tester that talks by itself: one line when a test is over, and nobody has asked.

It must not know what stands in a line: it says what it was given, well or broken.
"""

from __future__ import annotations

import random

from stations.simulator.faults import spoil
from stations.simulator.instrument import VirtualInstrument
from stations.simulator.pty import VirtualPort


class VirtualLineTester(VirtualInstrument):
    """Says lines on its port; what is said to it, it does not hear."""

    def __init__(self, port: VirtualPort, *, rng: random.Random) -> None:
        """Take a port, and the source of chance."""
        super().__init__(rng=rng)
        self._port = port

    def reply(self, command: str) -> str | None:
        """Nothing: it has no ear."""
        return None

    def say(self, line: str) -> None:
        """Send one line; the next fault strikes it."""
        fault = next(self._faults)
        if fault == "power":
            self.on_power_loss()
        if fault in ("power", "local"):
            return
        spoken = self.spoken(line, fault).encode("ascii", "replace") + self.end
        for burst in spoil(b"", spoken, fault, self.rng, self.late_s, self._last):
            self._port.write_later(burst.data, burst.after_s)
        self._last = spoken
