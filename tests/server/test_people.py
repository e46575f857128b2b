"""People: a name stands in one table, the ledger knows its pseudonym, and erasing it leaves the ledger valid."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from mes import people
from mes.commands_ledger import verify_engine
from mes.db.session import reading, writing
from mes.db.tables import Ledger, Person
from tests.server.bench import Floor
from tests.server.small_plan import small_plan

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def test_a_name_is_in_no_ledger_row_and_can_be_erased(database_url: str, tmp_path: Path) -> None:
    floor = Floor(database_url, small_plan())
    with writing(floor.engine) as session:
        person = people.add(session, "Maëlle Le Goff", "fr", now=NOW)
    with reading(floor.engine) as session:
        assert session.get_one(Person, person).name == "Maëlle Le Goff"
        assert not [row for row in session.scalars(select(Ledger)) if "Goff" in row.body + row.args]
    with writing(floor.engine) as session:
        assert people.erase(session, person, now=NOW).done
    with reading(floor.engine) as session:
        assert session.get(Person, person) is None
    assert verify_engine(floor.engine, tmp_path)[1] == []
    floor.close()


def test_an_unknown_person_cannot_be_erased(database_url: str) -> None:
    floor = Floor(database_url, small_plan())
    with writing(floor.engine) as session:
        assert people.erase(session, "P-NOBODY", now=NOW).reason == "unknown_person"
    floor.close()
