"""HTTPS to the server, one exchange at a time: an answer, or silence. Never an exception for what a network does.

It must not know what the bytes say, but for enrolment, which is one exchange without a conversation around it.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import json
import socket
import ssl
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3
from pydantic import ValidationError
from urllib3.connection import HTTPConnection, HTTPSConnection

from mes.wire import EnrollReply, EnrollRequest, Problem
from stations.protocol import Answer, Silence

CONNECT_S: Final = 3.0
READ_S: Final = 15.0
MAX_REPLY: Final = 16 * 1024 * 1024  # bytes; a whole floor fits many times
_NO_TLS: Final = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
)  # how OpenSSL names bytes in the clear


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server is and how it proves itself.

    `ca` is the certificate (PEM) of the authority that was pinned at the enrolment: what it has signed is the server,
    whatever name or address leads there, and nothing else is. `fingerprint` is the SHA-256 of the server's own
    certificate in hexadecimal (colons are allowed): then that one alone. Without either, an https address needs an
    authority that this machine trusts.
    """

    url: str
    fingerprint: str | None = None
    ca: str | None = None
    connect_s: float = CONNECT_S
    read_s: float = READ_S

    @property
    def plain(self) -> bool:
        """Whether what is said to it crosses a network without TLS."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost")


class Transport:
    """A kept-alive connection to one server. One thread exchanges; any other may `cut` it."""

    def __init__(self, server: Server, token: str | None = None, *, prove: bool = True) -> None:
        """Connect to nothing yet.

        Args:
            prove: off only to fetch what then proves itself (`stations.pin`).

        Raises:
            ValueError: for an address that is none, or one without TLS of a server whose authority is pinned.
        """
        parts = urlsplit(server.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"the server's address is no http(s) address: {server.url!r}")
        if server.ca is not None and parts.scheme != "https":
            raise ValueError(f"a pinned server is not spoken to without TLS: {server.url!r}")
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token is not None:
            self.use(token)
        self._sockets: list[socket.socket] = []
        self._cut = threading.Event()
        timeout = urllib3.Timeout(connect=server.connect_s, read=server.read_s)
        if parts.scheme == "http":
            self._pool = urllib3.HTTPConnectionPool(parts.hostname, parts.port, timeout=timeout, maxsize=1)
            self._pool.ConnectionCls = self._watched(HTTPConnection)
        else:
            pinned = _proof(server) if prove else {"cert_reqs": "CERT_NONE"}
            pool = urllib3.HTTPSConnectionPool(parts.hostname, parts.port, timeout=timeout, maxsize=1, **pinned)
            pool.ConnectionCls = self._watched(HTTPSConnection)
            self._pool = pool

    def exchange(self, method: str, path: str, body: bytes | None = None) -> Answer | Silence:
        """Send one request and read its whole answer. No redirect is followed: the token is for this server alone."""
        if self._cut.is_set():
            return Silence("stopped")
        try:
            response = self._pool.urlopen(
                method,
                self._prefix + path,
                body=body,
                headers=self._headers,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                content = response.read(MAX_REPLY + 1)
            except BaseException:
                response.close()
                raise
            if len(content) > MAX_REPLY:
                response.close()
                return Silence(f"a reply of more than {MAX_REPLY} bytes")
            response.release_conn()
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            return Silence(_why(error), untrusted=_is_another(error))
        return Answer(
            response.status, content, _retry_after_s(response.headers.get("Retry-After")), response.headers.get("Date")
        )

    def use(self, token: str) -> None:
        """Carry this token from the next exchange on."""
        self._headers = {**self._headers, "Authorization": f"Bearer {token}"}

    def cut(self) -> None:
        """End a running exchange at once, from another thread, and refuse all later ones."""
        self._cut.set()
        for sock in list(self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)  # close alone would not wake a thread that reads

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()

    def _watched(self, kind: type[Any]) -> type[Any]:
        """A connection class that tells us its socket: urllib3 keeps it to itself while a request is under way."""
        sockets = self._sockets

        class Watched(kind):  # type: ignore[misc]
            def connect(self) -> None:
                super().connect()
                sockets[:] = [self.sock]

        return Watched


def enroll(server: Server, code: str, *, machine_id: str, stream_id: str) -> EnrollReply | Problem:
    """Exchange the one-time code for this station's id and token; a Problem says what to do when that fails.

    A lost reply uses the code up all the same: then a new code is needed.
    """
    try:
        request = EnrollRequest(code=code, machine_id=machine_id, stream_id=stream_id)
    except ValidationError as error:
        return Problem(error="bad_code", message=f"The code cannot be right: {error.errors()[0]['msg']}.")
    transport = Transport(server)
    try:
        answer = transport.exchange("POST", "/api/v1/enroll", request.model_dump_json().encode())
    finally:
        transport.close()
    if isinstance(answer, Silence):
        text = f"The server did not answer ({answer.why}). Check its address, the network and the fingerprint."
        return Problem(error="no_answer", message=text)
    kind: type[EnrollReply | Problem] = EnrollReply if answer.status in (200, 201) else Problem
    try:
        return kind.model_validate_json(answer.body, extra="ignore")
    except ValidationError:
        text = f"The server answered {answer.status} with something else. Is {server.url} the right address?"
        return Problem(error="not_understood", message=text)


def json_object(answer: Answer | Silence) -> dict[str, Any] | None:
    """Read a 200 that carries one JSON object; None for anything else."""
    if isinstance(answer, Silence) or answer.status != 200:
        return None
    try:
        content = json.loads(answer.body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _retry_after_s(text: str | None) -> float | None:
    """Seconds or a date. Source: RFC 9110, 10.2.3."""
    if text is None:
        return None
    with contextlib.suppress(ValueError):
        return max(0.0, float(int(text)))
    with contextlib.suppress(ValueError, TypeError):
        moment = email.utils.parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    return None


def _proof(server: Server) -> dict[str, Any]:
    """What urllib3 checks on every connection."""
    if server.ca is not None:
        # This authority signs for one server only, so its name says nothing more; and the address may change.
        context = ssl.create_default_context(cadata=server.ca)
        context.check_hostname = False
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return {"ssl_context": context, "assert_hostname": False}
    if server.fingerprint:
        return {"assert_fingerprint": server.fingerprint, "cert_reqs": "CERT_NONE"}
    return {}


def _is_another(error: BaseException) -> bool:
    """Whether somebody else answered: another authority, another certificate, or no TLS where there should be."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return True
    if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
        return True
    if isinstance(error, urllib3.exceptions.SSLError) and "ingerprint" in str(error):
        return True
    inner = (getattr(error, "reason", None), error.__cause__, *error.args)  # urllib3 wraps in each of these ways
    return any(_is_another(e) for e in inner if isinstance(e, BaseException))


def _why(error: Exception) -> str:
    """What went wrong, in one line without control characters: a server chooses parts of this text."""
    cause = getattr(error, "reason", None)
    named = cause if isinstance(cause, Exception) else error
    text = "".join(c if c.isprintable() else " " for c in str(named))
    return f"{type(named).__name__}: {text}"[:200]
