"""What is read of component lots: the list, one lot, what is left of it, and everything that it is in. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from mes.db.tables import Concession, Installation, Lot, LotUse, Receipt, UnitRow, WorkOrder
from mes.domain import lots as rules
from mes.i18n import N_
from mes.measured import PAGE, Page

Show = Literal["held", "expired", "used_up", "short", "free"]
SHOWS: Final[tuple[Show, ...]] = ("held", "expired", "used_up", "short", "free")
SHOW_WORDS: Final[dict[str, str]] = {
    "held": N_("held"),
    "expired": N_("expired"),
    "used_up": N_("concession used up"),
    "short": N_("below zero"),
    "free": N_("usable"),
}
"""English; translated when it is shown."""


@dataclass(frozen=True, slots=True)
class Stock:
    """A lot, how many of its pieces are in units, how many should be left, how it stands today, and what permits it."""

    row: Lot
    used: int
    left: int
    state: rules.Standing
    concession: Concession | None = None

    @property
    def short(self) -> bool:
        """Did more go into units than ever came in?"""
        return self.row.receipts > 0 and self.left < 0

    @property
    def shown(self) -> Show:
        """What to see to first."""
        if self.state in ("held", "expired", "used_up"):
            return self.state
        return "short" if self.short else "free"


@dataclass(frozen=True, slots=True)
class Inside:
    """A unit that contains pieces of a lot now, and how it stands."""

    unit: str
    order: str
    product: str
    state: str
    step: str
    nc: str | None
    pieces: int
    since: str


def _used(part: Any, lot: Any) -> Any:
    counted = select(func.coalesce(func.sum(Installation.quantity), 0)).where(
        Installation.part == part, Installation.lot == lot, Installation.removed_at.is_(None)
    )
    pieces = select(func.coalesce(func.sum(LotUse.quantity), 0)).where(LotUse.part == part, LotUse.lot == lot)
    return counted.correlate(Lot).scalar_subquery() + pieces.correlate(Lot).scalar_subquery()


def _stock(row: Lot, used: int, today: str, permit: Concession | None) -> Stock:
    still = (permit.remaining, permit.expires) if permit else (None, "")
    known = rules.LotKnown(row.state == "held", row.expires or "", row.receipts > 0, *still)
    return Stock(row, used, rules.left(row.received, used), rules.standing(known, today), permit)


_SPENT: Final = (
    select(Concession.id).where(Concession.id == Lot.concession, Concession.remaining < 1).correlate(Lot).exists()
)


def listed(
    session: Session,
    today: str,
    *,
    show: str = "",
    part: str = "",
    text: str = "",
    page: int = 1,
    size: int | None = PAGE,
) -> Page:
    """Lots as `Stock`, the latest received first.

    Args:
        today: the day at the site, `YYYY-MM-DD`.
        show: one of `SHOWS`; all when empty.
        text: part of a lot's, a supplier's or a part's name.
        size: rows of a page; None: all.
    """
    used = _used(Lot.part, Lot.lot)
    where = _wanted(today, show, part, text, used)
    total = session.scalar(select(func.count()).select_from(Lot).where(where)) or 0
    query = select(Lot, used, Concession).outerjoin(Concession, Concession.id == Lot.concession).where(where)
    query = query.order_by(Lot.received_on.desc().nulls_last(), Lot.part, Lot.lot)
    if size is not None:
        query = query.limit(size).offset((page - 1) * size)
    return Page(tuple(_stock(row, int(count), today, permit) for row, count, permit in session.execute(query)), total)


def _wanted(today: str, show: str, part: str, text: str, used: Any) -> ColumnElement[bool]:
    where: ColumnElement[bool] = Lot.lot.is_not(None)
    expired = and_(Lot.expires.is_not(None), Lot.expires < today)
    if show == "held":
        where = and_(where, Lot.state == "held")
    elif show == "expired":
        where = and_(where, expired)
    elif show == "used_up":
        where = and_(where, _SPENT)
    elif show == "short":
        where = and_(where, Lot.receipts > 0, used > Lot.received)
    elif show == "free":
        where = and_(where, Lot.state != "held", or_(Lot.expires.is_(None), Lot.expires >= today), ~_SPENT)
    if part:
        where = and_(where, Lot.part == part)
    if text:
        columns = (Lot.lot, Lot.part, Lot.supplier, Lot.supplier_lot, Lot.customer)
        where = and_(where, or_(*(c.icontains(text, autoescape=True) for c in columns)))
    return where


def one(session: Session, part: str, lot: str, today: str) -> Stock | None:
    """One lot; of one that is in units and of which nobody has said anything, what is known. None for no lot."""
    used = session.scalar(select(_used(part, lot))) or 0
    row = session.get(Lot, (part, lot))
    if row is None:
        there = select(Installation.id).where(Installation.part == part, Installation.lot == lot).limit(1)
        counted = select(LotUse.order).where(LotUse.part == part, LotUse.lot == lot).limit(1)
        if session.scalar(there) is None and session.scalar(counted) is None:
            return None
        row = Lot(
            part=part, lot=lot, state="free", why="", received=0, receipts=0, received_on=None, supplier="",
            supplier_lot="", owner="ours", customer="", expires=None, concession=None, n=0,
        )  # fmt: skip
    permit = session.get(Concession, row.concession) if row.concession else None
    return _stock(row, int(used), today, permit)


def receipts(session: Session, part: str, lot: str) -> Sequence[Receipt]:
    """The deliveries of a lot, the first one first."""
    mine = select(Receipt).where(Receipt.part == part, Receipt.lot == lot)
    return session.scalars(mine.order_by(Receipt.number)).all()


def inside(session: Session, part: str, lot: str, *, page: int = 1, size: int | None = PAGE) -> Page:
    """The units that contain pieces of the lot now, by serial.

    Args:
        size: rows of a page; None: all.
    """
    there = (
        select(Installation.unit, func.sum(Installation.quantity).label("pieces"))
        .where(Installation.part == part, Installation.lot == lot, Installation.removed_at.is_(None))
        .group_by(Installation.unit)
        .subquery()
    )
    total = session.scalar(select(func.count()).select_from(there)) or 0
    query = (
        select(there.c.unit, there.c.pieces, UnitRow)
        .outerjoin(UnitRow, UnitRow.serial == there.c.unit)
        .order_by(there.c.unit)
    )
    if size is not None:
        query = query.limit(size).offset((page - 1) * size)
    rows = tuple(_inside(unit, int(count), row) for unit, count, row in session.execute(query))
    return Page(rows, total)


def _inside(unit: str, pieces: int, row: UnitRow | None) -> Inside:
    if row is None:
        return Inside(unit, "", "", "", "", None, pieces, "")
    return Inside(unit, row.order, row.product, row.state, row.step, row.nc, pieces, row.since)


@dataclass(frozen=True, slots=True)
class Counted:
    """So many `pieces` of a counted order were made of a lot at a step, and `quantity` of the component is in them."""

    order: str
    customer: str
    product: str
    step: str
    part: str
    lot: str
    pieces: int
    quantity: int
    used_at: str


_COUNTED: Final = (
    select(
        LotUse.order,
        func.coalesce(WorkOrder.customer, "").label("customer"),
        func.coalesce(WorkOrder.product, "").label("product"),
        LotUse.step,
        LotUse.part,
        LotUse.lot,
        LotUse.pieces,
        LotUse.quantity,
        LotUse.used_at,
    )
    .outerjoin(WorkOrder, WorkOrder.id == LotUse.order)
    .order_by(LotUse.order, LotUse.step, LotUse.part, LotUse.used_at, LotUse.lot)
)


def orders_of(session: Session, part: str, lot: str) -> list[Counted]:
    """The counted orders that a lot was used for."""
    found = session.execute(_COUNTED.where(LotUse.part == part, LotUse.lot == lot))
    return [Counted(*row) for row in found]


def lots_of(session: Session, order: str) -> list[Counted]:
    """The lots that a counted order was made of, step by step."""
    return [Counted(*row) for row in session.execute(_COUNTED.where(LotUse.order == order))]


def to_hold(session: Session, part: str, lot: str) -> int:
    """How many units contain the lot and are not blocked."""
    mine = select(Installation.unit).where(
        Installation.part == part, Installation.lot == lot, Installation.removed_at.is_(None)
    )
    free = select(func.count()).where(
        UnitRow.serial.in_(mine), UnitRow.nc.is_(None), UnitRow.state.not_in(("scrapped", "withdrawn"))
    )
    return session.scalar(free) or 0
