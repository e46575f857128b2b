"""What comes out of addresses and forms before a view may look at it: no NUL, and ids that can be ids. No rule here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import Flask, abort, request
from werkzeug.datastructures import MultiDict

F = TypeVar("F", bound=Callable[..., Any])
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


def most_bytes(most: int) -> Callable[[F], F]:
    """Declare how large a request this view takes, beyond what every view does: for files. Under the route."""

    def mark(view: F) -> F:
        view.most_bytes = most  # type: ignore[attr-defined]
        return view

    return mark


def sizes(app: Flask) -> None:
    """Let a request be as large as its view has declared: after its role was checked, before its form is read."""

    @app.before_request
    def _size() -> None:
        most = getattr(app.view_functions.get(request.endpoint or ""), "most_bytes", None)
        if most is not None:
            request.max_content_length = most
            request.max_form_memory_size = most  # also where it comes as a field: a sheet that was looked at


def page_number() -> int:
    """The page that an address asks for, from 1; 1 where it asks for none that can be."""
    found = request.args.get("page", "1")
    return min(max(int(found), 1), 100_000) if found.isdecimal() and len(found) < 7 else 1


def whole_number(text: str, most: int) -> int | None:
    """A number from 1 that somebody has typed; None for anything else."""
    good = text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most
    return int(text) if good else None


def ident(name: str) -> str:
    """An id that a form has sent, empty when it has sent none; 400 for what can be none (too long, not printable)."""
    found = request.form.get(name, "")
    if not _ID.fullmatch(found):
        abort(400)
    return found
