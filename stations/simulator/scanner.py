"""A virtual barcode scanner: sends a text as a real one would, or as a broken one does."""

from __future__ import annotations

import random
from typing import Literal

from stations.simulator.pty import VirtualPort

ScanFault = Literal["torn", "noise", "no_terminator", "double", "split"]


class VirtualScanner:
    """A scanner on a virtual port; the port's owner plugs it in and out."""

    def __init__(self, port: VirtualPort, *, rng: random.Random | None = None) -> None:
        """Take a port, and the source of chance for noise (seed 0 when none is given)."""
        self.port = port
        self._rng = rng or random.Random(0)

    def scan(self, text: str | bytes, terminator: bytes = b"\r\n", fault: ScanFault | None = None) -> int:
        """Send one read.

        Args:
            text: what the code says; GS and other control characters go as they are.
            terminator: what the scanner puts behind it.
            fault: `torn`, the first half and then nothing; `noise`, bytes of a wrong baud rate inside; `no_terminator`;
                `double`, the same read twice without a pause; `split`, byte by byte.

        Returns:
            How many bytes the line took.
        """
        body = text.encode("utf-8") if isinstance(text, str) else text
        match fault:
            case None:
                return self.port.write(body + terminator)
            case "torn":
                return self.port.write(body[: max(1, len(body) // 2)])
            case "noise":
                at = self._rng.randrange(len(body) + 1)
                junk = bytes(self._rng.choice((0x00, 0x80, 0xF8, 0xFF)) for _ in range(4))
                return self.port.write(body[:at] + junk + body[at:] + terminator)
            case "no_terminator":
                return self.port.write(body)
            case "double":
                return self.port.write((body + terminator) * 2)
            case "split":
                return sum(self.port.write(bytes([byte])) for byte in body + terminator)
