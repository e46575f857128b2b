"""Cartons and pallets in the office: draw numbers, look into one, put right what is in it. One function a verb.

The caller opens the transaction and commits. What is packed at a bench comes in by `mes.ingest`; both ways pass the
same fold. What a delivery needs to know stands here, too: `contents`, `in_order`, `troubles`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from mes import revisions, wire
from mes.db.prepared import savepoint
from mes.db.session import connection_of
from mes.db.tables import CartonEvent, CartonRow, Packed, PlanRevision, UnitRow, WorkOrder
from mes.domain import packing as rules
from mes.domain.packing import Carton
from mes.domain.route import Holding
from mes.orders import Answer, request

MOST: Final = 500  # rows of a list


@dataclass(frozen=True, slots=True)
class Content:
    """One thing in a carton: a unit, `quantity` pieces of a counted order, or a carton with what is in it.

    `trouble` is the reason code of what keeps it from leaving (`unit_held`, `unit_unfinished`, `unit_scrapped`,
    `carton_held`, `carton_not_closed`); empty when nothing does. `disputed`: by the record it is in another one, too.
    """

    carton: str
    quantity: int
    packed_at: str
    unit: str | None = None
    order: str | None = None
    product: str | None = None
    inner: str | None = None
    inside: tuple[Content, ...] = ()
    trouble: str = ""
    disputed: bool = False

    @property
    def thing(self) -> str:
        """What it is called: the serial, the inner SSCC, or the order."""
        return self.unit or self.inner or self.order or ""

    def flat(self) -> tuple[Content, ...]:
        """The units and pieces, those of inner cartons too."""
        return tuple(c for inner in self.inside for c in inner.flat()) if self.inner else (self,)


# --- reading ----------------------------------------------------------------------------------------------------------


def find(session: Session, sscc: str) -> CartonRow | None:
    """The carton or pallet of that number."""
    return session.get(CartonRow, sscc)


def contents(session: Session, sscc: str) -> tuple[Content, ...]:
    """What is in a carton now, the oldest first; on a pallet, each carton with what is in it."""
    return _contents(session, [sscc]).get(sscc, ())


def _contents(session: Session, cartons: Iterable[str]) -> dict[str, tuple[Content, ...]]:
    """The same of several cartons, with one query a table and level."""
    wanted = list(cartons)
    rows = list(
        session.scalars(
            select(Packed)
            .where(Packed.carton.in_(wanted), Packed.removed_at.is_(None))
            .order_by(Packed.packed_at, Packed.id)
        )
    )
    units = {u.serial: u for u in _units(session, [r.unit for r in rows if r.unit])}
    named = select(WorkOrder.id, WorkOrder.product).where(WorkOrder.id.in_({r.order for r in rows if r.order}))
    orders = {row.id: row.product for row in session.execute(named)}
    inner = [r.inner for r in rows if r.inner]
    cartons_in = {c.sscc: c for c in session.scalars(select(CartonRow).where(CartonRow.sscc.in_(inner)))}
    below = _contents(session, inner) if inner else {}
    found: dict[str, list[Content]] = {}
    for row in rows:
        made = Content(
            carton=row.carton,
            quantity=row.quantity,
            packed_at=row.packed_at,
            unit=row.unit,
            order=row.order,
            product=orders.get(row.order or ""),
            inner=row.inner,
            inside=below.get(row.inner or "", ()),
            trouble=_trouble(
                units.get(row.unit or ""), cartons_in.get(row.inner or ""), below.get(row.inner or "", ())
            ),
            disputed=row.disputed,
        )
        found.setdefault(row.carton, []).append(made)
    return {carton: tuple(made) for carton, made in found.items()}


def _units(session: Session, serials: list[str]) -> list[UnitRow]:
    return [
        unit
        for i in range(0, len(serials), MOST)
        for unit in session.scalars(select(UnitRow).where(UnitRow.serial.in_(serials[i : i + MOST])))
    ]


def _trouble(unit: UnitRow | None, inner: CartonRow | None, below: tuple[Content, ...]) -> str:
    if unit is not None:
        if unit.state == "scrapped":
            return "unit_scrapped"
        return "unit_held" if unit.nc else "" if unit.state == "done" else "unit_unfinished"
    if inner is not None:
        worst = next((c.trouble for c in below if c.trouble), "")
        return (
            "carton_held"
            if inner.held
            else ""
            if inner.state == "closed" and not worst
            else worst or "carton_not_closed"
        )
    return ""


def troubles(session: Session, sscc: str) -> tuple[str, ...]:
    """Reason codes of what keeps a closed carton from leaving the plant; empty when it may go."""
    row = find(session, sscc)
    if row is None:
        return ("unknown_carton",)
    own = ["carton_held"] if row.held else []
    own += [] if row.state == "closed" else ["carton_gone" if row.state not in ("new", "open") else "carton_not_closed"]
    inside = contents(session, sscc)
    return tuple(dict.fromkeys((*own, *(c.trouble for c in inside if c.trouble), *(["carton_empty"] * (not inside)))))


def in_order(session: Session, order: str) -> tuple[CartonRow, ...]:
    """The cartons that hold something of an order, and those that were numbered for it; by their number."""
    holding = select(Packed.carton).where(Packed.order == order, Packed.removed_at.is_(None))
    return tuple(
        session.scalars(
            select(CartonRow)
            .where(or_(CartonRow.sscc.in_(holding), and_(CartonRow.order == order, CartonRow.bound)))
            .order_by(CartonRow.sscc)
        )
    )


def carton_of(session: Session, unit: str) -> str | None:
    """The carton that a unit is in, None when it is in none."""
    row = select(Packed.carton).where(Packed.unit == unit, Packed.removed_at.is_(None)).order_by(Packed.disputed)
    return session.scalar(row.limit(1))


def unpacked_units(session: Session, order: str) -> int:
    """How many finished units of an order are in no carton."""
    inside = select(Packed.unit).where(Packed.order == order, Packed.unit.is_not(None), Packed.removed_at.is_(None))
    done = select(UnitRow.serial).where(UnitRow.order == order, UnitRow.state == "done", UnitRow.serial.not_in(inside))
    return len(list(session.scalars(done)))


def history(session: Session, sscc: str) -> list[tuple[CartonEvent, Mapping[str, Any]]]:
    """What happened to a carton, the newest first, each with the arguments of its sentence."""
    rows = session.scalars(
        select(CartonEvent).where(CartonEvent.carton == sscc).order_by(CartonEvent.number.desc()).limit(MOST)
    )
    return [(row, json.loads(row.args)) for row in rows]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cartons a list shows; empty: all."""

    state: str = ""
    level: str = ""
    order: str = ""
    text: str = ""


def listed(session: Session, wanted: Wanted, *, most: int = MOST) -> list[CartonRow]:
    """The cartons of a list, the newest number last changed first.

    `state` is one of `new`, `open`, `closed`, or `held`; `text` a piece of the number, of an order, of a product, of a
    customer, or a whole serial of what is in it.
    """
    rows = select(CartonRow).order_by(CartonRow.n.desc(), CartonRow.sscc.desc()).limit(most)
    if wanted.state == "held":
        rows = rows.where(CartonRow.held != "")
    elif wanted.state:
        rows = rows.where(CartonRow.state == wanted.state)
    if wanted.level:
        rows = rows.where(CartonRow.level == wanted.level)
    if wanted.order:
        rows = rows.where(CartonRow.order == wanted.order)
    if wanted.text:
        text = wanted.text.strip()
        with_it = select(Packed.carton).where(Packed.unit == text, Packed.removed_at.is_(None))
        columns = (CartonRow.sscc, CartonRow.order, CartonRow.product, CartonRow.customer)
        digits = text.replace(" ", "")
        rows = rows.where(
            or_(
                CartonRow.sscc.in_(with_it),
                CartonRow.sscc.contains(digits, autoescape=True),
                *(c.icontains(text, autoescape=True) for c in columns[1:]),
            )
        )
    return list(session.scalars(rows))


def rule_of(session: Session, row: CartonRow) -> Holding | None:
    """How the plan says that this carton is packed."""
    order = session.get(WorkOrder, row.order) if row.order else None
    revision = order.revision if order else 0
    digest = session.scalar(select(PlanRevision.hash).where(PlanRevision.revision == revision))
    plan = revisions.plan_of(session, revision, digest) if digest else revisions.latest_plan(session)
    return (
        rules.holding(plan, Carton(row.sscc, "pallet" if row.level == "pallet" else "carton", product=row.product))
        if plan
        else None
    )


# --- doing ------------------------------------------------------------------------------------------------------------


def number(
    session: Session,
    count: int,
    *,
    now: datetime,
    level: rules.Level = "carton",
    order: str | None = None,
    actor: str | None = None,
) -> Answer:
    """Draw new SSCCs, for any content or for one order; `args["cartons"]` names them."""
    body = wire.CartonsNumbered(count=count, level=level, order=order)
    return request(session, "CartonsNumbered", body, now=now, actor=actor)


def reopen(session: Session, sscc: str, *, why: str, now: datetime, actor: str | None = None) -> Answer:
    """Open a closed carton again, with the reason."""
    return request(session, "CartonReopened", wire.CartonChanged(carton=sscc, why=why), now=now, actor=actor)


def release(session: Session, sscc: str, *, why: str, now: datetime, actor: str | None = None) -> Answer:
    """Somebody has looked at a held carton: it may go on."""
    return request(session, "CartonReleased", wire.CartonChanged(carton=sscc, why=why), now=now, actor=actor)


def take_out(
    session: Session, sscc: str, thing: str, *, why: str, now: datetime, quantity: int = 1, actor: str | None = None
) -> Answer:
    """Take a unit, an inner carton, or `quantity` pieces of an order out of an open carton, with the reason."""
    named = _named(session, sscc, thing)
    body = wire.UnitsUnpacked(
        carton=sscc,
        unit=named.get("unit"),
        order=named.get("order"),
        inner=named.get("inner"),
        quantity=quantity,
        why=why,
    )
    return request(session, "UnitsUnpacked", body, now=now, actor=actor)


class _Refused(Exception):
    """The second half of a move may not be: the first is taken back with it."""


def move(
    session: Session, sscc: str, thing: str, *, to: str, why: str, now: datetime, actor: str | None = None
) -> Answer:
    """Take a unit or an inner carton out of one carton and put it into another, both or neither."""
    named = _named(session, sscc, thing)
    answer = Answer(False, "not_in_carton", {"unit": thing, "carton": sscc})
    try:
        with savepoint(connection_of(session)):
            answer = take_out(session, sscc, thing, why=why, now=now, actor=actor)
            if answer.done:
                body = wire.UnitsPacked(carton=to, unit=named.get("unit"), inner=named.get("inner"), why=why)
                answer = request(session, "UnitsPacked", body, now=now, actor=actor)
            if not answer.done:
                raise _Refused
    except _Refused:
        session.expire_all()
    return answer


def _named(session: Session, sscc: str, thing: str) -> dict[str, str]:
    """What a thing is: a carton, an order whose pieces are in there, or else a unit."""
    if session.get(CartonRow, thing) is not None:
        return {"inner": thing}
    pieces = select(Packed.id).where(
        Packed.carton == sscc, Packed.order == thing, Packed.unit.is_(None), Packed.inner.is_(None)
    )
    return {"order": thing} if session.scalar(pieces.limit(1)) else {"unit": thing}
