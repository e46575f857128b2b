"""Instruments that speak SCPI: who they are, one query and its number, and their queue of errors.

It must not know which quantity is asked for, nor its limits: `ask` is the plan's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mes.domain.barcode import escaped
from mes.domain.spelling import unit_named
from stations.devices.readings import (
    Broken,
    Identity,
    Link,
    NoReply,
    Reading,
    Reply,
    amount,
    no_reading,
    number,
    text_of,
)
from stations.frames import PRINTABLE, Framing

FRAMING: Final = Framing(max_bytes=1024, allowed=PRINTABLE)
END: Final = b"\n"
"""Terminator of a command. Source: IEEE 488.2, 7.5; boxes on RS-232 take LF, CR or CR LF."""
MAX_STRAYS: Final = 2
"""How many answers that belong to no question here are read away before the instrument is given up."""

READY_S: Final = 5.0
"""How long a setting may take until the instrument says that it is over (`*OPC?`), in seconds."""
UNDEFINED_HEADER: Final = -113
POWER_ON: Final = 0x80

_ERROR: Final = re.compile(r'([+-]?[0-9]{1,6})\s{0,4},\s{0,4}"?([^"]{0,255})"?')
_READING: Final = re.compile(r"([+-]?\s{0,8}[0-9.,]{1,24}(?:[eE][+-]?[0-9]{1,4})?)\s{0,8}([A-Za-z%][A-Za-z% ]{0,11})?")

BROKEN: Final = (
    Broken("silence", b"", "timeout"),
    Broken("half a number, then silence", b"+1.23", "error"),
    Broken("bytes of a wrong baud rate", b"+1.\xff\xfe3\n", "error"),
    Broken("an error instead of a number", b'-113,"Undefined header"\n', "error"),
    Broken("a word", b"LOCAL\n", "error"),
    Broken("beyond the range", b"+9.90000000E+37\n", "overflow"),
    Broken("below the range", b"-9.9E37\n", "overflow"),
    Broken("beyond the range, with a unit", b"9.9E37OHM\n", "overflow"),
    Broken("beyond the range, in words", b"OL\n", "overflow"),
    Broken("no number (NaN)", b"9.91E37\n", "error"),
    Broken("two numbers", b"+1.0E+00,+2.0E+00\n", "error"),
    Broken("two points", b"1.2.3\n", "error"),
    Broken("an unknown unit", b"1.5 parsec\n", "error"),
    Broken("a unit that could mean two things", b"1.2 MW\n", "error"),
    Broken("a decimal comma", b"230,1\n", "measured"),
    Broken("the number twice", b"230.1\n230.1\n", "measured"),
    Broken("a unit behind the number", b"0.23 kV\n", "measured"),
)
"""What comes instead of one plain number."""


@dataclass(frozen=True, slots=True)
class ScpiError:
    """One entry of the error queue; negative codes are SCPI's own, positive ones the maker's."""

    code: int
    message: str


def parse_identity(raw: bytes) -> Identity | None:
    """Read the reply to `*IDN?`: maker, model, serial, firmware; three fields are model, serial, firmware.

    Commas in the firmware's field are its own.

    Source: IEEE 488.2, 10.14; GW Instek GPT-9000 manual, `*IDN` (no maker field).
    """
    match [part.strip(" ") for part in text_of(raw).split(",")]:
        case [model, serial, firmware]:
            maker = ""
        case [maker, model, serial, *more] if more:
            firmware = ", ".join(more)
        case _:
            return None
    return Identity(maker, model, serial, firmware, escaped(raw)) if model else None


def parse_error(raw: bytes) -> ScpiError | None:
    """Read the reply to `SYST:ERR?`, such as `-113,"Undefined header"`; `0,"No error"` has code 0."""
    found = _ERROR.fullmatch(text_of(raw))
    return ScpiError(int(found[1]), found[2].strip(" ")) if found else None


def parse_reading(raw: bytes) -> Reading:
    """Read one number with or without its unit; SCPI itself sends none, and then it is the plan's.

    9.9E37 and words for overload are `overflow`; 9.91E37, lists of numbers, unknown units, error texts and anything
    else are `error`. One comma between digits is a decimal comma.
    """
    text = text_of(raw)
    found = _READING.fullmatch(text)
    if found is None:
        return Reading(None, None, amount(text)[1], escaped(raw))
    unit = unit_named(found[2]) if found[2] else None
    value, outcome = amount(found[1])
    if found[2] and unit is None:
        value, outcome = None, "error"
    return Reading(value, unit, outcome, escaped(raw))


def identify(link: Link, timeout_s: float = 2.0) -> Identity | NoReply | None:
    """Ask an instrument who it is; None when it answers something else."""
    answer = link.ask(b"*IDN?" + END, timeout_s)
    return answer if isinstance(answer, NoReply) else parse_identity(answer.raw)


def drain_errors(link: Link, *, limit: int = 20, timeout_s: float = 1.0) -> tuple[ScpiError, ...]:
    """Empty the error queue, so that an old error is not taken for the next command's.

    Args:
        link: the instrument.
        limit: most entries to read; the longest known queue holds 20 or fewer, and a broken one never ends.
        timeout_s: longest wait for each, in seconds; silence ends the draining.
    """
    errors: list[ScpiError] = []
    strays = 0
    while len(errors) < limit:
        answer = link.ask(b"SYST:ERR?" + END, timeout_s)
        # Reading an entry takes it out of the queue, also where the answer might have been a late one.
        before = (parse_error(raw) for raw in answer.stale)
        errors += [e for e in before if e is not None and e.code]
        error = None if isinstance(answer, NoReply) else parse_error(answer.raw)
        if error is None and isinstance(answer, Reply) and strays < MAX_STRAYS:
            strays += 1  # the late answer to a question before: ask again, or it would be the next one's
            continue
        if error is None or error.code == 0:
            break
        errors.append(error)
    return tuple(errors)


def set_up(link: Link, commands: Iterable[str]) -> tuple[ScpiError, ...]:
    """Send commands that have no answer; returns what the instrument objected to.

    Raises:
        ValueError: for a command that is not printable ASCII: it would be two commands, or none.
    """
    for command in commands:
        if not _is_line(command):
            raise ValueError(f"a command is one line of printable ASCII, not {command!r}")
        link.write(command.encode("ascii") + END)
    return drain_errors(link)


def restarted(link: Link) -> bool | None:
    """Tell whether the instrument was switched on since this was last asked: then nothing that it was told still holds.

    Returns:
        None when it does not say, as an instrument without the status register of IEEE 488.2 does not.

    Source: IEEE 488.2, 11.5.1.2.1 (PON, bit 7 of the standard event status register, which reading it clears).
    """
    answer = link.ask(b"*ESR?" + END, 1.0)
    if isinstance(answer, NoReply):
        return None
    value = number(text_of(answer.raw))
    if value is None:
        return None
    # Reading the register clears it, also where the answer might have been a late one.
    before = [int(raw) for raw in answer.stale if raw.isdigit()]
    return any(status & POWER_ON for status in (int(value), *before))


def tell(link: Link, commands: Iterable[str], *, ready_s: float = READY_S) -> str:
    """Send commands, make sure that they were taken, and wait until they are over: a reading must not come before.

    Args:
        link: the instrument.
        commands: each without an answer.
        ready_s: longest wait for `*OPC?`, in seconds; 0 for an instrument that does not know it. One that says that it
            does not (-113) is believed.

    Returns:
        What went wrong; empty when all is well.

    Source: IEEE 488.2, 10.19 (`*OPC?` is answered 1 when everything before it is over).
    """
    drain_errors(link)  # old ones say nothing of these
    for command in commands:
        if not _is_line(command) or not link.write(command.encode("ascii") + END):
            return "the line does not take it"
    fault = _objection(link)
    if fault or not ready_s:
        return fault
    answer = link.ask(b"*OPC?" + END, ready_s)
    if isinstance(answer, Reply) and text_of(answer.raw) in ("1", "+1"):
        return _objection(link)
    why = f"not ready: {escaped(answer.raw) or 'no answer to *OPC?'}"
    return "" if any(e.code == UNDEFINED_HEADER for e in drain_errors(link)) else why


def _objection(link: Link) -> str:
    """What the instrument has against the last commands; that it answers at all says that it has heard them."""
    answer = link.ask(b"SYST:ERR?" + END, 2.0)
    if isinstance(answer, NoReply):
        return f"no answer ({answer.why})"
    error = parse_error(answer.raw)
    if error is None:
        return f"not understood: {escaped(answer.raw)}"
    said = [error, *(parse_error(raw) for raw in answer.stale)]
    return next((f"{e.code} {e.message}" for e in said if e is not None and e.code), "")


def measure(link: Link, ask: str, timeout_s: float) -> Reading:
    """Send a query and read its number. When there is none, the instrument's errors are added to `raw`."""
    if not _is_line(ask):
        return Reading(None, None, "error", f"not a command: {ask!a}")
    answer = link.ask(ask.encode("ascii") + END, timeout_s)
    reading = no_reading(answer) if isinstance(answer, NoReply) else parse_reading(answer.raw)
    if reading.outcome not in ("error", "timeout"):
        return reading
    errors = drain_errors(link, limit=5, timeout_s=0.5)
    said = "".join(f" [{e.code} {e.message}]" for e in errors)
    return Reading(None, reading.unit, reading.outcome, reading.raw + said)


def _is_line(command: str) -> bool:
    return bool(command) and command.isascii() and command.isprintable()
