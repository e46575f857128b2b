"""A unit that has not passed its safety test is never energised: what the server makes of it, and of who decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from mes import quality, wire
from mes.commands_ledger import verify_engine
from mes.db.session import reading
from mes.db.tables import Nonconformity, UnitRow
from mes.domain.route import Plan, Step
from mes.floor import changes
from tests.server.bench import Bench, Floor
from tests.server.small_plan import small_plan

UNIT = "GEN-2648-00001"


def live_plan() -> Plan:
    """The small plan with its test first (the safety test), and a live test at b3 that stands on it."""
    plan = small_plan(retests=0)
    product = plan.products[0]
    _fit, safety, look = product.steps
    live = Step(**{**safety.model_dump(), "id": "live", "stations": ("b3",), "after": ("test",), "offline": "allow"})
    route = product.model_copy(update={"steps": (safety, live, look)})
    return plan.model_copy(update={"products": (route, *plan.products[1:])})


@pytest.fixture
def floor(database_url: str, tmp_path: Path) -> Iterator[Floor]:
    """A floor with one unit; at the end the ledger must verify."""
    made = Floor(database_url, live_plan())
    made.order("GEN", 1)
    yield made
    assert verify_engine(made.engine, tmp_path)[1] == []
    made.close()


def said(floor: Floor, bench: Bench, *events: wire.Envelope) -> list[tuple[str | None, str]]:
    return [(r.verdict, r.reason) for r in floor.send(bench, *events)]


def unit(floor: Floor) -> UnitRow:
    with reading(floor.engine) as session:
        row = session.get_one(UnitRow, UNIT)
        session.expunge(row)
        return row


def newest_nc(floor: Floor) -> str:
    with reading(floor.engine) as session:
        return session.scalars(select(Nonconformity.id).order_by(Nonconformity.id.desc())).first() or ""


def passed_safety(floor: Floor) -> None:
    b2 = floor.bench("b2")
    assert [v for v, _ in said(floor, b2, b2.arrive(UNIT, "test"), b2.test(UNIT, 3.0), b2.done(UNIT, "test"))] == [
        "accepted"
    ] * 3


def failed_safety(floor: Floor) -> None:
    b2 = floor.bench("b2")
    floor.send(b2, b2.arrive(UNIT, "test"))
    assert said(floor, b2, b2.test(UNIT, 9.0)) == [("held", "test_failed")]


def test_a_unit_that_passed_its_safety_test_is_let_in_at_the_live_step(floor: Floor) -> None:
    passed_safety(floor)
    assert unit(floor).results == '{"test":"passed"}'
    b3 = floor.bench("b3")
    assert said(floor, b3, b3.arrive(UNIT, "live"), b3.test(UNIT, 3.0, step="live")) == [
        ("accepted", "unit_arrived"),
        ("accepted", "test_passed"),
    ]


def test_a_unit_that_comes_to_the_live_bench_first_is_told_not_to_be_switched_on(floor: Floor) -> None:
    b3 = floor.bench("b3")
    assert said(floor, b3, b3.arrive(UNIT, "live")) == [("refused", "safety_first")]


def test_an_offline_bench_that_tested_all_the_same_leaves_a_record_and_a_held_unit(floor: Floor) -> None:
    b3 = floor.bench("b3")
    assert said(floor, b3, b3.arrive(UNIT, "live", asks=False)) == [("held", "contradiction")]
    assert said(floor, b3, b3.test(UNIT, 3.0, step="live")) == [("held", "safety_first")]
    assert unit(floor).nc == newest_nc(floor)


def test_that_a_failed_unit_is_not_confirmed_only_lets_it_try_the_safety_test_again(floor: Floor) -> None:
    failed_safety(floor)
    assert floor.do(quality.decide, newest_nc(floor), "not_confirmed").done
    assert (unit(floor).step, unit(floor).results) == ("test", "{}")
    b3 = floor.bench("b3")
    assert said(floor, b3, b3.arrive(UNIT, "live")) == [("refused", "safety_first")]
    passed_safety(floor)
    assert said(floor, b3, b3.arrive(UNIT, "live")) == [("accepted", "unit_arrived")]


@pytest.mark.parametrize("step", ["live", None])
def test_a_unit_whose_safety_test_failed_later_is_sent_nowhere_else(floor: Floor, step: str | None) -> None:
    passed_safety(floor)
    b2 = floor.bench("b2")
    assert said(floor, b2, b2.test(UNIT, 9.0)) == [("held", "contradiction")]
    assert unit(floor).results == '{"test":"failed"}'
    answer = floor.do(quality.decide, newest_nc(floor), "rework", step=step)
    if step is None:
        assert (answer.done, unit(floor).step) == (True, "test")
        return
    assert (answer.done, answer.reason, unit(floor).step) == (False, "safety_first", "live")
    assert floor.do(quality.decide, newest_nc(floor), "not_confirmed").done
    assert unit(floor).step == "test"


def test_a_station_is_told_what_it_needs_to_refuse_alone(floor: Floor) -> None:
    failed_safety(floor)
    with reading(floor.engine) as session:
        (told,) = changes(session, 0, "b3").units
    assert told.results == {"test": "failed"}
