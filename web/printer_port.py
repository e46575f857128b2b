"""The serial line to a label printer that stands beside the server. What is said on it is `mes.domain.printer_talk`.

The only module of the server that opens a port. A port that another program has is away, as a cable that is out.
"""

from __future__ import annotations

import termios
import time
from typing import Final, Self

import serial

from mes.domain import serial_line
from mes.domain.printer_talk import MOST

PIECE: Final = 256  # bytes that are written in one go: how exactly a printer that takes no more is noticed
LOOK_S: Final = 0.01  # between two looks at what the port has still to send
_GONE: Final = (OSError, TypeError, ValueError, termios.error)
"""What pyserial lets out when a device goes away: see `stations.exchange.BROKEN`."""


class SerialLine:
    """One open port; as a context manager it is closed afterwards."""

    def __init__(self, port: serial.Serial) -> None:
        self._port = port

    @classmethod
    def open(cls, line: serial_line.SerialLine) -> Self:
        """Take the port for us alone; what lay in it is forgotten.

        Raises:
            OSError: there is no such port, or another program has it.
        """
        try:
            port = serial.Serial(
                line.path,
                line.baud,
                bytesize=line.bits,
                parity=line.parity,
                stopbits=line.stop,
                xonxoff=line.flow == "xonxoff",
                rtscts=line.flow == "rtscts",
                timeout=0,
                exclusive=True,
            )
        except _GONE as error:
            raise OSError(str(error)) from error
        return cls(port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            # Closing waits for bytes that the printer does not take, for ever with XOFF: they are thrown away.
            self._port.reset_output_buffer()
            self._port.close()
        except _GONE:
            pass  # it is gone: that is what was wanted

    def hush(self) -> None:
        """Forget what came unasked."""
        try:
            self._port.reset_input_buffer()
        except _GONE as error:
            raise OSError(str(error)) from error

    def send(self, data: bytes, within_s: float) -> None:
        """Send bytes."""
        end = time.monotonic() + within_s
        try:
            for at in range(0, len(data), PIECE):
                self._port.write_timeout = max(0.05, end - time.monotonic())
                self._port.write(data[at : at + PIECE])
        except _GONE as error:
            raise OSError(str(error)) from error

    def hear(self, within_s: float) -> bytes:
        """What comes next; empty when nothing came in time."""
        try:
            self._port.timeout = within_s
            first = bytes(self._port.read(1))
            self._port.timeout = 0
            return first + bytes(self._port.read(MOST)) if first else b""
        except _GONE as error:
            raise OSError(str(error)) from error

    def end(self, within_s: float) -> None:
        """The port has sent everything: with flow control, the printer has taken it."""
        end = time.monotonic() + within_s
        try:
            while self._port.out_waiting:
                if time.monotonic() > end:
                    raise TimeoutError("the printer takes no more")
                time.sleep(LOOK_S)
        except _GONE as error:
            raise OSError(str(error)) from error
