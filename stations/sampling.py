"""Samples of units that stay for hours: when each is read, and what its readings come to.

Pure. A sample is read one test at a time, so that the unit under test at the front never waits for more than one
answer; one sample goes on at a time, the one that is longest due first. No person is behind a sample, so its event
names none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mes import wire
from mes.domain import burn_in, gate
from mes.domain import unit as rules
from mes.domain.route import Test
from stations import calibrated, testing, units
from stations.inputs import Measured, SampleNow
from stations.places import placed
from stations.turn import Session, Turn
from stations.work import Sampling, Work


def carry_on(turn: Turn) -> Turn:
    """Begin the sample that is longest due, unless one goes on."""
    s = turn.session
    if any(w.sampling for w in s.works):
        return turn
    due = [(late, w) for w in s.works if (late := _late_ms(s, w)) is not None and late >= 0]
    return _begin(turn, max(due, key=lambda each: each[0])[1]) if due else turn


def _late_ms(s: Session, work: Work) -> int | None:
    """By how long the unit's next sample is late, milliseconds; None where it gets none."""
    burn = work.unit.burn
    if not work.step.sample_s or not work.step.tests or burn is None or burn.ended or work.run is not None:
        return None
    if work.needed or gate.unsafe(work.plan, work.product, work.step, work.unit) is not None:
        return None
    tried_ms = work.tried_ms if work.tried_ms is not None else burn.mono_ms if burn.boot == s.boot else None
    return s.mono_ms if tried_ms is None else s.mono_ms - tried_ms - burn_in.due_s(burn, work.step.sample_s) * 1000


def _begin(turn: Turn, work: Work) -> Turn:
    number, first = turn.session.next_run, work.step.tests[0]
    turn = turn.put(next_run=number + 1)
    turn = turn.put_work(replace(work, sampling=Sampling(number, first), tried_ms=turn.session.mono_ms))
    return turn.ask(SampleNow(number, _asked(first, work)))


def _asked(test: Test, work: Work) -> Test:
    """Without waiting for it to settle, and once: it has been running, and there is another sample soon."""
    return placed(test, work.unit.place).model_copy(update={"settle_s": 0, "repeats": 0})


def measured(turn: Turn, came: Measured) -> Turn:
    """An answer of a sample came: ask for the next test, or keep the sample."""
    work = next((w for w in turn.session.works if w.sampling and w.sampling.number == came.run), None)
    if work is None or work.sampling is None:
        return turn  # the unit has left since
    sampling = work.sampling
    taken = next((t for t in came.readings if t.test == sampling.asked.id), None)
    done = (*sampling.done, testing.reading_of(sampling.asked, taken))
    seen = {m.test for m in done}
    following = next((t for t in work.step.tests if t.id not in seen), None)
    if following is not None:
        turn = turn.put_work(replace(work, sampling=replace(sampling, asked=following, done=done)))
        return turn.ask(SampleNow(sampling.number, _asked(following, work)))
    return carry_on(_keep(turn, work, done))


def _keep(turn: Turn, work: Work, readings: Sequence[wire.Measurement]) -> Turn:
    burn = work.unit.burn or burn_in.Burn()
    body = wire.ReadingsRecorded(unit=work.serial, step=work.step.id, n=burn.samples + 1, readings=tuple(readings))
    case = units.case_of(turn.session, work)
    case = replace(case, measured_by=calibrated.measured_by(turn.session, work, body))
    decision = rules.decide(case, body)
    after = decision.unit or work.unit
    if decision.verdict == "held":  # the unit stays until the server has given the nonconformity its number
        ended = replace(work.unit, burn=after.burn)
        turn = turn.put_work(replace(work, unit=ended, sampling=None, last=tuple(readings)))
        return turn.keep(body, by_itself=True)[0]
    turn = turn.note(body, by_itself=True)
    marked_at = turn.session.now if after.burn and after.burn.mono_ms == turn.session.mono_ms else work.marked_at
    turn = turn.put_work(replace(work, unit=after, sampling=None, last=tuple(readings), marked_at=marked_at))
    return turn.say(decision.reason, decision.args, aside=True) if decision.reason == "sample_out" else turn
