"""Units that bear their serial already, taken into an order by scan: unique for ever, no more than the order asks for,
taken back while nothing was done; facts from a bench without network are recorded and looked at."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mes import orders
from mes.board import progress
from mes.commands_ledger import verify_engine
from mes.db.session import reading
from mes.db.tables import Nonconformity, UnitRow, WorkOrder
from mes.domain.route import Plan
from tests.server.bench import START, Floor
from tests.server.small_plan import small_plan

ONE, TWO, THREE = "PF3A0B1C", "PF3A0B2D", "PF3A0B3E"


def scan_plan() -> Plan:
    plan = small_plan(retests=0)
    products = tuple(
        p.model_copy(update={"serial": None, "serial_scan": "PF[0-9A-Z]{6}"}) if p.tracking == "serial" else p
        for p in plan.products
    )
    return plan.model_copy(update={"products": products})


@pytest.fixture
def floor(database_url: str, tmp_path: Path) -> Iterator[Floor]:
    """A floor with a released order of two; at the end the replay must agree."""
    made = Floor(database_url, scan_plan())
    made.order("GEN", 2)
    yield made
    assert verify_engine(made.engine, tmp_path)[1] == []
    made.close()


def take_in(floor: Floor, serial: str, *, order: str = "OF-1", asks: bool = True, station: str = "b1") -> Any:
    b = floor.bench(station)
    (result,) = floor.send(b, b.event("UnitsInitialized", order=order, unit=serial, step="fit", scan=serial, asks=asks))
    return result


def units(floor: Floor) -> dict[str, tuple[str, str, bool]]:
    with reading(floor.engine) as session:
        return {u.serial: (u.order, u.state, u.nc is not None) for u in session.scalars(select(UnitRow))}


def scanned(floor: Floor, order: str = "OF-1") -> int | None:
    with reading(floor.engine) as session:
        return session.get_one(WorkOrder, order).scanned


def test_a_release_makes_no_units_and_each_scan_makes_one_that_arrives_in_the_same_breath(floor: Floor) -> None:
    assert (units(floor), scanned(floor)) == ({}, 0)
    b = floor.bench("b1")
    made, came = floor.send(
        b,
        b.event("UnitsInitialized", order="OF-1", unit=ONE, step="fit", scan=ONE, asks=True),
        b.arrive(ONE, "fit"),
    )
    assert (made.verdict, made.reason, came.reason) == ("accepted", "unit_initialised", "unit_arrived")
    assert units(floor) == {ONE: ("OF-1", "in_work", False)}
    with reading(floor.engine) as session:
        found = progress(session, scan_plan(), ["OF-1"], today=START.date())["OF-1"]
    assert (found.to_start, found.in_work) == (1, 1)


@pytest.mark.parametrize(
    ("serial", "order", "station", "reason"),
    [
        (ONE, "OF-1", "b1", "serial_known"),
        ("B-17", "OF-1", "b1", "serial_not_like"),
        (THREE, "OF-0", "b1", "unknown_order"),
        (THREE, "OF-1", "b2", "order_not_here"),
        (THREE, "OF-9", "b1", "serials_made"),
    ],
)
def test_what_may_not_be_taken_in_is_refused_with_a_reason_and_changes_nothing(
    floor: Floor, serial: str, order: str, station: str, reason: str
) -> None:
    floor.order("KIT", 5, order="OF-9")
    take_in(floor, ONE)
    before = units(floor)
    assert take_in(floor, serial, order=order, station=station).reason == reason
    assert units(floor) == before


def test_no_more_units_come_than_the_order_asks_for_and_a_larger_order_takes_more(floor: Floor) -> None:
    assert [take_in(floor, s).reason for s in (ONE, TWO, THREE)] == [
        "unit_initialised",
        "unit_initialised",
        "serials_full",
    ]
    assert floor.do(orders.amend, "OF-1", quantity=3, why="one more").done
    assert take_in(floor, THREE).reason == "unit_initialised"
    assert not floor.do(orders.amend, "OF-1", quantity=2, why="one less").done, "all three have begun"


def test_pieces_that_have_no_unit_yet_can_go_into_another_order(floor: Floor) -> None:
    take_in(floor, ONE)
    assert floor.do(orders.split, "OF-1", "OF-2", 1, why="two dates").done
    assert (take_in(floor, TWO).reason, take_in(floor, TWO, order="OF-2").reason) == (
        "serials_full",
        "unit_initialised",
    )
    assert (scanned(floor), scanned(floor, "OF-2")) == (1, 1)


def test_a_serial_is_one_units_only_when_two_benches_scan_it_at_once(database_url: str) -> None:
    floor = Floor(database_url, scan_plan(), twice=False)
    floor.order("GEN", 2)
    results: list[Any] = []
    benches = [floor.bench("b1"), type(floor.bench("b1"))("b1", floor.clock)]
    events = [b.event("UnitsInitialized", order="OF-1", unit=ONE, step="fit", scan=ONE, asks=True) for b in benches]
    threads = [
        threading.Thread(target=lambda b=b, e=e: results.extend(floor.send(b, e)))
        for b, e in zip(benches, events, strict=True)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert sorted(r.reason for r in results) == ["serial_known", "unit_initialised"]
    assert scanned(floor) == 1
    floor.close()


def test_a_fact_beyond_the_rules_is_recorded_and_its_unit_waits_for_somebody(floor: Floor) -> None:
    take_in(floor, ONE)
    take_in(floor, TWO)
    late = take_in(floor, THREE, asks=False)
    assert (late.verdict, late.reason) == ("held", "serials_full")
    assert units(floor)[THREE] == ("OF-1", "reserved", True)
    again = take_in(floor, ONE, asks=False)
    assert (again.verdict, again.reason) == ("held", "serial_known")
    assert units(floor)[ONE][2], "two things bear one number"
    with reading(floor.engine) as session:
        assert {n.cause for n in session.scalars(select(Nonconformity))} == {"contradiction"}


def test_undo_takes_a_unit_back_while_nothing_was_done_and_not_later(floor: Floor) -> None:
    take_in(floor, ONE)
    b = floor.bench("b1")
    floor.send(b, b.arrive(ONE, "fit"), b.event("UnitsDeparted", unit=ONE, step="fit", reason="undo"))
    (back,) = floor.send(b, b.event("UnitsWithdrawn", order="OF-1", unit=ONE, reason="undo"))
    assert (back.reason, units(floor)[ONE][1], scanned(floor)) == ("unit_taken_back", "withdrawn", 0)
    assert take_in(floor, ONE).reason == "unit_initialised", "the number is free again"
    floor.send(b, b.arrive(ONE, "fit"), b.fit(ONE, "BAT", serial="1"))
    (back,) = floor.send(b, b.event("UnitsWithdrawn", order="OF-1", unit=ONE, reason="undo"))
    assert (back.verdict, back.reason, scanned(floor)) == ("refused", "unit_begun", 1)


def test_closing_says_what_was_never_scanned(floor: Floor) -> None:
    take_in(floor, ONE)
    with reading(floor.engine) as session:
        said = {a.reason: a.args for a in orders.against_closing(session, "OF-1")}
    assert said["close_not_begun"]["count"] == 2, "one that was not scanned, one that has not arrived"
