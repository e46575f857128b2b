"""The one gate: may this unit go on here, may this component go in, may this step be finished?

Pure functions of frozen values; the same code runs on the server, which has the last word, and on a station without
network, with what it was last told. Each answer is a verdict with one reason code; the order of the checks is the order
in which a person would want to hear of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from mes.domain import burn_in, days
from mes.domain.burn_in import Burn
from mes.domain.lots import Standing
from mes.domain.route import Component, Plan, Product, Step

UnitState = Literal["reserved", "waiting", "in_work", "done", "scrapped", "withdrawn"]
SAFETY: Final = "safety-tester"
"""The family of instruments of which every test is one of safety."""
OrderState = Literal["planned", "released", "in_work", "on_hold", "completed", "closed", "cancelled"]

OPEN_ORDERS: Final = frozenset({"released", "in_work"})


@dataclass(frozen=True, slots=True)
class Order:
    """What the rules need of a work order."""

    id: str
    product: str
    quantity: int
    state: OrderState
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Installed:
    """A component in a unit: which installation, which part, which number, how many, at which step.

    An empty `step` is the step in question: one part may go in at two steps, and each wants its own.
    """

    id: str
    part: str
    serial: str | None
    lot: str | None
    quantity: int
    step: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """What the rules need of a unit.

    `step` is where it is (`in_work`) or goes next (`reserved`, `waiting`); a `withdrawn` one was taken out of its order
    before it began. `visits` counts, for each step, how often
    the unit has been sent there (2 and more: rework). `attempts` counts the test runs of this visit that gave a
    judgement on the unit; `tested` and `inspected` are its last outcomes. `results` says for each step what its last
    test run came to; it is forgotten where the unit goes back to. `nc` is the nonconformity that blocks it; `reverify`
    the step that has to be passed again before the nonconformity `treating` can be closed. In a rack, `place` is where
    it stands and `burn` how long it has been seen to run. `delivery` is what a finished unit has left with. `permit` is
    the concession under which it is to go on, until the gate has let it on once.
    """

    serial: str
    order: str
    product: str
    state: UnitState
    step: str
    visits: Mapping[str, int] = field(default_factory=dict)
    attempts: int = 0
    tested: str | None = None
    inspected: str | None = None
    station: str | None = None
    since: str = ""
    nc: str | None = None
    treating: str | None = None
    reverify: str | None = None
    results: Mapping[str, str] = field(default_factory=dict)
    place: int | None = None
    burn: Burn | None = None
    delivery: str | None = None
    permit: str | None = None

    @property
    def visit(self) -> int:
        """Which visit of the present step this is, 1 for the first."""
        return self.visits.get(self.step, 1)


@dataclass(frozen=True, slots=True)
class Permit:
    """A concession that a unit is to go on under: its last day (`YYYY-MM-DD`), and how many pieces it still permits."""

    id: str
    until: str
    left: int


@dataclass(frozen=True, slots=True)
class Worker:
    """What the rules need of who works: whether the badge is good, and the last day of each qualification."""

    badge: str
    active: bool = True
    until: Mapping[str, str] = field(default_factory=dict)
    language: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The gate's answer: go on or not, why, and what the sentence needs."""

    go: bool
    reason: str
    args: Mapping[str, Any] = field(default_factory=dict)


def name_of_step(product: Product, step_id: str) -> Mapping[str, str] | str:
    """The step's name in each language, or its id when the route does not know it."""
    step = product.step(step_id)
    return step.name.model_dump() if step else step_id


def name_of_station(plan: Plan, station_id: str | None) -> Mapping[str, str] | str:
    """The station's name in each language, or its id when the plan does not know it."""
    station = plan.station(station_id) if station_id else None
    return station.name.model_dump() if station else (station_id or "?")


def sign_in(worker: Worker | None) -> Answer:
    """May this badge sign in?"""
    if worker is None:
        return Answer(False, "unknown_badge")
    return Answer(True, "welcome") if worker.active else Answer(False, "badge_ended")


def competence(worker: Worker | None, step: Step, today: str, *, plan: Plan) -> Answer:
    """May this person do this step today?

    Args:
        worker: who is signed in, as last known; None when the badge is unknown.
        today: `YYYY-MM-DD`, the site's own day; a qualification holds to the end of its last day.
        plan: names the qualification.

    Source: ISO 9001:2015, 7.2 (competence, and the retained evidence of it).
    """
    answer = sign_in(worker)
    if worker is None or not answer.go or step.qualification is None:
        return answer
    wanted = plan.qualification(step.qualification)
    said = {"qualification": wanted.name.model_dump() if wanted else step.qualification}
    until = worker.until.get(step.qualification)
    if until is None:
        return Answer(False, "not_qualified", said)
    if until < today:
        return Answer(False, "qualification_expired", {**said, "until": days.said(until)})
    return Answer(True, "ok")


OVERRIDABLE: Final = frozenset({"not_qualified", "qualification_expired"})
"""What a supervisor may let pass at the bench, with badge and PIN. Everything else in `mes.domain.reasons` stays as the
gate has said it: a unit that failed a test (above all of electrical safety), a hold, a missing part, a badge that is no
badge. A qualification may forbid it, too (`override = "never"` in the plan)."""


def may_be_overridden(answer: Answer, step: Step, plan: Plan) -> bool:
    """May a supervisor let this refusal pass?"""
    wanted = plan.qualification(step.qualification) if step.qualification else None
    return answer.reason in OVERRIDABLE and (wanted is None or wanted.override == "supervisor")


def order_open(order: Order | None, order_id: str) -> Answer | None:
    """Why no work may be done for this order now; None when it may."""
    if order is None:
        return Answer(False, "unknown_order", {"order": order_id})
    if order.state in OPEN_ORDERS:
        return None
    reason = {"planned": "order_not_released", "on_hold": "order_held"}.get(order.state, "order_closed")
    return Answer(False, reason, {"order": order.id})


def unsafe(plan: Plan, product: Product, step: Step, unit: Unit) -> Answer | None:
    """Why this unit must not be energised at this step; None when it may: every step that `step.after` names has been
    passed, by its last test run.

    No person may let this pass: it is not in `OVERRIDABLE`, and no decision on a nonconformity takes its place.

    Source: Megger, guide to electric vehicle charging point testing: no live test after a failed safety test. The order
    of the practice of ISO 8528-6 is earth, insulation and high voltage, then the live tests.
    """
    missing = unproven(step, unit.results)
    if missing is None:
        return None
    due = product.step(unit.step if product.place(unit.step) < product.place(step.id) else missing)
    return Answer(
        False,
        "safety_first",
        {
            "unit": unit.serial,
            "step": name_of_step(product, missing),
            "station": name_of_station(plan, due.stations[0] if due else None),
        },
    )


def unproven(step: Step, results: Mapping[str, str]) -> str | None:
    """The first step that must be passed before this one and that its last test run did not pass; None: all are."""
    return next((name for name in step.after if results.get(name) != "passed"), None)


def proves_safety(product: Product, step: Step) -> bool:
    """Is this a test of safety: one that another step must not go without, or one that a safety tester makes? The last
    test of a route is named by no other step, and is one all the same."""
    return any(step.id in each.after for each in product.steps) or any(t.instrument == SAFETY for t in step.tests)


def enter(
    *,
    serial: str,
    unit: Unit | None,
    order: Order | None,
    plan: Plan,
    station: str,
    operator: str | None,
    online: bool = True,
    present: int = 0,
    stopped: str | None = None,
    permit: Permit | None = None,
    day: str = "",
) -> Answer:
    """May this unit be worked on at this station now?

    Args:
        serial: what the label said, for the sentence when the unit is unknown.
        unit, order: as last known; None when unknown.
        plan: the revision that the order was released with.
        station: where it is to enter.
        operator: who works there, by pseudonymous id; None when nobody is signed in.
        online: False when the station decides alone.
        present: how many other units are in work at this station.
        stopped: the signal of a control chart because of which no further unit comes to the step; None: there is none.
        permit: the concession that the unit is to go on under; None: it needs none, or it is not known here.
        day: `YYYY-MM-DD`, the site's own day.
    """
    if operator is None:
        return Answer(False, "no_operator")
    if unit is None:
        return Answer(False, "unknown_unit", {"unit": serial})
    said = {"unit": unit.serial}
    if unit.state == "scrapped":
        return Answer(False, "unit_scrapped", said)
    if unit.state == "withdrawn":
        return Answer(False, "unit_withdrawn", said)
    if unit.nc is not None:
        return Answer(False, "unit_held", {**said, "nc": unit.nc})
    if unit.state == "done" and unit.delivery is not None:
        return Answer(False, "unit_shipped", {**said, "delivery": unit.delivery})
    if unit.state == "done":
        return Answer(False, "unit_done", said)
    product = plan.product(unit.product)
    step = product.step(unit.step) if product else None
    if unit.state == "in_work" and unit.station == station:
        danger = unsafe(plan, product, step, unit) if product and step else None
        return danger or Answer(True, "unit_here", said)  # also while its order is on hold: what is begun may be ended
    if (closed := order_open(order, unit.order)) is not None:
        return closed
    if product is None or step is None:
        return Answer(False, "unknown_unit", said)
    if station not in step.stations:
        return _wrong_place(unit, product, step, plan, station)
    if (danger := unsafe(plan, product, step, unit)) is not None:
        return danger
    if unit.state == "in_work":
        return Answer(False, "at_other_station", {**said, "station": name_of_station(plan, unit.station)})
    if stopped is not None:
        return Answer(False, "step_stopped", {"step": step.name.model_dump(), "signal": stopped})
    if permit is not None and (refused := _not_under(permit, unit, day)) is not None:
        return refused
    if not online and step.offline == "stop":
        return Answer(False, "needs_network")
    here = plan.station(station)
    if here is not None and present >= here.places:
        return Answer(False, "bench_full", {"places": here.places})
    return Answer(True, "unit_arrived", {**said, "step": step.name.model_dump()})


def _not_under(permit: Permit, unit: Unit, day: str) -> Answer | None:
    """Why a unit may not go on under its concession, None where it may."""
    said = {"unit": unit.serial, "concession": permit.id, "expires": permit.until}
    if day > permit.until:
        return Answer(False, "permit_expired", said)
    return Answer(False, "permit_used_up", said) if permit.left < 1 else None


def _wrong_place(unit: Unit, product: Product, step: Step, plan: Plan, station: str) -> Answer:
    """The unit is due elsewhere: has it passed this station's steps already, or not reached them yet?"""
    mine = [i for i, s in enumerate(product.steps) if station in s.stations]
    due = product.place(step.id)
    where = {
        "unit": unit.serial,
        "step": step.name.model_dump(),
        "station": name_of_station(plan, step.stations[0]),
    }
    if mine and max(mine) < due:
        return Answer(False, "step_already_done", where)
    dangers = (unsafe(plan, product, product.steps[i], unit) for i in mine if i > due)
    if (danger := next((d for d in dangers if d is not None), None)) is not None:
        return danger  # more urgent than where to take it: nobody shall try it here meanwhile
    return Answer(False, "step_missing", where)


def initialise(
    *,
    serial: str,
    order: Order | None,
    order_id: str,
    plan: Plan,
    station: str,
    operator: str | None,
    known: bool = False,
    have: int = 0,
) -> Answer:
    """May this serial, which stands on a unit already, become a unit of this order here?

    Args:
        serial: what was scanned.
        known: it is a unit's serial already, of whatever product.
        have: how many units the order has taken in.
    """
    if operator is None:
        return Answer(False, "no_operator")
    if (closed := order_open(order, order_id)) is not None:
        return closed
    assert order is not None  # order_open has answered for None
    product = plan.product(order.product)
    if product is None or product.serial_scan is None:
        return Answer(False, "serials_made", {"order": order.id})
    first = product.steps[0]
    if station not in first.stations:
        where = name_of_station(plan, first.stations[0])
        return Answer(False, "order_not_here", {"order": order.id, "station": where})
    if known:
        return Answer(False, "serial_known", {"serial": serial})
    if not bears_serial(product, serial):
        return Answer(False, "serial_not_like", {"serial": serial, "product": product.name.model_dump()})
    if have >= order.quantity:
        return Answer(False, "serials_full", {"order": order.id, "quantity": order.quantity})
    return Answer(True, "unit_initialised", {"unit": serial, "order": order.id, "have": have + 1})


def bears_serial(product: Product, text: str) -> bool:
    """Is a text a serial that units of this product bear already?"""
    return product.serial_scan is not None and re.fullmatch(product.serial_scan, text) is not None


def still_needed(step: Step, installed: Sequence[Installed]) -> list[tuple[Component, int]]:
    """The components that the step still wants, with how many of each; the plan's order."""
    fitted: dict[str, int] = {}
    for item in installed:
        if item.step in ("", step.id):
            fitted[item.part] = fitted.get(item.part, 0) + item.quantity
    return [(c, c.quantity - fitted.get(c.part, 0)) for c in step.components if fitted.get(c.part, 0) < c.quantity]


def fit(
    *,
    step: Step,
    installed: Sequence[Installed],
    part: str,
    serial: str | None,
    lot: str | None,
    quantity: int = 1,
    used_in: str | None = None,
    lot_is: Standing = "good",
) -> Answer:
    """May this component go into the unit at this step?

    Args:
        installed: what the unit already has of this step's parts.
        part, serial, lot, quantity: what was scanned.
        used_in: the unit that already contains this serial, None if none is known.
        lot_is: how this lot of this part stands.
    """
    got = " ".join(x for x in (part, serial or lot) if x)
    if not step.components:
        return Answer(False, "component_not_needed", {"got": got})
    wanted = next((c for c in step.components if c.part == part), None)
    needed = still_needed(step, installed)
    if wanted is None:
        first = (needed or [(step.components[0], 1)])[0][0]
        return Answer(False, "component_wrong", {"wanted": f"{first.part}", "got": got})
    name = {"part": wanted.name.model_dump()}
    if (wanted.per == "serial" and not serial) or (wanted.per == "lot" and not lot):
        return Answer(False, "component_without_number", name)
    left = next((n for c, n in needed if c.part == part), 0)
    if left < quantity:
        return Answer(False, "component_enough", name)
    if used_in is not None:
        return Answer(False, "component_used", {"serial": serial, "unit": used_in})
    if lot_is != "good":
        return Answer(False, f"lot_{lot_is}", {"lot": lot or "?", **name})
    return Answer(True, "component_fitted", name)


def finish(*, step: Step, unit: Unit, installed: Sequence[Installed], here_s: float | None = None) -> Answer:
    """Has the unit everything that the step demands, so that it may be finished?

    Args:
        here_s: seconds since the unit arrived; None when not known (then the step's minimum time is not judged). Where
            samples are taken, their time counts instead.
    """
    needed = still_needed(step, installed)
    if needed:
        component, left = needed[0]
        return Answer(False, "needs_component", {"part": component.name.model_dump(), "left": left})
    if step.sample_s:
        here_s = step.min_s - burn_in.left_s(unit.burn, step.min_s)
    if step.min_s and here_s is not None and here_s < step.min_s:
        return Answer(False, "needs_time", {"minutes": max(1, round((step.min_s - here_s) / 60))})
    if step.tests and unit.tested != "passed":
        return Answer(False, "needs_test")
    if step.inspects and unit.inspected != "passed":
        return Answer(False, "needs_inspection")
    return Answer(True, "step_done")


def _no_counting(
    order: Order | None, order_id: str, plan: Plan, step_id: str, station: str, operator: str | None
) -> Answer | None:
    """Why no pieces of this order are counted at this step here; None when they are."""
    if operator is None:
        return Answer(False, "no_operator")
    if (closed := order_open(order, order_id)) is not None:
        return closed
    assert order is not None  # order_open has answered for None
    product = plan.product(order.product)
    step = product.step(step_id) if product else None
    if product is None or product.tracking != "lot":
        return Answer(False, "not_lot_order", {"order": order.id})
    if step is None or station not in step.stations:
        first = product.steps[0].stations[0]
        return Answer(False, "order_not_here", {"order": order.id, "station": name_of_station(plan, first)})
    return None


def count(
    *,
    order: Order | None,
    order_id: str,
    plan: Plan,
    step_id: str,
    station: str,
    operator: str | None,
    made: int,
    available: int,
    competent: Answer | None = None,
) -> Answer:
    """May this count (good and scrap together) be booked on a step of a lot-tracked order?

    Args:
        made: pieces counted now, good and scrap.
        available: pieces that the step can still count: the previous step's good ones (the order's quantity for the
            first) minus what this step has counted already.
        competent: what `competence` says of the operator; None where the step asks for no qualification.
    """
    if (no := _no_counting(order, order_id, plan, step_id, station, operator)) is not None:
        return no
    if competent is not None and not competent.go:
        return competent
    if made <= 0:
        return Answer(False, "needs_quantity")
    if made > available:
        return Answer(False, "too_many", {"left": available, "counted": made})
    return Answer(True, "counted")


def of_lots(step: Step) -> tuple[Component, ...]:
    """The parts that a counted step uses out of lots."""
    return tuple(c for c in step.components if c.per == "lot")


def load(
    *,
    order: Order | None,
    order_id: str,
    plan: Plan,
    step_id: str,
    station: str,
    operator: str | None,
    part: str,
    lot: str | None,
    lot_is: Standing = "good",
) -> Answer:
    """May the pieces of this counted order be made of this component lot from now on?

    Args:
        part, lot: what was scanned.
        lot_is: how this lot of this part stands.
    """
    if (no := _no_counting(order, order_id, plan, step_id, station, operator)) is not None:
        return no
    product = plan.product(order.product) if order else None
    step = product.step(step_id) if product else None
    assert step is not None  # _no_counting has answered for None
    got, wanted = " ".join(x for x in (part, lot) if x), of_lots(step)
    if not wanted:
        return Answer(False, "component_not_needed", {"got": got})
    found = next((c for c in wanted if c.part == part), None)
    if found is None:
        return Answer(False, "component_wrong", {"wanted": ", ".join(c.part for c in wanted), "got": got})
    name = {"part": found.name.model_dump()}
    if not lot:
        return Answer(False, "component_without_number", name)
    if lot_is != "good":
        return Answer(False, f"lot_{lot_is}", {"lot": lot, **name})
    return Answer(True, "lot_loaded", {"lot": lot, **name})


def made_of(step: Step, loaded: Mapping[str, str], standings: Mapping[str, Standing]) -> Answer:
    """May pieces be counted that are made of the lots which are loaded?

    A part of which no lot is loaded speaks against nothing here: the bench asks for it before it books.

    Args:
        loaded: the lot of each part.
        standings: how each part's lot stands.
    """
    for component in of_lots(step):
        lot, stands = loaded.get(component.part), standings.get(component.part, "good")
        if lot and stands in ("held", "expired", "used_up"):
            return Answer(False, f"loaded_{stands}", {"lot": lot, "part": component.name.model_dump()})
    return Answer(True, "ok")
