"""Signals of control charts in the office: what waits, one with its evidence drawn, and its end, signed.

HTTP in, a use case, HTML out. When a signal opens stands in `mes.fold_signals`; nobody stands on these pages.
"""

from __future__ import annotations

from typing import Any, Final, cast, get_args

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from mes import drawing_control, signals
from mes.db.tables import ControlSignal
from mes.domain.measurement import show as measured
from mes.domain.route import Plan
from mes.domain.spc import Chart
from mes.domain.spc_watch import Cause
from mes.drawing import Drawing
from mes.signals import CAUSES, STATES, Evidence
from mes.spc_words import NAMES, RULE
from web.auth import actor, role
from web.forms import ident
from web.language import language, tell
from web.nc_acts import UNSIGNED, text
from web.orders import plan_and_today
from web.painter import when
from web.signing import signed
from web.site import site

blueprint = Blueprint("signals", __name__, url_prefix="/quality/signals")

TONES: Final = {"open": "stop", "over": "kept", "closed": "go"}


@blueprint.app_context_processor
def _counted() -> dict[str, Any]:
    """For the pages of quality: how many are open (counted only where it is shown)."""

    def open_signals() -> int:
        with site().reading() as session:
            return signals.count_open(session)

    return {"open_signals": open_signals}


@blueprint.get("")
@role("quality", "supervisor", "planner", "admin")
def index() -> str:
    """The open ones, or the latest of all."""
    here, everything = site(), request.args.get("show") == "all"
    with here.reading() as session:
        plan, _today, tz = plan_and_today(here, session)
        rows = signals.listed(session, everything=everything)
        return render_template(
            "signals.html",
            rows=[(row, _named(plan, row), _rules(row), signals.stopping(plan, row)) for row in rows],
            everything=everything,
            states=STATES,
            tones=TONES,
            tz=tz,
        )


@blueprint.get("/<signal>")
@role("quality", "supervisor", "planner", "admin")
def show(signal: str) -> str:
    """One: the readings that make it, and what to do."""
    here = site()
    with here.reading() as session:
        row = session.get(ControlSignal, signal)
        if row is None:
            abort(404)
        plan, _today, tz = plan_and_today(here, session)
        found = signals.evidence(row)
        product, step, test = _named(plan, row)
        return render_template(
            "signal.html",
            row=row,
            product=product,
            step=step,
            test=test,
            rules=_rules(row),
            stops=signals.stopping(plan, row),
            drawn=[(_(NAMES[c.kind]), _drawing(row, found, c, tz)) for c in found.charts],
            reads=[
                (r, _value(row, r.value), sorted({*found.marks[0].get(i, ()), *found.marks[1].get(i, ())}))
                for i, r in enumerate(found.reads)
            ],
            limits=[_value(row, row.centre + k * row.sigma) for k in (-3, 0, 3)],
            sigma=_value(row, row.sigma),
            causes=CAUSES,
            states=STATES,
            tones=TONES,
            title=_("%(test)s is not as usual", test=test)[:120],
            tz=tz,
        )


@blueprint.post("/close")
@role("quality", "supervisor")
def close() -> Any:
    """Say what the cause was; signed with the own password."""
    signal, who = ident("signal") or abort(404), actor()
    cause, why = request.form.get("cause", ""), text("why")
    to = redirect(url_for("signals.show", signal=signal))
    if cause not in get_args(Cause) or not why:
        flash(_("Choose the family of the cause, and say what you have found."), "stop")
        return to
    if not signed():
        tell(UNSIGNED)
        return to
    answer = site().do(lambda session, now: signals.close(session, signal, cast(Cause, cause), why, now=now, actor=who))
    if answer.reason == "unknown_signal":
        abort(404)
    tell(answer, _("Signal %(signal)s is closed.", signal=signal))
    return to


def _named(plan: Plan | None, row: ControlSignal) -> tuple[str, str, str]:
    """Product, step and reading by name; by their ids where the plan does not have them any more."""
    product, found = plan.product(row.product) if plan else None, signals.place(plan, row)
    name = product.name.to(language()) if product else row.product
    return (name, *(thing.name.to(language()) for thing in found)) if found else (name, row.step, row.test)  # type: ignore[return-value]


def _rules(row: ControlSignal) -> list[str]:
    return [
        _("%(chart)s: rule %(rule)s (%(what)s)", chart=_(NAMES[chart]), rule=rule, what=_(RULE[rule]))
        for chart, rule in signals.rules_of(row)
    ]


def _value(row: ControlSignal, value: float) -> str:
    return measured(value, row.measure, language())


def _drawing(row: ControlSignal, found: Evidence, chart: Chart, tz: str) -> Drawing:
    marks = found.marks[list(found.charts).index(chart)]
    ends = (when(found.reads[0].at, tz), when(found.reads[-1].at, tz))
    places = [(f"{when(r.at, tz)} · {r.unit}", url_for("units.show", serial=r.unit)) for r in found.reads]
    alt = _("Control chart: %(name)s. The table has the same values.", name=_(NAMES[chart.kind]))
    return drawing_control.control(chart, marks, alt=alt, say=lambda v: _value(row, v), ends=ends, places=places)
