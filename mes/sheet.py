"""A sheet (CSV or XLSX) read into rows of text by its headings, or into what is wrong with it.

Bytes and values in, values out: it knows neither a database nor what the rows mean; each kind of sheet has a module of
its own for that. Each problem names its line, its column and what to do.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from mes.domain.plain import plain

MOST_BYTES: Final = 1024 * 1024
MOST_ROWS: Final = 2_000
MOST_UNPACKED: Final = 30 * 1024 * 1024  # an XLSX is a ZIP: what it unpacks to is looked at before it is unpacked


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong: a code of `mes.domain.reasons` with its values, at a line and in a column (empty: the whole)."""

    line: int
    column: str
    reason: str
    args: Mapping[str, Any] = field(default_factory=dict)


class Unreadable(Exception):
    """The file is no sheet that can be read."""

    def __init__(self, reason: str, **args: Any) -> None:
        super().__init__(reason)
        self.problem = Problem(0, "", reason, args)


def table(
    content: bytes, columns: Mapping[str, Sequence[str]], needed: Iterable[str]
) -> tuple[list[tuple[int, dict[str, str]]], list[Problem]]:
    """The rows of a sheet, each with its line and its texts by column, and what is wrong with headings and cells.

    Args:
        content: a CSV (UTF-8, with or without BOM; `;`, `,` or tab) or an XLSX, of which the first sheet counts.
        columns: column → how its heading may read, in small letters and without accents.
        needed: the columns that the sheet must have.
    """
    try:
        found = cells(content)
    except Unreadable as error:
        return [], [error.problem]
    by_heading = {word: column for column, words in columns.items() for word in words}
    headings = [by_heading.get(plain(h)) for h in found[0]]
    problems = [
        Problem(1, h, "sheet_unknown_column", {"column": h[:60], "known": ", ".join(columns)})
        for h, known in zip(found[0], headings, strict=True)
        if h and known is None
    ]
    doubled = {h for h in headings if h and headings.count(h) > 1}
    problems += [Problem(1, h, "sheet_column_twice", {"column": h}) for h in sorted(doubled)]
    problems += [Problem(1, n, "sheet_missing_column", {"column": n}) for n in needed if n not in headings]
    if problems:
        return [], problems
    rows: list[tuple[int, dict[str, str]]] = []
    for line, row in enumerate(found[1:], 2):
        if not any(row):
            continue
        if len(row) > len(headings) and any(row[len(headings) :]):
            problems.append(Problem(line, "", "sheet_too_many_cells", {"line": line}))
        rows.append((line, {h: text for h, text in zip(headings, row, strict=False) if h}))
    return rows, problems


def written(columns: Iterable[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Rows as a CSV that `table` reads alike: what a page hands back when its reader has looked at it."""
    out = io.StringIO(newline="")
    lines = csv.writer(out, delimiter=";", lineterminator="\n")
    names = list(columns)
    lines.writerow(names)
    lines.writerows([texts.get(name, "") for name in names] for texts in rows)
    return out.getvalue()


def pieces(text: str, most: int) -> int:
    """A whole number from 1 as a spreadsheet writes it, with blanks between thousands; 0 for anything else."""
    digits = re.sub(r"[\s\u00a0\u202f]", "", text)
    good = digits.isascii() and digits.isdecimal() and len(digits) <= len(str(most)) and 1 <= int(digits) <= most
    return int(digits) if good else 0


def day(text: str) -> date | str | None:
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


def cells(content: bytes, *, most_rows: int = MOST_ROWS, least_rows: int = 2) -> list[list[str]]:
    """Every cell of a CSV or of the first sheet of an XLSX as text, without the empty rows at its end.

    Args:
        most_rows: below the headings.
        least_rows: with the headings.

    Raises:
        Unreadable: it is no sheet, or too large.
    """
    if len(content) > MOST_BYTES:
        raise Unreadable("sheet_too_large", most=MOST_BYTES // 1024 // 1024)
    found = _xlsx(content, most_rows) if content[:4] == b"PK\x03\x04" else _csv(content, most_rows)
    while found and not any(found[-1]):
        found.pop()
    if len(found) > most_rows + 1:
        raise Unreadable("sheet_too_long", most=most_rows)
    if len(found) < least_rows:
        raise Unreadable("sheet_empty")
    return found


def _csv(content: bytes, most_rows: int) -> list[list[str]]:
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
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            out.append([c.strip() for c in row])
            if len(out) > most_rows + 1:
                raise Unreadable("sheet_too_long", most=most_rows)
    except csv.Error as error:
        raise Unreadable("sheet_broken", line=len(out) + 1) from error
    return out


def _xlsx(content: bytes, most_rows: int) -> list[list[str]]:
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
            rows = page.iter_rows(max_row=most_rows + 2, max_col=60, values_only=True)
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
