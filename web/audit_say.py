"""A row of the office in one sentence of the reader's language: for the audit, and for the history of an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from web.account import ROLE_WORDS
from web.audit_words import SENTENCES, WORDS


def sentence(kind: str, said: Mapping[str, Any]) -> str:
    """What a row of a kind says, in the reader's language."""
    words = _Said({name: str(value) for name, value in said.items() if value not in (None, "", [])})
    for (of, field), known in WORDS.items():
        if of == kind and words.get(field) in known:
            words[field] = str(known[words[field]])
    if kind == "LabelPrinted":
        words["of"] = words.get("subject") or words.get("unit") or words["order"]
    if "roles" in words:
        words["roles"] = ", ".join(str(ROLE_WORDS.get(r, r)) for r in said["roles"])
    if "person" not in words:
        words["person"] = _("no account")
    return str(SENTENCES[kind]) % words if kind in SENTENCES else kind


class _Said(dict[str, str]):
    """What a row carries; what it does not carry is a dash."""

    def __missing__(self, name: str) -> str:
        return "–"
