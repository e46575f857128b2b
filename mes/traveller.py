"""The traveller: the paper that goes with an order, with the codes of the order and of its steps.

It must not know HTTP.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from babel.dates import format_date
from sqlalchemy.orm import Session

from mes import codes
from mes.db.tables import WorkOrder
from mes.domain.barcode import Kind, write
from mes.domain.label import Symbology
from mes.domain.route import Product
from mes.i18n import N_, translator
from mes.labels import Sheet, copy_mark, file_name, plan_of, printed_on, record
from mes.orders import Answer

STEP_WIDTH: Final = 64.0  # mm for the code of a step


def traveller(
    session: Session, order: str, *, now: datetime, language: str = "en", actor: str | None = None
) -> Sheet | Answer:
    """The paper that goes with an order; an order whose number no code of ours can say is printed without, and says so.

    Returns:
        The sheet, recorded; or why nothing was: `unknown_order`, `no_plan`.
    """
    say = translator(language).gettext
    row = session.get(WorkOrder, order)
    if row is None:
        return Answer(False, "unknown_order", {"order": order})
    plan = plan_of(session, row)
    product = plan.product(row.product) if plan else None
    if plan is None or product is None:
        return Answer(False, "no_plan", {})
    body = {"template": "traveller", "order": order, "symbology": "qr"}
    copies = record(session, [body], now=now, actor=actor)
    if isinstance(copies, Answer):
        return copies
    code, foot = _own("order", order), say(N_("Order %(order)s · printed on %(day)s"))
    facts = [
        (say(N_("Customer")), row.customer),
        (say(N_("Due")), _day(row.due, language)),
        (say(N_("Plan")), row.revision),
    ]
    stations = {s.id: s.name.to(language) for s in plan.stations}
    own = step_codes(product)
    last_column = say(N_("Code of the step") if own else N_("Noted"))
    data = {
        "title": say(N_("Traveller of %(order)s")) % {"order": order},
        "language": language,
        "order": order,
        "again": copy_mark(copies[0], language),
        "quantity": row.quantity,
        "product": f"{product.name.to(language)} ({product.id})",
        "facts": [(name, str(value)) for name, value in facts if value],
        "note": row.note,
        "code": code or "",
        "why": say(N_("This order number cannot stand in a bar code: only A-Z, 0-9 and dashes can.")),
        "square": _picture(code, "qr", 30, 30, order) if code else None,
        "bars": _picture(code, "code128", 170, 14, order) if code else None,
        "route": say(N_("Route")),
        "head": [say(N_("No.")), say(N_("Step")), say(N_("Station")), last_column],
        "steps": [
            {
                "number": number,
                "id": step.id,
                "name": step.name.to(language),
                "stations": ", ".join(stations.get(s, s) for s in step.stations),
                "station_ids": ", ".join(step.stations),
                "code": _picture(own[step.id], "code128", STEP_WIDTH, 8, step.id) if step.id in own else None,
                "text": own.get(step.id, ""),
            }
            for number, step in enumerate(product.steps, 1)
        ],
        "foot": foot % {"order": order, "day": printed_on(plan, now, language)},
    }
    return Sheet("traveller", data, file_name("traveller", order))


def step_codes(product: Product) -> dict[str, str]:
    """The own code of each step that can have one: as a bench reads it, in capitals and of no other step.

    Only a counted order needs them, at a station that does several of its steps: a serial knows its step.
    """
    if product.tracking == "serial":
        return {}
    said = [step.id.upper() for step in product.steps]
    found = {step.id: _own("step", step.id.upper()) for step in product.steps if said.count(step.id.upper()) == 1}
    fits = {step: code for step, code in found.items() if code}
    return {s: c for s, c in fits.items() if codes.readable(c, "code128", width=STEP_WIDTH) is None}


def _day(text: str | None, language: str) -> str:
    return str(format_date(date.fromisoformat(text), "long", locale=language)) if text else ""


def _own(kind: Kind, value: str) -> str | None:
    """An own code; None when it cannot say the value."""
    try:
        return write(kind, value)
    except ValueError:
        return None


def _picture(text: str, symbology: Symbology, width: float, height: float, alt: str) -> dict[str, Any]:
    drawn = codes.draw(text, symbology, width=width, height=height)
    return {"svg": drawn.svg, "width": drawn.width, "height": drawn.height, "alt": alt}
