"""`mes doctor --station` on pseudo-terminals: what is there, who has it, what comes, at which speed; in words and JSON.

A pseudo-terminal carries bytes at any speed and has no parity, no voltage and no USB: where such a line matters, the
device of the test sends the bytes that a real one gives.
"""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import serial
from click.testing import CliRunner

from mes.commands_doctor import doctor
from mes.domain.check_codes import CODES
from stations import doctor as checks
from stations.doctor_watch import ORDER, try_speeds
from stations.durable import write_token
from stations.port_list import Holder, holders
from stations.simulator.pty import VirtualPort
from tests.htf_records import volt
from tests.waiting import wait_for

ONE, LETTERS, BARS, SQUARE = CODES
NOISE = b"\xfe\x80\xfc\x00\xff\x81\xfe"
SPEEDS = {termios.B9600: 9600, termios.B115200: 115_200, termios.B19200: 19_200, termios.B38400: 38_400}


class Pc:
    """A station's PC with one scanner."""

    def __init__(self, folder: Path, baud: int = 9600) -> None:
        self.cable = VirtualPort(folder / "usb-Scanner-if00")
        self.data = folder / "data"
        self.folder = self.data / "b1"
        self.file = folder / "b1.toml"
        self.write(baud)

    def write(self, baud: int = 9600) -> None:
        self.file.write_text(
            f"""
[station]
id = "b1"
name = {{ fr = "Poste b1", en = "Bench b1" }}
line = "gen"
place = 1
[[port]]
name = "scanner"
family = "scanner"
url = "/dev/..{self.cable.link}"
baud = {baud}
[screen]
port = 8101
[server]
url = "http://127.0.0.1:9"
"""
        )

    @property
    def command(self) -> list[str]:
        return ["--station", str(self.file), "--data", str(self.data)]

    def examine(self, lang: str = "en") -> tuple[int, dict[str, dict[str, Any]]]:
        """The checks by name."""
        result = CliRunner(env={"MES_LANG": lang}).invoke(doctor, [*self.command, "--json"])
        said = [json.loads(line) for line in result.output.splitlines()]
        return result.exit_code, {c["check"]: c for c in said}

    def table(self) -> Any:
        from mes.plan import StationFile, read_station

        found = read_station(self.file)
        assert isinstance(found, StationFile)
        return found.ports[0]


@pytest.fixture
def pc(tmp_path: Path) -> Iterator[Pc]:
    made = Pc(tmp_path)
    yield made
    made.cable.unplug()


class Watching:
    """`mes doctor --station FILE --watch --json` as a process, with a terminal of its own."""

    def __init__(self, pc: Pc, lang: str = "en") -> None:
        self.keys, terminal = pty.openpty()
        self.log = pc.file.with_suffix(".log")
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mes.cli", "doctor", *pc.command, "--watch", "--json"],
                stdin=terminal, stdout=out, stderr=subprocess.STDOUT,
                env={**os.environ, "MES_LANG": lang, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        self._terminal = terminal
        wait_for(self._raw, 60, "it has taken the terminal")
        self.says(device="scanner", open=True)

    def _raw(self) -> bool:
        return not termios.tcgetattr(self._terminal)[3] & termios.ECHO

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines() if line.startswith("{")]

    def says(self, **wanted: Any) -> dict[str, Any]:
        """Wait for a line that says this."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            found[:] = [x for x in self.lines() if all(x.get(k) == v for k, v in wanted.items())]
            return bool(found)

        wait_for(there, 30, f"{wanted}, got {self.log.read_text('utf-8')}")
        return found[-1]

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=15)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=10)
        os.close(self.keys)
        os.close(self._terminal)


@pytest.fixture
def watching(pc: Pc) -> Iterator[Watching]:
    pc.cable.plug()
    made = Watching(pc)
    yield made
    made.close()


# --- ports


def test_a_port_that_is_there_and_free_says_so(pc: Pc) -> None:
    pc.cable.plug()
    _code, said = pc.examine()
    assert (said["port scanner"]["level"], said["port scanner"]["text"]) == ("ok", "scanner: it is there and free.")


def test_a_port_without_a_device_says_what_to_do_and_the_command_fails(pc: Pc) -> None:
    code, said = pc.examine()
    assert (code, said["port scanner"]["level"]) == (1, "bad")
    assert said["port scanner"]["text"].startswith("scanner: there is no device at /dev/")
    assert "Plug it in." in said["port scanner"]["do"]


def test_a_port_that_another_program_has_names_it(pc: Pc) -> None:
    pc.cable.plug()
    other = subprocess.Popen(["tail", "-f", pc.cable.tty], stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: holders(str(pc.cable.link)), 10, "it has opened the port")
        _code, said = pc.examine()
        assert said["port scanner"]["text"] == f"scanner: another program has it: tail ({other.pid})."
    finally:
        other.kill()
        other.wait(timeout=10)


def test_a_port_that_the_agent_has_is_no_fault(pc: Pc) -> None:
    pc.cable.plug()
    found = checks.port_of(pc.table(), lambda _path: [Holder(4711, "mes", agent=True)])
    assert (found.level, found.args["who"]) == ("ok", "mes (4711)")


def test_an_agent_that_runs_is_known_by_how_it_was_started(pc: Pc) -> None:
    pc.cable.plug()
    command = [sys.executable, "-m", "mes.cli", "station", "run", str(pc.file), "--data", str(pc.data)]
    with (pc.data.parent / "agent.log").open("wb") as log:
        agent = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(lambda: holders(str(pc.cable.link)), 60, "it has opened the port")
        assert [(h.pid, h.agent) for h in holders(str(pc.cable.link))] == [(agent.pid, True)]
    finally:
        agent.terminate()
        agent.wait(timeout=20)


def test_a_program_that_only_locks_a_port_is_found_by_its_lock(pc: Pc, tmp_path: Path) -> None:
    pc.cable.plug()
    proc = tmp_path / "proc"
    (proc / "4711").mkdir(parents=True)
    (proc / "4711" / "comm").write_text("mo\x1bdem\n")
    found = os.stat(pc.cable.tty)
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    (proc / "locks").write_text(
        f"1: POSIX ADVISORY READ 1 00:01:2 0 EOF\n2: FLOCK  ADVISORY  WRITE 4711 {place} 0 EOF\n"
    )
    assert holders(str(pc.cable.link), proc) == [Holder(4711, "mo?dem")]


def test_a_lock_that_is_held_for_real_is_found(pc: Pc) -> None:
    pc.cable.plug()
    code = f"import serial, time; s = serial.Serial({pc.cable.tty!r}, exclusive=True); print('ok', flush=True); input()"
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout is not None
    try:
        assert other.stdout.readline() == b"ok\n"
        assert [h.pid for h in holders(str(pc.cable.link))] == [other.pid]
    finally:
        other.kill()
        other.communicate(timeout=10)


# --- the rest of the PC


def test_a_station_that_is_not_enrolled_says_so_and_how(pc: Pc) -> None:
    _code, said = pc.examine()
    assert (said["token"]["level"], "mes station enroll" in said["token"]["do"]) == ("bad", True)
    write_token(pc.folder / "token", "secret")
    _code, said = pc.examine()
    assert said["token"]["level"] == "ok"
    assert "secret" not in json.dumps(said)


def test_a_server_that_does_not_answer_is_named_with_the_reason(pc: Pc) -> None:
    _code, said = pc.examine()
    assert said["server"]["level"] == "bad"
    assert said["server"]["text"].startswith("The server at http://127.0.0.1:9 does not answer (")


def test_the_words_are_french_where_the_person_reads_french(pc: Pc) -> None:
    _code, said = pc.examine("fr")
    assert said["token"]["text"] == "Le poste n’est pas inscrit : il garde tout et n’envoie rien."


def test_clocks_that_differ_are_told_in_seconds() -> None:
    now = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    (same,) = checks.clock("Wed, 25 Nov 2026 12:00:02 GMT", now)
    (other,) = checks.clock("Wed, 25 Nov 2026 12:00:00 GMT", now + timedelta(minutes=2))
    assert (same.level, other.level, other.args["seconds"]) == ("ok", "note", -120)
    assert list(checks.clock("nonsense", now)) == list(checks.clock(None, now)) == []


def test_records_that_wait_or_are_none_are_counted(pc: Pc) -> None:
    (pc.folder / "records" / "bad").mkdir(parents=True)
    (pc.folder / "records" / "1.json").write_text(json.dumps(volt(3.0)))
    (pc.folder / "records" / "bad" / "0.json").write_text("{")
    assert [(c.level, c.args["waiting"], c.args["bad"]) for c in checks.records(pc.folder)] == [
        ("note", 1, 1), ("bad", 1, 1),
    ]  # fmt: skip


def test_a_file_with_errors_is_not_examined(pc: Pc) -> None:
    pc.file.write_text("[station]\n")
    result = CliRunner().invoke(doctor, pc.command)
    assert result.exit_code == 1
    assert "has errors." in result.output


# --- what comes


def test_frames_are_shown_as_they_come_with_their_control_characters_named(pc: Pc, watching: Watching) -> None:
    pc.cable.write(b"]C1LOT\x1d7\r")
    assert watching.says(device="scanner", came="]C1LOT<GS>7<CR>")


def test_a_check_code_that_reads_well_ends_well(pc: Pc, watching: Watching) -> None:
    pc.cable.write(f"]C0{ONE.text}\r".encode())
    watching.says(device="scanner", code=1, fault="ok")
    assert watching.end() == 0


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (NOISE, "wrong_speed"),
        (NOISE + b"\r", "wrong_speed"),
        (ONE.text.encode(), "no_terminator"),
        (ONE.text.encode() + b"\t", "other_terminator"),
        (SQUARE.text.replace("\x1d", "").encode() + b"\r", "gs_lost"),
    ],
)
def test_a_fault_on_the_line_is_named_with_its_cure(pc: Pc, watching: Watching, sent: bytes, fault: str) -> None:
    pc.cable.write(sent)
    assert watching.says(device="scanner", fault=fault)["do"]
    assert watching.end() == 1


def test_a_fault_that_was_cured_while_looking_ends_well(pc: Pc, watching: Watching) -> None:
    pc.cable.write(ONE.text.encode())
    watching.says(fault="no_terminator")
    pc.cable.write(f"]C0{ONE.text}\r".encode())
    watching.says(fault="ok")
    assert watching.end() == 0


def test_a_scanner_that_is_a_keyboard_is_found_by_what_is_typed(watching: Watching) -> None:
    os.write(watching.keys, f"{ONE.text}\n".encode())
    assert watching.says(device="keyboard", fault="keyboard")["code"] == 1
    assert watching.end() == 1


def test_a_keyboard_with_another_layout_and_without_an_end_is_told_both(watching: Watching) -> None:
    os.write(watching.keys, "AZQW?)azqw,)à&é\"'(-è_ç".encode())
    watching.says(device="keyboard", fault="keyboard", code=2)
    watching.says(device="keyboard", fault="azerty", code=2)


def test_a_port_that_is_unplugged_while_looking_is_told(pc: Pc, watching: Watching) -> None:
    pc.cable.write(b"LABEL-1\r")
    watching.says(device="scanner", came="LABEL-1<CR>")
    pc.cable.unplug()
    watching.says(device="scanner", lost="unplugged")
    assert watching.end() == 1


# --- speeds


class AtOneSpeed:
    """A scanner that is set to one speed and scans code 1 again and again; read at another, it gives noise.

    The terminal's own setting is what the program has asked for.
    """

    def __init__(self, cable: VirtualPort, speed: int) -> None:
        self._cable, self._speed = cable, speed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._scan, daemon=True)

    def __enter__(self) -> AtOneSpeed:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def _scan(self) -> None:
        handle = os.open(self._cable.tty, os.O_RDWR | os.O_NOCTTY)
        try:
            while not self._stop.wait(0.05):
                right = termios.tcgetattr(handle)[5] == self._speed
                self._cable.write(f"]C0{ONE.text}\r".encode() if right else NOISE, limit_s=0.1)
        finally:
            os.close(handle)


@pytest.mark.parametrize("speed", [termios.B9600, termios.B115200, termios.B38400])
def test_the_speed_at_which_a_check_code_reads_is_found(pc: Pc, speed: int) -> None:
    pc.cable.plug()
    with AtOneSpeed(pc.cable, speed):
        result = CliRunner(env={"MES_LANG": "en"}).invoke(
            doctor, [*pc.command, "--speeds", "scanner", "--seconds", "1", "--json"]
        )
    said = [json.loads(line) for line in result.output.splitlines()]
    assert [s["speed"] for s in said if s["reads"]] == [SPEEDS[speed]]
    assert result.exit_code == (0 if speed == termios.B9600 else 1)


def test_a_scanner_that_says_nothing_reads_at_no_speed(pc: Pc) -> None:
    pc.cable.plug()
    heard = list(try_speeds(pc.table(), threading.Event(), seconds=0.05))
    assert [(baud, [s.raw for s in seen if s.raw]) for baud, seen in heard] == [(baud, []) for baud in ORDER]


def test_a_port_that_the_file_does_not_name_is_named_with_those_it_does(pc: Pc) -> None:
    result = CliRunner().invoke(doctor, [*pc.command, "--speeds", "scale"])
    assert "No port is called scale. Known: scanner" in result.output


def test_every_speed_of_the_plan_is_tried_and_serial_knows_it() -> None:
    assert set(ORDER) <= set(serial.Serial.BAUDRATES)
