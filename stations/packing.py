"""Packing by scan: a carton's label opens it, each label after it goes in, DONE weighs and closes it.

Pure. The gate of the server has the last word; without network the station refuses what it knows to be wrong, and goes
on with the rest: what was done is a fact. The values are in `stations.boxing`.
"""

from __future__ import annotations

from dataclasses import replace

from mes import wire
from mes.domain import packing as rules
from mes.domain.barcode import Command
from mes.domain.gate import Answer
from mes.domain.packing import Carton
from mes.domain.reasons import Tone
from stations import testing
from stations.boxing import WEIGHT, Box, box_of
from stations.inputs import Measured, SampleNow, VerdictCame
from stations.turn import Pending, Session, Turn, bad

BODIES = (
    wire.CartonWanted,
    wire.CartonOpened,
    wire.UnitsPacked,
    wire.UnitsUnpacked,
    wire.CartonWeighed,
    wire.CartonClosed,
    wire.CartonChanged,
)
"""What this module judges."""


# --- what is scanned --------------------------------------------------------------------------------------------------


def label(turn: Turn, sscc: str, raw: str) -> Turn:
    """A carton's label was scanned: open it, put it on the pallet that is here, or say what stands in the way."""
    s = turn.session
    front, box = s.at_front, s.box
    if front is not None and (s.places == 1 or front.run is not None):
        return turn.say("finish_first", {"unit": front.serial})
    if s.lot is not None:
        return turn.say("finish_first", {"unit": s.lot.order.id})
    if box is None:
        return _ask(turn.put(shut=None), wire.CartonOpened(carton=sscc, scan=raw))
    if box.sscc == sscc:
        return turn.say("carton_open", {"carton": sscc})
    if box.carton.level == "carton":
        return turn.say("finish_first", {"unit": box.sscc})
    return _put_in(turn, box, wire.UnitsPacked(carton=box.sscc, inner=sscc, scan=raw))


def unit(turn: Turn, box: Box, serial: str, raw: str) -> Turn:
    """A unit's label was scanned while a carton is open."""
    return _put_in(turn, box, wire.UnitsPacked(carton=box.sscc, unit=serial, scan=raw))


def order(turn: Turn, box: Box, order_id: str) -> Turn:
    """An order's label: its pieces go into this carton, as many as the next quantity says."""
    turn = turn.put(box=replace(box, order=order_id))
    return turn.say("needs_quantity", colour="wait")


def pieces(turn: Turn, box: Box, quantity: int) -> Turn:
    """A quantity: so many pieces of the order go in."""
    order_id = box.order or box.carton.order
    if quantity < 1 or order_id is None:
        return turn.say("order_for_pieces") if order_id is None else turn.say("needs_quantity")
    return _put_in(turn, box, wire.UnitsPacked(carton=box.sscc, order=order_id, quantity=quantity))


def _put_in(turn: Turn, box: Box, body: wire.UnitsPacked) -> Turn:
    thing = body.unit or body.inner
    if thing is not None and thing in box.inside:
        return turn.say("packed_here", {"unit": thing, "carton": box.sscc})
    if not turn.session.online and (answer := _known_wrong(turn.session, box, body)) is not None:
        return turn.say(answer.reason, answer.args)
    return _ask(turn, body)


def _known_wrong(s: Session, box: Box, body: wire.UnitsPacked) -> Answer | None:
    """Why not, by what the station itself knows of the unit; None when it knows nothing against it."""
    if body.unit is None:
        full = box.holds and box.carton.have + (1 if body.inner else body.quantity) > box.holds
        said = {"carton": box.sscc, "have": box.carton.have, "holds": box.holds}
        return Answer(False, "carton_full", said) if full else None
    known = s.recall.unit(body.unit)
    if known is None:
        return None
    of = s.recall.order(known.order)
    answer = rules.pack_unit(
        box.carton,
        box.sscc,
        serial=body.unit,
        unit=known,
        order=of,
        customer=None,
        plan=s.recall.plan_of(of) or box.plan,
        station=s.station,
        operator=s.operator,
        packed_in=None,
    )
    return None if answer.go else answer


def reopen(turn: Turn, sscc: str, code: str) -> Turn:
    """A defect was scanned after a closed carton: that is why it is opened again."""
    return _ask(turn.put(shut=None), wire.CartonChanged(carton=sscc, why=code), kind="CartonReopened")


def wanted(turn: Turn, level: str) -> Turn:
    """The bench wants a new number; only the server can draw one."""
    if not turn.session.online:
        return turn.say("needs_network")
    return _ask(turn, wire.CartonWanted(level="pallet" if level == "pallet" else "carton"))


def obey(turn: Turn, box: Box, command: Command) -> Turn:
    """DONE, YES, UNDO or LEAVE while a carton is open."""
    match command.name:
        case "DONE":
            return _finish(turn, box)
        case "YES":
            return _finish(turn, replace(box, partial=True))
        case "UNDO":
            return _undo(turn, box)
        case "LEAVE":
            return turn.put(box=None).say("unit_left", {"unit": box.sscc})
        case _:
            return turn.not_now(box.sscc, "go_on")


def _undo(turn: Turn, box: Box) -> Turn:
    if not box.deeds:
        return turn.say("nothing_to_undo")
    last = box.deeds[-1]
    body = wire.UnitsUnpacked(
        carton=box.sscc, unit=last.unit, order=last.order, inner=last.inner, quantity=last.quantity, why="undo"
    )
    return _ask(turn, body)


def _finish(turn: Turn, box: Box) -> Turn:
    """Weigh it where the plan wants that, then close it."""
    answer = rules.close(
        replace(box.carton, weighed="passed"), box.sscc, rule=box.rule, partial=box.partial, operator="?"
    )
    if not answer.go:
        return turn.say(answer.reason, answer.args)
    test = box.test()
    if box.weighed or test is None:
        return _ask(turn.put(box=box), wire.CartonClosed(carton=box.sscc, partial=box.partial))
    number = turn.session.next_run
    turn = turn.put(next_run=number + 1, box=replace(box, weighing=number))
    return turn.ask(SampleNow(number, test)).say("weighing")


def measured(turn: Turn, came: Measured) -> Turn:
    """The scale has answered."""
    box = turn.session.box
    test = box.test() if box is not None else None
    if box is None or test is None or box.weighing != came.run:
        return turn
    reading = testing.reading_of(test, next((t for t in came.readings if t.test == WEIGHT), None))
    turn = turn.put(box=replace(box, weighing=None))
    return _ask(turn, wire.CartonWeighed(carton=box.sscc, reading=reading))


def _ask(turn: Turn, body: wire.Frozen, *, kind: str = "") -> Turn:
    """Keep it, and wait for the verdict; a reading is a fact whatever is said of it."""
    asks = turn.session.online and not isinstance(body, wire.CartonWeighed)
    turn, token = turn.keep(body, asks=asks, kind=kind)
    return turn.put(asked=token).say("asking", awaiting=token)


# --- what becomes of it -----------------------------------------------------------------------------------------------


def judged(turn: Turn, pending: Pending, v: VerdictCame, *, awaited: bool) -> Turn:
    """The server has spoken."""
    if pending.went is not None and (not bad(v) or pending.went == (False, v.reason)):
        return turn  # the station has gone on alone, and was right
    body, box = pending.body, turn.session.box
    if isinstance(body, wire.CartonOpened | wire.CartonChanged | wire.CartonWanted):
        return _opened(turn, pending, v)
    if box is None or box.sscc != getattr(body, "carton", ""):
        return turn.say(v.reason, v.args, aside=not awaited) if bad(v) or awaited else turn
    if bad(v):
        turn = turn.put(box=None) if v.verdict == "held" or v.reason in ("carton_closed", "carton_gone") else turn
        return turn.say(v.reason, v.args)
    return _done(turn, box, body, v.reason, v.args, alone=False, awaiting=None)


def _opened(turn: Turn, pending: Pending, v: VerdictCame) -> Turn:
    told, plan = v.args.get("told"), turn.session.recall.plan
    if bad(v):
        shut = str(v.args.get("carton")) if v.reason == "carton_closed" else None
        return turn.put(shut=shut, box=None).say(v.reason, v.args)
    box = box_of(told, plan) if isinstance(told, dict) and plan is not None else None
    return turn.put(box=box, shut=None).say(v.reason, v.args)


def _done(
    turn: Turn, box: Box, body: wire.Frozen, reason: str, args: object, *, alone: bool, awaiting: int | None
) -> Turn:
    """The carton as it is after something that was let pass."""
    said = dict(args) if isinstance(args, dict) else {}
    colour: Tone | None = "kept" if alone else None
    match body:
        case wire.UnitsPacked():
            thing = body.unit or body.inner or body.order or ""
            if reason != "packed_here":
                box = box.put_in(body, _product(turn.session, box, body)).learn(said.pop("told", None))
            turn = turn.put(box=box)
            if alone:
                reason = "packed_full" if box.holds and box.carton.have >= box.holds else "packed"
                said = dict(box.args(thing))
        case wire.UnitsUnpacked():
            turn = turn.put(box=box.take_out(body))
        case wire.CartonWeighed():
            grams = rules.grams(body.reading.value, body.reading.unit)
            right = reason in ("weight_right", "weight_noted")
            weighed = replace(box.carton, weight_g=grams, weighed="passed" if right else "failed")
            box = replace(box, carton=weighed)
            turn = turn.put(box=box)
            if right:
                return _ask(turn, wire.CartonClosed(carton=box.sscc, partial=box.partial))
            colour = None
        case wire.CartonClosed():
            turn = turn.put(box=None)
    return turn.say(reason, said, colour=colour, awaiting=awaiting)


def _product(s: Session, box: Box, body: wire.UnitsPacked) -> str | None:
    known = s.recall.unit(body.unit) if body.unit else None
    of = s.recall.order(body.order or box.carton.order or "")
    return known.product if known else of.product if of else None


def alone(turn: Turn, pending: Pending) -> Turn:
    """No answer: the station goes on by itself, and the server will say later what it makes of it."""
    body, s = pending.body, turn.session
    box = s.box
    if isinstance(body, wire.CartonWanted):
        return turn.overdue(pending.token, (False, "needs_network")).say("needs_network", awaiting=pending.token)
    if isinstance(body, wire.CartonOpened | wire.CartonChanged):
        turn = turn.overdue(pending.token, (True, "carton_open"))
        plan = s.recall.plan
        made = Box(Carton(body.carton, "carton", "open"), plan) if plan is not None else None
        said = {"carton": body.carton}
        return turn.put(box=made, shut=None).say("carton_open", said, colour="kept", awaiting=pending.token)
    if box is None or box.sscc != getattr(body, "carton", ""):
        return turn.overdue(pending.token, (True, ""))
    reason, args = _own_word(box, body)
    turn = turn.overdue(pending.token, (True, reason))
    return _done(turn, box, body, reason, args, alone=True, awaiting=pending.token)


def _own_word(box: Box, body: wire.Frozen) -> tuple[str, object]:
    if isinstance(body, wire.CartonWeighed):
        value = body.reading.value if body.reading.outcome in ("passed", "failed") else None
        answer = rules.weighed(box.carton, value, body.reading.unit, box.limits())
        return answer.reason, dict(answer.args)
    if isinstance(body, wire.CartonClosed):
        return "carton_done", {"carton": box.sscc, "have": box.carton.have}
    thing = getattr(body, "unit", None) or getattr(body, "inner", None) or getattr(body, "order", None)
    return "unpacked" if isinstance(body, wire.UnitsUnpacked) else "packed", {"unit": thing, "carton": box.sscc}
