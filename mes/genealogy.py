"""Which part is in which unit, in both directions and through sub-assemblies: one query each, by a recursive one.

A sub-assembly is a unit that stands as a component in another one: the component's serial is the unit's. A component
that was taken out again is named, and said to be out: in a recall somebody has to know. It must not know HTTP, language
or paper, and nobody stands in it.

Source: ISO 9001:2015, 8.5.2 (identification and traceability).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select, text
from sqlalchemy.orm import Session, aliased

from mes.db.tables import (
    CartonRow,
    DeliveryItem,
    Installation,
    LotUse,
    Packed,
    Release,
    ReleasedUnit,
    UnitRow,
    WorkOrder,
)
from mes.orders import released_now


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: a component's serial or lot (`number`), of this part, or of any where `part` is empty."""

    number: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """A unit, or a counted order with so many `pieces`, that contains what is looked for.

    `inside` is the unit that it was put into: the unit itself, or a sub-assembly of it. `out`: it was taken out again,
    or the sub-assembly was. `quantity` is how many went into `inside`, at `step`, the last time at `installed_at`.
    `product` and what follows are empty where no such unit is known here. `state` is `held` while a nonconformity
    blocks the unit. `carton` and `pallet` are the SSCCs that it is in now, `release` the one that holds as it stands.
    Of a counted order, `unit` and `inside` are empty, its state is `counted`, and cartons, pallets, releases and
    deliveries are all those of the order, one after another with a space between: no piece has a name of its own.
    """

    unit: str
    inside: str
    part: str
    number: str
    quantity: int
    step: str
    installed_at: str
    out: bool
    product: str
    state: str
    order: str
    reference: str
    customer: str
    order_state: str
    carton: str
    pallet: str
    release: str
    delivery: str = ""
    pieces: int = 0

    @property
    def stage(self) -> str:
        """How far it has come: its state, or of a finished unit `packed`, `released` or `delivered`."""
        if self.state != "done":  # and of a counted order: which of its pieces have gone, nobody knows
            return self.state
        return "delivered" if self.delivery else "released" if self.release else "packed" if self.carton else "done"


def where_used(session: Session, wanted: Wanted, *, most: int | None = None) -> list[Use]:
    """Every unit that contains a component lot or serial, itself or in a sub-assembly, and every counted order that
    was made of it; by customer, order and unit.

    Args:
        most: no more rows than that.
    """
    _by_index(session)
    query = _used(wanted)
    units = [Use(**_plain(row)) for row in session.execute(query.limit(most) if most is not None else query)]
    counted = _counted(session, wanted)
    if not counted:
        return units  # as the query has sorted them
    return sorted([*units, *counted], key=lambda u: (u.customer, u.order, u.unit, u.inside, u.part))[:most]


def _counted(session: Session, wanted: Wanted) -> list[Use]:
    """The counted orders that were made of a lot."""
    where = and_(LotUse.lot == wanted.number, *([LotUse.part == wanted.part] if wanted.part else ()))
    query = select(LotUse, WorkOrder).outerjoin(WorkOrder, WorkOrder.id == LotUse.order).where(where)
    found: list[tuple[LotUse, WorkOrder | None]] = [(use, order) for use, order in session.execute(query)]
    orders = sorted({use.order for use, _ in found})
    p, d = Packed, DeliveryItem
    packed = select(p.order, p.carton, CartonRow.parent).outerjoin(CartonRow, CartonRow.sscc == p.carton)
    packed = packed.where(p.order.in_(orders), p.unit.is_(None), p.removed_at.is_(None))
    boxes = session.execute(packed).all() if orders else []
    sent = session.execute(select(d.order, d.delivery).where(d.order.in_(orders), d.unit.is_(None))).all()
    let_go = select(Release.order, Release.id).where(Release.order.in_(orders), Release.ended_at.is_(None))
    cartons, pallets = _joined((o, c) for o, c, _ in boxes), _joined((o, p) for o, _, p in boxes)
    deliveries, released = _joined(map(tuple, sent)), _joined(map(tuple, session.execute(let_go)))
    return [
        Use(
            unit="",
            inside="",
            part=use.part,
            number=use.lot,
            quantity=use.quantity,
            step=use.step,
            installed_at=use.used_at,
            out=False,
            product=order.product if order else "",
            state="counted",
            order=use.order,
            reference=order.reference if order else "",
            customer=order.customer if order else "",
            order_state=order.state if order else "",
            carton=cartons.get(use.order, ""),
            pallet=pallets.get(use.order, ""),
            release=released.get(use.order, ""),
            delivery=deliveries.get(use.order, ""),
            pieces=use.pieces,
        )
        for use, order in found
    ]


def _joined(pairs: Iterable[Sequence[Any]]) -> dict[str, str]:
    """All names of each order, once and in their order, in one text."""
    names: dict[str, set[str]] = defaultdict(set)
    for order, name in pairs:
        if name:
            names[order].add(name)
    return {order: " ".join(sorted(found)) for order, found in names.items()}


_STEP_BY_STEP: Final = (
    text("SET LOCAL enable_hashjoin = off"),
    text("SET LOCAL enable_mergejoin = off"),
    text("SET LOCAL jit = off"),
)


def _by_index(session: Session) -> None:
    """Make PostgreSQL climb step by step through the indexes, until the end of this transaction.

    It cannot know how few rows a recursive step finds: it would hash the whole table at each level, and compile the
    query for longer than it runs.
    """
    if session.get_bind().dialect.name == "postgresql":
        for statement in _STEP_BY_STEP:
            session.execute(statement)


def _plain(row: Any) -> dict[str, Any]:
    values = {name: "" if value is None else value for name, value in row._mapping.items()}
    return {**values, "out": bool(values["out"])}


def _is(wanted: Wanted, column: Any = Installation) -> ColumnElement[bool]:
    number = or_(column.serial == wanted.number, column.lot == wanted.number)
    return and_(column.part == wanted.part, number) if wanted.part else number


def _used(wanted: Wanted) -> Select[Any]:
    i, above = Installation, aliased(Installation)
    gone = case((i.removed_at.is_not(None), 1), else_=0)
    direct = (
        select(
            i.unit,
            i.part,
            func.sum(i.quantity).label("quantity"),
            func.max(i.step).label("step"),
            func.max(i.installed_at).label("installed_at"),
            func.min(gone).label("out"),  # one of them is still in: the unit is concerned
        )
        .where(_is(wanted))
        .group_by(i.unit, i.part)
        .cte("direct")
    )
    # What is told of the component travels up with it, so that nothing has to be joined again afterwards.
    told = ("part", "quantity", "step", "installed_at")
    first = select(direct.c.unit, direct.c.unit.label("inside"), *(direct.c[name] for name in told), direct.c.out)
    up = first.cte("up", recursive=True)
    gone = case((above.removed_at.is_not(None), 1), else_=up.c.out)
    further = select(above.unit, up.c.inside, *(up.c[name] for name in told), gone)
    up = up.union(further.join(above, above.serial == up.c.unit))
    # not `union all`: two units that name each other must come to an end
    keys = (up.c.unit, up.c.inside, *(up.c[name] for name in told))
    packed = (
        select(Packed.carton)
        .where(Packed.unit == up.c.unit, Packed.removed_at.is_(None))
        .order_by(Packed.disputed, Packed.id)
        .limit(1)
        .correlate(up)
        .scalar_subquery()
    )
    every = select(*keys, func.min(up.c.out).label("out"), packed.label("carton")).group_by(*keys).subquery("every")
    return (
        select(
            every,
            literal(wanted.number).label("number"),
            UnitRow.product,
            case((and_(UnitRow.nc.is_not(None), UnitRow.state != "scrapped"), "held"), else_=UnitRow.state).label(
                "state"
            ),
            UnitRow.order,
            WorkOrder.reference,
            WorkOrder.customer,
            WorkOrder.state.label("order_state"),
            CartonRow.parent.label("pallet"),
            ReleasedUnit.release,
            UnitRow.delivery,
        )
        .outerjoin(UnitRow, UnitRow.serial == every.c.unit)
        .outerjoin(WorkOrder, WorkOrder.id == UnitRow.order)
        .outerjoin(CartonRow, CartonRow.sscc == every.c.carton)
        .outerjoin(ReleasedUnit, and_(ReleasedUnit.unit == UnitRow.serial, released_now()))
        .order_by(WorkOrder.customer, UnitRow.order, every.c.unit, every.c.inside, every.c.part)
    )


def parts_named(session: Session, number: str) -> list[str]:
    """The parts that have a component of this serial or lot."""
    fitted = select(Installation.part).where(_is(Wanted(number)))
    counted = select(LotUse.part).where(LotUse.lot == number)
    return sorted(session.scalars(fitted.union(counted)))


# --- the other direction ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """A component of a unit; `inside` are its own components, where it is a unit that was made here."""

    part: str
    serial: str | None
    lot: str | None
    quantity: int
    step: str
    installed_at: str
    removed_at: str | None
    disputed: bool
    inside: tuple[Part, ...] = ()

    @property
    def number(self) -> str:
        """Its serial or its lot."""
        return self.serial or self.lot or ""


def parts_of(session: Session, unit: str) -> tuple[Part, ...]:
    """Everything that is or was in a unit, sub-assemblies with what is in them; as it was put in."""
    _by_index(session)
    i = Installation
    down = select(i.unit, i.serial, i.id).where(i.unit == unit).cte("down", recursive=True)
    below = aliased(Installation)
    down = down.union(select(below.unit, below.serial, below.id).join(down, down.c.serial == below.unit))
    rows = session.scalars(select(i).join(down, down.c.id == i.id).order_by(i.installed_at, i.id))
    by_unit: dict[str, list[Installation]] = defaultdict(list)
    for row in rows:
        by_unit[row.unit].append(row)
    return _tree(by_unit, unit, frozenset({unit}))


def _tree(by_unit: dict[str, list[Installation]], unit: str, above: frozenset[str]) -> tuple[Part, ...]:
    return tuple(
        Part(
            part=row.part,
            serial=row.serial,
            lot=row.lot,
            quantity=row.quantity,
            step=row.step,
            installed_at=row.installed_at,
            removed_at=row.removed_at,
            disputed=row.disputed,
            inside=_tree(by_unit, row.serial, above | {row.serial})
            if row.serial in by_unit and row.serial not in above
            else (),
        )
        for row in by_unit.get(unit, ())
    )


def every(parts: Iterable[Part]) -> Iterator[Part]:
    """All of these components, each followed by its own."""
    for part in parts:
        yield part
        yield from every(part.inside)
