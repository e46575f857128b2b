"""Nonconformities counted in the office: which groups have most of them, what they cost, how many a week.

HTTP in, a read, HTML or a file out. The filter is that of the log, so each bar leads to its rows there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Response, abort, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from mes import drawing_bars, export, nc_log, nc_pareto
from mes.drawing import Drawing
from mes.nc_export import WORDS_OF, Words
from mes.nc_log import Filter, Log
from mes.nc_pareto import BY, MOST_WEEKS, Bar, By, Week, name
from web.auth import role
from web.files import tables_as
from web.language import language
from web.orders import plan_and_today
from web.site import site

blueprint = Blueprint("quality_pareto", __name__, url_prefix="/quality/pareto")

DRAWN: Final = 12
SHOWN: Final = 200
DAYS: Final = 365
BY_WORDS: Final = {
    "defect": lazy_gettext("Defect"),
    "step": lazy_gettext("Step"),
    "product": lazy_gettext("Product"),
    "supplier": lazy_gettext("Supplier"),
    "customer": lazy_gettext("Customer"),
    "station": lazy_gettext("Station"),
}


def _asked() -> tuple[By, bool, Filter, tuple[str, ...]]:
    """The address; where it says nothing of days, they are those of a year. An empty first day: all of them."""
    by: Any = request.args.get("by", "")
    wanted, wrong = nc_log.read(request.args)
    if "first" not in request.args and "last" not in request.args:
        wanted = replace(wanted, first=site().clock().date() - timedelta(days=DAYS))
    return by if by in BY else "defect", request.args.get("weigh") == "cost", wanted, wrong


@blueprint.get("")
@role("quality", "supervisor", "planner", "admin")
def index() -> str:
    """The bars, the weeks, and the tables that say the same."""
    here = site()
    by, cost, wanted, wrong = _asked()
    with here.reading() as session:
        plan, _today, _tz = plan_and_today(here, session)
        log = Log.of(plan, here.clock())
        words = Words(plan, language(), log)
        bars = nc_pareto.pareto(session, log, wanted, by, cost=cost)
        weeks = nc_pareto.weeks(session, log, wanted, most=MOST_WEEKS)
    said = wanted.said()
    of_all = {} if wanted.first or wanted.last else {"first": ""}
    return render_template(
        "quality_pareto.html",
        by=by,
        cost=cost,
        by_words=BY_WORDS,
        bars=[(bar, name(words, by, bar), {**said, **bar.filter}) for bar in bars[:SHOWN]],
        more=len(bars) - SHOWN,
        total=sum(b.count for b in bars),
        spent=sum(b.cost for b in bars),
        drawn=_ranked(words, by, bars, said, cost=cost) if bars else None,
        trend=_trend(weeks, cost=cost) if len(weeks) > 1 else None,
        weeks=list(reversed(weeks)),
        wanted=wanted,
        charted={(p.id, s.id) for p in plan.products for s in p.steps} if plan else set(),
        days={name: day.isoformat() for name, day in (("from", wanted.first), ("to", wanted.last)) if day},
        said=said,
        kept={**said, **of_all, "by": by, **({"weigh": "cost"} if cost else {})},
        wrong=[words.say(WORDS_OF[n]) for n in wrong],
        words=words,
        euros=euros,
        week=week_name,
    )


@blueprint.get("/table.<any(csv,xlsx):kind>")
@role("quality", "supervisor", "planner", "admin")
def take(kind: str) -> Response:
    """The groups and the weeks as a workbook, or the groups as a table."""
    here = site()
    by, cost, wanted, wrong = _asked()
    if wrong:
        abort(400)
    with here.reading() as session:
        plan, today, _tz = plan_and_today(here, session)
        log = Log.of(plan, here.clock())
        words = Words(plan, language(), log)
        bars = nc_pareto.pareto(session, log, wanted, by, cost=cost)
        weeks = nc_pareto.weeks(session, log, wanted)
    groups = export.Table(_("Pareto"), pareto_head(by), [row(words, by, bar) for bar in bars])
    head = (_("Week"), _("First day"), _("Nonconformities"), _("Cost"))
    by_week = [(week_name(w), w.monday.isoformat(), w.count, w.cost / 100) for w in weeks]
    return tables_as(kind, [groups, export.Table(_("Weeks"), head, by_week)], f"pareto-{by}-{today.isoformat()}")


# --- words ------------------------------------------------------------------------------------------------------------


def pareto_head(by: By) -> tuple[str, ...]:
    """The heads of a table of groups."""
    return str(BY_WORDS[by]), _("Code"), _("Nonconformities"), _("Cost"), _("Share up to here")


def row(words: Words, by: By, bar: Bar) -> tuple[str | int | float, ...]:
    """A group as a row: costs in whole units of the currency."""
    return name(words, by, bar), bar.key, bar.count, bar.cost / 100, round(bar.share, 4)


def week_name(week: Week) -> str:
    """A week by its number, as the calendar on the wall has it."""
    year, number, _day = week.monday.isocalendar()
    return str(_("week %(week)s", week=f"{number} / {year}"))


def euros(cents: int) -> str:
    """Money without its sign: the site's own currency."""
    whole = f"{cents / 100:,.2f}"
    return whole.replace(",", "\u202f").replace(".", ",") if language() == "fr" else whole


def _ranked(words: Words, by: By, bars: Sequence[Bar], said: dict[str, Any], *, cost: bool) -> Drawing:
    behind = [url_for("quality_log.index", **{**said, **b.filter}) for b in bars[:DRAWN]]
    drawn = [
        drawing_bars.Bar(name(words, by, b), *_length(b, cost=cost), b.share, href)
        for b, href in zip(bars, behind, strict=False)
    ]
    alt = _("The largest groups first, with their share of all. The table says the same.")
    return drawing_bars.ranked(drawn, alt=alt)


def _length(of: Bar | Week, *, cost: bool) -> tuple[float, str]:
    return (of.cost, euros(of.cost)) if cost else (of.count, str(of.count))


def _trend(weeks: Sequence[Week], *, cost: bool) -> Drawing:
    drawn = [drawing_bars.Column(str(w.monday.isocalendar().week), *_length(w, cost=cost)) for w in weeks]
    return drawing_bars.columns(drawn, alt=_("Nonconformities opened each week. The table says the same."))
