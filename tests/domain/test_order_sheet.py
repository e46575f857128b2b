"""Sheets of orders: what a spreadsheet writes is read, and each thing that is wrong is named with line and column."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import pytest
from openpyxl import Workbook

from mes.order_sheet import Sheet, read, written
from mes.sheet import MOST_BYTES, MOST_ROWS
from tests.server.small_plan import small_plan

PLAN = small_plan()


def of(text: str, *, taken: tuple[str, ...] = ()) -> Sheet:
    return read(text.encode(), PLAN, taken=taken)


def wrong(sheet: Sheet) -> list[tuple[int, str, str]]:
    return [(p.line, p.column, p.reason) for p in sheet.problems]


def xlsx(*rows: tuple[object, ...]) -> bytes:
    book = Workbook()
    page = book.active
    assert page is not None
    for row in rows:
        page.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_separator_and_line_end_is_read_with_and_without_a_byte_order_mark(
    separator: str, mark: str, end: str
) -> None:
    lines = (["Order", "Product", "Quantity", "Due"], ["OF-9", "GEN", "12", "2026-11-27"])
    sheet = of(mark + end.join(separator.join(line) for line in lines) + end)
    assert wrong(sheet) == []
    (row,) = sheet.rows
    assert (row.order, row.product, row.quantity, row.due) == ("OF-9", "GEN", 12, date(2026, 11, 27))


def test_french_headings_dates_and_thousands_are_read() -> None:
    sheet = of(
        "Numéro;Article;Quantité;Échéance;Client;Référence client;Priorité;Remarque\n"
        'OF-9;KIT;1 200;27/11/2026;Énergie;PO-7;urgent;"a; b"\n'
    )
    assert wrong(sheet) == []
    (row,) = sheet.rows
    assert (row.quantity, row.due, row.customer) == (1200, date(2026, 11, 27), "Énergie")
    assert (row.reference, row.priority, row.note) == ("PO-7", 1, "a; b")


def test_every_wrong_cell_is_named_with_its_line_and_column() -> None:
    sheet = of(
        "order;product;quantity;due;priority\n"
        "OF 1;NOPE;0;31/02/2026;9\n"
        ";GEN;1;;\n"
        "OF-2;GEN;1,5;27-11-2026;\n"
        "OF-2;GEN;2;;\n"
        "OF-3;GEN;3;;\n",
        taken=("OF-3",),
    )
    assert wrong(sheet) == [
        (2, "order", "sheet_order_number"),
        (2, "product", "unknown_product"),
        (2, "quantity", "sheet_quantity"),
        (2, "due", "sheet_date"),
        (2, "priority", "sheet_priority"),
        (4, "quantity", "sheet_quantity"),
        (4, "due", "sheet_date"),
        (5, "order", "sheet_order_twice"),
        (6, "order", "order_exists"),
    ]


def test_headings_that_are_unknown_doubled_or_missing_are_named() -> None:
    assert wrong(of("product;product;colour\nGEN;GEN;red\n")) == [
        (1, "colour", "sheet_unknown_column"),
        (1, "product", "sheet_column_twice"),
        (1, "quantity", "sheet_missing_column"),
    ]


def test_empty_lines_are_passed_over_and_lines_keep_their_numbers() -> None:
    sheet = of("product;quantity\n;\nGEN;1\n\n")
    assert [r.line for r in sheet.rows] == [3]


def test_a_line_with_more_cells_than_headings_is_named() -> None:
    assert wrong(of("product;quantity\nGEN;1;more\n")) == [(2, "", "sheet_too_many_cells")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "sheet_empty"),
        (b"product;quantity\n", "sheet_empty"),
        ("produit;quantité\n".encode("latin-1"), "sheet_encoding"),
        (b"product;quantity\nGEN;1\x00\n", "sheet_encoding"),
        (b'product;quantity\n"GEN;1\n', "sheet_broken"),
        (b"PK\x03\x04 no workbook", "sheet_broken"),
        (b"x" * (MOST_BYTES + 1), "sheet_too_large"),
        (b"product;quantity\n" + b"GEN;1\n" * (MOST_ROWS + 1), "sheet_too_long"),
    ],
)
def test_what_cannot_be_a_sheet_is_one_problem(content: bytes, reason: str) -> None:
    sheet = read(content, PLAN)
    assert (sheet.rows, [p.reason for p in sheet.problems]) == ((), [reason])


def test_a_workbook_is_read_with_its_dates_and_numbers() -> None:
    sheet = read(
        xlsx(("Order", "Product", "Quantity", "Due"), (2026, "GEN", 12.0, date(2026, 11, 27)), (None,) * 4), PLAN
    )
    assert wrong(sheet) == []
    (row,) = sheet.rows
    assert (row.order, row.quantity, row.due) == ("2026", 12, date(2026, 11, 27))


def test_a_formula_is_not_computed_and_not_taken_for_a_value() -> None:
    sheet = read(xlsx(("product", "quantity"), ("GEN", "=1+1")), PLAN)
    assert wrong(sheet) == [(2, "quantity", "sheet_quantity")]


def _repacked(content: bytes, name: str, inside: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            new.writestr(item.filename, inside if item.filename == name else old.read(item.filename))
    return out.getvalue()


def test_a_workbook_with_entities_is_refused() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>'
    sheet = read(_repacked(xlsx(("product",), ("GEN",)), "xl/worksheets/sheet1.xml", bomb), PLAN)
    assert [p.reason for p in sheet.problems] == ["sheet_broken"]


def test_a_workbook_that_unpacks_to_very_much_is_not_unpacked() -> None:
    huge = b" " * (40 * 1024 * 1024)
    sheet = read(_repacked(xlsx(("product",), ("GEN",)), "xl/worksheets/sheet1.xml", huge), PLAN)
    assert [p.reason for p in sheet.problems] == ["sheet_too_large"]


def test_what_is_written_is_read_alike() -> None:
    first = of('product;quantity;note\nGEN;3;"two\nlines; and ""more"""\n')
    again = of(written(first.rows))
    assert wrong(again) == []
    assert [(r.product, r.quantity, r.note) for r in again.rows] == [("GEN", 3, 'two\nlines; and "more"')]
