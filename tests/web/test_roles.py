"""Who may come in where: every route and every socket event, against a table that a person can read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.server.worlds import Workshop
from tests.web.pages import Office, workshop
from web.auth import ROLES, declared

# fmt: off
TABLE = """
public   GET   /
public   GET   /board
public   GET   /board/fragment
public   GET   /health
public   GET   /language/<code>
public   GET   /office
public   GET   /static/<path:filename>

office   GET   /orders
office   GET   /orders/new
office   POST  /orders/new
office   GET   /order/<path:order>
office   POST  /orders/act/<verb>
office   GET   /quality
office   GET   /quality/nc/<path:nc>
office   POST  /quality/decide
office   POST  /quality/help
office   GET   /quality/quarantine
office   POST  /quality/requeue

door     POST  /api/v1/enroll
station  POST  /api/v1/hello
station  POST  /api/v1/ingest
station  POST  /api/v1/ingest/raw
station  GET   /api/v1/floor
station  GET   /api/v1/plan

public   SOCKET connect
"""
# fmt: on


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """A workshop that has just begun."""
    made = workshop(tmp_path)
    yield made
    made.close()


@pytest.fixture
def office(shop: Workshop) -> Iterator[Office]:
    """An office over it."""
    made = Office(shop)
    yield made
    made.close()


def routes(app: Flask) -> set[tuple[str | None, str, str]]:
    """(declared role, method, address) of every view."""
    found: set[tuple[str | None, str, str]] = set()
    for rule in app.url_map.iter_rules():
        role = "public" if rule.endpoint == "static" else declared(app.view_functions[rule.endpoint])
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            found.add((role, method, rule.rule))
    return found


def sockets(app: Flask) -> set[tuple[str | None, str, str]]:
    """(declared role, SOCKET, event) of every event that the socket server answers."""
    hub = app.extensions["atelier_live"]
    answered = {event for events in hub.socketio.server.handlers.values() for event in events}
    return {(hub.handlers.get(event), "SOCKET", event) for event in answered}


def test_every_route_and_every_socket_event_declares_a_role(office: Office) -> None:
    undeclared = sorted(x[1:] for x in routes(office.app) | sockets(office.app) if x[0] not in ROLES)
    assert undeclared == [], "put @auth.role(…) under the route"


def test_the_roles_are_those_of_the_table(office: Office) -> None:
    table = {tuple(line.split()) for line in TABLE.splitlines() if line}
    assert routes(office.app) | sockets(office.app) == table


def test_a_view_without_a_role_is_closed_to_everybody(office: Office) -> None:
    office.app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    assert office.client.get("/forgotten").status_code == 403


def test_a_socket_event_without_a_role_cannot_be_registered(office: Office) -> None:
    with pytest.raises(TypeError, match="declares no role"):
        office.app.extensions["atelier_live"]._on("message", lambda: None)


def addresses(app: Flask, role: str) -> list[tuple[str, str]]:
    """Method and a callable address of every route of a role."""
    places = {"<path:order>": "OF-1", "<path:nc>": "NC-1", "<verb>": "release", "<code>": "fr"}
    out = []
    for found, method, rule in sorted(routes(app), key=str):
        if found == role:
            for name, value in places.items():
                rule = rule.replace(name, value)
            out.append((method, rule))
    return out


def test_from_another_computer_the_office_is_closed(office: Office) -> None:
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    for method, path in addresses(office.app, "office"):
        assert office.client.open(path, method=method, environ_base=elsewhere).status_code == 403, path


def test_behind_a_proxy_on_this_computer_the_office_is_closed_too(office: Office) -> None:
    for method, path in addresses(office.app, "office"):
        answer = office.client.open(path, method=method, headers={"X-Forwarded-For": "192.0.2.7"})
        assert answer.status_code == 403, path


def test_with_the_office_link_another_computer_gets_in(office: Office) -> None:
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert office.client.get("/office?key=wrong", environ_base=elsewhere).status_code == 403
    assert office.client.get("/orders", environ_base=elsewhere).status_code == 403
    assert office.client.get("/office?key=the-key", environ_base=elsewhere).status_code == 302
    assert office.client.get("/orders", environ_base=elsewhere).status_code == 200


def test_without_a_token_the_stations_door_is_closed_even_to_the_office(office: Office) -> None:
    for method, path in addresses(office.app, "station"):
        assert office.client.open(path, method=method, json={}).status_code == 401, path


def test_another_host_name_is_refused_before_everything_also_on_the_socket(office: Office) -> None:
    for path in ("/board", "/api/v1/hello", "/socket.io/?EIO=4&transport=websocket"):
        answer = office.client.get(path, headers={"Host": "evil.example"})
        assert answer.status_code == 400, path
        assert "does not answer to that name" in answer.text
