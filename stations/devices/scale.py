"""Scales: one weight, stable or not, zero and tare, in three dialects (MT-SICS, KERN, Ohaus).

Splits on blanks and never on columns: the makers' tables differ in width. It must not know what a weight is good for,
nor convert it; the unit is the scale's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast

from mes.domain.barcode import escaped
from stations.devices.readings import Broken, Link, NoReply, Reading, no_reading, number, text_of
from stations.frames import PRINTABLE, Framing

FRAMING: Final = Framing(max_bytes=80, allowed=PRINTABLE)

WeightFault = Literal["busy", "overload", "underload", "bad_command", "error", "bad_reply", "no_reply", "not_zero"]
Action = Literal["Z", "T"]
ANSWER_S: Final = 1.0
"""How long a scale may take to object to zero or tare; most makes say nothing at all."""

_UNITS: Final = {u: u for u in ("g", "kg", "mg", "t", "lb", "oz", "ct", "pcs")} | {"pc": "pcs"}
_SICS_FAULTS: Final[dict[str, WeightFault]] = {
    "I": "busy", "+": "overload", "-": "underload", "L": "bad_command",
    "ES": "bad_command", "ET": "error", "EL": "bad_command",
}  # fmt: skip
_KERN: Final = re.compile(r"(ST|US|OL)\s{0,3},\s{0,3}(GS|GW|G|NT|N)\b[\s,]{0,6}(.*)")
_WEIGHT: Final = re.compile(r"([+-]?\s{0,12}[0-9.,]{1,12})\s{0,8}([A-Za-z]{1,3})")
_OHAUS: Final = re.compile(rf"{_WEIGHT.pattern}\s{{0,4}}(\?)?\s{{0,4}}(?:NET|N|G)?")


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight in the scale's unit; `stable` is the scale's own judgement."""

    value: float
    unit: str
    stable: bool
    raw: str


@dataclass(frozen=True, slots=True)
class NoWeight:
    """No weight, and why. `busy`: the scale did not come to rest in its time."""

    why: WeightFault
    raw: str


@dataclass(frozen=True, slots=True)
class Done:
    """Zero is set, or the tare is taken: its weight, where the scale says it."""

    tared: Weight | None
    raw: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a make is asked for a stable weight, for whatever it shows now, told zero and tare, and how it answers.

    `done` reads the answer to zero and tare; None where the make does not answer, and the display must be looked at.
    """

    stable: bytes
    now: bytes
    zero: bytes
    tare: bytes
    parse: Callable[[bytes], Weight | NoWeight]
    done: Callable[[bytes], Done | NoWeight] | None = None


def parse_mt_sics(raw: bytes) -> Weight | NoWeight:
    """Read a reply to `S` or `SI`: `S S     100.00 g` stable, `S D` not; `S I` busy, `S +`, `S -`, `S L`, `ES`.

    Source: METTLER TOLEDO MT-SICS reference manual, level 0, commands S and SI.
    """
    text = text_of(raw)
    match text.split():
        case ["S", ("S" | "D") as state, value, unit]:
            return _weight(value, unit, state == "S", text)
    return _sics_fault("S", raw)


def parse_mt_sics_done(raw: bytes) -> Done | NoWeight:
    """Read a reply to `Z`, `ZI`, `T` or `TI`: `Z A`, `ZI S`, `T S     2.486 g`; `Z I` busy, `T +`, `T -`, `ES`.

    Makers differ in how they say that it is done: A, S and D are all taken.

    Source: METTLER TOLEDO MT-SICS reference manual, level 0 (Z, ZI) and level 1 (T, TI).
    """
    text = text_of(raw)
    match text.split():
        case [("Z" | "ZI"), ("A" | "S" | "D")]:
            return Done(None, text)
        case [("T" | "TI"), ("A" | "S" | "D"), value, unit]:
            weight = _weight(value, unit, True, text)
            return Done(weight, text) if isinstance(weight, Weight) else weight
        case [("Z" | "ZI" | "T" | "TI") as command, _]:
            return _sics_fault(command, raw)
    return _sics_fault("", raw)


def _sics_fault(command: str, raw: bytes) -> NoWeight:
    why: WeightFault | None = None
    match text_of(raw).split():
        case [said, fault] if said == command and len(fault) == 1:
            why = _SICS_FAULTS.get(fault)
        case [("ES" | "ET" | "EL") as fault]:
            why = _SICS_FAULTS[fault]
    return NoWeight(why or "bad_reply", escaped(raw))


def parse_kern(raw: bytes) -> Weight | NoWeight:
    """Read `ST,GS  1.000KG` (stable) or `US,…` (not); `OL` is overload, with a minus underload.

    Source: KERN KFB/KFN-TM manual, 10.3 and 10.4; KERN KXS-TM manual, 14.
    """
    text = text_of(raw)
    found = _KERN.fullmatch(text)
    if found is None:
        return NoWeight("bad_reply", escaped(raw))
    if found[1] == "OL":
        return NoWeight("underload" if found[3].strip(" ") == "-" else "overload", escaped(raw))
    weight = _WEIGHT.fullmatch(found[3].strip(" "))
    return _weight(weight[1], weight[2], found[1] == "ST", text) if weight else NoWeight("bad_reply", escaped(raw))


def parse_ohaus(raw: bytes) -> Weight | NoWeight:
    """Read `      0.01 g ?`: the question mark says not stable; `ES` is a command that it does not know.

    Source: Ohaus RS232 interface manual, output examples; Ohaus Courier 5000 manual, 10.2.
    """
    text = text_of(raw)
    found = _OHAUS.fullmatch(text)
    if found:
        return _weight(found[1], found[2], found[3] is None, text)
    if text.startswith("Err"):
        return NoWeight("error", escaped(raw))
    return NoWeight("bad_command" if text == "ES" else "bad_reply", escaped(raw))


DIALECTS: Final[dict[str, Dialect]] = {
    "mt-sics": Dialect(b"S\r\n", b"SI\r\n", b"Z\r\n", b"T\r\n", parse_mt_sics, parse_mt_sics_done),
    # KERN takes single letters without CR LF. Source: KERN GAB-N manual, 12.2; KFB/KFN-TM manual, 10.4.
    "kern": Dialect(b"S", b"W", b"Z", b"T", parse_kern),
    "ohaus": Dialect(b"SP\r\n", b"IP\r\n", b"Z\r\n", b"T\r\n", parse_ohaus),
}

BROKEN: Final[dict[str, tuple[Broken, ...]]] = {
    "mt-sics": (
        Broken("silence", b"", "timeout"),
        Broken("half a weight, then silence", b"S S     12.", "error"),
        Broken("bytes of a wrong baud rate", b"S S  1\xff\xfe2.00 g\r\n", "error"),
        Broken("it does not come to rest (busy)", b"S I\r\n", "error"),
        Broken("not stable", b"S D     100.01 g\r\n", "error"),
        Broken("overload", b"S +\r\n", "overflow"),
        Broken("underload: the pan is off", b"S -\r\n", "error"),
        Broken("a command that it does not know", b"ES\r\n", "error"),
        Broken("the answer to another command", b"Z A\r\n", "error"),
        Broken("no unit", b"S S     100.00\r\n", "error"),
        Broken("an unknown unit", b"S S     100.00 stone\r\n", "error"),
        Broken("two points", b"S S 1.2.3 g\r\n", "error"),
        Broken("a decimal comma", b"S S     100,00 g\r\n", "measured"),
        Broken("the weight twice", b"S S     100.00 g\r\n" * 2, "measured"),
    ),
    "kern": (
        Broken("silence", b"", "timeout"),
        Broken("half a weight, then silence", b"ST,GS  1.0", "error"),
        Broken("bytes of a wrong baud rate", b"ST,GS  1\xff\xfe.000KG\r\n", "error"),
        Broken("not stable", b"US,GS  1.342KG\r\n", "error"),
        Broken("overload", b"OL,GS,+          \r\n", "overflow"),
        Broken("underload: the pan is off", b"OL,GS,-          \r\n", "error"),
        Broken("the tare instead of the weight", b"ST,TR,+  0.5 kg\r\n", "error"),
        Broken("no unit", b"ST,GS  1.000\r\n", "error"),
        Broken("a line without its head", b"000KG\r\n", "error"),
        Broken("a decimal comma", b"ST,GS  1,000KG\r\n", "measured"),
        Broken("the weight twice", b"ST,GS  1.000KG\r\n" * 2, "measured"),
    ),
    "ohaus": (
        Broken("silence", b"", "timeout"),
        Broken("half a weight, then silence", b"    192.", "error"),
        Broken("bytes of a wrong baud rate", b"   1\xff\xfe92.21 g\r\n", "error"),
        Broken("not stable", b"      0.01 g ?\r\n", "error"),
        Broken("an error of its own", b"Err 8.4\r\n", "error"),
        Broken("a command that it does not know", b"ES\r\n", "error"),
        Broken("no unit", b"    192.21\r\n", "error"),
        Broken("a sum instead of a weight", b"  207.80 g TOTAL\r\n", "error"),
        Broken("a decimal comma", b"    192,21 g\r\n", "measured"),
        Broken("the weight twice", b"    192.21 g\r\n" * 2, "measured"),
    ),
}
"""What comes instead of a stable weight, by dialect."""


def weigh(link: Link, dialect: Dialect, *, stable: bool = True, timeout_s: float = 5.0) -> Weight | NoWeight:
    """Ask for one weight.

    Args:
        link: the scale.
        dialect: how it speaks.
        stable: wait until it rests; otherwise take what it shows.
        timeout_s: longest wait, in seconds; a scale that is touched does not answer sooner.
    """
    answer = link.ask(dialect.stable if stable else dialect.now, timeout_s)
    if isinstance(answer, NoReply):
        return NoWeight("no_reply", escaped(answer.raw))
    return dialect.parse(answer.raw)


def measure(dialect: Dialect, link: Link, ask: str, timeout_s: float) -> Reading:
    """A weight as a reading: `ask` is `S` (stable) or `SI` (now). A weight that is not stable is an `error`."""
    if ask not in ("S", "SI"):
        return Reading(None, None, "error", f"a scale is asked S or SI, not {ask}")
    answer = link.ask(dialect.stable if ask == "S" else dialect.now, timeout_s)
    if isinstance(answer, NoReply):
        return no_reading(answer)
    match dialect.parse(answer.raw):
        case Weight(value, unit, True, raw):
            return Reading(value, unit, "measured", raw)
        case NoWeight("overload", raw):
            return Reading(None, None, "overflow", raw)
        case other:
            return Reading(None, None, "error", other.raw)


def settle(link: Link, dialect: Dialect, action: Action, *, timeout_s: float = 5.0) -> Done | NoWeight:
    """Set zero (`Z`) or take the tare (`T`), and make sure that it happened.

    A make that answers is believed. Of the others the display must rest within one digit of zero: an empty pan after
    zero and a tared box both show that, and a scale that has not obeyed shows something else.
    """
    command = dialect.zero if action == "Z" else dialect.tare
    if dialect.done is not None:
        answer = link.ask(command, timeout_s)
        if isinstance(answer, NoReply):
            return NoWeight("no_reply", escaped(answer.raw))
        return dialect.done(answer.raw)
    objection = link.ask(command, ANSWER_S)
    if not isinstance(objection, NoReply):
        said = dialect.parse(objection.raw)
        if isinstance(said, NoWeight) and said.why in ("bad_command", "error"):
            return said
    shown = weigh(link, dialect, timeout_s=timeout_s)
    if isinstance(shown, NoWeight):
        return shown
    if not shown.stable or abs(shown.value) > _last_digit(shown.raw) * 1.001:
        return NoWeight("not_zero", shown.raw)
    return Done(None, shown.raw)


def tell(dialect: Dialect, link: Link, commands: Sequence[str]) -> str:
    """Zero and tare as a plan says them: `Z`, `T`. Returns what went wrong; empty when all is well."""
    for command in commands:
        if command not in ("Z", "T"):
            return f"a scale is told Z or T, not {command}"
        done = settle(link, dialect, cast(Action, command))
        if isinstance(done, NoWeight):
            return f"{command}: {done.why} ({done.raw})" if done.raw else f"{command}: {done.why}"
    return ""


def _last_digit(shown: str) -> float:
    """What one step of the last digit is worth: 0.01 for `12.50 g`."""
    found = re.search(r"[0-9]+(?:[.,]([0-9]*))?", shown)
    return float(10.0 ** -len(found[1] or "")) if found else 0.0


def _weight(value: str, unit: str, stable: bool, text: str) -> Weight | NoWeight:
    amount, symbol = number(value), _UNITS.get(unit.lower())
    if amount is None or symbol is None:
        return NoWeight("bad_reply", text)
    return Weight(amount, symbol, stable, text)
