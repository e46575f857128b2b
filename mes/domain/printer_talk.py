"""One label to one printer, on whatever line: how it is asked, what is believed, when nobody can know.

`deliver` says `wait` as long as nothing of the label has left, `printed` when the printer says so, `unsure` for all
else. The line and the clock are handed in. It must not know sockets, serial ports, nor the queue.

Source: Zebra, ZPL II Programming Guide, `~HS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from mes.domain.printer import STATUS, Status, read_status

CONNECT_S: Final = 3.0
ANSWER_S: Final = 3.0  # from a question to its whole answer
PRINT_S: Final = 20.0  # from the label's last byte to the printer's word that it is out
ASK_S: Final = 0.2  # between two questions
MOST: Final = 4_096  # bytes of an answer that are looked at


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a label, and a reason's code."""

    state: Literal["wait", "printed", "unsure"]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long is waited, in seconds."""

    connect_s: float = CONNECT_S
    answer_s: float = ANSWER_S
    print_s: float = PRINT_S
    ask_s: float = ASK_S


@dataclass(frozen=True, slots=True)
class Clock:
    """Monotonic seconds, and a way to let some pass."""

    now: Callable[[], float]
    rest: Callable[[float], None]


class Line(Protocol):
    """An open line to a printer. Each method raises OSError when the line is gone."""

    def hush(self) -> None:
        """Forget what came unasked: a late answer is no answer to the next question."""

    def send(self, data: bytes, within_s: float) -> None:
        """Send bytes; OSError when they are not all taken in time."""

    def hear(self, within_s: float) -> bytes:
        """What comes next; empty when nothing came in time."""

    def end(self, within_s: float) -> None:
        """Everything that was sent has been taken by the other side; OSError when not, or when nobody can know."""


def deliver(
    line: Line, data: bytes, begin: Callable[[], bool], *, answers: bool, clock: Clock, limits: Limits
) -> Outcome:
    """Print one label.

    Args:
        data: one whole format.
        begin: makes it durable that the label leaves now; False when it shall not. Called once, before its first byte.
        answers: the printer says how it is on this line.
    """
    if answers:
        status = _ask(line, clock, limits)
        if status is None:
            return Outcome("wait", "printer_silent")
        if trouble := status.trouble():
            return Outcome("wait", trouble)
        if not status.idle:
            return Outcome("wait", "printer_busy")
    if not begin():
        return Outcome("wait")
    try:
        line.send(data, limits.print_s)
        if answers:
            return _until_out(line, clock, limits)
        line.end(limits.print_s)  # all that a printer without a voice can say
        return Outcome("printed")
    except OSError:
        return Outcome("unsure", "printer_lost")


def _until_out(line: Line, clock: Clock, limits: Limits) -> Outcome:
    end, why, before = clock.now() + limits.print_s, "printer_late", False
    while clock.now() < end:
        status = _ask(line, clock, limits)
        if status is None:
            return Outcome("unsure", "printer_lost")
        # Twice, for between the buffer and the head a label may be in neither count; and not with paper out: whether
        # the last label of a roll is whole is for a person to see.
        idle, why = status.idle and status.trouble() is None, status.trouble() or "printer_late"
        if idle and before:
            return Outcome("printed")
        before = idle
        clock.rest(limits.ask_s)
    return Outcome("unsure", why)


def _ask(line: Line, clock: Clock, limits: Limits) -> Status | None:
    """The printer's status; None when no whole answer comes in time, or the line is gone."""
    end, heard = clock.now() + limits.answer_s, b""
    try:
        line.hush()
        line.send(STATUS, limits.answer_s)
        while (left := end - clock.now()) > 0 and len(heard) < MOST:
            heard += line.hear(left)
            if (status := read_status(heard)) is not None:
                return status
    except OSError:
        return None
    return None
