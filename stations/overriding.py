"""A supervisor lets the operator do what the gate has just refused: SUPERVISOR, the supervisor's badge, a PIN.

Pure. The PIN itself never comes here: the agent takes it from the page straight to the server. Whatever else is scanned
ends the offer. Only the server can grant it; without network there is none.
"""

from __future__ import annotations

from dataclasses import replace

from mes.domain import gate
from mes.domain.barcode import Badge, Code, Command
from mes.domain.command_words import COMMANDS
from stations import lots, units
from stations.inputs import Offer, OverrideAsked, OverrideCame
from stations.turn import LastScan, Pending, Turn


def offered(turn: Turn, reason: str, pending: Pending) -> Turn:
    """The server has refused; where a supervisor may let it pass, that is offered."""
    thing = pending.unit or getattr(pending.body, "order", None)
    step = getattr(pending.body, "step", None)
    if reason not in gate.OVERRIDABLE or not pending.operator or not thing or not step:
        return turn
    return turn.put(offer=Offer(pending.operator, str(thing), str(step)))


def unless_for_it(turn: Turn, code: Code) -> Turn:
    """Something was scanned: if it has nothing to do with the offer, the offer is over."""
    offer = turn.session.offer
    if offer is None or code == Command("SUPERVISOR") or (isinstance(code, Badge) and offer.open):
        return turn
    return turn.put(offer=None)


def begin(turn: Turn) -> Turn:
    """SUPERVISOR was scanned or touched: the next badge is the supervisor's."""
    s = turn.session
    if s.offer is None:
        return turn.not_now(COMMANDS["SUPERVISOR"], "go_on")
    if not s.online:
        return turn.say("override_not_now")
    return turn.put(offer=replace(s.offer, open=True, badge="")).say("override_badge")


def badge(turn: Turn, offer: Offer, scanned: str) -> Turn:
    """The supervisor's badge. It signs nobody in."""
    if scanned == offer.operator:
        return turn.put(offer=replace(offer, badge="")).say("override_self")
    return turn.put(offer=replace(offer, badge=scanned)).say("override_pin")


def asked(turn: Turn, came: OverrideAsked) -> Turn:
    """The PIN is on its way."""
    offer = turn.session.offer
    return turn.say("asking") if offer == came.offer else turn


def answered(turn: Turn, came: OverrideCame) -> Turn:
    """The server has answered. A wrong PIN may be tried again with the badge; a yes carries on what was refused."""
    s = turn.session
    if s.offer != came.offer or s.operator != came.offer.operator:
        return turn  # the bench has gone on to something else
    if not came.go:
        again = came.reason == "override_wrong"
        # "Scan the badge again": in a moment that is meant, and not a double read of the first time.
        turn = turn.put(offer=replace(came.offer, badge="") if again else None, last=LastScan())
        return turn.say(came.reason, came.args)
    thing = came.offer.unit
    turn = turn.put(offer=None, let_in=s.let_in | {(came.offer.operator, thing)}).say(came.reason, came.args)
    if s.work(thing) is not None or (s.lot is not None and s.lot.order.id == thing):
        return turn
    return (
        lots.take(turn, thing)
        if s.recall.unit(thing) is None and s.recall.order(thing)
        else units.label(turn, thing, "")
    )
