"""The stations' PCs: who is let in, when it was last heard, what is wrong with its key; invitations and their end.

HTTP in, a use case, HTML out. A code that was made is in one answer and nowhere else: no message in a cookie carries
it, and loading the page again does not show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import codes, enrolment, keys
from mes.board.network import links
from mes.db.tables import Presence
from mes.domain.invitation import Invitation
from mes.orders import Answer
from web.auth import actor, role
from web.board_words import alarm
from web.language import language
from web.orders import plan_and_today
from web.painter import moment
from web.site import site

blueprint = Blueprint("stations", __name__, url_prefix="/stations")


@dataclass(frozen=True, slots=True)
class Row:
    """A station on the page; times are local, as people write them."""

    id: str
    name: str
    since: str
    code_until: str
    heard: str
    silent: bool
    alarm: str


@blueprint.get("")
@role("supervisor", "admin")
def index() -> str:
    """Every station, by its line and place."""
    return _page()


@blueprint.post("/invite")
@role("admin")
def invite() -> Any:
    """A one-time code for a station; the answer shows it, once."""
    station, who, here = request.form.get("station", ""), actor(), site()

    def use_case(session: Session, now: datetime) -> Answer | Invitation:
        code = enrolment.new_code(session, station, now=now, actor=who)
        if isinstance(code, Answer):
            return code
        return enrolment.invite(session, code, here.authority, otherwise="")

    made = here.do(use_case)
    if isinstance(made, Answer):
        flash(made.say(language()), "stop")
        return redirect(url_for("stations.index"))
    return _page(station, made)


@blueprint.post("/revoke")
@role("admin")
def revoke() -> Any:
    """Shut a station's PC out, and every code that waits."""
    station, who, here = request.form.get("station", ""), actor(), site()
    ended = here.do(lambda session, now: enrolment.revoke(session, station, now=now, actor=who))
    here.tokens.forget()
    if ended:
        flash(_("The computer of %(station)s is shut out. It keeps what it scans.", station=station), "go")
    else:
        flash(_("No computer was let in as %(station)s. A code that waited is void.", station=station), "kept")
    return redirect(url_for("stations.index"))


@blueprint.post("/alarm")
@role("supervisor", "admin")
def end_alarm() -> Any:
    """Somebody has seen to what was wrong with a key."""
    station, who = request.form.get("station", ""), actor()
    if site().do(lambda session, now: keys.end_alarm(session, station, now=now, actor=who)):
        flash(_("The alarm of %(station)s is ended.", station=station), "go")
    return redirect(url_for("stations.index"))


def _page(station: str = "", invitation: Invitation | None = None) -> str:
    here = site()
    with here.reading() as session:
        rows = _rows(session)
    return render_template(
        "stations.html",
        rows=rows,
        station=station,
        invitation=invitation,
        square=codes.square(str(invitation)) if invitation else None,
    )


def _rows(session: Session) -> list[Row]:
    here = site()
    plan, _today, tz = plan_and_today(here, session)
    now = here.clock()
    seen = here.seen.last()
    presence = {row.station: row for row in session.scalars(select(Presence))}
    heard_of = links(presence, seen, now)
    lines = [line.id for line in plan.plant.lines] if plan else []
    known = {s.id: s for s in plan.stations} if plan else {}
    rows = []
    for pc in enrolment.listed(session, now=now):
        link = heard_of.get(pc.station)
        heard = max((t for t in (_heard(presence, pc.station), seen.get(pc.station)) if t is not None), default=None)
        rows.append(
            Row(
                id=pc.station,
                name=known[pc.station].name.to(language()) if pc.station in known else pc.station,
                since=_at(pc.since, tz),
                code_until=_at(pc.code_until, tz),
                heard=_at(heard.isoformat(), tz) if heard else "",
                silent=link is not None and link.offline_since is not None,
                alarm=alarm(link.alarm) if link is not None and link.alarm else "",
            )
        )

    def place(row: Row) -> tuple[int, int, str]:
        station = known.get(row.id)
        return (lines.index(station.line), station.place, row.id) if station else (len(lines), 0, row.id)

    return sorted(rows, key=place)


def _heard(presence: dict[str, Presence], station: str) -> datetime | None:
    row = presence.get(station)
    # An alarm makes a row, too, of a station that has never said hello: it has no stream.
    return datetime.fromisoformat(row.seen_at) if row is not None and row.stream_id else None


def _at(at: str | None, tz: str) -> str:
    return moment(at, tz)[:16] if at else ""
