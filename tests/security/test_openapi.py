"""The door does what the OpenAPI document says, and nothing else, whoever asks for whatever."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from mes import keys
from mes.enrolment import Tries
from tests.web.pages import Office, workshop
from web import api, api_talk, rest
from web.auth import PEOPLE, PROGRAMS
from web.openapi import path_of

EXAMPLES: Final = {
    "station": 15,
    "planner-api": 10,
    "anonymous": 10,
}  # of each operation, well and badly formed, always the same ones
FEW: Final = 4  # of those whom the token check turns away
# Who asks is this test's business, and nothing else's; what is too large is refused before its form is looked at.
CONFIG: Final = schemathesis.Config.from_dict(
    {
        "generation": {"with-security-parameters": False},
        "checks": {
            "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 409, 413, 415, 422, 429, 503]}
        },
    }
)
# What has the right form may still be refused (another protocol, a number that does not follow): that is no fault.
RIGHTLY_REFUSED: Final = [checks.positive_data_acceptance]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A server over a workshop with a plan."""
    shop = workshop(tmp_path)
    made = Office(shop)
    yield made
    made.close()
    shop.close()


def document(office: Office) -> dict[str, Any]:
    """The document, as anybody gets it."""
    answer = office.anybody.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json
    return found


def routes(app: Flask) -> set[tuple[str, str]]:
    """Method and address of every view of the API."""
    return {
        (method.lower(), path_of(rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }


def declared(document: dict[str, Any]) -> set[tuple[int, str]]:
    """Every (status, error) that the document knows."""
    return {
        (int(status), error)
        for methods in document["paths"].values()
        for operation in methods.values()
        for status, response in operation["responses"].items()
        if status != "200"
        for error in response["content"]["application/json"]["schema"]["properties"]["error"]["enum"]
    }


def said_by_the_code() -> set[tuple[int, str]]:
    """Every (status, error) that stands in the handlers' source."""
    said = {(status, error) for error, (status, _) in api.REFUSED.items()}
    for node in (n for source in (api, api_talk, rest) for n in ast.walk(ast.parse(inspect.getsource(source)))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Rejected":
            match node.args[:2]:
                case [ast.Constant(int(status)), ast.Constant(str(error))]:
                    said.add((status, error))
    return said


def test_every_route_of_the_api_is_in_the_document(office: Office) -> None:
    told = {(method, path) for path, methods in document(office)["paths"].items() for method in methods}
    assert told == routes(office.app)


def test_every_refusal_that_the_handlers_can_say_is_in_the_document(office: Office) -> None:
    assert said_by_the_code()
    assert said_by_the_code() - declared(document(office)) == set()


def test_every_reference_of_the_document_leads_somewhere(office: Office) -> None:
    made = document(office)
    wanted = {piece.partition('"')[0] for piece in json.dumps(made).split("#/components/schemas/")[1:]}
    assert wanted
    assert wanted <= set(made["components"]["schemas"])


def test_an_address_takes_no_token_also_beside_a_good_one(office: Office) -> None:
    token = office.site.do(lambda db, now: keys.new_token(db, "bench-1", "pc-1", now=now))
    headers = {"Authorization": f"Bearer {token}"}
    assert office.anybody.get("/api/v1/floor?since=0", headers=headers).status_code == 200
    assert office.anybody.get(f"/api/v1/floor?since=0&token={token}", headers=headers).status_code == 400


@pytest.mark.parametrize("who", ["anonymous", "station", *PEOPLE, *sorted(PROGRAMS)])
def test_nothing_that_anybody_sends_breaks_the_server_or_is_answered_outside_the_document(
    office: Office, who: str
) -> None:
    headers = {}
    if who == "station":
        token = office.site.do(lambda db, now: keys.new_token(db, "bench-1", "pc-1", now=now))
        headers["Authorization"] = f"Bearer {token}"
    elif who in PROGRAMS:
        headers["Authorization"] = f"Bearer {office.key(who)}"
        office.site.programs = Tries(10**6)  # asks more in a second than a program may in a minute
    elif who in PEOPLE:
        cookie = office.signed_in(who, who).get_cookie("atelier")
        headers["Cookie"] = f"atelier={cookie.value}" if cookie else ""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", office.app, config=CONFIG)
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
                continue  # it takes nothing that could be badly formed

            @settings(
                max_examples=EXAMPLES.get(who, FEW),
                derandomize=True,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def asked(case: schemathesis.Case) -> None:
                case.call_and_validate(headers=headers, excluded_checks=RIGHTLY_REFUSED)

            asked()
