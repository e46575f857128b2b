"""Deliveries in the office: what stands against one, prepare, send, cancel, papers; links from the release."""

from __future__ import annotations

import io

from pypdf import PdfReader

from mes import papers
from mes.db.session import reading
from tests.server.worlds import released_order
from tests.web.pages import CHIEF, Office, text_of

ORDER = "OF-2026-118"


def made(office: Office, *, let_go: bool = True) -> list[str]:
    """An order of three that is finished; the burn-in takes hours, so the chief signs in anew."""
    serials = released_order(office.shop)
    for serial in serials:
        office.shop.bring(serial, None)
    if let_go:
        assert office.shop.let_go(ORDER).done
    office.client = office.signed_in("chief", *CHIEF)
    return serials


def test_what_is_not_released_is_named_with_a_link_and_cannot_be_prepared(office: Office) -> None:
    first, *_ = made(office, let_go=False)
    page = office.get(f"/deliveries/new?what={first}+NO-UNIT")
    assert f"{first} is not released." in text_of(page)
    assert f'href="/unit/{first}"' in page
    assert "/deliveries/prepare" not in page
    said = office.post("/deliveries/new", "/deliveries/prepare", what=first)
    assert f"{first} is not released." in text_of(said.text)


def test_an_order_is_prepared_sent_and_its_papers_are_given_out(office: Office) -> None:
    made(office)
    page = office.get(f"/deliveries/new?what={ORDER}")
    assert "Nothing stands against it." in text_of(page)
    said = office.post(f"/deliveries/new?what={ORDER}", "/deliveries/prepare", what=ORDER, customer="", note="")
    assert "Prepared: BL-2026-0001." in text_of(said.text)
    one = "/deliveries/one/BL-2026-0001"
    for kind in ("packing_list", "delivery_note", "certificate"):
        given = office.post(one, "/deliveries/paper", subject="BL-2026-0001", kind=kind)
        assert given.mimetype == "application/pdf"
        assert "BL-2026-0001" in PdfReader(io.BytesIO(given.data)).pages[0].extract_text()
        with reading(office.shop.engine) as session:
            assert papers.issued(session, given.data) is not None
    assert "SHA-256" in text_of(office.get(one))
    said = office.post(one, "/deliveries/send", delivery="BL-2026-0001", carrier="DPD 0042")
    assert "Delivery BL-2026-0001 has left." in text_of(said.text)
    assert "BL-2026-0001" in office.get("/deliveries?state=sent")
    again = office.post("/deliveries", "/deliveries/send", delivery="BL-2026-0001", carrier="")
    assert "has left already" in text_of(again.text)


def test_a_prepared_delivery_is_cancelled_with_a_reason_and_not_without(office: Office) -> None:
    first, *_ = made(office)
    office.post("/deliveries/new", "/deliveries/prepare", what=first)
    one = "/deliveries/one/BL-2026-0001"
    said = office.post(one, "/deliveries/cancel", delivery="BL-2026-0001", why=" ")
    assert "Say why" in text_of(said.text)
    said = office.post(one, "/deliveries/cancel", delivery="BL-2026-0001", why="no truck")
    assert "Delivery BL-2026-0001 is cancelled." in text_of(said.text)
    assert "no truck" in text_of(said.text)


def test_the_release_leads_to_the_delivery_and_gives_the_certificate_of_the_order(office: Office) -> None:
    made(office)
    page = f"/release/{ORDER}"
    assert f'href="/deliveries/new?what={ORDER}"' in office.get(page)
    assert office.post(page, "/deliveries/paper", subject=ORDER, kind="certificate").mimetype == "application/pdf"
