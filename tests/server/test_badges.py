"""Badges and qualifications at the server: issued, ended, granted, withdrawn, asked by the gate, and replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from mes import badges, floor, people, qualifications, wire
from mes.cli import main
from mes.commands_ledger import verify_engine
from mes.db.session import reading, writing
from mes.db.tables import Badge, Ledger, Nonconformity, Qualification, StationRow
from mes.domain.barcode import Badge as BadgeCode
from mes.domain.barcode import read
from mes.domain.route import Plan
from mes.domain.route import Qualification as Named
from tests.server.bench import OPERATOR, PERSON, Floor
from tests.server.small_plan import small_plan, text

UNIT = "GEN-2648-00001"


def skilled_plan() -> Plan:
    """The small plan; fitting, looking and bagging ask for a qualification."""
    plan = small_plan()
    products = tuple(
        p.model_copy(
            update={
                "steps": tuple(
                    s.model_copy(update={"qualification": "trade"}) if s.id in ("fit", "look", "bag") else s
                    for s in p.steps
                )
            }
        )
        for p in plan.products
    )
    trade = Named(id="trade", name=text("Métier", "Trade"), months=12)
    other = Named(id="other", name=text("Autre", "Other"))
    plant = plan.plant.model_copy(update={"qualifications": (trade, other)})
    return plan.model_copy(update={"products": products, "plant": plant})


@pytest.fixture
def shop(database_url: str) -> Iterator[Floor]:
    """A floor with an order, on which 007 may do everything."""
    made = Floor(database_url, skilled_plan())
    made.order("GEN", 2)
    made.order("KIT", 50, order="OF-2")
    yield made
    made.close()


def hire(shop: Floor, name: str = "Maëlle Le Goff") -> tuple[str, str]:
    """A new person with a badge."""
    with writing(shop.engine) as session:
        person = people.add(session, name, "en", now=shop.clock.now)
        return person, str(badges.issue(session, person, now=shop.clock.now).args["badge"])


def agrees(shop: Floor, tmp_path: Path) -> bool:
    return verify_engine(shop.engine, tmp_path)[1] == []


# --- the office -------------------------------------------------------------------------------------------------------


def test_a_badge_says_nothing_of_its_person_and_reads_back(shop: Floor) -> None:
    person, badge = hire(shop)
    assert read(badges.code_of(badge)) == BadgeCode(badge)
    with reading(shop.engine) as session:
        assert [b.id for b in badges.of_person(session, person)] == [badge]
        assert not [r for r in session.scalars(select(Ledger)) if "Goff" in r.body + r.args]


def test_nobody_gets_a_badge_who_is_not_known(shop: Floor) -> None:
    assert shop.do(badges.issue, "P-NOBODY").reason == "unknown_person"


def test_a_lost_badge_is_ended_once_and_another_one_issued(shop: Floor, tmp_path: Path) -> None:
    person, lost = hire(shop)
    assert shop.do(badges.end, lost, why="lost").done
    assert shop.do(badges.end, lost).reason == "badge_ended"
    assert shop.do(badges.end, "NOSUCH").reason == "unknown_badge"
    other = shop.do(badges.issue, person).args["badge"]
    with reading(shop.engine) as session:
        assert [b.id for b in badges.of_person(session, person)] == [other]
    assert agrees(shop, tmp_path)


def test_the_badges_of_somebody_who_is_forgotten_end(shop: Floor, tmp_path: Path) -> None:
    person, badge = hire(shop)
    assert shop.do(people.erase, person).done
    with reading(shop.engine) as session:
        assert session.get_one(Badge, badge).state == "ended"
    assert agrees(shop, tmp_path)


def test_a_grant_holds_for_the_months_of_the_plan_or_to_a_given_day(shop: Floor, tmp_path: Path) -> None:
    person, _badge = hire(shop)
    assert shop.do(qualifications.grant, person, "trade").args["until"] == "2027-11-23"
    assert shop.do(qualifications.grant, person, "other").reason == "needs_date"
    assert shop.do(qualifications.grant, person, "other", until=date(2026, 12, 1)).done
    assert shop.do(qualifications.grant, person, "other", until=date(2027, 1, 1)).done
    with reading(shop.engine) as session:
        mine = [q for q in qualifications.held(session) if q.person == person]
        assert [(q.qualification, q.valid_until) for q in mine] == [("other", "2027-01-01"), ("trade", "2027-11-23")]
        assert [q.qualification for q in qualifications.ending(mine, "2026-11-25")] == ["other"]
    assert agrees(shop, tmp_path)


def test_only_what_the_plan_names_is_granted_and_only_what_is_held_withdrawn(shop: Floor) -> None:
    person, _badge = hire(shop)
    assert shop.do(qualifications.grant, person, "juggling").reason == "unknown_qualification"
    assert shop.do(qualifications.grant, "P-NOBODY", "trade").reason == "unknown_person"
    assert shop.do(qualifications.withdraw, person, "trade").reason == "qualification_not_held"
    assert shop.do(qualifications.grant, person, "trade").done
    assert shop.do(qualifications.withdraw, person, "trade", why="x").done
    with reading(shop.engine) as session:
        assert session.get_one(Qualification, (person, "trade")).state == "withdrawn"


# --- the gate ---------------------------------------------------------------------------------------------------------


def signs_in(shop: Floor, badge: str, *, asks: bool) -> wire.IngestResult:
    bench = shop.bench("b1")
    bench.operator = badge
    (result,) = shop.send(bench, bench.event("OperatorActivated", asks=asks))
    return result


@pytest.mark.parametrize(("asks", "verdict"), [(True, "refused"), (False, "held")])
def test_an_unknown_or_ended_badge_does_not_sign_in(shop: Floor, tmp_path: Path, asks: bool, verdict: str) -> None:
    _person, badge = hire(shop)
    assert signs_in(shop, badge, asks=asks).reason == "welcome"
    assert shop.do(badges.end, badge).done
    bench = shop.bench("b1")
    shop.send(bench, bench.event("OperatorDeactivated"))
    for other, reason in ((badge, "badge_ended"), ("STRANGER", "unknown_badge")):
        result = signs_in(shop, other, asks=asks)
        assert (result.verdict, result.reason) == (verdict, reason)
    with reading(shop.engine) as session:
        assert not session.get_one(StationRow, "b1").signed_in
    assert agrees(shop, tmp_path)


def test_the_gate_asks_for_the_qualification_until_it_is_granted(shop: Floor, tmp_path: Path) -> None:
    person, badge = hire(shop)
    bench = shop.bench("b1")
    bench.operator = badge
    asked = [bench.arrive(UNIT, "fit")]
    assert [r.reason for r in shop.send(bench, *asked)] == ["not_qualified"]
    shop.do(qualifications.grant, person, "trade", until=date(2026, 11, 22))
    assert [r.reason for r in shop.send(bench, bench.arrive(UNIT, "fit"))] == ["qualification_expired"]
    shop.do(qualifications.grant, person, "trade", until=date(2026, 11, 23))
    assert [r.reason for r in shop.send(bench, bench.arrive(UNIT, "fit"))] == ["unit_arrived"]
    assert shop.do(qualifications.withdraw, person, "trade").done
    (fitted,) = shop.send(bench, bench.fit(UNIT, "BAT", serial="1"))
    assert (fitted.verdict, fitted.reason) == ("refused", "not_qualified")
    assert agrees(shop, tmp_path)


def test_a_fact_without_the_qualification_is_recorded_and_holds_the_unit(shop: Floor, tmp_path: Path) -> None:
    _person, badge = hire(shop)
    bench = shop.bench("b1")
    shop.send(bench, bench.arrive(UNIT, "fit"))
    bench.operator = badge
    (fitted,) = shop.send(bench, bench.fit(UNIT, "BAT", serial="1", asks=False))
    assert (fitted.verdict, fitted.reason) == ("held", "contradiction")
    with reading(shop.engine) as session:
        (nc,) = session.scalars(select(Nonconformity)).all()
        assert json.loads(nc.detail)["why"] == "not_qualified"
    assert agrees(shop, tmp_path)


def test_a_step_that_asks_for_nothing_is_done_by_anybody(shop: Floor) -> None:
    first, second = shop.bench("b1"), shop.bench("b2")
    work = [first.arrive(UNIT, "fit"), first.fit(UNIT, "BAT", serial="1")]
    work += [first.fit(UNIT, "FUSE", lot="1"), first.fit(UNIT, "FUSE", lot="1"), first.done(UNIT, "fit")]
    assert {r.verdict for r in shop.send(first, *work)} == {"accepted"}
    _person, second.operator = hire(shop)
    results = shop.send(second, second.arrive(UNIT, "test"), second.test(UNIT, 3.0))
    assert [r.reason for r in results] == ["unit_arrived", "test_passed"]


def test_counted_work_asks_for_the_qualification_too(shop: Floor, tmp_path: Path) -> None:
    _person, badge = hire(shop)
    bench = shop.bench("p1")
    bench.operator = badge
    body = {"order": "OF-2", "step": "bag", "good": 5, "scrap": []}
    asked, done = bench.event("WorkCompleted", asks=True, **body), bench.event("WorkCompleted", **body)
    results = shop.send(bench, asked, done)
    assert [(r.verdict, r.reason) for r in results] == [("refused", "not_qualified"), ("held", "not_qualified")]
    assert agrees(shop, tmp_path)


def test_a_station_is_told_the_good_badges_and_no_person(shop: Floor) -> None:
    person, badge = hire(shop)
    shop.do(qualifications.grant, person, "trade", until=date(2027, 1, 1))
    shop.do(badges.end, OPERATOR)
    with reading(shop.engine) as session:
        told = floor.changes(session, 0, "b1")
    assert told.badges == (wire.FloorBadge(id=badge, language="en", until={"trade": "2027-01-01"}),)
    assert person not in told.model_dump_json()
    assert PERSON not in told.model_dump_json()


# --- the command line -------------------------------------------------------------------------------------------------


ENV = {"MES_LANG": "en"}


@pytest.fixture
def console(tmp_path: Path) -> Iterator[tuple[Floor, str]]:
    """A floor on a SQLite file, and its address for commands."""
    url = f"sqlite:///{tmp_path / 'atelier.db'}"
    made = Floor(url, skilled_plan())
    yield made, url
    made.close()


def run(url: str, *arguments: str) -> str:
    done = CliRunner().invoke(main, [*arguments, "--database", url], env=ENV)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_badges_and_qualifications_by_command(console: tuple[Floor, str], tmp_path: Path) -> None:
    shop, database_url = console
    (made,) = json.loads(run(database_url, "badge", "issue", "--name", "Maëlle", "--json"))
    assert made["code"] == badges.code_of(made["badge"])
    run(database_url, "qualification", "grant", made["person"], "-q", "trade", "--until", "2026-12-01")
    listed = json.loads(run(database_url, "qualification", "list", "--json"))
    mine = {"person": made["person"], "qualification": "trade", "valid_until": "2026-12-01"}
    assert mine in listed
    assert "Maëlle" in run(database_url, "badge", "list")
    assert "Maëlle" in run(database_url, "qualification", "list")
    run(database_url, "qualification", "withdraw", made["person"], "trade")
    run(database_url, "badge", "end", made["badge"], "--why", "lost")
    assert made["badge"] not in run(database_url, "badge", "list", "--json")
    assert made["badge"] in run(database_url, "badge", "list", "--json", "--all")
    assert agrees(shop, tmp_path)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 121])
def test_a_name_that_cannot_be_kept_is_refused_with_a_sentence(console: tuple[Floor, str], name: str) -> None:
    shop, database_url = console
    done = CliRunner().invoke(main, ["badge", "issue", "--name", name, "--database", database_url], env=ENV)
    assert done.exit_code == 1
    assert "This name cannot be kept." in done.stderr
    with reading(shop.engine) as session:
        assert [b.id for b in session.scalars(select(Badge))] == [OPERATOR]


def test_a_command_gives_all_badges_or_none(console: tuple[Floor, str]) -> None:
    shop, database_url = console
    wanted = ["badge", "issue", "--name", "Bob", "P-NOBODY", "--database", database_url]
    done = CliRunner().invoke(main, wanted, env=ENV)
    assert "P-NOBODY" in done.stderr
    with reading(shop.engine) as session:
        assert [b.id for b in session.scalars(select(Badge))] == [OPERATOR]
