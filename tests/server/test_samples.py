"""Samples of units in burn-in: what the server keeps of them, what they count, and when they hold the unit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from mes import quality, samples, wire
from mes.commands_ledger import verify_engine
from mes.db.session import reading, writing
from mes.db.tables import Ledger, Nonconformity, Reading, StationRow, UnitRow
from mes.domain.route import Plan, Step
from mes.floor import changes
from mes.ingest import ingest
from tests.server.bench import Bench, Floor
from tests.server.small_plan import small_plan

ONE, TWO = "GEN-2648-00001", "GEN-2648-00002"
MINUTE = 60_000


def burning_plan() -> Plan:
    """The small plan with a burn-in first: an hour, read every ten minutes, at a rack with three places."""
    plan = small_plan(retests=0)
    product = plan.products[0]
    _fit, test, look = product.steps
    more: dict[str, Any] = {"kind": "burn-in", "min_s": 3600, "sample_s": 600}
    burn = Step(**{**test.model_dump(), **more})
    rack = tuple(s.model_copy(update={"places": 3}) if s.id == "b2" else s for s in plan.stations)
    route = product.model_copy(update={"steps": (burn, look)})
    return plan.model_copy(update={"products": (route, *plan.products[1:]), "stations": rack})


@dataclass
class Rack(Bench):
    """A station with a monotonic clock of its own."""

    minute: float = 0.0
    boot: str = "boot"
    taken: dict[str, int] = field(default_factory=dict)

    def envelope(self, *args: Any, **kwargs: Any) -> wire.Envelope:
        made = super().envelope(*args, **kwargs)
        told = {**made.model_dump(), "mono_ms": int(self.minute * MINUTE), "boot_id": self.boot}
        fields = ("event_id", "kind", "v", "captured_at", "mono_ms", "boot_id", "asks", "body")
        mark = wire.operator_mark(made.operator, made.veil)
        return wire.Envelope(**{**told, "sha256": wire.digest(mark=mark, **{name: told[name] for name in fields})})

    def sample(self, serial: str, read: float | None, *, after: float = 10, **more: Any) -> wire.Envelope:
        self.minute += after
        self.taken[serial] = self.taken.get(serial, 0) + 1
        outcome = "error" if read is None else "passed" if 1.0 <= read <= 5.0 else "failed"
        taken = {"test": "volt", "outcome": outcome, "value": read, "unit": "V", "raw": f"{read}", **more}
        return self.event("ReadingsRecorded", unit=serial, step="test", n=self.taken[serial], readings=[taken])


@pytest.fixture
def floor(database_url: str, tmp_path: Path) -> Iterator[Floor]:
    """A floor with two units; at the end the ledger must verify."""
    made = Floor(database_url, burning_plan())
    made.order("GEN", 2)
    made.benches["b2"] = Rack("b2", made.clock)
    yield made
    assert verify_engine(made.engine, tmp_path)[1] == []
    made.close()


@pytest.fixture
def rack(floor: Floor) -> Rack:
    """The rack, with one unit at its first place."""
    bench = floor.bench("b2")
    assert isinstance(bench, Rack)
    said(floor, bench, bench.event("UnitsArrived", unit=ONE, step="test", place=1, asks=True))
    return bench


def said(floor: Floor, bench: Bench, *events: wire.Envelope) -> list[tuple[str | None, str]]:
    return [(r.verdict, r.reason) for r in floor.send(bench, *events)]


def unit(floor: Floor, serial: str = ONE) -> UnitRow:
    with reading(floor.engine) as session:
        row = session.get_one(UnitRow, serial)
        session.expunge(row)
        return row


def rows(floor: Floor) -> list[tuple[int, str, float | None]]:
    with reading(floor.engine) as session:
        found = session.execute(select(Reading.sample, Reading.outcome, Reading.value).order_by(Reading.sample))
        return [(n, outcome, value) for n, outcome, value in found]


def test_each_sample_is_kept_once_with_its_number(floor: Floor, rack: Rack) -> None:
    assert said(floor, rack, rack.sample(ONE, 3.0), rack.sample(ONE, 3.5)) == [("accepted", "sampled")] * 2
    assert rows(floor) == [(1, "passed", 3.0), (2, "passed", 3.5)]


def test_a_reading_is_kept_in_the_unit_of_its_limits(floor: Floor, rack: Rack) -> None:
    said(floor, rack, rack.sample(ONE, 3.0, value=3000.0, unit="mV"))
    assert rows(floor) == [(1, "passed", 3.0)]


def test_a_unit_is_finished_once_its_samples_have_proved_the_time(floor: Floor, rack: Rack) -> None:
    said(floor, rack, *(rack.sample(ONE, 3.0) for _ in range(5)))
    said(floor, rack, rack.test(ONE, 3.0))
    assert said(floor, rack, rack.done(ONE, "test")) == [("refused", "needs_time")]
    said(floor, rack, rack.sample(ONE, 3.0))
    assert said(floor, rack, rack.done(ONE, "test")) == [("accepted", "step_done")]
    assert (unit(floor).place, unit(floor).burn) == (None, None)


def test_time_without_power_does_not_count_and_nothing_is_lost(floor: Floor, rack: Rack) -> None:
    said(floor, rack, *(rack.sample(ONE, 3.0) for _ in range(3)))
    rack.boot, rack.minute = "another", 500.0
    said(floor, rack, rack.sample(ONE, 3.0))
    assert json.loads(unit(floor).burn or "")["ran_ms"] == 30 * MINUTE
    assert len(rows(floor)) == 4


def test_the_second_sample_in_a_row_beyond_the_limits_holds_the_unit(floor: Floor, rack: Rack) -> None:
    assert said(floor, rack, rack.sample(ONE, 9.0)) == [("accepted", "sample_out")]
    assert said(floor, rack, rack.sample(ONE, 9.5, after=1)) == [("held", "test_failed")]
    assert (unit(floor).state, unit(floor).place, unit(floor).results) == ("waiting", None, '{"test":"failed"}')
    with reading(floor.engine) as session:
        nc = session.scalars(select(Nonconformity)).one()
        assert (nc.cause, nc.step, json.loads(nc.detail)["test"]["en"]) == ("test_failed", "test", "Voltage")
    assert rows(floor)[-1] == (2, "failed", 9.5)


def test_a_sample_that_comes_after_the_unit_has_gone_is_only_recorded(floor: Floor, rack: Rack) -> None:
    said(floor, rack, rack.sample(ONE, 9.0), rack.sample(ONE, 9.0, after=1))
    assert said(floor, rack, rack.sample(ONE, 9.0, after=1)) == [("accepted", "noted")]
    assert len(rows(floor)) == 2


def test_a_sample_that_measured_nothing_blames_no_unit(floor: Floor, rack: Rack) -> None:
    assert said(floor, rack, *(rack.sample(ONE, None) for _ in range(3))) == [("accepted", "sampled")] * 3
    assert unit(floor).state == "in_work"


def test_after_rework_the_samples_begin_again_and_the_old_ones_stay(floor: Floor, rack: Rack) -> None:
    said(floor, rack, rack.sample(ONE, 9.0), rack.sample(ONE, 9.0, after=1))
    assert floor.do(quality.decide, "NC-2026-0001", "rework").done
    said(floor, rack, rack.event("UnitsArrived", unit=ONE, step="test", place=2, asks=True), rack.sample(ONE, 3.0))
    with reading(floor.engine) as session:
        found = session.execute(select(Reading.visit, Reading.sample).order_by(Reading.visit, Reading.sample)).all()
    assert [tuple(row) for row in found] == [(1, 1), (1, 2), (2, 1)]


def test_a_station_is_told_where_its_units_stand_and_how_far_they_are(floor: Floor, rack: Rack) -> None:
    said(floor, rack, rack.sample(ONE, 3.0))
    with reading(floor.engine) as session:
        told = next(u for u in changes(session, 0, "b2").units if u.serial == ONE)
    assert (told.place, told.burn and (told.burn.samples, told.burn.ran_ms)) == (1, (1, 10 * MINUTE))


def test_a_good_sample_changes_nothing_that_the_board_says_of_the_station(floor: Floor, rack: Rack) -> None:
    said(floor, rack, rack.sample(ONE, 3.0))
    with reading(floor.engine) as session:
        assert session.get_one(StationRow, "b2").reason == "unit_arrived"


def test_how_many_samples_and_between_which_values_is_one_question(floor: Floor, rack: Rack) -> None:
    said(floor, rack, *(rack.sample(ONE, v) for v in (3.0, 2.0, None, 4.5)))
    with reading(floor.engine) as session:
        (found,) = samples.of_unit(session, ONE)
    assert (found.step, found.visit, found.test, found.taken, found.least, found.most, found.out) == (
        "test", 1, "volt", 4, 2.0, 4.5, 0,
    )  # fmt: skip


def test_a_batch_of_samples_of_many_units_is_one_transaction(floor: Floor, rack: Rack) -> None:
    said(floor, rack, rack.event("UnitsArrived", unit=TWO, step="test", place=2, asks=True))
    events = [rack.sample(serial, 3.0, after=5) for _ in range(12) for serial in (ONE, TWO)]
    with writing(floor.engine) as session:
        ingest(session, [rack.batch(*events)], now=floor.clock.tick())
    with reading(floor.engine) as session:
        assert session.scalar(select(func.count()).select_from(Reading)) == 24
        assert session.scalar(select(func.count()).select_from(Ledger).where(Ledger.kind == "ReadingsRecorded")) == 24
