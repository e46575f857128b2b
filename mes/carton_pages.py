"""What is read of cartons and pallets for a page: the list, what one should weigh, what a scan means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mes import packing
from mes.db.tables import CartonRow, Instrument, UnitRow, WorkOrder
from mes.domain import barcode
from mes.domain import packing as rules
from mes.domain.barcode import OrderCode, Plain
from mes.domain.route import CartonHolding
from mes.domain.supplier_label import ComponentLabel, Gs1
from mes.find import carton_number
from mes.i18n import N_
from mes.measured import PAGE, Page
from mes.packing import Content, Wanted

STATES: Final[dict[str, tuple[str, str]]] = {
    "new": ("idle", N_("number only")),
    "open": ("wait", N_("open")),
    "closed": ("go", N_("sealed")),
    "held": ("stop", N_("blocked")),
}
"""State → tone and English word; translated when it is shown."""
GONE: Final = ("idle", N_("has left"))


def shown(row: CartonRow) -> str:
    """What to see to first: a held carton is held, whatever else it is."""
    return "held" if row.held else row.state


def listed(session: Session, wanted: Wanted, *, page: int = 1) -> Page:
    """Cartons as rows, what changed last first."""
    total = session.scalar(select(func.count()).select_from(CartonRow).where(*packing.where(wanted))) or 0
    return Page(tuple(packing.listed(session, wanted, most=PAGE, skip=(page - 1) * PAGE)), total)


def expected(session: Session, row: CartonRow, inside: tuple[Content, ...]) -> tuple[float, float] | None:
    """The lightest and the heaviest that it may weigh with all that is in it, in grams; None: nothing is asked."""
    rule = packing.rule_of(session, row)
    if rule is None:
        return None
    if row.level == "pallet":
        on_it = select(CartonRow.sscc, CartonRow.weight_g).where(CartonRow.sscc.in_([c.thing for c in inside]))
        weights = {found.sscc: found.weight_g for found in session.execute(on_it)}
        return rules.weight([(c.quantity, weights.get(c.thing)) for c in inside], rule)
    net = rule.net_g if isinstance(rule, CartonHolding) else None
    return rules.weight([(c.quantity, net) for c in inside], rule)


def scales(session: Session) -> list[Instrument]:
    """The instruments in use, of which one may be the scale."""
    return list(session.scalars(select(Instrument).where(Instrument.state == "in_use").order_by(Instrument.id)))


def meant(session: Session, text: str) -> str:
    """What a scan or a typed text names: an SSCC, an order or a serial, as it is kept.

    Returns:
        At most 64 printable characters; empty for what can be none of them.
    """
    if carton := carton_number(text):
        return carton
    said = barcode.read(text)
    if isinstance(said, OrderCode | Plain):
        found = said.id if isinstance(said, OrderCode) else said.text
    else:
        found = (said.serial or "") if isinstance(said, Gs1 | ComponentLabel) else ""
    if not found or len(found) > 64 or not found.isprintable():
        return ""
    spelt = (found, found.upper())
    known = (n for n in spelt if session.get(UnitRow, n) is not None or session.get(WorkOrder, n) is not None)
    return next(known, found)


@dataclass(frozen=True, slots=True)
class Packing:
    """How an order is packed: its cartons by state, and how many finished units are in none."""

    cartons: tuple[CartonRow, ...]
    states: dict[str, int]
    unpacked: int


def of_order(session: Session, order: str) -> Packing | None:
    """The cartons of an order; None while it has none and nothing is there to pack."""
    cartons = packing.in_order(session, order)
    states: dict[str, int] = {}
    for row in cartons:
        states[shown(row)] = states.get(shown(row), 0) + 1
    left = packing.unpacked_units(session, order)
    return Packing(cartons, states, left) if cartons or left else None
