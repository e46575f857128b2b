"""Signing: whoever decides types their own password again. It compares here, outside every transaction."""

from __future__ import annotations

from time import monotonic

from flask import request

from mes import accounts, passwords
from web import auth
from web.site import site


def own_password(typed: str) -> str | None:
    """The hash of the password of who is signed in, when they have typed it; tries are counted as those of the sign-in.

    Raises:
        mes.passwords.TooMany: the machine has enough of them to check.
    """
    who, here = auth.signed_in(), site()
    if who is None:
        return None
    place = f"{request.remote_addr} {who.login}"
    if here.sign_ins.take(place, monotonic()):
        return None
    with here.reading() as db:
        row = accounts.find(db, who.login)
        kept = row.password if row and row.person == who.person else None
    if not passwords.matches(kept, typed):
        return None
    here.sign_ins.right(place)
    return kept


def signed() -> bool:
    """Has the form that is being answered been signed with the password of who is signed in?"""
    return own_password(request.form.get("password", "")) is not None
