"""Testers that send one line a unit by themselves; what stands in it is told in the station's file.

A line is read whole or not at all. It must not know the plan's limits, nor whose unit is on the bench.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from mes.domain.barcode import escaped
from mes.domain.spelling import unit_named
from mes.plan.lines import LineForm, LineTable, is_measurement
from stations.devices.readings import Broken, Reading, amount, text_of
from stations.frames import PRINTABLE, Framing

FRAMING: Final = Framing(max_bytes=1000, allowed=PRINTABLE + b"\t")

Verdict = Literal["passed", "failed", "unknown"]

EXAMPLE: Final = LineTable(
    separator=";", columns=("serial", "", "iso", "iso_unit", "leak", "verdict"), units={"leak": "mA"}
)
"""A tester as the table of broken lines means it: `NMD-1;25.11.2026;550;MOHM;0.4;PASS`."""
BROKEN: Final = (
    Broken("half a line, then silence", b"NMD-1;25.11.2026;550;MOH", "error"),
    Broken("bytes of a wrong baud rate", b"NMD-1;25.11\xff\xfe.2026;550;MOHM;0.4;PASS\r\n", "error"),
    Broken("a column too few", b"NMD-1;25.11.2026;550;MOHM;PASS\r\n", "error"),
    Broken("a column too many", b"NMD-1;25.11.2026;550;MOHM;0.4;PASS;7\r\n", "error"),
    Broken("a heading", b"Serial;Date;Iso;Unit;Leak;Result\r\n", "error"),
    Broken("a word instead of a number", b"NMD-1;25.11.2026;ABORT;MOHM;0.4;FAIL\r\n", "error"),
    Broken("an unknown verdict", b"NMD-1;25.11.2026;550;MOHM;0.4;STOP\r\n", "error"),
    Broken("no verdict", b"NMD-1;25.11.2026;550;MOHM;0.4;\r\n", "error"),
    Broken("an unknown unit", b"NMD-1;25.11.2026;550;parsec;0.4;PASS\r\n", "error"),
    Broken("a missing unit", b"NMD-1;25.11.2026;550;;0.4;PASS\r\n", "error"),
    Broken("beyond the range", b"NMD-1;25.11.2026;OL;MOHM;0.4;PASS\r\n", "overflow"),
    Broken("the tester's own FAIL", b"NMD-1;25.11.2026;550;MOHM;0.4;FAIL\r\n", "rejected"),
    Broken("a decimal comma", b"NMD-1;25.11.2026;550,5;MOHM;0,4;PASS\r\n", "measured"),
)
"""What comes instead of a plain line; the outcome is that of `iso`, or `error` where the line says nothing at all."""


@dataclass(frozen=True, slots=True)
class LineResult:
    """What one line says: whose it is, the tester's own verdict, and the readings by what the plan asks for."""

    serial: str | None
    verdict: Verdict | None
    readings: tuple[tuple[str, Reading], ...]
    raw: str


def parse_line(form: LineForm, raw: bytes) -> LineResult | None:
    """Read one line; None when it is not of this form.

    A tester's own FAIL makes every reading `rejected`, and a verdict that is no known word makes it an `error`: a value
    within the plan's limits never overrules the tester. A measurement whose unit is neither in the line nor in the
    station's file is an `error`.
    """
    text = text_of(raw)
    found = form.expression.fullmatch(text) if len(text) <= FRAMING.max_bytes else None
    if found is None:
        return None
    groups = found.groupdict()
    verdict = _verdict(form, groups.get("verdict"))
    readings = tuple(
        (form.tests.get(name, name), _reading(form, name, said, groups.get(f"{name}_unit"), verdict, escaped(raw)))
        for name, said in groups.items()
        if said is not None and is_measurement(name)
    )
    serial = (groups.get("serial") or "").strip(" ")
    return LineResult(serial or None, verdict, readings, escaped(raw))


def _reading(form: LineForm, name: str, said: str, said_unit: str | None, verdict: Verdict | None, raw: str) -> Reading:
    value, outcome = amount(said)
    told = (said_unit or "").strip(" ")
    unit = unit_named(told) if told else form.units.get(name)
    if unit is None or verdict == "unknown":
        value, outcome = None, "error"
    elif verdict == "failed" and outcome == "measured":
        outcome = "rejected"
    return Reading(value, unit, outcome, raw, passed=verdict == "passed" and outcome == "measured")


def _verdict(form: LineForm, word: str | None) -> Verdict | None:
    if word is None:
        return None
    said = word.strip(" ").upper()
    return "passed" if said in form.passed else "failed" if said in form.failed else "unknown"
