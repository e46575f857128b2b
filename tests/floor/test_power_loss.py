"""An instrument loses power in the middle of a test, on a real station with a real server: nobody's unit has failed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mes.domain.route import Command, Plan, Step, Test
from stations.simulator.host import order
from tests.floor.rig import Rig, own_environment, template
from tests.server.small_plan import small_plan, text
from tests.waiting import wait_for

TEST_S = 3.0
FAMILIES = {"hv": "safety-tester", "source": "scpi"}


def tested_plan() -> Plan:
    """One product whose first step is tested at b2: high voltage, and what a source with its output on measures."""
    plan = small_plan()
    generator = plan.products[0]
    _fit, test, *rest = generator.steps
    hipot = Test(id="hipot", name=text("Rigidité", "Dielectric"), unit="mA", high=5.0, instrument="hv", ask="ACW")
    volts = Test(
        id="volt", name=text("Tension", "Voltage"), unit="V", low=45, high=50, instrument="source", ask="MEAS:VOLT?"
    )
    test = Step.model_validate(
        {
            **test.model_dump(),
            "tests": (hipot, volts),
            "begins": "by-itself",
            "set_up": (Command(instrument="source", send="VOLT 48"), Command(instrument="source", send="OUTP ON")),
            "tear_down": (Command(instrument="source", send="OUTP OFF"),),
        }
    )
    generator = generator.model_copy(update={"steps": (test, *rest)})
    return plan.model_copy(update={"products": (generator, *plan.products[1:])})


class Instruments:
    """The bench's instruments, in a process of their own."""

    def __init__(self, folder: Path) -> None:
        self.links = {name: folder / name for name in FAMILIES}
        self.file = folder / "instruments.toml"
        self.tables = "".join(
            f'[[port]]\nname = "{name}"\nfamily = "{FAMILIES[name]}"\nurl = "/dev/..{link}"\n'
            f'instrument = {{ id = "{name}-01", serial = "SER-{name}", calibration_due = 2099-12-31 }}\n'
            for name, link in self.links.items()
        )
        self.file.write_text('[station]\nid = "it"\n' + self.tables.replace("/dev/..", ""))
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stations.simulator", str(self.file), "--test-s", str(TEST_S)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=own_environment(),
            bufsize=0,
        )
        assert self.process.stdout is not None
        for _ in self.links:
            assert self.process.stdout.readline()

    def order(self, device: str, verb: str, *words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(order(device, verb, *words).encode() + b"\n")

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def end(self) -> None:
        self.process.terminate()
        for end in (self.process.stdin, self.process.stdout):
            assert end is not None
            end.close()
        self.process.wait(20)


@pytest.fixture
def instruments(tmp_path: Path) -> Iterator[Instruments]:
    made = Instruments(tmp_path)
    made.start()
    yield made
    made.end()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    folder = tmp_path / "plan"
    folder.mkdir()
    made = Rig(tmp_path, template(folder, tested_plan()))
    yield made
    made.close()


def killed(instruments: Instruments) -> None:
    """The plug of the whole bench is pulled."""
    instruments.kill()
    instruments.start()


def power_lost(instruments: Instruments) -> None:
    """The mains of one instrument are gone for a moment."""
    instruments.order("hv", "power")


def source_lost(instruments: Instruments) -> None:
    """The source was off for a moment: what it was told is forgotten."""
    instruments.order("source", "power")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("fall", [killed, power_lost, source_lost])
def test_power_lost_in_mid_test_is_an_error_of_the_bench_and_the_bench_recovers_by_itself(
    rig: Rig, instruments: Instruments, fall: Callable[[Instruments], None]
) -> None:
    rig.start_server()
    bench = rig.bench("b2", ports=instruments.tables).start().up().sign_in()
    unit = rig.units()[0]
    bench.scan(unit)
    bench.shows(lambda s: s["phase"] == "testing", 20, "the test runs")
    fall(instruments)
    wait_for(lambda: bench.bodies("UnitsTested"), 40, "the run is over")
    (run,) = bench.bodies("UnitsTested")
    assert run["outcome"] == "error"
    assert all(m["outcome"] != "failed" for m in run["tests"]), run
    bench.shows(lambda s: all(d["ok"] for d in s["devices"]), 30, "all devices are back")
    bench.drained()
    assert unit_row(rig, unit) == ("in_work", 0, "error", None, 0), "no try and no failure is booked on the unit"

    def again() -> bool:
        if bench.state()["phase"] != "testing":
            bench.scan(unit)
        return len(bench.bodies("UnitsTested")) > 1 and bench.bodies("UnitsTested")[-1]["outcome"] == "passed"

    wait_for(again, 60, "the label again, and the same bench measures well", pause_s=1.0)
    bench.drained()
    assert unit_row(rig, unit)[2] == "passed"
    rig.conserved()


def unit_row(rig: Rig, unit: str) -> tuple[Any, ...]:
    """State, attempts, what the test said, the nonconformity, and the judged failures of the visit."""
    (row,) = rig.ask(f"SELECT state, attempts, tested, nc FROM unit WHERE serial = '{unit}'")
    ((failures,),) = rig.ask(f"SELECT sum(failures) FROM visit WHERE unit = '{unit}'")
    return (*row, failures)
