"""Acceptance sampling in the office: what waits, the lot that somebody states with its plan, the result, the series.

HTTP in, a use case, HTML out. How a lot is judged stands in `mes.fold_sampling`; nobody stands on these pages.
"""

from __future__ import annotations

import json
from typing import Any, Final, cast, get_args

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from pydantic import ValidationError

from mes import export, sampling, wire
from mes.db.tables import WorkOrder
from mes.domain.orders import Against
from mes.domain.reasons import sentence
from mes.domain.route import Plan
from mes.orders import Answer
from mes.sampling import DECISIONS, HEAD, SEVERITIES, STATES, Decision, Waiting, Wanted
from web.auth import actor, role
from web.files import tables_as
from web.forms import ident, whole_number
from web.language import language, tell
from web.nc_acts import UNSIGNED, line, text
from web.orders import plan_and_today
from web.signing import signed
from web.site import site

blueprint = Blueprint("sampling", __name__, url_prefix="/quality/sampling")

MOST: Final = 1_000_000
TONES: Final = {"accepted": "go", "rejected": "stop", "again": "idle"}
SEVERITY_TONES: Final = {"normal": "go", "tightened": "wait", "reduced": "go", "stopped": "stop"}


def _why(waiting: Waiting) -> str:
    """Why the next lot is inspected so."""
    asked = waiting.step.sampling
    said, args = sampling.why(waiting.series, wanted=asked is not None and asked.reduced)
    return str(_(said, **args))


def _words() -> dict[str, Any]:
    return {
        "severities": SEVERITIES,
        "states": STATES,
        "tones": TONES,
        "severity_tones": SEVERITY_TONES,
    }


@blueprint.get("")
@role("quality", "supervisor")
def index() -> str:
    """What waits for an inspection, the series, and the latest lots."""
    here = site()
    with here.reading() as session:
        plan, _today, tz = plan_and_today(here, session)
        series = sampling.series(session)
        return render_template(
            "sampling.html",
            waiting=[
                (order, each, _names(plan, order.product, each.step.id)) for order, each in sampling.waiting(session)
            ],
            series=[(s, sampling.rule_of(s), _names(plan, s.product, s.step)) for s in series],
            rows=[(r, _names(plan, r.product, r.step)) for r in sampling.listed(session, Wanted(), most=50)],
            tz=tz,
            **_words(),
        )


@blueprint.get("/order/<path:order>")
@role("quality", "supervisor")
def show(order: str) -> Any:
    """State a lot of an order; once it is stated, its plan and the form for the result."""
    here = site()
    with here.reading() as session:
        row = session.get(WorkOrder, order)
        found = sampling.of_order(session, order) if row else None
        if row is None or found is None:
            abort(404)
        product, steps = found
        _plan, _today, tz = plan_and_today(here, session)
        stated = _stated(order, request.args) if request.args.get("step") else None
        offer = sampling.offer(session, stated) if isinstance(stated, wire.LotStated) else None
        against = " ".join(sentence(offer.reason, offer.args, language())) if isinstance(offer, Against) else ""
        return render_template(
            "sampling_order.html",
            row=row,
            product=product,
            steps=[(w, _why(w)) for w in steps],
            stated=stated if isinstance(stated, wire.LotStated) else None,
            offer=None if isinstance(offer, Against) else offer,
            wrong=stated if isinstance(stated, str) else against,
            tz=tz,
            most=MOST,
            **_words(),
        )


def _stated(order: str, given: Any) -> wire.LotStated | str:
    """The lot that an address or a form states; or what is wrong with it."""
    quantity = given.get("quantity", "").strip()
    count = whole_number(quantity, MOST) if quantity else 0
    if count is None:
        return str(_("Give a whole number from 1 to %(most)s.", most=MOST))
    scope = given.get("scope", "")
    try:
        return wire.LotStated(
            order=order,
            step=given.get("step", "")[:64],
            quantity=0 if scope in ("all", "cartons") else count,
            cartons=tuple(given.getlist("carton")) if scope in ("", "cartons") else (),
            again=given.get("again", "")[:64],
        )
    except ValidationError:
        return str(_("Choose the lot again."))


@blueprint.post("/inspect")
@role("quality", "supervisor")
def inspect() -> Any:
    """The result of a sample: the lot is accepted or not, and what does not conform is held."""
    order, who, form = ident("order") or abort(404), actor(), request.form
    stated = _stated(order, form)
    if isinstance(stated, str):
        flash(stated, "stop")
        return redirect(url_for("sampling.show", order=order))
    back = redirect(
        url_for(
            "sampling.show", order=order, step=stated.step, quantity=stated.quantity or None, carton=stated.cartons,
            again=stated.again or None,
        )
    )  # fmt: skip
    units = tuple(dict.fromkeys(form.get("units", "")[:20_000].replace(",", " ").split()))
    typed = str(len(units)) if form.get("by_unit") else form.get("found", "").strip()
    found = 0 if typed == "0" else whole_number(typed, MOST)
    if found is None:
        flash(_("Say how many pieces of the sample do not conform; 0 if none."), "stop")
        return back
    try:
        body = wire.LotInspected(
            **stated.model_dump(),
            size=int(form.get("size", "0")[:9]),
            severity=cast(Any, form.get("severity", "")),
            sample=int(form.get("sample", "0")[:9]),
            found=found,
            units=units,
            steady=bool(form.get("steady")),
            place=line("place"),
            note=text("note"),
        )
    except ValueError:
        flash(_("A number or a name is too long, or has signs that cannot be typed."), "stop")
        return back
    answer = site().do(lambda session, now: sampling.inspect(session, body, now=now, actor=who))
    if not answer.done:
        tell(answer)
        return back
    return _judged(answer, order)


def _judged(answer: Answer, order: str) -> Any:
    """To where it goes on: to the nonconformity of what is held, else back to the order."""
    said = {"inspection": answer.args["inspection"], "nc": answer.args.get("nc", "")}
    if answer.args["state"] == "rejected":
        flash(_("Lot %(inspection)s is not accepted. It is held: %(nc)s.", **said), "stop")
        return redirect(url_for("quality.show", nc=said["nc"]))
    if said["nc"]:
        tell(answer, _("Lot %(inspection)s is accepted. What does not conform is held: %(nc)s.", **said))
    else:
        tell(answer, _("Lot %(inspection)s is accepted.", **said))
    return redirect(url_for("sampling.show", order=order))


@blueprint.get("/series/<product>/<step>")
@role("quality", "supervisor")
def history(product: str, step: str) -> str:
    """The lots of a product at a step, the newest first, with every switch and decision between them."""
    here = site()
    with here.reading() as session:
        row = sampling.one_series(session, product, step)
        if row is None:
            abort(404)
        plan, _today, tz = plan_and_today(here, session)
        lots = sampling.listed(session, Wanted(product=product, step=step))
        rule = sampling.rule_of(row)
        made = plan.product(product) if plan else None
        at = made.step(step) if made else None
        said, args = sampling.why(rule, wanted=bool(at and at.sampling and at.sampling.reduced))
        return render_template(
            "sampling_series.html",
            row=row,
            severity="stopped" if rule.stopped else rule.severity,
            why=_(said, **args),
            names=_names(plan, product, step),
            happened=_happened(lots, json.loads(row.decisions)),
            decisions=DECISIONS,
            tz=tz,
            **_words(),
        )


def _happened(lots: Any, decisions: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Lots and decisions in one order of time, the newest first; `switched`: the lot has changed the severity."""
    out: list[dict[str, Any]] = []
    for lot in lots:
        switched = lot.severity_after != lot.severity and not lot.again
        out.append({"at": lot.at, "lot": lot, "switched": switched})
    oldest = lots[-1].at if lots else ""
    out += [{"at": d["at"], "decision": d} for d in decisions if d["at"] >= oldest]
    return sorted(out, key=lambda each: (each["at"], "decision" in each), reverse=True)


@blueprint.post("/decide")
@role("quality")
def decide() -> Any:
    """Sampling goes on after it had stopped, or reduced inspection ends; signed with the own password."""
    product, step, who = ident("product") or abort(404), ident("step") or abort(404), actor()
    decision, why = request.form.get("decision", ""), text("why")
    to = redirect(url_for("sampling.history", product=product, step=step))
    if decision not in get_args(Decision) or not why:
        flash(_("Say why, so that everybody understands."), "stop")
        return to
    if not signed():
        tell(UNSIGNED)
        return to
    chosen = cast(Decision, decision)
    answer = site().do(lambda session, now: sampling.decide(session, product, step, chosen, why, now=now, actor=who))
    if answer.reason == "sampling_no_series":
        abort(404)
    tell(answer, _("The decision is written down."))
    return to


@blueprint.get("/inspections.<any(csv,xlsx):kind>")
@role("quality", "supervisor")
def table(kind: str) -> Response:
    """The inspections as a file, of one product and step where the address names them."""
    wanted = Wanted(product=request.args.get("product", "")[:64], step=request.args.get("step", "")[:64])
    with site().reading() as session:
        rows = [sampling.as_row(row, _) for row in sampling.every(session, wanted)]
    made = export.Table(_("Inspections"), [_(h) for h in HEAD], rows)
    return tables_as(kind, [made], "inspections")


def _names(plan: Plan | None, product: str, step: str) -> tuple[str, str]:
    return sampling.names(plan, product, step, language())
