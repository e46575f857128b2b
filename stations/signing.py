"""Who works at the bench: badges sign in and out, and what the station knows of what their carriers may do.

Pure. A badge that the server has told of signs in at once, also without network; of one that it has not told of, it is
asked, for the badge may have been printed a moment ago. The server has the last word on each sign-in.
"""

from __future__ import annotations

from mes import wire
from mes.domain import gate
from mes.domain.days import day_at
from mes.domain.gate import Answer
from mes.domain.route import Plan, Step
from stations.inputs import Offer, VerdictCame
from stations.turn import Pending, Session, Turn, bad
from stations.work import Work

GO = Answer(True, "ok")


# --- a badge is scanned -----------------------------------------------------------------------------------------------


def badge(turn: Turn, scanned: str) -> Turn:
    """A badge was scanned: it signs in, takes over, ends a break, or signs out."""
    s = turn.session
    if s.paused:
        turn = resume(turn)
        if scanned == s.operator:
            return turn
    if scanned != s.operator:
        return _sign_in(turn, scanned)
    front = s.at_front
    if front is not None and (s.places == 1 or front.run is not None):
        return turn.say("finish_first", {"unit": front.serial})
    if s.lot is not None or s.box is not None:
        return turn.say("finish_first", {"unit": s.lot.order.id if s.lot else s.box.sscc if s.box else ""})
    turn = turn.note(wire.OperatorDeactivated())
    return turn.put(operator=None, front=None, taking_in=None, language=_first_language(s)).say("goodbye")


def resume(turn: Turn) -> Turn:
    """The break is over."""
    return turn.note(wire.StationStateChanged(state="PRD")).put(paused=False).say("resumed")


def _sign_in(turn: Turn, scanned: str) -> Turn:
    s = turn.session
    if s.recall.workers is None or scanned in s.recall.workers:
        return _take_over(turn, scanned, told=False)
    if not s.online:
        return turn.say("unknown_badge")
    turn, token = turn.keep(wire.OperatorActivated(), asks=True, operator=scanned)
    return turn.put(asked=token).say("asking", awaiting=token)


def _take_over(turn: Turn, scanned: str, *, told: bool) -> Turn:
    """From here on it is this person's work. `told`: the server has heard of it already."""
    if turn.session.operator is not None:
        # Told once more, after the one who goes: else the server would think that nobody is there.
        turn, told = turn.note(wire.OperatorDeactivated()), False
    if not told:
        turn = turn.note(wire.OperatorActivated(), operator=scanned)
    return turn.put(operator=scanned, language=_language_of(turn.session, scanned)).say("welcome")


def _first_language(s: Session) -> str:
    return s.recall.plan.plant.languages[0] if s.recall.plan else s.language


def _language_of(s: Session, scanned: str) -> str:
    """The language of the person's screens, where the site speaks it."""
    worker = (s.recall.workers or {}).get(scanned)
    spoken = s.recall.plan.plant.languages if s.recall.plan else ()
    return worker.language if worker is not None and worker.language in spoken else _first_language(s)


# --- the server has spoken --------------------------------------------------------------------------------------------


def judged(turn: Turn, pending: Pending, v: VerdictCame) -> Turn:
    """The verdict on a sign-in."""
    s, scanned = turn.session, pending.operator or ""
    if not pending.asks:
        if bad(v) and s.operator == scanned:  # it was good when the server last told, and is good no more
            return turn.put(operator=None, language=_first_language(s)).say(v.reason, v.args)
        return turn
    if pending.went is None:
        return turn.say(v.reason, v.args) if bad(v) else _take_over(turn, scanned, told=True)
    if not bad(v) and s.operator is None and not _asked_again(s, pending):
        return turn.note(wire.OperatorDeactivated(), operator=scanned)  # it came too late: the person was sent away
    return turn


def alone(turn: Turn, pending: Pending) -> Turn:
    """No answer came in time: whom the station does not know, it does not let in."""
    turn = turn.overdue(pending.token, (not pending.asks, ""))
    return turn.say("unknown_badge", awaiting=pending.token) if pending.asks else turn


def _asked_again(s: Session, pending: Pending) -> bool:
    open_ones = (*s.waiting.values(), *s.late.values())
    return any(isinstance(p.body, wire.OperatorActivated) and p.token > pending.token for p in open_ones)


# --- what the person may do -------------------------------------------------------------------------------------------


def may_do(s: Session, plan: Plan, step: Step, thing: str) -> Answer:
    """May who is signed in do this step? By what the station was last told; never told, it does not judge.

    Args:
        thing: the unit, or the order whose pieces are counted: whom the server has let in with it may go on, whatever
            the station was told.
    """
    if step.qualification is None or s.recall.workers is None or s.operator is None:
        return GO
    if (s.operator, thing) in s.let_in:
        return GO
    return gate.competence(s.recall.workers.get(s.operator), step, day_at(s.now, plan.plant.timezone), plan=plan)


def may_work(s: Session, work: Work) -> Answer:
    """The same for a unit that is here."""
    return may_do(s, work.plan, work.step, work.serial)


def besides(answer: Answer, able: Answer) -> Answer:
    """The thing itself comes first: who does it is asked only where it may be done."""
    return able if answer.go and not able.go else answer


def refused(turn: Turn, answer: Answer, thing: str, step: Step) -> Turn:
    """Say that the station itself refuses; where a supervisor may let it pass, that is offered."""
    s = turn.session
    if answer.reason in gate.OVERRIDABLE and s.operator is not None and s.online:
        turn = turn.put(offer=Offer(s.operator, thing, step.id))
    return turn.say(answer.reason, answer.args)
