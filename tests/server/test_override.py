"""A supervisor's agreement at the bench: badge and PIN by HTTP, what it lets pass and how long; and the replay."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from mes import accounts, badges, keys, passwords, qualifications, quality, wire
from mes.commands_ledger import verify_engine
from mes.db.session import reading, writing
from mes.db.tables import Ledger, Override
from mes.domain import gate
from mes.domain.reasons import REASONS
from mes.domain.route import Plan
from mes.writer import Writer
from stations.inputs import Offer
from stations.supervisor import Supervisor
from stations.transport import Server
from tests.server.bench import Bench, Floor
from tests.server.test_badges import UNIT, hire, skilled_plan
from tests.waiting import wait_for
from web.app import create_app
from web.site import Site

PIN = "2407"


@cache
def hashed(secret: str) -> str:
    return passwords.hashed(secret)


class Shop:
    """A floor with a server in this process, a supervisor with badge and PIN, and a newcomer at b1 (and p1)."""

    def __init__(self, url: str, plan: Plan) -> None:
        self.floor = Floor(url, plan)
        self.floor.order("GEN", 3)
        self.floor.order("KIT", 50, order="OF-2")
        self.writer = Writer(self.floor.engine, clock=lambda: self.floor.clock.now)
        site = Site(engine=self.floor.engine, writer=self.writer, clock=lambda: self.floor.clock.now)
        self.client = create_app(site, secret_key="test").test_client()
        with writing(self.floor.engine) as session:
            self.tokens = {s: keys.new_token(session, s, "pc", now=self.floor.clock.now) for s in ("b1", "b2", "p1")}
            self.boss = self.account(session, "chief", "supervisor")
            self.badge = str(badges.issue(session, self.boss, now=self.floor.clock.now).args["badge"])
            accounts.change_pin(session, self.boss, hashed(PIN), now=self.floor.clock.now)
        self.person, self.newcomer = hire(self.floor, "Newcomer")

    def account(self, session: Session, login: str, *roles: str) -> str:
        now = self.floor.clock.now
        answer = accounts.add(session, login, login, roles, hashed("x" * 12), must_change=False, now=now)
        assert answer.done
        return str(accounts.find(session, login).person)  # type: ignore[union-attr]

    def bench(self, station: str = "b1", operator: str | None = None) -> Bench:
        bench = self.floor.bench(station)
        bench.operator = operator or self.newcomer
        return bench

    def does(self, bench: Bench, *events: wire.Envelope) -> list[tuple[str | None, str]]:
        return [(r.verdict, r.reason) for r in self.floor.send(bench, *events)]

    def ask(self, *, station: str = "b1", **changes: Any) -> Any:
        asked = {"badge": self.badge, "pin": PIN, "operator": self.newcomer, "unit": UNIT, "step": "fit", **changes}
        headers = {"Authorization": f"Bearer {self.tokens[station]}"}
        return self.client.post("/api/v1/override", json=asked, headers=headers)

    def says(self, **changes: Any) -> tuple[bool, str]:
        answer = self.ask(**changes)
        assert answer.status_code == 200, answer.text
        return answer.json["go"], answer.json["reason"]

    def rows(self, kind: str) -> list[Ledger]:
        with reading(self.floor.engine) as session:
            found = list(session.scalars(select(Ledger).where(Ledger.kind == kind).order_by(Ledger.n)))
            session.expunge_all()
            return found

    def agrees(self, tmp_path: Path) -> bool:
        return verify_engine(self.floor.engine, tmp_path)[1] == []


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    made = Shop(database_url, skilled_plan())
    yield made
    made.writer.close()
    made.floor.close()


def fitting(bench: Bench) -> list[wire.Envelope]:
    """All the work of the first step, but the arrival."""
    parts = [bench.fit(UNIT, "BAT", serial="1"), bench.fit(UNIT, "FUSE", lot="1"), bench.fit(UNIT, "FUSE", lot="1")]
    return [*parts, bench.done(UNIT, "fit")]


def test_what_the_gate_refused_goes_on_once_and_the_replay_agrees(shop: Shop, tmp_path: Path) -> None:
    bench = shop.bench()
    assert shop.does(bench, bench.arrive(UNIT, "fit")) == [("refused", "not_qualified")]
    assert shop.says() == (True, "overridden")
    assert shop.does(bench, bench.arrive(UNIT, "fit")) == [("accepted", "unit_arrived")]
    assert {verdict for verdict, _ in shop.does(bench, *fitting(bench))} == {"accepted"}
    with reading(shop.floor.engine) as session:
        assert session.get_one(Override, (UNIT, "fit")).state == "used"
    (row,) = shop.rows("OverrideGranted")
    body = json.loads(row.body)
    assert (row.operator, body["by"], body["operator"], body["station"]) == (
        shop.boss,
        shop.boss,
        shop.newcomer,
        "b1",
    )
    assert body["reasons"] == ["not_qualified"]
    assert shop.agrees(tmp_path)


def test_the_replay_agrees_after_the_operator_is_forgotten(shop: Shop, tmp_path: Path) -> None:
    bench = shop.bench()
    shop.does(bench, bench.arrive(UNIT, "fit"))
    assert shop.says() == (True, "overridden")
    shop.does(bench, bench.arrive(UNIT, "fit"), *fitting(bench), bench.event("OperatorDeactivated"))
    with writing(shop.floor.engine) as session:
        session.execute(update(Ledger).where(Ledger.source != "office").values(operator=wire.SOMEBODY, veil=""))
    assert {r.competence.split()[0] for r in shop.rows("UnitsArrived")} == {"!not_qualified", "overridden"}
    assert shop.agrees(tmp_path)


def test_the_bench_asks_the_server_itself(shop: Shop) -> None:
    got: list[wire.OverrideReply] = []
    server = make_server("127.0.0.1", 0, shop.client.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        where = Server(f"http://127.0.0.1:{server.port}")
        asked = Supervisor(where, lambda: shop.tokens["b1"], lambda _offer, reply: got.append(reply))
        asked.ask(Offer(shop.newcomer, UNIT, "fit", open=True, badge=shop.badge), PIN)
        wait_for(lambda: bool(got), what="the server answers")
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
    assert got == [wire.OverrideReply(go=True, reason="overridden", args={"unit": UNIT, "step": "fit"})]


def test_asked_twice_it_is_granted_once(shop: Shop) -> None:
    assert shop.says() == shop.says() == (True, "overridden")
    assert len(shop.rows("OverrideGranted")) == 1


def test_it_holds_for_that_unit_that_step_and_that_operator_alone(shop: Shop) -> None:
    assert shop.says() == (True, "overridden")
    bench = shop.bench()
    other = UNIT.replace("00001", "00002")
    assert shop.does(bench, bench.arrive(other, "fit")) == [("refused", "not_qualified")]
    _person, stranger = hire(shop.floor, "Somebody else")
    bench.operator = stranger
    assert shop.does(bench, bench.arrive(UNIT, "fit")) == [("refused", "not_qualified")]


def test_a_unit_that_leaves_and_one_that_comes_back_for_rework_ask_again(shop: Shop, tmp_path: Path) -> None:
    bench = shop.bench()
    assert shop.says() == (True, "overridden")
    shop.does(bench, bench.arrive(UNIT, "fit"), bench.event("UnitsDeparted", unit=UNIT, step="fit"))
    assert shop.does(bench, bench.arrive(UNIT, "fit")) == [("refused", "not_qualified")]
    assert shop.says() == (True, "overridden")
    back = bench.arrive(UNIT, "fit")
    seen = bench.event("UnitsInspected", unit=UNIT, step="fit", result="failed", defects=["SCR"])
    assert shop.does(bench, back, seen)[-1] == ("held", "defect_found")
    assert shop.floor.do(quality.decide, "NC-2026-0001", "rework").done
    assert shop.does(bench, bench.arrive(UNIT, "fit")) == [("refused", "not_qualified")]
    assert shop.agrees(tmp_path)


def test_an_expired_qualification_may_be_let_pass_too(shop: Shop) -> None:
    shop.floor.do(qualifications.grant, shop.person, "trade", until=date(2026, 11, 1))
    bench = shop.bench()
    assert shop.does(bench, bench.arrive(UNIT, "fit")) == [("refused", "qualification_expired")]
    assert shop.says() == (True, "overridden")
    assert shop.does(bench, bench.arrive(UNIT, "fit")) == [("accepted", "unit_arrived")]


def test_counted_work_is_let_pass_for_one_booking(shop: Shop, tmp_path: Path) -> None:
    bench = shop.bench("p1")
    body = {"order": "OF-2", "step": "bag", "good": 5, "scrap": []}
    assert shop.does(bench, bench.event("WorkCompleted", asks=True, **body)) == [("refused", "not_qualified")]
    assert shop.says(station="p1", unit="OF-2", step="bag") == (True, "overridden")
    first, second = (bench.event("WorkCompleted", asks=True, **body) for _ in range(2))
    assert shop.does(bench, first, second) == [("accepted", "counted"), ("refused", "not_qualified")]
    assert shop.agrees(tmp_path)


# --- who may not ------------------------------------------------------------------------------------------------------


def test_a_wrong_pin_and_an_unknown_badge_are_told_the_same(shop: Shop, tmp_path: Path) -> None:
    bench = shop.bench()
    for changes in ({"pin": "0000"}, {"badge": "STRANGER"}, {"badge": "007"}):
        assert shop.says(**changes) == (False, "override_wrong")
    assert shop.does(bench, bench.arrive(UNIT, "fit")) == [("refused", "not_qualified")]
    assert [json.loads(r.body)["by"] for r in shop.rows("OverrideRefused")] == [shop.boss, "", "P-TEST"]
    assert shop.agrees(tmp_path)


def test_a_supervisor_without_a_pin_a_shut_account_and_an_ended_badge_open_nothing(shop: Shop) -> None:
    with writing(shop.floor.engine) as session:
        second = shop.account(session, "second", "supervisor")
        planner = shop.account(session, "planner", "planner")
        accounts.change_pin(session, planner, hashed(PIN), now=shop.floor.clock.now)
        issued = [badges.issue(session, p, now=shop.floor.clock.now).args["badge"] for p in (second, planner)]
    assert [shop.says(badge=b) for b in issued] == [(False, "override_wrong")] * 2
    assert shop.floor.do(accounts.disable, shop.boss).done
    assert shop.says() == (False, "override_wrong")
    assert shop.floor.do(accounts.enable, shop.boss).done
    assert shop.floor.do(badges.end, shop.badge).done
    assert shop.says() == (False, "override_wrong")


def test_nobody_lets_their_own_work_pass(shop: Shop) -> None:
    assert shop.says(operator=shop.badge) == (False, "override_self")
    assert shop.rows("OverrideGranted") == []


def test_tries_are_limited_by_badge_and_by_bench(shop: Shop) -> None:
    for _ in range(5):
        assert shop.says(pin="0000") == (False, "override_wrong")
    shut = shop.ask()
    assert (shut.status_code, shut.json["error"]) == (429, "too_many_tries")
    assert int(shut.headers["Retry-After"]) > 0
    assert shop.ask(station="b2").status_code == 429, "the badge is shut at each bench"
    assert shop.ask(badge="OTHER").status_code == 429, "the bench is shut for each badge"
    assert shop.ask(station="b2", badge="OTHER").status_code == 200


def test_a_right_pin_forgets_the_tries_before_it(shop: Shop) -> None:
    for _ in range(3):
        for _ in range(4):
            shop.says(pin="0000")
        assert shop.says() == (True, "overridden")


@pytest.mark.parametrize("pin", ["", "12a4", "1234567890123", "١٢٣٤", 1234])
def test_what_is_no_pin_is_not_looked_at(shop: Shop, pin: object) -> None:
    assert shop.ask(pin=pin).status_code == 400


def test_the_pin_is_in_no_row_and_no_log(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        shop.says(pin="98765431")
        shop.says()
        assert shop.ask(pin="9876x431").status_code == 400
    with reading(shop.floor.engine) as session:
        rows = [r.body + r.args for r in session.scalars(select(Ledger))]
    for secret in ("98765431", "9876x431"):
        assert secret not in caplog.text
        assert not [r for r in rows if secret in r]


# --- what may not be let pass -----------------------------------------------------------------------------------------


def test_only_a_missing_or_expired_qualification_can_be_let_pass() -> None:
    assert {"not_qualified", "qualification_expired"} == gate.OVERRIDABLE
    assert not gate.OVERRIDABLE & {"test_failed", "unit_held", "unknown_badge", "badge_ended", "needs_test"}
    assert REASONS.keys() >= gate.OVERRIDABLE


def test_a_qualification_of_the_plan_may_forbid_it(database_url: str, tmp_path: Path) -> None:
    plan = skilled_plan()
    strict = tuple(q.model_copy(update={"override": "never"}) for q in plan.plant.qualifications)
    plan = plan.model_copy(update={"plant": plan.plant.model_copy(update={"qualifications": strict})})
    shop = Shop(database_url, plan)
    try:
        assert shop.says() == (False, "override_never")
        bench = shop.bench()
        assert shop.does(bench, bench.arrive(UNIT, "fit")) == [("refused", "not_qualified")]
        assert shop.agrees(tmp_path)
    finally:
        shop.writer.close()
        shop.floor.close()


def test_a_unit_that_failed_its_test_stays_held_whatever_a_supervisor_agrees_to(shop: Shop) -> None:
    first, second = shop.bench("b1", "007"), shop.bench("b2", "007")
    shop.does(first, first.arrive(UNIT, "fit"), *fitting(first))
    shop.does(second, second.arrive(UNIT, "test"), second.test(UNIT, 9.0), second.test(UNIT, 9.0))
    assert shop.says(station="b2", step="test") == (True, "overridden"), "nothing stands in the operator's way"
    assert shop.rows("OverrideGranted") == []
    second.operator = shop.newcomer
    assert shop.does(second, second.arrive(UNIT, "test")) == [("refused", "unit_held")]


def test_of_a_unit_that_nobody_knows_nothing_is_agreed(shop: Shop) -> None:
    assert shop.says(unit="STRANGER") == (False, "override_not_now")
    shop.floor.clock.now += timedelta(hours=1)
    assert shop.rows("OverrideGranted") == []
