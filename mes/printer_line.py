"""The TCP line to a label printer: opened, spoken to, closed. What is said on it is `mes.domain.printer_talk`.

Source: Zebra, raw port 9100.
"""

from __future__ import annotations

import socket
import time
from typing import Final, Self

from mes.domain.printer_talk import MOST, Clock

CLOCK: Final = Clock(time.monotonic, time.sleep)


class TcpLine:
    """One open connection; as a context manager it is closed afterwards."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    @classmethod
    def open(cls, address: tuple[str, int], within_s: float) -> Self:
        """Connect.

        Raises:
            OSError: nobody is there.
        """
        return cls(socket.create_connection(address, timeout=within_s))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def hush(self) -> None:
        """Nothing: an answer is read to its end, and a line with an unanswered question is not used again."""

    def send(self, data: bytes, within_s: float) -> None:
        """Send bytes."""
        self._line.settimeout(within_s)
        self._line.sendall(data)

    def hear(self, within_s: float) -> bytes:
        """What comes next; empty when nothing came in time."""
        self._line.settimeout(within_s)
        try:
            more = self._line.recv(MOST)
        except TimeoutError:
            return b""
        if not more:
            raise ConnectionResetError("the printer has closed the line")
        return more

    def end(self, within_s: float) -> None:
        """It has taken every byte and closed in order."""
        self._line.settimeout(within_s)
        self._line.shutdown(socket.SHUT_WR)
        while self._line.recv(MOST):
            pass
