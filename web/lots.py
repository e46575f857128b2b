"""Component lots in the office: the list, one lot with what it is in, receipts, holds, and labels for bags.

HTTP in, a use case, HTML out. What may be done when stands in `mes.fold_lots`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from sqlalchemy.orm import Session

from mes import bag_labels, export, instruments, lot_pages, lot_scan, lot_sheet, revisions
from mes import lots as verbs
from mes.domain.reasons import sentence
from mes.domain.route import Plan
from mes.lot_pages import SHOW_WORDS, SHOWS
from mes.lot_sheet import MOST_PIECES, Sheet
from mes.orders import Answer, ImportRefused
from mes.sheet import MOST_BYTES, MOST_ROWS
from web.auth import actor, role
from web.files import tables_as
from web.forms import ident, most_bytes, page_number, whole_number
from web.labels import printer_of, queued, sent, wanted_symbology
from web.language import language, tell
from web.orders import UNIT_WORDS
from web.site import site

blueprint = Blueprint("lots", __name__, url_prefix="/lots")

TONES: Final = {"held": "stop", "expired": "stop", "used_up": "stop", "short": "kept", "free": "go"}
HEADINGS: Final = {
    "part": lazy_gettext("Part"),
    "lot": lazy_gettext("Lot"),
    "quantity": lazy_gettext("Pieces"),
    "received": lazy_gettext("Received"),
    "supplier": lazy_gettext("Supplier"),
    "supplier_lot": lazy_gettext("Supplier’s lot"),
    "customer": lazy_gettext("Customer’s own stock"),
    "delivery": lazy_gettext("Delivery note"),
    "expires": lazy_gettext("Use by"),
}
FIELDS: Final = tuple(HEADINGS)


def _plan(session: Session) -> Plan:
    plan = revisions.latest_plan(session)
    if plan is None:
        abort(409)
    return plan


# --- to see -----------------------------------------------------------------------------------------------------------


@blueprint.get("")
@role("planner", "supervisor", "quality", "admin")
def index() -> Any:
    """The lots, the latest received first; a scanned bag leads to its lot."""
    here, page = site(), page_number()
    show = request.args.get("show", "")
    show = show if show in SHOWS else ""
    text = request.args.get("q", "").strip()[:200]
    with here.reading() as session:
        plan = revisions.latest_plan(session)
        said = lot_scan.read(text, plan) if text and plan else None
        today = instruments.today_of(session, here.clock())
        if said is not None and said.lot and lot_pages.one(session, said.part, said.lot, today) is not None:
            return redirect(url_for("lots.show", part=said.part, lot=said.lot))
        return render_template(
            "lots.html",
            found=lot_pages.listed(session, today, show=show, text=(said and said.lot) or text, page=page),
            names={part: c.name.to(language()) for part, c in plan.components().items()} if plan else {},
            words=SHOW_WORDS,
            tones=TONES,
            show=show,
            text=text,
            page=page,
        )


@blueprint.get("/one")
@role("planner", "supervisor", "quality", "admin")
def show() -> str:
    """One lot: its pieces, its receipts, every unit that contains it, and what can be done."""
    here, page = site(), page_number()
    part, lot = _named(request.args)
    with here.reading() as session:
        stock = lot_pages.one(session, part, lot, instruments.today_of(session, here.clock()))
        if stock is None:
            abort(404)
        plan = revisions.latest_plan(session)
        component = plan.components().get(part) if plan else None
        return render_template(
            "lot.html",
            stock=stock,
            row=stock.row,
            name=component.name.to(language()) if component else part,
            receipts=lot_pages.receipts(session, part, lot),
            found=lot_pages.inside(session, part, lot, page=page),
            counted=lot_pages.orders_of(session, part, lot),
            to_hold=lot_pages.to_hold(session, part, lot),
            unit_words=UNIT_WORDS,
            words=SHOW_WORDS,
            tones=TONES,
            page=page,
        )


def _named(given: Mapping[str, str]) -> tuple[str, str]:
    part, lot = given.get("part", "")[:64], given.get("lot", "")[:64]
    if not part or not lot:
        abort(404)
    return part, lot


@blueprint.get("/units.<any(csv,xlsx):kind>")
@role("planner", "supervisor", "quality", "admin")
def units(kind: str) -> Response:
    """Every unit that contains the lot, as a file."""
    part, lot = _named(request.args)
    with site().reading() as session:
        found = lot_pages.inside(session, part, lot, size=None).rows
    words = {name: str(word) for name, (_tone, word) in UNIT_WORDS.items()}
    head = [_("Part"), _("Lot"), _("Unit"), _("Product"), _("Order"), _("State"), _("Nonconformity"), _("Pieces")]
    rows: list[list[export.Cell]] = [
        [part, lot, u.unit, u.product, u.order, words.get("held" if u.nc else u.state, u.state), u.nc, u.pieces]
        for u in found
    ]
    return tables_as(kind, [export.Table(_("Units"), head, rows)], f"{part}-{lot}")


# --- what comes in ----------------------------------------------------------------------------------------------------


@blueprint.get("/receive")
@role("planner", "supervisor", "quality")
def receive() -> Any:
    """The form, filled with what a scanned label says."""
    here, scan = site(), request.args.get("scan", "")[:512]
    values = {name: request.args.get(name, "")[:120] for name in FIELDS}
    wrong = ""
    with here.reading() as session:
        plan = _plan(session)
        values["received"] = values["received"] or instruments.today_of(session, here.clock())
        if scan:
            said = lot_scan.read(scan, plan)
            wrong = "" if said and said.part else " ".join(sentence("unknown_code", {"text": scan[:40]}, language()))
            if said is not None and said.part and said.part not in plan.components():
                known = ", ".join(plan.components())
                wrong = " ".join(sentence("unknown_part", {"part": said.part, "known": known}, language()))
            if said is not None:
                told = {"part": said.part, "lot": said.lot, "quantity": said.quantity, "expires": said.expires}
                values |= {name: text for name, text in told.items() if text}
        return _form(plan, values, wrong)


def _form(plan: Plan, values: Mapping[str, str], wrong: str) -> str:
    return render_template("lot_receive.html", values=values, wrong=wrong, parts=plan.components())


@blueprint.post("/receive")
@role("planner", "supervisor", "quality")
def record() -> Any:
    """Record a receipt, or show the form again with what is missing."""
    here, who = site(), actor()
    values = {name: request.form.get(name, "").strip() for name in FIELDS}
    with here.reading() as session:
        plan = _plan(session)
    quantity = whole_number(values["quantity"], MOST_PIECES)
    try:
        received, expires = (date.fromisoformat(values[n]) if values[n] else None for n in ("received", "expires"))
    except ValueError:
        return _form(plan, values, _("Give a date, such as 2026-11-27.")), 422
    if quantity is None:
        return _form(plan, values, _("Give a whole number from 1 to %(most)s.", most=MOST_PIECES)), 422
    if values["part"] not in plan.components() or not values["lot"] or received is None:
        return _form(plan, values, " ".join(sentence("receipt_form", {}, language()))), 422
    free = {name: values[name] for name in ("supplier", "supplier_lot", "customer", "delivery")}
    part, lot = values["part"], values["lot"]
    answer = here.do(
        lambda session, now: verbs.receive(
            session, part, lot, quantity, now=now, received=received, expires=expires, actor=who, **free
        )
    )
    if not answer.done:
        return _form(plan, values, answer.say(language())), 409
    flash(_("Lot %(lot)s of %(part)s: %(count)s pieces received.", lot=lot, part=part, count=quantity), "go")
    return redirect(url_for("lots.show", part=part, lot=lot))


@blueprint.get("/import")
@role("planner", "supervisor", "quality")
def sheet() -> str:
    """Which file, and how it has to look."""
    return _sheet_page(None)


@blueprint.post("/import")
@role("planner", "supervisor", "quality")
@most_bytes(MOST_BYTES + 64 * 1024)
def look_at_sheet() -> Any:
    """With `file`: show what it says. With `seen`, which is what the page has shown: record all of it."""
    here, who = site(), actor()
    sent_file, seen = request.files.get("file"), request.form.get("seen", "")
    content = seen.encode() if seen else sent_file.stream.read(MOST_BYTES + 1) if sent_file is not None else b""
    with here.reading() as session:
        today = date.fromisoformat(instruments.today_of(session, here.clock()))
        found = lot_sheet.read(content, _plan(session).components(), today=today)
    if found.problems or not seen:
        return _sheet_page(found), 422 if found.problems else 200
    try:
        made = here.do(lambda session, now: verbs.receive_all(session, found.rows, now=now, actor=who))
    except ImportRefused as error:
        flash(error.answer.say(language()), "stop")
        return _sheet_page(found), 409
    flash(ngettext("%(num)s receipt is recorded.", "%(num)s receipts are recorded.", made), "go")
    return redirect(url_for("lots.index"))


def _sheet_page(found: Sheet | None) -> str:
    return render_template(
        "lot_import.html",
        sheet=found,
        seen=lot_sheet.written(found.rows) if found and not found.problems else "",
        said=[(p, *sentence(p.reason, p.args, language())) for p in found.problems] if found else [],
        headings=HEADINGS,
        names=lot_sheet.COLUMNS,
        needed=lot_sheet.NEEDED,
        most=MOST_ROWS,
    )


# --- to do ------------------------------------------------------------------------------------------------------------


def _why() -> str:
    return request.form.get("why", "").strip()[:500]


@blueprint.post("/hold")
@role("supervisor", "quality")
def hold() -> Any:
    """Stop a lot, with the reason."""
    return _change(verbs.hold, _("The lot is held. The benches refuse it from the next scan on."))


@blueprint.post("/release")
@role("quality")
def release() -> Any:
    """Let a lot be used again, with the reason."""
    return _change(verbs.release, _("The lot may be used again."))


def _change(verb: Any, done: str) -> Any:
    part, lot, who, why = ident("part"), ident("lot"), actor(), _why()
    if not part or not lot:
        abort(400)
    if why:
        tell(site().do(lambda session, now: verb(session, part, lot, now=now, why=why, actor=who)), done)
    else:
        tell(Answer(False, "why_needed", {}))
    return redirect(url_for("lots.show", part=part, lot=lot))


@blueprint.post("/hold-units")
@role("supervisor", "quality")
def hold_units() -> Any:
    """Hold all units that contain the lot, or the chosen ones."""
    part, lot, who, why = ident("part"), ident("lot"), actor(), _why()
    chosen = None if request.form.get("all") else [u[:64] for u in request.form.getlist("unit")]
    answer = site().do(
        lambda session, now: verbs.hold_units(session, part, lot, now=now, why=why, units=chosen, actor=who)
    )
    count = int(answer.args.get("count", 0))
    tell(answer, ngettext("%(num)s unit is held.", "%(num)s units are held.", count))
    return redirect(url_for("lots.show", part=part, lot=lot))


@blueprint.post("/bags")
@role("planner", "supervisor", "quality")
def bags() -> Any:
    """Labels for bags of the lot."""
    part, lot, who, said = ident("part"), ident("lot"), actor(), language()
    on, code = ident("paper"), wanted_symbology()
    back = url_for("lots.show", part=part, lot=lot)
    numbers = {n: whole_number(request.form.get(n, ""), MOST_PIECES) for n in ("pieces", "count", "first")}
    pieces, count, first = numbers["pieces"], numbers["count"], numbers["first"]
    if pieces is None or count is None or first is None:
        flash(_("Give a whole number from 1 to %(most)s.", most=MOST_PIECES), "stop")
        return redirect(back)
    if (printer := printer_of(on)) is not None:
        return queued(
            lambda session: bag_labels.bag_labels(
                session, part, lot, pieces=pieces, count=count, first=first, symbology=code, language=said
            ),
            printer,
            back,
        )
    made = site().do(
        lambda session, now: bag_labels.bags(
            session,
            part,
            lot,
            now=now,
            on=on,
            pieces=pieces,
            count=count,
            first=first,
            symbology=code,
            language=said,
            actor=who,
        )
    )
    return sent(made, back)
