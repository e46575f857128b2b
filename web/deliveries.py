"""Deliveries in the office: the list, one that is being prepared with everything that stands against it, sending,
cancelling, and the papers. HTTP in, a use case, HTML or a file out."""

from __future__ import annotations

import re
from typing import Any, Final, get_args

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from mes import deliveries as verbs
from mes import paper_sheet, papers, revisions
from mes.domain.orders import Against
from mes.domain.reasons import sentence
from web.auth import actor, role
from web.forms import ident
from web.language import language, tell
from web.order_words import Obstacle
from web.site import site

blueprint = Blueprint("deliveries", __name__, url_prefix="/deliveries")

SHOWN: Final = 100  # reasons on the page; more of them say how many they are
MOST_TEXT: Final = 60_000  # characters of a list of numbers
STATES: Final = {
    "prepared": ("wait", lazy_gettext("prepared")),
    "sent": ("go", lazy_gettext("has left")),
    "cancelled": ("idle", lazy_gettext("cancelled")),
}
PAPERS: Final = {
    "packing_list": lazy_gettext("Packing list"),
    "delivery_note": lazy_gettext("Delivery note"),
    "certificate": lazy_gettext("Certificate of conformity"),
}


def links(against: list[Against]) -> list[Obstacle]:
    """Each reason as a sentence with what to do, and where."""
    out = []
    for each in against[:SHOWN]:
        url = ""
        if "nc" in each.args:
            url = url_for("quality.show", nc=each.args["nc"])
        elif each.args.get("unit") and each.reason != "unknown_unit":
            url = url_for("units.show", serial=each.args["unit"])
        elif each.args.get("order") and each.reason != "unknown_order":
            url = url_for("orders.show", order=each.args["order"])
        out.append(Obstacle(*sentence(each.reason, each.args, language()), url))
    return out


@blueprint.get("")
@role("planner", "supervisor", "quality", "admin")
def index() -> str:
    """The deliveries, the newest first."""
    state = request.args.get("state", "")
    state = state if state in STATES else ""
    with site().reading() as session:
        plan = revisions.latest_plan(session)
        return render_template(
            "deliveries.html",
            rows=verbs.listed(session, state=state),
            state=state,
            states=STATES,
            tz=plan.plant.timezone if plan else "UTC",
        )


@blueprint.get("/new")
@role("planner", "supervisor", "quality")
def new() -> str:
    """A delivery of the numbers that were typed or scanned: what it would take, and everything against it."""
    text = request.args.get("what", "")[:MOST_TEXT]
    customer = request.args.get("customer", "").strip()[:120]
    with site().reading() as session:
        wanted = verbs.named(session, text, customer=customer) if text.strip() else None
        found = verbs.check(session, wanted) if wanted is not None else None
        return render_template(
            "delivery_new.html",
            text=text,
            customer=customer,
            too_much=bool(text.strip()) and wanted is None,
            found=found,
            obstacles=links(list(found.against)) if found else [],
            more=max(0, len(found.against) - SHOWN) if found else 0,
        )


@blueprint.post("/prepare")
@role("planner", "supervisor", "quality")
def prepare() -> Any:
    """Set the goods aside, as the page has shown them."""
    who, text = actor(), request.form.get("what", "")[:MOST_TEXT]
    customer, note = (request.form.get(name, "").strip() for name in ("customer", "note"))
    with site().reading() as session:
        wanted = verbs.named(session, text, customer=customer[:120], note=note[:500]) if text.strip() else None
    if wanted is None:
        flash(_("Give orders, cartons or serials, and not too many."), "stop")
        return redirect(url_for("deliveries.new"))
    answer = site().do(lambda session, now: verbs.prepare(session, wanted, now=now, actor=who))
    number = answer.args.get("delivery", "")
    tell(answer, _("Prepared: %(delivery)s.", delivery=number))
    if not answer.done:
        return redirect(url_for("deliveries.new", what=text[:2000], customer=customer[:120]))
    return redirect(url_for("deliveries.show", delivery=number))


@blueprint.get("/one/<path:delivery>")
@role("planner", "supervisor", "quality", "admin")
def show(delivery: str) -> str:
    """One delivery: what is in it, what stands against it leaving, its papers."""
    with site().reading() as session:
        row = verbs.find(session, delivery)
        if row is None:
            abort(404)
        found = verbs.check_sending(session, delivery) if row.state == "prepared" else None
        plan = revisions.latest_plan(session)
        return render_template(
            "delivery.html",
            row=row,
            items=verbs.items(session, delivery),
            obstacles=links(list(found.against)) if found else [],
            more=max(0, len(found.against) - SHOWN) if found else 0,
            states=STATES,
            kinds=PAPERS,
            given=papers.of_subject(session, delivery),
            tz=plan.plant.timezone if plan else "UTC",
        )


def _named() -> str:
    number = ident("delivery")
    if not number:
        abort(404)
    return number


@blueprint.post("/send")
@role("planner", "supervisor", "quality")
def send() -> Any:
    """The goods have left."""
    number, who = _named(), actor()
    carrier = request.form.get("carrier", "").strip()[:120]
    answer = site().do(lambda session, now: verbs.send(session, number, now=now, carrier=carrier, actor=who))
    tell(answer, _("Delivery %(delivery)s has left.", delivery=number))
    return _back(number)


@blueprint.post("/cancel")
@role("planner", "supervisor", "quality")
def cancel() -> Any:
    """It will not leave, with the reason."""
    number, who = _named(), actor()
    why = request.form.get("why", "").strip()[:500]
    if not why:
        flash(_("Say why, so that everybody understands."), "stop")
    else:
        answer = site().do(lambda session, now: verbs.cancel(session, number, why=why, now=now, actor=who))
        tell(answer, _("Delivery %(delivery)s is cancelled.", delivery=number))
    return _back(number)


def _back(number: str) -> Any:
    with site().reading() as session:
        known = verbs.find(session, number) is not None
    return redirect(url_for("deliveries.show", delivery=number) if known else url_for("deliveries.index"))


@blueprint.post("/paper")
@role("planner", "supervisor", "quality")
def paper() -> Any:
    """A paper of a delivery, a carton or an order; its hash is in the ledger before it leaves."""
    subject, who, kind = ident("subject"), actor(), request.form.get("kind", "")
    if not subject or kind not in get_args(papers.Kind):
        abort(404)
    with site().reading() as session:
        found = papers.facts(session, subject)
    if found is None:
        abort(404)
    wanted: Any = kind
    if (wrong := papers.refused(found, wanted)) is not None:
        tell(wrong, "")
        return redirect(_page_of(found))
    made = paper_sheet.made(found, wanted, language())
    answer = site().do(lambda session, now: papers.issue(session, made, now=now, actor=who))
    if not answer.done:
        abort(404)
    response = Response(made.content, mimetype="application/pdf")
    name = re.sub(r"[^A-Za-z0-9._-]", "_", f"{kind}-{subject}-{made.language}.pdf")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _page_of(found: papers.Facts) -> str:
    if found.scope == "delivery":
        return url_for("deliveries.show", delivery=found.subject)
    if found.scope == "order":
        return url_for("release.show", order=found.subject)
    return url_for("deliveries.index")
