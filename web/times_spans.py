"""The spans behind the strips of one day: which station was in which state, from when to when, as a list and a file.

HTTP in, a read, HTML or a file out. A state is a station's, and why it waits nobody writes down; short waits between
two pieces are not told apart from making (`mes.station_times.runs`): nobody's pace stands here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, render_template, request
from flask_babel import gettext as _

from mes import export, revisions, station_times
from mes.domain.route import Plan
from mes.station_times import Day, Line, Piece, runs
from web.auth import role
from web.files import tables_as
from web.language import language
from web.site import site
from web.spells import lasting
from web.times import STATES, strips
from web.yields import day

blueprint = Blueprint("times_spans", __name__, url_prefix="/times/spans")


def _read() -> tuple[Plan | None, Day | None, date, str]:
    """The plan, what the stations did on the day of the address (today without one), and which station is asked for."""
    here = site()
    with here.reading() as session:
        plan = revisions.latest_plan(session)
        today = here.clock().astimezone(ZoneInfo(plan.plant.timezone)).date() if plan else date.min
        on = day("day") or today
        if plan is None:
            return None, None, on, ""
        found = station_times.read(session, plan, on, on, now=here.clock())
    station = request.args.get("station", "")
    station = station if plan.station(station) else ""
    mine = tuple(replace(x, pieces=tuple(runs(x.pieces))) for x in found.lines if station in ("", x.station.id))
    return plan, replace(found, lines=mine), on, station


@blueprint.get("")
@role("planner", "supervisor", "quality", "admin")
def index() -> Any:
    """The list, of one station or of all."""
    plan, found, on, station = _read()
    if plan is None or found is None:
        return render_template("times_spans.html", plan=None)
    lang, zone = language(), ZoneInfo(plan.plant.timezone)
    rows = [
        (
            x.station.name.to(lang),
            STATES.get(p.state, p.state),
            f"{p.since.astimezone(zone):%H:%M}",
            f"{p.until.astimezone(zone):%H:%M}",
            lasting(max(60.0, (p.until - p.since).total_seconds())),
        )
        for x, p in _spans(found)
    ]
    return render_template(
        "times_spans.html",
        plan=plan,
        on=on,
        station=station,
        rows=rows,
        drawn=strips(plan, found),
        before=on - timedelta(days=1),
        after=on + timedelta(days=1),
    )


@blueprint.get("/table.<any(csv,xlsx):kind>")
@role("planner", "supervisor", "quality", "admin")
def table(kind: str) -> Response:
    """The same as a file: moments of UTC, durations in minutes."""
    plan, found, on, station = _read()
    if plan is None or found is None:
        abort(404)
    rows = [
        (
            x.station.id,
            p.state,
            str(STATES.get(p.state, p.state)),
            p.since.isoformat(timespec="minutes"),
            p.until.isoformat(timespec="minutes"),
            round((p.until - p.since).total_seconds() / 60),
        )
        for x, p in _spans(found)
    ]
    head = (_("Station"), _("State (SEMI E10)"), _("In words"), _("From (UTC)"), _("Until (UTC)"), _("Minutes"))
    made = export.Table(_("Spans"), head, rows)
    return tables_as(kind, [made], f"spans-{station or 'all'}-{on.isoformat()}")


def _spans(found: Day) -> Iterator[tuple[Line, Piece]]:
    return ((line, piece) for line in found.lines for piece in line.pieces)
