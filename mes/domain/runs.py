"""What a test run says of a unit: judged again from the plan's limits, whatever the station and the tester say.

Pure. A run that contradicts itself says nothing of the unit, and a person has to look: `error`, with the reason. A run
that measured nothing usable is an error of the bench: nobody has to look, and the unit can be tested again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from mes import wire
from mes.domain.measurement import convert, is_marginal, judge, overall, show
from mes.domain.route import Step, Test

TESTER: Final = "tester_contradicts"
STATION: Final = "station_contradicts"
RUN: Final = "run_contradicts"

Found = tuple[Test, wire.Measurement]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules make of a run.

    Attributes:
        outcome: of the run.
        worst: the first test that failed, with its reading.
        marginal: the first that passed only just.
        contradiction: why the run is an error that a person has to look at: the tester's own verdict is not what its
            number says, the station judged otherwise than the plan, or the run does not fit together. Empty otherwise.
        about: the test that the contradiction is about, where it is one.
    """

    outcome: wire.Outcome
    worst: Found | None = None
    marginal: Found | None = None
    contradiction: str = ""
    about: Found | None = None


def judged(step: Step, run: wire.UnitsTested) -> Judged:
    """Judge a run by the plan.

    The last asking of each test counts. Asking again after a number is a contradiction: nothing is measured until it
    passes. A run that was broken off has failed when a reading in it has; otherwise it says nothing.
    """
    planned = {t.id: t for t in step.tests}
    seen: dict[str, wire.Measurement] = {}
    outcomes: dict[str, wire.Outcome] = {}
    worst: Found | None = None
    marginal: Found | None = None
    contradictions: list[tuple[str, Found | None]] = []
    for m in sorted(run.tests, key=lambda m: m.attempt):
        t = planned.get(m.test)
        if t is None or outcomes.get(m.test) in ("passed", "failed"):
            contradictions.append((RUN, (t, m) if t else None))
            continue
        seen[m.test] = m
        outcomes[m.test], why = _one(t, m)
        if why:
            contradictions.append((why, (t, m)))
    for t in step.tests:
        found = seen.get(t.id)
        if found is None:
            continue
        if outcomes[t.id] == "failed":
            worst = worst or (t, found)
        elif outcomes[t.id] == "passed" and _is_marginal(t, found):
            marginal = marginal or (t, found)
    result = overall(outcomes.values())
    if contradictions:
        why, about = contradictions[0]
        return Judged("error", contradiction=why, about=about)
    if run.outcome == "aborted":
        return Judged("failed", worst) if result == "failed" else Judged("aborted")
    if result != run.outcome or (result == "passed" and set(outcomes) != set(planned)):
        return Judged("error", contradiction=RUN)
    return Judged(result, worst, marginal if result == "passed" else None)


def _one(t: Test, m: wire.Measurement) -> tuple[wire.Outcome, str]:
    """The outcome of one reading, and how it contradicts itself."""
    if m.value is None:
        if m.outcome in ("passed", "failed"):
            return "error", RUN  # judged without a number
        return m.outcome, ""
    value = convert(m.value, m.unit or t.unit, t.unit)
    mine = "error" if value is None else judge(value, t.low, t.high)
    if mine == "error":
        return "error", STATION if m.outcome in ("passed", "failed") else ""
    if m.verdict is not None and m.verdict != mine:
        return "error", TESTER
    if m.outcome == mine:
        return mine, ""
    return "error", STATION if m.outcome in ("passed", "failed") else ""


def _is_marginal(t: Test, m: wire.Measurement) -> bool:
    value = convert(m.value, m.unit or t.unit, t.unit) if m.value is not None else None
    return value is not None and is_marginal(value, t.low, t.high, t.marginal)


def last_askings(tests: Iterable[wire.Measurement]) -> dict[str, wire.Measurement]:
    """By test, the asking that counts."""
    return {m.test: m for m in sorted(tests, key=lambda m: m.attempt)}


def outcomes(step: Step, tests: Iterable[wire.Measurement]) -> dict[str, wire.Outcome]:
    """By planned test that was asked, what its last asking says by the plan's limits."""
    last = last_askings(tests)
    return {t.id: _one(t, last[t.id])[0] for t in step.tests if t.id in last}


class Limited(Protocol):
    """What has limits in a unit of measure: a test, or a reading that was judged by them."""

    @property
    def low(self) -> float | None: ...

    @property
    def high(self) -> float | None: ...

    @property
    def unit(self) -> str: ...


def limit_text(t: Limited) -> dict[str, str]:
    """The limits of a test as people say them, in each language."""
    said = {}
    for language, between, more, less in (
        ("fr", "entre {} et {}", "{} ou plus", "{} ou moins"),
        ("en", "between {} and {}", "{} or more", "{} or less"),
    ):
        if t.low is not None and t.high is not None:
            said[language] = between.format(show(t.low, t.unit, language), show(t.high, t.unit, language))
        elif t.low is not None:
            said[language] = more.format(show(t.low, t.unit, language))
        elif t.high is not None:
            said[language] = less.format(show(t.high, t.unit, language))
        else:
            said[language] = "–"
    return said


def said_of(found: Found) -> Mapping[str, Any]:
    """The arguments of a sentence about one reading: its test, its value, its limits."""
    t, m = found
    shown = (
        {language: show(m.value, m.unit or t.unit, language) for language in ("fr", "en")}
        if m.value is not None
        else "–"
    )
    return {"test": t.name.model_dump(), "value": shown, "limit": limit_text(t)}
