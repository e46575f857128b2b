"""The stations' door as an OpenAPI 3.1 document, at `/api/v1/openapi.json`: for who writes a client, and for tests.

Types come from `mes.wire`, addresses and roles from the routes, sentences from the views. Here stands what none of
them says: which model a view takes and gives, and with which errors it refuses. It is public, as docs/protocol.md is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from flask import Blueprint, Flask, Response, current_app, json
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from mes import wire
from web import auth
from web.auth import role

blueprint = Blueprint("openapi", __name__, url_prefix="/api/v1")
REFS: Final = "#/components/schemas/"
Refusals = dict[int, tuple[str, ...]]
"""Status → the errors that come with it."""

ANY: Final[Refusals] = {400: ("bad_request",), 500: ("error",), 503: ("busy",)}
TOKEN: Final[Refusals] = {401: ("unauthorized",)}
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
    refs, schemas = models_json_schema([*takes, *gives], ref_template=REFS + "{model}")  # type: ignore[list-item]
    paths: dict[str, dict[str, Any]] = {}
    for rule in app.url_map.iter_rules():
        way = WAYS.get(rule.endpoint)
        if way is not None:
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                paths.setdefault(rule.rule, {})[method.lower()] = _operation(app, rule.endpoint, way, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Atelier: the stations' door",
            "version": str(wire.PROTO),
            "description": "What the fields mean, and what a client must keep, stands in docs/protocol.md.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"station": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(app: Flask, endpoint: str, way: Way, refs: dict[Any, Any]) -> dict[str, Any]:
    view = app.view_functions[endpoint]
    guarded = "station" in auth.declared(view)
    refuses = (ANY, *((TOKEN,) if guarded else ()), *((BODY,) if way.takes else ()), *way.refuses)
    out: dict[str, Any] = {
        "operationId": endpoint.partition(".")[2],
        "summary": (view.__doc__ or "").partition("\n")[0],
        "security": [{"station": []}] if guarded else [],
        "responses": {
            "200": {"description": "Done.", "content": _json(refs[way.gives, "serialization"] if way.gives else {})},
            **{str(status): _refusal(status, errors) for status, errors in sorted(_merged(refuses).items())},
        },
    }
    if way.takes:
        out["requestBody"] = {"required": True, "content": _json(refs[way.takes, "validation"])}
    if way.query:
        out["parameters"] = list(way.query)
    return out


def _merged(parts: tuple[Refusals, ...]) -> Refusals:
    out: Refusals = {}
    for part in parts:
        for status, errors in part.items():
            out[status] = (*out.get(status, ()), *errors)
    return out


def _refusal(status: int, errors: tuple[str, ...]) -> dict[str, Any]:
    said = wire.Problem.model_json_schema(mode="serialization")
    said["properties"]["error"] = {"enum": sorted(errors)}
    out: dict[str, Any] = {"description": ", ".join(sorted(errors)), "content": _json(said)}
    if status in WAITS:
        seconds = {"type": "integer", "minimum": 1}
        out["headers"] = {"Retry-After": {"required": True, "description": "seconds", "schema": seconds}}
    return out


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
