"""What every answer carries, whatever it is about: nothing runs that is not ours, nobody frames us, nothing is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from tests.web.pages import Office, workshop
from tests.web.test_roles import LET_IN, address
from web.app import secret_of


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office that has just begun."""
    shop = workshop(tmp_path)
    made = Office(shop)
    yield made
    made.close()
    shop.close()


def answers(office: Office) -> Iterator[tuple[str, TestResponse]]:
    """An answer of every view, as it is given to somebody who may, and to nobody; and of no view."""
    for client in (office.client, office.anybody):
        for method, rule in LET_IN:
            if method != "SOCKET":
                yield f"{method} {rule}", client.open(address(rule), method=method, buffered=True)
        yield "nowhere", client.get("/nowhere")
        yield "not there", client.delete("/board")


def test_every_answer_forbids_what_is_not_ours_and_to_be_framed_or_guessed_at(office: Office) -> None:
    for what, answer in answers(office):
        policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
        assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'", what
        assert (
            policy["script-src"] == policy["style-src"] == policy["default-src"] == policy["form-action"] == "'self'"
        ), what
        assert "unsafe" not in str(policy), what
        assert answer.headers["X-Frame-Options"] == "DENY", what
        assert answer.headers["X-Content-Type-Options"] == "nosniff", what
        assert answer.headers["Referrer-Policy"] == "same-origin", what
        assert "Access-Control-Allow-Origin" not in answer.headers, what


def test_no_answer_but_a_file_of_the_program_is_kept_by_a_browser(office: Office) -> None:
    for what, answer in answers(office):
        if "/static/" not in what:
            assert answer.headers["Cache-Control"] == "no-store", what


def test_every_cookie_stays_on_this_server_and_away_from_scripts(office: Office) -> None:
    for what, answer in answers(office):
        for cookie in answer.headers.getlist("Set-Cookie"):
            assert "HttpOnly" in cookie, what
            assert "SameSite=Lax" in cookie, what
            assert "Domain=" not in cookie, what


def test_no_answer_says_what_it_was_made_with(office: Office) -> None:
    for what, answer in answers(office):
        said = str(answer.headers) + (answer.text if "html" in answer.mimetype else "")
        assert not re.search(r"Werkzeug|Flask|Python/|Traceback|sqlalchemy", said, re.IGNORECASE), what


def test_the_key_of_the_cookies_is_made_at_the_first_start_and_is_another_one_everywhere(
    office: Office, tmp_path: Path
) -> None:
    (tmp_path / "second").mkdir()
    other = workshop(tmp_path / "second")
    second = Office(other)
    mine, again = (office.site.do(lambda db, now: secret_of(db)) for _ in range(2))
    assert mine == again != second.site.do(lambda db, now: secret_of(db))
    assert len(mine) >= 43
    second.close()
    other.close()
