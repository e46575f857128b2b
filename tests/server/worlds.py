"""Whole workshops for tests, pictures and measurements, made as real ones are: events and orders through the ledger.

`Workshop` is a `Floor` that knows the plan: it brings a unit to a step by doing all that the steps before it need.
`published` and `released_order` are the two beginnings that most tests of pages want.
"""

from __future__ import annotations

import copy
import json
import sqlite3
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from mes import wire
from mes.commands_office import publish_plan
from mes.db.base import utc_text
from mes.db.session import engine_for, reading, writing
from mes.db.tables import Presence, UnitRow
from mes.domain.route import Line, Plan, Station, Step, Test, Text
from mes.plan import read_plan
from tests.databases import migrated
from tests.server.bench import START, Bench, Clock, Floor, give_badge

ROOT = Path(__file__).resolve().parents[2]


def workshop_plan() -> Plan:
    """The plan that the product ships as its example."""
    found = read_plan(ROOT / "config")
    assert isinstance(found, Plan), "\n".join(map(str, found))
    return found


def wide_plan(stations: int = 20) -> Plan:
    """A floor of three lines: the first takes what the other two (three stations each) leave."""
    plan = workshop_plan()
    nomad = plan.product("NOMAD-1000")
    assert nomad is not None
    names = [s.name for s in plan.stations if s.line == "nomad"]
    lines = ("a", stations - 6), ("b", 3), ("c", 3)
    made = tuple(
        Station(id=f"{line}-{i}", name=names[(i - 1 + shift) % 8], line=line, place=i)
        for shift, (line, count) in enumerate(lines)
        for i in range(1, count + 1)
    )
    route = tuple(
        Step(**{**nomad.steps[1].model_dump(), "id": f"s-{s.id}", "stations": (s.id,), "components": ()}) for s in made
    )
    plant = plan.plant.model_copy(
        update={
            "lines": tuple(Line(id=i, name=Text(fr=f"Ligne {i.upper()}", en=f"Line {i.upper()}")) for i, _ in lines)
        }
    )
    product = nomad.model_copy(update={"steps": route})
    return plan.model_copy(update={"plant": plant, "stations": made, "products": (product,)})


def published(engine: Engine, plan: Plan | None = None, *, now: datetime = START) -> Plan:
    """A migrated database with a published plan."""
    migrated(engine)
    plan = plan or workshop_plan()
    with writing(engine) as session:
        assert publish_plan(session, plan, now=now).done
        give_badge(session, now=now)
    return plan


class Workshop(Floor):
    """A floor on a plan of many stations, and what happens on it, one verb a thing."""

    def __init__(self, url: str, plan: Plan | None = None, *, start: datetime = START) -> None:
        self.engine = engine_for(url)
        self.clock = Clock(start)
        self.twice = False
        self.benches: dict[str, Bench] = {}
        self.plan = published(self.engine, plan, now=start)
        self._numbers = 0

    def copied(self, path: Path) -> Workshop:
        """The same workshop on a SQLite file of its own: what takes long to happen happens once."""
        source = sqlite3.connect(str(self.engine.url.database))
        target = sqlite3.connect(path)
        source.backup(target)
        source.close()
        target.close()
        other = copy.copy(self)
        other.engine = engine_for(f"sqlite:///{path}")
        other.clock = Clock(self.clock.now)
        other.benches = {name: replace(bench, clock=other.clock) for name, bench in self.benches.items()}
        return other

    # --- looking ---

    def units(self, order: str) -> list[str]:
        """The serials of an order."""
        with reading(self.engine) as session:
            return list(session.scalars(select(UnitRow.serial).where(UnitRow.order == order).order_by(UnitRow.serial)))

    def unit(self, serial: str) -> UnitRow:
        """Where a unit stands."""
        with reading(self.engine) as session:
            row = session.get_one(UnitRow, serial)
            session.expunge(row)
            return row

    def step_of(self, serial: str) -> Step:
        """The step that a unit is at."""
        row = self.unit(serial)
        product = self.plan.product(row.product)
        step = product.step(row.step) if product else None
        assert step is not None
        return step

    # --- doing ---

    def sign_in(self, *stations: str) -> None:
        for station in stations:
            self.tell(station, "OperatorActivated")

    def enter(self, serial: str, station: str | None = None) -> wire.IngestResult:
        """The unit comes to the bench of its step."""
        step = self.step_of(serial)
        return self.tell(station or step.stations[0], "UnitsArrived", unit=serial, step=step.id, asks=True)

    def work(self, serial: str) -> wire.IngestResult:
        """Do all that the unit's step needs, and finish it."""
        station = self.unit(serial).station
        assert station is not None, f"{serial} is on no bench"
        return self.send(self.bench(station), *self._working(serial, self.step_of(serial), station))[-1]

    def _working(self, serial: str, step: Step, station: str) -> list[wire.Envelope]:
        """The events of one step's work on a unit that is on the bench."""
        bench, what = self.bench(station), {"unit": serial, "step": step.id}
        events = []
        for component in step.components:
            self._numbers += 1
            number = {component.per: f"{self._numbers:06}"}
            for _ in range(component.quantity):
                events.append(bench.event("MaterialsInstalled", part=component.part, **what, **number))
        if step.sample_s:
            events += self._sampling(bench, serial, step)
        if step.tests:
            readings = [_reading(t, _good(t)) for t in step.tests]
            events.append(bench.event("UnitsTested", outcome="passed", tests=readings, **what))
        if step.inspects:
            events.append(bench.event("UnitsInspected", result="passed", defects=[], **what))
        if step.min_s and not step.sample_s:
            self.clock.tick(step.min_s)
        events.append(bench.event("WorkCompleted", asks=True, **what))
        return events

    def _sampling(self, bench: Bench, serial: str, step: Step) -> list[wire.Envelope]:
        """The samples of a burn-in, until its time is over."""
        events = []
        for n in range(1, -(-step.min_s // step.sample_s) + 1):
            self.clock.tick(step.sample_s)
            readings = [_reading(t, _good(t)) for t in step.tests]
            events.append(bench.event("ReadingsRecorded", unit=serial, step=step.id, n=n, readings=readings))
        return events

    def test(self, serial: str, *values: float) -> wire.IngestResult:
        """A run of the step's tests with these readings, in the plan's order."""
        step = self.step_of(serial)
        station = self.unit(serial).station
        readings = [_reading(t, value) for t, value in zip(step.tests, values, strict=True)]
        outcome = "failed" if any(r["outcome"] == "failed" for r in readings) else "passed"
        assert station is not None
        return self.tell(station, "UnitsTested", unit=serial, step=step.id, outcome=outcome, tests=readings)

    def fail(self, serial: str) -> str:
        """Enter and fail the step's tests until a nonconformity opens; returns its id."""
        if self.unit(serial).state != "in_work":
            self.enter(serial)
        step = self.step_of(serial)
        bad = [0.6 if t.low is not None else (t.high or 0) * 2 for t in step.tests]
        values = [_good(t) for t in step.tests]
        worst = next((i for i, t in enumerate(step.tests) if t.id == "iso"), 0)
        values[worst] = bad[worst]
        for _ in range(step.retests + 1):
            result = self.test(serial, *values)
        assert result.reason == "test_failed", result
        return str(result.args["nc"])

    def reject(self, serial: str, defect: str) -> str:
        """Enter and find a defect; returns the nonconformity's id."""
        if self.unit(serial).state != "in_work":
            self.enter(serial)
        row = self.unit(serial)
        assert row.station is not None
        result = self.tell(row.station, "UnitsInspected", unit=serial, step=row.step, result="failed", defects=[defect])
        return str(result.args["nc"])

    def bring(self, serial: str, step: str | None, *, enter: bool = True) -> None:
        """Take a unit through its route up to `step` (to its end when None), and onto the bench if it is to enter."""
        row = self.unit(serial)
        product = self.plan.product(row.product)
        assert product is not None
        batches = []
        for each in product.steps[product.place(row.step) :]:
            station = (row.station if each.id == row.step else None) or each.stations[0]
            events = []
            if (each.id != step or enter) and not (each.id == row.step and row.state == "in_work"):
                events.append(self.bench(station).event("UnitsArrived", unit=serial, step=each.id, asks=True))
            if each.id != step:
                events += self._working(serial, each, station)
            if events:
                batches.append(self.bench(station).batch(*events))
            if each.id == step:
                break
        for reply in self.ingest(*batches):
            assert isinstance(reply, wire.IngestReply)
            assert {r.verdict for r in reply.results} == {"accepted"}, reply.results

    def count(self, station: str, order: str, step: str, good: int, scrap: dict[str, int] | None = None) -> None:
        rows = [{"defect": d, "quantity": q} for d, q in (scrap or {}).items()]
        self.tell(station, "WorkCompleted", order=order, step=step, good=good, scrap=rows, asks=True)

    def call(self, station: str) -> None:
        self.tell(station, "HelpRequested")

    def rest(self, station: str) -> None:
        self.tell(station, "StationStateChanged", state="SBY", reason="break")

    def fault(self, station: str, device: str, fault: str = "unplugged") -> None:
        self.tell(station, "FaultOccurred", device=device, fault=fault)

    def hello(self, station: str, *, kept: int = 0, at: datetime | None = None, alarm: str = "") -> None:
        """What the server keeps of a station's hello."""
        bench = self.bench(station)
        with writing(self.engine) as session:
            session.merge(
                Presence(
                    station=station,
                    stream_id=bench.stream_id,
                    agent="test",
                    machine_id="m",
                    seen_at=utc_text(at or self.clock.now),
                    kept=kept,
                    offset_ms=0,
                    alarm=alarm,
                )
            )


def released_order(
    floor: Floor, product: str = "NOMAD-1000", quantity: int = 3, *, order: str = "OF-2026-118", **more: Any
) -> list[str]:
    """Create and release an order; returns its serials (none for a counted product)."""
    from mes import orders

    assert floor.do(orders.create, order, product, quantity, **more).done
    assert floor.do(orders.release, order).done
    with reading(floor.engine) as session:
        return list(session.scalars(select(UnitRow.serial).where(UnitRow.order == order).order_by(UnitRow.serial)))


def _good(t: Test) -> float:
    return t.low if t.low is not None else t.high or 0.0


def _reading(t: Test, value: float) -> dict[str, Any]:
    low_ok = t.low is None or value >= t.low
    high_ok = t.high is None or value <= t.high
    outcome = "passed" if low_ok and high_ok else "failed"
    return {"test": t.id, "outcome": outcome, "value": value, "unit": t.unit, "raw": json.dumps(value)}
