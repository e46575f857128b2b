"""Tables as an answer that is a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

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
