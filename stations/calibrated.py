"""May the instruments of this bench measure today? By what the server told of the register, and the station's own file.

Pure. The rule itself is `mes.domain.calibration`, the same as on the server: a bench without network says the same.
"""

from __future__ import annotations

from mes import wire
from mes.domain import calibration
from mes.domain.days import day_at
from mes.domain.gate import Answer
from mes.domain.reasons import Tone
from stations import testing
from stations.turn import Session, Turn
from stations.work import Work


def may_measure(s: Session, work: Work) -> Answer:
    """What the register says of the instruments that the unit's tests ask for; a test that none here can do says
    nothing."""
    named = {n.id: n for t in work.step.tests if (n := s.instruments.get(t.instrument)) is not None}
    day = day_at(s.now, work.plan.plant.timezone)
    told = s.recall.instruments or {}
    found = (calibration.fitness(n, told.get(n.id), day) for n in named.values())
    return calibration.together(calibration.by_policy(answer, _policy(s, work)) for answer in found)


def measured_by(s: Session, work: Work, body: wire.Frozen) -> Answer | None:
    """The same of a run or a sample that was done, by what it names; None where it names nothing."""
    readings = body.readings if isinstance(body, wire.ReadingsRecorded) else getattr(body, "tests", ())
    if not calibration.named_in(readings):
        return None
    day = day_at(s.now, work.plan.plant.timezone)
    return calibration.measured_by(readings, s.recall.instruments or {}, day, _policy(s, work))


def _policy(s: Session, work: Work) -> calibration.Policy:
    """The plan in force says it, not the older one of an order."""
    return (s.recall.plan or work.plan).plant.calibration


def begin(turn: Turn, work: Work) -> Turn:
    """Begin the unit's tests because the operator asks for it, unless an instrument may not measure: then say why."""
    fit = may_measure(turn.session, work)
    if not fit.go:
        return turn.say(fit.reason, fit.args)
    turn = testing.begin(turn, work, asked=True)
    begun = turn.session.work(work.serial)
    return turn.say(fit.reason, fit.args) if begun and begun.run and fit.reason != "ok" else turn


def greet(turn: Turn, serial: str, answer: Answer, *, awaiting: int | None = None, colour: Tone | None = None) -> Turn:
    """What is said to a unit that has come to the front: its welcome, or that an instrument is not fit to test it.

    It is said before anything is connected to the unit.

    Args:
        colour: of the welcome, where it is not its own.
    """
    s = turn.session
    work = s.at_front if s.front == serial else None
    if work is None or not (work.run or testing.may_begin(work, s.now)):
        return turn.say(answer.reason, answer.args, awaiting=awaiting, colour=colour)
    fit = may_measure(s, work)
    said = fit if not fit.go or (work.run and fit.reason != "ok") else answer
    return turn.say(said.reason, said.args, awaiting=awaiting, colour=colour if said is answer else None)
