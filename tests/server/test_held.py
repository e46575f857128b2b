"""What is held on one person: all of it, to the person, and nothing that is counted or timed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import accounts, badges, forgetting, held, orders, people, qualifications, sessions
from mes.cli import main
from mes.commands_ledger import verify_engine
from mes.db.base import Base
from mes.db.session import reading, writing
from mes.db.tables import Ledger
from tests.server.bench import Floor
from tests.server.test_badges import skilled_plan

UNIT = "GEN-2648-00001"
NAME = "Maëlle Le Goff"


@pytest.fixture
def shop(database_url: str) -> Iterator[Floor]:
    made = Floor(database_url, skilled_plan())
    made.order("GEN", 2)
    yield made
    made.close()


def hired(shop: Floor) -> tuple[str, str]:
    """Somebody with a name, an account that is signed in, a badge, a qualification; who has worked and decided."""
    now = shop.clock.now
    with writing(shop.engine) as session:
        answer = accounts.add(session, NAME, "maelle", ["supervisor"], "HASH", language="fr", now=now)
        row = accounts.find(session, "maelle")
        assert answer.done
        assert row is not None
        badge = str(badges.issue(session, row.person, now=now).args["badge"])
        qualifications.grant(session, row.person, "trade", now=now)
        assert sessions.begin(session, row.person, "HASH", now=now)
        person = row.person
    bench = shop.bench("b1")
    bench.operator = badge
    shop.send(bench, bench.event("OperatorActivated"), bench.arrive(UNIT, "fit"), bench.fit(UNIT, "BAT", serial="1"))
    shop.do(orders.hold, "OF-1", why="x", actor=person)
    return person, badge


def parts(shop: Floor, person: str) -> dict[str, tuple[Any, ...]]:
    with reading(shop.engine) as session:
        return {part.id: part.rows for part in held.read(session, person)}


def test_everything_about_a_person_is_there(shop: Floor) -> None:
    person, badge = hired(shop)
    found = parts(shop, person)
    assert found["name"][0]["name"] == NAME
    assert (found["account"][0]["login"], found["account"][0]["roles"]) == ("maelle", "supervisor")
    assert len(found["sessions"]) == 1
    assert [row["id"] for row in found["badges"]] == [badge]
    assert [row["qualification"] for row in found["qualifications"]] == ["trade"]
    assert [(r["kind"], r["station"], r["thing"], r["as"]) for r in found["floor"]] == [
        ("OperatorActivated", "b1", "", badge),
        ("UnitsArrived", "b1", UNIT, badge),
        ("MaterialsInstalled", "b1", UNIT, badge),
    ]
    assert {"PersonAdded", "BadgeIssued", "QualificationGranted"} <= {r["kind"] for r in found["office"]}
    assert [r["by"] for r in found["office"] if r["kind"] == "OrderHeld"] == ["self"]


def test_no_table_knows_the_person_beside_what_is_printed(shop: Floor) -> None:
    """A table that comes to hold something of a person must add its reader to `held.SOURCES`."""
    person, badge = hired(shop)
    holding = set()
    with reading(shop.engine) as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(table.select()):
                if any(isinstance(v, str) and (person in v or badge in v or NAME in v) for v in row):
                    holding.add(table.name)
    assert holding <= {
        "person",
        "account",
        "account_role",
        "web_session",
        "badge",
        "qualification",
        "override",
        "ledger",
    }


def test_neither_secrets_nor_anything_counted_is_printed(shop: Floor) -> None:
    person, _ = hired(shop)
    text = json.dumps(parts(shop, person))
    assert "HASH" not in text
    fields = {name for rows in parts(shop, person).values() for row in rows for name in row}
    assert fields <= set(held.FIELDS)
    assert not {f for f in fields if any(w in f for w in ("count", "duration", "seconds", "total", "rate", "rank"))}


def test_nothing_of_somebody_else_is_printed(shop: Floor) -> None:
    person, _ = hired(shop)
    with writing(shop.engine) as session:
        other = people.add(session, "Zoé Kerbrat", "fr", now=shop.clock.now)
        badge = str(badges.issue(session, other, now=shop.clock.now).args["badge"])
    text = json.dumps(parts(shop, person), ensure_ascii=False)
    assert not {x for x in ("Kerbrat", other, badge) if x in text}


def test_asking_is_written_down_and_the_replay_agrees(shop: Floor, tmp_path: Path) -> None:
    person, _ = hired(shop)
    assert shop.do(held.ask, person, actor="P-CHIEF").done
    with reading(shop.engine) as session:
        row = session.scalars(select(Ledger).where(Ledger.kind == "PersonalDataPrinted")).one()
        assert (row.operator, json.loads(row.body)) == ("P-CHIEF", {"person": person})
    assert verify_engine(shop.engine, tmp_path)[1] == []
    assert "PersonalDataPrinted" in {r["kind"] for r in parts(shop, person)["office"]}


def test_nobody_is_asked_about_whom_no_table_knows(shop: Floor) -> None:
    answer = shop.do(held.ask, "P-NOBODY")
    assert (answer.done, answer.reason) == (False, "unknown_person")


def test_who_is_erased_can_still_ask_and_is_told_that_there_is_no_name(shop: Floor) -> None:
    person, badge = hired(shop)
    shop.do(people.erase, person)
    assert shop.do(held.ask, person).done
    found = parts(shop, person)
    assert (found["name"], found["account"], found["sessions"]) == ((), (), ())
    assert [(b["id"], b["state"]) for b in found["badges"]] == [(badge, "ended")]


def test_generalised_events_are_no_more_of_the_person(shop: Floor) -> None:
    person, _ = hired(shop)
    shop.clock.tick(100 * 86_400)

    def write(use_case: Callable[[Session, datetime], int]) -> int:
        with writing(shop.engine) as session:
            return use_case(session, shop.clock.tick())

    assert forgetting.generalise(shop.engine, write, now=shop.clock.now, days=90) == 3
    assert parts(shop, person)["floor"] == ()


def test_the_command_prints_it_for_people_and_for_programs(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'atelier.db'}"
    shop = Floor(url, skilled_plan())
    shop.order("GEN", 2)
    person, badge = hired(shop)
    shop.close()
    said = CliRunner().invoke(main, ["people", "show", person, "--database", url])
    assert said.exit_code == 0, said.output
    assert {x for x in (NAME, "maelle", badge, UNIT) if x in said.output} == {NAME, "maelle", badge, UNIT}
    read = CliRunner().invoke(main, ["people", "show", person, "--json", "--database", url])
    assert list(json.loads(read.output)) == [source.id for source in held.SOURCES]
    assert CliRunner().invoke(main, ["people", "show", "P-NOBODY", "--database", url]).exit_code == 1
