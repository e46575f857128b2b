"""`mes simulate`: devices in a process of their own, asked by the real port and the real families."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from mes.domain.serial_line import read_serial_line
from stations.devices import FAMILIES
from stations.devices.readings import Reading
from stations.frames import BadFrame, Frame, Framing
from stations.ports import Port, PortEvent, PortLost, PortOpened, PortSettings
from stations.simulator import kinds
from stations.simulator.command import simulate
from stations.simulator.faults import FAULTS
from stations.simulator.host import VERBS
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
LINES = Framing(allowed=bytes(range(256)))


class Simulated:
    """A `mes simulate` that runs, and the real ports that are open on its devices."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self.events: dict[str, list[PortEvent]] = {}
        self.process: subprocess.Popen[bytes]

    def start(self, *arguments: str) -> list[str]:
        """Start it, and return what it says of its devices, one line each."""
        with (self.folder / "errors").open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stations.simulator", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
                env={**os.environ, "MES_LANG": "en"},
                bufsize=0,
            )
        self._stack.callback(self.end)
        assert self.process.stdout is not None
        said: list[str] = []
        while not said or len(said) < self._devices(arguments):
            line = self.process.stdout.readline().decode()
            assert line, self.errors()
            said.append(line.rstrip("\n"))
        return said

    @staticmethod
    def _devices(arguments: tuple[str, ...]) -> int:
        return (
            1 if {"--family", "--label-printer"} & set(arguments) else Path(arguments[0]).read_text().count("[[port]]")
        )

    def order(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() + b"\n")

    def errors(self) -> str:
        return (self.folder / "errors").read_text()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
        for end in (self.process.stdin, self.process.stdout):
            if end is not None:
                end.close()
        return self.process.wait(20)

    def open(self, link: Path, family: str) -> Port:
        events = self.events[str(link)] = []
        port = Port(PortSettings(str(link)), FAMILIES[family].framing, events.append)
        self._stack.enter_context(port)
        wait_for(lambda: port.is_open, 10, "the port opens")
        return port


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[Simulated]:
    with ExitStack() as stack:
        yield Simulated(tmp_path, stack)


def ask(port: Port, family: str, question: str, timeout_s: float = 5.0) -> Reading:
    measure = FAMILIES[family].measure
    assert measure is not None
    return measure(port, question, timeout_s)


def a_station(folder: Path) -> Path:
    """A station's file whose devices lie where anybody may make a link."""
    file = folder / "b5.toml"
    ports = {"scanner": "scanner", "power": "scpi", "logger": "scpi", "scale": "scale-kern", "safety": "safety-tester"}
    tables = [
        f'[[port]]\nname = "{name}"\nfamily = "{family}"\nurl = "alt://{folder / name}?class=Serial"\n'
        f'instrument = {{ id = "X-1", serial = "SER-{name}", calibration_due = 2027-05-31 }}\n'
        for name, family in ports.items()
    ]
    file.write_text('[station]\nid = "b5"\n' + "\n".join(tables))
    return file


def test_a_device_says_on_one_line_where_it_is_and_what_it_speaks_and_ends_well_at_sigterm(sim: Simulated) -> None:
    link = sim.folder / "pa"
    (said,) = sim.start("--family", "scpi", "--link", str(link), "--name", "power")
    assert said == f"power: SCPI, power analyser at {link} ({os.readlink(link)})"
    assert ask(sim.open(link, "scpi"), "scpi", "MEAS:VOLT?").value == pytest.approx(230, abs=1)
    assert sim.end() == 0
    assert not link.is_symlink()
    assert sim.errors() == ""


def test_all_devices_of_a_stations_file_appear_where_the_file_says_and_show_what_is_ordered(sim: Simulated) -> None:
    said = sim.start(str(a_station(sim.folder)))
    assert [line.partition(":")[0] for line in said] == ["scanner", "power", "logger", "scale", "safety"]
    power, logger = sim.open(sim.folder / "power", "scpi"), sim.open(sim.folder / "logger", "scpi")
    scale = sim.open(sim.folder / "scale", "scale-kern")
    scanner = sim.open(sim.folder / "scanner", "scanner")
    sim.order("power show MEAS:VOLT? 231.5")
    sim.order("logger show 'MEAS:TEMP? (@3)' 41.5")
    sim.order("scale load 18200")
    sim.order("scanner scan '[)>\x1e06\x1dPABC\x1e\x04'")
    heard = sim.events[str(sim.folder / "scanner")]
    wait_for(lambda: Frame(b"[)>\x1e06\x1dPABC\x1e\x04") in heard, 10, "the last order is carried out")
    assert scanner.is_open
    assert ask(power, "scpi", "MEAS:VOLT?").value == 231.5
    assert ask(logger, "scpi", "MEAS:TEMP? (@3)").value == 41.5
    assert ask(logger, "scpi", "MEAS:TEMP? (@4)").value == pytest.approx(35, abs=2)
    assert ask(logger, "scpi", "MEAS:TEMP? (@99)", 0.2).outcome == "timeout"
    weight = ask(scale, "scale-kern", "S")
    assert (weight.unit, weight.value) == ("kg", pytest.approx(18.2, abs=0.01))


def test_a_killed_device_is_lost_and_its_return_under_the_same_link_is_seen(sim: Simulated) -> None:
    link = sim.folder / "scale"
    arguments = ("--family", "scale", "--link", str(link))
    sim.start(*arguments)
    port = sim.open(link, "scale")
    events = sim.events[str(link)]
    sim.order("device load 500")
    wait_for(lambda: ask(port, "scale", "S").value or 0 > 100, 10, "it weighs")
    assert sim.end(signal.SIGKILL) == -signal.SIGKILL
    wait_for(lambda: any(isinstance(e, PortLost) for e in events), 10, "the loss is told")
    assert ask(port, "scale", "S").outcome == "error"
    sim.start(*arguments)
    wait_for(lambda: sum(isinstance(e, PortOpened) for e in events) == 2, 10, "the return is told")
    empty = ask(port, "scale", "S")
    assert (empty.outcome, empty.value) == ("measured", pytest.approx(0, abs=3))


def test_a_unit_that_fails_a_function_fails_it_and_no_other(sim: Simulated) -> None:
    link = sim.folder / "safety"
    sim.start("--family", "safety-tester", "--link", str(link), "--test-s", "0.3")
    port = sim.open(link, "safety-tester")
    sim.order("device fail IR")
    wait_for(lambda: ask(port, "safety-tester", "IR", 10).outcome == "rejected", 20, "the order is carried out")
    assert ask(port, "safety-tester", "GB", 10).outcome == "measured"


def test_a_tester_that_talks_by_itself_says_its_lines_well_and_broken(sim: Simulated) -> None:
    link = sim.folder / "tester"
    sim.start("--family", "line-tester", "--link", str(link))
    sim.open(link, "line-tester")
    lines = [f"NMD-{n};550;MOHM;PASS" for n in range(3)]
    for fault, line in zip(("", "half", "twice"), lines, strict=True):
        sim.order(f"device fault {fault}")
        sim.order(f"device say '{line}'")
        if fault == "half":
            wait_for(lambda: BadFrame("torn", b"NMD-1;550;") in sim.events[str(link)], 10, "half a line is torn")
    whole = [Frame(lines[0].encode()), *[Frame(lines[2].encode())] * 2]
    wait_for(lambda: [e for e in sim.events[str(link)] if isinstance(e, Frame)] == whole, 10, "the lines are read")


def test_an_order_that_makes_no_sense_is_told_and_the_next_one_is_taken(sim: Simulated) -> None:
    link = sim.folder / "pa"
    sim.start("--family", "scpi", "--link", str(link))
    for nonsense in (
        "",
        "device",
        "other show X 1",
        "device load 5",
        "device show X?",
        "device fault luck",
        "'",
        "device sing",
    ):
        sim.order(nonsense)
    sim.order("device show X? 7")
    port = sim.open(link, "scpi")
    wait_for(lambda: ask(port, "scpi", "X?", 0.3).value == 7, 10, "the good order is carried out")
    said = sim.errors().splitlines()
    assert len(said) == 7
    assert "no device is called other: device" in said[1]
    assert "it does not load" in said[2]
    assert "QUERY VALUE" in said[3]


def test_a_device_that_was_started_by_a_program_ends_with_it(sim: Simulated) -> None:
    link = sim.folder / "pa"
    sim.start("--family", "scpi", "--link", str(link), "--attended")
    assert sim.process.stdin is not None
    sim.process.stdin.close()
    assert sim.process.wait(20) == 0
    assert not link.is_symlink()


def test_a_device_process_carries_none_of_the_heavy_libraries(sim: Simulated) -> None:
    sim.start("--family", "scpi", "--link", str(sim.folder / "pa"))
    maps = {Path(m.path).name for m in psutil.Process(sim.process.pid).memory_maps()}
    assert not [m for m in maps if "pydantic" in m or "sqlalchemy" in m or "cryptography" in m]
    code = "import sys, stations.simulator.command; print(*sorted(m.partition('.')[0] for m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"pydantic", "flask", "sqlalchemy", "serial", "waitress", "urllib3"} & set(loaded.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--family with --link"),
        (("--family", "scpi"), "--family with --link"),
        (("--family", "scpi", "--link", "x", "--fault", "luck=1"), "luck is no fault: silence"),
        (("--family", "scpi", "--link", "x", "--fault", "late=2"), "from 0 to 1"),
        (("--family", "scpi", "--link", "x", "--fault", "late=0.6", "--fault", "half=0.6"), "together more than 1"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(arguments: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(simulate, list(arguments))
    assert done.exit_code == 2
    assert said in done.output


def test_a_file_of_somebody_is_never_overwritten_by_a_device(tmp_path: Path) -> None:
    own = tmp_path / "thesis.txt"
    own.write_text("years of work")
    done = CliRunner().invoke(simulate, ["--family", "scpi", "--link", str(own)])
    assert done.exit_code == 1
    assert "is not overwritten" in done.output
    assert own.read_text() == "years of work"


def test_devices_that_the_file_places_below_dev_need_a_folder_for_their_links() -> None:
    done = CliRunner().invoke(simulate, [str(ROOT / "config" / "stations" / "bench-5.toml")])
    assert done.exit_code == 1
    assert "give --links" in done.output


def test_values_and_faults_are_the_same_for_the_same_seed_and_others_for_another(sim: Simulated) -> None:
    def heard(seed: str) -> list[str]:
        link = sim.folder / "d"
        sim.start("--family", "scpi", "--link", str(link), "--fault", "text=0.3", "--fault", "over=0.3", "--seed", seed)
        port = sim.open(link, "scpi")
        answers = [port.ask(b"READ?\n").raw.decode() for _ in range(12)]
        port.close()
        sim.end()
        return answers

    first = heard("4")
    assert {"ERROR", "+9.90000000E+37"} < set(first)
    assert first == heard("4")
    assert first != heard("5")


@pytest.mark.parametrize("word", [*FAULTS, *VERBS, *kinds.FAMILIES, *kinds.PERSONALITIES])
def test_every_fault_order_family_and_personality_is_in_the_documentation(word: str) -> None:
    assert re.search(rf"`[^`\n]*\b{word}\b[^`\n]*`", (ROOT / "docs" / "simulator.md").read_text("utf-8"))


def test_a_label_printer_appears_behind_a_link_and_counts_what_came_out(sim: Simulated) -> None:
    link = sim.folder / "printer"
    (said,) = sim.start("--label-printer", str(link))
    where = read_serial_line(said.rpartition(" ")[2])
    assert where is not None
    assert where.path == os.readlink(link)
    heard: list[PortEvent] = []
    with Port(PortSettings(str(link)), LINES, heard.append) as port:
        wait_for(lambda: port.is_open)
        sim.order("paper")
        wait_for(lambda: port.write(b"~HS") and any(isinstance(e, Frame) and b"030,1" in e.raw for e in heard))
        sim.order("nonsense")
        sim.order("")
        port.write(b"^XA^XZ^XA^FDx^FS^XZ^XA^XZ")

        def counted() -> str:
            sim.order("count")
            assert sim.process.stdout is not None
            return sim.process.stdout.readline().decode()

        wait_for(lambda: json.loads(counted()) == {"printed": 3, "doubled": 1})
    assert sim.end() == 0
    assert "nonsense is no fault" in sim.errors()
    refused = CliRunner(env={"MES_LANG": "en"}).invoke(simulate, ["--label-printer", "printer"])
    assert refused.exit_code == 2
