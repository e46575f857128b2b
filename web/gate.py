"""What stands in front of the application and of its sockets, and looks at a request before anything is read of it.

Only our own names are answered to (another name that was made to lead here is refused), only our own pages may change
something, only bodies that say how long they are come in, and only so many sockets hold a thread. No session, no route
and no database here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from threading import Lock
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SOCKETS: Final = "/socket.io"
SAFE: Final = ("GET", "HEAD", "OPTIONS")
# Nothing but a name and a port: a parser that is kind to the rest would see another name than the next one does.
_HOST: Final = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)

WRONG_NAME: Final = "This server does not answer to that name. Use the address that `mes serve` prints."
WRONG_PAGE: Final = "Only a page of this server may do that."
NO_LENGTH: Final = "Send a Content-Length; no transfer encoding."
NO_PLACE: Final = "Enough boards are connected. This one lives on fetching."


def host_of(value: str) -> str:
    """The name in a Host header, in lower case, without port, brackets and last dot; empty when it is not one."""
    found = _HOST.fullmatch(value)
    return found[1].lower().strip("[]").removesuffix(".") if found else ""


def own_origin(origin: str | None, hosts: frozenset[str]) -> bool:
    """Is this Origin a page of this server, on whatever port? None is no browser's page."""
    try:
        parts = urlsplit(origin or "")
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and host_of(parts.netloc) in hosts


class Gate:
    """Lets whole requests to our own names through.

    Args:
        inner: the application with its sockets.
        hosts: the names, without port, in lower case.
    """

    def __init__(self, inner: WSGIApplication, hosts: frozenset[str]) -> None:
        self._inner = inner
        self._hosts = frozenset(name.lower() for name in hosts)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, or hand on."""
        if host_of(environ.get("HTTP_HOST", "")) not in self._hosts:
            return _refuse(start_response, "400 Bad Request", WRONG_NAME)
        if "HTTP_TRANSFER_ENCODING" in environ:
            return _refuse(start_response, "411 Length Required", NO_LENGTH)
        origin = environ.get("HTTP_ORIGIN")
        guarded = environ["REQUEST_METHOD"] not in SAFE or environ.get("PATH_INFO", "").startswith(SOCKETS)
        if guarded and origin is not None and not own_origin(origin, self._hosts):
            return _refuse(start_response, "403 Forbidden", WRONG_PAGE)
        return self._inner(environ, start_response)


class Places:
    """Bounds how many sockets are open at a time, from their first byte on: each holds a thread of the server.

    Args:
        inner: the application with its sockets, in which a web socket lives as long as the call lasts.
        most: sockets at a time.
    """

    def __init__(self, inner: WSGIApplication, most: int) -> None:
        self._inner, self._most = inner, most
        self._taken, self._lock = 0, Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, or hand on."""
        if not environ.get("PATH_INFO", "").startswith(SOCKETS):
            return self._inner(environ, start_response)
        with self._lock:
            free = self._taken < self._most
            self._taken += free
        if not free:
            return _refuse(start_response, "503 Service Unavailable", NO_PLACE, ("Retry-After", "15"))
        try:
            return self._inner(environ, start_response)
        finally:
            with self._lock:
                self._taken -= 1


def _refuse(start_response: StartResponse, status: str, said: str, *more: tuple[str, str]) -> list[bytes]:
    body = f"{said}\n".encode()
    start_response(
        status,
        [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("X-Content-Type-Options", "nosniff"),
            *more,
        ],
    )
    return [body]
