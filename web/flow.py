"""The flow of units in the office: where they stand now, how many are finished a day, how long they take.

HTTP in, a read, HTML or a file out. What the figures are is said by `mes.passages`. Nobody stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from mes import passages, revisions
from mes.domain.flow import Bin, Little, Spread
from mes.domain.route import Plan
from mes.drawing import Drawing
from mes.drawing_bars import Column, columns
from mes.flow_tables import tables
from mes.passages import BY, MOST_DAYS, Flow, Question, Standing, Ways
from web.auth import role
from web.files import tables_as
from web.language import language
from web.site import site
from web.spells import lasting, spell_name
from web.yields import day

blueprint = Blueprint("flow", __name__, url_prefix="/flow")

DAYS: Final = 30
DRAWN: Final = 4
"""So many histograms are drawn; the others are one click away."""
BY_WORDS: Final = {"product": lazy_gettext("Product"), "order": lazy_gettext("Order")}
MEANINGS: Final = (
    (lazy_gettext("Cycle time"), lazy_gettext("from the first bench to the end of the route, with all waiting")),
    (lazy_gettext("Lead time"), lazy_gettext("from the release of the order to the end of the route")),
    (
        lazy_gettext("Median, 80 %, 95 %"),
        lazy_gettext("half of the units, 80 of 100, 95 of 100 took no longer than this"),
    ),
    (
        lazy_gettext("Little's law"),
        lazy_gettext(
            "units on their way on average = units that end in a day × days that they were on their way. Both sides "
            "are counted apart. They are the same when as many units begin as end."
        ),
    ),
    (
        lazy_gettext("A dash for the cycle time"),
        lazy_gettext("the whole way leads over one station: it would be the time of one person"),
    ),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A product or an order on the page; `more`: the filters that lead to what is behind it."""

    name: str
    ways: Ways
    more: dict[str, str]
    drawn: Drawing | None


def _question(plan: Plan) -> Question:
    """The filters of the address; what makes no sense there counts as not given."""
    today = site().clock().astimezone(ZoneInfo(plan.plant.timezone)).date()
    until = day("to") or today
    since = min(day("from") or until - timedelta(days=DAYS), until)
    by: Any = request.args.get("by", "")
    product, order = (request.args.get(name, "").strip()[:64] for name in ("product", "order"))
    since = max(since, until - timedelta(days=MOST_DAYS - 1))
    return Question(by if by in BY else "product", since, until, product, order)


@blueprint.get("")
@role("planner", "supervisor", "quality", "admin")
def index() -> str:
    """Where everything stands now, and the flow of some days."""
    here = site()
    with here.reading() as session:
        plan = revisions.latest_plan(session)
        if plan is None:
            return render_template("flow.html", plan=None)
        q = _question(plan)
        found = passages.read(session, plan, q, now=here.clock())
    return render_template(
        "flow.html",
        plan=plan,
        question=q,
        kept=_kept(q),
        by_words=BY_WORDS,
        flow=found,
        standing=[(*_step(plan, s), s) for s in found.standing],
        lines=_lines(plan, q, found.ways),
        throughput=_throughput(plan, found),
        law=_law(found.little),
        spread_cells=_spread_cells,
        lasting=lasting,
        meanings=MEANINGS,
        finished=sum(d.finished for d in found.days),
    )


@blueprint.get("/table.<any(csv,xlsx):kind>")
@role("planner", "supervisor", "quality", "admin")
def table(kind: str) -> Response:
    """Every table as a workbook, or the products and orders as CSV; times in seconds."""
    here = site()
    with here.reading() as session:
        plan = revisions.latest_plan(session)
        if plan is None:
            abort(404)
        q = _question(plan)
        found = tables(passages.read(session, plan, q, now=here.clock()))
    name = f"flow-{q.by}-{q.since}-{q.until}"
    return tables_as(kind, list(found.values()), name)


# --- what is shown ----------------------------------------------------------------------------------------------------


def _kept(q: Question) -> dict[str, str]:
    named = {"by": q.by, "from": q.since.isoformat(), "to": q.until.isoformat()}
    return {**named, **{name: v for name, v in (("product", q.product), ("order", q.order)) if v}}


def _step(plan: Plan, s: Standing) -> tuple[str, str]:
    """A product and a step in words."""
    lang = language()
    product = plan.product(s.product)
    step = product.step(s.step) if product else None
    return s.product, step.name.to(lang) if step else s.step


def _lines(plan: Plan, q: Question, ways: Sequence[Ways]) -> list[Line]:
    out = []
    for n, each in enumerate(ways):
        product = plan.product(each.product)
        name = f"{product.name.to(language())} ({each.key})" if product and q.by == "product" else each.key
        more = {**_kept(q), "by": "order", q.by: each.key}
        out.append(Line(name, each, more, _histogram(each) if n < DRAWN and len(each.bins) > 1 else None))
    return out


def _spread_cells(found: Spread | None) -> list[str]:
    """Median, 80 % and 95 % as people read them."""
    return ["–"] * 3 if found is None else [lasting(s) for s in (found.median, found.p80, found.p95)]


def _histogram(ways: Ways) -> Drawing:
    def said(b: Bin) -> str:
        return lasting(b.start) if b.end is not None else f"≥ {lasting(b.start)}"

    shown = [Column(said(b), float(b.count), str(b.count or "")) for b in ways.bins]
    what = _("Lead time") if ways.cycle is None else _("Cycle time")
    return columns(shown, alt=_("%(what)s of %(key)s: how many units took how long.", what=what, key=ways.key))


def _throughput(plan: Plan, found: Flow) -> Drawing | None:
    if not any(d.finished for d in found.days):
        return None
    lang = language()
    shown = [
        Column(spell_name(plan, "day", d.day.isoformat(), lang), float(d.finished), str(d.finished or ""))
        for d in found.days
    ]
    return columns(shown, alt=_("Units finished by day. The table has the same figures."))


def _law(found: Little | None) -> list[tuple[str, str]]:
    """Both sides of the law, and what their difference may mean."""
    if found is None or found.expected_wip is None or found.mean_stay is None:
        return []
    lang = language()
    mean, right = (_number(v, lang) for v in (found.mean_wip, found.expected_wip))
    rate = _number(found.rate * 86_400, lang)
    gap = found.gap or 0.0
    if abs(gap) < 0.1:
        why = _("Both sides agree: about as many units began as ended.")
    elif gap > 0:
        why = _(
            "More units were on their way than those that ended explain. Units pile up, or some stand still: look for "
            "held and forgotten ones. The first days of a new product look like this, too."
        )
    else:
        why = _(
            "Fewer units were on their way than those that ended explain. Old units were finished, or the stock went "
            "down."
        )
    return [
        (_("On their way, on average"), _("%(count)s units", count=mean)),
        (
            _("Ended in a day × mean cycle time"),
            _("%(rate)s units × %(time)s = %(count)s units", rate=rate, time=lasting(found.mean_stay), count=right),
        ),
        (_("Difference"), f"{_number(100 * gap, lang)} %"),
        (_("What it says"), why),
    ]


def _number(value: float, lang: str) -> str:
    text = f"{value:.1f}" if abs(value) >= 1 or not value else f"{value:.2f}"
    return text.replace(".", ",") if lang == "fr" else text
