"""A unit and an order as a station is told of them: what travels, from the values that the rules read.

Server and station write it alike: the one into its answers, the other into the note of its rack.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Protocol

from mes import wire
from mes.domain.gate import Unit


class OrderLike(Protocol):
    """What there is to say of an order, whichever side holds it: a rule's value, a row, a world's."""

    @property
    def id(self) -> str:
        """Its number."""

    @property
    def product(self) -> str:
        """What is made."""

    @property
    def state(self) -> Any:
        """Where it stands."""

    @property
    def revision(self) -> Any:
        """The plan that it is pinned to."""

    @property
    def quantity(self) -> int:
        """How many."""


def floor_unit(unit: Unit) -> wire.FloorUnit:
    """A unit as a station is told of it."""
    return wire.FloorUnit(
        serial=unit.serial,
        order=unit.order,
        product=unit.product,
        state=unit.state,
        step=unit.step,
        visit=unit.visit,
        attempts=unit.attempts,
        tested=unit.tested,
        inspected=unit.inspected,
        station=unit.station,
        nc=unit.nc,
        since=unit.since,
        results=dict(unit.results),
        place=unit.place,
        burn=wire.FloorBurn(**asdict(unit.burn)) if unit.burn else None,
        permit=unit.permit,
    )


def floor_order(order: OrderLike) -> wire.FloorOrder:
    """An order as a station is told of it."""
    return wire.FloorOrder(
        id=order.id, product=order.product, state=order.state, revision=order.revision, quantity=order.quantity
    )
