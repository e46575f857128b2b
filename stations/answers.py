"""What a verdict does to the bench, and what the station does when none comes in time.

Pure. Each kind of event that somebody waits for has two functions here: the server has spoken, or the station decides
by the same rules with what it knows. A verdict that comes late is heard all the same: where it says no, the unit goes
off the bench and the operator is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mes import wire
from mes.domain import unit as rules
from mes.domain.calibration import UNFIT
from mes.domain.gate import Answer, Installed
from mes.domain.reasons import REASONS, tone
from stations import calibrated, loading, lots, overriding, packing, parts, serials, signing, testing, units
from stations import recall as floor
from stations.inputs import Kept, VerdictCame
from stations.recall import told_of
from stations.turn import ANSWER_MS, Pending, Turn, bad
from stations.work import Work, work_on


def kept(turn: Turn, came: Kept) -> Turn:
    """A draft has its event id: an installation can be named from here on."""
    s = turn.session

    def named(pending: Mapping[int, Pending]) -> Mapping[int, Pending]:
        found = pending.get(came.token)
        return {**pending, came.token: replace(found, event_id=came.event_id)} if found else pending

    works = tuple(w.name(came.token, came.event_id) if w.holds(came.token) else w for w in s.works)
    return turn.put(waiting=named(s.waiting), late=named(s.late), works=works)


def came(turn: Turn, v: VerdictCame) -> Turn:
    """The server has judged an event."""
    if v.status == "gap":
        return turn  # it has not been looked at; it will be sent again
    pending = _find(turn, v)
    if pending is None:
        return turn.say(v.reason, v.args, aside=True) if bad(v) else turn
    in_time = pending.went is None
    awaited = pending.token in (turn.session.awaited, turn.session.asked)
    if v.verdict is None:  # quarantined: kept, and a person will look at it; the bench goes on by itself
        turn = alone(turn, pending) if in_time else turn
        turn = turn.judged(pending)
        return turn.say("quarantined") if awaited else turn
    turn = turn.judged(pending)
    if isinstance(pending.body, wire.OperatorActivated):
        return signing.judged(turn, pending, v)
    if isinstance(pending.body, packing.BODIES):
        return packing.judged(turn, pending, v, awaited=awaited)
    if v.verdict == "refused":
        turn = overriding.offered(turn, v.reason, pending)
    if isinstance(pending.body, wire.MaterialsLoaded):
        return loading.judged(turn, pending, v, awaited=awaited)
    if v.verdict == "held":
        return _held(turn, pending, v, awaited=awaited)
    match pending.body:
        case wire.UnitsInitialized():
            return serials.judged(turn, pending, v, awaited=awaited)
        case wire.UnitsArrived():
            return _arrival(turn, pending, v, awaited=awaited)
        case wire.MaterialsInstalled():
            return _installation(turn, pending, v, awaited=awaited)
        case wire.UnitsTested() | wire.UnitsInspected():
            return _judgement(turn, pending, v, awaited=awaited)
        case wire.WorkCompleted(unit=str()):
            return _completion(turn, pending, v, awaited=awaited)
        case wire.WorkCompleted():
            return lots.booked(turn, pending, v, awaited=awaited)
        case wire.MaterialsUninstalled() if awaited and not bad(v):
            # It was refused before it was taken out: for the operator that is the same, and nothing to be red about.
            return turn.say("noted") if v.reason == "nothing_installed" else turn.say(v.reason, v.args)
        case _:
            return turn.say(v.reason, v.args, aside=True) if bad(v) else turn


def sweep(turn: Turn) -> Turn:
    """Decide alone whatever has waited too long, or cannot be asked because the way to the server is down."""
    s = turn.session
    for pending in s.waiting.values():
        if not s.online or s.mono_ms - pending.at_ms >= ANSWER_MS:
            turn = alone(turn, pending)
    return turn


def alone(turn: Turn, pending: Pending) -> Turn:
    """No answer: decide by the station's own rules."""
    work = _same_stay(turn, pending)
    match pending.body:
        case wire.OperatorActivated():
            return signing.alone(turn, pending)
        case _ if isinstance(pending.body, packing.BODIES):
            return packing.alone(turn, pending)
        case wire.UnitsInitialized():
            return serials.alone(turn, pending)
        case wire.MaterialsLoaded():
            return loading.alone(turn, pending)
        case wire.UnitsArrived():
            return _enter_alone(turn, pending)
        case wire.MaterialsInstalled() if work is not None and work.holds(pending.token):
            turn = turn.overdue(pending.token, (True, "component_fitted")).put_work(work.settle(pending.token))
            turn = turn.put(recall=parts.uses_permit(turn.session.recall, pending.body))
            return turn.decided(pending, "component_fitted", parts.name_args(work, pending.body.part))
        case wire.UnitsTested() | wire.ReadingsRecorded() | wire.UnitsInspected() | wire.WorkCompleted(unit=str()) if (
            work is not None
        ):
            return _decide_alone(turn, pending, work)
        case wire.WorkCompleted(order=str()):
            return lots.book_alone(turn, pending)
        case _:
            return turn.overdue(pending.token, (True, ""))


def _same_stay(turn: Turn, pending: Pending) -> Work | None:
    """The unit, if it has been here ever since: what was done before it left and came back is of another visit."""
    work = turn.session.work(pending.unit)
    return work if work is not None and work.arrived <= pending.token else None


# --- the server says that the unit is held ----------------------------------------------------------------------------


def _held(turn: Turn, pending: Pending, v: VerdictCame, *, awaited: bool) -> Turn:
    """Whatever the event was: the unit goes off the bench, and the operator is told where to put it."""
    serial, s = pending.unit, turn.session
    on_front = s.front
    if serial is None:
        turn = turn.put(lot=None) if isinstance(pending.body, wire.WorkCompleted) and pending.went is None else turn
        return turn.say(v.reason, v.args)
    work = s.work(serial)
    unit = work.unit if work else s.recall.unit(serial)
    if work is not None:
        turn = testing.stop(turn, work).free(serial)
    if unit is not None:
        if unit.state not in ("scrapped", "withdrawn"):
            nc = str(v.args.get("nc") or units.BLOCKED)
            turn = turn.did(replace(unit, state="waiting", station=None, nc=nc))
        turn = turn.put(recall=floor.settled(turn.session.recall, serial))
    told_already = pending.went == (False, v.reason) and not awaited
    nobody_waits = pending.went == (True, "") and unit is not None and unit.nc is not None
    if told_already or nobody_waits:
        return turn  # the operator has been told and has gone on
    said = REASONS.get(v.reason)
    if on_front not in (None, serial) and said and "unit" not in said.names and v.args.get("nc"):
        # The sentence does not name the unit, and another one is on the bench by now.
        return turn.say("unit_held", {"unit": serial, "nc": v.args["nc"]}, aside=True)
    return turn.say(v.reason, v.args)


# --- a unit comes -----------------------------------------------------------------------------------------------------


def _arrival(turn: Turn, pending: Pending, v: VerdictCame, *, awaited: bool) -> Turn:
    serial, s = str(pending.unit), turn.session
    here = s.work(serial)
    if bad(v):
        turn = testing.stop(turn, here).free(serial) if here else turn
        return turn.say(v.reason, v.args)
    if pending.went is not None and here is None and (pending.went[0] or not awaited):
        # It has left again since; or the station had said no, and the operator has gone on to something else.
        return turn if pending.went[0] or _asked_again(turn, pending) else turn.note(_gone(v, pending))
    if here is not None and (here.arrived > pending.token or here.deeds or here.run or here.finishing):
        return turn.say(v.reason, v.args) if awaited else turn  # work has gone on: what was true then is not now
    told = told_of(v.screen) if v.screen is not None else None
    if told is not None:
        turn = turn.put(recall=floor.learned(turn.session.recall, told.order))
        plan = turn.session.recall.plan_of(told.order)
        work = work_on(told.unit, told.order, plan, told.installed)
    else:
        work = here or _arrived(units.known_work(turn.session, serial), turn, pending)
    if work is None:
        return turn.not_now(serial, "scan_again")
    if pending.operator:
        turn = turn.put(let_in=turn.session.let_in | {(pending.operator, serial)})
    if here is None:
        turn = units.enter(turn, replace(work, arrived=pending.token), back=v.reason == "unit_here")
        turn = turn.put(recall=floor.settled(turn.session.recall, serial))
        return calibrated.greet(turn, serial, Answer(True, *_where(work, v.reason, v.args)))
    turn = turn.put_work(replace(work, arrived=here.arrived))
    return turn.say(v.reason, v.args) if awaited else turn


def _asked_again(turn: Turn, pending: Pending) -> bool:
    """Whether the same unit's label was scanned again since: then that arrival is the one that counts."""
    open_ones = (*turn.session.waiting.values(), *turn.session.late.values())
    return any(
        isinstance(p.body, wire.UnitsArrived) and p.unit == pending.unit and p.token > pending.token for p in open_ones
    )


def _gone(v: VerdictCame, pending: Pending) -> wire.UnitsDeparted:
    told = told_of(v.screen) if v.screen is not None else None
    step = told.unit.step if told else str(getattr(pending.body, "step", floor.NO_STEP))
    return wire.UnitsDeparted(unit=str(pending.unit), step=step, reason="late")


def _arrived(work: Work | None, turn: Turn, pending: Pending) -> Work | None:
    """A unit as the station knows it, in work here from now on."""
    if work is None or work.unit.state == "in_work":
        return work
    case = replace(units.case_of(turn.session, work), mono_ms=pending.at_ms)
    return replace(work, unit=rules.begin(case, getattr(pending.body, "place", None)))


def _enter_alone(turn: Turn, pending: Pending) -> Turn:
    s, serial = turn.session, str(pending.unit)
    answer = units.gate_says(s, serial)
    work = _arrived(units.known_work(s, serial), turn, pending) if answer.go else None
    turn = turn.overdue(pending.token, (work is not None, answer.reason))
    if work is None:
        return turn.say(answer.reason, answer.args, awaiting=pending.token)
    permit = s.recall.permit_of(s.recall.unit(serial))
    if permit is not None:
        turn = turn.put(recall=floor.used(turn.session.recall, permit.id))
    turn = units.enter(turn, replace(work, arrived=pending.token), back=answer.reason == "unit_here")
    reason, args = _where(work, answer.reason, answer.args)
    if reason != "rack_place":
        return calibrated.greet(turn, serial, Answer(True, "offline_go"), awaiting=pending.token)
    return calibrated.greet(turn, serial, Answer(True, reason, args), awaiting=pending.token, colour="kept")


def _where(work: Work, reason: str, args: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """What to say of a unit that has come: in a rack, where to put it is more than that it is right here."""
    if work.unit.place is None or reason != "unit_arrived":
        return reason, args
    return "rack_place", {"unit": work.serial, "place": work.unit.place}


# --- components -------------------------------------------------------------------------------------------------------


def _installation(turn: Turn, pending: Pending, v: VerdictCame, *, awaited: bool) -> Turn:
    work = turn.session.work(pending.unit)
    item = work.holds(pending.token) if work else None
    if not bad(v):
        turn = turn.put_work(work.settle(pending.token)) if work and item else turn
        return turn.say(v.reason, v.args) if awaited else turn
    body = pending.body
    assert isinstance(body, wire.MaterialsInstalled)
    gone = Installed("", body.part, body.serial, body.lot, body.quantity)
    turn = turn.put(recall=floor.taken_out(turn.session.recall, gone, body.unit))
    if v.reason == "component_used" and isinstance(v.args.get("unit"), str):
        turn = turn.put(recall=floor.fitted(turn.session.recall, gone, v.args["unit"]))
    turn = turn.put(recall=floor.never_in(turn.session.recall, body.unit, pending.event_id))
    if work is not None and item is None and work.arrived <= pending.token:
        return turn  # taken back by the operator meanwhile
    if work is not None and item is None:
        return turn.put_work(replace(work.without(pending.event_id), finishing=False)).say(v.reason, v.args)
    if work is not None:
        turn = turn.put_work(replace(work.drop(pending.token), finishing=False))
    return turn.say(v.reason, v.args)


# --- tests and looks --------------------------------------------------------------------------------------------------

_JUDGED: Mapping[str, Mapping[str, str]] = {
    "test_passed": {"tested": "passed"},
    "test_marginal": {"tested": "passed"},
    "retest": {"tested": "failed"},
    "bench_error": {"tested": "error"},
    **{reason: {"tested": "error"} for reason in UNFIT},
    "test_stopped": {"tested": "aborted"},
    "inspection_passed": {"inspected": "passed"},
}


_PASSED = ("test_passed", "test_marginal")


def _judgement(turn: Turn, pending: Pending, v: VerdictCame, *, awaited: bool) -> Turn:
    work = _same_stay(turn, pending)
    in_time = pending.went is None
    if work is not None and not bad(v):
        attempts = work.unit.attempts + (1 if in_time and v.reason in (*_PASSED, "retest") else 0)
        changes: dict[str, Any] = {**_JUDGED.get(v.reason, {}), "attempts": attempts}
        if tested := changes.get("tested"):
            changes["results"] = {**work.unit.results, work.step.id: tested}
        unit = replace(work.unit, **changes)
        finishing = work.finishing and tone(v.reason) == "go"
        turn = turn.put_work(replace(work, unit=unit, finishing=finishing))
    differs = work is not None and pending.went is not None and pending.went[1] != v.reason
    said = "test_signal" if v.reason in _PASSED and "signal" in v.args else v.reason
    return turn.say(said, v.args) if awaited or bad(v) or differs else turn


def _decide_alone(turn: Turn, pending: Pending, work: Work) -> Turn:
    case = units.case_of(turn.session, work)
    case = replace(case, measured_by=calibrated.measured_by(turn.session, work, pending.body))
    d = rules.decide(case, pending.body)
    held = d.verdict == "held"
    turn = turn.overdue(pending.token, (not held, d.reason))
    unit = d.unit or work.unit
    if held:
        turn = turn.free(work.serial).did(replace(unit, nc=units.BLOCKED))
    elif isinstance(pending.body, wire.WorkCompleted):
        turn = turn.free(work.serial).did(unit)
    else:
        turn = turn.put_work(replace(work, unit=unit)).did(unit)
    return turn.decided(pending, d.reason, d.args)


# --- the step is finished ---------------------------------------------------------------------------------------------


def _completion(turn: Turn, pending: Pending, v: VerdictCame, *, awaited: bool) -> Turn:
    work, before = turn.session.work(pending.unit), pending.before
    if bad(v):
        if work is None and before is not None:  # it went on here, and by the server it is still here
            turn = turn.did(before)
            turn = turn.put(recall=floor.settled(turn.session.recall, before.serial))
        return turn.say(v.reason, v.args)
    if work is not None and pending.went is None:
        moved = rules.decide(units.case_of(turn.session, work), pending.body)
        turn = turn.free(work.serial)
        if moved.verdict == "accepted" and moved.unit is not None:  # its next step can begin here without network
            turn = turn.did(moved.unit)
            turn = turn.put(recall=floor.settled(turn.session.recall, work.serial))
    return turn.say(v.reason, v.args) if awaited else turn


def _find(turn: Turn, v: VerdictCame) -> Pending | None:
    s = turn.session
    if v.token is not None:
        return s.waiting.get(v.token) or s.late.get(v.token)
    found = (p for p in (*s.waiting.values(), *s.late.values()) if p.event_id and p.event_id == v.event_id)
    return next(found, None)
