"""Labels and papers in the office: what a planner or a supervisor prints comes as a PDF to download.

HTTP in, a use case, a PDF out. It is typeset after the commit. What may stand on a label is `mes.labels`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Literal, cast

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import label_defaults, printing, revisions, typeset
from mes import labels as verbs
from mes.control_sheet import control as control_sheet
from mes.db.tables import UnitRow
from mes.domain.label import Label
from mes.domain.label_paper import ROLLS, SHEETS
from mes.domain.printer import Printer
from mes.orders import Answer
from mes.traveller import traveller as traveller_of
from web.auth import actor, role
from web.forms import ident, whole_number
from web.language import language, tell
from web.site import site

blueprint = Blueprint("labels", __name__, url_prefix="/labels")


@blueprint.app_context_processor
def _papers() -> dict[str, Any]:
    return {
        "label_sheets": tuple(SHEETS.values()),
        "label_rolls": ROLLS,
        "label_printers": _printers,
        "label_preferred": preferred,
    }


def _printers() -> tuple[Printer, ...]:
    with site().reading() as session:
        return printing.printers(session)


def preferred(order: str = "", least: str = "", usual: str = "") -> str:
    """What a page shows as chosen: the printer that the plan means, the usual roll, the site's sheet."""
    with site().reading() as session:
        found = label_defaults.printer(session, order, least=least)
        return f"{PRINTER}{found.id}" if found is not None else usual or label_defaults.sheet(session)


PRINTER: Final = "printer:"
MOST_UNITS: Final = 1_000_000


@blueprint.post("/units")
@role("planner", "supervisor")
def units() -> Any:
    """Labels of an order's units, all or from one to another."""
    order, who, said = ident("order"), actor(), language()
    on, symbology = ident("paper"), wanted_symbology()
    numbers = {name: whole_number(request.form.get(name) or "1", MOST_UNITS) for name in ("first", "skip")}
    last = whole_number(text, MOST_UNITS) if (text := request.form.get("last", "").strip()) else MOST_UNITS
    if numbers["first"] is None or numbers["skip"] is None or last is None:
        flash(_("Give a whole number from 1 to %(most)s.", most=MOST_UNITS), "stop")
        return redirect(url_for("orders.show", order=order))
    start = numbers["first"]
    if (printer := printer_of(on)) is not None:
        return queued(
            lambda session: verbs.unit_labels(
                session, order, symbology=symbology, first=start, last=last, language=said
            ),
            printer,
            url_for("orders.show", order=order),
        )
    made = site().do(
        lambda session, now: verbs.units(
            session,
            order,
            now=now,
            on=on,
            symbology=symbology,
            first=start,
            last=last,
            skip=cast(int, numbers["skip"]) - 1,
            language=said,
            actor=who,
        )
    )
    return sent(made, url_for("orders.show", order=order))


@blueprint.post("/unit")
@role("planner", "supervisor")
def unit() -> Any:
    """The label of one unit."""
    serial, who, said = ident("unit"), actor(), language()
    on, symbology = ident("paper"), wanted_symbology()
    with site().reading() as session:
        order = session.scalar(select(UnitRow.order).where(UnitRow.serial == serial))
    if order is None:
        abort(404)
    if (printer := printer_of(on)) is not None:
        return queued(
            lambda session: verbs.unit_labels(session, order, symbology=symbology, serials=[serial], language=said),
            printer,
            url_for("units.show", serial=serial),
        )
    made = site().do(
        lambda session, now: verbs.units(
            session, order, now=now, on=on, symbology=symbology, serials=[serial], language=said, actor=who
        )
    )
    return sent(made, url_for("units.show", serial=serial))


@blueprint.post("/hold")
@role("quality", "planner", "supervisor")
def hold() -> Any:
    """The label that says where a unit stands with its nonconformity."""
    serial, on, who, said = ident("unit"), ident("paper"), actor(), language()
    if (printer := printer_of(on)) is not None:

        def one(session: Session) -> list[Label] | Answer:
            made = verbs.hold_label(session, serial, language=said)
            return made if isinstance(made, Answer) else [made]

        return queued(one, printer, url_for("units.show", serial=serial))
    made = site().do(lambda session, now: verbs.hold(session, serial, now=now, on=on, language=said, actor=who))
    return sent(made, url_for("units.show", serial=serial))


@blueprint.post("/traveller")
@role("planner", "supervisor")
def traveller() -> Any:
    """The paper that goes with an order."""
    order, who, said = ident("order"), actor(), language()
    made = site().do(lambda session, now: traveller_of(session, order, now=now, language=said, actor=who))
    return sent(made, url_for("orders.show", order=order))


@blueprint.get("/control")
@role("planner", "supervisor")
def control() -> Any:
    """The codes that lie at every bench."""
    with site().reading() as session:
        plan = revisions.latest_plan(session)
    if plan is None:
        abort(404)
    return _pdf(control_sheet(plan, now=site().clock(), language=language()))


def printer_of(paper: str) -> str | None:
    """The label printer that a form has chosen in place of a paper."""
    return paper.removeprefix(PRINTER) if paper.startswith(PRINTER) else None


def queued(make: Callable[[Session], list[Label] | Answer], printer: str, back: str) -> Any:
    """Labels into a printer's queue."""
    who, said = actor(), language()

    def use_case(session: Session, now: datetime) -> Answer:
        made = make(session)
        if isinstance(made, Answer):
            return made
        return printing.queue(session, made, printer, now=now, language=said, actor=who)

    answer = site().do(use_case)
    if answer.reason in ("unknown_order", "unknown_unit"):
        abort(404)
    tell(answer, _("%(count)s labels wait for printer %(printer)s.", **answer.args) if answer.done else "")
    return redirect(back)


def wanted_symbology() -> Literal["code128", "qr"]:
    """Bars or a square, as the form says."""
    return "qr" if request.form.get("symbology") == "qr" else "code128"


def sent(made: verbs.Sheet | Answer, back: str) -> Any:
    """The paper as a download; or, where it may not be, the page before with the reason."""
    if isinstance(made, Answer):
        if made.reason in ("unknown_order", "unknown_unit"):
            abort(404)
        tell(made, "")
        return redirect(back)
    return _pdf(made)


def _pdf(sheet: verbs.Sheet) -> Response:
    response = Response(typeset.pdf(sheet.template, sheet.data, now=site().clock()), mimetype="application/pdf")
    response.headers.set("Content-Disposition", "attachment", filename=sheet.name)
    return response
