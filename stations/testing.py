"""A test run of the unit on the bench: what the devices are asked for, in which order, and what the readings say.

Pure. One test at a time, so that a unit that failed a safety test is never energised by the next one. A reading is
judged by the plan's limits; where the instrument and the limits disagree, or nothing usable came, it is an *error* of
the bench and neither a pass nor a failure of the unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Final

from mes import wire
from mes.domain import gate
from mes.domain.measurement import convert, is_measurement, judge, overall
from mes.domain.route import Step, Test
from mes.domain.runs import last_askings
from stations.inputs import BenchUnsafe, FinishMeasuring, Measured, MeasureNow, RunBroken, StopMeasuring, Taken
from stations.places import placed
from stations.turn import LastScan, Session, Turn
from stations.work import Run, Work

MAX_RAW: Final = 2_000  # characters of an instrument's own text that an event can carry
MAX_INSTRUMENT: Final = 120
MAX_UNIT: Final = 16


def may_begin(work: Work, now: str) -> bool:
    """Whether the next thing for this unit is its test: everything is fitted, its time is over, it has not passed."""
    return (
        bool(work.step.tests)
        and not work.step.recorded
        and work.run is None
        and work.unit.tested != "passed"
        and not work.needed
        and not work.too_early(now)
    )


def begin(turn: Turn, work: Work, *, asked: bool = False) -> Turn:
    """Ask for the first test.

    Never of a unit that must not be energised, whoever asks; nor while a device may still be live from the run before.

    Args:
        asked: the operator has asked for it, and waits for an answer.
    """
    if gate.unsafe(work.plan, work.product, work.step, work.unit) is not None:
        return turn
    if turn.session.unsafe:
        return turn.say("bench_not_safe", {"device": turn.session.unsafe[0]})
    turn = turn.say("waiting_tester" if turn.session.tester_of(work.step.tests[0]) else "testing") if asked else turn
    number = turn.session.next_run
    return _take(turn.put(next_run=number + 1), replace(work, readings=()), number, work.step.tests[0], ())


def _take(turn: Turn, work: Work, number: int, test: Test, done: tuple[wire.Measurement, ...]) -> Turn:
    """Ask for a test, or wait for the line of the tester that sends it by itself: with all that it measures."""
    s, step = turn.session, work.step
    tester, made = s.tester_of(test), {m.test for m in done}
    tests = tuple(t for t in step.tests if t.id not in made and s.tester_of(t) == tester) if tester else (test,)
    turn = turn.put_work(replace(work, run=Run(number, tests, done, s.mono_ms, tester)))
    if tester:
        return turn
    asked = tuple(placed(t, work.unit.place) for t in tests)
    return turn.ask(MeasureNow(number, work.serial, step.id, asked, step.set_up, step.tear_down, s.operator))


def measured(turn: Turn, came: Measured) -> Turn:
    """Readings came: judge them, then ask for the next test or end the run."""
    work = next((w for w in turn.session.works if w.run and w.run.number == came.run), None)
    if work is None or work.run is None:
        return turn  # of a run that was stopped: it was recorded as aborted then
    run = work.run
    known = {m.test for m in run.done}
    fresh = [
        reading_of(test, taken)
        for test in work.step.tests
        if test.id not in known
        for taken in _takings(test, came, asked=test in run.asked)
    ]
    done = (*run.done, *fresh)
    turn = _learn(turn, work, run)
    following = _following(work.step, done)
    if following is None:
        return _end(turn, work, done)
    return _take(turn, work, run.number, following, done)


def _takings(test: Test, came: Measured, *, asked: bool) -> Sequence[Taken | None]:
    found = [t for t in came.readings if t.test == test.id]
    return found or ([None] if asked else [])


def _following(step: Step, done: Sequence[wire.Measurement]) -> Test | None:
    """The next test to make: the plan's order, after what must have passed, and none after one that stops the rest."""
    last = last_askings(done)
    passed = {m.test for m in last.values() if m.outcome == "passed"}
    for test in step.tests:
        reading = last.get(test.id)
        if reading is None:
            if passed.issuperset(test.needs):
                return test
        elif reading.outcome != "passed" and (test.after_failure or step.after_failure) == "stop":
            return None
    return None


def _learn(turn: Turn, work: Work, run: Run) -> Turn:
    """How long the tests that were asked for have taken: the next unit's time left is counted from it."""
    if len(run.asked) != 1 or run.tester:
        return turn
    took = {**turn.session.took, (work.step.id, run.asked[0].id): turn.session.mono_ms - run.asked_ms}
    return turn.put(took=took)


def left_s(s: Session, work: Work) -> int | None:
    """Seconds until the run is over, as long as it took with the last unit; None until every test was made once."""
    run = work.run
    if run is None or run.tester:
        return None
    known = {m.test for m in run.done}
    todo = [s.took.get((work.step.id, t.id)) for t in work.step.tests if t.id not in known]
    spent = s.mono_ms - run.asked_ms
    current, *rest = [ms for ms in todo if ms is not None] or [0]
    if None in todo:
        return None
    return max(1, ceil((max(0, current - spent) + sum(rest)) / 1000))


def stop(turn: Turn, work: Work) -> Turn:
    """Break a run off, and keep what it has read."""
    if work.run is None:
        return turn
    body = _broken_off(work.serial, work.step.id, work.run.done)
    turn = turn.put_work(replace(work, run=None, readings=body.tests))
    return turn.note(body).ask(StopMeasuring(work.run.number))


def _broken_off(unit: str, step: str, done: tuple[wire.Measurement, ...]) -> wire.UnitsTested:
    """A run that was broken off: a reading that has failed stays a failure."""
    failed = any(m.outcome == "failed" for m in last_askings(done).values())
    return wire.UnitsTested(unit=unit, step=step, outcome="failed" if failed else "aborted", tests=done)


def undone(turn: Turn, work: Work) -> Turn:
    """UNDO while a test runs: the test is stopped, and the unit stays on the bench."""
    return stop(turn, work).say("test_stopped")


def broken(turn: Turn, came: RunBroken) -> Turn:
    """The station was switched off in the middle of a run: it is recorded, as broken off, with what had been read."""
    turn = turn.note(_broken_off(came.unit, came.step, came.tests), operator=came.operator)
    return replace(turn, drafts=(*turn.drafts[:-1], replace(turn.drafts[-1], event_id=came.event_id)))


def unsafe(turn: Turn, came: BenchUnsafe) -> Turn:
    """Devices that may still be live, or none any more."""
    turn = turn.put(unsafe=came.devices)
    if came.devices:
        return turn.say("bench_not_safe", {"device": came.devices[0]}, aside=True)
    # Where the operator has gone on meanwhile, the notice that goes away says enough.
    return turn.say("bench_safe", aside=True) if turn.session.banner.reason == "bench_not_safe" else turn


def _end(turn: Turn, work: Work, done: Sequence[wire.Measurement]) -> Turn:
    assert work.run is not None
    tests, number = tuple(done), work.run.number
    outcome = overall(m.outcome for m in last_askings(tests).values())
    turn, token = turn.keep(wire.UnitsTested(unit=work.serial, step=work.step.id, outcome=outcome, tests=tests))
    turn = turn.put_work(replace(work, run=None, readings=tests, deeds=(*work.deeds, "judged")))
    # The label again, within a second of the last time but after a whole run, is no double read: it means "again".
    turn = turn.put(asked=token, last=LastScan()).say("kept", awaiting=token)
    return turn.ask(FinishMeasuring(number))


def reading_of(test: Test, taken: Taken | None) -> wire.Measurement:
    """One reading against its limits, in the limits' unit of measure where it converts.

    An error of the bench where nothing usable came, and where the instrument's own verdict is not what its number says.
    """
    if taken is None:
        return wire.Measurement(test=test.id, outcome="error", unit=test.unit, low=test.low, high=test.high)
    reading = taken.reading
    outcome: wire.Outcome = "timeout" if reading.outcome == "timeout" else "error"
    value, unit = reading.value, reading.unit or test.unit
    if value is not None and not is_measurement(value):
        value = None
    converted = convert(value, unit, test.unit) if value is not None else None
    if converted is not None:
        value, unit = converted, test.unit
        mine = judge(converted, test.low, test.high)
        if reading.outcome in ("measured", "rejected") and reading.verdict in (None, mine):
            outcome = mine
    return wire.Measurement(
        test=test.id,
        outcome=outcome,
        value=value,
        unit=unit[:MAX_UNIT],
        low=test.low,
        high=test.high,
        instrument=taken.instrument[:MAX_INSTRUMENT] or None,
        raw=reading.raw[:MAX_RAW],
        attempt=taken.attempt,
        verdict=reading.verdict if value is not None else None,
        device=taken.device or None,
        serial=taken.serial or None,
        calibration_due=taken.calibration_due,
    )
