"""A real bench and a real server: no test begins with an unfit instrument, also when the server is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.floor.rig import DONE, FUSE, Bench, Rig, template
from tests.waiting import wait_for

TESTER = """
[[port]]
name = "dmm"
family = "scpi"
url = "/dev/nothing-is-plugged-in-here"
instrument = { id = "DMM-01", serial = "S-1", calibration_due = 2099-12-31 }
"""


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, template(tmp_path))
    yield made
    made.close()


def mes(rig: Rig, *arguments: str) -> None:
    done = rig.mes("instrument", *arguments)
    assert done.returncode == 0, done.stderr


def bench_with_tester(rig: Rig) -> Bench:
    """A bench that fits and tests, with an instrument that nobody has plugged in."""
    bench = rig.bench("b2")
    bench.file.write_text(bench.file.read_text() + TESTER)
    return bench.start(lambda s: s["phase"] != "starting").up().sign_in()


def test_no_test_begins_with_an_unfit_instrument_until_it_is_calibrated_again(rig: Rig) -> None:
    what = ("--family", "multimeter", "--model", "M", "--serial", "S-1")
    mes(rig, "add", "DMM-01", *what)
    mes(rig, "calibrate", "DMM-01", "unfit")
    rig.start_server()
    bench, unit = bench_with_tester(rig), rig.units()[0]
    bench.hears(unit, "unit_arrived")
    for label in ("B-1", FUSE, FUSE):
        bench.hears(label, "component_fitted")
    bench.hears(DONE, "step_done")
    bench.hears(unit, "instrument_unfit")
    rig.server.kill()
    bench.shows(lambda s: s["link"] == "down", what="the bench is alone")
    bench.hears(unit, "instrument_unfit")
    assert bench.bodies("UnitsTested") == []
    rig.start_server()
    bench.up()
    mes(rig, "calibrate", "DMM-01", "good")

    def begins() -> bool:  # the same label within a second would be one scan that was read twice
        bench.scan(unit)
        return bench.bodies("UnitsTested") != []

    wait_for(begins, 40, "the bench has heard of the calibration and tests", pause_s=1.2)
    rig.conserved()
