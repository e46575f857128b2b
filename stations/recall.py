"""What a station was last told of the floor, and what it has itself done since: enough to decide without the server.

Pure values and look-ups. It knows neither the network nor who asks; the rules are in `mes.domain.gate`. What the
station did itself (`ours`) is newer than what it was told until the server has judged it, so it wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, cast

from mes import wire
from mes.domain.burn_in import Burn
from mes.domain.calibration import Instrument
from mes.domain.days import day_at
from mes.domain.gate import Installed, Order, OrderState, Permit, Unit, UnitState, Worker, bears_serial
from mes.domain.lots import LotKnown, Standing, standing
from mes.domain.route import Plan, Product, Step

PLANS_KEPT: Final = 8  # revisions that running orders may still be pinned to
MAX_SERIAL: Final = 64  # characters that an event can carry
NO_STEP: Final = "?"  # stands in an arrival whose step the station cannot know; the server goes by the unit

_HOLES: Final = {"yyyy": r"\d{4}", "yy": r"\d\d", "ww": r"\d\d", "mm": r"\d\d", "dd": r"\d\d"}


@dataclass(frozen=True, slots=True)
class Recall:
    """Plans by revision, open orders and units, where serialised components are, which lots are held,
    the last days of use of those that have one, and the signals because of which nothing comes to a step of a product.
    `permits`: the concessions that units and lots (`lot_permits`) use, less what this station has used since.

    `inside` is what a unit had when it last left this station: the server tells of serialised components only, and a
    unit that comes back without network still has its lots. `workers` are the good badges, `instruments` those of the
    register; None: never told.
    """

    plan: Plan | None = None
    revision: int = -1
    plans: Mapping[int, Plan] = field(default_factory=dict)
    cursor: int = 0
    orders: Mapping[str, Order] = field(default_factory=dict)
    units: Mapping[str, Unit] = field(default_factory=dict)
    ours: Mapping[str, Unit] = field(default_factory=dict)
    components: Mapping[tuple[str, str], str] = field(default_factory=dict)
    held_lots: frozenset[tuple[str, str]] = frozenset()
    lot_days: Mapping[tuple[str, str], str] = field(default_factory=dict)
    stopped: Mapping[tuple[str, str], str] = field(default_factory=dict)
    permits: Mapping[str, Permit] = field(default_factory=dict)
    lot_permits: Mapping[tuple[str, str], str] = field(default_factory=dict)
    inside: Mapping[str, tuple[Installed, ...]] = field(default_factory=dict)
    workers: Mapping[str, Worker] | None = None
    instruments: Mapping[str, Instrument] | None = None

    def unit(self, serial: str) -> Unit | None:
        """The unit as last known."""
        return self.ours.get(serial) or self.units.get(serial)

    def order(self, order_id: str) -> Order | None:
        """The order as last known."""
        return self.orders.get(order_id)

    def plan_of(self, order: Order | None) -> Plan | None:
        """The plan that the order is pinned to; the newest when that one is not here."""
        return (self.plans.get(order.revision) if order else None) or self.plan

    def missing_plans(self) -> tuple[int, ...]:
        """Revisions that open orders are pinned to and that are not here, for the agent to fetch."""
        wanted = {o.revision for o in self.orders.values() if o.revision > 0}
        return tuple(sorted(wanted - set(self.plans)))

    def present(self, station: str) -> frozenset[str]:
        """The units that are in work at a station."""
        told = {s for s, u in self.units.items() if u.state == "in_work" and u.station == station}
        ours = {s for s, u in self.ours.items() if u.state == "in_work" and u.station == station}
        return frozenset((told - set(self.ours)) | ours)

    def used_in(self, part: str, serial: str | None) -> str | None:
        """The unit that holds this serialised component, None when none is known."""
        return self.components.get((part, serial)) if serial else None

    def lot_is(self, part: str, lot: str | None, now: str, plan: Plan, quantity: int = 1) -> Standing:
        """How a lot stands for so many pieces, as far as it was told here; whether its receipt is on record only the
        server knows."""
        if lot is None:
            return "good"
        permit = self.permits.get(self.lot_permits.get((part, lot), ""))
        held, last = (part, lot) in self.held_lots, self.lot_days.get((part, lot), "")
        under = (permit.left, permit.until) if permit else (None, "")
        return standing(LotKnown(held, last, True, *under), day_at(now, plan.plant.timezone), quantity=quantity)

    def permit_of(self, unit: Unit | None) -> Permit | None:
        """The concession that a unit is to go on under, None where it needs none or none is known here."""
        return self.permits.get(unit.permit) if unit and unit.permit else None

    def installed_in(self, serial: str) -> tuple[Installed, ...]:
        """What is in a unit, as far as it is known here: a serialised component only where it is still said to be."""
        seen = self.inside.get(serial, ())
        kept = tuple(i for i in seen if not i.serial or self.components.get((i.part, i.serial)) == serial)
        known = {(i.part, i.serial) for i in kept}
        told = (key for key, unit in self.components.items() if unit == serial and key not in known)
        return (*kept, *(Installed("", part, number, None, 1) for part, number in told))

    def looks_like_a_unit(self, text: str) -> bool:
        """Whether a text is a unit's label: a unit that is known, or a serial as one of the products has it."""
        if text in self.ours or text in self.units:
            return True
        if len(text) > MAX_SERIAL:
            return False
        plan = self.plan
        return plan is not None and any(could_bear(p, text) for p in plan.products)

    def step_for(self, serial: str, station: str) -> str:
        """The step that an arrival names: where the unit is due, else the first of its likely product that is here."""
        known = self.unit(serial)
        if known is not None:
            return known.step
        products = self.plan.products if self.plan else ()
        likely = [p for p in products if could_bear(p, serial)]
        steps = (s.id for p in (*likely, *products) for s in p.steps if station in s.stations)
        return next(steps, NO_STEP)


def could_bear(product: Product, text: str) -> bool:
    """Whether a text looks like a serial of this product, made by its pattern or borne by its units already."""
    return bears_serial(product, text) or bool(product.serial and is_serial(product.serial, text))


def is_serial(pattern: str, text: str) -> bool:
    """Whether a text could have been made from a product's serial pattern, such as `NMD-{yy}{ww}-{n:05}`."""
    return _serial_pattern(pattern).fullmatch(text) is not None


@lru_cache(maxsize=256)
def _serial_pattern(pattern: str) -> re.Pattern[str]:
    def hole(name: str) -> str:
        counter = re.fullmatch(r"n(?::0?(\d{1,2}))?", name)
        if counter:
            return rf"\d{{{int(counter[1] or 1)},}}"
        return _HOLES.get(name, "[A-Za-z0-9-]+")

    pieces = re.split(r"\{([^{}]*)\}", pattern)
    return re.compile("".join(hole(p) if i % 2 else re.escape(p) for i, p in enumerate(pieces)))


# --- what changes it --------------------------------------------------------------------------------------------------


def with_plan(recall: Recall, plan: Plan, revision: int) -> Recall:
    """A plan came; the highest revision is the newest, whatever the order in which they come."""
    plans = {**recall.plans, revision: plan}
    for old in sorted(plans)[:-PLANS_KEPT]:
        del plans[old]
    if revision >= recall.revision:
        return replace(recall, plan=plan, revision=revision, plans=plans)
    return replace(recall, plans=plans)


def told(recall: Recall, reply: wire.FloorReply) -> Recall:
    """What the server says of the floor.

    In a reply that is not `whole`, what it names replaces what is here; a component whose unit is an empty text has
    been taken out; the held lots are always all of them, or a release could never be told.
    """
    orders = {o.id: order_from(o) for o in reply.orders}
    units = {u.serial: unit_from(u) for u in reply.units}
    components = {(c.part, c.serial): c.unit for c in reply.components}
    lot_days = {(x.part, x.lot): x.until for x in reply.lot_days or ()}
    lot_permits = {(x.part, x.lot): x.permit or "" for x in reply.lot_days or ()}
    inside = recall.inside
    if reply.whole:  # what is not open any more is forgotten
        inside = {serial: items for serial, items in inside.items() if serial in units or serial in recall.ours}
    # What the station fitted itself and the server has not judged yet is not in the reply.
    mine = {key: unit for key, unit in recall.components.items() if unit in recall.ours}
    if not reply.whole:
        orders = {**recall.orders, **orders}
        components = {**recall.components, **components}
        units = {**recall.units, **units}
    return replace(
        recall,
        cursor=reply.cursor,
        orders=orders,
        units=units,
        components={**{key: unit for key, unit in components.items() if unit}, **mine},
        held_lots=frozenset((x.part, x.lot) for x in reply.held_lots),
        lot_days={**({} if reply.whole else recall.lot_days), **lot_days},
        lot_permits={**({} if reply.whole else recall.lot_permits), **lot_permits},
        permits=recall.permits
        if reply.permits is None
        else {p.id: Permit(p.id, p.until, p.left) for p in reply.permits},
        stopped=recall.stopped if reply.stopped is None else {(x.product, x.step): x.signal for x in reply.stopped},
        inside=inside,
        workers=recall.workers if reply.badges is None else {b.id: worker_from(b) for b in reply.badges},
        instruments=recall.instruments
        if reply.instruments is None
        else {i.id: Instrument(i.id, i.state, i.since, i.until) for i in reply.instruments},
    )


def learned(recall: Recall, order: Order) -> Recall:
    """The server has named an order with a unit that arrived."""
    if recall.orders.get(order.id) == order:
        return recall
    return replace(recall, orders={**recall.orders, order.id: order})


def did(recall: Recall, unit: Unit) -> Recall:
    """The station's own work has changed a unit."""
    return replace(recall, ours={**recall.ours, unit.serial: unit})


def forgotten(recall: Recall, serial: str) -> Recall:
    """A unit that this station has made is none after all."""
    return replace(
        recall,
        ours={s: u for s, u in recall.ours.items() if s != serial},
        units={s: u for s, u in recall.units.items() if s != serial},
    )


def settled(recall: Recall, serial: str) -> Recall:
    """The server has judged all that this station did to a unit: from here on it is as it is told."""
    if serial not in recall.ours:
        return recall
    ours = dict(recall.ours)
    unit = ours.pop(serial)
    return replace(recall, ours=ours, units={**recall.units, serial: unit})


def fitted(recall: Recall, item: Installed, unit: str) -> Recall:
    """A serialised component went into a unit here."""
    if not item.serial:
        return recall
    return replace(recall, components={**recall.components, (item.part, item.serial): unit})


def left(recall: Recall, serial: str, installed: tuple[Installed, ...]) -> Recall:
    """A unit leaves the station with this in it."""
    return replace(recall, inside={**recall.inside, serial: installed})


def never_in(recall: Recall, serial: str, installation: str) -> Recall:
    """The server has refused a component after the unit had gone."""
    if serial not in recall.inside:
        return recall
    return left(recall, serial, tuple(i for i in recall.inside[serial] if i.id != installation))


def used(recall: Recall, permit: str | None, pieces: int = 1) -> Recall:
    """The station has used a concession without the server: what it is told next has it counted, or will."""
    known = recall.permits.get(permit or "")
    if known is None:
        return recall
    return replace(recall, permits={**recall.permits, known.id: replace(known, left=known.left - pieces)})


def taken_out(recall: Recall, item: Installed, unit: str) -> Recall:
    """It came out again, or never was in."""
    key = (item.part, item.serial or "")
    if recall.components.get(key) != unit:
        return recall
    return replace(recall, components={k: v for k, v in recall.components.items() if k != key})


# --- from the wire ----------------------------------------------------------------------------------------------------


def order_from(order: wire.FloorOrder) -> Order:
    """An order as the rules know it."""
    return Order(order.id, order.product, order.quantity, cast(OrderState, order.state), order.revision)


def unit_from(unit: wire.FloorUnit, since: str = "") -> Unit:
    """A unit as the rules know it."""
    return Unit(
        serial=unit.serial,
        order=unit.order,
        product=unit.product,
        state=cast(UnitState, unit.state),
        step=unit.step,
        visits={unit.step: unit.visit},
        attempts=unit.attempts,
        tested=unit.tested,
        inspected=unit.inspected,
        station=unit.station,
        since=since or unit.since,
        nc=unit.nc,
        results=unit.results,
        place=unit.place,
        burn=Burn(**unit.burn.model_dump()) if unit.burn else None,
        permit=unit.permit,
    )


def worker_from(badge: wire.FloorBadge) -> Worker:
    """A good badge as the rules know it."""
    return Worker(badge.id, until=badge.until, language=badge.language)


@dataclass(frozen=True, slots=True)
class Told:
    """What an accepted arrival says of the unit."""

    unit: Unit
    order: Order
    installed: tuple[Installed, ...]


def told_of(screen: Mapping[str, Any]) -> Told | None:
    """Read the `screen` of an accepted arrival; None when a newer server writes it in a way that is not understood."""
    try:
        return Told(
            unit_from(wire.FloorUnit.model_validate(screen["unit"]), _utc(screen.get("since"))),
            order_from(wire.FloorOrder.model_validate(screen["order"])),
            tuple(
                Installed(
                    str(i["id"]),
                    str(i["part"]),
                    i.get("serial"),
                    i.get("lot"),
                    int(i["quantity"]),
                    str(i.get("step", "")),
                )
                for i in screen.get("installed", ())
            ),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _utc(text: object) -> str:
    """A time as it was told; empty when it is none, for then the time a unit has been here is not judged."""
    try:
        return text if isinstance(text, str) and datetime.fromisoformat(text).tzinfo is not None else ""
    except ValueError:
        return ""


def place_of(plan: Plan | None, unit: Unit) -> tuple[Product, Step] | None:
    """The product and the step of a unit, None when the plan does not have them."""
    product = plan.product(unit.product) if plan else None
    step = product.step(unit.step) if product else None
    return (product, step) if product and step else None
