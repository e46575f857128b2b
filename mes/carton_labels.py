"""The label of a carton or pallet: the SSCC in GS1-128, and over it what is inside, as a person and a scanner read it.

It must not know paper, HTTP, or how a number is drawn.

Source: GS1 General Specifications, 3.2 (AI 00), 3.3.3 (02 and 37 together), 3.9.1 (400), 3.6.1 (3303: gross kg).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import labels, packing
from mes.db.tables import CartonRow, WorkOrder
from mes.domain.label import Label
from mes.domain.route import CartonHolding
from mes.domain.sscc import DEMONSTRATION, spaced
from mes.i18n import N_, translator
from mes.labels import Sheet
from mes.orders import Answer

MOST_KG = 999.999
ROLL = "100x50"
"""The label that a carton gets when nobody says another."""


def elements(session: Session, row: CartonRow) -> str:
    """What the code says, as element strings: the SSCC, and of a closed carton its content, gross weight and order."""
    text = f"00{row.sscc}"
    if row.state != "closed":
        return text
    rule = packing.rule_of(session, row)
    gtin = rule.gtin if isinstance(rule, CartonHolding) else None
    if row.weight_g is not None and row.weight_g / 1000 <= MOST_KG:
        text += f"3303{round(row.weight_g):06}"
    if gtin is not None and row.level == "carton":
        text += f"02{gtin}37{row.have}"
    return text


def label_of(session: Session, row: CartonRow, *, language: str = "en") -> Label:
    """The label of a carton, as it is now."""
    say = translator(language).gettext
    order = session.get(WorkOrder, row.order) if row.order else None
    plan = labels.plan_of(session, order) if order else None
    product = plan.product(row.product or "") if plan else None
    lines = [row.customer] if row.customer else []
    if row.state == "closed":
        inside = say(N_("Inside: %(count)s")) % {"count": row.have}
        weight = f" · {row.weight_g / 1000:.3f} kg" if row.weight_g is not None else ""
        lines += [" · ".join(filter(None, [product.name.to(language) if product else row.product, inside])) + weight]
    if order is not None and order.reference:
        lines += [say(N_("Your order: %(reference)s")) % {"reference": order.reference}]
    if row.sscc[1:].startswith(DEMONSTRATION):
        lines += [say(N_("Specimen: the GS1 prefix 952 is for demonstrations only"))]
    head = say(N_("Pallet")) if row.level == "pallet" else say(N_("Carton"))
    return Label(
        "carton",
        row.sscc,
        elements(session, row),
        "gs1-128",
        head=head,
        aside=row.order or "",
        words=f"(00) {spaced(row.sscc)}",
        lines=tuple(lines),
        order=row.order or "",
        check=False,
    )


def of_numbers(session: Session, numbers: Sequence[str], *, language: str = "en") -> list[Label] | Answer:
    """Labels for these cartons, in this order; nothing is recorded yet.

    Returns:
        The labels; or `unknown_carton`, `too_many_labels`.
    """
    if len(numbers) > labels.MOST:
        return Answer(False, "too_many_labels", {"count": len(numbers), "most": labels.MOST})
    found = {r.sscc: r for r in session.scalars(select(CartonRow).where(CartonRow.sscc.in_(list(numbers))))}
    missing = next((n for n in numbers if n not in found), None)
    if missing is not None or not numbers:
        return Answer(False, "unknown_carton", {"carton": missing or "–"})
    return [label_of(session, found[n], language=language) for n in numbers]


def closed_of(session: Session, *, order: str = "", pallet: str = "") -> list[str] | Answer:
    """The numbers of the closed cartons of an order, or those on a pallet and then its own, if it is closed.

    Returns:
        At least one; or `unknown_order`, `unknown_carton`, `no_closed_cartons`.
    """
    if order:
        if session.get(WorkOrder, order) is None:
            return Answer(False, "unknown_order", {"order": order})
        numbers = [r.sscc for r in packing.in_order(session, order) if r.state == "closed"]
    else:
        own = packing.find(session, pallet)
        if own is None or own.level != "pallet":
            return Answer(False, "unknown_carton", {"carton": pallet or "–"})
        inner = [c.inner for c in packing.contents(session, pallet) if c.inner]
        on_it = select(CartonRow.sscc).where(CartonRow.sscc.in_(inner), CartonRow.state == "closed")
        numbers = [*session.scalars(on_it.order_by(CartonRow.sscc)), *([own.sscc] if own.state == "closed" else [])]
    return numbers or Answer(False, "no_closed_cartons", {"text": order or pallet})


def printed(
    session: Session,
    numbers: Sequence[str],
    *,
    now: datetime,
    on: str = ROLL,
    skip: int = 0,
    language: str = "en",
    actor: str | None = None,
) -> Sheet | Answer:
    """Labels of these cartons as a file, counted and marked when they are copies."""
    made = of_numbers(session, numbers, language=language)
    if isinstance(made, Answer):
        return made
    title = translator(language).gettext(N_("Labels of cartons"))
    return labels.printed(
        session, made, now=now, on=on, title=title, name=numbers[0], skip=skip, language=language, actor=actor
    )
