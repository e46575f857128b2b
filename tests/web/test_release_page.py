"""The release of an order's goods in the office: reasons with links, the release, taking it back."""

from __future__ import annotations

from tests.server.worlds import released_order
from tests.web.pages import CHIEF, Office, text_of

ORDER = "OF-2026-118"


def made(office: Office, finished: int = 3) -> list[str]:
    """An order of three, so many of them finished; the burn-in takes hours, so the chief signs in anew."""
    serials = released_order(office.shop)
    for serial in serials[:finished]:
        office.shop.bring(serial, None)
    office.client = office.signed_in("chief", *CHIEF)
    return serials


def test_the_page_says_each_reason_with_a_link_and_releases_what_is_finished(office: Office) -> None:
    first, second, _third = made(office, 1)
    page = office.get(f"/release/{ORDER}")
    assert f"{second} has not finished its steps." in text_of(page)
    assert f'href="/unit/{second}"' in page
    assert "Release 1 unit" in text_of(page)
    said = office.post(f"/release/{ORDER}", "/releases/give", order=ORDER, scope="finished", quantity="1")
    assert "Released: LIB-2026-0001." in text_of(said.text)
    assert "Chief" in text_of(said.text)
    assert f"{first} is released already" not in text_of(said.text)


def test_a_release_is_taken_back_with_a_reason_and_not_without(office: Office) -> None:
    made(office)
    office.post(f"/release/{ORDER}", "/releases/give", order=ORDER, scope="order", quantity="3")
    number = {"order": ORDER, "release": "LIB-2026-0001"}
    said = office.post(f"/release/{ORDER}", "/releases/take-back", **number, unit="", why=" ")
    assert "Say why" in text_of(said.text)
    said = office.post(f"/release/{ORDER}", "/releases/take-back", **number, unit="", why="wrong label")
    assert "Release LIB-2026-0001 is taken back." in text_of(said.text)
    assert "taken back wrong label" in text_of(said.text)


def test_who_may_not_release_sees_what_stands_against_it_and_no_button(office: Office) -> None:
    released_order(office.shop)
    page = office.signed_in("plan", "planner").get(f"/release/{ORDER}", headers={"Accept-Language": "en"}).text
    assert "has not finished its steps" in text_of(page)
    assert "/releases/give" not in page


def test_the_page_of_the_order_says_the_missing_release_and_where_to_give_it(office: Office) -> None:
    made(office)
    page = office.get(f"/order/{ORDER}")
    assert f"In order {ORDER}, 3 finished units or pieces are not released." in text_of(page)
    assert f'href="/release/{ORDER}"' in page
