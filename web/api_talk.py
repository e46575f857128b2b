"""How the API refuses and how it reads JSON: for the stations' door and for programs alike. No route, no rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from mes import passwords, wire
from mes.writer import Busy

M = TypeVar("M", bound=BaseModel)
RETRY_S = 2


class Rejected(Exception):
    """The request as a whole cannot be taken: status, error code, what to do; `told` stands in the place of a plain
    `wire.Problem`."""

    def __init__(
        self, status: int, error: str, message: str, retry_s: int | None = None, told: BaseModel | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.error, self.message, self.retry_s, self.told = status, error, message, retry_s, told


def attach(blueprint: Blueprint, takes: Any) -> None:
    """Let a blueprint refuse in the API's form.

    Args:
        takes: gives the names that the address of the present request may carry; a token is never among them, because
            addresses stand in logs.
    """

    @blueprint.before_request
    def _no_other_parameter() -> None:
        if not takes().issuperset(request.args):
            raise Rejected(400, "bad_request", "The address carries what it does not take.")

    blueprint.register_error_handler(Rejected, rejected)
    for kind in (Busy, TimeoutError):
        blueprint.register_error_handler(
            kind, lambda _: _later("The server cannot write now. Send the same again later.")
        )
    blueprint.register_error_handler(passwords.TooMany, lambda _: _later("Too many are being checked now. Ask again."))


def _later(message: str) -> Response:
    return rejected(Rejected(503, "busy", message, RETRY_S))


def rejected(problem: Rejected) -> Response:
    """The answer to a request that cannot be taken."""
    response = answered(problem.told or wire.Problem(error=problem.error, message=problem.message))
    response.status_code = problem.status
    if problem.retry_s is not None:
        response.headers["Retry-After"] = str(problem.retry_s)
    return response


def answered(model: BaseModel) -> Response:
    """A model as JSON."""
    return Response(model.model_dump_json(), mimetype="application/json")


def raw(limit: int = wire.MAX_BYTES) -> bytes:
    """The body of the request, at most so many bytes."""
    if request.mimetype != "application/json" or request.headers.get("Content-Encoding", "identity") != "identity":
        raise Rejected(415, "not_json", "Send application/json, not compressed.")
    too_large = Rejected(413, "too_large", f"At most {limit} bytes. Halve the batch.")
    if (request.content_length or 0) > limit:
        raise too_large
    try:
        data = request.get_data(cache=False)
    except RequestEntityTooLarge:  # sent in chunks, without a length
        raise too_large from None
    if len(data) > limit:
        raise too_large
    return data


def parsed(model: type[M], limit: int = wire.MAX_BYTES, data: bytes | None = None) -> M:
    """The body of the request as a model; 400 where it does not fit."""
    found = raw(limit) if data is None else data
    return fitted(lambda: model.model_validate_json(found))


def fitted(make: Callable[[], M]) -> M:
    """What somebody has sent as a model; 400, with the first thing that does not fit."""
    try:
        return make()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(x) for x in first["loc"])
        code = "bad_json" if first["type"] == "json_invalid" else "bad_request"
        raise Rejected(400, code, f"{where}: {first['msg']}" if where else first["msg"]) from error
