"""A real bench and a real server: units that bear their serial already are taken in, with the network and without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mes.domain.barcode import write
from mes.domain.route import Plan
from tests.floor.rig import DONE, PASS, UNDO, Rig, floor_plan, template

ONE, TWO, THREE = "PF3A0B1C", "PF3A0B2D", "PF3A0B3E"


def scan_plan() -> Plan:
    """The product that is only looked at bears serials of its maker."""
    plan = floor_plan()
    own = {"serial": None, "serial_scan": "PF[0-9A-Z]{6}"}
    plain = plan.plant.model_copy(update={"qualifications": ()})
    products = tuple(
        p.model_copy(update={**own, "steps": tuple(s.model_copy(update={"qualification": None}) for s in p.steps)})
        if p.id == "ALT"
        else p
        for p in plan.products
    )
    return plan.model_copy(update={"plant": plain, "products": products})


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, template(tmp_path, scan_plan()))
    yield made
    made.close()


def test_units_are_taken_in_by_their_own_serials_with_and_without_network_and_none_is_lost(rig: Rig) -> None:
    rig.start_server()
    bench = rig.bench("b3").start().up().sign_in()
    assert rig.units("OF-2") == [], "the release has made no unit"
    bench.hears(write("order", "OF-2"), "serials_here")
    bench.hears("4006381333931", "serial_not_like")
    bench.scan(THREE)
    bench.shows(lambda s: s["unit"] == THREE, what="the unit is made and comes in")
    bench.hears(UNDO, "unit_taken_back")
    bench.scan(ONE)
    bench.shows(lambda s: s["unit"] == ONE, what="the right unit comes in")
    bench.hears(PASS, "inspection_passed")
    bench.hears(DONE, "unit_finished")
    rig.server.stop()
    bench.shows(lambda s: s["link"] == "down", 60, "the network is gone")
    bench.scan(TWO)
    bench.shows(lambda s: s["unit"] == TWO, what="the bench takes it in by itself")
    assert bench.waiting() >= 2
    rig.start_server()
    bench.up(60).drained()
    assert [b["unit"] for b in bench.bodies("UnitsInitialized")] == [THREE, ONE, TWO]
    states = dict(rig.ask("SELECT serial, state FROM unit WHERE \"order\" = 'OF-2'"))
    assert states == {ONE: "done", TWO: "in_work", THREE: "withdrawn"}
    assert rig.ask("SELECT scanned FROM work_order WHERE id = 'OF-2'") == [(2,)]
    rig.conserved()
