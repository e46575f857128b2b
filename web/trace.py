"""Traceability in the office: where a component went, and what is taken away of one unit or of a recall.

HTTP in, a read, HTML or a file out. Nobody stands on these pages or in the files.
"""

from __future__ import annotations

import re
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from mes import dossier, given_out, recall, revisions, trace, trace_sheet
from mes.db.tables import Lot
from mes.domain.sscc import spaced
from mes.genealogy import Wanted, parts_named, where_used
from web.auth import actor, role
from web.deliveries import PAPERS
from web.forms import ident, most_bytes
from web.language import language
from web.orders import plan_and_today
from web.painter import when
from web.site import site

blueprint = Blueprint("trace", __name__, url_prefix="/trace")

MOST: Final = 500  # rows on the page; the files have all
MOST_BYTES: Final = 20_000_000  # of a dossier that somebody brings
OF_SCOPE: Final = {
    "unit": ("units.show", "serial"),
    "order": ("orders.show", "order"),
    "carton": ("cartons.show", "sscc"),
    "delivery": ("deliveries.show", "delivery"),
}
"""The page of what a file is about."""
TYPES: Final = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": "application/json",
}


@blueprint.get("")
@role("planner", "supervisor", "quality", "admin")
def used() -> Any:
    """Every unit that contains a component serial or lot, itself or in a sub-assembly."""
    wanted = _wanted()
    with site().reading() as session:
        parts = parts_named(session, wanted.number) if wanted.number else []
        if len(parts) == 1 and not wanted.part:
            return redirect(url_for("trace.used", part=parts[0], number=wanted.number))
        uses = where_used(session, wanted) if wanted.number else []
        held = select(Lot).where(Lot.lot == wanted.number, Lot.state == "held")
        if wanted.part:
            held = held.where(Lot.part == wanted.part)
        return render_template(
            "trace.html",
            wanted=wanted,
            parts=parts,
            counts=recall.counts(uses),
            rows=recall.table(uses[:MOST], wanted, revisions.latest_plan(session), language()),
            held=session.scalars(held).all(),
            uses=uses,
            most=MOST,
            spaced=spaced,
        )


def _wanted() -> Wanted:
    return Wanted(request.args.get("number", "").strip()[:64], request.args.get("part", "").strip()[:64])


@blueprint.get("/list/<kind>")
@role("planner", "supervisor", "quality", "admin")
def take_list(kind: str) -> Any:
    """The recall list as a file."""
    here, wanted = site(), _wanted()
    with here.reading() as session:
        uses = where_used(session, wanted)
        plan, today, _tz = plan_and_today(here, session)
    if not uses or kind not in recall.KINDS:
        abort(404)
    content = recall.file(kind, uses, wanted, plan, language(), now=here.clock().astimezone(ZoneInfo("UTC")))
    return _sent(content, f"recall-{wanted.number}-{today.isoformat()}.{kind}", TYPES[kind])


@blueprint.get("/unit/<kind>/<path:serial>")
@role("planner", "supervisor", "quality", "admin")
def take_unit(kind: str, serial: str) -> Any:
    """Everything that is kept of a unit, as a file."""
    here = site()
    with here.reading() as session:
        found = trace.dossier(session, serial)
    if found is None or kind not in trace_sheet.KINDS:
        abort(404)
    sheet, made_at = trace_sheet.Sheet(found, language()), here.clock().astimezone(ZoneInfo("UTC"))
    return _sent(trace_sheet.file(kind, sheet, made_at=made_at), f"{serial}.{kind}", TYPES[kind])


@blueprint.post("/dossier")
@role("planner", "supervisor", "quality")
def give() -> Any:
    """The dossier of a unit as a PDF; its hash is in the ledger before it leaves."""
    here, who, serial = site(), actor(), ident("unit")
    with here.reading() as session:
        found = trace.dossier(session, serial)
    if found is None:
        abort(404)
    paper = dossier.made(found, language())
    answer = here.do(lambda session, now: dossier.issue(session, paper, now=now, actor=who))
    if not answer.done:
        abort(404)
    return _sent(paper.content, f"dossier-{serial}-{paper.language}.pdf", "application/pdf")


@blueprint.post("/check")
@role("planner", "supervisor", "quality", "admin")
@most_bytes(MOST_BYTES)
def check() -> Any:
    """Is the file that somebody brings a dossier or a paper of ours, unchanged?"""
    sent = request.files.get("file")
    content = sent.stream.read(MOST_BYTES) if sent is not None else b""
    with site().reading() as session:
        known = given_out.known(session, content)
        _plan, _today, tz = plan_and_today(site(), session)
    if known is None:
        flash(_("No file like this one was ever given out, or it was changed."), "stop")
        return redirect(url_for("trace.used"))
    said = {
        "paper": _("Dossier") if known.kind == "dossier" else PAPERS[known.kind],
        "subject": known.subject,
        "when": when(known.issued_at, tz),
    }
    flash(_("%(paper)s of %(subject)s, given out %(when)s: the file is unchanged.", **said), "go")
    endpoint, name = OF_SCOPE[known.scope]
    values: dict[str, Any] = {name: known.subject}
    return redirect(url_for(endpoint, **values))


def _sent(content: bytes, name: str, type_: str) -> Response:
    response = Response(content, mimetype=type_)
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    response.headers.set("Content-Disposition", "attachment", filename=safe)
    return response
