"""What a scanned or typed text means in the office: its order, unit, carton, or what contains it.

Reads rows; decides nothing, and knows nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mes.db.tables import CartonRow, Installation, LotUse, Nonconformity, UnitRow, WorkOrder
from mes.domain import barcode, sscc
from mes.domain.barcode import CartonCode, OrderCode, Plain
from mes.domain.supplier_label import ComponentLabel, Gs1

MOST: Final = 200
Kind = Literal["order", "unit", "nc", "carton", "inside"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing: what it is, its id (for `inside`: the unit that contains it), and what was found in the unit."""

    kind: Kind
    id: str
    part: str = ""
    number: str = ""
    removed: bool = False


def find(session: Session, text: str) -> list[Hit]:
    """Everything whose own number the text is, at most `MOST` things; a component in a unit by its serial or lot.

    Args:
        text: as a scanner sends it or somebody types it, with or without the frame of an own code.
    """
    if (carton := carton_number(text)) and session.get(CartonRow, carton) is not None:
        return [Hit("carton", carton)]
    orders, others = _numbers(text)
    hits = [Hit("order", i) for i in session.scalars(select(WorkOrder.id).where(WorkOrder.id.in_(orders)))]
    if others:
        units = session.scalars(select(UnitRow.serial).where(UnitRow.serial.in_(others)))
        hits += [Hit("unit", i) for i in units]
        hits += [Hit("nc", i) for i in session.scalars(select(Nonconformity.id).where(Nonconformity.id.in_(others)))]
        inside = (
            select(Installation)
            .where(or_(Installation.serial.in_(others), Installation.lot.in_(others)))
            .order_by(Installation.unit, Installation.part, Installation.installed_at)
            .limit(MOST)
        )
        found = [
            Hit("inside", r.unit, r.part, r.serial or r.lot or "", r.removed_at is not None)
            for r in session.scalars(inside)
        ]
        hits += dict.fromkeys(found)
        counted = select(LotUse.order).where(LotUse.lot.in_(others)).distinct().order_by(LotUse.order).limit(MOST)
        hits += [Hit("order", i) for i in session.scalars(counted) if Hit("order", i) not in hits]
    return hits[:MOST]


def only(hits: Sequence[Hit]) -> Hit | None:
    """The one thing that was meant, where there is but one."""
    return hits[0] if len({("unit" if h.kind == "inside" else h.kind, h.id) for h in hits}) == 1 else None


def carton_number(text: str) -> str:
    """The SSCC that a label or somebody says, in groups or not; empty where it is none."""
    said = barcode.read(text)
    found = said.sscc if isinstance(said, Gs1) else said.id if isinstance(said, CartonCode) else text
    digits = "".join((found or "").split())
    return digits if sscc.valid(digits) else ""


def _numbers(text: str) -> tuple[list[str], list[str]]:
    """What may be an order number, and what may be any other number."""
    said = barcode.read(text)
    if isinstance(said, OrderCode):
        return _spelt(said.id), []
    if isinstance(said, Plain):
        return _spelt(said.text), _spelt(said.text)
    if isinstance(said, Gs1 | ComponentLabel):  # the whole text, too: a serial may look like GS1 data by accident
        return [], [n for n in dict.fromkeys((said.serial, said.lot, said.text)) if n]
    return [], []


def _spelt(text: str) -> list[str]:
    return list(dict.fromkeys((text, text.upper())))
