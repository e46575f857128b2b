"""The people pages: badges issued, printed and ended, who may do what and what ends soon; and names nowhere else."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from sqlalchemy import select

from mes import badges, codes, people, qualifications
from mes.commands_ledger import verify_engine
from mes.db.session import reading, writing
from mes.db.tables import Badge, Ledger, Person
from tests.server.worlds import released_order
from tests.web.pages import Office, text_of

NAME = "Maëlle Le Goff"


def hired(office: Office, name: str = NAME) -> tuple[str, str]:
    """Somebody taken in by the form: the pseudonym and the badge."""
    answer = office.post("/people", "/people/add", name=name, language="fr")
    assert answer.status_code == 200
    with reading(office.shop.engine) as session:
        person = session.scalars(select(Person.id).where(Person.name == name)).one()
        return person, session.scalars(select(Badge.id).where(Badge.person == person)).one()


def grant(office: Office, person: str, qualification: str, until: date) -> None:
    with writing(office.shop.engine) as session:
        now = office.shop.clock.now
        assert qualifications.grant(session, person, qualification, now=now, until=until).done


def test_somebody_new_gets_a_badge_that_can_be_printed_at_once(office: Office) -> None:
    answer = office.post("/people", "/people/add", name=NAME, language="fr")
    assert f"Badge of {NAME}" in text_of(answer.text)
    _person, badge = hired(office, "Somebody else")
    page = office.get(f"/people/badge/{badge}")
    assert badges.code_of(badge) in page
    assert f'aria-label="Badge {badge}"' in page
    assert re.search(rf'/people/badges\.pdf\?[^"]*badge={badge}[^"]*" download', page)
    for query in ("", f"?badge={badge}&layout=card", f"?badge={badge}&skip=4", f"?badge={badge}&skip=99"):
        assert office.client.get(f"/people/badges.pdf{query}").data.startswith(b"%PDF"), query
    wrong = office.client.get(
        "/people/badges.pdf?badge=NOBODY", headers={"Accept-Language": "en"}, follow_redirects=True
    )
    assert "Badge NOBODY does not exist, or is ended." in text_of(wrong.text)


def test_a_name_that_cannot_be_kept_is_said_and_stays_typed(office: Office) -> None:
    answer = office.post("/people", "/people/add", name="x" * 200, language="fr")
    assert answer.status_code == 422
    assert "120 characters" in answer.text
    assert 'value="' + "x" * 120 + '"' in answer.text


def test_people_are_listed_by_name_whatever_they_did(office: Office) -> None:
    for name in ("Zoé", "anne", "Bob"):
        hired(office, name)
    found = re.findall(r'<th scope="row">([^<]+)<br>', office.get("/people"))
    assert [name for name in found if name != "Chief"] == ["anne", "Bob", "Zoé"]


def test_a_lost_badge_is_ended_and_another_one_issued(office: Office) -> None:
    person, lost = hired(office)
    answer = office.post("/people", "/people/badge/end", badge=lost, why="lost")
    assert "The badge is ended" in answer.text
    assert office.client.get(f"/people/badge/{lost}").status_code == 404
    answer = office.post("/people", "/people/badge/issue", person=person)
    assert f"Badge of {NAME}" in text_of(answer.text)
    assert lost not in office.get("/people")
    assert "no longer valid" in office.post("/people", "/people/badge/end", badge=lost).text


def test_who_may_do_what_is_granted_renewed_and_withdrawn(office: Office, tmp_path: Path) -> None:
    person, _badge = hired(office)
    where = "/people/qualifications"
    said = office.post(where, f"{where}/grant", person=person, qualification="assembly", until="2026-12-01").text
    assert "Granted until 2026-12-01" in said
    page = text_of(office.get(where))
    assert f"{NAME} Assembly 2026-12-01 Renew" in page
    said = office.post(where, f"{where}/grant", person=person, qualification="assembly", until="").text
    assert "Granted until 2029-11-23" in said
    assert "Nothing ends soon" in office.get(where)
    said = office.post(where, f"{where}/withdraw", person=person, qualification="assembly", why="to be trained").text
    assert "Withdrawn" in said
    assert "2029-11-23" not in office.get(where)
    with reading(office.shop.engine) as session:
        rows = session.scalars(select(Ledger).where(Ledger.kind.like("Qualification%"), Ledger.body.contains(person)))
        assert {r.operator for r in rows} == {office.account("chief")}
    assert verify_engine(office.shop.engine, tmp_path)[1] == []


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"qualification": "juggling"}, "Qualification juggling is unknown"),
        ({"qualification": "assembly", "until": "tomorrow"}, "Give a date"),
        ({"qualification": "assembly", "person": "P-NOBODY"}, "Person P-NOBODY is unknown"),
    ],
)
def test_a_grant_that_cannot_be_says_why(office: Office, form: dict[str, str], sentence: str) -> None:
    person, _badge = hired(office)
    answer = office.post("/people/qualifications", "/people/qualifications/grant", **{"person": person, **form})
    assert sentence in text_of(answer.text)


def test_a_withdrawal_needs_a_reason(office: Office) -> None:
    person, _badge = hired(office)
    grant(office, person, "assembly", date(2027, 12, 1))
    form = {"person": person, "qualification": "assembly", "why": " "}
    answer = office.post("/people/qualifications", "/people/qualifications/withdraw", **form)
    assert "Say why" in answer.text
    assert "2027-12-01" in office.get("/people/qualifications")


def test_what_has_ended_or_ends_within_sixty_days_stands_first(office: Office) -> None:
    person, _badge = hired(office)  # the workshop's day is 2026-11-23
    grant(office, person, "assembly", date(2026, 11, 22))
    grant(office, person, "packing", date(2027, 1, 22))
    grant(office, person, "inspection", date(2027, 1, 23))
    page = text_of(office.get("/people/qualifications"))
    soon = page[page.index("Ends within 60 days") : page.index("Everybody")]
    assert soon.index("ended 2026-11-22") < soon.index("2027-01-22")
    assert "2027-01-23" not in soon
    french = text_of(office.get("/people/qualifications", lang="fr"))
    assert "22/01/2027" in french


def test_the_quality_lead_looks_and_does_not_grant(office: Office) -> None:
    person, _badge = hired(office)
    grant(office, person, "assembly", date(2027, 12, 1))
    client = office.signed_in("auditor", "quality")
    page = client.get("/people/qualifications", headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert NAME in page.text
    assert "/people/qualifications/grant" not in page.text


def test_a_name_stands_on_no_other_page(office: Office) -> None:
    _person, badge = hired(office)
    order, *_ = released_order(office.shop)
    office.shop.bench("bench-1").operator = badge
    office.shop.tell("bench-1", "OperatorActivated")
    for path in ("/board", "/orders", "/order/OF-2026-118", "/quality", "/audit"):
        page = office.get(path)
        assert "Goff" not in page, path
        assert badge not in page, path
    assert order


def test_a_name_is_text_wherever_it_stands(office: Office) -> None:
    name = '<b onclick="x">"&'
    _person, badge = hired(office, name)
    for path in ("/people", f"/people/badge/{badge}", "/people/qualifications"):
        assert "<b onclick" not in office.get(path)


def pixels(shape: codes.Shape, *, scale: int, high: int) -> np.ndarray:
    """The shape as a printer would draw it: black on white."""
    image = np.full((shape.height * high, shape.width * scale), 255, np.uint8)
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", shape.path):
        image[int(y) * high : (int(y) + 1) * high, int(x) * scale : (int(x) + int(width)) * scale] = 0
    return image


@pytest.mark.parametrize("badge", ["K7QM4XTP", "99999999", "22222222", "ZZZZZZZZ"])
def test_both_codes_of_a_badge_read_back(badge: str) -> None:
    code = badges.code_of(badge)
    bars = pixels(codes.bars(code), scale=2, high=60)
    square = pixels(codes.square(code), scale=6, high=6)
    assert [r.text for r in zxingcpp.read_barcodes(bars)] == [code]
    assert [r.text for r in zxingcpp.read_barcodes(square)] == [code]


def test_a_person_without_a_badge_is_listed_too(office: Office) -> None:
    with writing(office.shop.engine) as session:
        people.add(session, "Sans Badge", "fr", now=office.shop.clock.now)
    assert "Sans Badge" in office.get("/people")
