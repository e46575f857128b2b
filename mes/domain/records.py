"""What a tester's record means for a unit: its readings as one `UnitsTested`, and everything that does not fit.

Pure. A reading is judged by the plan of the unit's order, never by the limits of the record. Where the two disagree, or
the record's verdict and its numbers, that is a `Remark` for people; the server's rules see it too, because the tester's
verdict goes with the number. It must not know files, the ledger or a station's disk.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal
from uuid import NAMESPACE_OID, uuid5

from pydantic import Field

from mes import wire
from mes.domain.measurement import UNITS, convert, judge, overall
from mes.domain.openhtf import Measured, Record
from mes.domain.route import RECORD, Product, Slug, Step, Test
from mes.i18n import N_

NO_STEP: Final = "?"  # stands where nobody knows at which step a unit was tested
MAX_RAW: Final = 2_000
MAX_TESTS: Final = 500  # that a `UnitsTested` can carry
MAX_ATTEMPTS: Final = 99

_OUTCOMES: Final[Mapping[str, wire.Outcome]] = MappingProxyType(
    {"PASS": "passed", "FAIL": "failed", "ERROR": "error", "TIMEOUT": "timeout", "ABORTED": "aborted"}
)


class Source(wire.Frozen):
    """Where in the record a test of the plan is found; `unit` and `device` where the record names none."""

    measurement: Annotated[str, Field(min_length=1, max_length=200)]
    phase: Annotated[str, Field(max_length=200)] | None = None
    unit: Annotated[str, Field(max_length=16)] | None = None
    device: wire.OptionalId | None = None


class Mapped(wire.Frozen):
    """A mapping file: which measurement of the record is which test of the plan, by the test's id."""

    tests: dict[Slug, Source | str] = {}

    def source(self, test: Test) -> Source | None:
        """What the file says of a test."""
        said = self.tests.get(test.id)
        return Source(measurement=said) if isinstance(said, str) else said


Code = Literal[
    "verdict", "run", "limits", "unit", "no_unit", "missing", "unknown", "no_number", "not_set", "worst", "again",
    "no_verdict", "broken_off", "no_step",
]  # fmt: skip
REMARKS: Final[Mapping[Code, str]] = MappingProxyType(
    {
        "verdict": N_("%(test)s: the record says %(said)s, %(value)s %(unit)s by the plan's limits says %(mine)s."),
        "run": N_("The record says %(said)s, its planned readings say %(mine)s."),
        "limits": N_("%(test)s: the record's limits are %(theirs)s, the plan's are %(ours)s. The plan's count."),
        "unit": N_("%(test)s: %(theirs)s cannot be converted into %(ours)s. The reading counts as an error."),
        "no_unit": N_("%(test)s: the record names no unit of measure; %(ours)s was taken."),
        "missing": N_("%(test)s is in the plan and not in the record."),
        "unknown": N_("%(test)s is in the record and not in the plan. It was left out."),
        "no_number": N_("%(test)s: the value is no number: %(value)s."),
        "not_set": N_("%(test)s was not measured."),
        "worst": N_("%(test)s: of %(count)s values, the one nearest to a limit was taken."),
        "again": N_("%(test)s was measured again after it had given a number."),
        "no_verdict": N_("%(test)s: the tester has no limits of its own, so only the plan judges."),
        "broken_off": N_("The tester ended with %(said)s: %(why)s"),
        "no_step": N_("Nobody knows which step this is: nothing was judged."),
    }
)
"""What a remark says; translated where it is shown."""
CONTRADICTIONS: Final = frozenset({"verdict", "run", "limits", "unit", "missing", "unknown", "again"})
"""The remarks that mean: record and plan do not agree, and somebody should put one of them right."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a record that a person should know; `args` fill the sentence of `REMARKS`."""

    code: Code
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """A record as an event: its id follows from what the record says, so that it can be recorded only once."""

    event_id: str
    captured_at: str
    body: wire.UnitsTested
    remarks: tuple[Remark, ...]


def run_of(
    record: Record, product: Product | None, *, station: str, mapped: Mapped | None = None, step: str | None = None
) -> Run:
    """Turn a record into its event.

    The same record, plan and mapping give the same event, wherever the unit is by now.

    Args:
        product: of the unit's order, in the plan that the order is pinned to; None when nobody knows the unit.
        station: where it was tested.
        step: the step, where the caller knows it.
    """
    mapped = mapped or Mapped()
    found = _step(record, product, station, mapped, step)
    if found is None:
        body, remarks = _unjudged(record, step), [Remark("no_step")]
    else:
        body, remarks = _judged(record, found, mapped)
    if record.outcome in ("ERROR", "TIMEOUT", "ABORTED"):
        why = "; ".join(record.details) or "–"
        remarks.insert(0, Remark("broken_off", {"said": record.outcome, "why": why}))
    at = datetime.fromtimestamp(record.end_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return Run(str(uuid5(NAMESPACE_OID, f"openhtf {record.sha256}")), at, body, tuple(remarks))


# --- which step, which measurement ------------------------------------------------------------------------------------


def _step(record: Record, product: Product | None, station: str, mapped: Mapped, step: str | None) -> Step | None:
    """The step that the caller names, else the one whose tests are in the record: best at this station, best most."""
    if product is None or step is not None:
        return product.step(step) if product and step else None
    matching = [(sum(1 for t in s.tests if _found(record, t, mapped)), s) for s in product.steps]
    ranked = [(station in s.stations, count, s) for count, s in matching if count]
    if ranked:
        return max(ranked, key=lambda r: (r[0], r[1]))[2]
    return next((s for s in product.steps if s.tests and station in s.stations), None)


def _found(record: Record, test: Test, mapped: Mapped) -> list[Measured]:
    """The measurements of a test, in the order in which they were taken: by the file, the plan's `ask`, or its id."""
    source = mapped.source(test)
    if source is not None:
        return _named(record, source.measurement, source.phase)
    asked = _named(record, test.ask, None) if test.instrument == RECORD else []
    return asked or _named(record, test.id, None)


def _named(record: Record, name: str, phase: str | None) -> list[Measured]:
    taken = [m for m in record.measured if m.name == name and (phase is None or m.phase == phase)]
    return [m for m in taken if m.outcome != "SKIPPED"]


# --- the readings -----------------------------------------------------------------------------------------------------


def _judged(record: Record, step: Step, mapped: Mapped) -> tuple[wire.UnitsTested, list[Remark]]:
    readings: list[wire.Measurement] = []
    remarks: list[Remark] = []
    used: set[int] = set()
    missing: list[Test] = []
    for test in step.tests:
        found = _found(record, test, mapped)
        used.update(id(m) for m in found)
        if not found:
            missing.append(test)
            continue
        if any(m.value is not None for m in found[:-1]):
            remarks.append(Remark("again", {"test": test.id}))
        source = mapped.source(test)
        for attempt, m in enumerate(found[-MAX_ATTEMPTS:], 1):
            reading, said = _reading(record, test, m, attempt, source)
            readings.append(reading)
            remarks += said
    last = {m.test: m.outcome for m in readings}
    outcome = _OUTCOMES[record.outcome]
    mine = overall(last.values())
    if outcome in ("error", "timeout"):
        # A tester that broke down has measured what it has measured; what it has not is an error of the bench. Where
        # that leaves nothing open, or a reading has failed, the run was broken off and its readings speak.
        if missing and (mine == "passed" or not readings):
            readings += [_absent(record, t, outcome) for t in missing]
        elif mine != outcome:
            outcome = "aborted"
    elif outcome == "passed":
        remarks += [Remark("missing", {"test": t.id}) for t in missing]
        if mine == "failed" and all(m.verdict is None for m in readings if m.outcome == "failed"):
            outcome = "failed"  # the tester has judged nothing, so it contradicts nobody
    if outcome in ("passed", "failed") and mine != outcome:
        remarks.append(Remark("run", {"said": record.outcome, "mine": mine}))
    named = {m.name: None for m in record.measured if id(m) not in used and m.outcome != "SKIPPED"}
    remarks += [Remark("unknown", {"test": name}) for name in named]
    return _fitting(wire.UnitsTested(unit=record.unit, step=step.id, outcome=outcome, tests=_last(readings))), remarks


def _reading(
    record: Record, test: Test, m: Measured, attempt: int, source: Source | None
) -> tuple[wire.Measurement, list[Remark]]:
    """One measurement by the plan's limits, in the plan's unit where it converts."""
    about = {"test": test.id}
    remarks: list[Remark] = []
    named = m.unit or (source.unit if source else None) or ""
    unit = named
    if not unit and (m.value is not None or m.values):
        remarks.append(Remark("no_unit", {**about, "ours": test.unit}))
    unit = unit or test.unit
    numbers = m.values or ((m.value,) if m.value is not None else ())
    converted = [None if v is None else convert(v, unit, test.unit) for v in numbers]
    value: float | None = m.value
    outcome: wire.Outcome = "error"
    if numbers and None not in converted:
        value = min((v for v in converted if v is not None), key=lambda v: _room(v, test))
        unit, outcome = test.unit, judge(value, test.low, test.high)
        if m.values:
            remarks.append(Remark("worst", {**about, "count": len(m.values)}))
    elif numbers and None not in numbers:
        value = m.value
        remarks.append(Remark("unit", {**about, "theirs": unit, "ours": test.unit}))
    else:
        code: Code = "not_set" if m.outcome in ("UNSET", "PARTIALLY_SET") and not m.text else "no_number"
        remarks.append(Remark(code, {**about, "value": m.text or "–"} if code == "no_number" else about))
    verdict: Literal["passed", "failed"] | None = None
    if m.outcome in ("PASS", "FAIL") and m.validators:
        verdict = "passed" if m.outcome == "PASS" else "failed"
    elif m.outcome in ("PASS", "FAIL"):
        remarks.append(Remark("no_verdict", about))
    if verdict and outcome in ("passed", "failed") and verdict != outcome:
        shown = {"said": m.outcome, "value": f"{value:g}", "unit": unit, "mine": outcome}
        remarks.append(Remark("verdict", {**about, **shown}))
    remarks += _limits(test, m, named or test.unit)
    reading = wire.Measurement(
        test=test.id,
        outcome=outcome,
        value=value,
        unit=unit[:16],
        low=test.low,
        high=test.high,
        instrument=f"OpenHTF {record.tester}".strip()[:120],
        raw=_raw(record, m),
        attempt=attempt,
        verdict=verdict,
        device=m.device or (source.device if source else None) or None,
    )
    return reading, remarks


def _room(value: float, test: Test) -> float:
    """How far a value is inside its limits; negative outside."""
    rooms = [value - test.low] if test.low is not None else []
    return min([*rooms, test.high - value] if test.high is not None else rooms, default=0.0)


def _limits(test: Test, m: Measured, unit: str) -> Iterator[Remark]:
    """The record's limits against the plan's, where the record has any that can be read."""
    if not m.readable or not m.validators:
        return
    theirs = [None if v is None else convert(v, unit, test.unit) for v in (m.low, m.high)]
    if any(v is not None and c is None for v, c in zip((m.low, m.high), theirs, strict=True)):
        return  # another kind of unit: said already
    if not all(_same(a, b) for a, b in zip(theirs, (test.low, test.high), strict=True)):
        said = {"theirs": _span(theirs, test.unit), "ours": _span((test.low, test.high), test.unit)}
        yield Remark("limits", {"test": test.id, **said})


def _same(a: float | None, b: float | None) -> bool:
    return a is b if a is None or b is None else math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def _span(limits: Sequence[float | None], unit: str) -> str:
    low, high = ("–" if v is None else f"{v:g}" for v in limits)
    return f"{low} … {high} {unit}"


def _absent(record: Record, test: Test, outcome: wire.Outcome) -> wire.Measurement:
    raw = json.dumps({"record": record.sha256, "outcome": record.outcome})
    return wire.Measurement(test=test.id, outcome=outcome, unit=test.unit, low=test.low, high=test.high, raw=raw)


def _raw(record: Record, m: Measured) -> str:
    """The part of the record that a reading comes from, and which record that was, as JSON that an event can carry."""
    said: dict[str, Any] = {"record": record.sha256, "phase": m.phase, "measurement": m.name, "outcome": m.outcome}
    said["value"] = m.value if m.value is not None else list(m.values[:40]) or m.text
    said |= {"values": len(m.values)} if m.values else {}
    said |= {"unit": m.unit} if m.unit else {}
    for validators in (m.validators[:3], ()):
        text = json.dumps(said | ({"validators": list(validators)} if validators else {}), ensure_ascii=False)
        if len(text) <= MAX_RAW:
            return text
    return json.dumps({"record": record.sha256})


def _unjudged(record: Record, step: str | None) -> wire.UnitsTested:
    """A record of a unit that nobody knows, or at no step of it: kept with what it says of itself."""
    tests = []
    for m in record.measured[:MAX_TESTS]:
        passed = m.outcome in ("PASS", "FAIL")
        tests.append(
            wire.Measurement(
                test=m.name[:64] or "?",
                outcome=_OUTCOMES[m.outcome] if passed and m.value is not None else "error",
                value=m.value,
                unit=(m.unit if m.unit in UNITS else m.unit[:16]) or None,
                low=m.low,
                high=m.high,
                instrument=f"OpenHTF {record.tester}".strip()[:120],
                raw=_raw(record, m),
            )
        )
    outcome = _OUTCOMES[record.outcome]
    return _fitting(wire.UnitsTested(unit=record.unit, step=step or NO_STEP, outcome=outcome, tests=tuple(tests)))


def _last(readings: Sequence[wire.Measurement]) -> tuple[wire.Measurement, ...]:
    """What an event can carry, the askings that count first."""
    if len(readings) <= MAX_TESTS:
        return tuple(readings)
    latest = {m.test: m for m in readings}
    return tuple(latest.values())[:MAX_TESTS]


def _fitting(body: wire.UnitsTested) -> wire.UnitsTested:
    """The body with as much of the record's own text as an event can carry; what it says of the unit stays whole."""
    if len(body.model_dump_json()) <= wire.MAX_BODY:
        return body
    bare = tuple(m.model_copy(update={"raw": "", "instrument": None}) for m in body.tests)
    shorter = body.model_copy(update={"tests": bare})
    while len(shorter.model_dump_json()) > wire.MAX_BODY:
        shorter = shorter.model_copy(update={"tests": shorter.tests[: len(shorter.tests) * 3 // 4]})
    return shorter
