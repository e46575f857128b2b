"""The stations' hours in the office: a strip of states for each station and day, and OEE with what it is made of.

HTTP in, a read, HTML or a file out. A state is a station's, and why it waits nobody writes down: nobody stands here.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from mes import drawing_strip, export, revisions, station_times
from mes.domain.oee import Oee, Times, allocation_efficiency, utilisation_efficiency
from mes.domain.ratios import Ratio
from mes.domain.route import Plan
from mes.drawing import Drawing
from mes.station_times import MOST_DAYS, Day
from web.auth import role
from web.language import language
from web.site import site

blueprint = Blueprint("times", __name__, url_prefix="/times")

STATES: Final = {
    "PRD": lazy_gettext("making"),
    "SBY": lazy_gettext("waiting"),
    "SDT": lazy_gettext("planned stop"),
    "ENG": lazy_gettext("trial"),
    "USD": lazy_gettext("out of order"),
    "NST": lazy_gettext("not meant to work"),
}
MEANINGS: Final = (
    (lazy_gettext("Availability"), lazy_gettext("time of making of the planned time, breaks left out")),
    (
        lazy_gettext("Effectiveness"),
        lazy_gettext("planned time of what was made, of the time of making; more than all: these times are too long"),
    ),
    (lazy_gettext("Quality"), lazy_gettext("good ones of all that ended there")),
    (lazy_gettext("OEE"), lazy_gettext("the three multiplied; a dash while one of them is undefined")),
    (
        lazy_gettext("Not known"),
        lazy_gettext("planned time of which the station said nothing; it costs availability"),
    ),
)


def _days(plan: Plan) -> tuple[date, date]:
    """The days of the address; today when it names none."""
    today = site().clock().astimezone(ZoneInfo(plan.plant.timezone)).date()
    until = _day("to") or _day("from") or today
    since = _day("from") or until
    return max(min(since, until), until - timedelta(days=MOST_DAYS)), until


def _day(name: str) -> date | None:
    try:
        found = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return found if 2000 <= found.year < 2100 else None


@blueprint.get("")
@role("planner", "supervisor", "quality", "admin")
def index() -> str:
    """The strips of one day, or the figures of some."""
    here = site()
    with here.reading() as session:
        plan = revisions.latest_plan(session)
        if plan is None:
            return render_template("times.html", plan=None)
        since, until = _days(plan)
        found = station_times.read(session, plan, since, until, now=here.clock())
    spent, figures = station_times.together(found.lines)
    lang = language()
    rows = [(line.station.name.to(lang), _row(line.times, line.oee)) for line in found.lines]
    return render_template(
        "times.html",
        plan=plan,
        since=since,
        until=until,
        rows=[*rows, (_("Together"), _row(spent, figures))],
        heads=_heads(),
        drawn=_drawn(plan, found) if since == until else None,
        meanings=MEANINGS,
        before=since - timedelta(days=1),
        after=until + timedelta(days=1),
    )


@blueprint.get("/table.<any(csv,xlsx):kind>")
@role("planner", "supervisor", "quality", "admin")
def table(kind: str) -> Response:
    """The figures of the page, times in seconds, ratios as numbers."""
    here = site()
    with here.reading() as session:
        plan = revisions.latest_plan(session)
        if plan is None:
            abort(404)
        since, until = _days(plan)
        found = station_times.read(session, plan, since, until, now=here.clock())
    head = (_("Station"), *(f"{h} (s)" for h in _heads()[:8]), *_heads()[8:])
    rows = [
        (x.station.id, *_seconds(x.times), *(r.value for r in _ratios(x.times, x.oee)), x.oee.index)
        for x in found.lines
    ]
    made = export.Table(_("Stations"), head, rows)
    if kind == "csv":
        response = Response(export.csv_bytes(made, language()), mimetype="text/csv")
    else:
        sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        response = Response(export.xlsx([made], made_at=here.clock()), mimetype=sheet)
    response.headers.set("Content-Disposition", "attachment", filename=f"stations-{since}-{until}.{kind}")
    return response


def _heads() -> tuple[str, ...]:
    return (
        _("Planned"), _("Making"), _("Planned stop"), _("Trial"), _("Waiting"), _("Out of order"), _("Not known"),
        _("Outside the shifts"), _("Availability"), _("Effectiveness"), _("Quality"), _("Allocation"), _("Utilisation"),
        _("OEE"),
    )  # fmt: skip


def _seconds(t: Times) -> tuple[float, ...]:
    return t.planned_busy, t.production, t.setup, t.delay, t.idle, t.down, t.unknown, t.outside


def _ratios(t: Times, o: Oee) -> tuple[Ratio, ...]:
    return o.availability, o.effectiveness, o.quality, allocation_efficiency(t), utilisation_efficiency(t)


def _row(t: Times, o: Oee) -> list[str]:
    lang = language()
    index = Ratio(float(o.index), 1.0).said()[lang] if o.index is not None else "–"
    return [*(_time(s) for s in _seconds(t)), *(r.said()[lang] for r in _ratios(t, o)), index]


def _time(seconds: float) -> str:
    """Hours and minutes; a dash for none."""
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02}" if minutes else "–"


def _drawn(plan: Plan, found: Day) -> Drawing:
    zone, lang = ZoneInfo(plan.plant.timezone), language()
    whole = (found.end - found.first).total_seconds()

    def share(at: datetime) -> float:
        return min(1.0, max(0.0, (at - found.first).total_seconds() / whole))

    rows = [
        drawing_strip.Strip(
            line.station.name.to(lang), tuple((p.state, share(p.since), share(p.until)) for p in line.pieces)
        )
        for line in found.lines
    ]
    stretches = [s for shift in found.shifts for s in shift.planned]
    planned = [(share(a), share(b)) for a, b in stretches if b > found.first and a < found.end]
    hours = [found.first + timedelta(hours=h) for h in range(0, 25, 2)]
    ticks = [(share(at), f"{at.astimezone(zone):%H:%M}") for at in hours if at <= found.end]
    words = {name: str(word) for name, word in STATES.items()}
    alt = _("States of the stations over the day. The table has their hours.")
    return drawing_strip.strips(rows, planned=planned, ticks=ticks, words=words, alt=alt)
