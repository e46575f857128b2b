"""How a tester that talks by itself writes its lines, told in the station's file: columns or an expression, and words.

The expression comes from a configuration file and runs on whatever a cable brings, so it is held to a subset that
cannot run away. Here it is checked and compiled; a station reads lines with it. It must not know readings or limits.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from mes.domain.measurement import UNITS
from mes.domain.route import Slug
from mes.i18n import _
from mes.plan.errors import refusal, unknown
from mes.wire import Frozen

MAX_PATTERN: Final = 500
"""Longest expression, in characters."""
MAX_COLUMNS: Final = 60
SPECIAL: Final = ("serial", "verdict")
"""Names that have their own meaning; every other one is a measurement, and `x_unit` the unit of `x`."""

PatternFault = Literal["too_long", "not_allowed", "syntax", "no_measurement"]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,30}")
_TOKEN: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?P<[A-Za-z_][A-Za-z0-9_]{0,30}>|\(\?:|\(\?|[()|*+?]|\{[0-9,]{0,9}\}|.",
    re.DOTALL,
)
_REPEAT: Final = re.compile(r"[*+?]|\{[0-9]{1,3}(?:,[0-9]{0,3})?\}")
_SEPARATORS: Final = ", ; | : / # TAB"


@dataclass(frozen=True, slots=True)
class BadPattern:
    """An expression that is refused, and what is wrong with it, for the person who wrote the file."""

    why: PatternFault
    text: str


def harmless(pattern: str) -> re.Pattern[str] | BadPattern:
    """Compile an expression in a way that takes time in proportion to the line, whatever the line is.

    Every repetition and every group is made possessive: what it has taken, it does not give back. So `[^;]*;` works,
    and `.*;` never matches; of two alternatives that begin alike the longer one stands first. Look-around,
    back-references, flags, lazy repetition and repeated groups are refused.

    Args:
        pattern: a regular expression for the whole line, at most `MAX_PATTERN` characters.
    """
    if len(pattern) > MAX_PATTERN:
        return BadPattern("too_long", f"{len(pattern)} > {MAX_PATTERN}")
    return _compiled(pattern)


def _compiled(pattern: str) -> re.Pattern[str] | BadPattern:
    possessive = _possessive(pattern)
    if isinstance(possessive, BadPattern):
        return possessive
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compiled = re.compile(possessive, re.ASCII)
    except (re.error, OverflowError, RecursionError, Warning) as e:
        return BadPattern("syntax", str(e))
    if not any(map(is_measurement, compiled.groupindex)):
        return BadPattern("no_measurement", "(?P<iso>[0-9.]+)")
    return compiled


def _possessive(pattern: str) -> str | BadPattern:
    """The same expression without backtracking, or what in it could backtrack for ever."""
    made: list[str] = []
    before = ""
    for piece in _TOKEN.findall(pattern):
        if piece == "(?" or re.fullmatch(r"\\[0-9]", piece):
            return BadPattern("not_allowed", piece)
        if _is_repeat(piece):
            if before in ("", "(", "|") or before.startswith("(?") or _is_repeat(before):
                return BadPattern("not_allowed", f"{before}{piece}")
            if before == ")" and piece != "?":
                return BadPattern("not_allowed", f"){piece}")
            made.append(piece + "+")
        elif piece.startswith("{"):
            return BadPattern("not_allowed", piece)
        elif piece.startswith("("):
            made.append(piece + "(?>")
        else:
            made.append("))" if piece == ")" else piece)
        before = piece
    return "".join(made)


def _is_repeat(piece: str) -> bool:
    return _REPEAT.fullmatch(piece) is not None


def is_measurement(name: str) -> bool:
    """Whether a column or group of this name is a measurement."""
    return bool(name) and name not in SPECIAL and not name.endswith("_unit")


# --- as it stands in the file -----------------------------------------------------------------------------------------


def _unit_exists(unit: str) -> str:
    if unit not in UNITS:
        raise unknown(_("No unit of measure is called %(name)s.", name=unit), unit, UNITS)
    return unit


def _is_a_word(word: str) -> str:
    if not word.strip(" "):
        raise refusal(_("This text is empty."), '"PASS"')
    return word.strip(" ").upper()


Word = Annotated[str, Field(max_length=40), AfterValidator(_is_a_word)]


class LineTable(Frozen):
    """`format` of a line tester: `separator` and `columns`, or `pattern`; what they mean.

    Attributes:
        separator: the one character between two columns.
        columns: what each column is: `serial`, `verdict`, a measurement, `x_unit` for the unit of `x`; empty: nothing.
        pattern: a regular expression for the whole line, with a named group for each of these.
        units: unit of a measurement, by its name, where the line does not tell it.
        tests: what the plan asks for a measurement as, by its name, where that is another word.
        passed: words of `verdict` that mean passed, in any case.
        failed: words that mean failed.
    """

    separator: str | None = None
    columns: Annotated[tuple[Annotated[str, Field(max_length=31)], ...], Field(validate_default=True)] = ()
    pattern: Annotated[str | None, Field(validate_default=True)] = None
    units: Annotated[dict[str, Annotated[str, AfterValidator(_unit_exists)]], Field(validate_default=True)] = {}
    tests: dict[str, Slug] = {}
    passed: tuple[Word, ...] = ("PASS", "OK")
    failed: tuple[Word, ...] = ("FAIL", "NG")

    @field_validator("separator")
    @classmethod
    def _separates(cls, separator: str | None) -> str | None:
        # What stands in numbers, names and blanks between them cannot stand between columns too.
        if separator is not None and (
            len(separator) != 1
            or separator.isalnum()
            or separator in ".+-_ "
            or not (" " < separator <= "~" or separator == "\t")
        ):
            raise refusal(_("This cannot stand between two columns."), _SEPARATORS)
        return separator

    @field_validator("columns")
    @classmethod
    def _name_something(cls, columns: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if "separator" not in info.data:
            return columns
        if bool(columns) != (info.data["separator"] is not None):
            allowed = 'separator = ";", columns = ["serial", "iso", "verdict"]'
            raise refusal(_("Columns need a separator, and a separator needs columns."), allowed)
        if len(columns) > MAX_COLUMNS:
            raise refusal(_("This list is too long."), _("at most %(max_length)s entries", max_length=MAX_COLUMNS))
        wrong = [c for c in columns if c and not _NAME.fullmatch(c)]
        if wrong:
            said = _("No column can be called %(name)s.", name=wrong[0])
            raise refusal(
                said, _("letters without accents, digits and _, at most 31; empty for a column without meaning")
            )
        twice = [name for name, count in Counter(filter(None, columns)).items() if count > 1]
        if twice:
            raise refusal(_("Two columns are called %(value)s.", value=twice[0]), _("each one once"))
        if columns and not any(map(is_measurement, columns)):
            raise refusal(_("No column is a measurement."), '"serial", "iso", "verdict"')
        return columns

    @field_validator("pattern")
    @classmethod
    def _can_be_used(cls, pattern: str | None, info: ValidationInfo) -> str | None:
        if "columns" not in info.data or "separator" not in info.data:
            return pattern
        if (pattern is None) == (not info.data["columns"]):
            raise refusal(_("A line is described by a pattern or by columns."), _("one of them"))
        compiled = harmless(pattern) if pattern is not None else None
        if isinstance(compiled, BadPattern):
            raise _refused(compiled)
        return pattern

    @field_validator("units")
    @classmethod
    def _are_complete(cls, units: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        names = _names(info)
        if names is None:
            return units
        measured = [n for n in names if is_measurement(n)]
        _all_known(units, measured)
        without = [n for n in measured if n not in units and f"{n}_unit" not in names]
        if without:
            said = _("Nothing says the unit of measure of: %(names)s.", names=", ".join(without))
            raise refusal(said, f'units = {{ {without[0]} = "Mohm" }}')
        return units

    @field_validator("tests")
    @classmethod
    def _name_measurements(cls, tests: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        names = _names(info)
        if names is not None:
            measured = [n for n in names if is_measurement(n)]
            _all_known(tests, measured)
            twice = [n for n, count in Counter(tests.get(m, m) for m in measured).items() if count > 1]
            if twice:
                raise refusal(_("Two measurements are called %(value)s.", value=twice[0]), _("each one once"))
        return tests

    @field_validator("passed", "failed")
    @classmethod
    def _say_the_verdict(cls, words: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        names = _names(info)
        if names is not None and "verdict" not in names:
            raise refusal(_("Nothing in the line is the verdict."), _("a column or group called verdict"))
        both = sorted(set(words) & set(info.data.get("passed", ())))
        if info.field_name == "failed" and both:
            raise refusal(_("This word means passed and failed: %(name)s.", name=both[0]), _("each one once"))
        return words

    @property
    def measurements(self) -> tuple[str, ...]:
        """What a test may ask for."""
        return tuple(self.tests.get(n, n) for n in self.form.expression.groupindex if is_measurement(n))

    @property
    def form(self) -> LineForm:
        """The compiled form. It costs a compilation: take it once."""
        return LineForm.of(self)


@dataclass(frozen=True, slots=True)
class LineForm:
    """How a tester's line is read; `expression` fits the whole line and takes time in proportion to it."""

    expression: re.Pattern[str]
    units: dict[str, str]
    tests: dict[str, str]
    passed: frozenset[str]
    failed: frozenset[str]

    @classmethod
    def of(cls, table: LineTable) -> Self:
        """Compile a table that was checked."""
        compiled = _compiled(table.pattern or _of_columns(table.separator or "", table.columns))
        assert not isinstance(compiled, BadPattern), compiled
        return cls(compiled, table.units, table.tests, frozenset(table.passed), frozenset(table.failed))


def _of_columns(separator: str, columns: tuple[str, ...]) -> str:
    between = re.escape(separator)
    field = rf"[^{between}]*"
    return between.join(f"(?P<{name}>{field})" if name else field for name in columns)


def _names(info: ValidationInfo) -> tuple[str, ...] | None:
    """The names of the columns or groups; None while these are wrong themselves."""
    if not {"separator", "columns", "pattern"} <= info.data.keys():
        return None
    if info.data["columns"]:
        return tuple(filter(None, info.data["columns"]))
    compiled = harmless(info.data["pattern"] or "")
    return None if isinstance(compiled, BadPattern) else tuple(compiled.groupindex)


def _all_known(named: dict[str, str], measured: list[str]) -> None:
    wrong = [name for name in named if name not in measured]
    if wrong:
        raise unknown(_("No measurement of the line is called %(name)s.", name=wrong[0]), wrong[0], measured)


def _refused(bad: BadPattern) -> Exception:
    match bad.why:
        case "too_long":
            return refusal(_("This text is too long."), _("at most %(max_length)s characters", max_length=MAX_PATTERN))
        case "syntax":
            return refusal(_("This is not a regular expression (%(why)s).", why=bad.text), "(?P<iso>[0-9.]+)")
        case "no_measurement":
            return refusal(_("The pattern names no measurement."), _("a group such as %(group)s", group=bad.text))
        case "not_allowed":
            said = _("This could run for ever, or means something else: %(piece)s", piece=bad.text)
            allowed = _(
                "one plain repetition behind a character or a class; no look-around, no flags, no back-reference"
            )
            return refusal(said, allowed)
