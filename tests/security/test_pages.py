"""Hostile text in every address and every form: no page breaks, none of it becomes markup, a template or a query."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, urlsplit

import pytest
from flask import Flask

from mes import keys, orders, people
from tests.server.bench import Bench
from tests.server.worlds import START, Workshop
from tests.web.pages import Office, token_of

# fmt: off
HOSTILE: Final = (
    "\x00", "a\x00b", "\x1b[2J", "\r\nSet-Cookie: x=1", "\x7f", "\u202eabc", "\ufdd0\U0010ffff", "e\u0301\u0430",
    "%", "_", "\\", "' OR 1=1--", "'; DROP TABLE unit; --", "1e999", "-1", "99999999999999999999", "٣", "²", "NaN",
    "2026-02-30", "{{7*7}}", "{% import os %}", "${7*7}", "%s%n", "%(x)s", "../../etc/passwd", "CON", "//evil.example",
    "javascript:alert(1)", "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)",
    "</textarea><b>", "x" * 65, "x" * 10_000,
)
ARGUMENTS: Final = (
    "q show page next lang since first last before subject rows product calibration instrument serial order step "
    "station line of cause go by what chart base base_from base_to size"
)
FIELDS: Final = (
    "order product quantity due customer note why nc disposition step station event_id from login name password again "
    "old pin code person roles language next badge part lot qualification valid_until until "
    "instrument family model serial supplier months result done certificate calibration"
)
# fmt: on
MARKUP: Final = re.compile(r"<script>|<img src=x|</textarea><b>|\"><img|' onmouseover='", re.IGNORECASE)


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """An office with one order, on each kind of database."""
    shop = Workshop(database_url, start=START)
    made = Office(shop)
    yield made
    made.close()
    shop.close()


def views(app: Flask, method: str) -> list[str]:
    """Addresses of the pages, with `@` where one has a place for a text."""
    return sorted(
        re.sub(r"<[^>]+>", "@", rule.rule)
        for rule in app.url_map.iter_rules()
        if method in (rule.methods or ()) and not rule.rule.startswith(("/api/", "/static/")) and rule.rule != "/logout"
    )


def elsewhere(location: str) -> bool:
    """Does a redirection lead to another server?"""
    return urlsplit(location).netloc not in ("", "localhost") or location.startswith(("//", "/\\"))


def texts(office: Office, place: int) -> tuple[str, ...]:
    """Half of the hostile texts for a page, and the other half on the other kind of database: each page gets all of
    them, and each database sees each of them on every second page."""
    kind = office.shop.engine.dialect.name == "postgresql"
    return HOSTILE[(place + kind) % 2 :: 2]


@pytest.mark.parametrize("who", ["chief", "nobody"])
def test_no_text_in_an_address_breaks_a_page_or_becomes_markup(office: Office, who: str) -> None:
    client = office.client if who == "chief" else office.anybody
    wrong = []
    for place, path in enumerate(views(office.app, "GET")):
        for text in texts(office, place):
            places = [path.replace("@", quote(text))] if "@" in path else []
            asked = "&".join(
                f"{name}={quote(text)}" for name in ARGUMENTS.split() if not (name == "lang" and "@" in path)
            )
            for address in (*places, f"{path.replace('@', 'x')}?{asked}"):
                answer = client.get(address, buffered=True)
                if (
                    answer.status_code >= 500
                    or (answer.mimetype != "application/pdf" and MARKUP.search(answer.text))
                    or elsewhere(answer.headers.get("Location", ""))
                ):
                    wrong.append((address[:120], answer.status_code))
    assert wrong == []


PARTS = 4  # of the forms: each a test, within the time that a test may take on a busy machine


@pytest.mark.parametrize("part", range(PARTS))
def test_no_text_in_a_form_breaks_a_page_or_becomes_markup(office: Office, part: int) -> None:
    wrong = []
    token = token_of(office.get("/orders/new"))
    known = {"order": "OF-1", "product": "GEN", "quantity": "2", "disposition": "scrap"}
    for place, path in list(enumerate(views(office.app, "POST")))[part::PARTS]:
        for text in texts(office, place // PARTS):
            for more in ({}, known):
                form = {"csrf_token": token, **dict.fromkeys(FIELDS.split(), text), **more}
                answer = office.client.post(path.replace("@", "release"), data=form, follow_redirects=True)
                if answer.status_code in (429, 503):
                    continue  # a door that guesses have shut
                if answer.status_code >= 500 or MARKUP.search(answer.text):
                    wrong.append((path, text[:40], answer.status_code))
    assert wrong == []


def test_what_anybody_has_typed_or_scanned_is_shown_as_it_was_and_runs_nowhere(office: Office) -> None:
    evil = "<script>alert(1)</script>{{7*7}}"
    shop = office.shop
    product = shop.plan.products[0].id

    def plan(db: object, now: object) -> None:
        orders.create(db, "OF-EVIL", product, 2, now=now, customer=evil, note=evil)  # type: ignore[arg-type]
        people.add(db, evil, "fr", now=now)  # type: ignore[arg-type]

    office.site.do(plan)
    token = office.site.do(lambda db, now: keys.new_token(db, "bench-1", "pc-1", now=now))
    bench = Bench("bench-1")
    said = [
        bench.event("FaultOccurred", device=evil[:25], fault=evil[:25], text=evil),
        bench.event("StationStateChanged", state="USD", reason=evil[:32]),
        bench.event("HelpRequested", unit=evil[:32], step=evil[:32]),
        bench.event("IdentifiersNotRead", raw=evil, why=evil),
        bench.event("UnitsArrived", unit=evil, step=evil, scan=evil),
        bench.event(evil[1:7], text=evil),
    ]
    body = {"stream_id": bench.stream_id, "events": [each.model_dump() for each in said]}
    answer = office.anybody.post("/api/v1/ingest", json=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    raw = {"stream_id": bench.stream_id, "event": {"seq": len(said) + 1, "kind": evil, "body": evil}}
    assert (
        office.anybody.post("/api/v1/ingest/raw", json=raw, headers={"Authorization": f"Bearer {token}"}).status_code
        == 200
    )
    pages = ["/board", "/orders", "/order/OF-EVIL", "/quality", "/quality/quarantine", "/audit", "/accounts"]
    texts = {page: office.get(page) for page in pages}
    assert [
        page for page, text in texts.items() if "<script>" in text or "49" in re.findall(r"alert\(1\).{0,40}", text)
    ] == []
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in texts["/order/OF-EVIL"]
