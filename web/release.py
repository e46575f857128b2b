"""Release of an order’s goods: what stands against it, the release, and taking it back. HTTP in, HTML out."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from mes import releases as verbs
from mes.db.tables import UnitRow, WorkOrder
from mes.domain.orders import Against
from mes.domain.reasons import sentence
from mes.labels import plan_of
from web.auth import actor, role
from web.forms import ident, whole_number
from web.language import language, tell
from web.order_words import Obstacle
from web.site import site

blueprint = Blueprint("release", __name__)

SHOWN: Final = 100  # reasons on the page; more of them say how many they are
MOST: Final = 1_000_000


def links(against: list[Against], order: str) -> list[Obstacle]:
    """Each reason as a sentence with what to do, and where."""
    out = []
    for each in against:
        if "nc" in each.args:
            url = url_for("quality.show", nc=each.args["nc"])
        elif each.reason.startswith("sampling_"):
            url = url_for("sampling.show", order=each.args["order"])
        elif each.args.get("unit") and each.reason != "unknown_unit":
            url = url_for("units.show", serial=each.args["unit"])
        else:
            url = url_for("orders.show", order=order)
        out.append(Obstacle(*sentence(each.reason, each.args, language()), url))
    return out


@blueprint.get("/release/<path:order>")
@role("planner", "supervisor", "quality", "admin")
def show(order: str) -> str:
    """What may leave of an order, what stands against the rest, and who has released what."""
    with site().reading() as session:
        row = session.get(WorkOrder, order)
        plan = plan_of(session, row) if row else None
        if row is None or plan is None:
            abort(404)
        whole = verbs.check(session, order)
        finished = verbs.check(session, order, "finished")
        assert whole is not None
        assert finished is not None
        by_count = row.revision > 0 and not session.scalar(
            select(func.count()).select_from(UnitRow).where(UnitRow.order == order)
        )
        return render_template(
            "release.html",
            row=row,
            product=plan.product(row.product),
            whole=whole,
            finished=finished,
            by_count=by_count,
            obstacles=links(list(whole.against)[:SHOWN], order),
            more=max(0, len(whole.against) - SHOWN),
            releases=verbs.of_order(session, order),
            tz=plan.plant.timezone,
            most=MOST,
        )


@blueprint.post("/releases/give")
@role("quality")
def give() -> Any:
    """Release what the page has shown: the whole order, or what is finished; pieces by their number."""
    order, who = ident("order"), actor()
    quantity = whole_number(request.form.get("quantity", ""), MOST)
    scope: Any = "finished" if request.form.get("scope") == "finished" else "order"
    note = request.form.get("note", "").strip()[:500]
    if quantity is None:
        flash(_("Give a whole number from 1 to %(most)s.", most=MOST), "stop")
    else:
        answer = site().do(lambda s, now: verbs.release(s, order, quantity, now=now, actor=who, scope=scope, note=note))
        tell(answer, _("Released: %(release)s.", release=answer.args.get("release", "")))
    return redirect(url_for("release.show", order=order))


@blueprint.post("/releases/take-back")
@role("quality")
def take_back() -> Any:
    """Take a release back, with the reason; one unit of it where one is named."""
    order, number, unit, who = ident("order"), ident("release"), ident("unit"), actor()
    if not number:
        abort(404)
    why = request.form.get("why", "").strip()[:500]
    if not why:
        flash(_("Say why, so that everybody understands."), "stop")
    else:
        units = [unit] if unit else []
        answer = site().do(lambda s, now: verbs.take_back(s, number, now=now, actor=who, why=why, units=units))
        tell(answer, _("Release %(release)s is taken back.", release=number))
    return redirect(url_for("release.show", order=order))
