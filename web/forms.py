"""What comes out of addresses and forms before a view may look at it: no NUL, and ids that can be ids. No rule here."""

from __future__ import annotations

import re
from typing import Final

from flask import Flask, abort, request
from werkzeug.datastructures import MultiDict

_ID: Final = re.compile(r"[^\x00-\x1f\x7f]{0,64}")  # as `wire.OptionalId`


def guard(app: Flask) -> None:
    """Turn away what no database can keep: PostgreSQL has no text with a NUL in it. Stations' bodies are `wire`'s."""

    @app.before_request
    def _no_nul() -> None:
        values = [request.path, *_all(request.args)]
        if not request.path.startswith("/api/"):
            values += _all(request.form)
        if any("\x00" in value for value in values):
            abort(400)


def _all(given: MultiDict[str, str]) -> list[str]:
    return [text for key, values in given.lists() for text in (key, *values)]


def ident(name: str) -> str:
    """An id that a form has sent, empty when it has sent none; 400 for what can be none (too long, not printable)."""
    found = request.form.get(name, "")
    if not _ID.fullmatch(found):
        abort(400)
    return found
