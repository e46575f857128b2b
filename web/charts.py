"""Control charts in the office: a reading of a step over its last units, or the share that failed by day.

HTTP in, a read, HTML or a file out. The calculations are those of `mes spc`; nobody stands on these pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from mes import charted, drawing_control, export, revisions
from mes.charted import KINDS, MOST, Made, Sample, Wanted
from mes.domain import days
from mes.domain.capability import Capability
from mes.domain.measurement import show
from mes.domain.route import Plan, Product, Step, Test
from mes.domain.spc import GROUPED, INDIVIDUAL, CannotChart, Chart
from mes.drawing import Drawing
from mes.spc_data import INDICES, marks_of
from mes.spc_words import CANNOT, NAMES, RULE, WARNING
from mes.yielded import CannotAsk
from web.auth import role
from web.forms import whole_number
from web.language import language
from web.painter import when
from web.site import site

blueprint = Blueprint("charts", __name__, url_prefix="/charts")

DAYS: Final = 90
MOST_IN_GROUP: Final = 25
KIND_WORDS: Final = {
    "i-mr": lazy_gettext("Single readings (I-MR)"),
    "xbar-r": lazy_gettext("Means and ranges (X̄-R)"),
    "xbar-s": lazy_gettext("Means and deviations (X̄-s)"),
    "p": lazy_gettext("Share that failed at the first go, by day (p)"),
}
ESTIMATORS: Final = {
    "mr": lazy_gettext("mean moving range"),
    "median-mr": lazy_gettext("median moving range"),
    "sd": lazy_gettext("standard deviation of all"),
    "pooled": lazy_gettext("pooled deviation"),
    "s": lazy_gettext("mean deviation"),
    "r": lazy_gettext("mean range"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for, with what the plan knows of it; `test` is None where nothing is measured."""

    wanted: Wanted
    product: Product
    step: Step
    test: Test | None

    @property
    def unit(self) -> str:
        """The unit of measure of the values; a share has none."""
        return self.test.unit if self.test and self.wanted.kind != "p" else ""


def _asked(plan: Plan) -> Asked | None:
    """The address; what it does not say, or says wrongly, is chosen: the first reading of the plan, three months."""
    given = request.args.get
    places = [(p, s, t) for p in plan.products for s in p.steps for t in s.tests if t.weigh is None]
    if not places:
        return None
    name = given("what", "")
    product, step, test = next((each for each in places if place_name(*each) == name), places[0])
    kind: Any = given("chart", "")
    kind = kind if kind in KINDS else "i-mr"
    fitting = INDIVIDUAL if kind == "i-mr" else () if kind == "p" else GROUPED
    today = site().clock().astimezone(ZoneInfo(plan.plant.timezone)).date()
    until = _day("to") or today
    wanted = Wanted(
        product=product.id,
        step=step.id,
        test=test.id,
        since=_day("from") or until - timedelta(days=DAYS),
        until=until,
        kind=kind,
        size=max(2, whole_number(given("size", "5"), MOST_IN_GROUP) or 5),
        base=whole_number(given("base", ""), MOST) or 0,
        estimator=given("estimator", "") if given("estimator", "") in fitting else "",
    )
    return Asked(wanted, product, step, test)


def place_name(product: Product, step: Step, test: Test) -> str:
    """A reading as the address has it."""
    return f"{product.id}/{step.id}/{test.id}"


def _day(name: str) -> date | None:
    try:
        found = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return found if 2000 <= found.year < 2100 else None


def _kept(a: Asked) -> dict[str, Any]:
    w = a.wanted
    named = {"what": f"{w.product}/{w.step}/{w.test}", "chart": w.kind, "from": w.since, "to": w.until}
    more = {"size": w.size if w.kind.startswith("xbar") else 0, "base": w.base, "estimator": w.estimator}
    return {**{n: str(v) for n, v in named.items()}, **{n: str(v) for n, v in more.items() if v}}


@blueprint.get("")
@role("planner", "supervisor", "quality", "admin")
def index() -> Any:
    """The charts, what was found on them, and the table that says the same."""
    with site().reading() as session:
        plan = revisions.latest_plan(session)
        a = _asked(plan) if plan else None
        if plan is None or a is None:
            return render_template("charts.html", plan=None)
        why, made = "", None
        if a.wanted.since > a.wanted.until:
            why = _("The first day lies after the last one. Change one of the two.")
        else:
            try:
                made = charted.made(session, plan, a.wanted)
            except CannotChart as error:
                why = _(CANNOT[error.reason])
    lang = language()
    tz = plan.plant.timezone
    places = [(p, s, t) for p in plan.products for s in p.steps for t in s.tests if t.weigh is None]
    return render_template(
        "charts.html",
        plan=plan,
        asked=a,
        why=why,
        made=made,
        drawn=[(_(NAMES[c.kind]), _drawing(a, made, c, tz)) for c in made.charts] if made else [],
        signals=_signals(made) if made else [],
        rows=list(_rows(a, made, tz)) if made else [],
        able=_able(made.able) if made and made.able else [],
        warnings=[_(WARNING[w]) for w in made.able.warnings] if made and made.able else [],
        mean=_value(a, made.study.mean) if made and made.study else "",
        sigma=_value(a, made.study.sigma.value) if made and made.study else "",
        how=ESTIMATORS.get(made.study.sigma.estimator, "") if made and made.study else "",
        limits=_limits(a),
        frozen=_frozen(a, made),
        places=[
            (place_name(*each), f"{each[0].id} · {each[1].name.to(lang)} · {each[2].name.to(lang)}") for each in places
        ],
        kinds=KIND_WORDS,
        estimators={n: w for n, w in ESTIMATORS.items() if n in (INDIVIDUAL if a.wanted.kind == "i-mr" else GROUPED)},
        kept=_kept(a),
        most=MOST,
    ), 422 if why else 200


@blueprint.get("/table.<any(csv,xlsx):kind>")
@role("planner", "supervisor", "quality", "admin")
def table(kind: str) -> Response:
    """Every point with its limits and the rules that it breaks; in a workbook the readings and the indices, too."""
    here = site()
    with here.reading() as session:
        plan = revisions.latest_plan(session)
        a = _asked(plan) if plan else None
        if plan is None or a is None:
            abort(404)
        try:
            made = charted.made(session, plan, a.wanted)
        except (CannotChart, CannotAsk):
            abort(422)
    head = (_("chart"), _("no."), _("label"), _("value"), "LCL", "CL", "UCL", _("rules"))
    points = [
        (_(NAMES[c.kind]), *row)
        for c, some in zip(made.charts, made.found, strict=True)
        for row in _points(made, c, some)
    ]
    tables = [export.Table(_("Points"), head, points)]
    if kind == "csv":
        response = Response(export.csv_bytes(tables[0], language()), mimetype="text/csv")
    else:
        reads = [(r.unit, r.visit, r.at, r.value, a.unit) for s in made.samples for r in s.reads]
        tables.append(
            export.Table(
                _("Readings"), (_("Unit"), _("Visit"), _("Time (UTC)"), _("value"), _("Unit of measure")), reads
            )
        )
        tables.append(export.Table(_("Capability"), (_("index"), _("value"), _("from"), _("to")), _indices(made.able)))
        sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        response = Response(export.xlsx(tables, made_at=here.clock()), mimetype=sheet)
    name = f"chart-{a.wanted.step}-{a.wanted.test}-{a.wanted.kind}-{a.wanted.until}.{kind}"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


# --- what is shown ----------------------------------------------------------------------------------------------------


def _value(a: Asked, value: float) -> str:
    if a.wanted.kind == "p":
        text = f"{100 * value:.3g}"
        return f"{text.replace('.', ',') if language() == 'fr' else text} %"
    return show(value, a.unit, language())


def _frozen(a: Asked, made: Made | None) -> str:
    """What the plan says of a chart of single readings, so that its limits are published and watched."""
    if made is None or made.study is None or a.wanted.kind != "i-mr" or not made.study.sigma.value > 0:
        return ""
    return f"chart = {{ centre = {made.study.mean:.6g}, sigma = {made.study.sigma.value:.4g} }}"


def _limits(a: Asked) -> str:
    t = a.test
    if t is None or a.wanted.kind == "p" or (t.low is None and t.high is None):
        return ""
    low, high = (None if v is None else show(v, t.unit, language()) for v in (t.low, t.high))
    return f"{low or '–'} … {high or '–'}"


def _label(a: Asked, sample: Sample, tz: str) -> str:
    if a.wanted.kind == "p":
        return str(days.said(sample.label)[language()])
    return when(sample.reads[-1].at, tz)


def _drawing(a: Asked, made: Made, chart: Chart, tz: str) -> Drawing:
    some = made.found[list(made.charts).index(chart)]
    ends = (made.samples[0], made.samples[-1])
    labels = tuple(s.label if a.wanted.kind == "p" else when(s.reads[-1].at, tz) for s in ends)
    alt = _("Control chart: %(name)s. The table has the same values.", name=_(NAMES[chart.kind]))
    return drawing_control.control(
        chart,
        marks_of(some),
        alt=alt,
        say=lambda v: _value(a, v),
        ends=(labels[0], labels[1]),
        places=[_place(a, s, tz) for s in made.samples],
    )


def _place(a: Asked, sample: Sample, tz: str) -> tuple[str, str]:
    """What a point is called, and where it leads: to its unit, where it is one."""
    units = list(dict.fromkeys(r.unit for r in sample.reads))
    name = " · ".join((_label(a, sample, tz), *units[:1]))
    return name, url_for("units.show", serial=units[0]) if len(units) == 1 else ""


def _signals(made: Made) -> list[str]:
    said = []
    for chart, some in zip(made.charts, made.found, strict=True):
        for s in some:
            places = ", ".join(str(i + 1) for i in s.marked[:12]) + (" …" if len(s.marked) > 12 else "")
            said.append(
                _("%(chart)s: rule %(rule)s (%(what)s) at %(places)s", chart=_(NAMES[chart.kind]), rule=s.rule,
                  what=_(RULE[s.rule]), places=places)
            )  # fmt: skip
    return said


def _rows(a: Asked, made: Made, tz: str) -> Iterator[dict[str, Any]]:
    """The samples, the latest first: where they come from, each chart's value, and the rules that they break."""
    marks = [marks_of(some) for some in made.found]
    for i in reversed(range(len(made.samples))):
        sample = made.samples[i]
        points = [c.points[i] for c in made.charts]
        yield {
            "no": i + 1,
            "label": _label(a, sample, tz),
            "units": list(dict.fromkeys(r.unit for r in sample.reads)),
            "count": f"{sample.failed} / {sample.size}" if a.wanted.kind == "p" else "",
            "values": ["–" if p.value is None else _value(a, p.value) for p in points],
            "rules": sorted({r for m in marks for r in m.get(i, ())}),
            "base": i in made.base,
        }


def _points(made: Made, chart: Chart, some: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    marks = marks_of(some)
    for p in chart.points:
        limits = (p.low, p.center, p.high) if p.limited else (None, None, None)
        yield p.index + 1, made.samples[p.index].label, p.value, *limits, ",".join(map(str, marks.get(p.index, ())))


def _indices(able: Capability | None) -> list[tuple[Any, ...]]:
    out = []
    for head, of in (("C", able.within if able else None), ("P", able.overall if able else None)):
        for field, letters in INDICES if of else ():
            index = getattr(of, field)
            if index is not None:
                out.append((head + letters, index.value, index.low, index.high))
    return out


def _able(able: Capability) -> list[tuple[str, str, str]]:
    """The indices as texts: name, value, interval."""

    def said(value: float) -> str:
        return f"{value:.2f}".replace(".", ",") if language() == "fr" else f"{value:.2f}"

    return [
        (name[0] + name[1:], said(value), "" if low is None else f"{said(low)} – {said(high)}")
        for name, value, low, high in _indices(able)
    ]
