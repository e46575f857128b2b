"""Testers that talk by themselves: whose a line is that comes unasked, and whether it counts now.

Pure. A line counts for the unit that it names, or, where it names none, for the unit whose run waits for it; every
other line is a fact that is kept, and the screen says why it does not count. It must not know how lines are written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from mes import wire
from mes.domain import gate
from mes.domain.route import Test
from stations import calibrated, signing, testing
from stations.devices.readings import Reading
from stations.inputs import Measured, Taken, ToldByTester
from stations.turn import LastLine, Session, Turn
from stations.work import Work

TWICE_MS: Final = 5_000
"""The very same line again within this time is one result that the tester sent twice."""
MAX_RAW: Final = 2_000


def told(turn: Turn, came: ToldByTester) -> Turn:
    """A tester has sent a line."""
    s = turn.session
    twice = (came.device, came.raw) == (s.told.device, s.told.raw) and came.mono_ms - s.told.mono_ms < TWICE_MS
    turn = turn.put(told=LastLine(came.device, came.raw, came.mono_ms))
    if twice:
        return turn  # the banner of the first stands
    if came.readings is None:
        return _apart(turn, came, "tester_unreadable", why=came.why)
    if s.operator is None:
        return _apart(turn, came, "no_operator")
    front = s.at_front
    work = s.work(came.unit) if came.unit else front
    if work is None:
        if front is None:
            return _apart(turn, came, "tester_no_unit")
        return _apart(turn, came, "tester_other_unit", {"unit": front.serial, "other": came.unit})
    if work.run is not None:
        waits = work.run.tester == came.device
        return _take(turn, came, work) if waits else _apart(turn, came, "tester_not_now", {"unit": work.serial})
    return _unasked(turn, came, work)


def overdue(turn: Turn) -> Turn:
    """Wait for a tester no longer than the plan says; where it says nothing, until the operator ends it."""
    for work in turn.session.works:
        run = work.run
        if run is None or not run.tester:
            continue
        limits = [t.timeout_s for t in run.asked if t.timeout_s is not None]
        if limits and turn.session.mono_ms - run.asked_ms > 1000 * max(limits):
            silence = Reading(None, None, "timeout", "the tester sent nothing")
            taken = tuple(Taken(t.id, silence, run.tester) for t in run.asked)
            turn = testing.measured(turn, _measured(turn.session, run.number, taken))
    return turn


def _unasked(turn: Turn, came: ToldByTester, work: Work) -> Turn:
    """Nothing waits for it: it begins a run of the unit that it names, if a test of this tester is what comes next."""
    s = turn.session
    if not any(s.tester_of(t) == came.device for t in work.step.tests):
        return _apart(turn, came, "tester_not_wanted", {"unit": work.serial})
    first = s.tester_of(work.step.tests[0]) == came.device
    busy = s.asked is not None or s.paused or s.waits_for(work.serial)
    if busy or not first or not testing.may_begin(work, s.now):
        return _apart(turn, came, "tester_not_now", {"unit": work.serial})
    if not came.unit:
        return _apart(turn, came, "tester_names_none", {"unit": work.serial})
    able = signing.may_work(s, work)
    if not able.go:
        return signing.refused(_fact(turn, came, able.reason), able, work.serial, work.step)
    danger = gate.unsafe(work.plan, work.product, work.step, work.unit)
    if danger is not None:
        return _apart(turn, came, danger.reason, dict(danger.args))
    begun = calibrated.begin(turn, work)
    running = begun.session.work(work.serial)
    if running is None or running.run is None:
        return _fact(begun, came, "not_begun")  # `begin` has said why
    return _take(begun, came, running)


def _take(turn: Turn, came: ToldByTester, work: Work) -> Turn:
    """The line is the result of this unit's run."""
    assert work.run is not None
    assert came.readings is not None
    said = {t.test: t for t in came.readings}
    found = [(t, replace(said[t.ask], test=t.id)) for t in work.run.asked if t.ask in said]
    taken = tuple(_with_verdict(found, came.verdict))
    return testing.measured(turn, _measured(turn.session, work.run.number, taken))


def _with_verdict(found: list[tuple[Test, Taken]], verdict: str | None) -> Iterable[Taken]:
    """FAIL speaks of the whole line: where one of its numbers says so too, it is no word against the others."""
    failing = {t.id for t, taken in found if testing.reading_of(t, taken).outcome == "failed"}
    for test, taken in found:
        if verdict == "failed" and failing and test.id not in failing and taken.reading.outcome == "rejected":
            taken = replace(taken, reading=replace(taken.reading, outcome="measured"))
        yield taken


def _measured(s: Session, run: int, taken: tuple[Taken, ...]) -> Measured:
    return Measured(run=run, readings=taken, now=s.now, mono_ms=s.mono_ms)


def _apart(
    turn: Turn, came: ToldByTester, reason: str, args: dict[str, Any] | None = None, *, why: str | None = None
) -> Turn:
    """The line counts for nothing: it is kept as a fact, and the screen says so unless an answer is due."""
    aside = turn.session.asked is not None
    return _fact(turn, came, why or reason).say(reason, {"device": came.device, **(args or {})}, aside=aside)


def _fact(turn: Turn, came: ToldByTester, why: str) -> Turn:
    return turn.note(wire.IdentifiersNotRead(raw=came.raw[:MAX_RAW], why=why[:64] or "?", device=came.device[:64]))
