"""Reads a test record of OpenHTF, as its JSON output writes it, in the spelling of every version since 2016.

Pure: bytes in, a `Record` or a `BadRecord` out; nothing in a file makes it raise. It knows no plan and no limits of
ours: what a record means for a unit is the business of `mes.domain.records`.

Source: google/openhtf, openhtf/output/callbacks/json_factory.py, openhtf/core/test_record.py, measurements.py and
openhtf/util/validators.py, units.py at release 1.6.3, and openhtf/io/test_record.py, openhtf/util/measurements.py of
2016 (values in `measured_values` beside `measurements`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Literal, cast, get_args

from mes.domain.measurement import UNITS, is_measurement

MAX_BYTES: Final = 16 * 1024 * 1024
"""The longest record that is read. What makes a record long are attachments and log lines, which we do not read."""
MAX_MEASUREMENTS: Final = 2_000
MAX_ROWS: Final = 100_000
MAX_NAME: Final = 200

Verdict = Literal["PASS", "FAIL", "ERROR", "TIMEOUT", "ABORTED"]
Set = Literal["PASS", "FAIL", "UNSET", "PARTIALLY_SET", "SKIPPED"]
Why = Literal["too_long", "not_json", "too_deep", "not_a_record", "no_unit", "no_time", "no_outcome", "too_many"]


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A file that is no record that we can take, and why; `detail` is the place or the reader's own words."""

    why: Why
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement of one phase.

    Attributes:
        outcome: what OpenHTF made of it.
        value: the number; None when there is none (`text` then says what there is instead).
        text: the value as it stands in the record where it is no number.
        rows: how many values a multi-dimensional measurement has (then `value` is None and `values` has them).
        unit: a name of `mes.domain.measurement.UNITS` where the record's unit is one, else the record's own word;
            empty when it names none.
        low, high: the limits that the record's validators name, in its own unit; None where there is none.
        validators: their texts as they stand there.
        readable: whether all validators were understood as limits.
        device: the number of the instrument in the plant's register, where the test's metadata names it.
    """

    name: str
    phase: str
    outcome: Set
    value: float | None = None
    text: str = ""
    values: tuple[float | None, ...] = ()
    unit: str = ""
    low: float | None = None
    high: float | None = None
    validators: tuple[str, ...] = ()
    readable: bool = False
    device: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One test run of one unit.

    Attributes:
        unit: the serial (`dut_id`), exactly as it stands there.
        tester: the record's own name of its station; nothing is decided by it.
        start_ms, end_ms: milliseconds since 1970, UTC, by the tester's clock.
        details: why it ended as it did, in OpenHTF's words.
        sha256: identity. The same run has the same one whatever the spelling of the file: order of keys, spaces,
            attachments, log lines, old or new keys.
    """

    unit: str
    tester: str
    outcome: Verdict
    start_ms: int
    end_ms: int
    details: tuple[str, ...]
    measured: tuple[Measured, ...]
    sha256: str


# UN/ECE Recommendation 20 codes, which OpenHTF's records name units by, and our names for them.
# Source: openhtf/util/units.py.
# fmt: off
_CODES: Final = MappingProxyType({
    "OHM": "ohm", "E45": "mohm", "B94": "uohm", "B49": "kohm", "B75": "Mohm", "A87": "Gohm",
    "VLT": "V", "2G": "V", "2H": "V", "2Z": "mV", "D82": "uV", "KVT": "kV",
    "AMP": "A", "4K": "mA", "B84": "uA", "C39": "nA", "WTT": "W", "C31": "mW", "KWT": "kW",
    "D46": "VA", "KVA": "kVA", "WHR": "Wh", "KWH": "kWh", "JOU": "J", "AMH": "Ah", "E09": "mAh",
    "HTZ": "Hz", "KHZ": "kHz", "MHZ": "MHz", "4T": "pF", "C41": "nF", "4O": "uF", "B90": "uH", "C14": "mH",
    "MGM": "mg", "GRM": "g", "KGM": "kg", "MMT": "mm", "CMT": "cm", "MTR": "m",
    "B98": "us", "C26": "ms", "SEC": "s", "MIN": "min", "HUR": "h", "PAL": "Pa", "KPA": "kPa", "BAR": "bar",
    "NEW": "N", "NU": "Nm", "P1": "%", "2N": "dB", "KEL": "K", "CEL": "degC",
})
# fmt: on
_SYMBOLS: Final = MappingProxyType({u.symbol: u.name for u in UNITS.values()} | {"V·A": "VA", "kV·A": "kVA"})
_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE: Final = re.compile(
    rf"(?:(?P<low>{_NUMBER}) <= )?(?:Marginal:{_NUMBER} <= )?x(?: <= Marginal:{_NUMBER})?(?: <= (?P<high>{_NUMBER}))?"
)
_EQUAL: Final = re.compile(rf"x == (?P<value>{_NUMBER})")
_PERCENT: Final = re.compile(rf"'x' is within (?P<percent>{_NUMBER})% of (?P<value>{_NUMBER})\..*", re.DOTALL)
_CALL: Final = re.compile(
    rf"InRange\((?:minimum=)?(?P<low>None|{_NUMBER}), ?(?:maximum=)?(?P<high>None|{_NUMBER})\)", re.IGNORECASE
)
_ALL: Final = "All values pass: "


def read_record(data: bytes) -> Record | BadRecord:
    """Read one record.

    Args:
        data: the whole file, UTF-8.
    """
    if len(data) > MAX_BYTES:
        return BadRecord("too_long", f"{len(data)} > {MAX_BYTES}")
    try:
        found = json.loads(data, parse_constant=str)
    except RecursionError:
        return BadRecord("too_deep")
    except ValueError as error:  # not UTF-8, not JSON, or a number of thousands of digits
        return BadRecord("not_json", str(error)[:MAX_NAME])
    try:
        return _record(found)
    except _NotOne as no:
        return no.bad


class _NotOne(Exception):
    """The way out of the depth of a file; it never leaves this module."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(why)
        self.bad = BadRecord(why, _shown(detail)[:MAX_NAME])


def _record(found: Any) -> Record:
    if not isinstance(found, dict) or not isinstance(found.get("phases"), list) or "dut_id" not in found:
        raise _NotOne("not_a_record")
    unit = found["dut_id"]
    if not isinstance(unit, str) or not 0 < len(unit) <= 64 or not unit.isprintable():
        raise _NotOne("no_unit", json.dumps(unit) if isinstance(unit, str) else "")
    start, end = _millis(found.get("start_time_millis")), _millis(found.get("end_time_millis"))
    if start is None and end is None:
        raise _NotOne("no_time")
    outcome = _word(found.get("outcome"))
    if outcome not in get_args(Verdict):
        raise _NotOne("no_outcome", outcome)
    metadata = found.get("metadata")
    instruments = metadata.get("instruments") if isinstance(metadata, dict) else None
    measured = tuple(replace(m, device=_device(instruments, m.name)) for m in _measured(found["phases"]))
    details = tuple(_details(found.get("outcome_details")))
    tester = _text(found.get("station_id"))
    first, last = cast(int, start if start is not None else end), cast(int, end if end is not None else start)
    identity = [
        unit, tester, outcome, first, last, details,
        [[m.phase, m.name, m.outcome, _spelled(m), m.unit, m.validators, m.device] for m in measured],
    ]  # fmt: skip
    sha256 = hashlib.sha256(json.dumps(identity, separators=(",", ":")).encode()).hexdigest()
    return Record(unit, tester, cast(Verdict, outcome), first, last, details, measured, sha256)


def _device(instruments: Any, name: str) -> str:
    """Which instrument took a measurement: the test's metadata names one for all, or one by measurement."""
    found = instruments.get(name) if isinstance(instruments, dict) else instruments
    return _text(found)[:64]


def _spelled(m: Measured) -> Any:
    """A value as it goes into the identity: 3 and 3.0 are one number."""
    return repr(m.value) if m.value is not None else [m.text, [repr(v) for v in m.values]]


def _measured(phases: Iterable[Any]) -> Iterator[Measured]:
    count = 0
    for phase in phases:
        if not isinstance(phase, dict):
            raise _NotOne("not_a_record", "phases")
        name = _text(phase.get("name"))
        # 2016: the declarations in one table, the values in another.
        apart = phase.get("measured_values")
        values = apart if isinstance(apart, dict) else {}
        for key, said in _declared(phase.get("measurements")):
            count += 1
            if count > MAX_MEASUREMENTS:
                raise _NotOne("too_many", str(MAX_MEASUREMENTS))
            yield _one(name, key, said, values.get(key))


def _declared(found: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The measurements of a phase; a table by name, or a list of tables that say theirs."""
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(found, dict):
        pairs = found.items()
    elif isinstance(found, list):
        pairs = ((m.get("name") if isinstance(m, dict) else None, m) for m in found)
    elif found is not None:
        raise _NotOne("not_a_record", "measurements")
    for name, said in pairs:
        if not isinstance(name, str) or not isinstance(said, dict):
            raise _NotOne("not_a_record", "measurements")
        yield name, said


def _one(phase: str, name: str, said: Mapping[str, Any], apart: Any) -> Measured:
    texts = said.get("validators")
    validators = tuple(_text(v) for v in texts[:20]) if isinstance(texts, list) else ()
    low, high, readable = _limits(validators)
    word = _word(said.get("outcome"))
    found = said.get("measured_value", apart)
    several = said.get("dimensions") is not None and isinstance(found, list)
    value, text = (None, "") if several else _number(found)
    return Measured(
        name=_text(name),
        phase=phase,
        outcome=cast(Set, word) if word in get_args(Set) else "UNSET",
        value=value,
        text=text,
        values=_last_of_rows(found, name) if several else (),
        unit=_unit(said.get("units")),
        low=low,
        high=high,
        validators=validators,
        readable=readable,
    )


def _last_of_rows(rows: list[Any], name: str) -> tuple[float | None, ...]:
    """The values of a multi-dimensional measurement: each row ends with one, after its coordinates."""
    if len(rows) > MAX_ROWS:
        raise _NotOne("too_many", name)
    return tuple(_number(row[-1])[0] if isinstance(row, list) and row else None for row in rows)


def _number(found: Any) -> tuple[float | None, str]:
    """A value as a number, or else as a text. A truth value is no reading, and an overload is none either."""
    if isinstance(found, int | float) and not isinstance(found, bool):
        try:
            value = float(found)
        except OverflowError:
            return None, "inf"
        return (value, "") if is_measurement(value) else (None, str(found))
    if found is None:
        return None, ""
    return None, _text(found) if isinstance(found, str) else json.dumps(found, default=str)[:MAX_NAME]


def _unit(found: Any) -> str:
    """Our name of a unit: by its code, else by its symbol; the record's own word when we have none."""
    if isinstance(found, dict):
        name, code, suffix = found.get("name"), found.get("code"), found.get("suffix")
    elif isinstance(found, list) and len(found) == 3:
        name, code, suffix = found
    else:
        name, code, suffix = found, found, found
    if code == "NDL" or (code is None and name in (None, "None")):
        return ""
    if isinstance(code, str) and code in _CODES:
        return _CODES[code]
    for word in (suffix, name):
        plain = _text(word).replace("\u2126", "Ω").replace("\u03bc", "µ")  # OHM SIGN; GREEK MU for MICRO SIGN
        if plain in UNITS:
            return plain
        if plain in _SYMBOLS:
            return _SYMBOLS[plain]
    return next((w for w in (_text(suffix), _text(name), _text(code)) if w), "")


def _limits(validators: Iterable[str]) -> tuple[float | None, float | None, bool]:
    """The limits that all these validators together set, and whether every one of them was understood."""
    low: float | None = None
    high: float | None = None
    readable = True
    for text in validators:
        found = _range(text.removeprefix(_ALL))
        if found is None or not all(v is None or is_measurement(v) for v in found):
            readable = False
            continue
        below, above = found
        low = below if low is None or (below is not None and below > low) else low
        high = above if high is None or (above is not None and above < high) else high
    return low, high, readable


def _range(text: str) -> tuple[float | None, float | None] | None:
    if m := _EQUAL.fullmatch(text):
        return float(m["value"]), float(m["value"])
    if m := _PERCENT.fullmatch(text):
        value, width = float(m["value"]), abs(float(m["value"]) * float(m["percent"]) / 100)
        return value - width, value + width
    if m := (_RANGE.fullmatch(text) or _CALL.fullmatch(text)):
        low, high = (None if n in (None, "None") else float(n) for n in (m["low"], m["high"]))
        return (low, high) if low is not None or high is not None else None
    return None


def _details(found: Any) -> Iterator[str]:
    for each in found[:20] if isinstance(found, list) else ():
        pair = (each.get("code"), each.get("description")) if isinstance(each, dict) else each
        parts = pair if isinstance(pair, tuple | list) else (pair,)
        yield ": ".join(t for t in map(_text, parts[:2]) if t)


def _word(found: Any) -> str:
    """An outcome's name: `PASS`, also where an enumeration was written as `Outcome.PASS`."""
    return _text(found).rpartition(".")[2].upper()


def _text(found: Any) -> str:
    return _shown(str(found))[:MAX_NAME] if isinstance(found, str | int | float) else ""


def _shown(text: str) -> str:
    """Control characters and lone surrogates as escapes: no text of a file forges a line, or fails to be written."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: 2 * MAX_NAME])


def _millis(found: Any) -> int | None:
    """Milliseconds since 1970; None for what is none, or lies outside the years that a timestamp can have."""
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < 253_402_300_800_000:
        return None
    return int(found)
