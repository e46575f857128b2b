"""Labels in the office: what is printed comes as a PDF, a refusal as a sentence on the page that asked for it."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from mes.db.session import reading
from mes.db.tables import Label
from tests.server.worlds import released_order
from tests.web.pages import Office, text_of

ORDER = "OF-2026-118"
PAGE = f"/order/{ORDER}"


@pytest.fixture
def units(office: Office) -> list[str]:
    """The units of a released order."""
    return released_order(office.shop, "NOMAD-1000", 3, order=ORDER)


def copies(office: Office) -> dict[str, int]:
    with reading(office.shop.engine) as session:
        return {f"{r.template} {r.subject}": r.copies for r in session.scalars(select(Label))}


def assert_pdf(response: TestResponse, name: str) -> None:
    assert response.status_code == 200
    assert response.mimetype == "application/pdf"
    assert response.data.startswith(b"%PDF")
    assert response.headers["Content-Disposition"] == f"attachment; filename={name}"


def test_the_labels_of_an_order_come_as_a_pdf_and_each_is_counted(office: Office, units: list[str]) -> None:
    for _twice in range(2):
        assert_pdf(office.post(PAGE, "/labels/units", order=ORDER, paper="3x8", first="2"), f"labels-{ORDER}.pdf")
    assert copies(office) == {f"unit {unit}": 2 for unit in units[1:]}


def test_the_label_of_one_unit_is_printed_from_its_page(office: Office, units: list[str]) -> None:
    page = f"/unit/{units[0]}"
    answer = office.post(page, "/labels/unit", unit=units[0], paper="57x32", symbology="qr")
    assert_pdf(answer, f"labels-{ORDER}.pdf")
    assert copies(office) == {f"unit {units[0]}": 1}


def test_the_traveller_and_the_control_codes_are_printed_from_the_page_of_the_order(
    office: Office, units: list[str]
) -> None:
    assert_pdf(office.post(PAGE, "/labels/traveller", order=ORDER), f"traveller-{ORDER}.pdf")
    assert_pdf(office.client.get("/labels/control"), "control-codes.pdf")
    assert copies(office) == {f"traveller {ORDER}": 1}


@pytest.mark.parametrize(
    ("action", "form"),
    [
        ("units", {"order": "OF-NONE", "paper": "3x8"}),
        ("unit", {"unit": "NOBODY", "paper": "3x8"}),
        ("traveller", {"order": "OF-NONE"}),
    ],
)
def test_what_does_not_exist_is_not_found(office: Office, units: list[str], action: str, form: dict[str, str]) -> None:
    assert office.post(PAGE, f"/labels/{action}", **form).status_code == 404
    assert copies(office) == {}


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"paper": "30x20"}, "is too long for this label"),
        ({"paper": "nothing"}, "nothing is not a size of label"),
        ({"paper": "3x8", "first": "4"}, f"Order {ORDER} has 3 units."),
        ({"paper": "3x8", "first": "none"}, "Give a whole number"),
        ({"paper": "3x8", "last": "0"}, "Give a whole number"),
    ],
)
def test_labels_that_cannot_be_printed_are_refused_on_the_page_of_the_order(
    office: Office, units: list[str], form: dict[str, str], said: str
) -> None:
    answer = office.post(PAGE, "/labels/units", order=ORDER, **form)
    assert said in text_of(answer.text)
    assert copies(office) == {}


def test_only_planners_and_supervisors_see_how_to_print(office: Office, units: list[str]) -> None:
    assert "Print labels" in office.get(PAGE)
    assert "Print the label" in office.get(f"/unit/{units[0]}")
    admin, quality = office.signed_in("root", "admin"), office.signed_in("watcher", "quality")
    assert b"/labels/" not in admin.get(PAGE).data
    assert b"/labels/" not in quality.get(f"/unit/{units[0]}").data


def test_what_was_printed_stands_in_the_audit(office: Office, units: list[str]) -> None:
    office.post(PAGE, "/labels/traveller", order=ORDER)
    assert f"Printed: traveller {ORDER}." in text_of(office.get("/audit"))
