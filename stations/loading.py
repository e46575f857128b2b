"""The component lots of counted work: a bag's label says what the pieces are made of, until another bag is scanned.

Pure. The gate is asked here first; the server has the last word, and knows when a lot should be used up.
"""

from __future__ import annotations

from dataclasses import replace

from mes import wire
from mes.domain import gate
from mes.domain.gate import Answer
from stations import recall as floor
from stations.counting import Lot
from stations.hints import CODES
from stations.inputs import VerdictCame
from stations.needs import Found
from stations.recall import Recall
from stations.turn import Pending, Session, Turn, bad


def scan(turn: Turn, counting: Lot, found: Found, raw: str) -> Turn:
    """A part was scanned while pieces are counted: use this lot of it from now on, or say why not."""
    s, here = turn.session, counting.loaded.get(found.part)
    answer = gate.load(
        order=counting.order,
        order_id=counting.order.id,
        plan=counting.plan,
        step_id=counting.step.id,
        station=s.station,
        operator=s.operator,
        part=found.part,
        lot=found.lot,
        # Online the server says it: a lot that has just been released would be refused here.
        lot_is="good" if s.online else s.recall.lot_is(found.part, found.lot, s.now, counting.plan),
    )
    if not answer.go or found.lot is None:
        return turn.say(answer.reason, answer.args)
    if here == found.lot:
        return turn.say(answer.reason, answer.args)
    if here is not None and counting.counts:  # what is counted is of the lot before
        return turn.not_now(CODES["ComponentLabel"], "done_first")
    body = wire.MaterialsLoaded(
        order=counting.order.id, step=counting.step.id, part=found.part, lot=found.lot, scan=raw
    )
    turn, token = turn.keep(body, asks=s.online)
    return turn.put(asked=token).say("asking", awaiting=token)


def fit_for_use(s: Session, counting: Lot) -> Answer:
    """May these pieces be booked: is a lot of each part loaded, and, without network, do they still stand well?"""
    if counting.needed:
        return Answer(False, "needs_lot", {"part": counting.needed[0][0].name.model_dump()})
    if s.online:
        return Answer(True, "ok")
    stand = {
        part: s.recall.lot_is(part, lot, s.now, counting.plan, quantity) for part, lot, quantity in _used(counting)
    }
    return gate.made_of(counting.step, counting.loaded, stand)


def _used(counting: Lot) -> list[tuple[str, str, int]]:
    """Each part that the counted pieces are made of, its lot, and how many of it they take."""
    parts = gate.of_lots(counting.step)
    return [(c.part, lot, counting.made * c.quantity) for c in parts if (lot := counting.loaded.get(c.part))]


def use_permits(recall: Recall, counting: Lot) -> Recall:
    """The pieces were counted without the server; where a lot is under a concession, they use it."""
    for part, lot, quantity in _used(counting):
        recall = floor.used(recall, recall.lot_permits.get((part, lot)), quantity)
    return recall


def judged(turn: Turn, pending: Pending, v: VerdictCame, *, awaited: bool) -> Turn:
    """The server lets the lot be used, or has said why not; then it is not loaded any more."""
    body = pending.body
    assert isinstance(body, wire.MaterialsLoaded)
    if bad(v):
        here = turn.session.loaded.get((body.order, body.step), {}).get(body.part)
        turn = unload(turn, body.order, body.step, [body.part]) if here == body.lot else turn
        return turn.say(v.reason, v.args)
    turn = _loaded(turn, body) if pending.went is None else turn
    return turn.say(v.reason, v.args) if awaited else turn


def alone(turn: Turn, pending: Pending) -> Turn:
    """No answer: the lot is used, and the server judges it later."""
    body = pending.body
    assert isinstance(body, wire.MaterialsLoaded)
    turn = _loaded(turn.overdue(pending.token, (True, "lot_loaded")), body)
    lot = turn.session.lot
    part = next((c.name.model_dump() for c in lot.step.components if c.part == body.part), None) if lot else None
    return turn.decided(pending, "lot_loaded", {"part": part or body.part, "lot": body.lot})


def _loaded(turn: Turn, body: wire.MaterialsLoaded) -> Turn:
    key = (body.order, body.step)
    return _put(turn, key, {**turn.session.loaded.get(key, {}), body.part: body.lot})


def unload(turn: Turn, order: str, step: str, parts: list[str]) -> Turn:
    """These parts' lots are used up, or may not be used: a bag has to be scanned before the next count is booked."""
    key = (order, step)
    return _put(turn, key, {p: lot for p, lot in turn.session.loaded.get(key, {}).items() if p not in parts})


def _put(turn: Turn, key: tuple[str, str], lots: dict[str, str]) -> Turn:
    turn, lot = turn.put(loaded={**turn.session.loaded, key: lots}), turn.session.lot
    if lot is None or (lot.order.id, lot.step.id) != key:
        return turn
    return turn.put(lot=replace(lot, loaded=lots))
