"""One search box for whatever can be scanned, and the list of orders filtered and sorted by its address."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from mes.db.session import reading
from mes.db.tables import Installation
from mes.domain import barcode
from tests.web.pages import Office, text_of


def leads_to(office: Office, text: str, *, page: str = "/find") -> str | None:
    answer = office.client.get(page, query_string={"q": text})
    return answer.headers.get("Location")


@pytest.mark.parametrize("page", ["/find", "/orders"])
@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("OF-2026-118", "/order/OF-2026-118"),
        ("of-2026-118", "/order/OF-2026-118"),
        (barcode.write("order", "OF-2026-118"), "/order/OF-2026-118"),
        ("NMD-2648-00011", "/unit/NMD-2648-00011"),
        ("NC-2026-0002", "/quality/nc/NC-2026-0002"),
    ],
)
def test_what_is_one_thing_leads_to_its_page(busy: Office, page: str, text: str, where: str) -> None:
    assert leads_to(busy, text, page=page) == where


def test_a_component_leads_to_the_unit_that_contains_it(busy: Office) -> None:
    with reading(busy.shop.engine) as session:
        query = select(Installation.unit, Installation.serial).where(Installation.serial != "")
        inside = session.execute(query).first()
    assert inside is not None
    assert leads_to(busy, inside.serial) == f"/unit/{inside.unit}"


def test_a_lot_in_several_units_is_a_list_of_them(busy: Office) -> None:
    with reading(busy.shop.engine) as session:
        rows = session.execute(select(Installation.lot, Installation.unit).where(Installation.lot.is_not(None))).all()
    lot = rows[0].lot
    page = text_of(busy.get(f"/orders?q={lot}"))
    for unit in {r.unit for r in rows if r.lot == lot}:
        assert unit in page


def test_a_typed_code_with_a_wrong_check_character_finds_nothing(busy: Office) -> None:
    good = barcode.write("order", "OF-2026-118")
    wrong = good[:-1] + ("A" if good[-1] != "A" else "B")
    assert "Nothing has the number" in text_of(busy.get("/find?q=" + wrong))


def test_an_unknown_number_says_what_can_be_scanned(busy: Office) -> None:
    assert "Nothing has the number “<b>”. Scan an order" in text_of(busy.get("/find?q=%3Cb%3E"))


def test_the_list_is_filtered_by_state_product_customer_and_lateness(busy: Office) -> None:
    def shown(query: str) -> str:
        return text_of(busy.get(f"/orders?{query}"))

    assert "OF-2026-130" in shown("state=planned")
    assert "OF-2026-118" not in shown("state=planned")
    assert "OF-2026-121" in shown("product=KIT-B")
    assert "OF-2026-118" not in shown("product=KIT-B")
    assert "OF-2026-118" not in shown("customer=Client+B")
    late = shown("late=1")
    assert "OF-2026-121" in late
    assert "OF-2026-130" not in late
    assert "No order is like that." in shown("customer=Nobody")


def test_the_list_is_sorted_as_the_address_says(busy: Office) -> None:
    page = text_of(busy.get("/orders?sort=newest"))
    assert page.index("OF-2026-130") < page.index("OF-2026-118")
    assert busy.client.get("/orders?sort=drop").status_code == 200
