"""Counted work at the bench: what scans do to an order that is being counted, and what its booking comes to.

Pure. A count is the operator's until DONE; only then is there an event. The values are in `stations.counting`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mes import wire
from mes.domain import gate
from mes.domain.barcode import Command
from mes.domain.route import Step
from stations import loading, serials, signing
from stations.counting import Lot
from stations.hints import CODES
from stations.inputs import VerdictCame
from stations.turn import Pending, Turn, bad

# --- what is scanned --------------------------------------------------------------------------------------------------


def take(turn: Turn, order_id: str) -> Turn:
    """An order's label: count it here, or say why not. The same label again counts nothing."""
    s, front = turn.session, turn.session.at_front
    if front is not None and (s.places == 1 or front.run is not None):
        return turn.say("finish_first", {"unit": front.serial})
    if s.lot is not None:
        if s.lot.order.id == order_id:
            return turn.say("counted", s.lot.args, colour="wait")
        return turn.say("finish_first", {"unit": s.lot.order.id})
    if (found := serials.by_scan(s, order_id)) is not None:
        return serials.take(turn, *found)
    order = s.recall.order(order_id)
    plan = s.recall.plan_of(order)
    product = plan.product(order.product) if plan and order else None
    steps = [step for step in product.steps if s.station in step.stations] if product else []
    if plan is None:
        return turn.say("not_ready")
    answer = gate.count(
        order=order,
        order_id=order_id,
        plan=plan,
        step_id=steps[0].id if steps else "",
        station=s.station,
        operator=s.operator,
        made=1,
        available=1,
        competent=signing.may_do(s, plan, steps[0], order_id) if steps else None,
    )
    if not answer.go and steps:
        return signing.refused(turn, answer, order_id, steps[0])
    if not answer.go or order is None or product is None:
        return turn.say(answer.reason, answer.args)
    return _counting(turn, Lot(order, plan, product, steps[0], 0), steps[0])


def _counting(turn: Turn, lot: Lot, step: Step) -> Turn:
    left = turn.session.lots_left.get((lot.order.id, step.id), lot.order.quantity)
    loaded = turn.session.loaded.get((lot.order.id, step.id), {})
    lot = replace(lot, step=step, left=left, loaded=loaded)
    turn = turn.put(lot=lot, front=None, taking_in=None)
    if lot.needed:
        part = lot.needed[0][0].name.model_dump()
        return turn.say("order_here_lot", {"order": lot.order.id, "step": step.name.model_dump(), "part": part})
    return turn.say("order_here", {"order": lot.order.id, "step": step.name.model_dump()})


def choose_step(turn: Turn, code: str) -> Turn:
    """A step's label: at a station with several steps of a counted product it says which one is done."""
    s = turn.session
    if s.lot is None or s.lot.counts:
        return turn.not_now(CODES["StepCode"], "go_on" if s.lot is None else "done_first")
    own = [step for step in s.lot.product.steps if s.station in step.stations]
    # Our own codes have capitals only.
    chosen = next((step for step in own if code in (step.id, step.id.upper())), None)
    return _counting(turn, s.lot, chosen) if chosen else turn.say("unknown_step", _known(code, own))


def _known(code: str, steps: list[Step]) -> Mapping[str, Any]:
    return {"step": code, "known": {lang: ", ".join(s.name.to(lang) for s in steps) for lang in ("fr", "en")}}


def count(turn: Turn, before: Lot, after: Lot) -> Turn:
    """Another count, as long as the order has so many; whether the step before has, only the server knows."""
    if after.made > before.order.quantity:
        return turn.say("too_many", {"left": max(0, before.order.quantity - before.made), "counted": after.made})
    return turn.put(lot=after).say("counted", after.args, colour="wait")


def obey(turn: Turn, lot: Lot, command: Command) -> Turn:
    """DONE, UNDO, LEAVE or FAIL while pieces are counted."""
    match command.name:
        case "UNDO":
            if not lot.counts:
                return turn.say("nothing_to_undo")
            undone = lot.undo()
            return turn.put(lot=undone).say("counted", undone.args, colour="wait")
        case "LEAVE":
            return turn.put(lot=None).say("unit_left", {"unit": lot.order.id})
        case "FAIL":
            return turn.say("which_defect")
        case _:
            if not lot.made:
                return turn.say("needs_quantity")
            made_of = loading.fit_for_use(turn.session, lot)
            if not made_of.go:
                return turn.say(made_of.reason, made_of.args)
            able = signing.may_do(turn.session, lot.plan, lot.step, lot.order.id)
            if not able.go and not turn.session.online:
                return turn.say(able.reason, able.args)
            turn, token = turn.keep(lot.booked(), asks=turn.session.online)
            return turn.put(asked=token).say("kept", awaiting=token)


# --- what becomes of the booking --------------------------------------------------------------------------------------


def booked(turn: Turn, pending: Pending, v: VerdictCame, *, awaited: bool) -> Turn:
    """The server has judged a booking; a refused one can be counted again."""
    body = pending.body
    assert isinstance(body, wire.WorkCompleted)
    if bad(v):
        return turn.say(v.reason, v.args)
    left = v.args.get("left")
    if isinstance(left, int):
        key = (str(body.order), body.step)
        turn = turn.put(lots_left={**turn.session.lots_left, key: left})
    if isinstance(empty := v.args.get("empty"), list):
        turn = loading.unload(turn, str(body.order), body.step, empty)
    turn = turn.put(lot=None) if pending.went is None else turn
    turn = turn.put(let_in=frozenset(pair for pair in turn.session.let_in if pair[1] != body.order))
    return turn.say(v.reason, v.args) if awaited else turn


def book_alone(turn: Turn, pending: Pending) -> Turn:
    """No answer: the pieces are counted, and the next order may come."""
    lot = turn.session.lot
    turn = turn.overdue(pending.token, (True, "counted"))
    if lot is None:
        return turn
    left = {**turn.session.lots_left, (lot.order.id, lot.step.id): lot.args["left"]}
    turn = turn.put(recall=loading.use_permits(turn.session.recall, lot))
    return turn.put(lot=None, lots_left=left).decided(pending, "counted", lot.args)
