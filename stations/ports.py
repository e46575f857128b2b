"""The only module that opens a port: bytes from a device become events, by themselves and for as long as it runs.

One thread a port reads, opens, and opens again after a re-plug. It must not know what frames say, nor who listens:
events go to one function. A request and its reply go through the same thread, so that no two of them can be confused.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import queue
import termios
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, Self

import serial

from stations.devices.readings import NoReply, Reply
from stations.exchange import BROKEN, Exchange, Wire
from stations.frames import BadFrame, Frame, Framing

_log = logging.getLogger(__name__)

VISA: Final = "visa://"
NO_VISA: Final = "PyVISA is not installed on this computer: pip install 'atelier-mes[station,visa]'"

_CAUSES: Final[dict[int | None, LostWhy]] = {
    errno.EAGAIN: "busy",
    errno.EBUSY: "busy",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.ENOENT: "missing",
    errno.ENXIO: "missing",
    errno.ENODEV: "missing",
}

LostWhy = Literal["missing", "busy", "denied", "unplugged", "broken"]


@dataclass(frozen=True, slots=True)
class PortSettings:
    """Where a device is and how its line is set.

    `address`: a path (best below /dev/serial/by-id), a pyserial URL, or `visa://` and a VISA resource name.
    """

    address: str
    baudrate: int = 9600
    bytesize: Literal[5, 6, 7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1
    xonxoff: bool = False
    rtscts: bool = False
    write_s: float = 1.0  # how long a device may take no bytes, in seconds


@dataclass(frozen=True, slots=True)
class PortOpened:
    """The port is open from now on; what the device sent before is lost."""

    address: str


@dataclass(frozen=True, slots=True)
class PortLost:
    """The port cannot be used, and is tried again every half second.

    `why`: `missing` (no such device), `busy` (another program has it), `denied` (no permission), `unplugged` (it was
    open until now), `broken` (anything else). `text` is the system's own message.
    """

    address: str
    why: LostWhy
    text: str


PortEvent = Frame | BadFrame | PortOpened | PortLost


@dataclass(slots=True)
class _Request:
    command: bytes
    timeout_s: float
    stopped: Callable[[], bool] | None = None
    answer: queue.SimpleQueue[Reply | NoReply] = field(default_factory=queue.SimpleQueue)


class Port:
    """One device on one line. Start it, or use it as a context manager; events come on its own thread, in order."""

    def __init__(
        self,
        settings: PortSettings,
        framing: Framing,
        on_event: Callable[[PortEvent], None],
        *,
        retry_s: float = 0.5,
        read_s: float = 0.05,
    ) -> None:
        """Prepare a port; nothing is opened yet.

        Args:
            settings: the line.
            framing: how the device marks its frames.
            on_event: told of frames, bad frames, opening and loss. It runs on the reading thread: keep, and return.
            retry_s: pause between two tries to open, in seconds.
            read_s: longest wait of one read, in seconds; how soon `close` is noticed.
        """
        self._settings, self._framing, self._on_event = settings, framing, on_event
        self._retry_s, self._read_s = retry_s, read_s
        self._stop = threading.Event()
        self._line: Exchange | None = None
        self._ask_lock = threading.Lock()  # one request in flight
        self._requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        self._owed: list[float] = []  # unanswered questions outlive a re-plug: the instrument may have kept its power
        self._said: LostWhy | None = None
        self._thread = threading.Thread(target=self._run, name=f"port {settings.address}", daemon=True)

    def start(self) -> Self:
        """Begin to open and read."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop reading and release the port."""
        self._stop.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout=10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """True from opening until loss. pyserial's own flag stays true on an unplugged device."""
        return self._line is not None

    def write(self, data: bytes) -> bool:
        """Send bytes at once; False when the port is not open or does not take them within a second (`write_s`)."""
        line = self._line
        return line is not None and line.send(data)

    def unsent(self) -> int | None:
        """How many bytes the port has still to send; 0 where it cannot tell, None when it is not open."""
        line = self._line
        return line.unsent() if line is not None else None

    def ask(
        self, command: bytes, timeout_s: float = 2.0, *, stopped: Callable[[], bool] | None = None
    ) -> Reply | NoReply:
        """Send a command and wait for the frame that answers it.

        What came before the command is flushed and returned as `stale`; so is an echo of the command. After a request
        without answer the line must first be silent for the framing's idle time; and as long as that answer may still
        come, the command is sent again until more answers have come than can be late ones. Those are `stale`, too. So
        ask what can be asked twice, and look into `stale` for what is told only once.

        Args:
            command: the bytes, terminator included.
            timeout_s: longest wait for the answer, in seconds.
            stopped: looked at while waiting; once it says so the answer is not wanted any more.

        Returns:
            The reply, or why there is none. A broken frame is no reply.

        Raises:
            RuntimeError: when called from the port's own thread, that is from `on_event`.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError("ask() from on_event would wait for itself")
        with self._ask_lock:
            line = self._line
            if line is None:
                return NoReply("closed" if self._stop.is_set() else "lost")
            request = _Request(command, timeout_s, stopped)
            self._requests.put(request)
            line.wake()
            while True:
                try:
                    return request.answer.get(timeout=0.5)
                except queue.Empty:
                    if not self._thread.is_alive():
                        return NoReply("closed")

    # --- the reading thread ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            line = self._open()
            if line is None:
                self._turn_down("lost")
                self._stop.wait(self._retry_s)
                continue
            self._line = Exchange(line, self._framing, self._stop, self._owed)
            self._said = None
            self._emit(PortOpened(self._settings.address))
            self._serve(self._line)
        self._turn_down("closed")

    def _open(self) -> Wire | None:
        line = _opened(self._settings, self._read_s)
        if isinstance(line, PortLost):
            self._lost(line.why, line.text)
            return None
        if isinstance(line, serial.Serial):
            _claim(line)
        return line

    def _serve(self, line: Exchange) -> None:
        fault: Exception | None = None
        while not self._stop.is_set() and fault is None:
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                frames, fault = line.pump()
                for frame in frames:
                    self._emit(frame)
            else:
                answer, fault = line.ask(request.command, request.timeout_s, request.stopped)
                request.answer.put(answer)
        self._line = None
        torn = line.close()
        if fault is not None:
            if torn:
                self._emit(torn)
            self._lost("unplugged", str(fault))

    def _turn_down(self, why: Literal["lost", "closed"]) -> None:
        while not self._requests.empty():
            self._requests.get_nowait().answer.put(NoReply(why))

    def _lost(self, why: LostWhy, text: str) -> None:
        """Say it once: a device that is away is away, and not every half second anew."""
        if self._said == why or (self._said == "unplugged" and why in ("missing", "broken")):
            return
        self._said = why
        self._emit(PortLost(self._settings.address, why, text))

    def _emit(self, event: PortEvent) -> None:
        try:
            self._on_event(event)
        except Exception:
            # A bug of the listener. The scan shows no green, so the operator knows; a dead thread would show nothing.
            _log.exception("the listener of %s failed", self._settings.address)


def try_to_open(settings: PortSettings) -> PortLost | None:
    """Open a port as the agent does and close it again; None when that went well."""
    line = _opened(settings, read_s=0.05)
    if isinstance(line, PortLost):
        return line
    line.close()
    return None


def _opened(s: PortSettings, read_s: float) -> Wire | PortLost:
    try:
        if s.address.startswith(VISA):
            return _open_visa(s, read_s)
        return serial.serial_for_url(
            s.address,
            baudrate=s.baudrate,
            bytesize=s.bytesize,
            parity=s.parity,
            stopbits=s.stopbits,
            xonxoff=s.xonxoff,
            rtscts=s.rtscts,
            timeout=read_s,
            write_timeout=s.write_s,
            exclusive=True,
        )
    except ImportError:
        return PortLost(s.address, "broken", NO_VISA)
    except BROKEN as e:
        return PortLost(s.address, _CAUSES.get(getattr(e, "errno", None), "broken"), str(e))


def _open_visa(settings: PortSettings, read_s: float) -> Wire:
    from stations.visa import open_visa  # only here: a bench PC without PyVISA works without it

    return open_visa(settings.address.removeprefix(VISA), baudrate=settings.baudrate, read_s=read_s)


def _claim(line: serial.Serial) -> None:
    """Refuse later openers that do not look at locks, as ModemManager or a terminal program.

    Not on a pseudo-terminal: there the flag outlives a killed owner, and the port could never be opened again.
    """
    try:
        if not os.ttyname(line.fileno()).startswith("/dev/pts/"):
            fcntl.ioctl(line.fileno(), termios.TIOCEXCL)
    except (OSError, NotImplementedError):
        _log.debug("%s is no terminal: nothing to claim", line.port)
