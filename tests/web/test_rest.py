"""Orders by REST: planned once, changed by the same rules as on the pages, seen by whom they concern."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from mes import api_keys
from mes.cli import main
from mes.db.session import reading
from mes.db.tables import ApiKey, Ledger, WorkOrder
from mes.enrolment import Tries
from mes.setup import open_database
from tests.web.pages import Office

ORDERS = "/api/v1/orders"
ONE = {"product": "NOMAD-1000", "quantity": 3, "reference": "PO-77", "due": "2026-12-18"}


class Erp:
    """A program with a key."""

    def __init__(self, office: Office, role: str = "planner-api", **more: str) -> None:
        self.office, self.key = office, office.key(role, **more)
        self.client = office.app.test_client()

    def get(self, path: str, lang: str = "en") -> TestResponse:
        return self.client.get(path, headers={"Authorization": f"Bearer {self.key}", "Accept-Language": lang})

    def post(self, path: str, body: Any = None, once: str = "", lang: str = "en") -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}", "Accept-Language": lang}
        if once:
            headers["Idempotency-Key"] = once
        return self.client.post(path, json=body, headers=headers)

    def plan(self, *rows: dict[str, Any], once: str = "a", **more: Any) -> TestResponse:
        return self.post(ORDERS, {"orders": list(rows)}, once, **more)


def orders_of(office: Office) -> int:
    with reading(office.shop.engine) as session:
        return session.scalar(select(func.count()).select_from(WorkOrder)) or 0


def test_the_same_request_again_plans_nothing_more_and_gets_the_same_answer(office: Office) -> None:
    erp = Erp(office)
    first, again = erp.plan(ONE, ONE), erp.plan(ONE, ONE)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json["orders"] == again.json["orders"]
    assert (first.json["repeated"], again.json["repeated"]) == (False, True)
    assert orders_of(office) == 2


def test_equal_requests_at_the_same_time_plan_once(office: Office) -> None:
    erps = [Erp(office)] * 6
    said: list[Any] = []

    def send(erp: Erp) -> None:
        client = office.app.test_client()
        headers = {"Authorization": f"Bearer {erp.key}", "Idempotency-Key": "x"}
        said.append(client.post(ORDERS, json={"orders": [ONE]}, headers=headers).json["orders"])

    threads = [threading.Thread(target=send, args=(erp,)) for erp in erps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert len(said) == 6
    assert said.count(said[0]) == 6
    assert orders_of(office) == 1


def test_a_number_that_belongs_to_another_request_is_refused(office: Office) -> None:
    erp = Erp(office)
    erp.plan(ONE)
    answer = erp.plan({**ONE, "quantity": 4})
    assert (answer.status_code, answer.json["error"]) == (409, "key_reused")
    assert orders_of(office) == 1
    assert Erp(office).plan({**ONE, "quantity": 4}).status_code == 200, "another program has numbers of its own"


def test_without_a_number_nothing_is_planned(office: Office) -> None:
    assert Erp(office).plan(ONE, once="").json["error"] == "no_idempotency_key"
    assert orders_of(office) == 0


def test_one_wrong_order_takes_all_back_and_each_problem_is_named(office: Office) -> None:
    erp = Erp(office)
    wrong = erp.plan(ONE, {**ONE, "product": "NOMAD-9"}, {**ONE, "order": "A", "due": "2026-02-30"}, lang="fr")
    assert (wrong.status_code, wrong.json["error"]) == (422, "wrong_orders")
    assert [(p["row"], p["field"]) for p in wrong.json["problems"]] == [(2, "product"), (3, "due")]
    assert "inconnu" in wrong.json["problems"][0]["message"]
    assert orders_of(office) == 0
    assert erp.plan(ONE).status_code == 200, "put right, it may come under the same number"


def test_an_order_is_seen_with_its_progress_and_found_by_its_reference(office: Office) -> None:
    erp = Erp(office)
    (order,) = erp.plan(ONE).json["orders"]
    seen = erp.get(f"{ORDERS}/{order}").json
    assert (seen["state"], seen["reference"], seen["customer"], seen["due"]) == (
        "planned", "PO-77", "NOMAD", "2026-12-18",
    )  # fmt: skip
    assert seen["progress"] == {"to_start": 3, "in_work": 0, "waiting": 0, "held": 0, "scrap": 0, "done": 0}
    assert [o["order"] for o in erp.get(f"{ORDERS}?reference=PO-77&state=planned").json["orders"]] == [order]
    assert erp.get(f"{ORDERS}?reference=PO-78").json["total"] == 0
    assert erp.get(f"{ORDERS}?state=lost").status_code == 400


def test_an_order_goes_its_way_by_rest_and_twice_is_once(office: Office) -> None:
    erp = Erp(office)
    (order,) = erp.plan(ONE).json["orders"]

    def act(verb: str, once: str, body: Any = None) -> TestResponse:
        return erp.post(f"{ORDERS}/{order}/{verb}", body, once)

    assert [act("release", "r").status_code for _ in range(2)] == [200, 200]
    assert act("release", "").json["reason"] == "order_state"
    assert act("hold", "h", {"why": "no cells"}).status_code == 200
    assert act("resume", "").status_code == 200
    assert act("change", "c", {"why": "more", "quantity": 4}).status_code == 200
    units = erp.get(f"{ORDERS}/{order}/units").json
    assert (units["total"], {u["state"] for u in units["units"]}) == (4, {"reserved"})
    trace = erp.get(f"/api/v1/units/{units['units'][0]['serial']}").json
    assert (trace["unit"]["order"], trace["visits"], trace["components"]) == (order, [], [])
    assert erp.get(f"{ORDERS}/{order}/nonconformities").json == {"nonconformities": []}
    assert act("hold", "h2", {}).status_code == 400, "a hold has a reason"
    assert act("hold", "", {"why": "x"}).status_code == 200
    assert act("cancel", "", {"why": "not wanted"}).status_code == 200
    with reading(office.shop.engine) as session:
        query = select(Ledger.kind, Ledger.operator).where(Ledger.kind.like("Order%")).order_by(Ledger.n)
        done = session.execute(query).all()
        key = session.scalar(select(ApiKey.id))
    assert [kind for kind, _ in done] == [
        "OrderCreated", "OrderReleased", "OrderHeld", "OrderResumed", "OrderAmended", "OrderHeld", "OrderCancelled",
    ]  # fmt: skip
    assert {who for _, who in done} == {key}


def test_a_key_for_one_customer_sees_and_plans_no_others_orders(office: Office) -> None:
    everybody, theirs = Erp(office), Erp(office, customer="Crane & Co")
    (foreign,) = everybody.plan({**ONE, "order": "OF-X"}).json["orders"]
    (own,) = theirs.plan(ONE).json["orders"]
    everybody.post(f"{ORDERS}/{foreign}/release")
    serial = everybody.get(f"{ORDERS}/{foreign}/units").json["units"][0]["serial"]
    assert theirs.get(f"{ORDERS}/{own}").json["customer"] == "Crane & Co"
    assert [o["order"] for o in theirs.get(ORDERS).json["orders"]] == [own]
    for path in (f"{ORDERS}/{foreign}", f"{ORDERS}/{foreign}/units", f"{ORDERS}/{foreign}/nonconformities"):
        assert theirs.get(path).status_code == 404
        nowhere = theirs.get(path.replace("OF-X", "OF-Y")).json["message"]
        assert theirs.get(path).json["message"] == nowhere.replace("OF-Y", "OF-X")
    assert theirs.get(f"/api/v1/units/{serial}").status_code == 404
    assert theirs.post(f"{ORDERS}/{foreign}/hold", {"why": "x"}).status_code == 404
    assert theirs.plan({**ONE, "customer": "NOMAD"}, once="b").json["problems"][0]["reason"] == "key_customer"
    assert theirs.post(f"{ORDERS}/{own}/change", {"why": "x", "customer": "NOMAD"}).json["reason"] == "key_customer"


@pytest.mark.parametrize("how", ["missing", "cut", "withdrawn", "old", "of a station"])
def test_a_key_that_opens_nothing_gets_the_same_answer_whatever_is_wrong_with_it(office: Office, how: str) -> None:
    erp = Erp(office)
    if how == "withdrawn":
        with reading(office.shop.engine) as session:
            key = session.scalar(select(ApiKey.id))
        office.site.do(lambda session, now: api_keys.end(session, str(key), now=now))
    if how == "old":
        office.site.do(lambda session, now: setattr(session.scalars(select(ApiKey)).one(), "ends_on", "2020-01-01"))
    erp.key = {"missing": "", "cut": erp.key[:-1], "of a station": "mst_bench-1_x"}.get(how, erp.key)
    answer = erp.get(ORDERS)
    assert answer.status_code == 401
    assert answer.json["message"].startswith("This key is unknown, withdrawn or too old.")


def test_who_tries_many_keys_waits_and_so_does_a_program_that_never_stops_asking(office: Office) -> None:
    erp = Erp(office)
    office.site.programs = Tries(3, window_s=60)
    assert [erp.get(ORDERS).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert erp.get(ORDERS).headers["Retry-After"]
    other = Erp(office)
    good, other.key = other.key, "mak_guess"
    assert [other.get(ORDERS).status_code for _ in range(21)] == [401] * 20 + [429]
    other.key = good
    assert other.get(ORDERS).status_code == 429, "the door is shut for that address"


def test_a_key_is_shown_once_kept_as_its_hash_and_its_life_is_in_the_ledger(office: Office) -> None:
    form = {"name": "ERP", "role": "reader-api", "ends_on": "2027-06-30", "customer": ""}
    page = office.post("/keys", "/keys/add", **form)
    key = page.text.partition("<kbd>")[2].partition("</kbd>")[0]
    assert key.startswith("mak_K-")
    assert key not in office.get("/keys")
    with reading(office.shop.engine) as session:
        found = dict(session.execute(select(*ApiKey.__table__.columns)).one()._mapping)
    assert key not in str(found)
    headers = {"Authorization": f"Bearer {key}"}
    assert office.anybody.get(ORDERS, headers=headers).status_code == 200
    assert "withdrawn" in office.post("/keys", "/keys/end", key=found["id"]).text
    assert office.anybody.get(ORDERS, headers=headers).status_code == 401
    audit = office.get("/audit?subject=accounts")
    assert f"Key {found['id']} for the program ERP (only reads)" in audit
    assert f"Key {found['id']} withdrawn." in audit


def test_a_key_without_a_day_to_come_or_with_no_role_is_not_made(office: Office) -> None:
    for form in (
        {"name": "ERP", "role": "reader-api", "ends_on": "2020-01-01"},
        {"name": "ERP", "role": "admin", "ends_on": "2027-01-01"},
        {"name": "", "role": "reader-api", "ends_on": "2027-01-01"},
    ):
        assert office.post("/keys", "/keys/add", **form).status_code == 422
    assert "No program has a key." in office.get("/keys")


def test_the_keys_of_programs_are_made_listed_and_ended_at_the_command_line(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'atelier.db'}"
    open_database(url, create=True).dispose()

    def mes(*words: str) -> str:
        done = CliRunner().invoke(main, ["key", *words, "--database", url])
        assert done.exit_code == 0, done.output
        return done.output

    made = json.loads(mes("add", "ERP", "--role", "planner-api", "--customer", "NOMAD", "--json"))
    assert made["key"].startswith(f"mak_{made['id']}_")
    mes("end", made["id"])
    (row,) = json.loads(mes("list", "--json"))
    assert (row["id"], row["customer"], row["over"]) == (made["id"], "NOMAD", True)
    assert made["key"] not in json.dumps(row)
    again = CliRunner().invoke(main, ["key", "end", made["id"], "--database", url])
    assert again.exit_code == 1


def test_a_planned_order_gets_its_customers_serials_all_or_none(office: Office) -> None:
    erp = Erp(office)
    (order,) = erp.plan(ONE).json["orders"]
    address = f"{ORDERS}/{order}/serials"
    few = erp.post(address, {"serials": ["DL-1", "DL-2"]}, lang="fr")
    assert (few.status_code, few.json["reason"]) == (409, "serials_count")
    assert "3 pièces" in few.json["message"]
    assert [erp.post(address, {"serials": ["DL-1", "DL-2", "DL-3"]}, "s").status_code for _ in range(2)] == [200, 200]
    assert erp.post(f"{ORDERS}/{order}/release").status_code == 200
    assert [u["serial"] for u in erp.get(f"{ORDERS}/{order}/units").json["units"]] == ["DL-1", "DL-2", "DL-3"]
