"""Control charts in the office: a reading of a step over its last units, or the share that failed by day.

HTTP in, a read, HTML or a file out. The calculations are those of `mes spc`; nobody stands on these pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from flask import Blueprint, Response, abort, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from mes import charted, drawing_control, export, revisions
from mes.charted import MOST, Made, Sample
from mes.domain.capability import Capability
from mes.domain.measurement import show
from mes.domain.spc import GROUPED, INDIVIDUAL, CannotChart, Chart
from mes.drawing import Drawing
from mes.spc_data import INDICES, marks_of
from mes.spc_words import CANNOT, COUNTED, NAMES, RULE, WARNING, constants
from mes.yielded import CannotAsk
from web.auth import role
from web.charts_asked import BY_WORDS, ESTIMATORS, KIND_WORDS, Asked, asked, kept, place_name, places_of, said
from web.files import tables_as
from web.language import language
from web.painter import when
from web.site import site
from web.spells import spell_name

blueprint = Blueprint("charts", __name__, url_prefix="/charts")

MOST_NAMED: Final = 25
"""Units of a sample that the table names."""
CANNOT_HERE: Final = {
    "baseline_outside": lazy_gettext("Nothing lies in the days that were to make the limits. Choose other days."),
    "sizes_differ": lazy_gettext("The samples differ in size. Take defects by unit (u), or units in a row."),
}


@blueprint.get("")
@role("planner", "supervisor", "quality", "admin")
def index() -> Any:
    """The charts, what was found on them, and the table that says the same."""
    with site().reading() as session:
        plan = revisions.latest_plan(session)
        a = asked(plan) if plan else None
        if plan is None or a is None:
            return render_template("charts.html", plan=None)
        why, made = "", None
        if a.wanted.since > a.wanted.until or (a.wanted.phase_one and a.wanted.phase_one[0] > a.wanted.phase_one[1]):
            why = _("The first day lies after the last one. Change one of the two.")
        else:
            try:
                made = charted.made(session, plan, a.wanted)
            except CannotChart as error:
                why = str(CANNOT_HERE.get(error.reason) or _(CANNOT[error.reason]))
    tz = plan.plant.timezone
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
        facts=_facts(a, made) if made else [],
        failing={"product": a.product.id, "step": a.step.id, "from": str(a.wanted.since), "to": str(a.wanted.until)},
        limits=_limits(a),
        frozen=_frozen(a, made),
        places=[(place_name(*each), said(each)) for each in places_of(plan)],
        kinds=KIND_WORDS,
        bys=BY_WORDS,
        estimators={n: w for n, w in ESTIMATORS.items() if n in (INDIVIDUAL if a.wanted.kind == "i-mr" else GROUPED)},
        kept=kept(a),
        most=MOST,
    ), 422 if why else 200


@blueprint.get("/table.<any(csv,xlsx):kind>")
@role("planner", "supervisor", "quality", "admin")
def table(kind: str) -> Response:
    """Every point with its limits and the rules that it breaks; in a workbook the readings and the indices, too."""
    with site().reading() as session:
        plan = revisions.latest_plan(session)
        a = asked(plan) if plan else None
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
    reads = [(r.unit, r.visit, r.at, r.value, a.unit) for s in made.samples for r in s.reads]
    tables = [
        export.Table(_("Points"), head, points),
        export.Table(_("Readings"), (_("Unit"), _("Visit"), _("Time (UTC)"), _("value"), _("Unit of measure")), reads),
        export.Table(_("Capability"), (_("index"), _("value"), _("from"), _("to")), _indices(made.able)),
    ]
    name = f"chart-{a.wanted.step}-{a.wanted.test or 'all'}-{a.wanted.kind}-{a.wanted.until}"
    return tables_as(kind, tables, name)


# --- what is shown ----------------------------------------------------------------------------------------------------


def _value(a: Asked, value: float) -> str:
    if a.wanted.kind == "p":
        return _share(value)
    if a.counted:
        return _decimal(f"{value:.3g}")
    return show(value, a.unit, language())


def _share(value: float) -> str:
    return f"{_decimal(f'{100 * value:.3g}')} %"


def _decimal(text: str) -> str:
    return text.replace(".", ",") if language() == "fr" else text


def _facts(a: Asked, made: Made) -> list[tuple[str, str]]:
    """The centre, σ with how it was estimated, and the constants that the limits came with."""
    if made.study is None:
        letter, distribution, sigma_of = COUNTED[a.wanted.kind]
        first = made.charts[0].points[0]
        rate = first.center / first.size if a.wanted.kind == "np" else first.center
        sizes = sorted({s.size for s in made.samples})
        return [
            (_("Centre (%(letter)s)", letter=letter), _share(rate) if letter == "p" else _value(a, rate)),
            (_("Size of the samples (n)"), " … ".join(map(str, dict.fromkeys((sizes[0], sizes[-1]))))),
            ("σ", f"{sigma_of} ({_(distribution)})"),
        ]
    size = a.wanted.size if a.grouped else 1
    sigma = made.study.sigma
    how = ESTIMATORS.get(sigma.estimator, sigma.estimator)
    numbers = " · ".join(f"{name} = {value:.4g}" for name, value in constants(made.study, size))
    return [
        (_("Mean"), _value(a, made.study.mean)),
        ("σ", f"{_value(a, sigma.value)} ({how})"),
        (_("Constants"), _decimal(numbers)),
    ]


def _frozen(a: Asked, made: Made | None) -> str:
    """What the plan says of a chart of single readings, so that its limits are published and watched."""
    if made is None or made.study is None or a.wanted.kind != "i-mr" or not made.study.sigma.value > 0:
        return ""
    return f"chart = {{ centre = {made.study.mean:.6g}, sigma = {made.study.sigma.value:.4g} }}"


def _limits(a: Asked) -> str:
    t = a.test
    if t is None or a.counted or (t.low is None and t.high is None):
        return ""
    low, high = (None if v is None else show(v, t.unit, language()) for v in (t.low, t.high))
    return f"{low or '–'} … {high or '–'}"


def _label(a: Asked, sample: Sample, tz: str) -> str:
    if sample.reads or sample.units:
        return when(sample.reads[-1].at if sample.reads else sample.label, tz)
    return spell_name(a.plan, "day", sample.label, language())


def _drawing(a: Asked, made: Made, chart: Chart, tz: str) -> Drawing:
    some = made.found[list(made.charts).index(chart)]
    ends = (made.samples[0], made.samples[-1])
    labels = tuple(_label(a, s, tz) for s in ends)
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
    units = _units(sample)
    name = " · ".join((_label(a, sample, tz), *units[:1]))
    return name, url_for("units.show", serial=units[0]) if len(units) == 1 else ""


def _units(sample: Sample) -> list[str]:
    return list(dict.fromkeys(r.unit for r in sample.reads)) or list(sample.units)


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
            "units": _units(sample) if len(_units(sample)) <= MOST_NAMED else [],
            "count": f"{sample.failed} / {sample.size}" if a.counted else "",
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
