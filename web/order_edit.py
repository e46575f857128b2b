"""Changing, splitting and closing an order in the office. Routes of the blueprint of `web.orders`; no rule here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from mes import orders as verbs
from mes.db.tables import WorkOrder
from mes.domain import orders as life
from mes.orders import Answer
from web.auth import actor, role
from web.forms import ident, whole_number
from web.language import language, tell
from web.order_words import PRIORITIES
from web.orders import FIELDS, MOST, blueprint, plan_and_today, values_of, wrong_values
from web.site import site


@blueprint.get("/orders/change/<path:order>")
@role("planner", "supervisor")
def change(order: str) -> Any:
    """The form with the order as it is."""
    row = _row(order)
    values = {name: str(getattr(row, name) or "") for name in FIELDS}
    return _form(row, values, {})


@blueprint.post("/orders/change/<path:order>")
@role("planner", "supervisor")
def change_it(order: str) -> Any:
    """Change what is different in the form, or show it again with what is missing."""
    row = _row(order)
    values = values_of(FIELDS)
    why = request.form.get("why", "").strip()[:500]
    wrong = wrong_values(values)
    if not why:
        wrong["why"] = _("Say why, so that everybody understands.")
    if wrong:
        return _form(row, {**values, "why": why}, wrong), 422
    given: dict[str, Any] = {name: values[name] for name in ("customer", "reference", "note")}
    given |= {"quantity": int(values["quantity"]), "priority": int(values["priority"])}
    given["due"] = date.fromisoformat(values["due"]) if values["due"] else ""
    who = actor()
    answer = site().do(lambda session, now: verbs.amend(session, order, now=now, why=why, actor=who, **given))
    if not answer.done:
        return _form(row, {**values, "why": why}, {"quantity": answer.say(language())}), 409
    flash(_("Order %(order)s is changed.", order=order), "go")
    return redirect(url_for("orders.show", order=order))


def _row(order: str) -> WorkOrder:
    with site().reading() as session:
        row = session.get(WorkOrder, order)
        if row is None or life.after("OrderAmended", row.state) is None:
            abort(404)
        session.expunge(row)
        return row


def _form(row: WorkOrder, values: Mapping[str, str], wrong: Mapping[str, str]) -> str:
    return render_template("order_change.html", row=row, values=values, wrong=wrong, most=MOST, priorities=PRIORITIES)


@blueprint.post("/orders/split")
@role("planner", "supervisor")
def split() -> Any:
    """Take pieces that have not begun into a new order, with the next free number."""
    order = ident("order")
    quantity = whole_number(request.form.get("quantity", ""), MOST)
    why = request.form.get("why", "").strip()[:500]
    back = redirect(url_for("orders.show", order=order) if order else url_for("orders.index"))
    if quantity is None or not why:
        flash(
            _("Give a whole number from 1 to %(most)s.", most=MOST)
            if quantity is None
            else _("Say why, so that everybody understands."),
            "stop",
        )
        return back
    here, who = site(), actor()

    def use_case(session: Session, now: datetime) -> tuple[str, Answer]:
        plan, today, _tz = plan_and_today(here, session)
        if plan is None:
            return "", Answer(False, "no_plan", {})
        to = verbs.next_order_id(session, plan.plant.order_pattern, today=today)
        return to, verbs.split(session, order, to, quantity, now=now, why=why, actor=who)

    to, answer = here.do(use_case)
    tell(answer, _("Order %(order)s: %(quantity)s pieces went into %(to)s.", order=order, quantity=quantity, to=to))
    return redirect(url_for("orders.show", order=to)) if answer.done else back


@blueprint.post("/orders/close-short")
@role("quality")
def close_short() -> Any:
    """Close an order although pieces are missing: quality alone, with a written reason."""
    order = ident("order")
    why = request.form.get("why", "").strip()[:500]
    if not why:
        flash(_("Say why, so that everybody understands."), "stop")
    else:
        who = actor()
        answer = site().do(lambda s, now: verbs.close(s, order, now=now, why=why, waive=True, actor=who))
        tell(answer, _("%(order)s: The order is over.", order=order))
    return redirect(url_for("orders.show", order=order) if order else url_for("orders.index"))
