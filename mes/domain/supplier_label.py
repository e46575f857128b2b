"""Labels that others print: GS1 element strings and ISO/IEC 15434 component labels, from text to frozen values.

Pure parsing. It must not know our own codes, ports, sessions or what is wanted now; text that does not parse is None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

GS, RS, EOT = "\x1d", "\x1e", "\x04"

_HEADER: Final = re.compile(r">?\[\)>\x1e?([0-9]{2})\x1d?")
_ELEMENT: Final = re.compile(r"([0-9]{0,3}[A-Za-z])(.*)")


@dataclass(frozen=True, slots=True)
class Gs1:
    """GS1 data: the identifiers a workshop uses, and every element string as (application identifier, value).

    `gtin` has 14 digits, `sscc` 18; dates are ISO 8601 (day 00 is the last day of the month); `quantity` is AI 30 or
    37, in pieces. `text` is what was read, without the AIM identifier: a serial may look like GS1 by accident.
    """

    text: str
    gtin: str | None = None
    sscc: str | None = None
    content: str | None = None
    serial: str | None = None
    lot: str | None = None
    quantity: int | None = None
    order: str | None = None
    customer_part: str | None = None
    produced: str | None = None
    expires: str | None = None
    elements: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ComponentLabel:
    """A supplier's label (ISO/IEC 15434 with MH10.8.2 data identifiers): P, 1P, Q (pieces), 1T, S, K, 9D or 10D."""

    text: str
    part: str | None = None
    maker_part: str | None = None
    quantity: int | None = None
    lot: str | None = None
    serial: str | None = None
    order: str | None = None
    date_code: str | None = None
    elements: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def read_gtin(text: str) -> Gs1 | None:
    """A bare EAN, UPC or ITF-14 number; None when its check digit is wrong.

    Source: GS1 General Specifications, 7.9 (check digit).
    """
    from biip import ParseError
    from biip.gtin import Gtin  # 16 MB of tables: only for who scans such labels

    try:
        return Gs1(text, gtin=Gtin.parse(text).as_gtin_14())
    except ParseError:
        return None


def read_element_strings(text: str) -> Gs1 | None:
    """GS1 element strings; None when they do not parse to the end, a check digit is wrong or two values contradict.

    Source: GS1 General Specifications, 3 (application identifiers) and 7.8 (separators).
    """
    if " " in text:  # not in character set 82; the library would trim it and pass a wrong serial
        return None
    from biip import ParseError
    from biip.gs1_messages import GS1Message  # 16 MB of tables: only for who scans such labels

    try:
        parsed = GS1Message.parse(text).element_strings
    except (ParseError, ValueError):
        return None
    if not parsed or any(e.gtin_error or e.sscc_error or e.gln_error for e in parsed):
        return None  # the library keeps a wrong check digit as a remark only
    values: dict[str, str] = {}
    for e in parsed:
        if values.setdefault(e.ai.ai, e.value) != e.value:
            return None  # two different serials in one code: neither can be trusted
    dates = {e.ai.ai: e.date.isoformat() for e in parsed if e.date}
    count = values.get("30") or values.get("37")
    return Gs1(
        text,
        gtin=values.get("01"),
        sscc=values.get("00"),
        content=values.get("02"),
        serial=values.get("21"),
        lot=values.get("10"),
        quantity=int(count) if count else None,
        order=values.get("400"),
        customer_part=values.get("241"),
        produced=dates.get("11"),
        expires=dates.get("17"),
        elements=tuple((e.ai.ai, e.value) for e in parsed),
    )


def read_envelope(text: str) -> ComponentLabel | Gs1 | None:
    """A label in an ISO/IEC 15434 envelope; None when it has no element, or a format other than 05 and 06.

    One supplier writes `>[)>`, and many leave out RS and EOT: the first record counts, its ends are optional.

    Source: ISO/IEC 15434 (envelope), ANSI MH10.8.2 (identifiers), ECIA EIGP 114.2018 (which of them a bag has).
    """
    header = _HEADER.match(text)
    if header is None:
        return None
    body = text[header.end() :].split(RS, 1)[0].strip(GS + EOT)
    if header[1] == "05":
        return read_element_strings(body)
    if header[1] != "06":
        return None
    parts = (_ELEMENT.fullmatch(item) for item in body.split(GS) if item)
    elements = tuple((m[1].upper(), m[2]) if m else ("", "") for m in parts)
    if not any(identifier and value for identifier, value in elements):
        return None
    values = dict(reversed(elements))  # the first of two equal identifiers counts
    count = values.get("Q", "")
    return ComponentLabel(
        text,
        part=values.get("P") or None,
        maker_part=values.get("1P") or None,
        quantity=int(count) if re.fullmatch("[0-9]{1,9}", count) else None,
        lot=values.get("1T") or None,
        serial=values.get("S") or None,
        order=values.get("K") or None,
        date_code=values.get("9D") or values.get("10D") or None,
        elements=elements,
    )
