"""How serial and order numbers are made up: fixed text, the date, one counter. Checks a pattern, makes no number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Formatter
from typing import Final

from mes.i18n import _
from mes.plan.errors import refusal

RESERVED: Final = "."
"""What the workshop's own codes begin with (badge, command, defect…): no serial number may be read as one."""

COUNTER: Final = re.compile(r"(0[1-9])?")  # {n} or {n:05}


@dataclass(frozen=True, slots=True)
class NumberKind:
    """What a kind of number may hold: parts of the date, and characters of its label."""

    fields: tuple[str, ...]
    characters: re.Pattern[str]
    example: str


SERIAL: Final = NumberKind(("yy", "yyyy", "ww"), re.compile(r"[A-Za-z0-9._/-]*"), "NMD-{yy}{ww}-{n:05}")
"""Date: ISO year and week of the order's release."""

ORDER: Final = NumberKind(("yy", "yyyy"), re.compile(r"[A-Z0-9-]*"), "OF-{yyyy}-{n:03}")
"""An order is printed as one of the workshop's own codes, which know capitals, digits and the hyphen."""


def number_pattern(pattern: str, kind: NumberKind) -> str:
    """Check the pattern of a number: fixed text, parts of the date, and one counter `{n:05}`.

    A label is read back by a scanner and compared as text, hence the few characters; the counter makes it unique.

    Raises:
        PydanticCustomError: with a sentence, for the table that is being decoded.
    """
    fields = " ".join("{" + name + "}" for name in kind.fields)
    allowed = _(
        'plain characters, %(fields)s, and one counter such as {n:05}: "%(example)s"',
        fields=fields,
        example=kind.example,
    )
    if pattern.startswith(RESERVED):
        raise refusal(_("A number must not begin with %(sign)s: the workshop's own codes do.", sign=RESERVED), allowed)
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError:
        raise refusal(_("A brace is missing."), allowed) from None
    counters = 0
    for literal, name, spec, conversion in parts:
        if not kind.characters.fullmatch(literal):
            raise refusal(
                _("The label of this number cannot carry every character of %(text)s.", text=literal), allowed
            )
        if name == "n" and COUNTER.fullmatch(spec or "") and not conversion:
            counters += 1
        elif name is not None and (name not in kind.fields or spec or conversion):
            raise refusal(_("%(name)s is not known in this number.", name="{" + name + "}"), allowed)
    if counters != 1:
        raise refusal(_("A number needs one counter, so that no two are the same."), allowed)
    return pattern
