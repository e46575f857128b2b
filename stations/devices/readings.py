"""What devices answer: replies, readings and weights as frozen values, and the link that a family asks through.

Shared by every device family. It must not know serial ports (`stations.ports` fills these types) nor limits and
verdicts: a reading says what the instrument said, in the instrument's unit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from mes.domain.barcode import escaped

Outcome = Literal["measured", "overflow", "rejected", "error", "timeout"]
Silence = Literal["timeout", "lost", "closed", "torn", "too_long", "bad_bytes", "bad_prefix", "two_answers"]

OVERFLOW: Final = 9.9e37
"""What SCPI instruments send for infinity. Source: SCPI-1999, volume 1, 7.2.1.4."""
NOT_A_NUMBER: Final = 9.91e37
"""What they send where there is no number. Source: SCPI-1999, volume 1, 7.2.1.5."""

_NUMBER: Final = re.compile(
    r"([+-]?)\s{0,10}([0-9]{1,20}(?:[.,][0-9]{0,20})?|[.,][0-9]{1,20})(?:[eE]([+-]?[0-9]{1,4}))?"
)
_OVER: Final = re.compile(r"[+-]?\s{0,4}(?:OL|OVLD|OVERLOAD|OVERFLOW|OVER|INF|INFINITY)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer to one command.

    `stale` is what lay there before, and answers that may have been late ones: kept, never taken for the answer.
    """

    raw: bytes
    stale: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class NoReply:
    """No usable answer: silence, a lost port, or a broken frame with its bytes."""

    why: Silence
    raw: bytes = b""
    stale: tuple[bytes, ...] = ()


class Link(Protocol):
    """A way to one instrument. `stations.ports.Port` is one."""

    def ask(self, command: bytes, timeout_s: float) -> Reply | NoReply:
        """Send a command and wait for one frame, at most `timeout_s` seconds."""

    def write(self, data: bytes) -> bool:
        """Send bytes that have no answer; False when the port is not open."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement as the instrument gave it.

    Attributes:
        value: the number, in `unit`; None unless measured or rejected.
        unit: a plain symbol ("V", "mA", "mohm", "kg"); None when the instrument names none.
        outcome: `measured`; `overflow`, beyond the instrument's range; `rejected`, the instrument itself judged FAIL,
            whatever the plan's limits say; `error`, something else than a number; `timeout`, nothing at all. The last
            two speak of the bench, not of the unit.
        raw: the reply as it came, escaped.
        passed: the instrument itself judged PASS. Most judge nothing.
    """

    value: float | None
    unit: str | None
    outcome: Outcome
    raw: str
    passed: bool = False

    @property
    def verdict(self) -> Literal["passed", "failed"] | None:
        """The instrument's own verdict, if it gave one."""
        return "failed" if self.outcome == "rejected" else "passed" if self.passed else None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an instrument says it is; `maker` is empty where the model does not tell."""

    maker: str
    model: str
    serial: str
    firmware: str
    raw: str


@dataclass(frozen=True, slots=True)
class Broken:
    """One row of a family's table of broken replies: what comes instead of a good answer, and what it is taken for.

    `sent` is on the line as it stands, terminator included: without one it is half an answer, and empty it is silence.
    """

    what: str
    sent: bytes
    outcome: Outcome


def text_of(raw: bytes) -> str:
    """The reply as text for parsing; the framing has let only ASCII through, anything else is a question mark."""
    return raw.decode("ascii", "replace").replace("\ufffd", "?").strip(" ")


def no_reading(silence: NoReply) -> Reading:
    """The reading that stands for a missing answer: `timeout` for silence, `error` for half of one or a lost port."""
    silent = silence.why == "timeout" and not silence.raw
    return Reading(None, None, "timeout" if silent else "error", escaped(silence.raw) or silence.why)


def amount(text: str) -> tuple[float | None, Outcome]:
    """One number and whether it is one: 9.9E37 and words for overload are `overflow`, anything else `error`."""
    if _OVER.fullmatch(text.strip(" ")):
        return None, "overflow"
    value = number(text)
    if value is None or abs(abs(value) / NOT_A_NUMBER - 1) < 1e-4:
        return None, "error"
    if abs(value) >= OVERFLOW * (1 - 1e-6):
        return None, "overflow"
    return value, "measured"


def number(text: str) -> float | None:
    """One decimal number, with a point or a comma; a sign may stand apart.

    Two numbers, a unit, hexadecimal, `nan` and `inf` are None; so is what a float cannot hold.
    """
    found = _NUMBER.fullmatch(text.strip(" "))
    if found is None:
        return None
    value = float(f"{found[1]}{found[2].replace(',', '.')}e{found[3] or 0}")
    return value if abs(value) != float("inf") else None
