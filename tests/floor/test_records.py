"""A tester's record on the real floor: kept while the server is away, in the ledger once, and the operator goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stations.openhtf import ToAtelier
from tests.floor.rig import BADGE, DONE, FUSE, Bench, Rig, template
from tests.htf_records import volt
from tests.waiting import wait_for


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, template(tmp_path))
    yield made
    made.close()


def assembled(rig: Rig, unit: str) -> None:
    """The unit has been through its first step."""
    bench = rig.bench("b1").start().up()
    bench.hears(BADGE, "welcome")
    bench.hears(unit, "unit_arrived")
    for part in ("B-1", FUSE, FUSE):
        bench.hears(part, "component_fitted")
    bench.hears(DONE, "step_done")


def tested(bench: Bench, unit: str, value: float) -> Path:
    """The tester's program ends, and its callback is called."""
    made = volt(value) | {"dut_id": unit, "end_time_millis": round(time.time() * 1000)}
    return ToAtelier(bench.data / bench.station / "records")(made)


def test_a_record_is_kept_while_the_server_is_away_and_stands_in_the_ledger_once(rig: Rig) -> None:
    rig.start_server()
    unit = rig.units()[0]
    assembled(rig, unit)
    bench = rig.bench("b2").start().up().sign_in()
    bench.hears(unit, "unit_arrived")
    rig.server.kill()
    bench.shows(lambda s: s["link"] == "down", 40, "the link is down")
    path = tested(bench, unit, 3.0)
    bench.shows(lambda s: s["banner"]["reason"] == "test_passed", 20, "the bench has judged the record itself")
    wait_for(lambda: (path.parent / "done" / path.name).exists(), 10, "the record is in the outbox")
    bench.kill()
    path.write_bytes((path.parent / "done" / path.name).read_bytes())  # and its file was moved back by somebody
    rig.start_server()
    bench.start().up(60)
    wait_for(lambda: not path.exists(), 20, "it is known")
    bench.drained()
    assert rig.ask("SELECT verdict, reason FROM ledger WHERE kind = 'UnitsTested'") == [("accepted", "test_passed")]
    rig.conserved()
