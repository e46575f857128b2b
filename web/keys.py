"""The station behind a request: its bearer token, asked of the database at most every two seconds."""

from __future__ import annotations

from flask import abort, request

from mes import keys
from web.site import site


def bearer() -> str:
    """The token that the request carries, empty when it has none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def station_of_token() -> str:
    """The station of the bearer token; 401, always the same, when it is missing, unknown, replaced or revoked."""
    token = bearer()
    if not token:
        abort(401)
    digest = keys.digest(token)
    here = site()
    station = here.tokens.known(digest)
    if station is None:
        with here.reading() as session:
            found = keys.standing(session, digest)
        if found is None:
            abort(401)
        if found.fresh:
            here.do(lambda session, now: keys.begin_use(session, digest, now=now))
            here.tokens.forget()  # the one before it is dead from now on
        station = found.station
        here.tokens.learn(digest, station)
    here.seen.heard(station, here.clock())
    return station
