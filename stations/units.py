"""A unit comes to the bench, is looked at, is finished, leaves: what the operator's scans do with a whole unit.

Pure. The server's own rules (`mes.domain.gate`, `mes.domain.unit`) are asked first, so that what is missing is red at
once. What a verdict does, and what happens when none comes, is in `stations.answers`.
"""

from __future__ import annotations

from dataclasses import replace

from mes import wire
from mes.domain import gate
from mes.domain import unit as rules
from mes.domain.command_words import COMMANDS
from mes.domain.days import day_at
from mes.domain.gate import Answer
from stations import calibrated, signing, testing
from stations.places import free_place
from stations.recall import place_of
from stations.turn import Session, Turn
from stations.work import Work, work_on

BLOCKED = "–"
"""The nonconformity of a unit that this station itself has blocked, until the server gives it a number."""


# --- it comes ---------------------------------------------------------------------------------------------------------


def label(turn: Turn, serial: str, raw: str) -> Turn:
    """A unit's label was scanned.

    Args:
        raw: what the scanner sent, for the record.
    """
    s = turn.session
    front = s.at_front
    if front is not None and front.serial == serial:
        return again(turn, front)
    if s.lot is not None:
        return turn.say("finish_first", {"unit": s.lot.order.id})
    if front is not None and (s.places == 1 or front.run is not None):
        return turn.say("finish_first", {"unit": front.serial})
    here = s.work(serial)
    if here is not None:
        return again(turn.put(front=serial), here)
    if not s.online:
        answer = gate_says(s, serial)
        if not answer.go:
            return turn.say(answer.reason, answer.args)
    step = s.recall.step_for(serial, s.station)
    body = wire.UnitsArrived(unit=serial, step=step, scan=raw, place=free_place(s, serial))
    turn, token = turn.keep(body, asks=s.online)
    return turn.put(asked=token).say("asking", awaiting=token)


def gate_says(s: Session, serial: str) -> Answer:
    """May this unit enter, by what the station knows without the server?"""
    unit = s.recall.unit(serial)
    order = s.recall.order(unit.order) if unit else None
    plan = s.recall.plan_of(order)
    if plan is None:
        return Answer(False, "not_ready")
    place = place_of(plan, unit) if unit else None
    others = (s.recall.present(s.station) | {w.serial for w in s.works}) - {serial}
    answer = gate.enter(
        serial=serial,
        unit=unit,
        order=order,
        plan=plan,
        station=s.station,
        operator=s.operator,
        online=False,
        present=len(others),
        stopped=s.recall.stopped.get((unit.product, unit.step)) if unit else None,
        permit=s.recall.permit_of(unit),
        day=day_at(s.now, plan.plant.timezone),
    )
    return signing.besides(answer, signing.may_do(s, plan, place[1], serial)) if place else answer


def known_work(s: Session, serial: str) -> Work | None:
    """The unit with what the station knows of it; None when that is not enough to work."""
    unit = s.recall.unit(serial)
    order = s.recall.order(unit.order) if unit else None
    if unit is None or order is None:
        return None
    return work_on(unit, order, s.recall.plan_of(order), s.recall.installed_in(serial))


def enter(turn: Turn, work: Work, *, back: bool) -> Turn:
    """A unit is in work here now: on the bench, or, where there are several places, in the rack.

    Args:
        back: it was here already (the station has started again): it comes to the front in a rack, too.
    """
    turn = turn.put_work(work).did(work.unit)
    if turn.session.places > 1 and not back:
        return turn.put(front=None)
    turn = turn.put(front=work.serial)
    by_itself = work.step.begins == "by-itself" and testing.may_begin(work, turn.session.now)
    return testing.begin(turn, work) if by_itself and calibrated.may_measure(turn.session, work).go else turn


def again(turn: Turn, work: Work) -> Turn:
    """The label of a unit that is here: test it (again), or say what it waits for."""
    if work.run is not None:
        return turn.not_now(work.serial, "test_runs")
    if turn.session.places > 1 and work.too_early(turn.session.now):
        answer = gate.finish(step=work.step, unit=work.unit, installed=work.installed, here_s=_here_s(turn, work))
        return turn.say(answer.reason, answer.args)
    if testing.may_begin(work, turn.session.now) and not turn.session.waits_for(work.serial):
        if (danger := gate.unsafe(work.plan, work.product, work.step, work.unit)) is not None:
            return turn.say(danger.reason, danger.args)
        able = signing.may_work(turn.session, work)
        if not able.go:
            return signing.refused(turn, able, work.serial, work.step)
        return calibrated.begin(turn, work)
    return turn.say("unit_here", {"unit": work.serial})


# --- it is looked at --------------------------------------------------------------------------------------------------


def passed(turn: Turn, work: Work) -> Turn:
    """PASS: the operator has looked and it is good."""
    if not work.step.inspects:
        return turn.not_now(COMMANDS["PASS"], "scan_done")
    if work.unit.inspected == "passed":
        return turn.say("inspection_passed")
    if looking(turn.session, work):
        return turn.say("asking", awaiting=turn.session.awaited)
    able = signing.may_work(turn.session, work)
    if not able.go:
        return signing.refused(turn, able, work.serial, work.step)
    turn, token = turn.keep(wire.UnitsInspected(unit=work.serial, step=work.step.id, result="passed"))
    return turn.put_work(replace(work, deeds=(*work.deeds, "judged"))).say("kept", awaiting=token)


def looking(s: Session, work: Work) -> bool:
    """Whether a PASS of this unit waits for its verdict."""
    return any(isinstance(p.body, wire.UnitsInspected) and p.unit == work.serial for p in s.waiting.values())


def spoiled(turn: Turn, work: Work, defect: str) -> Turn:
    """A defect of the unit was scanned: at any step, at any time. A test that runs is stopped."""
    turn = testing.stop(turn, work)
    body = wire.UnitsInspected(unit=work.serial, step=work.step.id, result="failed", defects=(defect,))
    turn, token = turn.keep(body)
    return turn.put(asked=token).say("kept", awaiting=token)


# --- it goes ----------------------------------------------------------------------------------------------------------


def finish(turn: Turn, work: Work) -> Turn:
    """DONE: complete the step, or say what is missing; wait first for verdicts that are on their way."""
    s = turn.session
    if work.run is not None:
        return turn.not_now(COMMANDS["DONE"], "test_runs")
    if not work.needed and s.waits_for(work.serial):
        return turn.put_work(replace(work, finishing=True)).say("asking", awaiting=s.awaited)
    turn = turn.put_work(replace(work, finishing=False))
    answer = gate.finish(step=work.step, unit=work.unit, installed=work.installed, here_s=_here_s(turn, work))
    answer = gate.unsafe(work.plan, work.product, work.step, work.unit) or answer
    if not s.online:
        answer = signing.besides(answer, signing.may_work(s, work))
    if not answer.go:
        return turn.say(answer.reason, answer.args)
    turn, token = turn.keep(wire.WorkCompleted(step=work.step.id, unit=work.serial), asks=s.online)
    return turn.put(asked=token).say("kept", awaiting=token)


def carry_on(turn: Turn) -> Turn:
    """DONE was scanned before the last verdict was there: finish now, if it is there."""
    work = next((w for w in turn.session.works if w.finishing), None)
    if work is None or turn.session.waits_for(work.serial):
        return turn
    return finish(turn, work)


def leave(turn: Turn, work: Work, why: str) -> Turn:
    """The unit is taken off the bench with its step unfinished."""
    turn = testing.stop(turn, work)
    body = wire.UnitsDeparted(unit=work.serial, step=work.step.id, reason=why)
    gone = rules.decide(case_of(turn.session, work), body).unit or work.unit
    return turn.note(body).free(work.serial).did(gone).say("unit_left", {"unit": work.serial})


def case_of(s: Session, work: Work) -> rules.Case:
    """All that the rules may look at when the station decides alone."""
    return rules.Case(
        event_id="",
        unit=work.unit,
        serial=work.serial,
        order=work.order,
        plan=work.plan,
        station=s.station,
        operator=s.operator,
        asks=False,
        at=s.now,
        installed=work.installed,
        present=len(s.works) - 1,
        competent=signing.may_work(s, work),
        boot=s.boot,
        mono_ms=s.mono_ms,
    )


def _here_s(turn: Turn, work: Work) -> float | None:
    return work.here_s(turn.session.now)
