"""A component lot on a day, and a sheet of receipts: each row, or what is wrong with it."""

from __future__ import annotations

from datetime import date

import pytest

from mes.domain.lots import LotKnown, left, standing
from mes.lot_sheet import Sheet, read, written

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("lot", "policy", "says"),
    [
        (None, "any", "good"),
        (None, "known", "unknown"),
        (LotKnown(received=False), "known", "unknown"),
        (LotKnown(), "known", "good"),
        (LotKnown(held=True, expires="2026-01-01"), "any", "held"),
        (LotKnown(expires="2026-11-22"), "any", "expired"),
        (LotKnown(expires="2026-11-23"), "any", "good"),
    ],
)
def test_a_lot_is_good_until_it_is_held_expired_or_has_to_be_known_and_is_not(
    lot: LotKnown | None, policy: str, says: str
) -> None:
    assert standing(lot, "2026-11-23", policy) == says  # type: ignore[arg-type]


def test_what_is_left_goes_below_zero_when_more_is_used_than_came_in() -> None:
    assert (left(10, 4), left(10, 11)) == (6, -1)


def of(text: str) -> Sheet:
    return read(text.encode(), ["FUSE", "BAT"], today=TODAY)


def test_a_sheet_of_receipts_is_read_with_french_headings() -> None:
    sheet = of(
        "Pièce;Numéro de lot;Qté;Reçu le;Fournisseur;Péremption;Client\nFUSE;L1;1 000;20/11/2026;Labo;2027-01-31;Acme"
    )
    (row,) = sheet.rows
    assert sheet.problems == []
    assert (row.part, row.lot, row.quantity, row.received) == ("FUSE", "L1", 1000, date(2026, 11, 20))
    assert (row.supplier, row.expires, row.customer) == ("Labo", date(2027, 1, 31), "Acme")


def test_a_row_without_a_day_came_in_today_and_what_a_page_hands_back_reads_alike() -> None:
    sheet = of("part;lot;quantity;delivery\nFUSE;L1;5;BL-7")
    assert sheet.rows[0].received == TODAY
    again = read(written(sheet.rows).encode(), ["FUSE"], today=TODAY)
    assert (again.problems, again.rows[0].delivery, again.rows[0].quantity) == ([], "BL-7", 5)


def test_everything_that_is_wrong_is_named_with_its_line_and_column() -> None:
    sheet = of("part;lot;quantity;received;expires\nNUT;;0;2026-11-24;soon\nFUSE;L1;5;;")
    assert [(p.line, p.column, p.reason) for p in sheet.problems] == [
        (2, "part", "unknown_part"),
        (2, "lot", "sheet_lot_number"),
        (2, "quantity", "sheet_quantity_large"),
        (2, "expires", "sheet_date"),
        (2, "received", "receipt_future"),
    ]


def test_a_sheet_without_quantities_is_no_sheet_of_receipts() -> None:
    assert [(p.line, p.column, p.reason) for p in of("part;lot\nFUSE;L1").problems] == [
        (1, "quantity", "sheet_missing_column")
    ]
