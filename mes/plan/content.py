"""A plan as data that can be published: canonical, hashed, and read back as it was.

The hash is over what the plan says and not over how its files are written: comments, the order of files and spaces do
not count, a limit does.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any

from mes.domain.route import Plan


def content(plan: Plan) -> dict[str, Any]:
    """The plan as JSON-able data, every key written out: a default that changes later changes no published plan."""
    return plan.model_dump(mode="json")


def content_hash(content: dict[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a content: 64 lower-case hexadecimal digits."""
    return hashlib.sha256(_canonical(content).encode()).hexdigest()


def from_content(content: dict[str, Any]) -> Plan:
    """Read a published plan back.

    The same content gives the same object: a plan is decoded once and asked for at every event.

    Raises:
        pydantic.ValidationError: it was published by a program that knows more than this one.
    """
    return _decoded(_canonical(content))


@lru_cache(maxsize=32)
def _decoded(canonical: str) -> Plan:
    return Plan.model_validate_json(canonical)


def _canonical(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
