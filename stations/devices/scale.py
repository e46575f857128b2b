"""Scales: one weight, stable or not, from three dialects (MT-SICS, KERN, Ohaus).

Splits on blanks and never on columns: the makers' tables differ in width. It must not know what a weight is good for,
nor convert it; the unit is the scale's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from mes.domain.barcode import escaped
from stations.devices.readings import Link, NoReply, Reading, no_reading, number, text_of
from stations.frames import PRINTABLE, Framing

FRAMING: Final = Framing(max_bytes=80, allowed=PRINTABLE)

WeightFault = Literal["busy", "overload", "underload", "bad_command", "error", "bad_reply", "no_reply"]

_UNITS: Final = {u: u for u in ("g", "kg", "mg", "t", "lb", "oz", "ct", "pcs")} | {"pc": "pcs"}
_SICS_FAULTS: Final[dict[str, WeightFault]] = {
    "S I": "busy", "S +": "overload", "S -": "underload", "S L": "bad_command",
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
class Dialect:
    """How a make is asked for a stable weight, for whatever it shows now, and how it answers."""

    stable: bytes
    now: bytes
    parse: Callable[[bytes], Weight | NoWeight]


def parse_mt_sics(raw: bytes) -> Weight | NoWeight:
    """Read a reply to `S` or `SI`: `S S     100.00 g` stable, `S D` not; `S I` busy, `S +`, `S -`, `S L`, `ES`.

    Source: METTLER TOLEDO MT-SICS reference manual, level 0, commands S and SI.
    """
    text = text_of(raw)
    match text.split():
        case ["S", ("S" | "D") as state, value, unit]:
            return _weight(value, unit, state == "S", text)
    return NoWeight(_SICS_FAULTS.get(" ".join(text.split()), "bad_reply"), escaped(raw))


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
    "mt-sics": Dialect(b"S\r\n", b"SI\r\n", parse_mt_sics),
    # KERN takes single letters without CR LF. Source: KERN GAB-N manual, 12.2; KFB/KFN-TM manual, 10.4.
    "kern": Dialect(b"S", b"W", parse_kern),
    "ohaus": Dialect(b"SP\r\n", b"IP\r\n", parse_ohaus),
}


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


def _weight(value: str, unit: str, stable: bool, text: str) -> Weight | NoWeight:
    amount, symbol = number(value), _UNITS.get(unit.lower())
    if amount is None or symbol is None:
        return NoWeight("bad_reply", text)
    return Weight(amount, symbol, stable, text)
