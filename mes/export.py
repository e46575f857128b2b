"""Tables as files for a spreadsheet: CSV that opens by a double click, in which no cell runs as a formula.

It knows no table and no language; the caller gives the heads. Rows come one by one and nothing is held.

Source: RFC 4180 (quotes, CRLF); OWASP ASVS 5.0, 1.2.10 (a cell that begins like a formula gets an apostrophe).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

Cell = str | int | float | None
BOM: Final = "\ufeff"  # without it a spreadsheet reads UTF-8 as its own old code page
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠")


def cell(value: Cell, decimal: str) -> str:
    """A value as it stands in the file: numbers with the reader's decimal mark, texts so that none is a formula."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) or value.lstrip().startswith(_FORMULA) else value
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
