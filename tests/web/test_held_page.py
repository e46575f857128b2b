"""What is held on one person, on the page: for administrators, and for everybody about themselves."""

from __future__ import annotations

import json

from flask.testing import FlaskClient
from sqlalchemy import select

from mes import badges, qualifications, revisions
from mes.db.session import reading, writing
from mes.db.tables import Ledger
from mes.wire import FLOOR_KINDS
from tests.server.worlds import released_order
from tests.web.pages import Office, text_of, token_of
from web.held import KINDS


def worker(office: Office) -> tuple[str, str]:
    """Somebody with an account and a badge who has taken a unit in; the pseudonym and the badge."""
    person = office.account("anne", "supervisor", name="Anne Le Bihan")
    shop = office.shop
    with writing(shop.engine) as session:
        badge = str(badges.issue(session, person, now=shop.clock.now).args["badge"])
        plan = revisions.latest_plan(session)
        assert plan is not None
        for each in plan.plant.qualifications:
            qualifications.grant(session, person, each.id, now=shop.clock.now)
    bench = shop.bench("bench-1")
    bench.operator = badge
    serial, *_ = released_order(shop)
    shop.sign_in("bench-1")
    assert shop.enter(serial, "bench-1").verdict == "accepted"
    return person, badge


def ask(client: FlaskClient, path: str, lang: str = "en") -> str:
    """Open the page and push its button."""
    headers = {"Accept-Language": lang, "Referer": f"http://localhost{path}"}
    first = client.get(path, headers=headers)
    assert first.status_code == 200
    answer = client.post(path, data={"csrf_token": token_of(first.text)}, headers=headers)
    assert answer.status_code == 200
    return text_of(answer.text)


def asked(office: Office) -> list[tuple[str | None, str]]:
    """Who has asked about whom."""
    with reading(office.shop.engine) as session:
        rows = session.scalars(select(Ledger).where(Ledger.kind == "PersonalDataPrinted").order_by(Ledger.n))
        return [(r.operator, json.loads(r.body)["person"]) for r in rows]


def test_an_administrator_sees_all_that_is_held_on_somebody_and_the_audit_says_so(office: Office) -> None:
    person, badge = worker(office)
    chief = office.account("chief")
    text = ask(office.client, f"/people/{person}/held")
    assert {x for x in ("Anne Le Bihan", badge, "a unit came", "bench-1", "supervisor") if x not in text} == set()
    assert asked(office) == [(chief, person)]
    assert "was printed" in office.get("/audit")


def test_everybody_sees_what_is_held_on_themselves(office: Office) -> None:
    person, badge = worker(office)
    text = ask(office.signed_in("anne"), "/account/held", lang="fr")
    assert badge in text
    assert "un appareil est arrivé" in text
    assert asked(office) == [(person, person)]


def test_opening_the_page_shows_nothing_yet_and_writes_nothing(office: Office) -> None:
    person, badge = worker(office)
    assert badge not in office.get(f"/people/{person}/held")
    assert asked(office) == []


def test_somebody_whom_no_table_knows_is_a_page_that_is_not_there(office: Office) -> None:
    person, _ = worker(office)
    token = token_of(office.get(f"/people/{person}/held"))
    answer = office.client.post(
        "/people/P-NOBODY/held", data={"csrf_token": token}, headers={"Referer": "http://localhost/people"}
    )
    assert answer.status_code == 404
    assert asked(office) == []


def test_each_kind_of_floor_event_has_a_name_for_people() -> None:
    assert set(KINDS) == {kind for kind, _version in FLOOR_KINDS}
