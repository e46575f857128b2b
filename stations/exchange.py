"""One open line: frames as they come, and one request at a time with the reply that belongs to it.

Works on anything that reads and writes bytes; a fault of the device is a value. It must not know how a port is found,
opened or opened again, what frames say, or who listens.
"""

from __future__ import annotations

import contextlib
import termios
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Literal, Protocol

from stations.devices.readings import NoReply, Reply
from stations.frames import EMPTY, BadFrame, Frame, Framing, abandon, feed, idle

# pyserial lets all of these out when a device goes away: its own (an OSError), EIO from ioctl, select on nothing,
# a failed tcflush.
BROKEN: Final = (OSError, TypeError, ValueError, termios.error)
Fault = Exception

GAP_MS: Final = 20
"""Silence behind an answer, in milliseconds, before it counts: a second answer to the same question comes at once."""
LATEST_S: Final = 60.0
"""How long an unanswered question may still be answered, in seconds; or twice its time-out, where that is longer."""
MOST_HEARD: Final = 16
"""So many different frames in one go are a device that talks all the time."""
MAX_ODD: Final = 2
"""How often a question is asked again to which two different answers came."""


class Wire(Protocol):
    """An open port with a read time-out, such as `serial.Serial`."""

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once."""

    def read(self, size: int = 1, /) -> bytes:
        """At most `size` bytes; fewer, or none, when the time-out is over."""

    def write(self, data: bytes, /) -> int | None:
        """Send bytes."""

    def close(self) -> None:
        """Give the port back."""


class Exchange:
    """Reads and asks on one wire. Use it from one thread; only `send`, `unsent` and `wake` are safe from others."""

    def __init__(self, wire: Wire, framing: Framing, stop: threading.Event, owed: list[float] | None = None) -> None:
        """Take an open wire, how the device marks its frames, and the event that ends all waiting.

        Args:
            owed: until when (monotonic, in seconds) each unanswered question may still be answered: what the line
                before on the same port has left, and kept up to date here.
        """
        self._wire, self._framing, self._stop = wire, framing, stop
        self._buffer = EMPTY
        self._lock = threading.Lock()  # held to write and to close: no write on a descriptor that is gone
        self._closed = False
        self._owed = owed if owed is not None else []
        self._unsettled = bool(self._owed)  # a request went unanswered: its answer may still come

    def send(self, data: bytes) -> bool:
        """Write bytes; False when the wire is closed or does not take them."""
        with self._lock:
            if self._closed:
                return False
            try:
                self._wire.write(data)
            except BROKEN:
                return False  # the next read meets the same fault and reports it
            return True

    def unsent(self) -> int | None:
        """Bytes that wait in the port; 0 where it cannot tell, None when the wire is closed or broken."""
        with self._lock:
            if self._closed:
                return None
            try:
                return int(getattr(self._wire, "out_waiting", 0))
            except BROKEN:
                return None

    def wake(self) -> None:
        """End a read that waits, so that it does not hold a question up. Not every wire can: then its time-out does."""
        with self._lock, contextlib.suppress(*BROKEN):
            cancel = getattr(self._wire, "cancel_read", None)
            if cancel is not None and not self._closed:
                cancel()

    def close(self) -> BadFrame | None:
        """Close the wire. Returns what had begun and can no longer end."""
        with self._lock:
            self._closed = True
            with contextlib.suppress(*BROKEN):  # it is gone: that is what was wanted
                self._wire.close()
        return abandon(self._buffer)

    def pump(self) -> tuple[tuple[Frame | BadFrame, ...], Fault | None]:
        """One read, and what became complete or torn by it. A fault is returned, so that no frame before it is lost."""
        before = _now_ms()
        try:
            chunk = self._wire.read(self._wire.in_waiting or 1)
        except BROKEN as e:
            return (), e
        if chunk:
            self._buffer, frames = feed(self._framing, self._buffer, chunk, _now_ms())
            return frames, None
        self._buffer, torn = idle(self._framing, self._buffer, before)
        return (torn,) if torn else (), None

    def ask(
        self, command: bytes, timeout_s: float, stopped: Callable[[], bool] | None = None
    ) -> tuple[Reply | NoReply, Fault | None]:
        """Send a command and take the frame that answers it; see `stations.ports.Port.ask`.

        While an earlier question may still be answered, the command is sent again until more answers have come than
        can be late: those before are let go. Two different answers to one question are none: it is sent again, too.
        """
        stale, fault = self._flush()
        if fault is not None:
            return NoReply("lost", stale=stale), fault
        begun = time.monotonic()
        deadline = begun + timeout_s
        self._owed[:] = [until for until in self._owed if until > begun]
        late, answered, odd = len(self._owed), 0, 0
        while True:
            if not self.send(command):
                return NoReply("lost", stale=stale), None
            heard, fault = self._hear(command.strip(b"\r\n"), deadline, stopped)
            echoes, frames = heard
            stale += echoes
            bad = next((f for f in frames if isinstance(f, BadFrame)), None)
            if fault is not None or bad is not None or not frames:
                break
            if len(frames) == 1 and answered >= late:
                # As many answers as before may still come now, to the last sendings.
                self._owed[:] = [max(until, time.monotonic() + LATEST_S) for until in self._owed]
                return Reply(frames[0].raw, stale), None
            stale += tuple(f.raw for f in frames)
            answered += 1
            odd += answered > late
            if odd > MAX_ODD:
                self._unsettled = True
                return NoReply("two_answers", frames[0].raw, stale), None
        self._unsettled = True
        self._owed.append(begun + max(LATEST_S, 2 * timeout_s))
        if fault is not None:
            return NoReply("lost", self._buffer.held, stale), fault
        if bad is not None:
            return NoReply(bad.why, bad.raw, stale + tuple(f.raw for f in frames if f is not bad)), None
        why: Literal["closed", "timeout"] = "timeout" if time.monotonic() >= deadline else "closed"
        silence = NoReply(why, self._buffer.held, stale)
        self._give_up_partial()
        return silence, None

    def _hear(
        self, echo: bytes, deadline: float, stopped: Callable[[], bool] | None
    ) -> tuple[tuple[tuple[bytes, ...], list[Frame | BadFrame]], Fault | None]:
        """What comes together: echoes apart, then the frames, the same one twice in a row counted once.

        It ends when the line has been silent behind a frame, or with nothing when the time is over.
        """
        echoes: tuple[bytes, ...] = ()
        heard: list[Frame | BadFrame] = []
        while not self._stop.is_set() and not (stopped and stopped()) and len(heard) < MOST_HEARD:
            if heard and not self._waiting() and not self._buffer.held:
                if _now_ms() - self._buffer.at_ms >= GAP_MS:
                    break
                self._stop.wait(GAP_MS / 4000)
                continue
            if not heard and time.monotonic() >= deadline:
                break
            frames, fault = self.pump()
            for frame in frames:
                if frame.raw == echo:
                    echoes += (frame.raw,)
                elif not heard or frame != heard[-1]:
                    heard.append(frame)
                else:
                    echoes += (frame.raw,)
            if fault is not None:
                return (echoes, heard), fault
        return (echoes, heard), None

    def _flush(self) -> tuple[tuple[bytes, ...], Fault | None]:
        """Read away what comes, until the line is between two frames; after an unanswered request, until it is silent.

        Cutting a frame in two would make its second half the reply: "12.01 g" would weigh 2.01 g.
        """
        begun = silent_since = now = _now_ms()
        quiet_ms = self._framing.idle_ms if self._unsettled else 0
        give_up = begun + max(1000, 2 * self._framing.idle_ms)
        stale: tuple[bytes, ...] = ()
        while self._buffer.held or self._buffer.dropping or self._waiting() or now - silent_since < quiet_ms:
            if now > give_up or self._stop.is_set():
                self._give_up_partial()
                return stale, None
            frames, fault = self.pump()
            stale = (*stale, *(f.raw for f in frames))[-16:]  # a chattering device must not fill the memory
            if fault is not None:
                return stale, fault
            now, silent_since = _now_ms(), max(silent_since, self._buffer.at_ms)
        self._unsettled = False
        return stale, None

    def _give_up_partial(self) -> None:
        """Drop the rest of a frame that was begun too, or it would pass for a frame of its own."""
        if self._buffer.held:
            self._buffer = replace(self._buffer, held=b"", dropping=True)

    def _waiting(self) -> bool:
        try:
            return self._wire.in_waiting > 0
        except BROKEN:
            return True  # the next read meets the same fault and reports it


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
