"""Orders from a sheet: what the file says, row by row, then all or none. Routes of the blueprint of `web.orders`."""

from __future__ import annotations

from typing import Any, Final

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import lazy_gettext, ngettext

from mes import order_sheet, orders
from mes.domain.reasons import sentence
from mes.order_sheet import Sheet
from mes.orders import ImportRefused
from mes.sheet import MOST_BYTES, MOST_ROWS
from web.auth import actor, role
from web.forms import most_bytes
from web.language import language
from web.order_words import PRIORITIES
from web.orders import blueprint, plan_and_today
from web.site import site

HEADINGS: Final = {
    "order": lazy_gettext("Order number"),
    "product": lazy_gettext("Product"),
    "quantity": lazy_gettext("Quantity"),
    "due": lazy_gettext("Due"),
    "customer": lazy_gettext("Customer"),
    "reference": lazy_gettext("Customer’s reference"),
    "priority": lazy_gettext("Priority"),
    "note": lazy_gettext("Note"),
}


@blueprint.get("/orders/import")
@role("planner", "supervisor")
def sheet() -> str:
    """Which file, and how it has to look."""
    return _page(None)


@blueprint.post("/orders/import")
@role("planner", "supervisor")
@most_bytes(MOST_BYTES + 64 * 1024)
def look_at_sheet() -> Any:
    """With `file`: show what it says. With `seen`, which is what the page has shown: create all of it."""
    here = site()
    sent = request.files.get("file")
    seen = request.form.get("seen", "")
    content = seen.encode() if seen else sent.read(MOST_BYTES + 1) if sent is not None else b""
    with here.reading() as session:
        plan, today, _tz = plan_and_today(here, session)
        if plan is None:
            abort(409)
        found = order_sheet.read(content, plan, taken=orders.taken(session))
    if found.problems or not seen:
        return _page(found), 422 if found.problems else 200
    who, pattern = actor(), plan.plant.order_pattern
    try:
        made = here.do(
            lambda session, now: orders.create_all(session, found.rows, pattern, now=now, today=today, actor=who)
        )
    except ImportRefused as error:
        flash(error.answer.say(language()), "stop")
        return _page(found), 409
    flash(ngettext("%(num)s order is planned.", "%(num)s orders are planned.", len(made)), "go")
    return redirect(url_for("orders.index"))


def _page(found: Sheet | None) -> str:
    said = [(p, *sentence(p.reason, p.args, language())) for p in found.problems] if found else []
    return render_template(
        "order_import.html",
        sheet=found,
        seen=order_sheet.written(found.rows) if found and not found.problems else "",
        said=said,
        headings=HEADINGS,
        priorities=PRIORITIES,
        most=MOST_ROWS,
        names=order_sheet.COLUMNS,
    )
