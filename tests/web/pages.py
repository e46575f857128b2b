"""A server in this process on a workshop's database: pages by a test client, or over a real port for browsers."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from mes.writer import Writer
from tests.server.worlds import START, Workshop
from web import live
from web.app import create_app
from web.site import Site

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip


class Office:
    """The application of a workshop, with somebody in its office."""

    def __init__(self, shop: Workshop, *, clock: Callable[[], datetime] | None = None) -> None:
        self.shop = shop
        self.writer = Writer(shop.engine, after_commit=live.after_commit)
        self.site = Site(
            engine=shop.engine, writer=self.writer, office_key="the-key", clock=clock or (lambda: shop.clock.now)
        )
        self.app: Flask = create_app(self.site, secret_key="test")
        self.client: FlaskClient = self.app.test_client()

    def close(self) -> None:
        self.writer.close()

    def get(self, path: str, *, lang: str = "en", follow: bool = True) -> str:
        """A page's HTML; it must be there."""
        response = self.client.get(path, headers={"Accept-Language": lang}, follow_redirects=follow)
        assert response.status_code == 200, (path, response.status_code)
        return response.text

    def post(self, page: str, action: str, *, lang: str = "en", **form: str) -> TestResponse:
        """Send a form of a page, with the page's own token."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page, lang=lang))
        assert token is not None, f"{page} has no form"
        headers = {"Accept-Language": lang, "Referer": f"http://localhost{page}"}
        data = {"csrf_token": token[1], **form}
        return self.client.post(action, data=data, headers=headers, follow_redirects=True)

    def _whole(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """An answer, read to its end and closed: Werkzeug's server leaves a file open when its reader goes away."""
        answer = self.app(environ, start_response)
        try:
            return list(answer)
        finally:
            getattr(answer, "close", lambda: None)()

    @contextmanager
    def served(self) -> Iterator[str]:
        """The application on a real port; yields its address."""
        server = make_server("127.0.0.1", 0, self._whole, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            server.shutdown()
            thread.join(10)
            server.server_close()


def running_clock(now: datetime) -> Callable[[], datetime]:
    """A clock that says `now` and goes on from there."""
    began = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - began)


def text_of(html: str) -> str:
    """What a reader sees of a page, roughly: without tags, one space between words."""
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def workshop(folder: Path) -> Workshop:
    """A workshop on a SQLite file, with its plan published."""
    return Workshop(f"sqlite:///{folder / 'atelier.db'}", start=START)
