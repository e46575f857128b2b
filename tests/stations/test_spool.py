"""The folder of records, with a real agent that has no server: kept once, moved only then, and nothing lost."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mes import plan as plans
from mes import wire
from mes.domain.route import RECORD
from mes.plan import StationFile
from mes.plan.station import Screen, Server
from stations.agent import Agent
from stations.openhtf import ToAtelier
from tests.htf_records import END_MS, data, volt
from tests.server.small_plan import small_plan
from tests.waiting import wait_for

UNIT = "GEN-2648-00001"


class Pc:
    """A bench PC that has seen its server once, and not today."""

    def __init__(self, folder: Path) -> None:
        plan = small_plan()
        steps = tuple(
            s.model_copy(update={"tests": tuple(t.model_copy(update={"instrument": RECORD}) for t in s.tests)})
            for s in plan.products[0].steps
        )
        plan = plan.model_copy(update={"products": (plan.products[0].model_copy(update={"steps": steps}),)})
        station = plan.station("b2")
        assert station is not None
        self.file = StationFile(station=station, screen=Screen(port=8_199), server=Server(url="http://127.0.0.1:9"))
        self.folder = folder
        self.spool = folder / "records"
        told = {"revision": 1, "hash": "0" * 64, "content": plans.content(plan), "older": []}
        (folder / "plan.json").write_text(json.dumps({"hash": "0" * 64, "plan": told}))
        order = wire.FloorOrder(id="OF-1", product="GEN", state="in_work", revision=1, quantity=1)
        unit = wire.FloorUnit(
            serial=UNIT, order="OF-1", product="GEN", state="in_work", step="test", visit=1, attempts=0,
            tested=None, inspected=None, station="b2", nc=None, since="2026-11-25T09:00:00.000000Z",
        )  # fmt: skip
        floor = wire.FloorReply(cursor=7, whole=True, orders=(order,), units=(unit,), components=(), held_lots=())
        (folder / "floor.json").write_text(floor.model_dump_json())
        self.agent: Agent | None = None

    def start(self) -> Agent:
        self.agent = Agent(self.file, self.folder, None)
        self.agent.start()
        return self.agent

    def stop(self) -> None:
        if self.agent is not None:
            self.agent.close_bench()
            self.agent.close()
            self.agent = None

    def tests(self) -> list[dict[str, Any]]:
        """The test runs in the outbox."""
        if not (self.folder / "outbox.db").exists():
            return []
        with closing(sqlite3.connect(self.folder / "outbox.db")) as db:
            found = db.execute("SELECT event_id, captured_at, body FROM outbox WHERE kind = 'UnitsTested' ORDER BY seq")
            return [{"id": i, "at": at, **json.loads(body)} for i, at, body in found]

    def names(self, where: str = "") -> list[str]:
        folder = self.spool / where
        return sorted(p.name for p in folder.iterdir() if p.is_file()) if folder.is_dir() else []


@pytest.fixture
def pc(tmp_path: Path) -> Iterator[Pc]:
    made = Pc(tmp_path)
    yield made
    made.stop()


def of(value: float = 3.0, unit: str = UNIT, at: int = 0) -> dict[str, Any]:
    return volt(value) | {"dut_id": unit, "end_time_millis": END_MS + at}


def test_a_record_that_was_written_while_nothing_ran_is_kept_when_the_agent_starts(pc: Pc) -> None:
    path = ToAtelier(pc.spool)(of(3.0))
    pc.start()
    wait_for(lambda: pc.names("done") == [path.name], 10, "the record is taken")
    (event,) = pc.tests()
    assert (event["unit"], event["step"], event["outcome"]) == (UNIT, "test", "passed")
    assert event["at"] == "2026-11-25T09:46:40.000000Z"


def test_a_record_that_comes_again_is_one_event(pc: Pc) -> None:
    callback = ToAtelier(pc.spool)
    path = callback(of(3.0))
    pc.start()
    wait_for(lambda: pc.names("done") == [path.name], 10, "the record is taken")
    (pc.spool / "done" / path.name).unlink()
    callback(of(3.0))
    wait_for(lambda: pc.names("done") == [path.name], 10, "the record is taken again")
    assert len(pc.tests()) == 1


def test_a_record_that_was_kept_before_a_crash_and_not_moved_is_one_event(pc: Pc) -> None:
    path = ToAtelier(pc.spool)(of(3.0))
    pc.start()
    wait_for(lambda: pc.names("done") == [path.name], 10, "the record is taken")
    pc.stop()
    (pc.spool / "done" / path.name).rename(path)
    pc.start()
    wait_for(lambda: pc.names("done") == [path.name], 10, "the record is moved")
    assert len(pc.tests()) == 1


def test_records_are_taken_in_the_order_of_their_times(pc: Pc) -> None:
    callback = ToAtelier(pc.spool)
    for at in (3, 1, 2):
        callback(of(3.0 + at / 10, at=at))
    pc.start()
    wait_for(lambda: len(pc.names("done")) == 3, 10, "all are taken")
    assert [t["tests"][0]["value"] for t in pc.tests()] == [3.1, 3.2, 3.3]


def test_a_file_that_is_no_record_lies_aside_with_the_reason_and_the_next_is_taken(pc: Pc) -> None:
    pc.spool.mkdir()
    (pc.spool / "0-torn.json").write_bytes(data(of(3.0))[:-5])
    good = ToAtelier(pc.spool)(of(3.0))
    pc.start()
    wait_for(lambda: pc.names("done") == [good.name], 10, "the good one is taken")
    assert pc.names("bad") == ["0-torn.json", "0-torn.json.txt"]
    assert (pc.spool / "bad" / "0-torn.json.txt").read_text().startswith("not_json")


def test_a_record_of_a_unit_that_this_bench_does_not_know_waits_without_a_server(pc: Pc) -> None:
    other, mine = ToAtelier(pc.spool)(of(unit="GEN-2648-00009")), ToAtelier(pc.spool)(of(at=9))
    pc.start()
    wait_for(lambda: pc.names("done") == [mine.name], 10, "the known one is taken")
    assert pc.names() == [other.name]


def test_a_file_that_is_being_written_is_left_alone(pc: Pc) -> None:
    pc.spool.mkdir()
    (pc.spool / ".half.json.new").write_bytes(b"{")
    (pc.spool / ".half.json").write_bytes(b"{")
    mine = ToAtelier(pc.spool)(of())
    pc.start()
    wait_for(lambda: pc.names("done") == [mine.name], 10, "the whole one is taken")
    assert pc.names("bad") == []
