"""The customer's serials of an order on its page: shown first, all given or none, and taken back."""

from __future__ import annotations

import io
import re
from html import unescape
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlalchemy import select

from mes import orders
from mes.db.session import reading
from mes.db.tables import UnitRow
from tests.server.worlds import Workshop, workshop_plan
from tests.web.pages import Office, text_of, token_of

PAGE = "/orders/serials/OF-7"
LIST = ("DL-7F01", "DL-7F02", "DL-7F03")


@pytest.fixture
def planned(office: Office) -> Office:
    assert office.shop.do(orders.create, "OF-7", "NOMAD-1000", 3).done
    return office


def units(office: Office, order: str = "OF-7") -> dict[str, str]:
    with reading(office.shop.engine) as session:
        rows = session.scalars(select(UnitRow).where(UnitRow.order == order).order_by(UnitRow.serial))
        return {row.serial: row.state for row in rows}


def seen_of(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found is not None
    return unescape(found[1])


def upload(office: Office, content: bytes, name: str) -> str:
    data = {"csrf_token": token_of(office.get(PAGE)), "file": (io.BytesIO(content), name)}
    headers = {"Accept-Language": "en", "Referer": f"http://localhost{PAGE}"}
    return office.client.post(PAGE, data=data, headers=headers).text


def test_a_pasted_list_is_shown_first_and_given_when_it_is_confirmed(planned: Office) -> None:
    answer = planned.post(PAGE, PAGE, pasted="\r\n".join(LIST))
    assert "3 serial numbers are in the list. The order does not have them yet." in text_of(answer.text)
    assert units(planned) == {}
    given = planned.post(PAGE, PAGE, seen=seen_of(answer.text))
    assert "OF-7 has 3 serial numbers." in text_of(given.text)
    assert units(planned) == dict.fromkeys(LIST, "reserved")
    assert "The order has a list of 3." in text_of(planned.get("/order/OF-7"))


def test_the_first_column_of_a_csv_or_an_xlsx_counts_with_or_without_its_heading(planned: Office) -> None:
    book = Workbook()
    for row in (("N° de série", "Remarque"), *((serial, "x") for serial in LIST)):
        book.active.append(row)  # type: ignore[union-attr]
    packed = io.BytesIO()
    book.save(packed)
    of_xlsx = seen_of(upload(planned, packed.getvalue(), "list.xlsx"))
    assert of_xlsx == seen_of(upload(planned, "\n".join(LIST).encode(), "list.csv"))


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", ("2 Serial number Serial number DL-7F01 is in", "3 Serial number A scanner does not read .B.7.X")),
        ("fr", ("2 Numéro de série Le numéro de série DL-7F01", "3 Numéro de série Un scanner ne lit pas .B.7.X")),
    ],
)
def test_each_bad_line_is_named_with_its_reason_and_nothing_is_given(
    planned: Office, lang: str, said: tuple[str, ...]
) -> None:
    answer = planned.post(PAGE, PAGE, lang=lang, pasted="DL-7F01\nDL-7F01\n.B.7.X\n")
    assert answer.status_code == 422
    for each in said:
        assert each in text_of(answer.text)
    assert "DL-7F01\n.B.7.X" in unescape(answer.text).replace("\r", "")
    assert units(planned) == {}


def test_serials_of_another_order_and_a_wrong_number_of_them_are_said(planned: Office) -> None:
    assert planned.shop.do(orders.create, "OF-8", "NOMAD-1000", 1).done
    assert planned.shop.do(orders.give_serials, "OF-8", ["DL-7F01"]).done
    page = text_of(planned.post(PAGE, PAGE, pasted="DL-7F00\n\nDL-7F01\n").text)
    assert "3 Serial number Serial DL-7F01 exists already." in page
    assert "Order OF-7 has 3 pieces, and the list 2 serial numbers." in page


def test_what_was_shown_and_is_taken_meanwhile_is_not_given(planned: Office) -> None:
    seen = seen_of(planned.post(PAGE, PAGE, pasted="\n".join(LIST)).text)
    assert planned.shop.do(orders.create, "OF-8", "NOMAD-1000", 1).done
    assert planned.shop.do(orders.give_serials, "OF-8", [LIST[2]]).done
    answer = planned.post(PAGE, PAGE, seen=seen)
    assert answer.status_code == 422
    assert "Serial DL-7F03 exists already." in text_of(answer.text)
    assert units(planned) == {}


def test_a_list_that_was_taken_back_is_free_and_the_release_makes_serials_again(planned: Office) -> None:
    assert planned.shop.do(orders.give_serials, "OF-7", LIST).done
    answer = planned.post(PAGE, "/orders/serials-back", order="OF-7")
    assert "OF-7: The serial numbers were taken back." in text_of(answer.text)
    assert planned.shop.do(orders.create, "OF-8", "NOMAD-1000", 1).done
    assert planned.shop.do(orders.give_serials, "OF-8", [LIST[0]]).done
    assert planned.shop.do(orders.release, "OF-7").done
    made = [serial for serial, state in units(planned).items() if state == "reserved"]
    assert len(made) == 3
    assert not set(made) & set(LIST)
    assert "The serial numbers of order OF-7 were taken back." in text_of(planned.get("/audit"))


def test_without_a_list_nothing_can_be_taken_back(planned: Office) -> None:
    answer = planned.post(PAGE, "/orders/serials-back", order="OF-7")
    assert "Order OF-7 has no list of serials." in text_of(answer.text)


def test_an_order_that_is_released_or_counted_has_no_such_page(planned: Office) -> None:
    assert planned.shop.do(orders.release, "OF-7").done
    assert planned.shop.do(orders.create, "OF-9", "KIT-B", 100).done
    for order in ("OF-7", "OF-9", "OF-404"):
        assert planned.client.get(f"/orders/serials/{order}").status_code == 404
    assert "Serial numbers of the customer" not in planned.get("/order/OF-9")


def test_an_order_whose_units_are_scanned_in_says_how_many_are(tmp_path: Path) -> None:
    plan = workshop_plan()
    own = {"serial": None, "serial_scan": "PF[0-9A-Z]{6}"}
    products = tuple(p.model_copy(update=own) if p.id == "NOMAD-1000" else p for p in plan.products)
    shop = Workshop(f"sqlite:///{tmp_path / 'atelier.db'}", plan.model_copy(update={"products": products}))
    assert shop.do(orders.create, "OF-8", "NOMAD-1000", 3).done
    assert shop.do(orders.release, "OF-8").done
    bench = shop.bench("bench-1")
    event = bench.event("UnitsInitialized", order="OF-8", unit="PF3A0B1C", step="kitting", scan="PF3A0B1C", asks=True)
    (said,) = shop.send(bench, event)
    assert said.verdict == "accepted", said.reason
    made = Office(shop)
    assert "Units scanned in: 1 of 3" in text_of(made.get("/order/OF-8"))
    assert "Appareils scannés : 1 sur 3" in text_of(made.get("/order/OF-8", lang="fr"))
    made.close()
    shop.close()
