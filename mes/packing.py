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

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from mes import revisions, wire
from mes.db.prepared import savepoint
from mes.db.session import connection_of
from mes.db.tables import CartonEvent, CartonRow, Installation, Instrument, Packed, PlanRevision, UnitRow, WorkOrder
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
    return tuple(session.scalars(select(CartonRow).where(_of_order(order)).order_by(CartonRow.sscc)))


def _of_order(order: str) -> ColumnElement[bool]:
    holding = select(Packed.carton).where(Packed.order == order, Packed.removed_at.is_(None))
    return or_(CartonRow.sscc.in_(holding), and_(CartonRow.order == order, CartonRow.bound))


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


def args_of(row: CartonRow) -> Mapping[str, Any]:
    """The arguments of the sentence that says why a carton is held."""
    found: Mapping[str, Any] = json.loads(row.held_args)
    return found


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cartons a list shows; empty: all."""

    state: str = ""
    level: str = ""
    order: str = ""
    text: str = ""


def listed(session: Session, wanted: Wanted, *, most: int = MOST, skip: int = 0) -> list[CartonRow]:
    """The cartons of a list, what changed last first.

    `state` is one of `new`, `open`, `closed`, or `held`; `text` a piece of the number, of an order, of a product, of a
    customer, or a whole serial or lot of what is in it.
    """
    rows = select(CartonRow).where(*where(wanted)).order_by(CartonRow.n.desc(), CartonRow.sscc.desc())
    return list(session.scalars(rows.limit(most).offset(skip)))


def where(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What a carton must be to stand in that list."""
    found: list[ColumnElement[bool]] = []
    if wanted.state:
        found.append(CartonRow.held != "" if wanted.state == "held" else CartonRow.state == wanted.state)
    if wanted.level:
        found.append(CartonRow.level == wanted.level)
    if wanted.order:
        found.append(_of_order(wanted.order))
    if text := wanted.text.strip():
        digits = text.replace(" ", "")
        columns = (CartonRow.order, CartonRow.product, CartonRow.customer)
        found.append(
            or_(
                CartonRow.sscc.in_(_with(text)),
                CartonRow.sscc.contains(digits, autoescape=True),
                *(c.icontains(text, autoescape=True) for c in columns),
            )
        )
    return found


def _with(number: str) -> Any:
    """The cartons with a unit of that serial, or with one that contains a part of that serial or lot."""
    parts = select(Installation.unit).where(
        or_(Installation.serial == number, Installation.lot == number), Installation.removed_at.is_(None)
    )
    inside = or_(Packed.unit == number, Packed.unit.in_(parts))
    return select(Packed.carton).where(inside, Packed.removed_at.is_(None))


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


def _ask(session: Session, kind: str, sscc: str, *, now: datetime, actor: str | None, **said: Any) -> Answer:
    """One event of a carton that there is; a number that nobody has drawn is answered without the ledger."""
    if find(session, sscc) is None:
        return Answer(False, "unknown_carton", {"carton": sscc or "–"})
    body = wire.OFFICE_KINDS[(kind, 1)].model_validate({"carton": sscc, **said})
    return request(session, kind, body, now=now, actor=actor)


def reopen(session: Session, sscc: str, *, why: str, now: datetime, actor: str | None = None) -> Answer:
    """Open a closed carton again, with the reason."""
    return _ask(session, "CartonReopened", sscc, why=why, now=now, actor=actor)


def release(session: Session, sscc: str, *, why: str, now: datetime, actor: str | None = None) -> Answer:
    """Somebody has looked at a held carton: it may go on."""
    return _ask(session, "CartonReleased", sscc, why=why, now=now, actor=actor)


def put_in(
    session: Session,
    sscc: str,
    thing: str,
    *,
    now: datetime,
    quantity: int = 1,
    why: str = "",
    actor: str | None = None,
) -> Answer:
    """Put a unit, a closed carton, or `quantity` pieces of a counted order into an open carton or onto a pallet."""
    if session.get(UnitRow, thing) is None and session.get(WorkOrder, thing) is not None:
        return _ask(session, "UnitsPacked", sscc, order=thing, quantity=quantity, now=now, actor=actor)
    column = "inner" if find(session, thing) is not None else "unit"
    return _ask(session, "UnitsPacked", sscc, **{column: thing}, now=now, actor=actor)


def weigh(
    session: Session, sscc: str, kg: float, *, now: datetime, device: str = "", actor: str | None = None
) -> Answer:
    """What a scale has said of a carton with all that is in it, in kg.

    Args:
        device: the scale, as the register of instruments knows it; empty: not said.

    Returns:
        Done also where the weight is wrong, for it was read: `reason` then says so, and the carton cannot be closed.
    """
    scale = session.get(Instrument, device) if device else None
    said = {"device": scale.id, "serial": scale.serial[:64], "calibration_due": scale.due} if scale else {}
    made = wire.Measurement.model_validate(
        {"test": "weight", "outcome": "passed", "value": kg, "unit": rules.KG, "raw": f"{kg} kg", **said}
    )
    return _ask(session, "CartonWeighed", sscc, reading=made, now=now, actor=actor)


def close(session: Session, sscc: str, *, now: datetime, partial: bool = False, actor: str | None = None) -> Answer:
    """Close a carton: nothing goes in or out from here on. `partial`: it is not full, and stays so."""
    return _ask(session, "CartonClosed", sscc, partial=partial, now=now, actor=actor)


def take_out(
    session: Session, sscc: str, thing: str, *, why: str, now: datetime, quantity: int = 1, actor: str | None = None
) -> Answer:
    """Take a unit, an inner carton, or `quantity` pieces of an order out of an open carton, with the reason."""
    named = _named(session, sscc, thing)
    return _ask(session, "UnitsUnpacked", sscc, **named, quantity=quantity, why=why, now=now, actor=actor)


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
                only = {name: named[name] for name in ("unit", "inner") if name in named}
                answer = _ask(session, "UnitsPacked", to, **only, why=why, now=now, actor=actor)
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
