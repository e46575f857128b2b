"""What is wrong in a plan's files, said to who wrote them: file, table, key, a sentence, and what is allowed.

Collects every error and stops at none. It turns pydantic's findings into sentences; it knows no rule of the plan and
reads no file.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from inspect import isclass
from typing import Annotated, Any, Final, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from mes.i18n import LANGUAGES, N_, _

M = TypeVar("M", bound=BaseModel)
Raw = dict[str, Any]

LISTED: Final = 60  # names in one "Allowed": more would hide the sentence
LABELS: Final = ("id", "part", "code", "name", "start")  # what a row of a list is called by, the first that it has


@dataclass(frozen=True, slots=True)
class PlanError:
    """One error. `table` and `key` are empty where the whole file is meant."""

    file: str
    table: str
    key: str
    message: str
    allowed: str

    def __str__(self) -> str:
        place = " ".join(x for x in (self.file, f"[{self.table}]" if self.table else "", self.key) if x)
        allowed = " " + _("Allowed: %(what)s.", what=self.allowed) if self.allowed else ""
        return f"{place}: {self.message}{allowed}"


def near(value: str, known: Collection[str]) -> str | None:
    """The known name that was probably meant, or None: capitals first, then likeness."""
    # mohm and Mohm are a thousand million apart: of names that differ in capitals alone, the one with most in common.
    same = [k for k in known if k.casefold() == value.casefold()]
    found = difflib.get_close_matches(value, sorted(same or known), n=1, cutoff=0.0 if same else 0.5)
    return found[0] if found else None


def listed(known: Collection[str]) -> str:
    """Names as a sorted list for people, cut where it gets long."""
    names = sorted(known)
    shown = ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
    return shown or _("nothing yet")


def refusal(message: str, allowed: str) -> PydanticCustomError:
    """What a validator of a table raises: a sentence, and what is allowed instead."""
    return PydanticCustomError("plan", "{said}", {"said": message, "allowed": allowed})


def unknown(message: str, value: str, known: Collection[str]) -> PydanticCustomError:
    """`refusal` for a name that does not exist: with the one that was probably meant."""
    return refusal(with_guess(message, value, known), listed(known))


def with_guess(message: str, value: str, known: Collection[str]) -> str:
    """A sentence, and the question whether another name was meant, if one is near."""
    guess = near(value, known)
    if guess is None:
        return message
    question = _("Did you mean %(name)s?", name=guess)
    return f"{message} {question}"


# What pydantic finds, as people say it: (sentence, what is allowed). %(x)s are pydantic's own arguments.
_SENTENCES: Final[dict[str, tuple[str, str]]] = {
    "literal_error": (N_("This word is not known here."), "%(expected)s"),
    "string_type": (N_("This is not a text."), N_("a text between quotation marks")),
    "int_type": (N_("This is not a whole number."), N_("a whole number without quotation marks")),
    "int_from_float": (N_("This is not a whole number."), N_("a whole number without quotation marks")),
    "float_type": (N_("This is not a number."), N_("a number without quotation marks")),
    "finite_number": (N_("This is not a number."), N_("a number without quotation marks")),
    "tuple_type": (N_("This is not a list."), N_("a list between [ and ]")),
    "model_type": (N_("This is not a table."), N_("a table between { and }")),
    "model_attributes_type": (N_("This is not a table."), N_("a table between { and }")),
    "date_type": (N_("This is not a date."), N_("a date such as 2027-03-01")),
    "date_parsing": (N_("This is not a date."), N_("a date such as 2027-03-01")),
    "date_from_datetime_parsing": (N_("This is not a date."), N_("a date such as 2027-03-01")),
    "date_from_datetime_inexact": (N_("This is not a date."), N_("a date such as 2027-03-01")),
    "greater_than": (N_("This number is too small."), N_("more than %(gt)s")),
    "greater_than_equal": (N_("This number is too small."), N_("%(ge)s or more")),
    "less_than_equal": (N_("This number is too big."), N_("%(le)s or less")),
    "string_too_short": (N_("This text is empty."), N_("at least %(min_length)s character")),
    "string_too_long": (N_("This text is too long."), N_("at most %(max_length)s characters")),
    "too_short": (N_("This list is empty."), N_("at least %(min_length)s entry")),
    "too_long": (N_("This list is too long."), N_("at most %(max_length)s entries")),
}
_PATTERNS: Final = {
    r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,47}$": (
        N_("This is not a valid name."),
        N_("letters without accents, digits, and . _ - after the first; at most 48"),
    ),
    r"^([01]\d|2[0-3]):[0-5]\d$": (N_("This is not a time of day."), N_('a time between quotation marks, "06:00"')),
}
_UNTRANSLATED: Final = {"fr": N_("The French text is missing."), "en": N_("The English text is missing.")}


def _expected(annotation: Any) -> str:
    """What a key of this type takes, by example or in words."""
    if isclass(annotation) and issubclass(annotation, BaseModel):
        inside = {name: _expected(field.annotation) for name, field in annotation.model_fields.items()}
        return "{ " + ", ".join(f"{name} = {value}" for name, value in inside.items()) + " }"
    if get_origin(annotation) is Literal:
        return ", ".join(get_args(annotation))
    if get_origin(annotation) is tuple:
        return f"[{_expected(get_args(annotation)[0])}]"
    if get_origin(annotation) is Annotated:
        return _expected(get_args(annotation)[0])
    return {str: '"…"', int: _("a whole number"), float: _("a number"), date: "2027-03-01"}.get(annotation, "")


def _said(error: ErrorDetails, keys: Collection[str], annotation: Any) -> tuple[str, str]:
    """The sentence of one finding, and what is allowed.

    Args:
        keys: those of the table in which it was found.
        annotation: the type of the key that it is about, None when there is no such key.
    """
    kind, last = error["type"], str(error["loc"][-1]) if error["loc"] else ""
    ctx: Mapping[str, Any] = error.get("ctx", {})
    if kind == "plan":
        return str(ctx["said"]), str(ctx["allowed"])
    if kind == "missing" and last in LANGUAGES:
        return _(_UNTRANSLATED[last]), '{ fr = "…", en = "…" }'
    if kind == "missing":
        return _("This key is missing."), _expected(annotation)
    if kind == "extra_forbidden":
        return with_guess(_("This key is not known here."), last, keys), listed(keys)
    if kind == "string_pattern_mismatch":
        message, allowed = _PATTERNS.get(str(ctx["pattern"]), (N_("This is not written as it should be."), ""))
        return _(message), _(allowed) if allowed else str(ctx["pattern"])
    message, allowed = _SENTENCES.get(kind, ("", ""))
    if not message:
        return error["msg"], ""
    # pydantic says "'a', 'b' or 'c'": commas alone are understood in every language.
    words = {k: str(v).replace("' or '", "', '").replace("'", "") for k, v in ctx.items()}
    return _(message), (_(allowed) % words if allowed else "")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The table inside a type such as `tuple[Table, ...]` or `Table | None`."""
    if isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for m in map(_model_in, get_args(annotation)) if m is not None), None)


def _table_at(model: type[BaseModel], place: Sequence[int | str]) -> Mapping[str, Any]:
    """The keys that the table at a place inside `model` may have, with their types."""
    here: type[BaseModel] | None = model
    for part in place:
        if isinstance(part, str) and here is not None:
            field = here.model_fields.get(part)
            here = _model_in(field.annotation) if field else None
    return {name: field.annotation for name, field in here.model_fields.items()} if here else {}


def label(row: object, number: int) -> str:
    """What a row of a list is called in an error: by its own name, or by its number, 1 for the first."""
    names = (row.get(key) for key in LABELS) if isinstance(row, Mapping) else iter(())
    return next((name for name in names if isinstance(name, str) and name), str(number))


def _key(raw: object, place: Sequence[int | str]) -> str:
    """A place inside a table as people write it: `tests.iso.high`, not `tests[1].high`."""
    said, here = [], raw
    for part in place:
        if isinstance(part, int):
            here = here[part] if isinstance(here, list) and part < len(here) else None
            if isinstance(here, Mapping):
                said.append(label(here, part + 1))
        else:
            here = here.get(part) if isinstance(here, Mapping) else None
            said.append(part)
    return ".".join(said)


class Findings:
    """Every error that was found so far, in the order of the files."""

    def __init__(self) -> None:
        self.errors: list[PlanError] = []

    def add(self, file: str, table: str, key: str, message: str, allowed: str) -> None:
        """Note one error."""
        self.errors.append(PlanError(file, table, key, message, allowed))

    def decode(
        self,
        model: type[M],
        raw: Raw,
        *,
        file: str,
        table: str,
        known: object = None,
        aliases: Mapping[str, str] | None = None,
    ) -> M | None:
        """Decode one table; note each of its errors and return None when there is one.

        Args:
            known: what its names may refer to, for the validators of `model`.
            aliases: how the file spells a key, where that is not the model's own word.
        """
        spelled = aliases or {}
        try:
            # By way of JSON: pydantic is strict about it (no "600" for 600) and yet takes a list for a tuple.
            return model.model_validate_json(json.dumps(raw, default=str), strict=True, context=known)
        except ValidationError as invalid:
            found = invalid.errors(include_url=False)
            for error in found:
                place = error["loc"]
                if error["type"] == "too_short" and any(e["loc"][:-1] == place for e in found):
                    continue  # pydantic counts the right entries only: the wrong one has been said
                key = _key(raw, place)
                table_there = _table_at(model, place[:-1])
                keys = {*table_there, *(spelled.values() if len(place) == 1 else ())}
                takes = str if key in spelled else table_there.get(str(place[-1])) if place else None
                message, allowed = _said(error, keys, takes)
                first, _dot, rest = key.partition(".")
                key = ".".join(x for x in (spelled.get(first, first), rest) if x)
                self.add(file, table, key, message, allowed)
            return None

    def tables(self, document: Raw, file: str, *, one: Sequence[str] = (), many: Sequence[str] = ()) -> None:
        """Check which tables a file has: `[one]` each once and required, `[[many]]` any number."""
        for name, value in document.items():
            if name not in (*one, *many):
                message = with_guess(_("This table is not known in this file."), name, (*one, *many))
                self.add(file, name, "", message, listed([f"[{n}]" for n in one] + [f"[[{n}]]" for n in many]))
            elif name in one and not isinstance(value, dict):
                self.add(file, name, "", _("This is not a table."), f"[{name}]")
            elif name in many and not (isinstance(value, list) and all(isinstance(row, dict) for row in value)):
                self.add(file, name, "", _("This is not a list of tables."), f"[[{name}]]")
        for name in one:
            if name not in document:
                self.add(file, name, "", _("This table is missing."), f"[{name}]")

    def twice(self, rows: Sequence[tuple[str, str, object]], message: str, *, key: str = "id") -> None:
        """Note each (file, table, value) whose value stood before; `message` has %(value)s and may have %(first)s."""
        seen: dict[object, str] = {}
        for file, table, value in rows:
            if value in seen:
                self.add(file, table, key, message % {"value": value, "first": seen[value]}, _("each one once"))
            else:
                seen[value] = file


def single(document: Raw, name: str) -> Raw | None:
    """The table `[name]`, None when there is none."""
    value = document.get(name)
    return value if isinstance(value, dict) else None


def rows(document: Raw, name: str) -> list[Raw]:
    """The tables `[[name]]`; what is no table is left out, `Findings.tables` has noted it."""
    value = document.get(name)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def texts(found: Sequence[Raw], key: str) -> list[str]:
    """The texts that stand under one key of several tables."""
    return [row[key] for row in found if isinstance(row.get(key), str)]
