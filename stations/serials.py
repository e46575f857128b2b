"""Units that bear their serial already: an order's label says what they are taken into, then each is scanned.

Pure. The server makes the unit; without network the station does, by the same rules, and the server judges it later.
"""

from __future__ import annotations

from mes import wire
from mes.domain import gate
from mes.domain.gate import Answer, Order, Unit
from mes.domain.route import Plan, Product
from stations import signing, units
from stations.inputs import VerdictCame
from stations.turn import Pending, Session, Turn, bad
from stations.work import Work


def by_scan(s: Session, order_id: str) -> tuple[Order, Plan, Product] | None:
    """The order, its plan and its product, where the product's units are taken in by scan."""
    order = s.recall.order(order_id)
    plan = s.recall.plan_of(order)
    product = plan.product(order.product) if plan and order else None
    if order is None or plan is None or product is None or product.serial_scan is None:
        return None
    return order, plan, product


def take(turn: Turn, order: Order, plan: Plan, product: Product) -> Turn:
    """The order's label: from now on each new serial becomes a unit of it."""
    s, first = turn.session, product.steps[0]
    if (closed := gate.order_open(order, order.id)) is not None:
        return turn.say(closed.reason, closed.args)
    if s.station not in first.stations:
        where = gate.name_of_station(plan, first.stations[0])
        return turn.say("order_not_here", {"order": order.id, "station": where})
    able = signing.may_do(s, plan, first, order.id)
    if not able.go:
        return signing.refused(turn, able, order.id, first)
    turn = turn.put(taking_in=order.id, fresh=None)
    return turn.say("serials_here", {"order": order.id, "product": product.name.model_dump()})


def is_new(s: Session, text: str) -> bool:
    """Whether a text is to become a unit: an order takes units in, and no unit of that serial is known here."""
    return s.taking_in is not None and s.recall.unit(text) is None and s.work(text) is None


def scan(turn: Turn, serial: str, raw: str) -> Turn:
    """A serial that is no unit's yet: make it one of the order."""
    s = turn.session
    if s.at_front is not None and (s.places == 1 or s.at_front.run is not None):
        return turn.say("finish_first", {"unit": s.at_front.serial})
    answer = _says(s, serial)
    if not answer.go:
        return turn.say(answer.reason, answer.args)
    found = by_scan(s, s.taking_in or "")
    assert found is not None  # the gate has said yes
    body = wire.UnitsInitialized(order=found[0].id, unit=serial, step=found[2].steps[0].id, scan=raw)
    turn, token = turn.keep(body, asks=s.online)
    return turn.put(asked=token).say("asking", awaiting=token)


def _says(s: Session, serial: str) -> Answer:
    order = s.recall.order(s.taking_in or "")
    plan = s.recall.plan_of(order)
    if plan is None:
        return Answer(False, "not_ready")
    return gate.initialise(
        serial=serial, order=order, order_id=s.taking_in or "", plan=plan, station=s.station, operator=s.operator
    )


def judged(turn: Turn, pending: Pending, v: VerdictCame, *, awaited: bool) -> Turn:
    """The server has made the unit, or has said why not."""
    body = pending.body
    assert isinstance(body, wire.UnitsInitialized)
    if bad(v):
        return turn.say(v.reason, v.args)
    return _comes(turn, body) if awaited and pending.went is None else turn


def alone(turn: Turn, pending: Pending) -> Turn:
    """No answer: the unit is taken in here, and the server judges it later."""
    body = pending.body
    assert isinstance(body, wire.UnitsInitialized)
    turn = turn.overdue(pending.token, (True, "unit_initialised"))
    return _comes(turn, body)


def _comes(turn: Turn, body: wire.UnitsInitialized) -> Turn:
    """The unit is there; its arrival is the next thing to ask."""
    order = turn.session.recall.order(body.order)
    if order is None:
        return turn
    visits, now = {body.step: 1}, turn.session.now
    unit = Unit(body.unit, order.id, order.product, "reserved", body.step, visits=visits, since=now)
    turn = turn.did(unit).put(fresh=body.unit)
    return units.label(turn, body.unit, body.scan)


def untouched(work: Work) -> bool:
    """Whether nothing has been judged of a unit yet, and it is where its route begins."""
    unit = work.unit
    first = work.step.id == work.product.steps[0].id and unit.visits == {work.step.id: 1}
    return first and not (unit.attempts or unit.tested or unit.inspected)


def taken_back(turn: Turn, work: Work) -> Turn:
    """UNDO before anything was done: the wrong label was scanned, and the unit never was one."""
    turn = units.leave(turn, work, "undo")
    turn = turn.note(wire.UnitsWithdrawn(order=work.order.id, unit=work.serial, reason="undo"))
    turn = turn.put(fresh=None).forget(work.serial)
    return turn.say("unit_taken_back", {"unit": work.serial, "order": work.order.id}, colour="kept")
