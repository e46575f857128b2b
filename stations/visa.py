"""The only module that imports PyVISA: an instrument on LAN or USB as a wire, for those that no serial line reaches.

Imported when a station's file names such an address and never else: a bench PC without PyVISA works without it. It must
not know frames, questions or who listens.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
from collections.abc import Iterator
from typing import Any, Final, cast

import pyvisa
from pyvisa.constants import SerialTermination, StatusCode
from pyvisa.errors import VisaIOError
from pyvisa.resources import MessageBasedResource, SerialInstrument

OPEN_MS: Final = 3_000
POLL_MS: Final = 1
SLICE_MS: Final = 500
"""How long one read of an instrument that answers in messages may take: a command of another thread waits as long."""
LONGEST: Final = 65_536  # bytes of one message; framing cuts long before


class VisaWire:
    """An open VISA resource that reads and writes bytes as a serial line does.

    Serial lines and sockets are streams: they are read byte by byte, whatever comes. An instrument on VXI-11, HiSLIP or
    USB-TMC answers in messages, and only when asked: reading without a question would put an error into its queue.
    """

    def __init__(self, resource: MessageBasedResource, *, read_s: float) -> None:
        """Take an open resource, and how long a read may wait, in seconds."""
        self._resource = resource
        self._read_ms = max(1, round(read_s * 1000))
        self._serial = isinstance(resource, SerialInstrument)
        self._stream = self._serial or resource.resource_class == "SOCKET"
        self._lock = threading.Lock()  # PyVISA-py talks on one socket: a write must not fall into a read
        self._held = bytearray()
        self._due = False  # a question was sent, its message has not come
        self._closed = threading.Event()

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once."""
        with self._lock:
            if self._serial:
                return int(cast(SerialInstrument, self._resource).bytes_in_buffer)
            if self._stream and not self._held:
                self._held += self._take(1, POLL_MS)
            return len(self._held)

    def read(self, size: int = 1, /) -> bytes:
        """At most `size` bytes; none when the time-out is over."""
        if not self._stream and not self._due and not self._held:
            self._closed.wait(self._read_ms / 1000)
            return b""
        with self._lock:
            if not self._held:
                self._held += (
                    self._take(size if self._serial else 1, self._read_ms) if self._stream else self._message()
                )
            taken = bytes(self._held[:size])
            del self._held[:size]
            return taken

    def write(self, data: bytes, /) -> int | None:
        """Send bytes."""
        with self._lock:
            with _as_os_errors():
                count = self._resource.write_raw(data)
            self._due = self._due or b"?" in data
            return count

    def close(self) -> None:
        """Give the resource back."""
        self._closed.set()
        with self._lock, _as_os_errors():
            self._resource.close()

    def _message(self) -> bytes:
        """The message that was asked for, its end marked as a line's: on these links the end is no character."""
        data = self._take(LONGEST, SLICE_MS)
        if not data:
            return b""
        self._due = False
        return data if data.endswith((b"\r", b"\n")) else data + b"\n"

    def _take(self, count: int, limit_ms: int) -> bytes:
        with _as_os_errors():
            try:
                self._resource.timeout = limit_ms
                with self._resource.ignore_warning(StatusCode.success_max_count_read):
                    data, _status = self._resource.visalib.read(self._resource.session, count)
            except VisaIOError as error:
                if error.error_code != StatusCode.error_timeout:
                    raise
                if _hung_up(self._resource):
                    raise OSError("the instrument has closed the connection") from error
                return b""
            return data


@contextlib.contextmanager
def _as_os_errors() -> Iterator[None]:
    """What PyVISA raises becomes an OSError, which is what a line that is gone raises everywhere else."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


def open_visa(name: str, *, baudrate: int, read_s: float) -> VisaWire:
    """Open an instrument.

    Args:
        name: a VISA resource name, such as `TCPIP::192.168.1.20::INSTR` or `ASRL/dev/ttyUSB0::INSTR`.
        baudrate: speed, where it is a serial line.
        read_s: longest wait of one read, in seconds.

    Raises:
        OSError: when it cannot be opened.
    """
    with _as_os_errors():
        resource = _manager().open_resource(name, open_timeout=OPEN_MS)
        if not isinstance(resource, MessageBasedResource):
            resource.close()
            raise OSError(f"{name} exchanges no messages")
        try:
            if isinstance(resource, SerialInstrument):
                resource.baud_rate = baudrate
                resource.end_input = SerialTermination.none
                resource.end_output = SerialTermination.none
                _interface(resource).exclusive = True  # as stations.ports does: two programs on one line steal bytes
            elif resource.resource_class == "SOCKET" and _hung_up(resource):
                raise OSError(errno.ENODEV, f"nothing answers at {name}")
        except BaseException:
            resource.close()
            raise
        return VisaWire(resource, read_s=read_s)


def _manager() -> pyvisa.ResourceManager:
    # PyVISA-py, whatever else is installed: what the tests have seen is what a bench gets.
    return pyvisa.ResourceManager("@py")


def _interface(resource: MessageBasedResource) -> Any:
    return resource.visalib.sessions[resource.session].interface  # type: ignore[attr-defined]


def _hung_up(resource: MessageBasedResource) -> bool:
    """Whether the other end of a socket is gone: PyVISA-py (0.8) answers a refused or closed one with silence."""
    line = _interface(resource) if resource.resource_class == "SOCKET" else None
    if not isinstance(line, socket.socket):
        return False
    try:
        return line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0 or not line.recv(
            1, socket.MSG_PEEK | socket.MSG_DONTWAIT
        )
    except BlockingIOError:
        return False
    except OSError:
        return True
