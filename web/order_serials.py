"""The customer's serials of an order: a sheet or a pasted list is shown first, then all are given or none.

Routes of the blueprint of `web.orders`; what may be given stands in `mes.fold_serials`.
"""

from __future__ import annotations

from typing import Any, Final

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from sqlalchemy.orm import Session

from mes import orders, serial_sheet
from mes.db.tables import WorkOrder
from mes.domain.reasons import sentence
from mes.serial_sheet import SerialSheet
from mes.sheet import MOST_BYTES
from mes.wire import MOST_SERIALS
from web.auth import actor, role
from web.forms import ident, most_bytes
from web.language import language, tell
from web.orders import blueprint, plan_and_today
from web.site import site

HEADINGS: Final = {"serial": lazy_gettext("Serial number")}
SHOWN: Final = 200


@blueprint.get("/orders/serials/<path:order>")
@role("planner", "supervisor")
def serials(order: str) -> str:
    """The list that the order has, and the form for one."""
    return _page(order, None)


@blueprint.post("/orders/serials/<path:order>")
@role("planner", "supervisor")
@most_bytes(MOST_BYTES + 64 * 1024)
def look_at_serials(order: str) -> Any:
    """With `file` or `pasted`: show what it says. With `seen`, which is what the page has shown: give all of it."""
    here, who = site(), actor()
    sent, seen, pasted = request.files.get("file"), request.form.get("seen", ""), request.form.get("pasted", "")
    content = (seen or pasted).encode()
    if not content.strip() and sent is not None:
        content = sent.stream.read(MOST_BYTES + 1)
    with here.reading() as session:
        row = _order(session, order)
        found = serial_sheet.read(
            content, row.id, row.quantity, taken=lambda given: orders.serials_in_use(session, row.id, given)
        )
    if found.problems or not seen:
        return _page(order, found, pasted), 422 if found.problems else 200
    answer = here.do(lambda session, now: orders.give_serials(session, order, found.serials, now=now, actor=who))
    if not answer.done:
        flash(answer.say(language()), "stop")
        return _page(order, found), 409
    number = len(found.serials)
    said = ngettext(
        "%(order)s has %(num)s serial number.", "%(order)s has %(num)s serial numbers.", number, order=order
    )
    flash(said, "go")
    return redirect(url_for("orders.serials", order=order))


@blueprint.post("/orders/serials-back")
@role("planner", "supervisor")
def take_serials_back() -> Any:
    """Take the list away: until another one is given, the release makes serials by the product's pattern."""
    order, who = ident("order"), actor()
    answer = site().do(lambda session, now: orders.take_serials_back(session, order, now=now, actor=who))
    tell(answer, _("%(order)s: The serial numbers were taken back.", order=order))
    return redirect(url_for("orders.show", order=order) if order else url_for("orders.index"))


def _order(session: Session, order: str) -> WorkOrder:
    """An order that can be given a list: planned, and of a product whose units have serials; 404 for any other."""
    row = session.get(WorkOrder, order)
    plan, _today, _tz = plan_and_today(site(), session)
    product = plan.product(row.product) if plan is not None and row is not None else None
    if row is None or product is None or row.state != "planned" or product.tracking != "serial":
        abort(404)
    return row


def _page(order: str, found: SerialSheet | None, pasted: str = "") -> str:
    with site().reading() as session:
        row = _order(session, order)
        return render_template(
            "order_serials.html",
            row=row,
            given=orders.serials_of_list(session, order),
            sheet=found,
            pasted=pasted[:100_000] if found and found.problems else "",
            seen=serial_sheet.written(found.serials) if found and not found.problems else "",
            said=[(p, *sentence(p.reason, p.args, language())) for p in found.problems] if found else [],
            headings=HEADINGS,
            names={"serial": serial_sheet.HEADINGS},
            most=MOST_SERIALS,
            shown=SHOWN,
        )
