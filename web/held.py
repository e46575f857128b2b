"""What is held on one person, on a page that can be printed: for administrators, and for everybody about themselves.

HTTP in, a read, HTML out. It is shown after a click, not by an address alone: each time is written into the audit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, abort, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import held
from mes.db.base import utc_text
from mes.db.tables import Person
from web.account import ROLE_WORDS
from web.audit_say import sentence
from web.auth import PEOPLE, actor, role
from web.language import LANGUAGE_WORDS
from web.orders import plan_and_today
from web.painter import moment
from web.site import site

blueprint = Blueprint("held", __name__)

TIMES: Final = frozenset({"at", "created_at", "seen_at", "issued_at", "ended_at", "since"})
KINDS: Final[dict[str, Any]] = {
    "OperatorActivated": lazy_gettext("signed in"),
    "OperatorDeactivated": lazy_gettext("signed out"),
    "UnitsArrived": lazy_gettext("a unit came"),
    "UnitsInitialized": lazy_gettext("a unit with its own serial was taken in"),
    "UnitsWithdrawn": lazy_gettext("a unit that was taken in was taken back"),
    "UnitsDeparted": lazy_gettext("a unit left unfinished"),
    "MaterialsInstalled": lazy_gettext("a part went in"),
    "MaterialsLoaded": lazy_gettext("a component lot was loaded"),
    "MaterialsUninstalled": lazy_gettext("a part came out"),
    "UnitsTested": lazy_gettext("a test"),
    "ReadingsRecorded": lazy_gettext("a reading"),
    "UnitsInspected": lazy_gettext("a look"),
    "UnitsRepaired": lazy_gettext("a repair"),
    "WorkCompleted": lazy_gettext("a step was finished"),
    "UnitsDisqualified": lazy_gettext("a unit became scrap"),
    "StationStateChanged": lazy_gettext("break, or back to work"),
    "FaultOccurred": lazy_gettext("a device did not work"),
    "FaultCleared": lazy_gettext("a device worked again"),
    "IdentifiersNotRead": lazy_gettext("a code was not read"),
    "HelpRequested": lazy_gettext("help was called"),
    "HelpAnswered": lazy_gettext("help came"),
    "CartonWanted": lazy_gettext("a carton was asked for"),
    "CartonOpened": lazy_gettext("a carton was begun"),
    "UnitsPacked": lazy_gettext("something was packed"),
    "UnitsUnpacked": lazy_gettext("something was taken out of a carton"),
    "CartonWeighed": lazy_gettext("a carton was weighed"),
    "CartonClosed": lazy_gettext("a carton was closed"),
    "CartonReopened": lazy_gettext("a carton was opened again"),
}
"""What the floor's events are called for those who did them."""
VALUES: Final[dict[str, Any]] = {
    "self": lazy_gettext("the person"),
    "another": lazy_gettext("somebody else"),
    "active": lazy_gettext("good"),
    "ended": lazy_gettext("ended"),
    "granted": lazy_gettext("granted"),
    "withdrawn": lazy_gettext("withdrawn"),
    "used": lazy_gettext("used up"),
}


@blueprint.get("/people/<person>/held")
@role("admin")
def of_person(person: str) -> str:
    """What will be shown, and the button."""
    return _page(person, url_for("held.show_person", person=person))


@blueprint.post("/people/<person>/held")
@role("admin")
def show_person(person: str) -> str:
    """Everything."""
    return _shown(person)


@blueprint.get("/account/held")
@role(*PEOPLE)
def mine() -> str:
    """The same about whoever asks."""
    return _page(actor(), url_for("held.show_mine"))


@blueprint.post("/account/held")
@role(*PEOPLE)
def show_mine() -> str:
    """Everything about whoever asks."""
    return _shown(actor())


def _page(person: str, to: str) -> str:
    with site().reading() as session:
        name = _name(session, person)
    return render_template("held.html", person=person, name=name, to=to, parts=None)


def _name(session: Session, person: str) -> str:
    """The name, or the pseudonym of somebody whose name is erased."""
    return session.scalar(select(Person.name).where(Person.id == person)) or person


def _shown(person: str) -> str:
    here, who = site(), actor()
    if not here.do(lambda session, now: held.ask(session, person, now=now, actor=who)).done:
        abort(404)
    with here.reading() as session:
        _plan, _today, tz = plan_and_today(here, session)
        parts = held.read(session, person)
        name = _name(session, person)
    return render_template(
        "held.html",
        person=person,
        name=name,
        parts=parts,
        fields={name: _(word) for name, word in held.FIELDS.items()},
        say=lambda row, field: _said(row, field, tz),
        title=lambda part: _(part.title),
        now=moment(utc_text(here.clock()), tz),
    )


def _said(row: Mapping[str, Any], field: str, tz: str) -> str:
    """A value as people read it."""
    value = row[field]
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if field in TIMES:
        return moment(str(value), tz)
    if field == "said":
        return sentence(row["kind"], json.loads(value))
    if field == "roles":
        return ", ".join(str(ROLE_WORDS.get(name, name)) for name in value.split(", "))
    if field == "language":
        return str(LANGUAGE_WORDS.get(value, value))
    if field in ("kind", "by", "state"):
        return str(KINDS.get(value) or VALUES.get(value, value))
    return str(value)
