"""The label printers: what waits for each, why it does not print, and what somebody says of a label in doubt.

HTTP in, a use case, HTML out. What a label's life is stands in `mes.printing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import select

from mes import printing
from mes.board.model import Link
from mes.board.network import links
from mes.db.tables import Presence, PrintJob
from mes.domain.reasons import sentence
from web.auth import actor, role
from web.forms import whole_number
from web.language import language, tell
from web.orders import plan_and_today
from web.site import site

blueprint = Blueprint("printers", __name__, url_prefix="/printers")
STATES: Final = {
    "waiting": ("wait", lazy_gettext("waiting")),
    "sending": ("go", lazy_gettext("printing")),
    "unsure": ("stop", lazy_gettext("came out?")),
}
KINDS: Final = {
    "unit": lazy_gettext("unit"),
    "carton": lazy_gettext("carton"),
    "bag": lazy_gettext("bag"),
    "hold": lazy_gettext("identification"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A label in a queue, with what keeps it and what to do."""

    job: PrintJob
    why: str
    do: str


@blueprint.get("")
@role("planner", "supervisor", "quality", "admin")
def index() -> str:
    """The printers of the plan, and their queues."""
    here = site()
    with here.reading() as session:
        _plan, _today, tz = plan_and_today(here, session)
        known = printing.printers(session)
        rows = [Row(job, *_said(job)) for job in printing.listed(session)]
        presence = {row.station: row for row in session.scalars(select(Presence))}
        heard = links(presence, here.seen.last(), here.clock())
        session.expunge_all()
    state: dict[str, tuple[Any, Any, str, str]] = {}
    for printer in known:
        mine = [r for r in rows if r.job.printer == printer.id]
        away = mine and printer.station is not None and _silent(heard.get(printer.station))
        found = next(((r.why, r.do) for r in mine if r.why), ("", ""))
        if away and not found[0]:
            found = sentence("printer_no_station", {"station": printer.station}, language())
        tone, word = (
            ("stop", _("stands")) if found[0] else ("wait", _("at work")) if mine else ("go", _("ready to print"))
        )
        state[printer.id] = (tone, word, *found)
    return render_template(
        "printers.html",
        printers=known,
        rows=rows,
        state=state,
        states=STATES,
        kinds=KINDS,
        tz=tz,
        most=len(rows) == 200,
    )


@blueprint.post("/decide")
@role("planner", "supervisor", "quality")
def decide() -> Any:
    """What became of a label."""
    job = whole_number(request.form.get("job", ""), 999_999_999)
    decision = request.form.get("decision", "")
    if job is None or decision not in ("came_out", "again", "cancel"):
        abort(400)
    chosen = cast(printing.Decision, decision)
    who = actor()
    answer = site().do(lambda session, now: printing.decide(session, job, chosen, now=now, actor=who))
    tell(answer, _("Label %(job)s: noted.", job=job))
    return redirect(url_for("printers.index"))


def _silent(link: Link | None) -> bool:
    """Whether a station has never been heard, or not for a while."""
    return link is None or link.offline_since is not None


def _said(job: PrintJob) -> tuple[str, str]:
    return sentence(job.why, {"text": job.subject}, language()) if job.why else ("", "")
