"""Signing in and out, the first administrator, and what everybody may do with their own account.

HTTP in, a use case, HTML out. A password is compared here, outside every transaction: it takes 20 ms of a processor,
and the writer must not wait for it.
"""

from __future__ import annotations

import re
from math import ceil
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from mes import accounts, passwords, sessions
from mes.orders import Answer
from web import auth
from web.auth import PEOPLE, role
from web.language import language, tell
from web.signing import own_password
from web.site import site

blueprint = Blueprint("account", __name__)

ROLE_WORDS: Final = {
    "operator": lazy_gettext("operator"),
    "supervisor": lazy_gettext("supervisor"),
    "quality": lazy_gettext("quality"),
    "planner": lazy_gettext("planner"),
    "admin": lazy_gettext("administrator"),
}
HOMES: Final = ("orders.index", "quality.index", "account.mine")
_PLAIN_PATH: Final = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


@blueprint.app_context_processor
def _words() -> dict[str, Any]:
    return {"role_words": ROLE_WORDS}


def own_page(wanted: str | None) -> str | None:
    """A path of this server, as it may stand in `next`; None for everything else, however it is spelled."""
    if not wanted or not _PLAIN_PATH.fullmatch(wanted):
        return None
    parts = urlsplit(wanted)
    return wanted if not parts.scheme and not parts.netloc and not parts.path.startswith("//") else None


# --- in and out -------------------------------------------------------------------------------------------------------


@blueprint.get("/login")
@role("public")
def login() -> Any:
    """The form; whoever is signed in goes on."""
    if auth.signed_in() is not None:
        return redirect(own_page(request.args.get("next")) or url_for("account.home"))
    return _login_form()


def _login_form(wrong: str = "", login: str = "") -> str:
    here = site()
    with here.reading() as db:
        waits_for_setup = not accounts.is_set_up(db)
    to = own_page(request.values.get("next")) or ""
    return render_template("login.html", wrong=wrong, login=login, next=to, waits_for_setup=waits_for_setup)


@blueprint.post("/login")
@role("public")
def sign_in() -> Any:
    """Begin a session. A wrong name and a wrong password are the same answer after the same work."""
    here = site()
    name = accounts.login_of(request.form.get("login", ""))[:64]
    typed = request.form.get("password", "")
    place = f"{request.remote_addr} {name}"
    shut_s = here.sign_ins.take(place, monotonic())
    if shut_s:
        return _wait(shut_s, name)
    with here.reading() as db:
        row = accounts.find(db, name)
        person, kept, active = (row.person, row.password, row.active) if row else ("", None, False)
    right = passwords.matches(kept, typed)
    key = None
    if right and active and kept is not None:
        old = auth.session_digest()
        key = here.do(lambda db, now: sessions.begin(db, person, kept, now=now, instead_of=old))
    if key is None:
        _note(person, right)
        return _login_form(_("User name or password is wrong."), name), 401
    here.sign_ins.right(place)
    _carry(key)
    return redirect(own_page(request.form.get("next")) or url_for("account.home"))


def _wait(shut_s: float, name: str) -> Any:
    return _login_form(_too_many(shut_s), name), 429, {"Retry-After": str(ceil(shut_s))}


def _too_many(shut_s: float) -> str:
    return str(_("Too many wrong tries. Wait %(minutes)s min, then try again.", minutes=ceil(shut_s / 60)))


def _note(person: str, right: bool) -> None:
    """Write the refusal down; with names that no account has, only so many, because a flood must not write."""
    here = site()
    if person:
        here.do(lambda db, now: accounts.note_refusal(db, person, "disabled" if right else "password", now=now))
    elif not here.strangers.take(request.remote_addr or "", monotonic()):
        here.do(lambda db, now: accounts.note_refusal(db, "", "name", now=now))


def _carry(key: str) -> None:
    """Give this browser the key of its new session; nothing of the one before it stays, no form token either."""
    session.clear()
    session[auth.KEY] = key
    session.permanent = True


@blueprint.post("/logout")
@role("public")
def sign_out() -> Any:
    """End this session."""
    ended = auth.session_digest()
    if ended is not None:
        site().do(lambda db, now: sessions.end(db, ended, now=now))
    session.clear()
    return redirect(url_for("account.login"))


@blueprint.get("/office")
@role(*PEOPLE)
def home() -> Any:
    """The first page that this person may use."""
    return redirect(url_for(next((page for page in HOMES if auth.may(page)), "account.mine")))


# --- the first administrator ------------------------------------------------------------------------------------------


@blueprint.get("/setup")
@role("public")
def setup() -> Any:
    """The form that makes the first administrator; there is no such page any more once there was one."""
    _only_before_setup()
    return render_template("setup.html", wrong="", values={})


@blueprint.post("/setup")
@role("public")
def set_up() -> Any:
    """Make the first administrator, with the code that the server has printed."""
    _only_before_setup()
    here, address = site(), request.remote_addr or ""
    values = {name: request.form.get(name, "").strip() for name in ("code", "name", "login")}
    password, wrong = _new_password(values["login"])
    shut_s = here.setups.take(address, monotonic())
    if shut_s:
        wrong = _too_many(shut_s)
        return _setup_again(values, wrong), 429, {"Retry-After": str(ceil(shut_s))}
    with here.reading() as db:
        right = accounts.setup_code_is_right(db, values["code"])
    if not right:
        return _setup_again(values, Answer(False, "setup_code_wrong", {}).say(language())), 403
    here.setups.right(address)
    if wrong:
        return _setup_again(values, wrong), 422
    kept, speaks = passwords.hashed(password), language()
    answer = here.do(
        lambda db, now: accounts.set_up(
            db, values["code"], values["name"], values["login"], kept, language=speaks, now=now
        )
    )
    if not answer.done:
        return _setup_again(values, answer.say(speaks)), 409
    _begin(str(answer.args["person"]), kept)
    flash(_("You are the administrator. Add the others under Accounts."), "go")
    return redirect(url_for("account.home"))


def _setup_again(values: dict[str, str], wrong: str) -> str:
    return render_template("setup.html", wrong=wrong, values=values)


def _only_before_setup() -> None:
    with site().reading() as db:
        if accounts.is_set_up(db):
            abort(404)


# --- my account -------------------------------------------------------------------------------------------------------


@blueprint.get("/account")
@role(*PEOPLE)
def mine() -> str:
    """Who I am here, my password, a supervisor's PIN."""
    return render_template("account.html", who=auth.signed_in())


@blueprint.post("/account/password")
@role(*PEOPLE)
def change_password() -> Any:
    """Another password: every session of this person ends, and this browser goes on with a new one."""
    who = auth.signed_in()
    assert who is not None
    kept = own_password(request.form.get("old", ""))
    password, wrong = _new_password(who.login)
    if kept is not None and not wrong and password == request.form.get("old", ""):
        wrong = _("Choose another password than the one until now.")
    if kept is None or wrong:
        flash(wrong or Answer(False, "password_wrong", {}).say(language()), "stop")
        return redirect(url_for("account.mine"))
    new = passwords.hashed(password)
    answer = site().do(lambda db, now: accounts.change_password(db, who.person, kept, new, now=now))
    if answer.done:
        _begin(who.person, new)
    tell(answer, _("Your password is changed. You are signed out everywhere else."))
    return redirect(url_for("account.home"))


@blueprint.post("/account/pin")
@role("supervisor")
def change_pin() -> Any:
    """A supervisor's PIN for the benches."""
    who = auth.signed_in()
    assert who is not None
    pin = request.form.get("pin", "").strip()
    if own_password(request.form.get("old", "")) is None:
        tell(Answer(False, "password_wrong", {}))
    elif not passwords.is_pin(pin):
        flash(_("A PIN has 4 to 8 digits, and not all of them the same."), "stop")
    else:
        kept = passwords.hashed(pin)
        answer = site().do(lambda db, now: accounts.change_pin(db, who.person, kept, now=now))
        tell(answer, _("Your PIN is set."))
    return redirect(url_for("account.mine"))


def _new_password(login: str) -> tuple[str, str]:
    """The new password of a form, and what is wrong with it as a sentence."""
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        return password, _("The two passwords are not the same.")
    weak = passwords.weakness(password, accounts.login_of(login))
    return password, Answer(False, weak, {}).say(language()) if weak else ""


def _begin(person: str, kept: str) -> None:
    """Go on under a new key."""
    old = auth.session_digest()
    key = site().do(lambda db, now: sessions.begin(db, person, kept, now=now, instead_of=old, again=True))
    if key is None:
        abort(401)
    _carry(key)
