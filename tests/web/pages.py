"""A server in this process on a workshop's database: pages by a test client, or over a real port for browsers."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from mes import accounts, api_keys, passwords
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


PASSWORD = "trois sondes rouges"
CHIEF: tuple[str, ...] = ("supervisor", "quality", "planner", "admin")


@cache
def _hashed() -> str:
    return passwords.hashed(PASSWORD)


class Office:
    """The application of a workshop, with somebody in its office who may do everything there."""

    def __init__(self, shop: Workshop, *, clock: Callable[[], datetime] | None = None) -> None:
        self.shop = shop
        now = clock or (lambda: shop.clock.now)
        self.writer = Writer(shop.engine, clock=now, after_commit=live.after_commit)
        self.site = Site(engine=shop.engine, writer=self.writer, clock=now)
        self.app: Flask = create_app(self.site, secret_key="test")
        self.client = self.signed_in("chief", *CHIEF)
        self.anybody: FlaskClient = self.app.test_client()
        """A browser in which nobody is signed in."""

    def account(self, login: str, *roles: str, name: str | None = None) -> str:
        """Give somebody an account, unless there is one; returns the pseudonym."""

        def use_case(session: Session, now: datetime) -> str:
            found = accounts.find(session, login)
            if found is not None:
                return found.person
            answer = accounts.add(
                session, name or login.title(), login, roles, _hashed(), language="en", must_change=False, now=now
            )
            assert answer.done, answer.say("en")
            return str(accounts.find(session, login).person)  # type: ignore[union-attr]

        return self.site.do(use_case)

    def key(self, role: str = "planner-api", **more: str) -> str:
        """A key for a program, good for a year."""

        def use_case(session: Session, now: datetime) -> str:
            answer, key = api_keys.add(session, "ERP", role, now.date() + timedelta(days=365), now=now, **more)
            assert answer.done, answer.say("en")
            return key

        return self.site.do(use_case)

    def signed_in(self, login: str, *roles: str) -> FlaskClient:
        """A browser in which somebody with these roles has signed in, by the form."""
        self.account(login, *roles)
        client = self.app.test_client()
        assert sign_in(client, login).status_code == 302, f"{login} cannot sign in"
        return client

    def cookie(self) -> str:
        """What the browser of the one in the office carries."""
        found = self.client.get_cookie("atelier")
        assert found is not None
        return str(found.value)

    def close(self) -> None:
        self.writer.close()

    def get(self, path: str, *, lang: str = "en", follow: bool = True) -> str:
        """A page's HTML; it must be there."""
        response = self.client.get(path, headers={"Accept-Language": lang}, follow_redirects=follow)
        assert response.status_code == 200, (path, response.status_code)
        return response.text

    def post(self, page: str, action: str, *, lang: str = "en", **form: str) -> TestResponse:
        """Send a form of a page, with the page's own token."""
        headers = {"Accept-Language": lang, "Referer": f"http://localhost{page}"}
        data = {"csrf_token": token_of(self.get(page, lang=lang)), **form}
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


def token_of(html: str) -> str:
    """The form token of a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found is not None, "this page has no form"
    return found[1]


def sign_in(client: FlaskClient, login: str, password: str = PASSWORD, **more: str) -> TestResponse:
    """Fill in the sign-in form as a person does."""
    page = client.get("/login", headers={"Accept-Language": "en"})
    data = {"csrf_token": token_of(page.text), "login": login, "password": password, **more}
    return client.post("/login", data=data, headers={"Accept-Language": "en", "Referer": "http://localhost/login"})


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
