"""Corrective actions in the office: what waits, one action with its causes, tasks and figures, and the 8D report.

HTTP in, a use case, HTML out. What may follow what stands in `mes.domain.corrective`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, TypeVar

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from pydantic import ValidationError
from sqlalchemy.orm import Session

from mes import corrective as verbs
from mes import eight_d, instruments, revisions, wire
from mes.db.tables import Nonconformity
from mes.domain.corrective import BRANCH_NAMES, FUNCTION_NAMES, LIVE, NAMES
from mes.orders import Answer
from web.auth import actor, role
from web.forms import ident, whole_number
from web.language import language, tell
from web.site import site

blueprint = Blueprint("corrective", __name__, url_prefix="/quality/actions")

TONES: Final = {
    "open": "stop",
    "analysed": "kept",
    "planned": "wait",
    "to_check": "kept",
    "effective": "go",
    "reopened": "stop",
    "cancelled": "idle",
}
MOST_AFTER: Final = 100_000
T = TypeVar("T", bound=wire.Frozen)
Verb = Callable[[Session, datetime], Answer]


@blueprint.get("")
@role("quality", "supervisor", "planner", "admin")
def index() -> str:
    """What somebody has still to work on, overdue ones first."""
    here, everything = site(), request.args.get("show") == "all"
    with here.reading() as session:
        today = instruments.today_of(session, here.clock())
        rows = verbs.waiting(session, today=today, everything=everything)
        return render_template(
            "actions.html", rows=rows, everything=everything, states=NAMES, tones=TONES, lang=language()
        )


@blueprint.get("/new")
@role("quality", "supervisor")
def new() -> str:
    """Ask why: from a nonconformity (`?nc=`), or of its own."""
    with site().reading() as session:
        nc = session.get(Nonconformity, request.args.get("nc", "")[:64])
        return render_template("action_new.html", nc=nc, **_choices(session))


def _choices(session: Session) -> dict[str, Any]:
    """Products, steps and defects of the plan by name; steps of several products stand once."""
    plan, lang = revisions.latest_plan(session), language()
    if plan is None:
        return {"products": {}, "steps": {}, "defects": {}}
    return {
        "products": {p.id: p.name.to(lang) for p in plan.products},
        "steps": {s.id: s.name.to(lang) for p in plan.products for s in p.steps},
        "defects": {d.code: d.name.to(lang) for d in plan.defects},
    }


@blueprint.get("/<path:action>")
@role("quality", "supervisor", "planner", "admin")
def show(action: str) -> str:
    """One action: why, what is done, whether it has worked."""
    here = site()
    with here.reading() as session:
        found = eight_d.known(session, action, now=here.clock())
        if found is None:
            abort(404)
        today = instruments.today_of(session, here.clock())
        return render_template(
            "action.html",
            found=found,
            row=found.action,
            live=found.action.state in LIVE,
            causes=eight_d.in_order(found.parts.causes),
            drawn=eight_d.bones(found, language()) if found.parts.causes else None,
            effect=eight_d.effect(found, language()),
            branches={key: said[language()] for key, said in BRANCH_NAMES.items()},
            functions={key: said[language()] for key, said in FUNCTION_NAMES.items()},
            states=NAMES,
            tones=TONES,
            lang=language(),
            tz=found.timezone,
            today=today,
            rooted=any(c.root for c in found.parts.causes),
            **_choices(session),
        )


@blueprint.get("/report/<path:action>.pdf")
@role("quality", "supervisor", "planner", "admin")
def report(action: str) -> Response:
    """The 8D report."""
    here = site()
    with here.reading() as session:
        found = eight_d.known(session, action, now=here.clock())
        if found is None:
            abort(404)
        made = eight_d.report(found, language(), now=here.clock())
    response = Response(made, mimetype="application/pdf")
    response.headers.set("Content-Disposition", "attachment", filename=f"8D-{action}.pdf")
    return response


# --- to do ------------------------------------------------------------------------------------------------------------


def _text(name: str, most: int = 2_000) -> str:
    return request.form.get(name, "").strip()[:most]


def _line(name: str, most: int) -> str:
    return " ".join(_text(name, most).split())


def _back(action: str) -> Any:
    return redirect(url_for("corrective.show", action=action))


def _missing(action: str, said: str) -> Any:
    """Say what is missing; nothing changes."""
    flash(said, "stop")
    return _back(action)


def _done(action: str, verb: Verb, done: str) -> Any:
    """Do it, and go back to the action."""
    tell(site().do(verb), done)
    return _back(action)


def _body(made: Callable[[], T]) -> T | None:
    """A body of what was typed; None where something in it cannot be."""
    try:
        return made()
    except ValidationError:
        return None


def _action() -> str:
    return ident("number") or abort(404)


@blueprint.post("/open")
@role("quality", "supervisor")
def open_action() -> Any:
    """Put the question why."""
    who, nc = actor(), ident("nc")
    body = _body(
        lambda: wire.ActionOpened(
            title=_line("title", 120),
            problem=_text("problem"),
            ncs=(nc,) if nc else (),
            product=ident("product"),
            step=ident("step"),
            defect=ident("defect"),
        )
    )
    if body is None:
        flash(_("Say in a few words what must not come again."), "stop")
        return redirect(url_for("corrective.new", nc=nc or None))
    answer = site().do(lambda session, now: verbs.open_action(session, body, now=now, actor=who))
    tell(answer, _("%(action)s is open. Now ask why.", action=answer.args.get("action", "")))
    if not answer.done:
        return redirect(url_for("corrective.new"))
    return redirect(url_for("corrective.show", action=answer.args["action"]))


@blueprint.post("/cause")
@role("quality", "supervisor")
def cause() -> Any:
    """One more answer to "why?"."""
    action, who = _action(), actor()
    under = whole_number(request.form.get("under", ""), 999_999) or 0
    branch: Any = request.form.get("branch", "")
    root = bool(request.form.get("root"))
    body = _body(
        lambda: wire.ActionCauseNamed(action=action, branch=branch, text=_line("text", 200), under=under, root=root)
    )
    if not body:
        return _missing(action, _("Say why in a few words, and choose the family."))
    return _done(
        action, lambda session, now: verbs.name_cause(session, body, now=now, actor=who), _("The cause is noted.")
    )


@blueprint.post("/root")
@role("quality", "supervisor")
def root() -> Any:
    """This cause is a root cause."""
    action, who = _action(), actor()
    number = whole_number(request.form.get("cause", ""), 999_999)
    if not number:
        return _missing(action, _("Choose a cause."))
    return _done(
        action,
        lambda session, now: verbs.mark_root(session, action, number, now=now, actor=who),
        _("The root cause is named."),
    )


@blueprint.post("/task")
@role("quality", "supervisor")
def task() -> Any:
    """Something to do until a day."""
    action, who = _action(), actor()
    owner: Any = request.form.get("owner", "")
    due, lasting = _day("due"), bool(request.form.get("lasting"))
    body = _body(
        lambda: wire.ActionTaskPlanned(action=action, text=_text("text"), owner=owner, due=due, lasting=lasting)
    )
    if not body:
        return _missing(action, _("Say what is to be done, who sees to it, and until when."))
    return _done(
        action, lambda session, now: verbs.plan_task(session, body, now=now, actor=who), _("The task is planned.")
    )


def _day(name: str) -> str:
    try:
        return date.fromisoformat(request.form.get(name, "")).isoformat()
    except ValueError:
        return ""


@blueprint.post("/done")
@role("quality", "supervisor", "planner", "admin")
def task_done() -> Any:
    """A task is done."""
    action, who, evidence = _action(), actor(), _text("evidence")
    number = whole_number(request.form.get("task", ""), 999_999)
    if not (number and evidence):
        return _missing(action, _("Say how it can be seen: a drawing, a record, a place."))
    return _done(
        action,
        lambda session, now: verbs.finish_task(session, action, number, evidence, now=now, actor=who),
        _("The task is done."),
    )


@blueprint.post("/criterion")
@role("quality", "supervisor")
def criterion() -> Any:
    """How, and when, it will be seen that it has worked."""
    action, who = _action(), actor()
    by: Any = request.form.get("by", "")
    after = whole_number(request.form.get("after", ""), MOST_AFTER) or 0
    body = _body(lambda: wire.ActionCriterionSet(action=action, criterion=_text("criterion"), by=by, after=after))
    if not body:
        return _missing(action, _("Say what must be seen, and after how many days or units."))
    return _done(
        action,
        lambda session, now: verbs.set_criterion(session, body, now=now, actor=who),
        _("The criterion is set."),
    )


@blueprint.post("/check")
@role("quality")
def check() -> Any:
    """It has worked, or not."""
    action, who, note, said = _action(), actor(), _text("note"), request.form.get("effective", "")
    if not (note and said in ("yes", "no")):
        return _missing(action, _("Say whether it has worked, and what you have looked at."))
    worked = said == "yes"
    return _done(
        action,
        lambda session, now: verbs.check(session, action, note, effective=worked, now=now, actor=who),
        _("The check is noted."),
    )


@blueprint.post("/reopen")
@role("quality")
def reopen() -> Any:
    """It has not worked after all."""
    action, who, why = _action(), actor(), _text("why")
    if not why:
        return _missing(action, _("Say why, so that everybody understands."))
    return _done(
        action,
        lambda session, now: verbs.reopen(session, action, why, now=now, actor=who),
        _("The question is put again."),
    )


@blueprint.post("/cancel")
@role("quality")
def cancel() -> Any:
    """It will not be done."""
    action, who, why = _action(), actor(), _text("why")
    if not why:
        return _missing(action, _("Say why, so that everybody understands."))
    return _done(
        action,
        lambda session, now: verbs.cancel(session, action, why, now=now, actor=who),
        _("The action is cancelled."),
    )
