"""A label printer on TCP or on a pseudo-terminal: it takes ZPL, says how it is, remembers what came out, and breaks
down when it is told to.

It knows of ZPL only where a format begins and ends, and the host status.

Source: Zebra, ZPL II Programming Guide, `^XA`, `^XZ`, `~HS`.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self, get_args

from stations.simulator.pty import VirtualPort

PrinterFault = Literal["paper", "head", "ribbon", "pause", "silent", "before", "after", "half", "mute"]
"""`paper`, `head`, `ribbon`, `pause`: it says so and keeps what comes until it is mended. `silent`: it says nothing.

Of the next label: `before`: the line is lost before it comes out; `after`: it comes out, then the line is lost; `half`:
the line is lost in the middle of its bytes; `mute`: it is kept, and the printer stays busy.
"""

PRINTER_FAULTS: Final[tuple[PrinterFault, ...]] = get_args(PrinterFault)
AWAY_S: Final = 0.3
"""How long a plug that was pulled stays out, in seconds."""
_BEGIN, _END, _STATUS = b"^XA", b"^XZ", b"~HS"


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of bytes: what it says, what is not whole yet, and whether the line is to be lost now."""

    says: bytes
    rest: bytes
    lost: bool = False


class LabelPrinter:
    """The printer itself, on no line."""

    def __init__(self) -> None:
        self.printed: list[bytes] = []
        """Every format that came out, in order."""
        self.fault: PrinterFault | None = None
        self.kept: list[bytes] = []
        """Formats in its memory."""
        self.on_printed: Callable[[bytes], None] = lambda data: None
        """Told of each format that comes out."""
        self._lock = threading.RLock()

    def strike(self, fault: PrinterFault | None) -> None:
        """A fault from now on; None mends it, and what was kept comes out."""
        with self._lock:
            self.fault = fault
            if fault is None:
                kept, self.kept[:] = list(self.kept), []
                for data in kept:
                    self._out(data)

    def hear(self, heard: bytes) -> Heard:
        """Do what has come whole."""
        says = b""
        with self._lock:
            while True:
                status, begin = heard.find(_STATUS), heard.find(_BEGIN)
                if status >= 0 and (begin < 0 or status < begin):
                    says += b"" if self.fault == "silent" else self._status()
                    heard = heard[status + len(_STATUS) :]
                    continue
                if begin < 0:
                    return Heard(says, heard)
                if self.fault == "half":
                    self._broken()
                    return Heard(says, b"", lost=True)
                end = heard.find(_END, begin)
                if end < 0:
                    return Heard(says, heard)
                if not self._format(heard[begin : end + len(_END)]):
                    return Heard(says, b"", lost=True)
                heard = heard[end + len(_END) :]

    def _format(self, data: bytes) -> bool:
        if self.fault == "before":
            self._broken()
            return False
        if self.fault in ("paper", "head", "ribbon", "pause", "mute"):
            self.kept.append(data)
            return True
        self._out(data)
        if self.fault == "after":
            self._broken()
            return False
        return True

    def _out(self, data: bytes) -> None:
        self.printed.append(data)
        self.on_printed(data)

    def _broken(self) -> None:
        self.fault = None  # it strikes once

    def _status(self) -> bytes:
        said = self.fault
        one = f"030,{said == 'paper':d},{said == 'pause':d},0256,{len(self.kept):03},0,0,0,000,0,0,0"
        two = f"000,0,{said == 'head':d},{said == 'ribbon':d},1,2,6,0,{0:08},1,000"
        return b"".join(f"\x02{text}\x03\r\n".encode() for text in (one, two, "1234,0"))


class VirtualLabelPrinter(LabelPrinter):
    """One printer on a TCP port of this computer. As a context manager it is switched on, and off afterwards."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        super().__init__()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server((host, port))
        self._thread = threading.Thread(target=self._accept, name="label printer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Its address, as the plan writes it."""
        host, port = self._listener.getsockname()[:2]
        return f"tcp://{host}:{port}"

    def close(self) -> None:
        """Switch it off."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=10)
        with self._lock:
            lines = tuple(self._open)
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                line, _address = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(line)
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        heard = b""
        with line, contextlib.suppress(OSError):
            while more := line.recv(65_536):
                found = self.hear(heard + more)
                if found.says:
                    line.sendall(found.says)
                if found.lost:
                    break
                heard = found.rest
        with self._lock:
            self._open.discard(line)


class SerialLabelPrinter(LabelPrinter):
    """One printer on a pseudo-terminal. As a context manager it is plugged in, and gone afterwards.

    A line that is lost is a plug that is pulled and put in again.
    """

    def __init__(self, link: Path | VirtualPort) -> None:
        """Prepare a printer; nothing exists until it is used as a context manager.

        Args:
            link: where it appears, its folder must exist; or the port that it is on.
        """
        super().__init__()
        self.port = link if isinstance(link, VirtualPort) else VirtualPort(link)
        self.port.respond = self._respond
        self._heard = b""
        self._mains: threading.Thread | None = None
        self._off = threading.Event()

    def __enter__(self) -> Self:
        self.port.plug()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Its address, as the plan writes it: of the terminal behind the link, which is another one after a re-plug."""
        return f"serial://{self.port.tty}"

    def close(self) -> None:
        """Switch it off."""
        self._off.set()
        self.settled()
        self.port.unplug()

    def settled(self) -> None:
        """Return once a plug that was pulled is in again."""
        if self._mains is not None:
            self._mains.join(timeout=10)

    def _respond(self, data: bytes) -> bytes:
        found = self.hear(self._heard + data)
        self._heard = found.rest
        if found.lost:
            # On a thread of its own: the device's own cannot pull its plug.
            self._mains = threading.Thread(target=self._replug, name="mains", daemon=True)
            self._mains.start()
            return b""
        return found.says

    def _replug(self) -> None:
        self.port.unplug()
        if not self._off.wait(AWAY_S):
            self.port.plug()
