"""What every blueprint needs of the running server: the database, the writer, the clock, the plan. No HTTP here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from time import monotonic
from typing import Final, TypeVar

from flask import current_app
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mes.db.session import reading
from mes.enrolment import Tries
from mes.writer import Writer
from web.reach import Reach

T = TypeVar("T")


@dataclass(slots=True)
class Seen:
    """When stations were last heard, in memory: a hello is kept in the database, a poll is not."""

    _at: dict[str, datetime] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def heard(self, station: str, now: datetime) -> None:
        """A station has just spoken."""
        with self._lock:
            self._at[station] = now

    def last(self) -> dict[str, datetime]:
        """Station id → when it last spoke to this process."""
        with self._lock:
            return dict(self._at)


REQUESTS: Final = 300  # of one program in a minute
TOKEN_S: Final = 2.0  # how long a token is taken for good without asking the database; a revocation counts within it


@dataclass(slots=True)
class Tokens:
    """Tokens that the database has just vouched for, by their hash: it need not be asked at every scan."""

    _known: dict[str, tuple[str, float]] = field(default_factory=dict)

    def known(self, digest: str) -> str | None:
        """The station of a token that was good a moment ago; None means: ask the database."""
        station, until = self._known.get(digest, (None, 0.0))
        return station if monotonic() < until else None

    def learn(self, digest: str, station: str) -> None:
        """The database says that this token is good now."""
        if len(self._known) > 1_000:
            self._known.clear()
        self._known[digest] = (station, monotonic() + TOKEN_S)

    def forget(self) -> None:
        """A key has changed: ask the database for each of them again, now."""
        self._known.clear()


@dataclass(slots=True)
class Site:
    """The running server's parts."""

    engine: Engine
    writer: Writer
    reach: Reach = "loopback"
    authority: str = ""
    """The certificate by which stations and browsers know this server (PEM); empty without TLS of its own."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    seen: Seen = field(default_factory=Seen)
    tokens: Tokens = field(default_factory=Tokens)
    tries: Tries = field(default_factory=Tries)
    sign_ins: Tries = field(default_factory=Tries)
    """Wrong passwords, by account and address."""
    setups: Tries = field(default_factory=Tries)
    """Wrong set-up codes, by address."""
    strangers: Tries = field(default_factory=lambda: Tries(20))
    """Sign-ins with names that no account has, by address: so many are written down, the others are only refused."""
    refusals: Tries = field(default_factory=lambda: Tries(20))
    """Pages that somebody may not see, by person: so many are written down."""
    pins: Tries = field(default_factory=Tries)
    """A supervisor's badge and PIN at a bench, by station and by badge."""
    wrong_keys: Tries = field(default_factory=lambda: Tries(20))
    """Wrong keys of programs, by address."""
    programs: Tries = field(default_factory=lambda: Tries(REQUESTS, window_s=60.0))
    """Requests of a program, by its key."""
    copies: set[str] = field(default_factory=set)
    """Streams of machines that were refused at their hello: they may not send either."""
    write_limit_s: float = 15.0

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only looks."""
        with reading(self.engine) as session:
            yield session

    def do(self, use_case: Callable[[Session, datetime], T]) -> T:
        """Run a use case in the writer's queue and wait for its commit.

        Raises:
            mes.writer.Busy: nothing was written; try again.
        """
        return self.writer.do(use_case).result(timeout=self.write_limit_s)


def site() -> Site:
    """The server that answers this request."""
    found: Site = current_app.extensions["atelier"]
    return found
