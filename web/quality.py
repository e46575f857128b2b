"""Quality in the office: what waits for a decision, one nonconformity and its decision, calls for help, quarantine.

HTTP in, a use case, HTML out. Who may be sent where stands in `mes.fold_office`; this page only offers what it allows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mes import quality as verbs
from mes.db.tables import Ledger, Nonconformity, Quarantine, StationRow
from mes.domain.nonconformity import LIVE, UNDECIDED
from mes.nc_log import Log
from mes.orders import Answer
from web import nc_words
from web.auth import actor, may, role
from web.board_words import DISPOSITIONS, NC_STATES
from web.forms import ident
from web.language import language, tell
from web.nc_detail import detail, label, station_name, step_name, why_not
from web.nc_life import life
from web.orders import plan_and_today
from web.site import Site, site

blueprint = Blueprint("quality", __name__)

LISTED: Final = 100
FILTERS: Final[dict[str, tuple[str, ...]]] = {
    "open": LIVE,
    "to_decide": UNDECIDED,
    "in_rework": ("decided", "in_treatment", "to_reverify"),
    "closed": ("closed", "cancelled"),
}


@blueprint.app_context_processor
def _badges() -> dict[str, Any]:
    """For every office page: how many wait for a decision (counted only where it is shown)."""

    def undecided() -> int:
        with site().reading() as session:
            query = select(func.count()).select_from(Nonconformity).where(Nonconformity.state.in_(UNDECIDED))
            return session.scalar(query) or 0

    return {"undecided": undecided, "why_not": why_not}


def _mine() -> tuple[str, ...]:
    """States in which a nonconformity waits for who is signed in."""
    if may("quality.close"):
        return (*UNDECIDED, "to_reverify", "decided")
    return UNDECIDED if may("quality.decide") else ()


@blueprint.get("/quality")
@role("quality", "supervisor", "planner", "admin")
def index() -> str:
    """What waits: calls, nonconformities, quarantine."""
    return _page(None)


@blueprint.get("/quality/nc/<path:nc>")
@role("quality", "supervisor", "planner", "admin")
def show(nc: str) -> str:
    """One nonconformity beside the list."""
    return _page(nc)


def _page(selected: str | None) -> str:
    here = site()
    shown = request.args.get("show", "open")
    filters = {"mine": _mine(), "late": LIVE, **FILTERS}
    states = filters.get(shown, LIVE)
    with here.reading() as session:
        plan, _today, tz = plan_and_today(here, session)
        found = session.execute(select(Nonconformity.state, func.count()).group_by(Nonconformity.state))
        counts: dict[str, int] = {state: count for state, count in found}  # noqa: C416  rows are no pairs to mypy
        overdue = Log.of(plan, here.clock()).overdue()
        query = select(Nonconformity).where(Nonconformity.state.in_(states))
        query = query.where(overdue) if shown == "late" else query
        newest = shown == "closed"
        age = Nonconformity.opened_at.desc() if newest else Nonconformity.opened_at
        query = query.order_by(Nonconformity.state.desc(), age, Nonconformity.id).limit(LISTED)
        rows = session.scalars(query).all()
        calls = session.execute(
            select(StationRow.id, StationRow.help_since, StationRow.unit)
            .where(StationRow.help_since.is_not(None))
            .order_by(StationRow.help_since)
        ).all()
        waiting = select(func.count()).select_from(Quarantine).where(Quarantine.requeued_n.is_(None))
        return render_template(
            "quality.html",
            rows=rows,
            counts={name: sum(counts.get(s, 0) for s in states) for name, states in filters.items()}
            | {"late": session.scalar(select(func.count()).select_from(Nonconformity).where(overdue)) or 0},
            show=shown,
            label=lambda row: label(row, plan),
            step_name=lambda row: step_name(row, plan),
            states=NC_STATES,
            selected=_selected(here, session, selected, tz),
            words=nc_words,
            dispositions=DISPOSITIONS,
            calls=[(row, station_name(plan, row.id)) for row in calls],
            quarantined=session.scalar(waiting) or 0,
            tz=tz,
        )


def _selected(here: Site, session: Session, nc: str | None, tz: str) -> dict[str, Any] | None:
    if nc is None:
        return None
    found = detail(here, session, nc)
    if found is None:
        abort(404)
    return {**found, **life(session, found["row"], here.clock(), tz, found["product"])}


# --- calls and quarantine ---------------------------------------------------------------------------------------------


@blueprint.post("/quality/help")
@role("supervisor", "quality", "planner")
def answer_help() -> Any:
    """Somebody went to the station that called; from the board or from the quality page."""
    station = ident("station")
    who = actor()
    answer = site().do(lambda session, now: verbs.answer_help(session, station, now=now, actor=who))
    if request.form.get("from") == "quality":
        tell(answer)
        return redirect(url_for("quality.index"))
    return redirect(url_for("board.index"))


@blueprint.get("/quality/quarantine")
@role("admin", "quality")
def quarantine() -> str:
    """Events that the server could not understand, the oldest first."""
    here = site()
    with here.reading() as session:
        plan, _today, tz = plan_and_today(here, session)
        q = Quarantine
        query = (
            select(q.event_id, q.kind, q.why, q.station, Ledger.received_at, Ledger.body)
            .join(Ledger, Ledger.n == q.ledger_n)
            .where(q.requeued_n.is_(None))
            .order_by(q.ledger_n)
            .limit(LISTED)
        )
        rows = [(row, station_name(plan, row.station)) for row in session.execute(query)]
        return render_template("quarantine.html", rows=rows, tz=tz)


@blueprint.post("/quality/requeue")
@role("admin", "quality")
def requeue() -> Any:
    """Try one event again, or all that wait."""
    event_id = request.form.get("event_id") or None

    def use_case(session: Session, now: datetime) -> list[tuple[str, Answer | str]]:
        return verbs.requeue(session, now=now, event_id=event_id, actor=who)

    who = actor()
    tried = site().do(use_case)
    understood = sum(1 for _id, answer in tried if isinstance(answer, Answer) and answer.done)
    left = [str(answer.say(language()) if isinstance(answer, Answer) else answer) for _id, answer in tried]
    if understood:
        flash(ngettext("%(num)s event is understood now.", "%(num)s events are understood now.", understood), "go")
    if len(tried) > understood:
        flash(_("Still not understood: %(why)s", why=left[-1]), "stop")
    return redirect(url_for("quality.quarantine"))
