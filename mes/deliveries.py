"""Deliveries: the pre-check, prepare, send, cancel. One function a verb; the caller commits.

What stands against it is `mes.domain.delivery`; what left under which release stays with each item.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from mes import wire
from mes.db.tables import CartonRow, Delivery, DeliveryItem, Packed, Release, ReleasedUnit, UnitRow, WorkOrder
from mes.domain.delivery import Line
from mes.domain.orders import Against
from mes.fold_deliveries import check as folded_check
from mes.fold_deliveries import check_again
from mes.fold_shipping import delivered_pieces, released_pieces
from mes.orders import Answer, released_now, request
from mes.world import World

MOST: Final = 500  # rows of a list


@dataclass(frozen=True, slots=True)
class Check:
    """What a delivery takes, for whom, and everything that stands against it."""

    customer: str
    lines: Sequence[Line]
    against: Sequence[Against]

    @property
    def count(self) -> int:
        """Units and pieces."""
        return sum(line.quantity for line in self.lines)


def of_orders(session: Session, orders: Iterable[str], *, customer: str = "", note: str = "") -> wire.DeliveryPrepared:
    """All of these orders that may leave: closed cartons by their pallet or number, then units and pieces that are in
    none."""
    named = list(dict.fromkeys(orders))
    world = World(session)
    packed = _packed_of(session, named)
    tops = list(dict.fromkeys(parent or sscc for _, sscc, parent in packed))
    inside = {unit for unit, _, _ in packed if unit}
    loose = [s for s in _released_units(session, named) if s not in inside]
    boxed = _boxed_pieces(session, named)
    free = {o: released_pieces(world, o) - delivered_pieces(world, o) - boxed.get(o, 0) for o in named}
    serialised = set(session.scalars(select(UnitRow.order).where(UnitRow.order.in_(named)).distinct()))
    pieces = [wire.DeliveredPieces(order=o, quantity=q) for o, q in free.items() if q > 0 and o not in serialised]
    return wire.DeliveryPrepared(
        customer=customer, cartons=tuple(tops), units=tuple(loose), pieces=tuple(pieces), note=note
    )


def _set_aside(column: Any) -> Select[Any]:
    """The units, or cartons, of the deliveries that are prepared."""
    prepared = select(Delivery.id).where(Delivery.state == "prepared")
    return select(column).where(DeliveryItem.delivery.in_(prepared), column.is_not(None))


def _packed_of(session: Session, orders: Sequence[str]) -> list[tuple[str | None, str, str | None]]:
    """Unit, carton and pallet of what is packed of these orders, in cartons that are closed and in no delivery yet."""
    rows = session.execute(
        select(Packed.unit, CartonRow.sscc, CartonRow.parent)
        .join(CartonRow, CartonRow.sscc == Packed.carton)
        .where(Packed.order.in_(orders), Packed.removed_at.is_(None), CartonRow.state == "closed")
        .where(CartonRow.level == "carton", CartonRow.sscc.not_in(_set_aside(DeliveryItem.carton)))
        .order_by(CartonRow.sscc, Packed.id)
    )
    return [(r.unit, r.sscc, r.parent) for r in rows]


def _released_units(session: Session, orders: Sequence[str]) -> list[str]:
    """Released units of these orders that are in no carton, have not left, and are in no delivery yet."""
    packed = select(Packed.unit).where(Packed.unit.is_not(None), Packed.removed_at.is_(None))
    rows = (
        select(UnitRow.serial)
        .join(ReleasedUnit, ReleasedUnit.unit == UnitRow.serial)
        .where(UnitRow.order.in_(orders), released_now(), UnitRow.delivery.is_(None))
        .where(UnitRow.serial.not_in(_set_aside(DeliveryItem.unit)), UnitRow.serial.not_in(packed))
        .order_by(UnitRow.serial)
    )
    return list(session.scalars(rows))


def _boxed_pieces(session: Session, orders: Sequence[str]) -> dict[str, int]:
    """Order → its pieces that are in cartons which are here and in no delivery yet."""
    rows = session.execute(
        select(Packed.order, Packed.quantity)
        .join(CartonRow, CartonRow.sscc == Packed.carton)
        .where(Packed.order.in_(orders), Packed.unit.is_(None), Packed.inner.is_(None), Packed.removed_at.is_(None))
        .where(CartonRow.state != "sent", CartonRow.sscc.not_in(_set_aside(DeliveryItem.carton)))
    )
    found: dict[str, int] = {}
    for order, quantity in rows:
        found[order or ""] = found.get(order or "", 0) + quantity
    return found


def named(session: Session, text: str, *, customer: str = "", note: str = "") -> wire.DeliveryPrepared | None:
    """What somebody has typed or scanned: orders, cartons, pallets, serials, and pieces as `ORDER=QUANTITY`.

    Returns:
        None where it is too much for one delivery.
    """
    orders: list[str] = []
    cartons: list[str] = []
    units: list[str] = []
    pieces: list[wire.DeliveredPieces] = []
    try:
        for word in text.split():
            number, _sep, quantity = word.partition("=")
            sscc = word[2:] if len(word) == 20 and word.startswith("00") else word  # with its AI, as a scanner reads it
            if quantity.isascii() and quantity.isdecimal():
                pieces.append(wire.DeliveredPieces(order=number, quantity=int(quantity)))
            elif len(sscc) == 18 and sscc.isdecimal():
                cartons.append(sscc)
            elif len(word) <= 64 and session.get(WorkOrder, word) is not None:
                orders.append(word)
            else:
                units.append(word)
        all_of = of_orders(session, orders)
        return wire.DeliveryPrepared(
            customer=customer,
            cartons=(*all_of.cartons, *cartons),
            units=(*all_of.units, *units),
            pieces=(*all_of.pieces, *pieces),
            note=note,
        )
    except ValueError:  # pydantic's is one, too
        return None


def check(session: Session, wanted: wire.DeliveryPrepared) -> Check:
    """What a delivery of these would take, and every reason against it."""
    found = folded_check(World(session), wanted)
    return Check(found.customer, found.lines, found.against)


def check_sending(session: Session, delivery: str) -> Check | None:
    """What stands against a prepared delivery leaving now; None for one that there is not."""
    world = World(session)
    row = world.deliveries.get(delivery)
    if row is None:
        return None
    found = check_again(world, row)
    return Check(found.customer, found.lines, found.against)


def prepare(session: Session, wanted: wire.DeliveryPrepared, *, now: datetime, actor: str | None = None) -> Answer:
    """Set goods aside for one customer; `args["delivery"]` is the number."""
    return request(session, "DeliveryPrepared", wanted, now=now, actor=actor)


def send(session: Session, delivery: str, *, now: datetime, carrier: str = "", actor: str | None = None) -> Answer:
    """The goods have left: units, cartons and pallets are gone, and nothing can be undone."""
    body = wire.DeliverySent(delivery=delivery, carrier=carrier)
    return request(session, "DeliverySent", body, now=now, actor=actor)


def cancel(session: Session, delivery: str, *, why: str, now: datetime, actor: str | None = None) -> Answer:
    """A prepared delivery does not leave; its goods are free again."""
    body = wire.DeliveryCancelled(delivery=delivery, why=why)
    return request(session, "DeliveryCancelled", body, now=now, actor=actor)


def find(session: Session, delivery: str) -> Delivery | None:
    """The delivery of that number."""
    return session.get(Delivery, delivery)


def items(session: Session, delivery: str) -> list[DeliveryItem]:
    """What is in a delivery, in the order of its numbers."""
    return list(
        session.scalars(select(DeliveryItem).where(DeliveryItem.delivery == delivery).order_by(DeliveryItem.item))
    )


def listed(session: Session, *, state: str = "", order: str = "", carton: str = "", most: int = MOST) -> list[Delivery]:
    """Deliveries, the newest first; of one state, with goods of one order, or with one carton or pallet."""
    rows = select(Delivery).order_by(Delivery.prepared_at.desc(), Delivery.id.desc()).limit(most)
    if state:
        rows = rows.where(Delivery.state == state)
    if order:
        rows = rows.where(Delivery.id.in_(select(DeliveryItem.delivery).where(DeliveryItem.order == order)))
    if carton:
        holds = select(DeliveryItem.delivery).where((DeliveryItem.carton == carton) | (DeliveryItem.pallet == carton))
        rows = rows.where(Delivery.id.in_(holds))
    return list(session.scalars(rows))


def customers(session: Session) -> list[str]:
    """The customers whose orders have something released, by name."""
    rows = select(WorkOrder.customer).join(Release, Release.order == WorkOrder.id).where(WorkOrder.customer != "")
    return sorted(set(session.scalars(rows.distinct())))
