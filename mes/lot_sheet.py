"""A sheet of received component lots (CSV or XLSX): each row into a receipt or into what is wrong with it.

Bytes and values in, values out: it knows no database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from mes import sheet
from mes.sheet import Problem

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "part": ("part", "part number", "component", "article", "composant", "piece"),
    "lot": ("lot", "lot number", "batch", "numero de lot"),
    "quantity": ("quantity", "qty", "quantite", "qte"),
    "received": ("received", "received on", "date", "recu le", "reception"),
    "supplier": ("supplier", "fournisseur"),
    "supplier_lot": ("supplier lot", "supplier's lot", "lot fournisseur", "lot du fournisseur"),
    "customer": ("customer", "customer's stock", "client", "stock client"),
    "delivery": ("delivery", "delivery note", "bon de livraison", "bl"),
    "expires": ("expires", "expiry", "use by", "peremption", "perime le", "dluo"),
}
"""Column → how its heading may read, in small letters and without accents."""
NEEDED: Final = ("part", "lot", "quantity")
MOST_PIECES: Final = 999_999_999
_ID: Final = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
_LENGTHS: Final = {"supplier": 120, "supplier_lot": 64, "customer": 120, "delivery": 64}


@dataclass(frozen=True, slots=True)
class Row:
    """One receipt as the sheet says it; `customer`: whose the pieces are, empty for our own."""

    line: int
    texts: Mapping[str, str]
    part: str
    lot: str
    quantity: int
    received: date
    supplier: str
    supplier_lot: str
    customer: str
    delivery: str
    expires: date | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a sheet, good or bad, and all that is wrong."""

    rows: Sequence[Row]
    problems: Sequence[Problem]


def read(content: bytes, parts: Iterable[str], *, today: date) -> Sheet:
    """Read a sheet (see `mes.sheet.table`) and check each row.

    Args:
        parts: what the plan knows; a part that it does not know is a problem.
        today: the day at the site: where a row gives none, and the last that a receipt may have.
    """
    there, found = sheet.table(content, COLUMNS, NEEDED)
    rows: list[Row] = []
    problems = list(found)
    known = list(parts)
    for line, texts in there:
        made, wrong = _row(line, texts, known, today)
        rows.append(made)
        problems += wrong
    return Sheet(tuple(rows), problems)


def written(rows: Sequence[Row]) -> str:
    """Rows as a CSV that `read` reads alike: what a page hands back when its reader has looked at it."""
    return sheet.written(COLUMNS, (row.texts for row in rows))


def _row(line: int, texts: Mapping[str, str], parts: Sequence[str], today: date) -> tuple[Row, list[Problem]]:
    wrong: list[Problem] = []

    def bad(column: str, reason: str, **args: Any) -> None:
        wrong.append(Problem(line, column, reason, {"got": texts.get(column, "")[:60], **args}))

    part, lot = texts.get("part", ""), texts.get("lot", "")
    if part not in parts:
        bad("part", "unknown_part", part=part[:60] or "–", known=", ".join(parts[:20]) or "–")
    if not _ID.fullmatch(lot):
        bad("lot", "sheet_lot_number")
    if not (quantity := sheet.pieces(texts.get("quantity", ""), MOST_PIECES)):
        bad("quantity", "sheet_quantity_large", most=MOST_PIECES)
    received, expires = (sheet.day(texts.get(name, "")) for name in ("received", "expires"))
    for column, day in (("received", received), ("expires", expires)):
        if isinstance(day, str):
            bad(column, "sheet_date")
    if isinstance(received, date) and received > today:
        bad("received", "receipt_future")
    for column, most in _LENGTHS.items():
        if len(texts.get(column, "")) > most:
            bad(column, "sheet_too_many_letters", most=most)
    free = {name: texts.get(name, "") for name in _LENGTHS}
    row = Row(
        line,
        texts,
        part=part,
        lot=lot,
        quantity=quantity,
        received=received if isinstance(received, date) else today,
        expires=expires if isinstance(expires, date) else None,
        **free,
    )
    return row, wrong
