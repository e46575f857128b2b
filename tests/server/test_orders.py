"""Work orders in the ledger: changed, split, held and closed; the replay gives the same rows, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from mes import order_history, orders, wire
from mes.commands_ledger import verify_engine
from mes.db.session import reading
from mes.db.tables import Ledger, UnitRow, WorkOrder
from tests.server.bench import Floor
from tests.server.small_plan import small_plan


@pytest.fixture
def floor(database_url: str, tmp_path: Path) -> Iterator[Floor]:
    """A floor with a released order of three; at the end the replay must agree."""
    made = Floor(database_url, small_plan(retests=0))
    made.order("GEN", 3)
    yield made
    assert verify_engine(made.engine, tmp_path)[1] == []
    made.close()


def row(floor: Floor, order: str = "OF-1") -> WorkOrder:
    with reading(floor.engine) as session:
        found = session.get_one(WorkOrder, order)
        session.expunge(found)
        return found


def units(floor: Floor, order: str = "OF-1") -> dict[str, str]:
    """Last figures of the serial → state."""
    with reading(floor.engine) as session:
        rows = session.scalars(select(UnitRow).where(UnitRow.order == order).order_by(UnitRow.serial)).all()
        return {r.serial[-1]: r.state for r in rows}


def serial(n: int) -> str:
    return f"GEN-2648-{n:05}"


def arrive(floor: Floor, n: int) -> wire.IngestResult:
    b = floor.bench("b1")
    (result,) = floor.send(b, b.arrive(serial(n), "fit"))
    return result


def scrap(floor: Floor, n: int) -> None:
    b = floor.bench("b1")
    floor.send(b, b.event("UnitsDisqualified", unit=serial(n), step="fit"))


def begin(floor: Floor, n: int) -> None:
    b1 = floor.bench("b1")
    floor.send(b1, b1.arrive(serial(n), "fit"), b1.fit(serial(n), "BAT", serial=str(n)))
    floor.send(b1, *(b1.fit(serial(n), "FUSE", lot="7") for _ in range(2)), b1.done(serial(n), "fit"))


def finish(floor: Floor, n: int) -> None:
    begin(floor, n)
    b2, b3 = floor.bench("b2"), floor.bench("b3")
    floor.send(b2, b2.arrive(serial(n), "test"), b2.test(serial(n), 3.0), b2.done(serial(n), "test"))
    floor.send(b3, b3.arrive(serial(n), "look"), b3.look(serial(n)), b3.done(serial(n), "look"))


def test_more_pieces_get_the_next_serials_and_the_ledger_says_who_and_why(floor: Floor) -> None:
    assert floor.do(orders.amend, "OF-1", quantity=5, why="customer asked", actor="P-PLAN").done
    assert units(floor) == dict.fromkeys("12345", "reserved")
    assert (row(floor).quantity, row(floor).open_units) == (5, 5)
    with reading(floor.engine) as session:
        entry = session.execute(select(Ledger.operator, Ledger.body).where(Ledger.kind == "OrderAmended")).one()
    assert entry.operator == "P-PLAN"
    assert "customer asked" in entry.body


def test_fewer_pieces_take_away_only_what_has_not_begun_and_keep_it_on_record(floor: Floor) -> None:
    arrive(floor, 3)
    assert floor.do(orders.amend, "OF-1", quantity=2, why="less").done
    assert units(floor) == {"1": "reserved", "2": "withdrawn", "3": "in_work"}
    refused = floor.do(orders.amend, "OF-1", quantity=1, why="less")
    assert refused.done
    assert units(floor) == {"1": "withdrawn", "2": "withdrawn", "3": "in_work"}
    scrap(floor, 3)
    assert (row(floor).state, row(floor).open_units) == ("completed", 0)


def test_no_more_can_go_than_have_not_begun(floor: Floor) -> None:
    begin(floor, 1)
    begin(floor, 2)
    floor.do(orders.amend, "OF-1", quantity=2, why="less")
    answer = floor.do(orders.amend, "OF-1", quantity=1, why="less")
    assert (answer.done, answer.reason, answer.args["count"]) == (False, "order_too_few_free", 0)


def test_a_piece_that_was_taken_out_is_refused_at_the_bench_and_a_fact_on_it_is_held(floor: Floor) -> None:
    floor.do(orders.amend, "OF-1", quantity=2, why="less")
    assert (arrive(floor, 3).verdict, arrive(floor, 3).reason) == ("refused", "unit_withdrawn")
    b = floor.bench("b1")
    (fact,) = floor.send(b, b.arrive(serial(3), "fit", asks=False))
    assert (fact.verdict, fact.reason) == ("held", "unit_withdrawn")
    assert units(floor)["3"] == "withdrawn"


def test_an_order_that_is_cut_down_to_what_is_finished_is_completed(floor: Floor) -> None:
    finish(floor, 1)
    assert row(floor).state == "in_work"
    floor.do(orders.amend, "OF-1", quantity=1, why="that is enough")
    assert row(floor).state == "completed"
    assert floor.let_go().done
    assert floor.do(orders.close, "OF-1").done


def test_what_is_not_given_stays_and_an_empty_date_is_taken_away(floor: Floor) -> None:
    floor.do(orders.amend, "OF-1", due=date(2026, 12, 1), reference="PO-9", priority=1, why="x")
    floor.do(orders.amend, "OF-1", customer="Breizh", due="", why="x")
    found = row(floor)
    assert (found.customer, found.reference, found.priority, found.due) == ("Breizh", "PO-9", 1, None)
    assert floor.do(orders.amend, "OF-1", priority=1, why="x").reason == "order_unchanged"


def test_a_split_takes_serials_along_and_both_orders_go_on(floor: Floor) -> None:
    begin(floor, 1)
    assert floor.do(orders.split, "OF-1", "OF-1B", 1, why="two dates", due=date(2026, 12, 1)).done
    assert units(floor) == {"1": "waiting", "2": "reserved"}
    assert units(floor, "OF-1B") == {"3": "reserved"}
    new, old = row(floor, "OF-1B"), row(floor)
    assert (new.state, new.quantity, new.open_units) == ("released", 1, 1)
    assert (new.due, new.split_from) == ("2026-12-01", "OF-1")
    assert (old.state, old.quantity, old.open_units) == ("in_work", 2, 2)
    assert arrive(floor, 3).verdict == "accepted"
    assert row(floor, "OF-1B").state == "in_work"


def test_a_split_takes_no_more_than_have_not_begun_and_leaves_one(floor: Floor) -> None:
    assert floor.do(orders.split, "OF-1", "OF-1B", 3, why="x").args["count"] == 2
    begin(floor, 1)
    begin(floor, 2)
    assert floor.do(orders.split, "OF-1", "OF-1B", 2, why="x").reason == "order_too_few_free"
    assert floor.do(orders.split, "OF-1", "OF-1", 1, why="x").reason == "order_exists"


def test_a_planned_order_can_be_split_and_changed_before_it_has_serials(floor: Floor) -> None:
    floor.order("GEN", 10, order="OF-2", release=False)
    assert floor.do(orders.split, "OF-2", "OF-3", 4, why="x").done
    assert (row(floor, "OF-2").quantity, row(floor, "OF-3").quantity) == (6, 4)
    assert (row(floor, "OF-2").state, row(floor, "OF-3").state) == ("planned", "planned")
    assert floor.do(orders.release, "OF-3").done
    assert len(units(floor, "OF-3")) == 4


def test_a_counted_order_is_cut_no_lower_than_what_its_first_step_has_counted(floor: Floor) -> None:
    floor.order("KIT", 100, order="OF-2")
    p1, p2 = floor.bench("p1"), floor.bench("p2")
    floor.send(p1, p1.event("WorkCompleted", order="OF-2", step="bag", good=60, asks=True))
    assert floor.do(orders.amend, "OF-2", quantity=59, why="x").args["count"] == 40
    assert floor.do(orders.split, "OF-2", "OF-3", 30, why="x").done
    assert floor.do(orders.amend, "OF-2", quantity=60, why="x").done
    assert (row(floor, "OF-2").open_units, row(floor, "OF-3").open_units) == (60, 30)
    floor.send(p2, p2.event("WorkCompleted", order="OF-2", step="box", good=60, asks=True))
    assert row(floor, "OF-2").state == "completed"
    assert floor.let_go("OF-2").done
    assert floor.do(orders.close, "OF-2").done


def test_a_held_order_goes_back_to_the_state_that_the_hold_interrupted(floor: Floor) -> None:
    floor.do(orders.hold, "OF-1", why="wait")
    floor.do(orders.resume, "OF-1")
    assert row(floor).state == "released"
    arrive(floor, 1)
    floor.do(orders.hold, "OF-1", why="wait")
    floor.do(orders.resume, "OF-1")
    assert row(floor).state == "in_work"


def test_a_held_order_whose_last_unit_goes_is_completed_when_it_is_resumed(floor: Floor) -> None:
    for n in (1, 2, 3):
        arrive(floor, n)
        if n == 3:
            floor.do(orders.hold, "OF-1", why="wait")
        scrap(floor, n)
    assert row(floor).state == "on_hold"
    floor.do(orders.resume, "OF-1")
    assert row(floor).state == "completed"


def test_a_hold_of_the_first_version_is_still_understood(floor: Floor) -> None:
    body = wire.OrderChanged(order="OF-1", why="old")
    assert floor.do(lambda s, *, now: orders.request(s, "OrderHeld", body, now=now, actor=None)).done
    floor.do(orders.resume, "OF-1")
    assert row(floor).state == "in_work"


def test_closing_lists_everything_that_stands_against_it(floor: Floor) -> None:
    arrive(floor, 1)
    with reading(floor.engine) as session:
        found = orders.against_closing(session, "OF-1")
    assert [(a.reason, a.args["count"]) for a in found] == [("close_not_begun", 2), ("close_in_work", 1)]


def test_an_order_with_missing_pieces_is_closed_by_quality_alone_and_with_a_reason(floor: Floor) -> None:
    finish(floor, 1)
    for n in (2, 3):
        arrive(floor, n)
        scrap(floor, n)
    assert row(floor).state == "completed"
    assert floor.let_go().done
    assert floor.do(orders.close, "OF-1", why="customer agrees").reason == "close_missing"
    assert floor.do(orders.close, "OF-1", waive=True).reason == "close_missing"
    assert floor.do(orders.close, "OF-1", waive=True, why="customer agrees", actor="P-Q").done
    with reading(floor.engine) as session:
        body = session.scalars(select(Ledger.body).where(Ledger.kind == "OrderClosed")).one()
    assert "close_missing" in body


def test_an_open_nonconformity_keeps_an_order_open_whoever_asks(floor: Floor) -> None:
    finish(floor, 1)
    finish(floor, 2)
    begin(floor, 3)
    b2 = floor.bench("b2")
    floor.send(b2, b2.arrive(serial(3), "test"), b2.test(serial(3), 9.0))
    floor.send(b2, b2.event("UnitsDisqualified", unit=serial(3), step="test"))
    answer = floor.do(orders.close, "OF-1", waive=True, why="x")
    assert (answer.done, answer.reason) == (False, "close_nc_open")


def test_a_closed_order_can_be_neither_changed_nor_split(floor: Floor) -> None:
    for n in (1, 2, 3):
        finish(floor, n)
    assert floor.let_go().done
    assert floor.do(orders.close, "OF-1").done
    assert floor.do(orders.amend, "OF-1", quantity=9, why="x").reason == "order_state"
    assert floor.do(orders.split, "OF-1", "OF-2", 1, why="x").reason == "order_state"


def test_the_history_of_an_order_has_each_transition_who_decided_and_what_the_floor_brought(floor: Floor) -> None:
    begin(floor, 1)
    floor.do(orders.hold, "OF-1", why="no cables", actor="P-boss")
    assert not floor.do(orders.hold, "OF-1", why="again", actor="P-boss").done
    floor.do(orders.resume, "OF-1", why="", actor="P-boss")
    floor.do(orders.split, "OF-1", "OF-2", 2, why="two dates", actor="P-boss")
    finish(floor, 1)
    with reading(floor.engine) as session:
        told = order_history.of_order(session, "OF-1")
        new = order_history.of_order(session, "OF-2")
    assert [(t.kind, t.state, t.by) for t in told] == [
        ("OrderCreated", "planned", ""),
        ("OrderReleased", "released", ""),
        ("UnitsArrived", "in_work", ""),
        ("OrderHeld", "on_hold", "P-boss"),
        ("OrderResumed", "in_work", "P-boss"),
        ("OrderSplit", "in_work", "P-boss"),
        ("WorkCompleted", "completed", ""),
    ]
    assert [t.floor for t in told] == [False, False, True, False, False, False, True]
    assert told[3].said["why"] == "no cables"
    assert all(t.said == {} for t in told if t.floor), "what a bench has said stays in the unit's record"
    assert [(t.kind, t.state) for t in new] == [("OrderSplit", "released")]
