"""The form for a new nonconformity: units, pieces of an order, a component lot, a delivery, a process, a complaint."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, cast

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from pydantic import ValidationError
from sqlalchemy.orm import Session

from mes import nonconformities as verbs
from mes import wire
from mes.orders import Answer
from mes.wire.nonconformity import MAX_ITEMS
from web.auth import actor, role
from web.forms import whole_number
from web.language import language, tell
from web.nc_acts import MOST, line, text
from web.nc_words import KINDS, SEVERITIES
from web.quality import blueprint
from web.site import site

FIELDS: Final = ("title", "units", "order", "pieces", "part", "lot", "lot_pieces", "delivery", "process", "complaint",
                 "requirement", "severity", "supplier", "customer", "description", "signal")  # fmt: skip
OTHER: Final = ("delivery", "process", "complaint")
MOST_UNITS: Final = MAX_ITEMS - 5  # one order, one lot and the three others have their places
_ID: Final = 64  # characters of an id


@blueprint.get("/quality/new")
@role("quality", "supervisor", "planner")
def new() -> str:
    """The form; an address may fill it."""
    return _form({name: request.args.get(name, "")[:2_000] for name in FIELDS})


@blueprint.post("/quality/new")
@role("quality", "supervisor", "planner")
def report() -> Any:
    """Open it, or show the form again with what is missing."""
    who = actor()
    values = {name: request.form.get(name, "").strip()[:5_000] for name in FIELDS}
    items = _items(values)
    if isinstance(items, str):
        return _form(values, items), 422
    severity = values["severity"] if values["severity"] in SEVERITIES else ""
    facts = wire.NcFacts(
        requirement=text("requirement"),
        severity=cast(Any, severity),
        supplier=line("supplier"),
        customer=line("customer"),
    )
    try:
        body = wire.NonconformityOpened(
            title=line("title"),
            facts=facts,
            signal=line("signal", _ID),
            items=tuple(wire.NcItem(**item) for item in items),
        )
    except ValidationError:
        return _form(values, _("A number or a name is too long, or has signs that cannot be typed.")), 422
    description = text("description")

    def use_case(session: Session, now: datetime) -> Answer:
        answer = verbs.open_nc(session, body, now=now, actor=who)
        if answer.done and description:
            verbs.remark(session, str(answer.args["nc"]), now=now, text=description, actor=who)
        return answer

    answer = site().do(use_case)
    if not answer.done:
        return _form(values, answer.say(language())), 409
    nc = str(answer.args["nc"])
    tell(answer, _("%(nc)s is open. What it names is held.", nc=nc))
    return redirect(url_for("quality.show", nc=nc))


def _items(values: dict[str, str]) -> list[dict[str, Any]] | str:
    """What the form names, or a sentence about what is missing."""
    if not line("title"):
        return str(_("Say in a few words what is not right."))
    units = list(dict.fromkeys(values["units"].replace(",", " ").split()))
    if len(units) > MOST_UNITS:
        return str(_("At most %(most)s units at once.", most=MOST_UNITS))
    items: list[dict[str, Any]] = [{"kind": "unit", "subject": u[:_ID]} for u in units]
    if values["order"] or values["pieces"]:
        pieces = whole_number(values["pieces"], MOST)
        if not values["order"] or pieces is None:
            return str(_("Give the order and how many of its pieces, or leave both empty."))
        items.append({"kind": "pieces", "subject": line("order", _ID), "quantity": pieces})
    if values["part"] or values["lot"]:
        count = whole_number(values["lot_pieces"] or "1", MOST)
        if not values["part"] or not values["lot"] or count is None:
            return str(_("Give the part and the number of the lot, or leave both empty."))
        items.append({"kind": "lot", "part": line("part", _ID), "subject": line("lot", _ID), "quantity": count})
    items += [{"kind": kind, "subject": line(kind, _ID)} for kind in OTHER if line(kind, _ID)]
    return items or str(_("Say what is concerned: a unit, an order, a lot, a delivery, a process or a complaint."))


def _form(values: dict[str, str], wrong: str = "") -> str:
    return render_template("nc_new.html", values=values, wrong=wrong, severities=SEVERITIES, kinds=KINDS)
