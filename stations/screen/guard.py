"""Who may talk to the bench page: this machine's own browser, and only the page itself may send.

The page listens on loopback, but every web page that the browser visits can reach loopback too: by a form from a
foreign origin, or by a name that resolves to 127.0.0.1. So the Host header must name this machine, and what is sent
must come from our own page (Origin) with the token that only our page can read. It knows nothing of screens.
"""

from __future__ import annotations

import secrets
from typing import Final

from flask import Flask, Response, abort, request

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
TOKEN_HEADER: Final = "X-Bench-Token"  # noqa: S105 - the name of a header
MAX_REQUEST_BYTES: Final = 4096

# No inline script or style anywhere: a scanned text that got into the page unescaped could still not run.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PICTURE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
"""For the plan's SVG files, should somebody open one by itself: it may be styled, and run nothing."""


def protect(app: Flask, token: str) -> None:
    """Check every request of `app`, and give every answer its headers. `token` must go with all that is sent."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES

    @app.before_request
    def _refuse_strangers() -> None:
        if hostname(request.headers.get("Host", "")) not in LOOPBACK:
            abort(421, "This page is for the station's own browser.")
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            _refuse_foreign_sender(token)

    @app.after_request
    def _headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", POLICY)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), usb=(), serial=()"
        return response


def hostname(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()


def new_token() -> str:
    """A token that nobody can guess (256 bit); a new one each time the agent starts."""
    return secrets.token_urlsafe(32)


def _refuse_foreign_sender(token: str) -> None:
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        abort(403, "This was sent by another page.")
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        abort(403, "This was sent by another page.")
    if not secrets.compare_digest(request.headers.get(TOKEN_HEADER, "").encode(), token.encode()):
        abort(403, "The page is too old. Load it again.")
