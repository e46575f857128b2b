"""The audit: every kind of office row has its subject, and the filter gives the rows that fit, in pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from mes import audit, people, wire
from mes.db.session import reading, writing
from tests.server.bench import Floor
from tests.server.small_plan import small_plan

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


@pytest.fixture
def floor(database_url: str) -> Iterator[Floor]:
    """A floor on each database, with a hundred and twenty people taken in, one a minute."""
    made = Floor(database_url, small_plan())
    with writing(made.engine) as session:
        for n in range(120):
            people.add(session, f"Person {n}", "fr", now=NOW + timedelta(minutes=n), actor="P-CHIEF")
    yield made
    made.close()


def test_every_kind_of_office_row_has_one_subject() -> None:
    listed = Counter(kind for kinds in audit.SUBJECTS.values() for kind in kinds)
    assert set(listed) == {kind for kind, _v in wire.OFFICE_KINDS}
    assert set(listed.values()) == {1}


def test_pages_give_each_row_once_the_newest_first(floor: Floor) -> None:
    seen: list[audit.Entry] = []
    before = None
    with reading(floor.engine) as session:
        while True:
            page = audit.page(session, subjects=["people"], before=before)
            seen += [e for e in page.entries if e.who == "P-CHIEF"]
            if page.older is None:
                break
            assert len(page.entries) == audit.PAGE
            before = page.older
    assert len(seen) == 120
    assert [e.at for e in seen] == sorted((e.at for e in seen), reverse=True)
    assert {e.kind for e in seen} == {"PersonAdded"}


def test_the_days_of_the_filter_take_the_first_and_leave_out_the_last_moment(floor: Floor) -> None:
    with reading(floor.engine) as session:
        page = audit.page(
            session, subjects=["people"], since=NOW + timedelta(minutes=10), until=NOW + timedelta(minutes=20)
        )
    assert [e.at[14:16] for e in page.entries] == [str(n) for n in range(19, 9, -1)]


def test_what_happened_at_a_bench_is_not_in_it(floor: Floor) -> None:
    floor.order("GEN", 3)
    with reading(floor.engine) as session:
        kinds = {e.kind for e in audit.page(session, most=500).entries}
    assert "OrderReleased" in kinds
    assert not kinds & {kind for kind, _v in wire.FLOOR_KINDS if kind != "HelpAnswered"}
