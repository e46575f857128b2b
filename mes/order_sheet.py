"""A sheet of orders (CSV or XLSX) read into rows of text, and each row into an order or into what is wrong with it.

Bytes and values in, values out: it knows no database. Each problem names its line, its column and what to do.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from mes.domain.route import Plan

MOST_BYTES: Final = 1024 * 1024
MOST_ROWS: Final = 2_000
MOST_UNPACKED: Final = 30 * 1024 * 1024  # an XLSX is a ZIP: what it unpacks to is looked at before it is unpacked
NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
LENGTHS: Final = {"customer": 120, "reference": 64, "note": 2_000}

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "order": ("order", "order number", "number", "ordre", "numero d'ordre", "numero", "of"),
    "product": ("product", "item", "article", "produit", "reference produit"),
    "quantity": ("quantity", "qty", "quantite", "qte"),
    "due": ("due", "due date", "date", "echeance", "date d'echeance", "delai", "livraison"),
    "customer": ("customer", "client"),
    "reference": (
        "reference",
        "customer reference",
        "customer's reference",
        "po",
        "reference client",
        "commande client",
    ),
    "priority": ("priority", "priorite"),
    "note": ("note", "notes", "remarks", "remarque", "remarques", "commentaire"),
}
"""Column → how its heading may read, in small letters and without accents."""
NEEDED: Final = ("product", "quantity")
PRIORITIES: Final = {
    "": 2, "1": 1, "2": 2, "3": 3, "urgent": 1, "urgente": 1, "normal": 2, "normale": 2,
    "can wait": 3, "peut attendre": 3,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong: a code of `mes.domain.reasons` with its values, at a line and in a column (empty: the whole)."""

    line: int
    column: str
    reason: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One order as the sheet says it; an empty `order` gets the next number."""

    line: int
    texts: Mapping[str, str]
    order: str = ""
    product: str = ""
    quantity: int = 0
    due: date | None = None
    customer: str = ""
    reference: str = ""
    priority: int = 2
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a sheet, good or bad, and all that is wrong."""

    rows: Sequence[Row]
    problems: Sequence[Problem]

    def of(self, line: int) -> list[Problem]:
        """What is wrong in a line."""
        return [p for p in self.problems if p.line == line]


class Unreadable(Exception):
    """The file is no sheet that can be read."""

    def __init__(self, reason: str, **args: Any) -> None:
        super().__init__(reason)
        self.problem = Problem(0, "", reason, args)


def read(content: bytes, plan: Plan, *, taken: Iterable[str] = ()) -> Sheet:
    """Read a sheet and check each row against the plan.

    Args:
        content: a CSV (UTF-8, with or without BOM; `;`, `,` or tab) or an XLSX, of which the first sheet counts.
        taken: order numbers that are there already.
    """
    try:
        return _checked(_cells(content), plan, set(taken))
    except Unreadable as error:
        return Sheet((), (error.problem,))


def written(rows: Sequence[Row]) -> str:
    """Rows as a CSV that `read` reads alike: what a page hands back when its reader has looked at it."""
    out = io.StringIO(newline="")
    lines = csv.writer(out, delimiter=";", lineterminator="\n")
    lines.writerow(COLUMNS)
    lines.writerows([row.texts.get(name, "") for name in COLUMNS] for row in rows)
    return out.getvalue()


def _cells(content: bytes) -> list[list[str]]:
    if len(content) > MOST_BYTES:
        raise Unreadable("sheet_too_large", most=MOST_BYTES // 1024 // 1024)
    cells = _xlsx(content) if content[:4] == b"PK\x03\x04" else _csv(content)
    while cells and not any(cells[-1]):
        cells.pop()
    if len(cells) > MOST_ROWS + 1:
        raise Unreadable("sheet_too_long", most=MOST_ROWS)
    if len(cells) < 2:
        raise Unreadable("sheet_empty")
    return cells


def _csv(content: bytes) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("sheet_encoding") from error
    if "\x00" in text:
        raise Unreadable("sheet_encoding")
    first = text.partition("\n")[0]
    separator = max(";,\t", key=first.count)  # of equals the first: `;` is what a French spreadsheet writes
    out: list[list[str]] = []
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            out.append([c.strip() for c in cells])
            if len(out) > MOST_ROWS + 1:
                raise Unreadable("sheet_too_long", most=MOST_ROWS)
    except csv.Error as error:
        raise Unreadable("sheet_broken", line=len(out) + 1) from error
    return out


def _xlsx(content: bytes) -> list[list[str]]:
    """The first sheet. Read-only, values without formulas; openpyxl reads XML by defusedxml (no entities)."""
    from openpyxl import DEFUSEDXML, load_workbook  # only when a file comes: 0.2 s to import

    if not DEFUSEDXML:  # both are installed together; without it an entity could unfold to gigabytes
        raise Unreadable("sheet_broken", line=1)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(i.file_size for i in packed.infolist()) > MOST_UNPACKED:
                raise Unreadable("sheet_too_large", most=MOST_BYTES // 1024 // 1024)
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        try:
            page = book.worksheets[0]
            rows = page.iter_rows(max_row=MOST_ROWS + 2, max_col=60, values_only=True)
            return [[_said(value) for value in row] for row in rows]
        finally:
            book.close()
    except Unreadable:
        raise
    except Exception as error:  # a reader of foreign files raises many kinds; each means: not a workbook
        raise Unreadable("sheet_broken", line=1) from error


def _said(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def plain(heading: str) -> str:
    """A heading in small letters, without accents, with plain apostrophes and single blanks."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", heading) if not unicodedata.combining(c))
    return " ".join(bare.replace("’", "'").replace("_", " ").lower().split())


_BY_HEADING: Final = {word: column for column, words in COLUMNS.items() for word in words}


def _checked(cells: Sequence[Sequence[str]], plan: Plan, taken: set[str]) -> Sheet:
    headings = [_BY_HEADING.get(plain(h)) for h in cells[0]]
    problems = [
        Problem(1, h, "sheet_unknown_column", {"column": h[:60], "known": ", ".join(COLUMNS)})
        for h, known in zip(cells[0], headings, strict=True)
        if h and known is None
    ]
    doubled = {h for h in headings if h and headings.count(h) > 1}
    problems += [Problem(1, h, "sheet_column_twice", {"column": h}) for h in sorted(doubled)]
    problems += [Problem(1, n, "sheet_missing_column", {"column": n}) for n in NEEDED if n not in headings]
    if problems:
        return Sheet((), problems)
    rows: list[Row] = []
    seen: set[str] = set()
    for line, row in enumerate(cells[1:], 2):
        if not any(row):
            continue
        if len(row) > len(headings) and any(row[len(headings) :]):
            problems.append(Problem(line, "", "sheet_too_many_cells", {"line": line}))
        texts = {h: text for h, text in zip(headings, row, strict=False) if h}
        made, wrong = _row(line, texts, plan, taken, seen)
        rows.append(made)
        problems += wrong
    return Sheet(rows, problems)


def _row(line: int, texts: Mapping[str, str], plan: Plan, taken: set[str], seen: set[str]) -> tuple[Row, list[Problem]]:
    wrong: list[Problem] = []

    def bad(column: str, reason: str, **args: Any) -> None:
        wrong.append(Problem(line, column, reason, {"got": texts.get(column, "")[:60], **args}))

    order = texts.get("order", "")
    if order and not NUMBER.fullmatch(order):
        bad("order", "sheet_order_number")
    elif order in taken:
        bad("order", "order_exists", order=order)
    elif order in seen:
        bad("order", "sheet_order_twice", order=order)
    if order:
        seen.add(order)
    product = texts.get("product", "")
    if plan.product(product) is None:
        bad("product", "unknown_product", product=product[:60], known=", ".join(p.id for p in plan.products))
    digits = re.sub(r"[\s\u00a0\u202f]", "", texts.get("quantity", ""))
    quantity = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 7 else 0
    if not 1 <= quantity <= 1_000_000:
        bad("quantity", "sheet_quantity")
        quantity = 0
    due = _day(texts.get("due", ""))
    if isinstance(due, str):
        bad("due", "sheet_date")
        due = None
    priority = PRIORITIES.get(plain(texts.get("priority", "")))
    if priority is None:
        bad("priority", "sheet_priority")
    for column, most in LENGTHS.items():
        if len(texts.get(column, "")) > most:
            bad(column, "sheet_too_many_letters", most=most)
    free = {name: texts.get(name, "") for name in LENGTHS}
    return Row(line, texts, order, product, quantity, due, priority=priority or 2, **free), wrong


def _day(text: str) -> date | str | None:
    """A day: `2026-11-27`, or `27/11/2026` as a French spreadsheet writes it; a text that is none comes back."""
    if not text:
        return None
    french = re.fullmatch(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})", text)
    try:
        if french:
            return date(int(french[3]), int(french[2]), int(french[1]))
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text
    except ValueError:
        return text
