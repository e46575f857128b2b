"""The sums behind yields: they say what the visits say; and the states of a station are kept as spans that touch."""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import func, select

from mes import quality
from mes.db.session import reading
from mes.db.tables import Spread, StationRow, StationSpan, StepDefect, StepOrder, StepQuarter, Visit, WorkOrder
from mes.domain import spread
from mes.domain.unit import seconds_between
from mes.rows import StepCounts
from tests.server.bench import Bench, Floor
from tests.server.small_plan import small_plan

ONE, TWO, THREE = (f"GEN-2648-{n:05}" for n in (1, 2, 3))


def of_step(floor: Floor, step: str) -> dict[str, int]:
    """What was counted at a step, over all hours; zeros are left out."""
    names = [f.name for f in fields(StepCounts)]
    with reading(floor.engine) as session:
        sums = session.execute(
            select(*[func.sum(getattr(StepQuarter, name)) for name in names]).where(StepQuarter.step == step)
        ).one()
        by_order = session.execute(
            select(*[func.sum(getattr(StepOrder, name)) for name in names]).where(StepOrder.step == step)
        ).one()
    assert list(sums) == list(by_order)
    return {name: int(value) for name, value in zip(names, sums, strict=True) if value and name != "took_ms"}


def fitted(floor: Floor, *units: str) -> None:
    b1 = floor.bench("b1")
    for unit in units:
        floor.send(b1, b1.arrive(unit, "fit"), b1.fit(unit, "BAT", serial=unit[-1]))
        floor.send(b1, b1.fit(unit, "FUSE", lot="7"), b1.fit(unit, "FUSE", lot="7"), b1.done(unit, "fit"))


def test_a_unit_counts_once_at_its_first_attempt_whatever_comes_after_it(database_url: str) -> None:
    floor = Floor(database_url, small_plan(retests=1))
    floor.order("GEN", 3)
    fitted(floor, ONE, TWO, THREE)
    b2 = floor.bench("b2")
    floor.send(b2, b2.arrive(ONE, "test"), b2.test(ONE, 3.0), b2.done(ONE, "test"))
    floor.send(b2, b2.arrive(TWO, "test"), b2.test(TWO, 9.0), b2.test(TWO, 3.0), b2.done(TWO, "test"))
    floor.send(b2, b2.arrive(THREE, "test"), b2.test(THREE, 9.0), b2.test(THREE, 9.0))
    floor.do(quality.decide, "NC-2026-0001", "rework")
    floor.send(b2, b2.arrive(THREE, "test"), b2.test(THREE, 3.0), b2.done(THREE, "test"))
    assert of_step(floor, "fit") == {"begun": 3, "first": 3, "first_passed": 3, "passed": 3, "timed": 3}
    assert of_step(floor, "test") == {
        "begun": 4,
        "first": 3,
        "first_passed": 1,
        "passed": 3,
        "failed": 1,
        "failures": 3,
        "defects": 1,
        "reworked": 1,
        "timed": 3,
    }
    with reading(floor.engine) as session:
        (defect,) = session.scalars(select(StepDefect)).all()
        assert (defect.day, defect.step, defect.defect, defect.found) == ("2026-11-23", "test", "test_failed", 1)
        visits = session.scalar(select(func.count()).select_from(Visit).where(Visit.result == "passed"))
        assert visits == session.scalar(select(func.sum(Spread.count)))
    floor.close()


def test_a_broken_bench_and_a_broken_off_run_judge_no_unit(database_url: str) -> None:
    floor = Floor(database_url, small_plan())
    floor.order("GEN", 1)
    fitted(floor, ONE)
    b2 = floor.bench("b2")
    nothing = {"test": "volt", "outcome": "error", "value": None, "unit": "V", "raw": ""}
    floor.send(b2, b2.arrive(ONE, "test"))
    floor.send(b2, b2.event("UnitsTested", unit=ONE, step="test", outcome="error", tests=[nothing]))
    floor.send(b2, b2.event("UnitsTested", unit=ONE, step="test", outcome="aborted", tests=[]))
    assert of_step(floor, "test") == {"begun": 1, "errors": 1, "aborted": 1}
    floor.send(b2, b2.test(ONE, 3.0), b2.done(ONE, "test"))
    assert of_step(floor, "test")["first_passed"] == 1
    floor.close()


def test_a_finished_unit_and_a_scrapped_one_are_counted_where_they_ended(database_url: str) -> None:
    floor = Floor(database_url, small_plan())
    floor.order("GEN", 2)
    fitted(floor, ONE, TWO)
    b2, b3 = floor.bench("b2"), floor.bench("b3")
    floor.send(b2, b2.arrive(ONE, "test"), b2.test(ONE, 3.0), b2.done(ONE, "test"))
    floor.send(b3, b3.arrive(ONE, "look"), b3.look(ONE), b3.done(ONE, "look"))
    floor.send(b2, b2.arrive(TWO, "test"), b2.test(TWO, 9.0), b2.test(TWO, 9.0))
    floor.do(quality.decide, "NC-2026-0001", "scrap")
    assert of_step(floor, "look") == {
        "begun": 1,
        "first": 1,
        "first_passed": 1,
        "passed": 1,
        "finished": 1,
        "timed": 1,
    }
    assert of_step(floor, "test")["scrapped"] == 1
    with reading(floor.engine) as session:
        (lead,) = session.scalars(select(Spread).where(Spread.step == "")).all()
        began, ended = session.execute(
            select(func.min(Visit.started_at), func.max(Visit.ended_at)).where(Visit.unit == ONE)
        ).one()
        assert (lead.bucket, lead.count) == (spread.bucket(seconds_between(began, ended) or 0), 1)
    floor.close()


def test_a_finished_unit_that_is_sent_back_is_open_again_until_it_is_finished_again(database_url: str) -> None:
    floor = Floor(database_url, small_plan())
    floor.order("GEN", 1)
    fitted(floor, ONE)
    b2, b3 = floor.bench("b2"), floor.bench("b3")

    def stands() -> tuple[str, int, bool]:
        with reading(floor.engine) as session:
            row = session.get_one(WorkOrder, "OF-1")
            return row.state, row.open_units, row.ended_at is not None

    def looked_at() -> None:
        floor.send(b3, b3.arrive(ONE, "look"), b3.look(ONE), b3.done(ONE, "look"))

    floor.send(b2, b2.arrive(ONE, "test"), b2.test(ONE, 3.0), b2.done(ONE, "test"))
    looked_at()
    assert stands() == ("completed", 0, True)
    floor.send(b2, b2.test(ONE, 9.0))  # against the record: the unit is held for a person to look at
    floor.do(quality.decide, "NC-2026-0001", "rework", step="test")
    assert stands() == ("in_work", 1, False)
    assert "finished" not in of_step(floor, "look")
    floor.send(b2, b2.arrive(ONE, "test"), b2.test(ONE, 3.0), b2.done(ONE, "test"))
    looked_at()
    assert stands() == ("completed", 0, True)
    assert of_step(floor, "look")["finished"] == 1
    floor.close()


def test_counted_pieces_are_summed_with_their_defects(database_url: str) -> None:
    floor = Floor(database_url, small_plan())
    floor.order("KIT", 50, order="OF-2")
    p1, p2 = floor.bench("p1"), floor.bench("p2")

    def count(bench: Bench, step: str, good: int, bad: int) -> None:
        scrap = [{"defect": "BENT", "quantity": bad}] if bad else []
        floor.send(bench, bench.event("WorkCompleted", order="OF-2", step=step, good=good, scrap=scrap, asks=True))

    count(p1, "bag", 20, 1)
    count(p1, "bag", 10, 2)
    count(p2, "box", 30, 0)
    assert of_step(floor, "bag") == {"good": 30, "scrap": 3, "scrapped": 3}
    assert of_step(floor, "box") == {"good": 30, "finished": 30}
    with reading(floor.engine) as session:
        assert session.scalar(select(StepDefect.found).where(StepDefect.defect == "BENT")) == 3
    floor.close()


def test_a_stations_state_is_kept_as_spans_that_touch(database_url: str) -> None:
    floor = Floor(database_url, small_plan())
    floor.order("GEN", 2)
    b1 = floor.bench("b1")
    floor.send(b1, b1.event("OperatorActivated", asks=True), b1.arrive(ONE, "fit"))
    floor.send(b1, b1.event("StationStateChanged", state="SBY", reason="pause"))
    floor.send(b1, b1.event("StationStateChanged", state="PRD"))
    floor.send(b1, b1.event("FaultOccurred", device="scanner", fault="unplugged"))
    floor.send(b1, b1.event("FaultOccurred", device="scanner", fault="unplugged"))
    floor.send(
        b1,
        b1.event("FaultCleared", device="scanner", fault="unplugged"),
        b1.event("FaultCleared", device="scanner", fault="unplugged"),
    )
    floor.send(b1, b1.event("OperatorDeactivated"))
    with reading(floor.engine) as session:
        spans = session.scalars(select(StationSpan).order_by(StationSpan.since)).all()
        now = session.get_one(StationRow, "b1")
        assert [s.state for s in spans] == ["SBY", "PRD", "SBY", "PRD", "USD", "PRD"]
        assert [s.until for s in spans[:-1]] == [s.since for s in spans[1:]]
        assert (now.resource, now.resource_since, now.faults) == ("SBY", spans[-1].until, 0)
    floor.close()


def test_a_span_says_that_a_station_waits_and_never_why() -> None:
    assert {c.name for c in StationSpan.__table__.columns} == {"station", "since", "until", "state", "n"}
