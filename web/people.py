"""People, their badges and what they may do. The only pages that show the names of those who work at the benches.

HTTP in, a use case, HTML out. Nothing here counts, compares or ranks anybody: lists are by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import badge_cards, badges, codes, people, qualifications, revisions
from mes.db.tables import Badge, Person
from mes.domain import days
from mes.orders import Answer
from web.auth import actor, role
from web.forms import ident, whole_number
from web.labels import sent
from web.language import LANGUAGE_WORDS, chosen, language, tell
from web.site import site

blueprint = Blueprint("people", __name__, url_prefix="/people")


@dataclass(frozen=True, slots=True)
class Row:
    """A person and their good badges."""

    person: str
    name: str
    language: str
    badges: tuple[Badge, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a person may do: the last day, and whether that is over, soon, or far."""

    until: str
    tone: str  # go, kept, stop


@blueprint.app_template_filter("calendar")
def calendar(day: str) -> str:
    """`2026-12-01` as people write it."""
    return days.said(day)["en" if language() == "en" else "fr"]


# --- people and badges ------------------------------------------------------------------------------------------------


@blueprint.get("")
@role("supervisor", "admin")
def index() -> str:
    """Everybody by name, with their badges, and the form for somebody new."""
    return _index()


def _index(wrong: str = "", typed: str = "") -> str:
    with site().reading() as session:
        rows = _rows(session)
        return render_template("people.html", rows=rows, languages_known=LANGUAGE_WORDS, wrong=wrong, typed=typed)


def _rows(session: Session) -> list[Row]:
    held: dict[str, list[Badge]] = {}
    for each in session.scalars(select(Badge).where(Badge.state == "active").order_by(Badge.issued_at, Badge.id)):
        held.setdefault(each.person, []).append(each)
    everybody = session.scalars(select(Person))
    rows = [Row(p.id, p.name, p.language, tuple(held.get(p.id, ()))) for p in everybody]
    return sorted(rows, key=lambda r: (r.name.casefold(), r.person))


@blueprint.post("/add")
@role("supervisor", "admin")
def add() -> Any:
    """Take somebody in, with a badge at once."""
    who, typed = actor(), request.form.get("name", "")
    name = people.fit_name(typed)
    speaks = chosen()
    if name is None:
        return _index(Answer(False, "name_form", {}).say(language()), typed.strip()[: people.MOST_NAME]), 422

    def use_case(session: Session, now: datetime) -> Answer:
        person = people.add(session, name, speaks, now=now, actor=who)
        return badges.issue(session, person, now=now, actor=who)

    answer = site().do(use_case)
    return _to_the_badge(answer)


@blueprint.post("/badge/issue")
@role("supervisor", "admin")
def issue() -> Any:
    """Another badge for somebody."""
    who, person = actor(), ident("person")
    return _to_the_badge(site().do(lambda session, now: badges.issue(session, person, now=now, actor=who)))


def _to_the_badge(answer: Answer) -> Any:
    if answer.done:
        return redirect(url_for("people.badge", badge=answer.args["badge"]))
    tell(answer)
    return redirect(url_for("people.index"))


@blueprint.post("/badge/end")
@role("supervisor", "admin")
def end() -> Any:
    """A badge is lost, or its person leaves."""
    who, which = actor(), ident("badge")
    why = request.form.get("why", "").strip()[:500]
    answer = site().do(lambda session, now: badges.end(session, which, now=now, why=why, actor=who))
    tell(answer, _("The badge is ended. It signs nobody in."))
    return redirect(url_for("people.index"))


@blueprint.get("/badge/<badge>")
@role("supervisor", "admin")
def badge(badge: str) -> str:
    """A badge to be printed: a card of 85 × 54 mm."""
    here = site()
    with here.reading() as session:
        row = session.get(Badge, badge)
        person = session.get(Person, row.person) if row else None
        plan = revisions.latest_plan(session)
        if row is None or row.state != "active" or person is None:
            abort(404)
        code = badges.code_of(row.id)
        return render_template(
            "badge.html",
            name=person.name,
            row=row,
            code=code,
            bars=codes.bars(code),
            square=codes.square(code),
            site_name=plan.plant.site if plan else "Atelier",
        )


@blueprint.get("/badges.pdf")
@role("supervisor", "admin")
def cards() -> Any:
    """Badges as cards, with names: those that are named, else every good one; on sheets of A4, or one a page."""
    wanted = [badge[:64] for badge in request.args.getlist("badge")]
    layout: badge_cards.Layout = "card" if request.args.get("layout") == "card" else "sheet"
    skip = whole_number(request.args.get("skip") or "1", badge_cards.PLACES) or 1
    with site().reading() as session:
        made = badge_cards.cards(session, wanted, layout=layout, skip=skip - 1, language=language())
    return sent(made, url_for("people.index"))


# --- who may do what --------------------------------------------------------------------------------------------------


@blueprint.get("/qualifications")
@role("supervisor", "quality", "admin")
def skills() -> str:
    """Who may do what until when: what ends soon first, then everybody by name."""
    here = site()
    with here.reading() as session:
        plan = revisions.latest_plan(session)
        wanted = plan.plant.qualifications if plan else ()
        today = qualifications.today_of(plan, here.clock()) if plan else ""
        rows = {r.person: r for r in _rows(session)}
        names = {q.id: q.name for q in wanted}
        granted = [q for q in qualifications.held(session) if q.person in rows]
        cells: dict[tuple[str, str], Cell] = {
            (q.person, q.qualification): Cell(q.valid_until, tone_of(q.valid_until, today)) for q in granted
        }
        shown = [r for r in rows.values() if r.badges or any((r.person, q.id) in cells for q in wanted)]
        return render_template(
            "qualifications.html",
            wanted=wanted,
            rows=shown,
            cells=cells,
            ending=[(q, rows[q.person].name) for q in qualifications.ending(granted, today)] if today else [],
            names=names,
            today=today,
            soon_days=qualifications.SOON_DAYS,
            chosen={name: request.args.get(name, "") for name in ("person", "qualification")},
        )


def tone_of(until: str, today: str) -> str:
    """Over, soon, or far."""
    if until < today:
        return "stop"
    return "kept" if until <= qualifications.soon(today) else "go"


@blueprint.post("/qualifications/grant")
@role("supervisor")
def grant() -> Any:
    """Somebody may do this, until a day."""
    who, form = actor(), request.form
    try:
        until = date.fromisoformat(form["until"]) if form.get("until") else None
    except ValueError:
        flash(_("Give a date, such as 2026-11-27."), "stop")
        return _back_to_skills(form)
    person, wanted = ident("person"), ident("qualification")
    answer = site().do(
        lambda session, now: qualifications.grant(session, person, wanted, now=now, until=until, actor=who)
    )
    tell(answer, _("Granted until %(until)s.", until=answer.args.get("until")))
    return redirect(url_for("people.skills")) if answer.done else _back_to_skills(form)


@blueprint.post("/qualifications/withdraw")
@role("supervisor")
def withdraw() -> Any:
    """Somebody may not do this any more."""
    who, form = actor(), request.form
    person, wanted = ident("person"), ident("qualification")
    why = form.get("why", "").strip()[:500]
    if not why:
        flash(_("Say why, so that everybody understands."), "stop")
        return _back_to_skills(form)
    answer = site().do(
        lambda session, now: qualifications.withdraw(session, person, wanted, now=now, why=why, actor=who)
    )
    tell(answer, _("Withdrawn. The benches hear of it within seconds."))
    return redirect(url_for("people.skills"))


def _back_to_skills(form: Mapping[str, str]) -> Any:
    """The page again, with the same person and qualification chosen."""
    person, wanted = form.get("person", "")[:64], form.get("qualification", "")[:64]
    return redirect(url_for("people.skills", person=person, qualification=wanted))
