"""Tables as files for a spreadsheet: CSV that opens by a double click, and XLSX; no cell runs as a formula.

It knows no table and no language; the caller gives the heads. Rows come one by one and nothing is held.

Source: RFC 4180 (quotes, CRLF); OWASP ASVS 5.0, 1.2.10 (a cell that begins like a formula gets an apostrophe).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any, Final

_SHEET: Final = re.compile(r"[\[\]:*?/\\']")  # what the name of a sheet must not have
Cell = str | int | float | date | datetime | None
BOM: Final = "\ufeff"  # without it a spreadsheet reads UTF-8 as its own old code page
_CELL: Final = 32_767  # letters of a cell, as the format has it
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠")


def cell(value: Cell, decimal: str) -> str:
    """A value as it stands in the file: numbers with the reader's decimal mark, texts so that none is a formula."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) or value.lstrip().startswith(_FORMULA) else value
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value).replace(".", decimal)


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[Cell]], *, french: bool) -> Iterator[str]:
    """The lines of a CSV file, each with its end.

    Args:
        french: semicolons between cells and a decimal comma, as a French spreadsheet has them; else commas and a point.
    """
    separator, decimal = (";", ",") if french else (",", ".")
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=separator, lineterminator="\r\n")

    def line(values: Iterable[Cell]) -> str:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow([cell(value, decimal) for value in values])
        return buffer.getvalue()

    yield BOM + line(head)
    for row in rows:
        yield line(row)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of an export: its name, its heads, its rows."""

    name: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def csv_bytes(table: Table, language: str) -> bytes:
    """A table as a whole CSV file, for a spreadsheet of that language."""
    return "".join(csv_lines(table.head, table.rows, french=language == "fr")).encode()


def xlsx(tables: Sequence[Table], *, made_at: datetime) -> bytes:
    """A workbook, one sheet a table. A text is written as a text: none runs as a formula or opens as a link.

    Args:
        made_at: what the file says of its making; the same tables then give the same bytes.
    """
    import xlsxwriter  # not needed by most processes

    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        book.set_properties({"created": made_at.replace(tzinfo=None)})
        bold, formats = book.add_format({"bold": True}), _formats(book)
        for table in tables:
            sheet = book.add_worksheet(_SHEET.sub(" ", table.name)[:31])
            for column, said in enumerate(table.head):
                sheet.write_string(0, column, said, bold)
            for number, row in enumerate(table.rows, 1):
                for column, value in enumerate(row):
                    _put(sheet, number, column, value, formats)
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, max(1, len(table.rows)), len(table.head) - 1)
            sheet.autofit(400)
    return content.getvalue()


def _formats(book: Any) -> dict[type, Any]:
    return {
        datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm", "align": "left"}),
        date: book.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
    }


def _put(sheet: Any, row: int, column: int, value: Cell, formats: dict[type, Any]) -> None:
    if isinstance(value, str):
        sheet.write_string(row, column, value[:_CELL])
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, formats[type(value)])
    elif value is not None:
        sheet.write_number(row, column, value)


def xlsx_rows(
    file: IO[bytes],
    name: str,
    head: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    widths: Sequence[int],
    made_at: datetime,
) -> Iterator[int]:
    """Write a workbook of one sheet, row by row: however many there are, one is held. It is whole when all is yielded.

    Args:
        widths: of the columns, in letters.
        made_at: what the file says of its making.

    Yields:
        How many rows are written.
    """
    import xlsxwriter

    with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
        book.set_properties({"created": made_at.replace(tzinfo=None)})
        bold, formats = book.add_format({"bold": True}), _formats(book)
        sheet = book.add_worksheet(_SHEET.sub(" ", name)[:31])
        for column, (said, width) in enumerate(zip(head, widths, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, said, bold)
        number = 0
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                _put(sheet, number, column, value, formats)
            yield number
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(1, number), len(head) - 1)
