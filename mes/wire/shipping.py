"""Bodies: release of what is made, deliveries, and the papers that go with them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mes.wire.envelope import Frozen, Id, OptionalId

Scope = Literal["units", "finished", "order", "carton"]
Reason = Annotated[str, Field(min_length=1, max_length=500)]
Units = Annotated[tuple[Id, ...], Field(max_length=2_000)]


class UnitsReleased(Frozen):
    """Somebody with the authority lets units, or counted pieces, leave (ISO 9001:2015, 8.6).

    `scope`: the named `units`, the order's in a `carton`, all that are `finished` and free, or the whole `order`.
    `quantity` is how many the person saw; where it would be another number by now, nothing is released. For a counted
    order it is the number of pieces.
    """

    order: Id
    scope: Scope
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    units: Units = ()
    carton: OptionalId = ""
    note: Annotated[str, Field(max_length=500)] = ""


class ReleaseTakenBack(Frozen):
    """A release holds no more, or (`units`) not for these; nothing of it has left."""

    release: Id
    why: Reason
    units: Units = ()


class DeliveredPieces(Frozen):
    """So many pieces of a counted order, in no carton."""

    order: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]


class DeliveryPrepared(Frozen):
    """Goods are set aside for one customer: cartons and pallets by SSCC, units and pieces that are in none.

    `customer` names who gets it where its orders name nobody.
    """

    customer: Annotated[str, Field(max_length=120)] = ""
    cartons: Annotated[tuple[Id, ...], Field(max_length=500)] = ()
    units: Units = ()
    pieces: Annotated[tuple[DeliveredPieces, ...], Field(max_length=100)] = ()
    note: Annotated[str, Field(max_length=500)] = ""


class DeliverySent(Frozen):
    """The goods of a delivery have left; `carrier` says with whom, and under which number."""

    delivery: Id
    carrier: Annotated[str, Field(max_length=120)] = ""


class DeliveryCancelled(Frozen):
    """A delivery that has not left will not leave; its goods are free again."""

    delivery: Id
    why: Reason
