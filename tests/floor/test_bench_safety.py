"""A test bench that loses its station, its cable or its power in mid-test: made safe, and nothing invented."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mes import orders
from mes.commands_office import publish_plan
from mes.db.session import writing
from mes.domain.barcode import write
from mes.domain.route import Command, Test
from stations.simulator.pty import VirtualPort
from stations.simulator.scpi import Signal, VirtualScpi
from tests.floor.rig import DONE, UNDO, Bench, Rig, engine, floor_plan, template
from tests.server.small_plan import text
from tests.waiting import wait_for

YES = write("command", "YES")
ON, OFF = Command(instrument="dmm", send="OUTP ON"), Command(instrument="dmm", send="OUTP OFF")


class TestBench:
    """Bench b2 with a SCPI instrument, and an order of units whose only step is to be measured there."""

    __test__ = False

    def __init__(self, rig: Rig) -> None:
        self.rig, self.waits = rig, False
        self.unit = self._order()
        self.meter = VirtualScpi(rng=random.Random(1), signals={"A?": Signal(1.5), "B?": Signal(2.5)})
        self.bench: Bench = rig.bench("b2")
        self.cable = VirtualPort(self.bench.file.parent / "dmm", self._answer)
        with self.bench.file.open("a") as file:
            file.write(
                f"""
[[port]]
name = "dmm"
family = "scpi"
url = "/dev/..{self.cable.link}"
instrument = {{ id = "DMM-1", serial = "S-1", calibration_due = 2099-01-01 }}
"""
            )
        self.cable.plug()

    def _order(self) -> str:
        plan = floor_plan()
        step = next(s for s in plan.products[0].steps if s.id == "test")
        tests = tuple(
            Test(id=i, name=text(i), unit="V", low=1.0, high=5.0, instrument="dmm", ask=f"{i.upper()}?", timeout_s=60)
            for i in ("a", "b")
        )
        step = step.model_copy(update={"tests": tests, "set_up": (ON,), "tear_down": (OFF,)})
        product = plan.products[0].model_copy(update={"id": "VOLT", "serial": "VOL-{n:05}", "steps": (step,)})
        now = datetime.now(UTC)
        with engine(self.rig.database) as opened, writing(opened) as session:
            assert publish_plan(session, plan.model_copy(update={"products": (*plan.products, product)}), now=now).done
            assert orders.create(session, "OF-9", "VOLT", 3, now=now).done
            assert orders.release(session, "OF-9", now=now).done
        return self.rig.units("OF-9")[0]

    def _answer(self, data: bytes) -> Any:
        return b"" if self.waits and b"B?" in data else self.meter.respond(data)

    @property
    def output(self) -> str | None:
        return self.meter.settings.get("OUTP")

    def in_the_middle(self) -> TestBench:
        """The first reading has come, the second one lasts, and the output is on."""
        self.waits = True
        self.bench.start().up().sign_in().hears(self.unit, "unit_arrived")
        self.bench.hears(YES, "testing")
        wait_for(lambda: b"B?" in self.cable.received, 10, "the second reading is being taken")
        assert self.output == "ON"
        return self

    def then_all_is_well(self, said: str = YES) -> None:
        """The unit is tested again, from the beginning, and passes.

        Args:
            said: what the operator scans for it; not the code that was scanned last: within a second it would be one
                scan that the scanner read twice.
        """
        self.waits = False
        self.bench.shows(lambda s: not s["unsafe"] and s["phase"] == "working", what="the bench knows that it is safe")
        self.bench.scan(said)
        self.bench.shows(lambda s: s["banner"]["reason"] == "test_passed", what="the test passes")
        self.bench.hears(DONE, "unit_finished")
        wait_for(lambda: self.output == "OFF", 10, "the output is off after a whole run, too")
        self.rig.conserved()

    def runs(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """The runs as they were kept: outcome, and what was read."""
        found = self.bench.bodies("UnitsTested")
        return [(r["outcome"], [(m["test"], m["outcome"]) for m in r["tests"]]) for r in found]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestBench]:
    rig = Rig(tmp_path, template(tmp_path)).start_server()
    made = TestBench(rig)
    yield made
    rig.close()
    made.cable.unplug()


def test_a_station_that_is_killed_in_the_middle_of_a_test_makes_the_bench_safe_before_anything_else(
    desk: TestBench,
) -> None:
    desk.in_the_middle()
    desk.bench.kill()
    assert desk.output == "ON", "nobody was left to switch it off"
    desk.cable.received.clear()
    desk.bench.start().up()
    wait_for(lambda: desk.output == "OFF", 10, "the output is off")
    told = bytes(desk.cable.received).replace(b"SYST:ERR?\n", b"")
    assert told.startswith(b"OUTP OFF\n"), told
    wait_for(lambda: desk.runs() == [("aborted", [("a", "passed")])], 10, "the run is recorded as broken off")
    desk.bench.sign_in().hears(desk.unit, "unit_here")
    desk.then_all_is_well()
    assert [outcome for outcome, _ in desk.runs()] == ["aborted", "passed"]


def test_undo_in_the_middle_of_a_test_switches_the_output_off(desk: TestBench) -> None:
    desk.in_the_middle().bench.hears(UNDO, "test_stopped")
    wait_for(lambda: desk.output == "OFF", 10, "the output is off")
    desk.then_all_is_well()


def test_a_station_that_is_ended_in_the_middle_of_a_test_leaves_the_output_off(desk: TestBench) -> None:
    desk.in_the_middle().bench.send(signal.SIGTERM)
    desk.bench.ended()
    assert desk.output == "OFF"
    desk.bench.start().up().sign_in().hears(desk.unit, "unit_here")
    assert desk.runs() == [("aborted", [("a", "passed")])]
    desk.then_all_is_well()


def test_a_pulled_cable_ends_the_test_and_the_page_says_that_the_unit_may_be_live_until_it_has_been_told(
    desk: TestBench,
) -> None:
    bench = desk.in_the_middle().bench
    desk.cable.unplug()
    wait_for(lambda: desk.runs() == [("error", [("a", "passed"), ("b", "error")])], 20, "the run is an error")
    # A scan that comes while the bench still asks the server would be told to wait.
    bench.shows(lambda s: s["unsafe"] == ["dmm"] and s["phase"] == "working", what="it may still be live")
    bench.hears(YES, "bench_not_safe")
    desk.cable.plug()
    wait_for(lambda: desk.output == "OFF", 10, "told as soon as it is back")
    bench.shows(lambda s: not s["unsafe"], what="it is safe again")
    desk.then_all_is_well(desk.unit)
