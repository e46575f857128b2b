"""A tester that talks by itself, on a real pseudo-terminal, at a station that has no network: from line to outbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mes import plan as plans
from mes import wire
from mes.domain.barcode import write
from mes.plan import StationFile, read_station
from stations.agent import Agent
from stations.simulator.pty import VirtualPort
from stations.view import Screen
from tests.builders import BADGE, UNIT, a_floor, a_plan, a_product, a_step, a_test, a_unit
from tests.waiting import wait_for

STATION = """
[station]
id = "bench-1"
name = {{ fr = "Poste", en = "Bench" }}
line = "line-1"
place = 1

[[port]]
name = "scanner"
family = "scanner"
url = "/dev/..{folder}/scanner"

[[port]]
name = "tester"
family = "line-tester"
url = "/dev/..{folder}/tester"
format = {{ separator = ";", columns = ["serial", "iso", "iso_unit", "verdict"], tests = {{ iso = "ISO" }} }}
instrument = {{ id = "TST-01", serial = "7", calibration_due = 2027-03-01 }}

[screen]
port = 8101

[server]
url = "http://127.0.0.1:9"
"""


class Station:
    """A running agent with a scanner and a tester, and the plan and floor of the last time that it had a server."""

    def __init__(self, folder: Path) -> None:
        file = folder / "bench-1.toml"
        file.write_text(STATION.format(folder=folder))
        found = read_station(file)
        assert isinstance(found, StationFile), found
        plan = a_plan(a_product(a_step("one", "test", tests=(a_test("iso", "Mohm", 1.0, None),))))
        home = folder / "data"
        home.mkdir()
        told = {"content": plans.content(plan), "revision": 1}
        (home / "plan.json").write_text(json.dumps({"hash": "0" * 64, "plan": told}))
        floor = a_floor(a_unit(step="one"), plan=plan).reply()
        (home / "floor.json").write_text(floor.model_dump_json())
        self.scanner, self.tester = VirtualPort(folder / "scanner").plug(), VirtualPort(folder / "tester").plug()
        self.agent = Agent(found, home, None)
        self.agent.start()
        wait_for(lambda: all(d.ok for d in self.screen.devices), what="both devices are there")
        wait_for(lambda: self.screen.phase == "signed_out", what="the plan is there")

    @property
    def screen(self) -> Screen:
        return self.agent.feed.current()[1]

    def scan(self, text: str) -> None:
        self.scanner.write(text.encode() + b"\r")

    def kept(self, kind: str) -> list[wire.Frozen]:
        newest = self.agent.outbox.newest(100)
        return [wire.FLOOR_KINDS[kind, 1].model_validate_json(k.event.body) for k in newest if k.event.kind == kind]

    def close(self) -> None:
        self.agent.close_bench()
        self.agent.close()
        self.scanner.unplug()
        self.tester.unplug()


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    made = Station(tmp_path)
    yield made
    made.close()


def at_work(station: Station) -> None:
    station.scan(write("badge", BADGE))
    wait_for(lambda: station.screen.operator == BADGE, what="somebody is signed in")
    station.scan(UNIT)
    wait_for(lambda: station.screen.tester == "tester", 20, "the bench waits for the tester")


def test_a_line_of_the_tester_is_the_test_run_of_the_unit_on_the_bench(station: Station) -> None:
    at_work(station)
    station.tester.write(f"{UNIT};550;MOHM;PASS\r\n".encode())
    wait_for(lambda: station.kept("UnitsTested"), what="the run is kept")
    [run] = station.kept("UnitsTested")
    assert isinstance(run, wire.UnitsTested)
    [reading] = run.tests
    assert (run.unit, run.outcome, reading.value, reading.unit) == (UNIT, "passed", 550.0, "Mohm")
    assert (reading.device, reading.serial, reading.calibration_due) == ("TST-01", "7", "2027-03-01")
    assert reading.raw == f"{UNIT};550;MOHM;PASS"


def test_lines_that_count_for_nothing_are_facts_with_their_bytes(station: Station) -> None:
    station.tester.write(f"{UNIT};550;MOHM;PASS\r\n".encode())
    wait_for(lambda: len(station.kept("IdentifiersNotRead")) == 1, what="nobody is signed in")
    at_work(station)
    station.tester.write(b"NMD-2647-00002;550;MOHM;PASS\r\nhello\r\n\xff\xfe;1\r\n")
    wait_for(lambda: len(station.kept("IdentifiersNotRead")) == 4, what="three more facts")
    said = [(f.why, f.device) for f in station.kept("IdentifiersNotRead") if isinstance(f, wire.IdentifiersNotRead)]
    assert said == [
        ("no_operator", "tester"),
        ("tester_other_unit", "tester"),
        ("not_of_its_form", "tester"),
        ("bad_bytes", "tester"),
    ]
    assert station.kept("UnitsTested") == []
    assert station.screen.tester == "tester"
