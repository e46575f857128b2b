"""The stations' hours in the office: a strip of states for each station and day, and OEE with what it is made of.

HTTP in, a read, HTML or a file out. A state is a station's, and why it waits nobody writes down: nobody stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from mes import drawing_bars, drawing_strip, export, revisions, station_times
from mes.domain.oee import Oee, Times, allocation_efficiency, utilisation_efficiency
from mes.domain.ratios import Ratio
from mes.domain.route import Plan
from mes.drawing import Drawing
from mes.station_spells import SPELLS, By, Group, OneStation, by_line, by_spell
from mes.station_times import MOST_DAYS, Day
from web.auth import role
from web.files import tables_as
from web.language import language
from web.site import site
from web.spells import line_name, spell_name
from web.yields import day

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


BY_WORDS: Final = {
    "station": lazy_gettext("Station"),
    "line": lazy_gettext("Line"),
    "shift": lazy_gettext("Shift"),
    "day": lazy_gettext("Day"),
    "week": lazy_gettext("Week"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for; what makes no sense there counts as not given."""

    by: By
    since: date
    until: date
    line: str

    @property
    def kept(self) -> dict[str, str]:
        """The same for another address."""
        named = {"by": self.by, "from": self.since.isoformat(), "to": self.until.isoformat()}
        return {**named, "line": self.line} if self.line else named


@dataclass(frozen=True, slots=True)
class Found:
    """The rows: key, times and OEE of each; where they are stations, the days that were read."""

    rows: tuple[Group, ...] = ()
    day: Day | None = None
    why: str = ""


def _asked(plan: Plan) -> Asked:
    """Today when the address names no day."""
    today = site().clock().astimezone(ZoneInfo(plan.plant.timezone)).date()
    until = day("to") or day("from") or today
    since = day("from") or until
    by: Any = request.args.get("by", "")
    line = request.args.get("line", "")
    return Asked(
        by=by if by in BY_WORDS else "station",
        since=max(min(since, until), until - timedelta(days=MOST_DAYS)),
        until=until,
        line=line if any(known.id == line for known in plan.plant.lines) else "",
    )


def _found(session: Session, plan: Plan, asked: Asked) -> Found:
    now = site().clock()
    if asked.by in SPELLS:
        try:
            groups = by_spell(session, plan, asked.by, asked.since, asked.until, now=now, line=asked.line)
        except OneStation:
            return Found(why=_("This line has one station. By shift it would be one person: choose day or week."))
        return Found(tuple(groups))
    read = station_times.read(session, plan, asked.since, asked.until, now=now)
    if asked.by == "line":
        return Found(tuple(g for g in by_line(plan, read) if asked.line in ("", g.key)))
    mine = tuple(x for x in read.lines if asked.line in ("", x.station.line))
    return Found(tuple(Group(x.station.id, x.times, x.oee) for x in mine), replace(read, lines=mine))


@blueprint.get("")
@role("planner", "supervisor", "quality", "admin")
def index() -> Any:
    """The strips of one day, and the figures of stations, lines, shifts, days or weeks."""
    here = site()
    with here.reading() as session:
        plan = revisions.latest_plan(session)
        if plan is None:
            return render_template("times.html", plan=None)
        asked = _asked(plan)
        found = _found(session, plan, asked)
    spent, figures = station_times.together((g.times, g.oee) for g in found.rows)
    rows = [(_name(plan, asked.by, g.key), _row(g.times, g.oee)) for g in found.rows]
    one = asked.since == asked.until
    drawn = strips(plan, found.day) if found.day and one else _columns(found, rows) if asked.by in SPELLS else None
    return render_template(
        "times.html",
        plan=plan,
        asked=asked,
        why=found.why,
        rows=[*rows, (_("Together"), _row(spent, figures))] if rows else [],
        heads=_heads(),
        drawn=drawn,
        by_words=BY_WORDS,
        meanings=MEANINGS,
        before=asked.since - timedelta(days=1),
        after=asked.until + timedelta(days=1),
    ), 422 if found.why else 200


@blueprint.get("/table.<any(csv,xlsx):kind>")
@role("planner", "supervisor", "quality", "admin")
def table(kind: str) -> Response:
    """The figures of the page, times in seconds, ratios as numbers."""
    with site().reading() as session:
        plan = revisions.latest_plan(session)
        if plan is None:
            abort(404)
        asked = _asked(plan)
        found = _found(session, plan, asked)
    if found.why:
        abort(422)
    head = (BY_WORDS[asked.by], *(f"{h} (s)" for h in _heads()[:8]), *_heads()[8:])
    rows = [(g.key, *_seconds(g.times), *(r.value for r in _ratios(g.times, g.oee)), g.oee.index) for g in found.rows]
    name = {"station": "stations"}.get(asked.by, f"stations-{asked.by}")
    made = export.Table(_("Stations"), [str(h) for h in head], rows)
    return tables_as(kind, [made], f"{name}-{asked.since}-{asked.until}")


def _name(plan: Plan, by: By, key: str) -> str:
    """A row in words."""
    lang = language()
    if by == "station":
        station = plan.station(key)
        return station.name.to(lang) if station else key
    return line_name(plan, key, lang) if by == "line" else spell_name(plan, by, key, lang)


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


def _columns(found: Found, rows: Sequence[tuple[str, list[str]]]) -> Drawing | None:
    """OEE over time; a stretch in which it is undefined stands as a dash."""
    shown = [
        drawing_bars.Column(name.partition(" · ")[0], g.oee.index or 0.0, cells[-1])
        for g, (name, cells) in zip(found.rows, rows, strict=True)
    ]
    if len(shown) < 2:
        return None
    return drawing_bars.columns(shown, alt=_("OEE over time. The table has the same figures."))


def strips(plan: Plan, found: Day) -> Drawing:
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
    words = {**{name: str(word) for name, word in STATES.items()}, "": _("nothing known")}
    alt = _("States of the stations over the day. The table has their hours.")
    return drawing_strip.strips(rows, planned=planned, ticks=ticks, words=words, alt=alt)
