"""One label over TCP to one printer: how it is asked, what is believed, when nobody can know.

`deliver` says `wait` as long as nothing of the label has left, `printed` when the printer says so, `unsure` for all
else. It must not know the queue.

Source: Zebra, ZPL II Programming Guide, `~HS`; port 9100.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from mes.domain.printer import STATUS, Printer, Status, read_status

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


def deliver(printer: Printer, data: bytes, begin: Callable[[], bool], limits: Limits = Limits()) -> Outcome:
    """Print one label.

    Args:
        data: one whole format.
        begin: makes it durable that the label leaves now; False when it shall not. Called once, before its first byte.
    """
    try:
        line = socket.create_connection(printer.address, timeout=limits.connect_s)
    except OSError:
        return Outcome("wait", "printer_away")
    with line:
        line.settimeout(limits.answer_s)
        if printer.answers:
            status = _ask(line, limits)
            if status is None:
                return Outcome("wait", "printer_silent")
            if trouble := status.trouble():
                return Outcome("wait", trouble)
            if not status.idle:
                return Outcome("wait", "printer_busy")
        if not begin():
            return Outcome("wait")
        try:
            line.sendall(data)
            return _until_out(line, limits) if printer.answers else _until_closed(line, limits)
        except OSError:
            return Outcome("unsure", "printer_lost")


def _until_out(line: socket.socket, limits: Limits) -> Outcome:
    end, why, before = time.monotonic() + limits.print_s, "printer_late", False
    while time.monotonic() < end:
        status = _ask(line, limits)
        if status is None:
            return Outcome("unsure", "printer_lost")
        # Twice, for between the buffer and the head a label may be in neither count; and not with paper out: whether
        # the last label of a roll is whole is for a person to see.
        idle, why = status.idle and status.trouble() is None, status.trouble() or "printer_late"
        if idle and before:
            return Outcome("printed")
        before = idle
        time.sleep(limits.ask_s)
    return Outcome("unsure", why)


def _until_closed(line: socket.socket, limits: Limits) -> Outcome:
    """It has taken every byte and closed in order: all that a printer without a voice can say."""
    line.settimeout(limits.print_s)
    line.shutdown(socket.SHUT_WR)
    while line.recv(MOST):
        pass
    return Outcome("printed")


def _ask(line: socket.socket, limits: Limits) -> Status | None:
    """The printer's status; None when no whole answer comes in time, or the line is gone."""
    end, heard = time.monotonic() + limits.answer_s, b""
    try:
        line.sendall(STATUS)
        while (left := end - time.monotonic()) > 0 and len(heard) < MOST:
            line.settimeout(left)
            more = line.recv(MOST)
            if not more:
                return None
            heard += more
            if (status := read_status(heard)) is not None:
                return status
    except OSError:
        return None
    return None
