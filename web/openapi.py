"""The stations' door and the programs' orders as an OpenAPI 3.1 document, at `/api/v1/openapi.json`: for who writes a
client, and for tests.

Types come from `mes.wire` and `web.rest_forms`, addresses and roles from the routes, sentences from the views. Here
stands what none of them says: which model a view takes and gives, and with which errors it refuses. It is public, as
docs/protocol.md is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from flask import Blueprint, Flask, Response, current_app, json
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from mes import wire
from web import auth, rest, rest_forms
from web.auth import role

blueprint = Blueprint("openapi", __name__, url_prefix="/api/v1")
PLACE: Final = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]*$"}
REFS: Final = "#/components/schemas/"
Refusals = dict[int, tuple[str, ...]]
"""Status → the errors that come with it."""

ANY: Final[Refusals] = {400: ("bad_request",), 500: ("error",), 503: ("busy",)}
TOKEN: Final[Refusals] = {401: ("unauthorized",)}
PROGRAM: Final[Refusals] = {403: ("forbidden",), 429: ("too_many_tries",)}
KNOWN: Final[Refusals] = {404: ("unknown", "not_found")}
WRITES: Final[Refusals] = {400: ("no_idempotency_key",), 409: ("refused", "key_reused")}
BODY: Final[Refusals] = {400: ("bad_json",), 413: ("too_large",), 415: ("not_json",)}
STREAM: Final[Refusals] = {403: ("foreign_stream", "second_machine")}
WAITS: Final = (429, 503)
"""These say in `Retry-After` how many seconds to wait."""


@dataclass(frozen=True, slots=True)
class Way:
    """What a view takes, gives and refuses."""

    gives: type[BaseModel] | None
    takes: type[BaseModel] | None = None
    refuses: tuple[Refusals, ...] = ()
    query: tuple[dict[str, Any], ...] = field(default=())
    headers: tuple[dict[str, Any], ...] = ()


def _asked(model: type[BaseModel]) -> tuple[dict[str, Any], ...]:
    """The parameters of an address, out of their model."""
    return tuple(
        {"name": name, "in": "query", "schema": next(k for k in said.get("anyOf", [said]) if k.get("type") != "null")}
        for name, said in model.model_json_schema()["properties"].items()
    )


def _once(*, needed: bool) -> tuple[dict[str, Any], ...]:
    said = "The program's own number of this request: the same one again is answered and not done again."
    schema = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$"}
    return ({"name": rest.ONCE, "in": "header", "required": needed, "description": said, "schema": schema},)


def _verb(takes: type[BaseModel] | None) -> Way:
    return Way(rest_forms.Made, takes, (WRITES, KNOWN), headers=_once(needed=False))


WAYS: Final[dict[str, Way]] = {
    "api.enroll": Way(
        wire.EnrollReply, wire.EnrollRequest, ({403: ("bad_code",), 429: ("too_many_tries",)},),
    ),
    "api.hello": Way(wire.HelloReply, wire.HelloRequest, (STREAM, {426: ("old_agent",)})),
    "api.ingest": Way(
        wire.IngestReply, wire.IngestRequest, (STREAM, {400: ("not_contiguous",), 409: ("fork",)}),
    ),
    "api.ingest_raw": Way(wire.IngestReply, wire.RawRequest, (STREAM, {409: ("fork",)})),
    "api.override": Way(wire.OverrideReply, wire.OverrideRequest, ({429: ("too_many_tries",)},)),
    "api.print_next": Way(wire.PrintNextReply, wire.PrintNextRequest, ({404: ("no_printer",)},)),
    "api.print_said": Way(wire.PrintSaidReply, wire.PrintSaidRequest, ({404: ("no_printer",)},)),
    "api.plan": Way(wire.PlanReply, refuses=({404: ("no_plan",)},)),
    "api.changes": Way(
        wire.FloorReply,
        query=(
            {
                "name": "since",
                "in": "query",
                "description": "The cursor of the last answer; 0 for everything.",
                "schema": {"type": "integer", "minimum": 0, "maximum": 10**15 - 1, "default": 0},
            },
        ),
    ),
    "openapi.document": Way(None),
    "rest.create": Way(
        rest_forms.Made, rest_forms.NewOrders, (WRITES, {422: ("wrong_orders",)}), headers=_once(needed=True),
    ),
    "rest.change": _verb(rest_forms.Change),
    "rest.release": _verb(None),
    "rest.serials": _verb(rest_forms.Serials),
    "rest.hold": _verb(rest_forms.Why),
    "rest.resume": _verb(None),
    "rest.cancel": _verb(rest_forms.Why),
    "rest.listed": Way(rest_forms.Orders, query=_asked(rest_forms.OrdersAsked)),
    "rest.one": Way(rest_forms.Order, refuses=(KNOWN,)),
    "rest.units": Way(rest_forms.Units, refuses=(KNOWN,), query=_asked(rest_forms.UnitsAsked)),
    "rest.nonconformities": Way(rest_forms.Ncs, refuses=(KNOWN,)),
    "rest.unit": Way(rest_forms.Trace, refuses=(KNOWN,)),
}  # fmt: skip


@blueprint.get("/openapi.json")
@role("public")
def document() -> Response:
    """This document."""
    made: str | None = current_app.extensions.get("atelier_openapi")
    if made is None:
        made = current_app.extensions["atelier_openapi"] = json.dumps(document_of(current_app), sort_keys=False)
    return Response(made, mimetype="application/json")


def document_of(app: Flask) -> dict[str, Any]:
    """The document of an application's routes under `/api/`; a view that has no `Way` is not in it."""
    takes = [(way.takes, "validation") for way in WAYS.values() if way.takes]
    gives = [(way.gives, "serialization") for way in WAYS.values() if way.gives]
    gives.append((rest_forms.RowProblem, "serialization"))
    refs, schemas = models_json_schema([*takes, *gives], ref_template=REFS + "{model}")  # type: ignore[list-item]
    paths: dict[str, dict[str, Any]] = {}
    for rule in app.url_map.iter_rules():
        way = WAYS.get(rule.endpoint)
        if way is not None:
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                path = path_of(rule.rule)
                paths.setdefault(path, {})[method.lower()] = _operation(app, rule.endpoint, path, way, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Atelier: the stations' door, and orders for programs",
            "version": str(wire.PROTO),
            "description": "What the fields mean: docs/protocol.md for stations, docs/api.md for programs.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {name: {"type": "http", "scheme": "bearer"} for name in ("station", "program")},
        },
    }


def _operation(app: Flask, endpoint: str, path: str, way: Way, refs: dict[Any, Any]) -> dict[str, Any]:
    view = app.view_functions[endpoint]
    roles = auth.declared(view)
    door = "station" if "station" in roles else "program" if roles & auth.PROGRAMS else ""
    refuses = (
        ANY, *((TOKEN,) if door else ()), *((PROGRAM,) if door == "program" else ()), *((BODY,) if way.takes else ()),
        *way.refuses,
    )  # fmt: skip
    out: dict[str, Any] = {
        "operationId": endpoint.partition(".")[2],
        "summary": (view.__doc__ or "").partition("\n")[0],
        "security": [{door: []}] if door else [],
        "responses": {
            "200": {"description": "Done.", "content": _json(refs[way.gives, "serialization"] if way.gives else {})},
            **{
                str(status): _refusal(status, errors, program=door == "program")
                for status, errors in sorted(_merged(refuses).items())
            },
        },
    }
    if way.takes:
        out["requestBody"] = {"required": True, "content": _json(refs[way.takes, "validation"])}
    places = re.findall(r"\{(\w+)\}", path)
    parameters = [{"name": p, "in": "path", "required": True, "schema": PLACE} for p in places]
    if parameters or way.query or way.headers:
        out["parameters"] = [*parameters, *way.query, *way.headers]
    return out


def path_of(rule: str) -> str:
    """The address of a route as OpenAPI writes it."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def _merged(parts: tuple[Refusals, ...]) -> Refusals:
    out: Refusals = {}
    for part in parts:
        for status, errors in part.items():
            out[status] = (*out.get(status, ()), *errors)
    return out


def _refusal(status: int, errors: tuple[str, ...], *, program: bool) -> dict[str, Any]:
    model = rest_forms.Refused if program else wire.Problem
    said = model.model_json_schema(mode="validation", ref_template=REFS + "{model}")
    said.pop("$defs", None)  # they stand with the others
    said["properties"]["error"] = {"enum": sorted(errors)}
    out: dict[str, Any] = {"description": ", ".join(sorted(errors)), "content": _json(said)}
    if status in WAITS:
        seconds = {"type": "integer", "minimum": 1}
        out["headers"] = {"Retry-After": {"required": True, "description": "seconds", "schema": seconds}}
    return out


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
