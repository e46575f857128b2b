"""An order is changed, split and closed on its page; what stands against closing is a list of sentences with links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from mes import orders
from mes.db.session import reading
from mes.db.tables import UnitRow, WorkOrder
from tests.server.worlds import released_order
from tests.web.pages import Office, text_of, token_of, workshop


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office with one released order of three."""
    made = Office(workshop(tmp_path))
    released_order(made.shop, "NOMAD-1000", 3, order="OF-1")
    yield made
    made.close()
    made.shop.close()


def row(office: Office, order: str) -> WorkOrder:
    with reading(office.shop.engine) as session:
        found = session.get_one(WorkOrder, order)
        session.expunge(found)
        return found


FORM = {"quantity": "3", "due": "", "customer": "NOMAD", "reference": "", "priority": "2", "note": "", "why": "asked"}


def change(office: Office, **form: str) -> str:
    answer = office.post("/orders/change/OF-1", "/orders/change/OF-1", **{**FORM, **form})
    return text_of(answer.text)


def test_the_form_shows_the_order_as_it_is(office: Office) -> None:
    page = office.get("/orders/change/OF-1")
    assert 'name="quantity" type="number" inputmode="numeric" min="1" max="1000000" value="3"' in page


def test_an_order_is_changed_as_the_form_says(office: Office) -> None:
    said = change(office, quantity="5", due="2026-12-18", reference="PO-77", priority="1")
    assert "Order OF-1 is changed." in said
    assert "Priority: urgent · Customer’s reference: PO-77" in said
    found = row(office, "OF-1")
    assert (found.quantity, found.due, found.reference, found.priority) == (5, "2026-12-18", "PO-77", 1)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("why", " ", "Say why"),
        ("quantity", "0", "Give a whole number"),
        ("due", "18/12/2026", "Give a date"),
        ("priority", "9", "Choose a priority."),
        ("reference", "x" * 65, "At most 64 characters."),
    ],
)
def test_a_wrong_field_is_named_and_nothing_changes(office: Office, field: str, value: str, said: str) -> None:
    assert said in change(office, **{"note": "keep me", field: value})
    assert row(office, "OF-1").note == ""


def test_units_that_were_taken_out_are_counted_on_the_page_and_listed_apart(office: Office) -> None:
    change(office, quantity="2")
    page = text_of(office.get("/order/OF-1"))
    assert "1 unit was taken out before it began." in page
    assert "NMD-2648-00003" not in page
    assert "NMD-2648-00003 taken out" in text_of(office.get("/order/OF-1?show=withdrawn"))


def test_a_split_makes_the_next_order_and_each_names_the_other(office: Office) -> None:
    answer = office.post("/order/OF-1", "/orders/split", order="OF-1", quantity="2", why="two dates")
    said = text_of(answer.text)
    assert "Order OF-1: 2 pieces went into OF-2026-002." in said
    assert "Taken from order: OF-1" in said
    assert "Pieces went into: OF-2026-002 (2)" in text_of(office.get("/order/OF-1"))
    with reading(office.shop.engine) as session:
        serials = session.scalars(select(UnitRow.serial).where(UnitRow.order == "OF-2026-002")).all()
    assert sorted(serials) == ["NMD-2648-00002", "NMD-2648-00003"]


def test_a_split_that_cannot_be_is_refused_with_a_sentence(office: Office) -> None:
    answer = office.post("/order/OF-1", "/orders/split", order="OF-1", quantity="3", why="x")
    assert "At most 2 pieces of order OF-1 can be taken out." in text_of(answer.text)
    answer = office.post("/order/OF-1", "/orders/split", order="OF-1", quantity="x", why="x")
    assert "Give a whole number" in text_of(answer.text)
    assert row(office, "OF-1").quantity == 3


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "Order OF-1 has 3 units that have not begun. Make them, or lower the quantity."),
        ("fr", "L’ordre OF-1 a 3 appareils non commencés. Faites-les, ou diminuez la quantité."),
    ],
)
def test_what_stands_against_closing_is_said_with_a_link_to_where_it_is(office: Office, lang: str, said: str) -> None:
    page = office.get("/order/OF-1", lang=lang)
    assert said in text_of(page)
    assert 'href="/order/OF-1?show=reserved"' in page


def scrapped(office: Office) -> None:
    """All three units are scrap: nothing is open, and three pieces are missing."""
    bench = office.shop.bench("bench-1")
    for n in (1, 2, 3):
        serial = f"NMD-2648-0000{n}"
        office.shop.send(bench, bench.event("UnitsDisqualified", unit=serial, step="kitting"))


def test_missing_pieces_are_waived_by_quality_with_a_reason_and_by_nobody_else(office: Office) -> None:
    scrapped(office)
    assert row(office, "OF-1").state == "completed"
    planner = office.signed_in("plan", "planner")
    page = planner.get("/order/OF-1", headers={"Accept-Language": "en"}).text
    assert "Of 3 pieces, 3 are missing in order OF-1." in text_of(page)
    data = {"csrf_token": token_of(page), "order": "OF-1", "why": "x"}
    assert planner.post("/orders/close-short", data=data).status_code == 403
    planner.post("/orders/act/close", data=data, headers={"Referer": "http://localhost/order/OF-1"})
    assert row(office, "OF-1").state == "completed"
    said = text_of(office.post("/order/OF-1", "/orders/close-short", order="OF-1", why=" ").text)
    assert "Say why, so that everybody understands." in said
    office.post("/order/OF-1", "/orders/close-short", order="OF-1", why="customer agrees")
    assert (row(office, "OF-1").state, row(office, "OF-1").why) == ("closed", "customer agrees")


def test_a_closed_order_has_no_form_for_a_change(office: Office) -> None:
    scrapped(office)
    office.site.do(lambda s, now: orders.close(s, "OF-1", now=now, why="x", waive=True))
    assert office.client.get("/orders/change/OF-1").status_code == 404
    assert "/orders/split" not in office.get("/order/OF-1")


def test_a_running_order_says_when_it_will_be_finished_and_from_which_times(office: Office) -> None:
    page = text_of(office.get("/order/OF-1"))
    assert "Finished about" in page
    assert re.search(r"Times: 0 steps measured, \d+ steps from the plan\.", page)


def test_five_finished_visits_of_a_step_make_its_time_a_measured_one(office: Office) -> None:
    released_order(office.shop, "NOMAD-1000", 6, order="OF-2")
    for serial in office.shop.units("OF-2")[:5]:
        office.shop.bring(serial, "battery", enter=False)
    assert "Times: 1 step measured" in text_of(office.get("/order/OF-1"))


def test_a_held_order_has_no_forecast(office: Office) -> None:
    office.post("/order/OF-1", "/orders/act/hold", order="OF-1", why="wait")
    assert "Finished about" not in text_of(office.get("/order/OF-1"))
