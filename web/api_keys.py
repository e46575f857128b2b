"""Keys of programs for the administrator: which there are, a new one, one less.

HTTP in, a use case, HTML out. A key is in one answer and nowhere else, as a password that the system made.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _

from mes import api_keys
from web.audit_words import KEY_WORDS
from web.auth import actor, role
from web.forms import ident
from web.language import language, tell
from web.site import site

blueprint = Blueprint("api_keys", __name__)


@blueprint.get("/keys")
@role("admin")
def index() -> str:
    """Every key, and the form for a new one."""
    return _page()


@blueprint.post("/keys/add")
@role("admin")
def add() -> Any:
    """A new key; the answer shows it, once."""
    who, form = actor(), request.form
    name, customer, what = form.get("name", ""), form.get("customer", ""), form.get("role", "")
    try:
        last = date.fromisoformat(form.get("ends_on", ""))
    except ValueError:
        last = date.min
    answer, key = site().do(
        lambda session, now: api_keys.add(session, name, what, last, now=now, customer=customer, actor=who)
    )
    if not answer.done:
        return _page(wrong=answer.say(language()), typed={"name": name, "customer": customer, "role": what}), 422
    return _page(shown=key)


@blueprint.post("/keys/end")
@role("admin")
def end() -> Any:
    """It opens nothing any more, from now on."""
    key, who = ident("key"), actor()
    answer = site().do(lambda session, now: api_keys.end(session, key, now=now, actor=who))
    tell(answer, _("Key %(key)s is withdrawn.", key=key))
    return redirect(url_for("api_keys.index"))


def _page(wrong: str = "", typed: dict[str, str] | None = None, shown: str = "") -> str:
    here = site()
    now = here.clock()
    with here.reading() as session:
        rows = api_keys.listed(session, now=now)
    return render_template(
        "api_keys.html",
        rows=rows,
        roles=KEY_WORDS,
        wrong=wrong,
        typed=typed or {},
        shown=shown,
        today=now.date().isoformat(),
        in_a_year=(now.date() + timedelta(days=365)).isoformat(),
    )
