"""The pages of the audit and of the accounts: what they say, what they never say, and what can be done there."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from mes import accounts, audit, quality
from mes.db.session import reading, writing
from mes.db.tables import Ledger, UnitRow
from tests.server.worlds import Workshop
from tests.web.pages import PASSWORD, Office, sign_in, text_of
from web import replay
from web.audit_words import SENTENCES, SUBJECT_WORDS


@pytest.fixture
def office(morning: Workshop, tmp_path: Path) -> Iterator[Office]:
    """Its office."""
    shop = morning.copied(tmp_path / "busy.db")
    made = Office(shop)
    yield made
    made.close()
    shop.close()


# --- the audit --------------------------------------------------------------------------------------------------------


def test_every_kind_has_a_sentence_and_every_subject_a_word() -> None:
    assert set(SENTENCES) == {kind for kinds in audit.SUBJECTS.values() for kind in kinds}
    assert set(SUBJECT_WORDS) == set(audit.SUBJECTS)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_each_row_is_a_sentence_and_names_nobody(office: Office, lang: str) -> None:
    office.account("maelle", "planner", name="Maëlle Kervella")
    sign_in(office.anybody, "maelle", "wrong")
    sign_in(office.anybody, "ghost", "wrong")
    office.signed_in("maelle").get("/accounts")
    office.site.do(lambda db, now: quality.decide(db, "NC-2026-0002", "scrap", now=now, why="burnt"))
    page = office.get("/audit?rows=500", lang=lang)
    for name in ("Kervella", "maelle", "ghost"):
        assert name not in re.sub(r'href="[^"]*"', "", page)
    assert "%(" not in page
    words = {
        "fr": [
            "mot de passe faux",
            "Accès refusé à /accounts",
            "NC-2026-0002 décidée : rebut. burnt",
            "un identifiant que",
        ],
        "en": [
            "wrong password",
            "Turned away from /accounts",
            "NC-2026-0002 decided: scrap. burnt",
            "a user name that",
        ],
    }
    for word in words[lang]:
        assert word in text_of(page)


def test_the_filter_keeps_to_its_subject_and_its_days(office: Office) -> None:
    rows = text_of(office.get("/audit?subject=orders"))
    assert "Order OF-2026-130 created" in rows
    assert "Signed in." not in rows
    assert "Nothing fits." in office.get("/audit?first=2031-01-01")
    assert "Nothing fits." in office.get("/audit?last=2001-01-01")


@pytest.mark.parametrize(
    "query",
    [
        "subject=nothing",
        "first=yesterday",
        "last=0001-01-01",
        "first=9999-12-31",
        "rows=-1",
        "before=-5",
        "before=9" + "9" * 40,
    ],
)
def test_a_filter_that_says_nothing_is_left_out(office: Office, query: str) -> None:
    assert "Signed in." in office.get(f"/audit?{query}")


def test_the_next_page_begins_where_this_one_ends(office: Office) -> None:
    for n in range(60):
        office.account(f"p{n}", "operator")
    first = office.get("/audit?subject=accounts")
    link = re.search(r'href="(/audit\?[^"]*before=[^"]*)"', first)
    assert link is not None
    second = office.get(link[1].replace("&amp;", "&"))
    rows = [set(re.findall(r"Account for (P-\w+)", page)) for page in (first, second)]
    assert len(rows[0]) == audit.PAGE
    assert rows[1]
    assert not rows[0] & rows[1]


# --- accounts ---------------------------------------------------------------------------------------------------------


def test_an_administrator_adds_an_account_and_its_password_is_shown_once(office: Office) -> None:
    page = office.post(
        "/accounts", "/accounts/add", name="Soizic", login=" Soizic ", roles="quality", language="fr"
    ).text
    shown = re.search(r"<kbd>([^<]+)</kbd>", page)
    assert shown is not None
    assert shown[1] not in office.get("/accounts")
    browser = office.app.test_client()
    assert sign_in(browser, "soizic", shown[1]).status_code == 302
    assert browser.get("/quality").headers["Location"] == "/account"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"name": "", "login": "x", "roles": "quality"}, "name"),
        ({"name": "X", "login": "not a login", "roles": "quality"}, "user name"),
        ({"name": "X", "login": "chief", "roles": "quality"}, "chief"),
        ({"name": "X", "login": "x"}, "role"),
        ({"name": "X", "login": "x", "roles": "root"}, "role"),
    ],
)
def test_what_is_wrong_with_a_new_account_is_said_beside_the_form(
    office: Office, form: dict[str, str], sentence: str
) -> None:
    answer = office.post("/accounts", "/accounts/add", **form)
    assert answer.status_code == 422
    said = re.search(r'role="alert">(.*?)</p>', answer.text, re.DOTALL)
    assert said is not None
    assert sentence.casefold() in text_of(said[1]).casefold()
    assert "<kbd>" not in answer.text


def test_an_account_is_shut_opened_given_roles_and_another_password(office: Office) -> None:
    lea, person = office.signed_in("lea", "planner"), office.account("lea")
    page = f"/accounts/{person}"
    assert "shut" in office.post(page, "/accounts/act/shut", person=person).text
    assert lea.get("/orders").status_code == 302
    assert "open again" in office.post(page, "/accounts/act/open", person=person).text
    assert sign_in(office.app.test_client(), "lea").status_code == 302
    office.post(page, "/accounts/act/roles", person=person, roles="operator")
    with reading(office.shop.engine) as session:
        assert [a.roles for a in accounts.listed(session) if a.login == "lea"] == [("operator",)]
    shown = re.search(r"<kbd>([^<]+)</kbd>", office.post(page, "/accounts/act/reset", person=person).text)
    assert shown is not None
    assert sign_in(office.app.test_client(), "lea", PASSWORD).status_code == 401
    assert sign_in(office.app.test_client(), "lea", shown[1]).status_code == 302


def test_the_last_administrator_is_not_lost_by_a_click(office: Office) -> None:
    person = office.account("chief")
    for action, form in (("shut", {}), ("roles", {"roles": "quality"})):
        page = office.post(f"/accounts/{person}", f"/accounts/act/{action}", person=person, **form).text
        assert 'role="alert"' in page
    assert office.client.get("/accounts").status_code == 200


def test_an_account_that_there_is_not_is_no_error(office: Office) -> None:
    assert office.client.get("/accounts/P-NOBODY").status_code == 404
    for action in ("shut", "open", "reset", "roles"):
        answer = office.post("/accounts", f"/accounts/act/{action}", person="P-NOBODY", roles="quality")
        assert answer.status_code == 200
        assert 'role="alert"' in answer.text


def test_the_audit_file_comes_as_a_zip_and_bad_days_are_said(office: Office) -> None:
    said = office.post("/audit", "/audit/file", first="2026-11-30", last="2026-11-01", units="1")
    assert "Choose the first and the last day, in this order." in said.text
    got = office.post("/audit", "/audit/file", first="2026-11-01", last="2026-11-30", units="0")
    assert got.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(got.data)) as found:
        assert {"00-INDEX.pdf", "MANIFEST.sha256", "1-nonconformities/log.csv"} <= set(found.namelist())
        assert json.loads(found.read("8-ledger/verification.json")) == {"ran": False}
    got.close()
    assert "Audit file from 2026-11-01 to 2026-11-30 given out" in office.get("/audit")


def taken(office: Office, **more: str) -> tuple[list[str], bytes]:
    """The lines before an audit file with a replay, and what comes after them."""
    days = {"first": "2026-11-01", "last": "2026-11-30", "units": "0", "replay": "1", **more}
    with office.post("/audit", "/audit/file", **days) as answer:
        got = answer.data
    lines = []
    while re.match(rb"[^\n]*\n", got) and not got.startswith(b"PK"):
        line, _, got = got.partition(b"\n")
        lines.append(line.decode())
    return lines, got


def test_the_page_replays_the_ledger_in_a_process_of_its_own_and_the_file_says_what_came_of_it(office: Office) -> None:
    rows = ledger_rows(office)
    lines, content = taken(office, told="1")
    assert lines == [f"{rows}/{rows}", f"{len(content)} audit-2026-11-01-2026-11-30.zip"]
    with zipfile.ZipFile(io.BytesIO(content)) as found:
        assert json.loads(found.read("8-ledger/verification.json")) == {"ran": True, "agrees": True, "findings": []}
    with writing(office.shop.engine) as session:
        session.execute(update(UnitRow).values(attempts=77))
    with zipfile.ZipFile(io.BytesIO(taken(office)[1])) as found:
        said = json.loads(found.read("8-ledger/verification.json"))
        assert not said["agrees"]
        assert said["findings"]


def test_one_replay_at_a_time_and_one_that_breaks_off_gives_no_file(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"first": "2026-11-01", "last": "2026-11-30", "units": "0", "replay": "1"}
    under_way = iter(replay.Replay(office.shop.engine))
    next(under_way)
    assert "could not be replayed now" in office.post("/audit", "/audit/file", **asked).text
    assert taken(office, told="1") == ([], b"")
    under_way.close()  # type: ignore[attr-defined]
    monkeypatch.setattr(replay.sys, "executable", "/bin/false")
    assert taken(office, told="1") == ([], b"")
    assert "given out" not in office.get("/audit")
    monkeypatch.undo()
    assert taken(office, told="1")[1].startswith(b"PK")


def ledger_rows(office: Office) -> int:
    with reading(office.shop.engine) as session:
        return session.scalar(select(func.count()).select_from(Ledger)) or 0
