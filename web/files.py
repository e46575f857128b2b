"""Answers that are files: tables, and a file that has said before how far it is."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import IO, Final

from flask import Response

from mes import export
from web.language import language
from web.site import site

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def tables_as(kind: str, tables: Sequence[export.Table], name: str) -> Response:
    """Tables as a workbook (`xlsx`), or the first of them as `csv`."""
    if kind == "csv":
        response = Response(export.csv_bytes(tables[0], language()), mimetype="text/csv")
    else:
        response = Response(export.xlsx(tables, made_at=site().clock()), mimetype=XLSX)
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.{kind}")
    return response


def told_file(file: IO[bytes], name: str) -> Iterator[bytes]:
    """The end of an answer that `told.js` reads: a line with the size and the name of the file, and then the file."""
    size = file.seek(0, io.SEEK_END)
    yield f"{size} {name}\n".encode()
    file.seek(0)
    while block := file.read(65_536):
        yield block
