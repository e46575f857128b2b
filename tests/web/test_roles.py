"""Who may come in where: every route and every socket event, against a table that a person can read, and walked."""

from __future__ import annotations

import re
from typing import Final

import pytest
import socketio
from flask import Flask
from flask.testing import FlaskClient
from socketio.exceptions import ConnectionError as Refused
from werkzeug.test import TestResponse

from mes import keys
from tests.server.worlds import Workshop
from tests.web.pages import Office, sign_in
from web.app import create_app
from web.auth import PEOPLE, PROGRAMS, ROLES, declared

COLUMNS: Final = ("anonymous", "station", "operator", "supervisor", "quality", "planner", "admin")
EVERYBODY: Final = (*COLUMNS, "planner-api", "reader-api")

# `x` lets in. Everybody else is turned away: to the sign-in, or with 401 or 403. `anonymous` is also who has lost the
# session; `station` carries a token that is good.
# fmt: off
TABLE = """
                                    anonymous  station  operator  supervisor  quality  planner  admin
GET    /                                x         x        x          x          x        x       x
GET    /board                           x         x        x          x          x        x       x
GET    /board/fragment                  x         x        x          x          x        x       x
GET    /ca.pem                          x         x        x          x          x        x       x
GET    /health                          x         x        x          x          x        x       x
GET    /language/<code>                 x         x        x          x          x        x       x
GET    /static/<path:filename>          x         x        x          x          x        x       x
SOCKET connect                          x         x        x          x          x        x       x

GET    /login                           x         x        x          x          x        x       x
POST   /login                           x         x        x          x          x        x       x
POST   /logout                          x         x        x          x          x        x       x
GET    /setup                           x         x        x          x          x        x       x
POST   /setup                           x         x        x          x          x        x       x
GET    /office                          -         -        x          x          x        x       x
GET    /account                         -         -        x          x          x        x       x
POST   /account/password                -         -        x          x          x        x       x
POST   /account/pin                     -         -        -          x          -        -       -
GET    /account/held                    -         -        x          x          x        x       x
POST   /account/held                    -         -        x          x          x        x       x

GET    /orders                          -         -        -          x          x        x       x
GET    /find                            -         -        -          x          x        x       x
GET    /orders/new                      -         -        -          x          -        x       -
POST   /orders/new                      -         -        -          x          -        x       -
GET    /order/<path:order>              -         -        -          x          x        x       x
POST   /orders/act/<verb>               -         -        -          x          -        x       -
GET    /orders/change/<path:order>      -         -        -          x          -        x       -
POST   /orders/change/<path:order>      -         -        -          x          -        x       -
GET    /orders/import                   -         -        -          x          -        x       -
POST   /orders/import                   -         -        -          x          -        x       -
GET    /orders/serials/<path:order>     -         -        -          x          -        x       -
POST   /orders/serials/<path:order>     -         -        -          x          -        x       -
POST   /orders/serials-back             -         -        -          x          -        x       -
POST   /orders/split                    -         -        -          x          -        x       -
POST   /orders/close-short              -         -        -          -          x        -       -
GET    /release/<path:order>            -         -        -          x          x        x       x
POST   /releases/give                   -         -        -          -          x        -       -
POST   /releases/take-back              -         -        -          -          x        -       -
GET    /deliveries                      -         -        -          x          x        x       x
GET    /deliveries/new                  -         -        -          x          x        x       -
GET    /deliveries/one/<path:delivery>  -         -        -          x          x        x       x
POST   /deliveries/prepare              -         -        -          x          x        x       -
POST   /deliveries/send                 -         -        -          x          x        x       -
POST   /deliveries/cancel               -         -        -          x          x        x       -
POST   /deliveries/paper                -         -        -          x          x        x       -
GET    /unit/<path:serial>              -         -        -          x          x        x       x
GET    /trace                           -         -        -          x          x        x       x
GET    /trace/list/<kind>               -         -        -          x          x        x       x
GET    /trace/unit/<kind>/<path:serial> -         -        -          x          x        x       x
POST   /trace/dossier                   -         -        -          x          x        x       -
POST   /trace/check                     -         -        -          x          x        x       x
GET    /labels/control                  -         -        -          x          -        x       -
POST   /labels/hold                     -         -        -          x          x        x       -
POST   /labels/traveller                -         -        -          x          -        x       -
POST   /labels/unit                     -         -        -          x          -        x       -
POST   /labels/units                    -         -        -          x          -        x       -
POST   /cartons/labels                  -         -        -          x          x        x       -
GET    /printers                        -         -        -          x          x        x       x
POST   /printers/decide                 -         -        -          x          x        x       -
GET    /quality                         -         -        -          x          x        x       x
GET    /quality/pareto                  -         -        -          x          x        x       x
GET    /quality/pareto/table.<any(csv,xlsx):kind> -         -        -          x          x        x       x
GET    /quality/log                     -         -        -          x          x        x       x
POST   /quality/log/view                -         -        -          x          x        -       -
POST   /quality/log/view-away           -         -        -          x          x        -       -
GET    /quality/log/file.<any(csv,xlsx,pdf):kind> -         -        -          x          x        x       x
GET    /quality/nc/<path:nc>            -         -        -          x          x        x       x
POST   /quality/decide                  -         -        -          x          x        -       -
POST   /quality/alike                   -         -        -          x          x        -       -
POST   /quality/contain                 -         -        -          x          x        -       -
POST   /quality/analyse                 -         -        -          x          x        -       -
POST   /quality/concede                 -         -        -          -          x        -       -
POST   /quality/treat                   -         -        -          x          x        -       -
POST   /quality/verify                  -         -        -          -          x        -       -
POST   /quality/close                   -         -        -          -          x        -       -
POST   /quality/cancel                  -         -        -          -          x        -       -
POST   /quality/reopen                  -         -        -          -          x        -       -
POST   /quality/merge                   -         -        -          x          x        -       -
POST   /quality/replace                 -         -        -          x          -        x       -
GET    /quality/supplier/<nc>           -         -        -          x          x        -       -
POST   /quality/remark                  -         -        -          x          x        x       -
GET    /quality/file/<nc>/<int:number>  -         -        -          x          x        x       x
GET    /quality/new                     -         -        -          x          x        x       -
POST   /quality/new                     -         -        -          x          x        x       -
POST   /quality/help                    -         -        -          x          x        x       -
GET    /quality/quarantine              -         -        -          -          x        -       x
POST   /quality/requeue                 -         -        -          -          x        -       x
GET    /quality/actions                 -         -        -          x          x        x       x
GET    /quality/actions/new             -         -        -          x          x        -       -
GET    /quality/actions/<path:action>   -         -        -          x          x        x       x
GET    /quality/actions/report/<path:action>.pdf -         -        -          x          x        x       x
POST   /quality/actions/open            -         -        -          x          x        -       -
POST   /quality/actions/cause           -         -        -          x          x        -       -
POST   /quality/actions/root            -         -        -          x          x        -       -
POST   /quality/actions/task            -         -        -          x          x        -       -
POST   /quality/actions/done            -         -        -          x          x        x       x
POST   /quality/actions/criterion       -         -        -          x          x        -       -
POST   /quality/actions/check           -         -        -          -          x        -       -
POST   /quality/actions/reopen          -         -        -          -          x        -       -
POST   /quality/actions/cancel          -         -        -          -          x        -       -
GET    /quality/signals                 -         -        -          x          x        x       x
GET    /quality/signals/<signal>        -         -        -          x          x        x       x
POST   /quality/signals/close           -         -        -          x          x        -       -
GET    /quality/sampling                -         -        -          x          x        -       -
GET    /quality/sampling/order/<path:order> -     -        -          x          x        -       -
GET    /quality/sampling/series/<product>/<step> - -       -          x          x        -       -
GET    /quality/sampling/inspections.<any(csv,xlsx):kind> - -  -      x          x        -       -
POST   /quality/sampling/inspect        -         -        -          x          x        -       -
POST   /quality/sampling/decide         -         -        -          -          x        -       -

GET    /yields                          -         -        -          x          x        x       x
GET    /yields/failures                 -         -        -          x          x        x       x
GET    /yields/failures/table.<any(csv,xlsx):kind>  -  -   -          x          x        x       x
GET    /charts                          -         -        -          x          x        x       x
GET    /times                           -         -        -          x          x        x       x
GET    /times/spans                     -         -        -          x          x        x       x
GET    /times/spans/table.<any(csv,xlsx):kind> -         -        -          x          x        x       x
GET    /flow                            -         -        -          x          x        x       x
GET    /flow/table.<any(csv,xlsx):kind> -         -        -          x          x        x       x
GET    /yields/table.<any(csv,xlsx):kind> -       -        -          x          x        x       x
GET    /charts/table.<any(csv,xlsx):kind> -       -        -          x          x        x       x
GET    /times/table.<any(csv,xlsx):kind>  -       -        -          x          x        x       x
GET    /lots                            -         -        -          x          x        x       x
GET    /lots/one                        -         -        -          x          x        x       x
GET    /lots/units.<any(csv,xlsx):kind>   -       -        -          x          x        x       x
GET    /lots/receive                    -         -        -          x          x        x       -
POST   /lots/receive                    -         -        -          x          x        x       -
GET    /lots/import                     -         -        -          x          x        x       -
POST   /lots/import                     -         -        -          x          x        x       -
POST   /lots/hold                       -         -        -          x          x        -       -
POST   /lots/release                    -         -        -          -          x        -       -
POST   /lots/hold-units                 -         -        -          x          x        -       -
POST   /lots/bags                       -         -        -          x          x        x       -
GET    /cartons                         -         -        -          x          x        x       x
GET    /cartons/<sscc>                  -         -        -          x          x        x       x
POST   /cartons                         -         -        -          x          x        x       -
POST   /cartons/<sscc>/put-in           -         -        -          x          x        x       -
POST   /cartons/<sscc>/take-out         -         -        -          x          x        x       -
POST   /cartons/<sscc>/weigh            -         -        -          x          x        x       -
POST   /cartons/<sscc>/close            -         -        -          x          x        x       -
POST   /cartons/<sscc>/reopen           -         -        -          x          x        x       -
POST   /cartons/<sscc>/label            -         -        -          x          x        x       -
POST   /cartons/<sscc>/release          -         -        -          x          x        -       -

GET    /instruments                     -         -        -          x          x        -       x
GET    /instruments/<instrument>        -         -        -          x          x        -       x
GET    /instruments/<instrument>/units  -         -        -          x          x        -       x
GET    /instruments/<instrument>/certificate/<int:number>   -   -   -   x   x   -   x
POST   /instruments/add                 -         -        -          -          x        -       -
POST   /instruments/change              -         -        -          -          x        -       -
POST   /instruments/calibrate           -         -        -          -          x        -       -
POST   /instruments/retire              -         -        -          -          x        -       -
POST   /instruments/return              -         -        -          -          x        -       -
POST   /instruments/export              -         -        -          -          x        -       -

GET    /stations                        -         -        -          x          -        -       x
POST   /stations/invite                 -         -        -          -          -        -       x
POST   /stations/revoke                 -         -        -          -          -        -       x
POST   /stations/alarm                  -         -        -          x          -        -       x

GET    /people                          -         -        -          x          -        -       x
GET    /people/badges.pdf               -         -        -          x          -        -       x
POST   /people/add                      -         -        -          x          -        -       x
POST   /people/badge/issue              -         -        -          x          -        -       x
POST   /people/badge/end                -         -        -          x          -        -       x
GET    /people/badge/<badge>            -         -        -          x          -        -       x
GET    /people/qualifications           -         -        -          x          x        -       x
POST   /people/qualifications/grant     -         -        -          x          -        -       -
POST   /people/qualifications/withdraw  -         -        -          x          -        -       -
GET    /audit                           -         -        -          -          x        -       x
POST   /audit/file                      -         -        -          -          x        -       x
GET    /people/<person>/held            -         -        -          -          -        -       x
POST   /people/<person>/held            -         -        -          -          -        -       x
GET    /accounts                        -         -        -          -          -        -       x
POST   /accounts/add                    -         -        -          -          -        -       x
GET    /accounts/<person>               -         -        -          -          -        -       x
POST   /accounts/act/roles              -         -        -          -          -        -       x
POST   /accounts/act/shut               -         -        -          -          -        -       x
POST   /accounts/act/open               -         -        -          -          -        -       x
POST   /accounts/act/reset              -         -        -          -          -        -       x

GET    /keys                            -         -        -          -          -        -       x
POST   /keys/add                        -         -        -          -          -        -       x
POST   /keys/end                        -         -        -          -          -        -       x

POST   /api/v1/enroll                   x         x        x          x          x        x       x
GET    /api/v1/openapi.json             x         x        x          x          x        x       x
POST   /api/v1/hello                    -         x        -          -          -        -       -
POST   /api/v1/ingest                   -         x        -          -          -        -       -
POST   /api/v1/ingest/raw               -         x        -          -          -        -       -
POST   /api/v1/override                 -         x        -          -          -        -       -
POST   /api/v1/print/next               -         x        -          -          -        -       -
POST   /api/v1/print/said               -         x        -          -          -        -       -
GET    /api/v1/floor                    -         x        -          -          -        -       -
GET    /api/v1/plan                     -         x        -          -          -        -       -
"""
# What programs with a key may do. Everything else lets them in as it does `anonymous`.
PROGRAM_TABLE = """
                                               planner-api  reader-api
POST   /api/v1/orders                               x            -
GET    /api/v1/orders                               x            x
GET    /api/v1/orders/<order>                       x            x
POST   /api/v1/orders/<order>/change                x            -
POST   /api/v1/orders/<order>/release               x            -
POST   /api/v1/orders/<order>/serials               x            -
POST   /api/v1/orders/<order>/hold                  x            -
POST   /api/v1/orders/<order>/resume                x            -
POST   /api/v1/orders/<order>/cancel                x            -
GET    /api/v1/orders/<order>/units                 x            x
GET    /api/v1/orders/<order>/nonconformities       x            x
GET    /api/v1/units/<path:serial>                  x            x
"""
# fmt: on


def rows(table: str, columns: tuple[str, ...]) -> dict[tuple[str, str], frozenset[str]]:
    """(method, address) of a table → who is let in."""
    return {
        (cells[0], cells[1]): frozenset(who for who, cell in zip(columns, cells[2:], strict=True) if cell == "x")
        for cells in map(str.split, table.splitlines())
        if len(cells) == 2 + len(columns)
    }


LET_IN: Final = {
    way: frozenset(EVERYBODY) if "anonymous" in let_in else let_in for way, let_in in rows(TABLE, COLUMNS).items()
} | rows(PROGRAM_TABLE, EVERYBODY[-2:])
PLACES: Final = {
    "<path:order>": "OF-1",
    "<path:nc>": "NC-1",
    "<nc>": "NC-1",
    "<path:delivery>": "BL-1",
    "<path:serial>": "NO-UNIT",
    "<order>": "OF-1",
    "<verb>": "release",
    "<person>": "P-NOBODY",
    "<badge>": "NOSUCH",
    "<code>": "en",
    "<kind>": "csv",
    "<instrument>": "X-1",
    "<sscc>": "952123400000000012",
    "<int:number>": "1",
    "<any(csv,xlsx):kind>": "csv",
    "<any(csv,xlsx,pdf):kind>": "csv",
}
MENU: Final = {
    "/board",
    "/people",
    "/stations",
    "/printers",
    "/account",
    "/orders",
    "/yields",
    "/charts",
    "/times",
    "/lots",
    "/cartons",
    "/deliveries",
    "/quality",
    "/audit",
    "/accounts",
    "/instruments",
    "/trace",
}
ANYBODY: Final = frozenset({"public", "door"})


def routes(app: Flask) -> dict[tuple[str, str], frozenset[str]]:
    """(method, address) of every view, with the roles that it declares."""
    return {
        (method, rule.rule): frozenset({"public"})
        if rule.endpoint == "static"
        else declared(app.view_functions[rule.endpoint])
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def sockets(app: Flask) -> dict[tuple[str, str], frozenset[str]]:
    """(SOCKET, event) of every event that the socket server answers, with its roles."""
    hub = app.extensions["atelier_live"]
    answered = {event for events in hub.socketio.server.handlers.values() for event in events}
    return {("SOCKET", event): hub.handlers.get(event, frozenset()) for event in answered}


def ways_in(app: Flask) -> dict[tuple[str, str], frozenset[str]]:
    """Every way in."""
    return routes(app) | sockets(app)


def address(rule: str) -> str:
    """A callable address of a route."""
    for name, value in PLACES.items():
        rule = rule.replace(name, value)
    return rule.replace("<path:filename>", "icon.svg")


def browser_of(office: Office, who: str) -> FlaskClient:
    """A client with the identity of a column."""
    return office.signed_in(f"one-{who}", who) if who in PEOPLE else office.app.test_client()


def turned_away(answer: TestResponse) -> bool:
    """Whether an answer is a closed door, and not a view's own word nor a missing form token."""
    if answer.status_code == 403:
        return "may not do this" in answer.text
    return answer.status_code == 401 or answer.headers.get("Location", "").startswith("/login?next=")


def test_every_route_and_every_socket_event_declares_roles(office: Office) -> None:
    undeclared = sorted(way for way, roles in ways_in(office.app).items() if not roles or not roles <= ROLES)
    assert undeclared == [], "put @auth.role(…) under the route"


def test_the_declared_roles_are_those_of_the_table(office: Office) -> None:
    said = {
        way: frozenset(EVERYBODY) if roles & ANYBODY else frozenset(roles) for way, roles in ways_in(office.app).items()
    }
    assert said == LET_IN


@pytest.mark.parametrize("who", EVERYBODY)
def test_each_door_opens_for_those_of_the_table_and_for_nobody_else(office: Office, shop: Workshop, who: str) -> None:
    client, headers = browser_of(office, who), {"Accept-Language": "en"}
    if who == "station":
        token = office.site.do(lambda db, now: keys.new_token(db, "bench-1", "pc-1", now=now))
        headers["Authorization"] = f"Bearer {token}"
    if who in PROGRAMS:
        headers["Authorization"] = f"Bearer {office.key(who)}"
    wrong = []
    for (method, rule), let_in in LET_IN.items():
        if method == "SOCKET":
            continue
        body = {"json": {}} if rule.startswith("/api/") and method == "POST" else {}
        answer = client.open(address(rule), method=method, headers=headers, buffered=True, **body)
        assert answer.status_code < 500, (method, rule, answer.text)
        if turned_away(answer) == (who in let_in):
            wrong.append((method, rule, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("who", COLUMNS)
def test_no_form_is_taken_without_its_token(office: Office, who: str) -> None:
    client = browser_of(office, who)
    for (method, rule), let_in in LET_IN.items():
        if method == "POST" and who in let_in and not rule.startswith("/api/"):
            answer = client.post(address(rule), headers={"Accept-Language": "en"})
            assert answer.status_code == 403, rule
            assert "open for too long" in answer.text, rule


@pytest.mark.parametrize("who", COLUMNS)
def test_the_socket_opens_for_those_of_the_table(office: Office, who: str) -> None:
    client = browser_of(office, who)
    cookie = client.get_cookie("atelier")
    with office.served() as url:
        headers = {"Cookie": f"atelier={cookie.value}"} if cookie else {}
        board = socketio.Client(reconnection=False)
        try:
            board.connect(f"{url}?lang=fr", headers=headers, transports=["websocket"], wait_timeout=40)
            opened = True
        except Refused:
            opened = False
        board.disconnect()
    assert opened == (who in LET_IN["SOCKET", "connect"])


def test_a_view_without_a_role_is_closed_to_everybody(office: Office) -> None:
    app = create_app(office.site, secret_key="test")
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    chief, nobody = app.test_client(), app.test_client()
    assert sign_in(chief, "chief").status_code == 302
    assert [client.get("/forgotten").status_code for client in (chief, nobody)] == [403, 403]


def test_a_socket_event_without_a_role_cannot_be_registered(office: Office) -> None:
    with pytest.raises(TypeError, match="declares no role"):
        office.app.extensions["atelier_live"]._on("message", lambda: None)


def test_a_computer_or_a_proxy_on_the_same_machine_is_nobody_without_signing_in(office: Office) -> None:
    for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}):
        answer = office.anybody.get("/orders", headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.1"})
        assert answer.headers["Location"].startswith("/login?next=")


def test_the_menu_offers_what_the_table_lets_in_and_nothing_else(office: Office) -> None:
    for who in PEOPLE:
        page = browser_of(office, who).get("/account").text
        offered = set(re.findall(r'href="(/[a-z]+)"', page))
        assert (
            offered == {path for (method, path), let_in in LET_IN.items() if method == "GET" and who in let_in} & MENU
        )


def test_another_host_name_is_refused_before_everything_also_on_the_socket(office: Office) -> None:
    for path in ("/board", "/api/v1/hello", "/socket.io/?EIO=4&transport=websocket"):
        answer = office.client.get(path, headers={"Host": "evil.example"})
        assert answer.status_code == 400, path
        assert "does not answer to that name" in answer.text
