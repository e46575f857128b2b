"""Labels and papers: which codes stand on them, what of them is recorded, and which copy each is.

One function a paper: it looks whether every code reads back, records what is printed, and returns what the template
shows; the caller commits and typesets then, so that the count of copies is never too low. It must not know HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mes import codes, ledger, revisions, wire
from mes.db.tables import PlanRevision, UnitRow, WorkOrder
from mes.domain.barcode import Plain, read, write
from mes.domain.label_paper import SHEETS, Paper, paper
from mes.domain.route import Plan
from mes.i18n import N_, translator
from mes.orders import Answer, new_id
from mes.typeset import Template

Symbology = Literal["code128", "qr"]
MOST: Final = 1_000  # labels at once: one transaction, and about a second of typesetting
_WORDS: Final = 9.0  # mm that the lines over and under the bars take
_DIGIT: Final = 0.61  # width of a character of the fixed-width font, in its size


@dataclass(frozen=True, slots=True)
class Sheet:
    """A paper that may be made: its template, what the template shows, and its file's name."""

    template: Template
    data: dict[str, Any]
    name: str


def units(
    session: Session,
    order: str,
    *,
    now: datetime,
    on: str,
    symbology: Symbology = "code128",
    serials: Sequence[str] | None = None,
    first: int = 1,
    last: int | None = None,
    skip: int = 0,
    language: str = "en",
    actor: str | None = None,
) -> Sheet | Answer:
    """Labels for the units of an order.

    Args:
        on: a sheet of `SHEETS`, or the size of a roll's labels in mm (`57x32`).
        serials: these units; None: all that are wanted, or from the `first` to the `last`, counted from 1 by serial.
        skip: places of the first sheet that are used up already.

    Returns:
        The sheet, recorded; or why nothing was: `unknown_order`, `unknown_unit`, `code_wide` and the like.
    """
    row, where = session.get(WorkOrder, order), paper(on)
    if row is None:
        return Answer(False, "unknown_order", {"order": order})
    if where is None:
        return Answer(False, "code_paper", {"text": on or "–", "known": ", ".join(SHEETS)})
    wanted = select(UnitRow.serial).where(UnitRow.order == order)
    if serials is None:
        wanted = wanted.where(UnitRow.state != "withdrawn")
    else:
        wanted = wanted.where(UnitRow.serial.in_(list(serials)[: MOST + 1]))
    there = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    count = max(0, min(there, last or there) - first + 1)
    if count > MOST:
        return Answer(False, "too_many_labels", {"count": count, "most": MOST})
    chosen = list(session.scalars(wanted.order_by(UnitRow.serial).offset(first - 1).limit(count)))
    plan = plan_of(session, row)
    product = plan.product(row.product) if plan else None
    if serials is not None and (missing := next((s for s in serials if s not in set(chosen)), None)) is not None:
        return Answer(False, "unknown_unit", {"unit": missing})
    if there and not chosen:
        return Answer(False, "no_such_units", {"order": order, "count": there})
    if not chosen:
        lot = product is not None and product.tracking == "lot"
        return Answer(False, "no_units_lot" if lot else "no_units", {"order": order})
    for serial in chosen:
        if (why := unfit(serial, symbology, where)) is not None:
            return Answer(False, why, {"text": serial})
    body = {"template": "unit", "order": order, "symbology": symbology, "paper": on}
    copies = _record(session, [{**body, "unit": serial} for serial in chosen], now=now, actor=actor)
    if isinstance(copies, Answer):
        return copies
    printed = list(zip(chosen, copies, strict=True))
    name = product.name.to(language) if product else row.product
    return sheet_of(printed, where, symbology, product=name, order=order, skip=skip, language=language)


def sheet_of(
    printed: Sequence[tuple[str, int]],
    where: Paper,
    symbology: Symbology,
    *,
    product: str,
    order: str,
    skip: int = 0,
    language: str = "en",
) -> Sheet:
    """Labels of serials that `unfit` has nothing against, each with the number of its copy."""
    made = [
        _label(serial, copy, where, symbology, name=product, order=order, language=language) for serial, copy in printed
    ]
    title = translator(language).gettext(N_("Labels of %(order)s")) % {"order": order}
    shown = {
        "title": title,
        "language": language,
        "paper": asdict(where),
        "skip": skip % where.places,
        "labels": made,
    }
    return Sheet("units", shown, _file("labels", order))


def unfit(serial: str, symbology: Symbology, where: Paper) -> codes.Unfit | Literal["code_other"] | None:
    """Why a unit's serial cannot stand on this paper as a code; None when it can."""
    width, _height = _room(where, symbology)
    if (why := codes.readable(serial, symbology, width=width)) is not None:
        return why
    return None if read(serial) == Plain(serial) else "code_other"


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
    copies = _record(session, [body], now=now, actor=actor)
    if isinstance(copies, Answer):
        return copies
    code, foot = _own("order", order), say(N_("Order %(order)s · printed on %(day)s"))
    facts = [
        (say(N_("Customer")), row.customer),
        (say(N_("Due")), _day(row.due, language)),
        (say(N_("Plan")), row.revision),
    ]
    stations = {s.id: s.name.to(language) for s in plan.stations}
    data = {
        "title": say(N_("Traveller of %(order)s")) % {"order": order},
        "language": language,
        "order": order,
        "again": _again(copies[0], language),
        "quantity": row.quantity,
        "product": f"{product.name.to(language)} ({product.id})",
        "facts": [(name, str(value)) for name, value in facts if value],
        "note": row.note,
        "code": code or "",
        "why": say(N_("This order number cannot stand in a bar code: only A-Z, 0-9 and dashes can.")),
        "square": _picture(code, "qr", 30, 30, order) if code else None,
        "bars": _picture(code, "code128", 170, 14, order) if code else None,
        "route": say(N_("Route")),
        "head": [say(N_("No.")), say(N_("Step")), say(N_("Station")), say(N_("Noted"))],
        "steps": [
            {
                "number": number,
                "id": step.id,
                "name": step.name.to(language),
                "stations": ", ".join(stations.get(s, s) for s in step.stations),
                "station_ids": ", ".join(step.stations),
            }
            for number, step in enumerate(product.steps, 1)
        ],
        "foot": foot % {"order": order, "day": printed_on(plan, now, language)},
    }
    return Sheet("traveller", data, _file("traveller", order))


def plan_of(session: Session, order: WorkOrder) -> Plan | None:
    """The plan that an order was released with; the latest one before its release."""
    digest = session.scalar(select(PlanRevision.hash).where(PlanRevision.revision == order.revision))
    return revisions.plan_of(session, order.revision, digest) if digest else revisions.latest_plan(session)


def _record(
    session: Session, bodies: Sequence[dict[str, Any]], *, now: datetime, actor: str | None
) -> list[int] | Answer:
    """One event a label; which copy each is."""
    entries = [
        ledger.office_entry("LabelPrinted", wire.LabelPrinted(**b), event_id=new_id(), actor=actor, now=now)
        for b in bodies
    ]
    judged = ledger.record(session, entries, keep_refused=False)
    for each in judged:
        if each.status != "recorded":
            raise RuntimeError(f"LabelPrinted: {each.args.get('why', each.status)}")
        if each.verdict != "accepted":
            return Answer(False, each.reason, each.args)
    return [int(each.args["copy"]) for each in judged]


def _room(where: Paper, symbology: Symbology) -> tuple[float, float]:
    """Width and height for the code on a label, in mm."""
    width, height = where.width - 2 * where.inset, where.height - 2 * where.inset
    return (width, height - _WORDS) if symbology != "qr" else (min(height, width / 2),) * 2


def _label(
    serial: str, copy: int, where: Paper, symbology: Symbology, *, name: str, order: str, language: str
) -> dict[str, Any]:
    width, height = _room(where, symbology)
    drawn = codes.draw(serial, symbology, width=width, height=height)
    beside = where.width - 2 * where.inset - (drawn.width + 1.5 if symbology == "qr" else 14 * (copy > 1))
    return {
        "symbology": symbology,
        "svg": drawn.svg,
        "code_width": drawn.width,
        "code_height": drawn.height,
        "alt": serial,
        "text": serial,
        "size": min(3.4, beside / (len(serial) * _DIGIT)),
        "product": name,
        "order": order,
        "again": _again(copy, language),
    }


def _file(what: str, order: str) -> str:
    return f"{what}-{re.sub('[^A-Za-z0-9._-]', '_', order)}.pdf"


def printed_on(plan: Plan, now: datetime, language: str) -> str:
    """The plant's date, as a person writes it."""
    return str(format_date(now.astimezone(ZoneInfo(plan.plant.timezone)), "long", locale=language))


def _day(text: str | None, language: str) -> str:
    return str(format_date(date.fromisoformat(text), "long", locale=language)) if text else ""


def _again(copy: int, language: str) -> str:
    return translator(language).gettext(N_("copy %(number)s")) % {"number": copy} if copy > 1 else ""


def _own(kind: Literal["order", "defect"], value: str) -> str | None:
    """An own code; None when it cannot say the value."""
    try:
        return write(kind, value)
    except ValueError:
        return None


def _picture(text: str, symbology: Symbology, width: float, height: float, alt: str) -> dict[str, Any]:
    drawn = codes.draw(text, symbology, width=width, height=height)
    return {"svg": drawn.svg, "width": drawn.width, "height": drawn.height, "alt": alt}
