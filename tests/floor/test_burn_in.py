"""Hours in the rack as they really are: an instrument on a pseudo-terminal, a killed agent, a server that is away."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mes.domain.route import Plan, Step
from stations.simulator.pty import VirtualPort
from stations.simulator.scpi import Signal, VirtualScpi
from tests.floor.rig import DONE, Bench, Rig, floor_plan, template
from tests.waiting import wait_for

PORT = """
[[port]]
name = "dmm"
family = "scpi"
url = "/dev/..{link}"
instrument = {{ id = "DMM-01", serial = "MY-1", calibration_due = 2099-12-31 }}
"""


def burning_plan() -> Plan:
    """The floor's plan with a burn-in first: read every second, for eight seconds, at b2 with three places."""
    plan = floor_plan()
    generator = plan.products[0]
    _fit, test, look = generator.steps
    volt = test.tests[0].model_copy(update={"ask": "VOLT? (@{place})"})
    more: dict[str, Any] = {"kind": "burn-in", "min_s": 8, "sample_s": 1, "tests": (volt,), "offline": "allow"}
    burn = Step(**{**test.model_dump(), **more})
    generator = generator.model_copy(update={"steps": (burn, look)})
    stations = tuple(s.model_copy(update={"places": 3}) if s.id == "b2" else s for s in plan.stations)
    return plan.model_copy(update={"products": (generator, *plan.products[1:]), "stations": stations})


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("burning"), burning_plan())


@pytest.fixture
def rig(tmp_path: Path, database: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, database)
    yield made
    made.close()


class Rack:
    """The rack's PC with its instrument: a channel for each place, and what is read there."""

    def __init__(self, rig: Rig) -> None:
        self.bench: Bench = rig.bench("b2")
        self.meter = VirtualScpi(rng=random.Random(1), signals={})
        self.cable = VirtualPort(rig.folder / "dmm", self.meter.respond)
        for place in (1, 2, 3):
            self.reads(place, 3.0)
        with self.bench.file.open("a", encoding="utf-8") as file:
            file.write(PORT.format(link=self.cable.link))

    def reads(self, place: int, value: float) -> None:
        self.meter.signals[f"VOLT? (@{place})"] = Signal(value)

    def units(self) -> dict[str, dict[str, Any]]:
        return {r["unit"]: r for r in self.bench.state()["rack"]}

    def samples(self, unit: str) -> list[int]:
        """The numbers of a unit's samples on the bench's disk."""
        return [b["n"] for b in self.bench.bodies("ReadingsRecorded") if b["unit"] == unit]

    def sampled(self, unit: str, count: int) -> None:
        wait_for(lambda: len(self.samples(unit)) >= count, 40, f"{unit} has {count} samples")


@pytest.fixture
def rack(rig: Rig) -> Iterator[Rack]:
    rig.start_server()
    made = Rack(rig)
    with made.cable:
        made.bench.start().up().sign_in()
        yield made


def in_order(numbers: list[int]) -> bool:
    return numbers == list(range(1, len(numbers) + 1))


def test_a_killed_agent_takes_its_rack_up_again_and_loses_no_sample(rig: Rig, rack: Rack) -> None:
    one, two = rig.units()[:2]
    for place, unit in enumerate((one, two), 1):
        assert rack.bench.hears(unit, "rack_place")["banner"]["args"]["place"] == place
    for round_ in (2, 4):
        rack.sampled(one, round_)
        rack.sampled(two, round_)
        rack.bench.kill()
        rack.bench.start(until=lambda s: len(s["rack"]) == 2)
    assert {u: r["place"] for u, r in rack.units().items()} == {one: 1, two: 2}
    assert rack.bench.state()["operator"] is None
    rack.bench.shows(lambda s: all(r["ready"] for r in s["rack"]), 60, "both are ready")
    rack.bench.up().sign_in()
    rack.bench.at_rest()
    rack.bench.hears(one, "test_passed", 30)
    rack.bench.hears(DONE, "step_done")
    rack.bench.drained()
    for unit in (one, two):
        assert in_order(rack.samples(unit))
        assert in_order([n for (n,) in rig.ask(f"SELECT sample FROM reading WHERE unit = '{unit}' ORDER BY sample")])
    rig.conserved()


def test_at_every_moment_the_disk_has_the_rack_and_its_samples_together(rig: Rig, rack: Rack) -> None:
    (one,) = rig.units()[:1]
    rack.bench.hears(one, "rack_place")
    rack.sampled(one, 1)
    moments = []

    def six() -> bool:  # one statement sees one moment of the file: what a power cut would leave
        ((note, kept),) = rack.bench.ask(
            "SELECT (SELECT value FROM meta WHERE key = 'note rack'),"
            " (SELECT count(*) FROM outbox WHERE kind = 'ReadingsRecorded')"
        )
        moments.append((json.loads(note)["units"][0]["unit"]["burn"]["samples"], kept))
        return int(kept) >= 6

    wait_for(six, 40, "six samples are on the disk", pause_s=0.01)
    assert [noted for noted, kept in moments if noted != kept] == []
    rig.conserved()


def test_a_rack_goes_on_without_the_server_and_tells_it_everything_later(rig: Rig, rack: Rack) -> None:
    (one,) = rig.units()[:1]
    rack.bench.hears(one, "rack_place")
    rig.server.kill()
    rack.bench.shows(lambda s: s["link"] == "down", 30, "the link is down")
    so_far = len(rack.samples(one))
    rack.sampled(one, so_far + 3)
    rig.start_server()
    rack.bench.up().drained()
    assert in_order([n for (n,) in rig.ask(f"SELECT sample FROM reading WHERE unit = '{one}' ORDER BY sample")])
    rig.conserved()


def test_a_unit_that_leaves_its_limits_is_held_within_two_samples_and_the_other_runs_on(rig: Rig, rack: Rack) -> None:
    one, two = rig.units()[:2]
    rack.bench.hears(one, "rack_place")
    rack.bench.hears(two, "rack_place")
    rack.sampled(two, 1)
    rack.reads(1, 9.9)
    rack.bench.shows(lambda s: s["banner"]["reason"] == "test_failed", 30, "the unit is held")
    assert list(rack.units()) == [two]
    rack.sampled(two, len(rack.samples(two)) + 2)
    rack.bench.drained()
    ((state, nc),) = rig.ask(f"SELECT state, nc FROM unit WHERE serial = '{one}'")
    assert (state, bool(nc)) == ("waiting", True)
    rig.conserved()


def test_a_bench_whose_disk_forgot_its_rack_gets_it_back_from_the_server(rig: Rig, rack: Rack) -> None:
    (one,) = rig.units()[:1]
    rack.bench.hears(one, "rack_place")
    rack.sampled(one, 2)
    rack.bench.drained()
    rack.bench.kill()
    with closing(sqlite3.connect(rack.bench.outbox)) as db, db:
        db.execute("DELETE FROM meta WHERE key LIKE 'note %'")
    rack.bench.start(until=lambda s: len(s["rack"]) == 1)
    rack.sampled(one, 4)
    assert in_order(rack.samples(one))
    assert json.loads(rig.ask(f"SELECT burn FROM unit WHERE serial = '{one}'")[0][0])["samples"] >= 2
    rig.conserved()
