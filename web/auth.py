"""Who may come in where: each view declares its roles, and what has declared none is closed.

People: `operator`, `supervisor`, `quality`, `planner`, `admin` (`mes.wire.Role`); a view names those whom it lets in,
and `*PEOPLE` is everybody who is signed in. Everybody else: `public` (the board, the sign-in: no person is in it),
`station` (a bearer token, for its own stream only), `door` (enrolment: the one-time code is the key), `planner-api` and
`reader-api` (a program with a key, `mes.wire.KeyRole`).
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any, Final, Literal, TypeVar, get_args

from flask import Flask, abort, current_app, g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from mes import accounts, sessions, wire
from mes.keys import digest
from mes.sessions import Who
from web.keys import program_of_key, station_of_token
from web.site import site

Role = Literal[
    "public", "station", "door", "operator", "supervisor", "quality", "planner", "admin", "planner-api", "reader-api"
]
PEOPLE: Final[tuple[wire.Role, ...]] = accounts.ROLES
ROLES: Final[frozenset[str]] = frozenset(get_args(Role))
PROGRAMS: Final[frozenset[str]] = frozenset(get_args(wire.KeyRole))
KEY: Final = "sid"
"""Where the cookie carries the key of a session."""
F = TypeVar("F", bound=Callable[..., Any])


def role(*names: Role) -> Callable[[F], F]:
    """Declare who may call a view. Stands nearest to the function, below the route.

    Raises:
        TypeError: no role, or one that there is not.
    """
    if not names or not ROLES.issuperset(names):
        raise TypeError(f"unknown role: {names}")

    def mark(view: F) -> F:
        view.roles = frozenset(names)  # type: ignore[attr-defined]
        return view

    return mark


def declared(view: Any) -> frozenset[str]:
    """The roles that a view has declared; none when it is closed."""
    return getattr(view, "roles", frozenset())


def roles_of(app: Flask, endpoint: str) -> frozenset[str]:
    """The roles of an endpoint; none when there is no such view, or it is closed."""
    return frozenset({"public"}) if endpoint == "static" else declared(app.view_functions.get(endpoint))


def guard(app: Flask) -> None:
    """Check the declared roles before every view; deny where there are none."""

    @app.before_request
    def _check() -> Response | None:
        if request.endpoint is None:
            return None  # no such page: Flask answers 404 by itself
        wanted = roles_of(app, request.endpoint)
        if wanted & {"public", "door"}:
            return None
        if "station" in wanted:
            g.station = station_of_token()
            return None
        if wanted & PROGRAMS:
            g.program = program_of_key()
            if g.program.role not in wanted:
                abort(403)
            return None
        if not wanted:
            abort(403)
        who = signed_in()
        if who is None:
            if request.method not in ("GET", "HEAD"):
                abort(401)
            return redirect(url_for("account.login", next=request.full_path.rstrip("?")))
        if not who.roles & wanted:
            _note(who, wanted)
            abort(403)
        if who.must_change and not request.endpoint.startswith("account."):
            return redirect(url_for("account.mine"))
        return None


def signed_in() -> Who | None:
    """Who asks for this page, None when nobody is signed in. Asked of the database once a request."""
    if "who" not in g:
        g.who = _look()
    found: Who | None = g.who
    return found


def session_digest() -> str | None:
    """The digest of the key that this browser carries, whatever it is good for."""
    key = session.get(KEY)
    return digest(key) if isinstance(key, str) else None


def actor() -> str:
    """The pseudonym of who is signed in: what a use case is told of its caller."""
    who = signed_in()
    if who is None:
        abort(401)
    return who.person


def may(endpoint: str) -> bool:
    """May who is signed in open this endpoint? What they may not is not offered."""
    who = signed_in()
    wanted = roles_of(current_app, endpoint)
    return "public" in wanted or (who is not None and not who.must_change and bool(who.roles & wanted))


def _look() -> Who | None:
    found = session_digest()
    if found is None:
        return None
    here = site()
    with here.reading() as db:
        who = sessions.look(db, found, now=here.clock())
    if who is not None and who.stale:
        here.do(lambda db, now: sessions.touch(db, found, now=now))
    return who


def _note(who: Who, wanted: frozenset[str]) -> None:
    """Write the refusal down, unless the same person has filled the audit with them a moment ago."""
    here = site()
    if here.refusals.take(who.person, monotonic()):
        return
    path = "".join(c for c in request.path if c.isprintable())[:200]
    here.do(lambda db, now: accounts.note_access(db, who.person, path, wanted, now=now))
