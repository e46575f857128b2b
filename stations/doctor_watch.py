"""What the devices of a station send right now, and what it says about them: live, until somebody has seen enough.

Frames come from the real ports, typed text from this program's own terminal, as from a scanner that is a keyboard. It
decides nothing: `mes.domain.check_codes` does.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from mes.domain.check_codes import Finding, recognise
from mes.domain.serial_line import BAUDS
from mes.plan.station import Port as PortTable
from stations.devices import FAMILIES
from stations.frames import EMPTY, BadFrame, Frame, Framing, feed, idle
from stations.ports import Port, PortEvent, PortLost, PortOpened, PortSettings

TYPED: Final = "keyboard"
ORDER: Final = (9600, 115_200, 19_200, 38_400, 57_600, 4800, 2400, 1200, 230_400, 460_800, 921_600, 600, 300)
"""Speeds to try, the likeliest first."""
assert set(ORDER) == set(BAUDS)
_ANYTHING: Final = Framing(allowed=bytes(range(256)), idle_ms=400)


@dataclass(frozen=True, slots=True)
class Seen:
    """Something came: from which port (or the keyboard), the bytes with their end, what it tells.

    `lost` is why the port is gone, `opened` says that it is listened to from now on; then nothing came.
    """

    device: str
    raw: bytes
    finding: Finding | None = None
    lost: PortLost | None = None
    opened: bool = False


def as_sent(event: Frame | BadFrame) -> bytes:
    """The bytes of a frame as they were on the line; its end is told as CR, whichever it was."""
    ended = isinstance(event, Frame) or event.why in ("bad_bytes", "bad_prefix")
    return event.raw + (b"\r" if ended else b"")


def watch(ports: tuple[PortTable, ...], stop: threading.Event, *, seconds: float | None) -> Iterator[Seen]:
    """Everything that comes, as it comes, until `stop` is set or the time is over."""
    came: queue.SimpleQueue[Seen] = queue.SimpleQueue()
    until = None if seconds is None else time.monotonic() + seconds
    with contextlib.ExitStack() as stack:
        for table in ports:
            stack.enter_context(_port(table, table.baud, came.put))
        typing = threading.Thread(target=_typed, args=(stop, came.put), daemon=True)
        stack.enter_context(_without_echo())
        typing.start()
        while not stop.is_set() and (until is None or time.monotonic() < until):
            with contextlib.suppress(queue.Empty):
                yield came.get(timeout=0.1)
        stop.set()
        typing.join(timeout=2)


def try_speeds(table: PortTable, stop: threading.Event, *, seconds: float) -> Iterator[tuple[int, list[Seen]]]:
    """Listen at each speed for a while; the caller scans a check code meanwhile, and stops when one reads."""
    for baud in ORDER:
        if stop.is_set():
            return
        came: queue.SimpleQueue[Seen] = queue.SimpleQueue()
        heard: list[Seen] = []
        with _port(table, baud, came.put):
            until = time.monotonic() + seconds
            while not stop.is_set() and time.monotonic() < until and not any(reads(s) for s in heard):
                with contextlib.suppress(queue.Empty):
                    heard.append(came.get(timeout=0.05))
        yield baud, heard


def reads(seen: Seen) -> bool:
    """Whether a check code came through well enough to know it."""
    return seen.finding is not None and seen.finding.fault not in ("unknown", "wrong_speed", "nothing", "cut")


def _port(table: PortTable, baud: int, put: Callable[[Seen], None]) -> Port:
    family = FAMILIES[table.family]

    def heard(event: PortEvent) -> None:
        match event:
            case Frame() | BadFrame():
                raw = as_sent(event)
                put(Seen(table.name, raw, recognise(raw) if family.role == "scan" else None))
            case PortLost():
                put(Seen(table.name, b"", lost=event))
            case PortOpened():
                put(Seen(table.name, b"", opened=True))

    # Whatever a family allows in a frame: here every byte is shown, and silence ends what has no end.
    return Port(PortSettings(table.url, baud), replace(family.framing, prefix=b""), heard)


def _typed(stop: threading.Event, put: Callable[[Seen], None]) -> None:
    """What is typed into this terminal, by hands or by a scanner that is a keyboard."""
    try:
        source = sys.stdin.fileno()
    except (ValueError, OSError):
        return  # no terminal, no typing
    buffer = EMPTY
    while not stop.is_set():
        now_ms = time.monotonic_ns() // 1_000_000
        try:
            ready = select.select([source], [], [], 0.1)[0]
            chunk = os.read(source, 4096) if ready else None
        except (OSError, ValueError):
            return
        if chunk == b"":
            return
        if chunk:
            buffer, frames = feed(_ANYTHING, buffer, chunk, now_ms)
            for frame in frames:
                put(Seen(TYPED, as_sent(frame), recognise(as_sent(frame))))
        else:
            buffer, torn = idle(_ANYTHING, buffer, now_ms)
            if torn is not None:
                put(Seen(TYPED, torn.raw, recognise(torn.raw)))


@contextmanager
def _without_echo() -> Iterator[None]:
    """The terminal gives each character at once and does not show it; Ctrl-C still ends the program."""
    try:
        source = sys.stdin.fileno()
        before = termios.tcgetattr(source)
        tty.setcbreak(source)
    except (ValueError, OSError, termios.error):
        yield
        return
    try:
        yield
    finally:
        termios.tcsetattr(source, termios.TCSADRAIN, before)
