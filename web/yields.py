"""Yields in the office: a table, its trend, what each figure means, and the units behind a step.

HTTP in, a read, HTML or a file out. The figures and their definitions are those of `mes.yielded`. Nobody stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from mes import export, revisions
from mes.domain.ratios import FEW
from mes.domain.route import Plan
from mes.drawing import Drawing
from mes.drawing_trend import Mark, trend
from mes.yielded import BY, COLUMNS, FIGURES, CannotAsk, Question, Yield, asked, said, total
from mes.yielded.figures import COUNTS, between, cells, interval
from mes.yielded.reads import SPELLS
from mes.yielded.units import failed
from web.auth import role
from web.files import tables_as
from web.language import language
from web.site import site
from web.spells import line_name, spell_name

blueprint = Blueprint("yields", __name__, url_prefix="/yields")

DAYS: Final = 30
TRENDS: Final = ("first_pass", "rolled")
BY_WORDS: Final = {
    "product": lazy_gettext("Product"),
    "order": lazy_gettext("Order"),
    "line": lazy_gettext("Line"),
    "step": lazy_gettext("Step"),
    "shift": lazy_gettext("Shift"),
    "day": lazy_gettext("Day"),
    "week": lazy_gettext("Week"),
}
CANNOT: Final = {
    "order_has_no_time": lazy_gettext("An order has no days, shifts and lines here. Choose step, product or order."),
    "wrong_way_round": lazy_gettext("The first day lies after the last one. Change one of the two."),
    "too_long": lazy_gettext("Three years are the most by shift, day or week. Choose fewer days."),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A row as the page shows it; `more`: the filters that lead to what is behind it; `chart`: to its control chart."""

    name: str
    row: Yield
    more: dict[str, str]
    chart: dict[str, str]


@blueprint.get("")
@role("planner", "supervisor", "quality", "admin")
def index() -> Any:
    """The table, its trend, and what each figure means."""
    here = site()
    with here.reading() as session:
        plan = revisions.latest_plan(session)
        if plan is None:
            return render_template("yields.html", plan=None)
        question = _question(plan)
        why, rows = "", []
        try:
            rows = asked(session, plan, question)
        except CannotAsk as error:
            why = str(CANNOT[error.reason])
        behind = [] if why else failed(session, plan, question)
    said_in = language()
    together = total(plan, question, rows)
    lines = [
        Line(_name(plan, question, row, said_in), row, _more(question, row), _chart(plan, question, row))
        for row in rows
    ]
    return render_template(
        "yields.html",
        plan=plan,
        question=question,
        why=why,
        lines=lines,
        all=Line(_("Together"), together, {}, {}),
        few=FEW,
        columns=COLUMNS,
        figures=FIGURES,
        said=lambda row, figure: said(row, figure, said_in),
        interval=lambda row, figure: interval(row, figure, said_in),
        by_words=BY_WORDS,
        kept=_kept(question),
        steps=steps_to_choose(plan, question.product, said_in),
        trends=[(_(FIGURES[f].name), t) for f in TRENDS if (t := _trend(question, rows, f, said_in)) is not None],
        behind=behind,
        measured=_measured(plan, question),
        failing=_failing(question),
    ), 422 if why else 200


@blueprint.get("/table.<any(csv,xlsx):kind>")
@role("planner", "supervisor", "quality", "admin")
def table(kind: str) -> Response:
    """What the page shows, with the counts behind it, as a file."""
    with site().reading() as session:
        plan = revisions.latest_plan(session)
        if plan is None:
            abort(404)
        question = _question(plan)
        try:
            rows = [cells(row) for row in asked(session, plan, question)]
        except CannotAsk:
            abort(422)
    name = f"yields-{question.by}-{question.since.isoformat()}-{question.until.isoformat()}"
    return tables_as(kind, [export.Table(_("Yields"), _heads(), rows)], name)


def _heads() -> list[str]:
    """The heads of `cells`, in the language of the page."""
    names = [_("group"), _("product"), _("step")]
    for figure in COLUMNS:
        name = _(FIGURES[figure].name)
        names.append(name)
        if figure != "defects":
            names += [_("%(name)s: from", name=name), _("%(name)s: to", name=name)]
    return [*names, _("ended"), *COUNTS]


# --- what is asked ----------------------------------------------------------------------------------------------------


def _question(plan: Plan) -> Question:
    """The filters of the address; what makes no sense there counts as not given."""
    given = {name: request.args.get(name, "").strip()[:64] for name in ("by", "product", "order", "line", "step")}
    today = site().clock().astimezone(ZoneInfo(plan.plant.timezone)).date()
    until = day("to") or today
    by: Any = given.pop("by")
    since = day("from") or until - timedelta(days=DAYS)
    return Question(by=by if by in BY else "product", since=since, until=until, **given)


def day(name: str) -> date | None:
    """A day between 2000 and 2100 that the address names; a stretch of a thousand years is no question."""
    try:
        found = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return found if 2000 <= found.year < 2100 else None


def _kept(q: Question) -> dict[str, str]:
    """The filters as the address has them; without empty ones."""
    named = {"by": q.by, "from": q.since.isoformat(), "to": q.until.isoformat()}
    only = {"product": q.product, "order": q.order, "line": q.line, "step": q.step}
    return {**named, **{name: value for name, value in only.items() if value}}


def _more(q: Question, row: Yield) -> dict[str, str]:
    """Where a row leads: a product to its steps, a step to its days, a week to its days, a day to its steps."""
    kept = _kept(q)
    if q.by in ("product", "line"):
        return {**kept, "by": "step", q.by: row.key}
    if q.by == "order":
        return {**kept, "by": "step", "order": row.key}
    if q.by == "step":
        return {**kept, "by": "step" if q.order else "day", "product": row.product, "step": row.step}
    if q.by == "week":
        first = date.fromisocalendar(int(row.key[:4]), int(row.key[6:]), 1)
        return {**kept, "by": "day", "from": first.isoformat(), "to": (first + timedelta(days=6)).isoformat()}
    return {**kept, "by": "step", "from": row.key[:10], "to": row.key[:10]}


# --- what is shown ----------------------------------------------------------------------------------------------------


def _name(plan: Plan, q: Question, row: Yield, said_in: str) -> str:
    """A group in words: names of the plan where it has one."""
    lang: Any = said_in
    if q.by == "product":
        product = plan.product(row.key)
        return f"{product.name.to(lang)} ({row.key})" if product else row.key
    if q.by == "step":
        product = plan.product(row.product)
        step = product.step(row.step) if product else None
        shown = step.name.to(lang) if step else row.step
        return shown if q.product else f"{row.product} · {shown}"
    if q.by == "line":
        return line_name(plan, row.key, lang)
    return row.key if q.by == "order" else spell_name(plan, q.by, row.key, lang)


def steps_to_choose(plan: Plan, only: str, said_in: str) -> list[tuple[str, str]]:
    """The steps to choose from, each id once; of one product where `only` names it."""
    lang: Any = said_in
    found: dict[str, str] = {}
    for product in plan.products:
        if not only or product.id == only:
            for step in product.steps:
                found.setdefault(step.id, step.name.to(lang))
    return list(found.items())


def _measured(plan: Plan, q: Question) -> str:
    """The first reading of the step that is asked for, as the page of charts names it; "" where there is none."""
    found = (
        f"{p.id}/{s.id}/{t.id}"
        for p in plan.products
        for s in p.steps
        for t in s.tests
        if q.step == s.id and q.product in ("", p.id) and t.weigh is None
    )
    return next(found, "")


def _chart(plan: Plan, q: Question, row: Yield) -> dict[str, str]:
    """The control chart of a step's row: the share that failed there, by day; none of a step that is no more."""
    product = plan.product(row.product)
    if product is None or not row.step or product.step(row.step) is None:
        return {}
    return {"what": f"{row.product}/{row.step}", "chart": "p", "from": q.since.isoformat(), "to": q.until.isoformat()}


def _failing(q: Question) -> dict[str, str]:
    """The page of failures with the same filters."""
    kept = _kept(q)
    return {**kept, "by": "step" if q.by == "step" else "cause"}


def _trend(q: Question, rows: Sequence[Yield], figure: str, said_in: str) -> Drawing | None:
    """A yield over time with its band, where at least two stretches have one; the table says the same in words."""
    marks = [_mark(row, figure, said_in) for row in rows]
    if q.by not in SPELLS or sum(mark.value is not None for mark in marks) < 2:
        return None
    name = _(FIGURES[figure].name)
    return trend(marks, alt=_("%(name)s over time, with its interval. The table has the same figures.", name=name))


def _mark(row: Yield, figure: str, said_in: str) -> Mark:
    bounds = between(row, figure)
    label = _short(row.key)
    if bounds is None:
        return Mark(label, None)
    if figure == "rolled":
        few = row.through is not None and row.through.least < FEW
        return Mark(label, row.rolled, *bounds, said(row, figure, said_in), few)
    ratio = row.first_pass
    text = said(row, figure, said_in)
    return Mark(label, ratio.value, *bounds, text if ratio.few else text.partition(" (")[0], ratio.few)


def _short(key: str) -> str:
    """A stretch of time in few letters, as stands under a drawing: 23/11, week 48, 23/11 and the shift."""
    if key[5:6] == "W":
        return key[5:]
    on, _space, shift = key.partition(" ")
    return f"{on[8:10]}/{on[5:7]} {shift}".strip()
