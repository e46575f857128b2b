"""A test run of the unit on the bench: what the devices are asked for, in which order, and what the readings say.

Pure. One test at a time, so that a unit that failed a safety test is never energised by the next one. A reading is
judged by the plan's limits; where the instrument and the limits disagree, or nothing usable came, it is an *error* of
the bench and neither a pass nor a failure of the unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from mes import wire
from mes.domain import gate
from mes.domain.measurement import convert, is_measurement, judge, overall
from mes.domain.route import Test
from stations.inputs import Measured, MeasureNow, StopMeasuring, Taken
from stations.turn import LastScan, Turn
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


def begin(turn: Turn, work: Work) -> Turn:
    """Ask for the first test; never of a unit that must not be energised, whoever asks."""
    if gate.unsafe(work.plan, work.product, work.step, work.unit) is not None:
        return turn
    number, first = turn.session.next_run, work.step.tests[:1]
    turn = turn.put(next_run=number + 1).put_work(replace(work, run=Run(number, first), readings=()))
    return turn.ask(MeasureNow(number, work.serial, work.step.id, first))


def measured(turn: Turn, came: Measured) -> Turn:
    """Readings came: judge them, then ask for the next test or end the run."""
    work = next((w for w in turn.session.works if w.run and w.run.number == came.run), None)
    if work is None or work.run is None:
        return turn  # of a run that was stopped: it was recorded as aborted then
    run, taken = work.run, {t.test: t for t in came.readings}
    known = {m.test for m in run.done}
    fresh = [
        _reading(test, taken.get(test.id))
        for test in work.step.tests
        if test.id not in known and (test in run.asked or test.id in taken)
    ]
    done = (*run.done, *fresh)
    if work.step.after_failure == "stop" and any(m.outcome != "passed" for m in done):
        return _end(turn, work, done)
    seen = {m.test for m in done}
    following = next((t for t in work.step.tests if t.id not in seen), None)
    if following is None:
        return _end(turn, work, done)
    turn = turn.put_work(replace(work, run=Run(run.number, (following,), done)))
    return turn.ask(MeasureNow(run.number, work.serial, work.step.id, (following,)))


def stop(turn: Turn, work: Work) -> Turn:
    """Break a run off, and keep what it has read."""
    if work.run is None:
        return turn
    body = wire.UnitsTested(unit=work.serial, step=work.step.id, outcome="aborted", tests=work.run.done)
    turn = turn.put_work(replace(work, run=None, readings=work.run.done))
    return turn.note(body).ask(StopMeasuring(work.run.number))


def _end(turn: Turn, work: Work, done: Sequence[wire.Measurement]) -> Turn:
    tests = tuple(done)
    body = wire.UnitsTested(unit=work.serial, step=work.step.id, outcome=overall(m.outcome for m in tests), tests=tests)
    turn, token = turn.keep(body)
    turn = turn.put_work(replace(work, run=None, readings=tests, deeds=(*work.deeds, "judged")))
    # The label again, within a second of the last time but after a whole run, is no double read: it means "again".
    return turn.put(asked=token, last=LastScan()).say("kept", awaiting=token)


def _reading(test: Test, taken: Taken | None) -> wire.Measurement:
    """One reading against its limits, in the limits' unit of measure where it converts."""
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
        if reading.outcome == "measured" or (reading.outcome == "rejected" and mine == "failed"):
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
    )
