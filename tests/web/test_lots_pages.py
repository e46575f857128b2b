"""Component lots in the office: receipts by hand, scan and sheet, one lot with what it is in, holds, bag labels."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from mes import bag_labels, lot_scan, lots, nonconformities, wire
from mes.codes import readable
from mes.db.session import reading
from mes.db.tables import Lot, UnitRow
from mes.domain import barcode
from mes.domain.supplier_label import EOT, GS, RS, ComponentLabel, Gs1
from tests.server.worlds import Workshop, released_order, workshop_plan
from tests.web.pages import Office, text_of

PART, LOT = "FUSE-30A", "24-117"
ONE = f"/lots/one?part={PART}&lot={LOT}"
LABEL = f"[)>{RS}06{GS}P{PART}{GS}1T{LOT}{GS}Q250{GS}K4711{RS}{EOT}"


def received(shop: Workshop, quantity: int = 10, **more: Any) -> None:
    assert shop.do(lots.receive, PART, LOT, quantity, received=date(2026, 11, 20), **more).done


def fitted(shop: Workshop) -> list[str]:
    """Two units with fuses of the lot, one of them still at the bench."""
    serials = released_order(shop, quantity=2, order="OF-7")
    for serial in serials:
        shop.bring(serial, "battery")
        shop.tell("bench-2", "MaterialsInstalled", unit=serial, step="battery", part=PART, lot=LOT, quantity=2)
        if serial != serials[-1]:
            shop.tell("bench-2", "UnitsDeparted", unit=serial, step="battery")
    return serials


def conceded(shop: Workshop, count: int) -> None:
    """The lot may be used, so many pieces of it."""
    item = wire.NcItem(kind="lot", part=PART, subject=LOT, quantity=500)
    shop.do(nonconformities.open_nc, wire.NonconformityOpened(title="Wrong colour", items=(item,)))
    body = wire.ConcessionGranted(nc="NC-2026-0001", count=count, expires="2026-12-31", scope="blue instead of red")
    co = shop.do(nonconformities.grant, body).args["concession"]
    assert shop.do(nonconformities.dispose, "NC-2026-0001", [1], "use_as_is", concession=co).done


def test_a_lot_under_a_concession_says_what_is_left_and_that_none_is(office: Office) -> None:
    received(office.shop)
    conceded(office.shop, 4)
    assert "Used under a concession. CO-2026-0001: 4 of 4 pieces left, until" in text_of(office.get(ONE))
    fitted(office.shop)
    page = text_of(office.get(ONE))
    assert "Its concession is used up: the benches refuse it. CO-2026-0001: 0 of 4 pieces left" in page
    assert LOT in office.get("/lots?show=used_up")
    assert LOT not in office.get("/lots?show=free")


def lot(office: Office) -> Lot:
    with reading(office.shop.engine) as session:
        found = session.get_one(Lot, (PART, LOT))
        session.expunge(found)
        return found


def test_the_page_of_a_counted_order_shows_good_and_scrap_by_step_and_defect(office: Office) -> None:
    office.shop.order("KIT-B", 100, order="OF-8")
    scrap = [{"defect": "LABEL", "quantity": 1}, {"defect": "COUNT-WRONG", "quantity": 2}]
    office.shop.tell("pack-1", "WorkCompleted", order="OF-8", step="count", good=30, scrap=scrap)
    office.shop.tell("pack-2", "WorkCompleted", order="OF-8", step="carton", good=24, scrap=[])
    page = text_of(office.get("/order/OF-8"))
    assert "Fill the bags Good 30 Scrap 3 Wrong number of pieces: 2 Label wrong or missing: 1 Can be counted 67" in page
    assert "Put the bags in cartons Good 24 Scrap 0 – Can be counted 6" in page


def test_an_empty_list_says_that_such_lots_may_be_used(office: Office) -> None:
    assert "No lot has been received yet." in text_of(office.get("/lots"))


@pytest.mark.parametrize(
    "scanned",
    [LABEL, LABEL.replace(GS, "{GS}").replace(RS, "<RS>").replace(EOT, ""), f"241{PART}{GS}10{LOT}{GS}30250"],
)
def test_a_suppliers_label_fills_the_form(office: Office, scanned: str) -> None:
    page = office.client.get("/lots/receive", query_string={"scan": scanned}).text
    assert all(f'value="{text}"' in page for text in (LOT, "250"))
    assert f'<option value="{PART}" selected>' in page


def test_a_plain_label_is_read_by_the_plans_pattern_and_a_strange_one_is_said_to_be_so(office: Office) -> None:
    assert lot_scan.read(f"{PART}/{LOT}", workshop_plan()) == lot_scan.Scanned(PART, LOT)
    assert lot_scan.read("x", workshop_plan()) is None
    assert "I do not know this code: x." in text_of(office.get("/lots/receive?scan=x"))


def test_a_receipt_is_recorded_by_the_form_and_shown_with_its_delivery(office: Office) -> None:
    form = {
        "part": PART,
        "lot": LOT,
        "quantity": "500",
        "received": "2026-11-20",
        "delivery": "BL-7",
        "customer": "Acme",
    }
    page = text_of(office.post("/lots/receive", "/lots/receive", **form).text)
    assert f"Lot {LOT}" in page
    assert "BL-7" in page
    assert "stock of Acme" in page
    assert (lot(office).received, lot(office).owner) == (500, "customer")


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("quantity", "0", "Give a whole number"),
        ("received", "soon", "Give a date"),
        ("received", "2027-01-01", "This day of receipt is in the future."),
        ("part", "NUT", "Something is missing"),
    ],
)
def test_what_cannot_be_a_receipt_comes_back_with_what_was_typed(
    office: Office, field: str, text: str, says: str
) -> None:
    form = {"part": PART, "lot": LOT, "quantity": "5", "received": "2026-11-20", "supplier": "Labo", field: text}
    page = office.post("/lots/receive", "/lots/receive", **form).text
    assert says in text_of(page)
    assert 'value="Labo"' in page


def test_a_sheet_is_looked_at_first_and_then_recorded_whole(office: Office) -> None:
    sheet = (io.BytesIO(f"part;lot;quantity\n{PART};{LOT};12".encode()), "lots.csv")
    shown = office.post("/lots/import", "/lots/import", file=sheet)  # type: ignore[arg-type]
    assert "1 receipt is in the file. Nothing is recorded yet." in text_of(shown.text)
    office.post("/lots/import", "/lots/import", seen=f"part;lot;quantity\n{PART};{LOT};12\n")
    assert lot(office).received == 12


def test_one_lot_shows_what_is_left_and_every_unit_that_contains_it(office: Office) -> None:
    received(office.shop, 3)
    serials = fitted(office.shop)
    page = text_of(office.get(ONE))
    assert "2 units contain it" in page
    assert all(serial in page for serial in serials)
    assert "More went into units than was received" in page
    assert "-1 / 3" in text_of(office.get("/lots?show=short"))


def test_a_scanned_bag_leads_to_its_lot(office: Office) -> None:
    received(office.shop)
    answer = office.client.get("/lots", query_string={"q": f"{PART}/{LOT}"})
    assert (answer.status_code, answer.headers["Location"]) == (302, ONE)


def test_a_hold_needs_a_reason_and_is_shown_with_it(office: Office) -> None:
    received(office.shop)
    assert "The reason is missing." in text_of(office.post(ONE, "/lots/hold", part=PART, lot=LOT).text)
    page = text_of(office.post(ONE, "/lots/hold", part=PART, lot=LOT, why="cracked").text)
    assert "Held: the benches refuse it. cracked" in page
    assert "held" in text_of(office.get("/lots?show=held"))
    office.post(ONE, "/lots/release", part=PART, lot=LOT, why="sorted")
    assert (lot(office).state, lot(office).why) == ("released", "sorted")


def test_all_units_that_contain_it_are_held_by_one_button(office: Office) -> None:
    serials = fitted(office.shop)
    page = office.post(ONE, "/lots/hold-units", part=PART, lot=LOT, why="cracked", unit=serials[0]).text
    assert "1 unit is held." in text_of(page)
    page = office.post(ONE, "/lots/hold-units", part=PART, lot=LOT, why="cracked", all="1").text
    assert "1 unit is held." in text_of(page)
    with reading(office.shop.engine) as session:
        held = session.scalars(select(UnitRow.nc).where(UnitRow.serial.in_(serials)).order_by(UnitRow.serial)).all()
    assert all(held)
    assert f"This unit contains lot {LOT} of {PART}" in text_of(office.get(f"/quality/nc/{held[0]}"))


def test_the_units_come_as_csv_and_xlsx_in_which_no_cell_is_a_formula(office: Office) -> None:
    serials = fitted(office.shop)
    query = f"part={PART}&lot={LOT}"
    rows = list(csv.reader(io.StringIO(office.get(f"/lots/units.csv?{query}").removeprefix("\ufeff"))))
    assert [row[2] for row in rows[1:]] == serials
    book = load_workbook(io.BytesIO(office.client.get(f"/lots/units.xlsx?{query}").data))
    page = book.worksheets[0]
    assert [row[2].value for row in page.iter_rows(min_row=2)] == serials
    assert {cell.data_type for row in page.iter_rows(max_col=6) for cell in row} <= {"s", "n", "inlineStr"}


def test_bag_labels_read_back_as_part_and_lot_at_a_bench_and_the_second_is_a_copy(office: Office) -> None:
    bars, square = (barcode.read(bag_labels.code_of(PART, LOT, 50, s)) for s in ("code128", "qr"))  # type: ignore[arg-type]
    assert isinstance(bars, Gs1)
    assert isinstance(square, ComponentLabel)
    assert (bars.customer_part, bars.lot) == (square.part, square.lot) == (PART, LOT)
    assert square.quantity == 50
    assert readable(bag_labels.code_of(PART, LOT, 50, "qr"), "qr", width=22) is None
    received(office.shop)
    form = {"part": PART, "lot": LOT, "pieces": "50", "count": "3", "first": "1", "paper": "100x50"}
    for symbology in ("code128", "qr"):
        made = office.post(ONE, "/lots/bags", symbology=symbology, **form)
        assert (made.mimetype, made.data[:5]) == ("application/pdf", b"%PDF-"), text_of(made.text)
    again = office.shop.do(bag_labels.bags, PART, LOT, on="57x32", pieces=50, symbology="qr")
    assert [label["again"] for label in again.data["labels"]] == ["copy 3"]  # type: ignore[attr-defined]
    assert "too long for this label" in text_of(office.post(ONE, "/lots/bags", **{**form, "paper": "57x32"}).text)
