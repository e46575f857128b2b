"""Signing in and out as a browser does it, the first administrator, and how soon a session is dead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import socketio
from flask.testing import FlaskClient
from sqlalchemy import select

from mes import accounts, passwords
from mes.db.session import reading, writing
from mes.db.tables import Ledger
from mes.letters import grouped_code
from mes.writer import Writer
from tests.server.worlds import Workshop
from tests.waiting import wait_for
from tests.web.pages import PASSWORD, Office, sign_in, text_of, token_of
from web.account import own_page
from web.app import create_app
from web.site import Site

ENGLISH = {"Accept-Language": "en", "Referer": "http://localhost/account"}


def said(office: Office, kind: str) -> list[str]:
    """The bodies of the ledger's rows of a kind."""
    with reading(office.shop.engine) as session:
        return list(session.scalars(select(Ledger.body).where(Ledger.kind == kind).order_by(Ledger.n)))


def post(client: FlaskClient, action: str, page: str = "/account", **form: str) -> tuple[int, str]:
    """Send a form with the token of its page; the status, and what the reader then sees."""
    token = token_of(client.get(page, headers=ENGLISH).text)
    answer = client.post(action, data={"csrf_token": token, **form}, headers=ENGLISH, follow_redirects=True)
    return answer.status_code, text_of(answer.text)


# --- signing in -------------------------------------------------------------------------------------------------------


def test_an_unknown_name_a_wrong_password_and_a_shut_account_are_the_same_answer(office: Office) -> None:
    office.account("lea", "planner")
    person = office.account("tom", "planner")
    office.site.do(lambda db, now: accounts.disable(db, person, now=now))
    answers = {
        (answer.status_code, text_of(answer.text).replace(login, "…"), answer.text.count("\n"))
        for login, password in (("nobody", PASSWORD), ("lea", "wrong"), ("tom", PASSWORD), ("tom", "wrong"))
        for answer in (sign_in(office.anybody, login, password),)
    }
    assert len(answers) == 1
    (status, words, _lines) = answers.pop()
    assert status == 401
    assert "User name or password is wrong." in words
    assert [("name" in b, "disabled" in b) for b in said(office, "SignInRefused")].count((False, True)) == 1
    assert "nobody" not in "".join(said(office, "SignInRefused"))


def test_after_five_wrong_tries_the_door_is_shut_for_that_account_and_for_no_other(office: Office) -> None:
    for login in ("lea", "tom"):
        office.account(login, "planner")
    for _ in range(5):
        assert sign_in(office.anybody, "lea", "wrong").status_code == 401
    shut = sign_in(office.anybody, "LEA ", PASSWORD)
    assert shut.status_code == 429
    assert int(shut.headers["Retry-After"]) > 0
    assert "Too many wrong tries" in text_of(shut.text)
    assert sign_in(office.anybody, "tom").status_code == 302


def test_names_that_nobody_has_are_shut_out_as_those_that_somebody_has(office: Office) -> None:
    assert [sign_in(office.anybody, "ghost", "wrong").status_code for _ in range(6)] == [401] * 5 + [429]


def test_a_flood_of_unknown_names_writes_a_few_rows_only(office: Office) -> None:
    for n in range(30):
        sign_in(office.anybody, f"ghost-{n}", "wrong")
    assert len(said(office, "SignInRefused")) == 20


def test_a_sign_in_begins_a_session_under_a_new_key_whatever_the_browser_carried(office: Office) -> None:
    office.account("lea", "planner")
    victim = office.app.test_client()
    victim.get("/login")
    before = victim.get_cookie("atelier")
    assert sign_in(victim, "lea").status_code == 302
    first = victim.get_cookie("atelier")
    assert sign_in_again(victim).status_code == 302
    second = victim.get_cookie("atelier")
    assert len({c.value for c in (before, first, second) if c is not None}) == 3
    thief = office.app.test_client()
    for stolen in (before, first):
        assert stolen is not None
        thief.set_cookie("atelier", stolen.value)
        assert thief.get("/account").status_code == 302


def sign_in_again(client: FlaskClient) -> object:
    """The same browser sends the sign-in form once more."""
    token = token_of(client.get("/account", headers=ENGLISH).text)
    return client.post("/login", data={"csrf_token": token, "login": "lea", "password": PASSWORD}, headers=ENGLISH)


def test_the_cookie_is_for_this_server_alone_and_no_script_reads_it(office: Office) -> None:
    answer = sign_in(office.anybody, "chief")
    (cookie,) = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("atelier=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize(
    "evil",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "/%0d%0aLocation:x\r\n",
        "javascript:alert(1)",
        "///evil.example",
        "http:/evil.example",
        " //evil.example",
    ],
)
def test_after_the_sign_in_nobody_is_led_to_another_server(office: Office, evil: str) -> None:
    assert own_page(evil) is None
    assert sign_in(office.anybody, "chief", next=evil).headers["Location"] == "/office"


def test_a_page_of_this_server_is_where_one_goes_on(office: Office) -> None:
    assert sign_in(office.anybody, "chief", next="/orders?state=held").headers["Location"] == "/orders?state=held"


# --- how soon a session is dead ---------------------------------------------------------------------------------------


def test_signing_out_ends_the_session_also_for_who_has_copied_the_cookie(office: Office) -> None:
    lea = office.signed_in("lea", "planner")
    copied = lea.get_cookie("atelier")
    assert copied is not None
    assert post(lea, "/logout")[0] == 200
    thief = office.app.test_client()
    thief.set_cookie("atelier", copied.value)
    assert thief.get("/orders").headers["Location"].startswith("/login")
    assert len(said(office, "SignedOut")) == 1


@pytest.mark.parametrize("verb", ["disable", "reset"])
def test_the_next_page_after_an_account_was_shut_or_reset_is_the_sign_in(office: Office, verb: str) -> None:
    lea, person = office.signed_in("lea", "planner"), office.account("lea")
    assert lea.get("/orders").status_code == 200
    other = passwords.hashed("une autre phrase")
    office.site.do(
        lambda db, now: (
            accounts.disable(db, person, now=now) if verb == "disable" else accounts.reset(db, person, other, now=now)
        )
    )
    assert lea.get("/orders").headers["Location"].startswith("/login")


def test_a_role_that_is_taken_away_counts_from_the_next_page_on(office: Office) -> None:
    lea, person = office.signed_in("lea", "planner"), office.account("lea")
    office.site.do(lambda db, now: accounts.change_roles(db, person, ("operator",), now=now))
    assert lea.get("/orders").status_code == 403
    assert said(office, "AccessRefused") != []


def test_an_open_socket_is_closed_within_seconds_when_its_account_is_shut(office: Office) -> None:
    lea, person = office.signed_in("lea", "planner"), office.account("lea")
    cookie = lea.get_cookie("atelier")
    assert cookie is not None
    with office.served() as url:
        mine, stranger = (socketio.Client(reconnection=False) for _ in range(2))
        mine.connect(f"{url}?lang=fr", headers={"Cookie": f"atelier={cookie.value}"}, transports=["websocket"])
        stranger.connect(f"{url}?lang=fr", transports=["websocket"])
        office.site.do(lambda db, now: accounts.disable(db, person, now=now))
        wait_for(lambda: not mine.connected, 5, "the socket is closed")
        assert stranger.connected
        stranger.disconnect()


def test_a_socket_that_stands_at_the_door_when_the_server_looks_is_not_forgotten(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    lea, person = office.signed_in("lea", "planner"), office.account("lea")
    cookie = lea.get_cookie("atelier")
    assert cookie is not None
    hub = office.app.extensions["atelier_live"]
    looks: list[float] = []
    turn_out, poke = hub._turn_out, hub.poke

    def at_the_door() -> None:
        wait_for(lambda: len(looks) >= 2, what="the server has looked while the socket was let in")
        poke()

    def look(now: float) -> None:
        turn_out(now + 10 * len(looks))  # each look is due
        looks.append(now)

    monkeypatch.setattr(hub, "poke", at_the_door)
    monkeypatch.setattr(hub, "_turn_out", look)
    with office.served() as url:
        mine = socketio.Client(reconnection=False)
        mine.connect(
            f"{url}?lang=fr", headers={"Cookie": f"atelier={cookie.value}"}, transports=["websocket"], wait_timeout=40
        )
        office.site.do(lambda db, now: accounts.disable(db, person, now=now))
        wait_for(lambda: not mine.connected, 5, "the socket is closed")


def test_an_idle_session_ends_and_one_in_use_lives_twelve_hours_at_most(shop: Workshop) -> None:
    clock = [shop.clock.now]
    office = Office(shop, clock=lambda: clock[0])
    lea = office.signed_in("lea", "planner")
    clock[0] += timedelta(minutes=29)
    assert lea.get("/orders").status_code == 200
    clock[0] += timedelta(minutes=31)
    assert lea.get("/orders").status_code == 302
    assert sign_in(lea, "lea").status_code == 302
    began: datetime = clock[0]
    while clock[0] - began < timedelta(hours=11, minutes=40):
        clock[0] += timedelta(minutes=20)
        assert lea.get("/orders").status_code == 200
    clock[0] = began + timedelta(hours=12)
    assert lea.get("/orders").status_code == 302
    office.close()


# --- my account -------------------------------------------------------------------------------------------------------


def test_who_changes_the_password_stays_signed_in_here_and_nowhere_else(office: Office) -> None:
    here, there = office.signed_in("lea", "planner"), office.signed_in("lea", "planner")
    new = "quatre clés bleues"
    status, page = post(here, "/account/password", old=PASSWORD, password=new, again=new)
    assert (status, "Your password is changed" in page) == (200, True)
    assert there.get("/orders").status_code == 302
    assert here.get("/orders").status_code == 200
    assert sign_in(office.anybody, "lea").status_code == 401
    assert sign_in(office.anybody, "lea", new).status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "again", "sentence"),
    [
        ("wrong", "quatre clés bleues", "quatre clés bleues", "This is not your password."),
        (PASSWORD, "quatre clés bleues", "quatre cles bleues", "The two passwords are not the same."),
        (PASSWORD, "court", "court", "at least 10 characters"),
        (PASSWORD, "je suis lea moi", "je suis lea moi", "too easy"),
        (PASSWORD, PASSWORD, PASSWORD, "another password than the one until now"),
    ],
)
def test_a_password_that_cannot_be_taken_is_refused_with_a_sentence(
    office: Office, old: str, new: str, again: str, sentence: str
) -> None:
    lea = office.signed_in("lea", "planner")
    _, page = post(lea, "/account/password", old=old, password=new, again=again)
    assert sentence in page
    assert sign_in(office.anybody, "lea").status_code == 302


def test_the_password_cannot_be_guessed_in_an_open_session_either(office: Office) -> None:
    lea = office.signed_in("lea", "planner")
    new = "quatre clés bleues"
    for _ in range(5):
        post(lea, "/account/password", old="wrong", password=new, again=new)
    _, page = post(lea, "/account/password", old=PASSWORD, password=new, again=new)
    assert "Your password is changed" not in page


def test_a_password_that_somebody_else_has_seen_opens_only_its_change(office: Office) -> None:
    person = office.account("lea", "planner")
    shown = grouped_code()
    office.site.do(lambda db, now: accounts.reset(db, person, passwords.hashed(shown), now=now))
    lea = office.app.test_client()
    assert sign_in(lea, "lea", shown).status_code == 302
    assert lea.get("/orders").headers["Location"] == "/account"
    assert "Somebody else has seen your password" in text_of(lea.get("/account", headers=ENGLISH).text)
    new = "quatre clés bleues"
    post(lea, "/account/password", old=shown, password=new, again=new)
    assert lea.get("/orders").status_code == 200


def test_a_supervisor_sets_a_pin_with_the_password_and_others_have_none(office: Office) -> None:
    lea, person = office.signed_in("lea", "supervisor"), office.account("lea")
    for old, pin, sentence in (
        ("wrong", "2580", "This is not your password."),
        (PASSWORD, "1111", "A PIN has 4 to 8 digits"),
        (PASSWORD, "2580", "Your PIN is set."),
    ):
        assert sentence in post(lea, "/account/pin", old=old, pin=pin)[1]
    with reading(office.shop.engine) as session:
        assert passwords.matches(accounts.pin_of(session, person), "2580")
    tom = office.signed_in("tom", "planner")
    assert "PIN" not in tom.get("/account", headers=ENGLISH).text
    assert post(tom, "/account/pin", old=PASSWORD, pin="2580")[0] == 403


# --- the first administrator ------------------------------------------------------------------------------------------


@pytest.fixture
def fresh(shop: Workshop) -> Iterator[tuple[Site, FlaskClient]]:
    """A server on which nobody has an account yet."""
    writer = Writer(shop.engine)
    site = Site(engine=shop.engine, writer=writer, clock=lambda: shop.clock.now)
    yield site, create_app(site, secret_key="test").test_client()
    writer.close()


def form(client: FlaskClient, right: str, **changes: str) -> tuple[int, str]:
    """Fill in the set-up page."""
    values = {"code": right, "name": "Anne Le Bras", "login": "anne", "password": PASSWORD, "again": PASSWORD}
    return post(client, "/setup", "/setup", **(values | changes))


def test_the_set_up_page_makes_the_first_administrator_and_is_then_gone(fresh: tuple[Site, FlaskClient]) -> None:
    site, client = fresh
    code = site.do(lambda db, now: accounts.new_setup_code(db))
    assert code
    assert "set up this server" in text_of(client.get("/login", headers=ENGLISH).text)
    for changes, status, sentence in (
        ({"code": "XXXX-XXXX-XXXX-XXXX"}, 403, "This code is not right."),
        ({"again": "something else"}, 422, "The two passwords are not the same."),
        ({"password": "court", "again": "court"}, 422, "at least 10 characters"),
        ({"login": "not a login"}, 409, "user name"),
    ):
        got, page = form(client, code, **changes)
        assert (got, sentence.casefold() in page.casefold()) == (status, True), (changes, page)
    status, page = form(client, code)
    assert (status, "You are the administrator." in page) == (200, True)
    assert client.get("/account").status_code == 200
    assert client.get("/setup").status_code == 404
    assert "set up this server" not in text_of(site_page(client))


def site_page(client: FlaskClient) -> str:
    """The sign-in page as a stranger sees it."""
    return client.application.test_client().get("/login", headers=ENGLISH).text


def test_the_code_of_the_set_up_cannot_be_guessed(fresh: tuple[Site, FlaskClient]) -> None:
    site, client = fresh
    code = site.do(lambda db, now: accounts.new_setup_code(db))
    assert code
    assert [form(client, f"XXXX-XXXX-XXXX-XXX{n}")[0] for n in range(6)] == [403] * 5 + [429]
    assert form(client, code)[0] == 429


def test_without_a_code_nobody_is_an_administrator_not_even_on_this_computer(fresh: tuple[Site, FlaskClient]) -> None:
    site, client = fresh
    assert form(client, "")[0] == 403
    assert site.do(lambda db, now: accounts.listed(db)) == []


def test_who_comes_second_with_the_same_code_finds_no_page(fresh: tuple[Site, FlaskClient], shop: Workshop) -> None:
    site, client = fresh
    token = token_of(client.get("/setup", headers=ENGLISH).text)
    code = site.do(lambda db, now: accounts.new_setup_code(db))
    assert code
    kept = passwords.hashed(PASSWORD)
    with writing(shop.engine) as session:
        assert accounts.set_up(session, code, "Eve", "eve", kept, language="fr", now=shop.clock.now).done
    values = {
        "csrf_token": token,
        "code": code,
        "name": "Anne",
        "login": "anne",
        "password": PASSWORD,
        "again": PASSWORD,
    }
    assert client.post("/setup", data=values, headers=ENGLISH).status_code == 404
