"""Testers that send one line a unit, described in data: a regular expression whose named groups are the measurements.

The expression comes from a configuration file and runs on whatever a cable brings, so it is held to a subset that
cannot run away. It must not know the plan's limits, nor who asked for the test.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from mes.domain.barcode import escaped
from stations.devices.readings import Outcome, Reading, number, text_of
from stations.frames import PRINTABLE, Framing

FRAMING: Final = Framing(max_bytes=1000, allowed=PRINTABLE + b"\t")
MAX_PATTERN: Final = 500
"""Longest expression, in characters."""

PatternFault = Literal["too_long", "not_allowed", "syntax", "no_measurement"]
Verdict = Literal["passed", "failed", "unknown"]

_TOKEN: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?P<[A-Za-z_][A-Za-z0-9_]{0,30}>|\(\?:|\(\?|[()|*+?]|\{[0-9,]{0,9}\}|.",
    re.DOTALL,
)
_REPEAT: Final = re.compile(r"[*+?]|\{[0-9]{1,3}(?:,[0-9]{0,3})?\}")


@dataclass(frozen=True, slots=True)
class BadPattern:
    """An expression that is refused, and what is wrong with it, for the person who wrote the file."""

    why: PatternFault
    text: str


@dataclass(frozen=True, slots=True)
class LineFormat:
    """How a tester's line is read. Made by `line_format` only.

    Attributes:
        pattern: the compiled expression. The groups `serial` and `verdict` have their meaning, a group `x_unit` is the
            unit of `x`, and every other named group is a measurement.
        units: unit of a measurement, by group, where the line does not tell it.
        tests: the plan's id of a measurement, by group, where it is not the group's own name.
        passed: words of `verdict` that mean passed.
        failed: words that mean failed.
    """

    pattern: re.Pattern[str]
    units: Mapping[str, str] = field(default_factory=dict)
    tests: Mapping[str, str] = field(default_factory=dict)
    passed: frozenset[str] = frozenset({"PASS", "OK"})
    failed: frozenset[str] = frozenset({"FAIL", "NG"})


@dataclass(frozen=True, slots=True)
class LineResult:
    """What one line says: whose it is, the tester's own verdict, and the readings by test id."""

    serial: str | None
    verdict: Verdict | None
    readings: tuple[tuple[str, Reading], ...]
    raw: str


def line_format(
    pattern: str, *, units: Mapping[str, str] | None = None, tests: Mapping[str, str] | None = None
) -> LineFormat | BadPattern:
    """Compile an expression in a way that takes time in proportion to the line, whatever the line is.

    Every repetition and every group is made possessive: what it has taken, it does not give back. So `[^;]*;` works,
    and `.*;` never matches; of two alternatives that begin alike the longer one stands first. Look-around,
    back-references, flags, lazy repetition and repeated groups are refused.

    Args:
        pattern: a regular expression for the whole line, at most `MAX_PATTERN` characters.
        units: unit by group name.
        tests: test id by group name.
    """
    if len(pattern) > MAX_PATTERN:
        return BadPattern("too_long", f"{len(pattern)} characters, at most {MAX_PATTERN}")
    harmless = _possessive(pattern)
    if isinstance(harmless, BadPattern):
        return harmless
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compiled = re.compile(harmless, re.ASCII)
    except (re.error, OverflowError, RecursionError, Warning) as e:
        return BadPattern("syntax", str(e))
    if not any(_is_measurement(name) for name in compiled.groupindex):
        return BadPattern("no_measurement", "name at least one group, such as (?P<iso>[0-9.]+)")
    return LineFormat(compiled, units or {}, tests or {})


def parse_line(form: LineFormat, raw: bytes) -> LineResult | None:
    """Read one line; None when it is not of this form.

    A tester's own FAIL makes every reading `rejected`, and a verdict that is no known word makes it an `error`: a value
    within the plan's limits never overrules the tester.
    """
    text = text_of(raw)
    found = form.pattern.fullmatch(text) if len(text) <= FRAMING.max_bytes else None
    if found is None:
        return None
    groups = found.groupdict()
    verdict = _verdict(form, groups.get("verdict"))
    readings = []
    for name, value_text in groups.items():
        if value_text is None or not _is_measurement(name):
            continue
        value = number(value_text)
        outcome: Outcome = "measured"
        if value is None or verdict == "unknown":
            value, outcome = None, "error"
        elif verdict == "failed":
            outcome = "rejected"
        unit = (groups.get(f"{name}_unit") or form.units.get(name, "")).strip(" ") or None
        readings.append((form.tests.get(name, name), Reading(value, unit, outcome, escaped(raw))))
    return LineResult(groups.get("serial"), verdict, tuple(readings), escaped(raw))


def _possessive(pattern: str) -> str | BadPattern:
    """The same expression without backtracking, or what in it could backtrack for ever."""
    made: list[str] = []
    before = ""
    for piece in _TOKEN.findall(pattern):
        if piece == "(?" or re.fullmatch(r"\\[0-9]", piece):
            return BadPattern("not_allowed", f"{piece}: no look-around, no flags, no back-references")
        if _is_repeat(piece):
            if before in ("", "(", "|") or before.startswith("(?") or _is_repeat(before):
                return BadPattern("not_allowed", f"{before}{piece}: one plain repetition behind a character or a class")
            if before == ")" and piece != "?":
                return BadPattern("not_allowed", f"){piece}: a group can be optional, but not repeated")
            made.append(piece + "+")
        elif piece.startswith("{"):
            return BadPattern("not_allowed", f"{piece}: write {{m}} or {{m,n}}, at most 999, or \\{{ for a brace")
        elif piece.startswith("("):
            made.append(piece + "(?>")
        else:
            made.append("))" if piece == ")" else piece)
        before = piece
    return "".join(made)


def _is_measurement(group: str) -> bool:
    return group not in ("serial", "verdict") and not group.endswith("_unit")


def _is_repeat(piece: str) -> bool:
    return _REPEAT.fullmatch(piece) is not None


def _verdict(form: LineFormat, word: str | None) -> Verdict | None:
    if word is None:
        return None
    said = word.strip(" ").upper()
    return "passed" if said in form.passed else "failed" if said in form.failed else "unknown"
