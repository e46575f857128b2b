"""A device on a pseudo-terminal, behind a symbolic link that stays: it can be unplugged and plugged in again.

The link stands for /dev/serial/by-id/…: the station opens it exactly as it opens a real device. It must not know what
the bytes mean; a virtual device answers through `respond`, or writes by itself.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import select
import threading
import time
import tty
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

MAX_RECEIVED: Final = 65_536
"""Most bytes that a device remembers of what it was told."""


@dataclass(frozen=True, slots=True, order=True)
class Burst:
    """Bytes that leave the device together, `after_s` seconds from now."""

    data: bytes
    after_s: float = 0.0


Respond = Callable[[bytes], bytes | Iterable[Burst]]


def _silent(_: bytes) -> bytes:
    return b""


class VirtualPort:
    """One virtual serial device. As a context manager it is plugged in, and gone afterwards."""

    def __init__(self, link: Path, respond: Respond = _silent) -> None:
        """Prepare a device; nothing exists until `plug`.

        Args:
            link: the path that the station opens; its folder must exist.
            respond: given the bytes that came, in whatever pieces, returns what goes back: bytes at once, or bursts.
                It runs on the device's own thread.
        """
        self.link = link
        self.respond = respond
        self.received = bytearray()
        """What the station has sent since the device was made; of much, the end."""
        self._lock = threading.RLock()
        self._master = self._slave = -1
        self._tty = ""
        self._due: list[tuple[float, int, bytes]] = []
        self._count = 0
        self._thread: threading.Thread | None = None
        self._wake_r = self._wake_w = -1

    def __enter__(self) -> Self:
        return self.plug()

    def __exit__(self, *_: object) -> None:
        self.unplug()

    @property
    def tty(self) -> str:
        """The terminal behind the link; empty before the device is there."""
        return self._tty

    @property
    def plugged(self) -> bool:
        """True while the device exists."""
        return self._master >= 0

    def plug(self) -> Self:
        """Make the device appear behind its link. Nothing happens when it is there already."""
        with self._lock:
            if self.plugged:
                return self
            self._master, self._slave = os.openpty()
            # The slave stays open here too: with no reader at all, every read of the master would fail at once.
            tty.setraw(self._slave)
            self._tty = os.ttyname(self._slave)
            os.set_blocking(self._master, False)
            self._wake_r, self._wake_w = os.pipe()
            self._due.clear()
            fresh = self.link.with_name(f".{self.link.name}.new")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self._tty)
            fresh.replace(self.link)
            self._thread = threading.Thread(target=self._run, name=f"virtual {self.link.name}", daemon=True)
            self._thread.start()
            return self

    def unplug(self) -> None:
        """Make the device disappear at once, whatever is under way. Nothing happens when it is not there.

        Raises:
            RuntimeError: when called from `respond`: the device's thread cannot pull its own plug.
        """
        with self._lock:
            if not self.plugged:
                return
            if self._thread is threading.current_thread():
                raise RuntimeError("a virtual device cannot unplug itself while it answers")
            with contextlib.suppress(OSError):  # it may be another's by now, who was started under the same name
                if os.readlink(self.link) == self._tty:
                    self.link.unlink()
            os.write(self._wake_w, b"x")
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(timeout=10)
        with self._lock:
            for fd in (self._slave, self._master, self._wake_r, self._wake_w):
                with contextlib.suppress(OSError):
                    os.close(fd)
            self._master = self._slave = self._wake_r = self._wake_w = -1

    def write(self, data: bytes, limit_s: float = 5.0) -> int:
        """Send bytes to the station.

        Args:
            data: the bytes.
            limit_s: how long to wait for a reader when the line is full, in seconds.

        Returns:
            How many bytes were taken; 0 when the device is unplugged.
        """
        sent, end = 0, time.monotonic() + limit_s
        while sent < len(data) and time.monotonic() < end:
            with self._lock:
                if not self.plugged or self._thread is None:
                    break  # gone, or going
                try:
                    sent += os.write(self._master, data[sent : sent + 1024])
                    continue
                except BlockingIOError:
                    master = self._master
                except OSError:
                    break
            select.select([], [master], [], 0.01)
        return sent

    def write_later(self, data: bytes, after_s: float) -> None:
        """Send bytes `after_s` seconds from now, unless the device is unplugged before."""
        with self._lock:
            self._count += 1
            heapq.heappush(self._due, (time.monotonic() + after_s, self._count, data))
            if self.plugged:
                os.write(self._wake_w, b"t")

    # --- the device's thread -----------------------------------------------------------------------------------------

    def _run(self) -> None:
        master, wake = self._master, self._wake_r
        while True:
            with self._lock:
                wait_s = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
            ready, _, _ = select.select([master, wake], [], [], wait_s)
            if wake in ready and b"x" in os.read(wake, 1024):
                return
            if master in ready:
                self._take(master)
            self._send_due()

    def _take(self, master: int) -> None:
        try:
            data = os.read(master, 65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            return
        self.received += data
        del self.received[:-MAX_RECEIVED]
        answer = self.respond(data)
        for burst in [Burst(answer)] if isinstance(answer, bytes) else answer:
            if burst.data:
                self.write_later(burst.data, burst.after_s)

    def _send_due(self) -> None:
        while True:
            with self._lock:
                if not self._due or self._due[0][0] > time.monotonic():
                    return
                _, _, data = heapq.heappop(self._due)
            self.write(data)
