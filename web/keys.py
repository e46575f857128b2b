"""Who is behind a bearer token: a station, asked of the database at most every two seconds, or a program."""

from __future__ import annotations

from math import ceil
from time import monotonic

from flask import abort, request

from mes import api_keys, keys
from mes.api_keys import Program
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


class Crowd(Exception):
    """A key asks too often, or too many wrong ones came from this address."""

    def __init__(self, wait_s: float) -> None:
        super().__init__()
        self.wait_s = max(1, ceil(wait_s))


def program_of_key() -> Program:
    """The program whose key the request carries; 401, always the same, when it is missing, unknown, withdrawn or old.

    Raises:
        Crowd: so many requests, or so many wrong keys, that it has to wait.
    """
    here, address = site(), request.remote_addr or ""
    key = bearer()
    if not key:
        abort(401)
    shut_s = here.wrong_keys.shut_for_s(address, monotonic())
    if shut_s:
        raise Crowd(shut_s)
    found = keys.digest(key)
    with here.reading() as session:
        program = api_keys.standing(session, found, now=here.clock())
    if program is None:
        here.wrong_keys.wrong(address, monotonic())
        abort(401)
    shut_s = here.programs.take(program.id, monotonic())
    if shut_s:
        raise Crowd(shut_s)
    if program.stale:
        here.do(lambda session, now: api_keys.touch(session, found, now=now))
    return program
