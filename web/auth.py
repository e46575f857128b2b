"""Who may come in where: each view declares a role, and what has declared none is closed.

Roles: `public` (the board: reading only, no person in it), `office` (orders and decisions: this computer itself, or a
browser that opened the office link which `mes serve` prints), `station` (a bearer token, for its own stream only),
`door` (enrolment: the one-time code is the key).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

from flask import Flask, Response, abort, g, redirect, request, session, url_for

from web.keys import station_of_token
from web.site import site

Role = Literal["public", "office", "station", "door"]
ROLES: Final = frozenset({"public", "office", "station", "door"})
F = TypeVar("F", bound=Callable[..., Any])


def role(name: Role) -> Callable[[F], F]:
    """Declare who may call a view. Stands nearest to the function, below the route."""

    def mark(view: F) -> F:
        view.role = name  # type: ignore[attr-defined]
        return view

    return mark


def declared(view: Any) -> Role | None:
    """The role that a view has declared, None when it has not."""
    return getattr(view, "role", None)


def guard(app: Flask) -> None:
    """Check the declared role before every view; deny where there is none."""

    @app.before_request
    def _check() -> Response | None:
        if request.endpoint is None:
            return None  # no such page: Flask answers 404 by itself
        wanted = "public" if request.endpoint == "static" else declared(app.view_functions.get(request.endpoint))
        if wanted in ("public", "door"):
            return None
        if wanted == "station":
            g.station = station_of_token()
            return None
        if wanted == "office" and is_office():
            return None
        abort(403)


def is_office() -> bool:
    """True on the server itself, and in a browser that was let in by the office link."""
    key = session.get("office")
    if isinstance(key, str) and hmac.compare_digest(key, site().office_key):
        return True
    return request.remote_addr in ("127.0.0.1", "::1") and "X-Forwarded-For" not in request.headers


def let_in(key: str) -> Response:
    """Open the office for this browser when the key of the office link is right."""
    if not hmac.compare_digest(key, site().office_key):
        abort(403)
    session.clear()
    session["office"] = key
    session.permanent = True
    return redirect(url_for("orders.index"))  # type: ignore[return-value]
