"""Failures and scrap in the office: bars by cause, step, product, order, line or station, and the units behind each.

HTTP in, a read, HTML or a file out. What is counted stands in `mes.fold_failures`. Nobody stands here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, render_template, request, url_for
from flask_babel import gettext as _

from mes import drawing_bars, failure_words, nc_log, revisions
from mes.domain.route import Plan
from mes.drawing import Drawing
from mes.nc_export import Words
from mes.yielded import CannotAsk, failures
from mes.yielded.failures import BY, GOES, MOST, MOST_IN_FILE, Bar, Wanted
from web.auth import role
from web.files import tables_as
from web.language import language
from web.site import site
from web.yields import CANNOT, DAYS, day, steps_to_choose

blueprint = Blueprint("failures", __name__, url_prefix="/yields/failures")

DRAWN: Final = 12
SHOWN: Final = 200
ONLY: Final = ("product", "order", "line", "station", "step", "of", "cause")


@dataclass(frozen=True, slots=True)
class Line:
    """A bar as the page shows it: its words, the filter that leads to its units, and to which chart it leads."""

    name: str
    bar: Bar
    behind: dict[str, str]
    chart: dict[str, str]


@blueprint.get("")
@role("planner", "supervisor", "quality", "admin")
def index() -> Any:
    """The bars, the table that says the same, and the latest units behind."""
    here = site()
    why, bars, rows, whole, judged = "", [], [], 0, None
    with here.reading() as session:
        plan = revisions.latest_plan(session)
        if plan is None:
            return render_template("failures.html", plan=None)
        wanted = _wanted(plan)
        words = Words(plan, language(), nc_log.Log.of(plan, here.clock()))
        try:
            bars = failures.bars(session, plan, wanted)
            rows = failures.rows(session, plan, wanted)
            whole = failures.total(session, plan, wanted)
            judged = failures.of_judged(session, plan, wanted, whole)
        except CannotAsk as error:
            why = str(CANNOT[error.reason])
    named = [failure_words.name(words, wanted.by, bar) for bar in bars]
    kept = _kept(wanted)
    return render_template(
        "failures.html",
        plan=plan,
        wanted=wanted,
        why=why,
        goes={go: words.say(said) for go, said in failure_words.GO.items()},
        means=words.say(failure_words.GO_MEANS[wanted.go]),
        by_words={by: words.say(said) for by, said in failure_words.BY.items()},
        kept=kept,
        narrowed=failure_words.cause(words, wanted.of, wanted.cause, wanted.product, wanted.step) if wanted.of else "",
        steps=steps_to_choose(plan, wanted.product, language()),
        lines=[Line(n, b, {**kept, **b.narrower}, _chart(plan, wanted, b)) for n, b in zip(named, bars, strict=True)][
            :SHOWN
        ],
        more=max(0, len(bars) - SHOWN),
        drawn=_drawn(named, bars, kept) if bars else None,
        total=whole,
        judged=judged.said()[language()] if judged else "",
        rows=[(row, failure_words.cause(words, row.of, row.cause, row.product, row.step)) for row in rows],
        most=MOST if len(rows) == MOST else 0,
        words=words,
    ), 422 if why else 200


@blueprint.get("/table.<any(csv,xlsx):kind>")
@role("planner", "supervisor", "quality", "admin")
def table(kind: str) -> Response:
    """The bars as a table; a workbook has the units behind, too."""
    here = site()
    with here.reading() as session:
        plan = revisions.latest_plan(session)
        if plan is None:
            abort(404)
        wanted = _wanted(plan)
        words = Words(plan, language(), nc_log.Log.of(plan, here.clock()))
        try:
            groups = failure_words.table(words, wanted.by, failures.bars(session, plan, wanted))
            behind = failures.rows(session, plan, wanted, MOST_IN_FILE) if kind == "xlsx" else []
        except CannotAsk:
            abort(422)
    name = f"failures-{wanted.go}-{wanted.by}-{wanted.since.isoformat()}-{wanted.until.isoformat()}"
    return tables_as(kind, [groups, failure_words.units(words, behind)], name)


def _wanted(plan: Plan) -> Wanted:
    """The filters of the address; what makes no sense there counts as not given."""
    given = {name: request.args.get(name, "").strip()[:64] for name in ("go", "by", *ONLY)}
    go: Any = given.pop("go")
    by: Any = given.pop("by")
    until = day("to") or site().clock().astimezone(ZoneInfo(plan.plant.timezone)).date()
    since = day("from") or until - timedelta(days=DAYS)
    asked = Wanted(since=since, until=until, go=go if go in GOES else "first", by=by if by in BY else "cause", **given)
    return asked if asked.of and asked.cause else replace(asked, of="", cause="")


def _kept(w: Wanted) -> dict[str, str]:
    """The filters as the address has them; without empty ones."""
    named = {"go": w.go, "by": w.by, "from": w.since.isoformat(), "to": w.until.isoformat()}
    return {**named, **{name: value for name in ONLY if (value := str(getattr(w, name)))}}


def _chart(plan: Plan, w: Wanted, bar: Bar) -> dict[str, str]:
    """The control chart that a bar leads to: of its readings for a test, of its share that failed for a step."""
    step_id = bar.step if w.by == "cause" else bar.key if w.by == "step" else ""
    product = plan.product(bar.product)
    step = product.step(step_id) if product and step_id else None
    if product is None or step is None:
        return {}
    days = {"from": w.since.isoformat(), "to": w.until.isoformat()}
    if w.by == "step":
        return {"what": f"{product.id}/{step.id}", "chart": "p", **days}
    if not any(t.id == bar.key and t.weigh is None for t in step.tests):
        return {}
    return {"what": f"{product.id}/{step.id}/{bar.key}", **days}


def _drawn(named: list[str], bars: list[Bar], kept: dict[str, str]) -> Drawing:
    some = [
        drawing_bars.Bar(
            n, b.count, str(b.count), b.share, f"{url_for('failures.index')}?{urlencode({**kept, **b.narrower})}"
        )
        for n, b in zip(named[:DRAWN], bars, strict=False)
    ]
    alt = _("The largest groups first, with their share of all. The table says the same.")
    return drawing_bars.ranked(some, alt=alt)
