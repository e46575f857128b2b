"""Accounts for the administrator: who there is, a new one, other roles, another password, shut and open.

HTTP in, a use case, HTML out. A password that the system made is in one answer and nowhere else: no message in a cookie
carries it, and loading the page again does not show it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from mes import accounts, passwords
from mes.letters import grouped_code
from mes.orders import Answer
from web.account import ROLE_WORDS
from web.auth import actor, role
from web.forms import ident
from web.language import LANGUAGE_WORDS, chosen, language, tell
from web.site import site

blueprint = Blueprint("accounts", __name__)


@blueprint.get("/accounts")
@role("admin")
def index() -> str:
    """Every account by user name, and the form for a new one."""
    return _page()


@blueprint.post("/accounts/add")
@role("admin")
def add() -> Any:
    """A new account; the answer shows its password, once."""
    who, form = actor(), request.form
    login, name, roles = form.get("login", ""), form.get("name", ""), form.getlist("roles")
    speaks = chosen()
    password = grouped_code()
    kept = passwords.hashed(password)

    def use_case(session: Session, now: datetime) -> Answer:
        return accounts.add(session, name, login, roles, kept, language=speaks, now=now, actor=who)

    answer = site().do(use_case)
    if not answer.done:
        return _page(wrong=answer.say(language()), typed={"login": login, "name": name, "roles": roles}), 422
    return _page(shown=(accounts.login_of(login), password))


@blueprint.get("/accounts/<person>")
@role("admin")
def show(person: str) -> str:
    """One account, and what can be done with it."""
    return _one(person)


@blueprint.post("/accounts/act/roles")
@role("admin")
def change_roles() -> Any:
    """These roles and no others."""
    person, roles, who = ident("person"), request.form.getlist("roles"), actor()
    answer = site().do(lambda session, now: accounts.change_roles(session, person, roles, now=now, actor=who))
    return _said(person, answer, _("The roles count from the next page on."))


@blueprint.post("/accounts/act/shut")
@role("admin")
def shut() -> Any:
    """Nobody signs in with it, and its sessions end at once."""
    person, who = ident("person"), actor()
    answer = site().do(lambda session, now: accounts.disable(session, person, now=now, actor=who))
    return _said(person, answer, _("The account is shut, and its sessions have ended."))


@blueprint.post("/accounts/act/open")
@role("admin")
def open_again() -> Any:
    """As it was before it was shut."""
    person, who = ident("person"), actor()
    answer = site().do(lambda session, now: accounts.enable(session, person, now=now, actor=who))
    return _said(person, answer, _("The account is open again."))


@blueprint.post("/accounts/act/reset")
@role("admin")
def reset() -> Any:
    """Another password, shown once; every session ends."""
    person, who = ident("person"), actor()
    password = grouped_code()
    kept = passwords.hashed(password)
    answer = site().do(lambda session, now: accounts.reset(session, person, kept, now=now, actor=who))
    if not answer.done:
        return _said(person, answer, "")
    return _one(person, password)


def _said(person: str, answer: Answer, done: str) -> Any:
    tell(answer, done)
    known = answer.done or answer.reason != "unknown_account"
    return redirect(url_for("accounts.show", person=person) if known else url_for("accounts.index"))


def _page(wrong: str = "", typed: dict[str, Any] | None = None, shown: tuple[str, str] | None = None) -> str:
    with site().reading() as session:
        rows = accounts.listed(session)
    return render_template(
        "accounts.html",
        rows=rows,
        roles=ROLE_WORDS,
        languages_known=LANGUAGE_WORDS,
        wrong=wrong,
        typed=typed or {"login": "", "name": "", "roles": []},
        shown=shown,
    )


def _one(person: str, password: str = "") -> str:
    with site().reading() as session:
        row = next((r for r in accounts.listed(session) if r.person == person), None)
    if row is None:
        abort(404)
    return render_template(
        "account_of.html", row=row, roles=ROLE_WORDS, shown=(row.login, password) if password else None
    )
