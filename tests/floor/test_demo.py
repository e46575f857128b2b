"""`mes demo` for real: a server, an agent a station, simulated operators; killed in the middle, and nothing is lost.

And the parts of it that need no process: figures, the demo's copy of the plan, the frames of a board.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import psutil
import pytest
import urllib3

from mes import plan as plans
from mes.plan import StationFile
from stations.demo_board import Board
from stations.demo_processes import Child
from stations.demo_report import Captured, board_latencies_ms, conservation, percentiles
from stations.demo_setup import Ports, shorter, station_toml
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"
MES = [sys.executable, "-m", "mes.cli"]

installed = pytest.mark.skipif(
    not {"serve", "station", "demo"} <= {e.name for e in entry_points(group="mes.commands")},
    reason="needs the commands of an installed package: pip install -e '.[all,test]'",
)


def environment(**more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MES_")}
    path = os.pathsep.join(p for p in (str(ROOT), clean.get("PYTHONPATH", "")) if p)
    return {**clean, "PYTHONPATH": path, "MES_LANG": "en", "MES_CONFIG": str(CONFIG), **more}


def mes(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MES, *arguments], env=environment(**more), capture_output=True, text=True, timeout=100, check=False
    )


class RunningDemo:
    """A demo in a process of its own, with its folder and what it says."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder, self.report_file = folder / "demo", folder / "report.json"
        self.database = f"sqlite:///{self.folder / 'atelier.db'}"
        options = ["--port", "0", "--seed", "11", "--folder", str(self.folder), "--report", str(self.report_file)]
        self.process = subprocess.Popen(
            [*MES, "demo", *options, *arguments],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)

    @property
    def text(self) -> str:
        return "".join(self.said)

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.report_file.read_text("utf-8"))
        return found

    def wait_until_it_runs(self) -> None:
        wait_for(lambda: "Stop with Ctrl-C" in self.text or self.process.poll() is not None, 100, "the demo is up")
        assert self.process.poll() is None, self.text

    def end(self, limit_s: float = 90) -> int:
        code = self.process.wait(limit_s)
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def children(self, word: str) -> list[psutil.Process]:
        """The demo's running programs whose command line names this, with what they have started."""
        found = [p for p in psutil.Process(self.process.pid).children() if word in " ".join(p.cmdline())]
        return [each for p in found for each in [*p.children(recursive=True), p]]

    def ledger(self) -> list[dict[str, Any]]:
        listed = mes("ledger", "list", "--json", MES_DATABASE_URL=self.database)
        return [json.loads(line) for line in listed.stdout.splitlines()]

    def steps_of_units(self) -> list[str]:
        orders = json.loads(mes("order", "list", "--json", MES_DATABASE_URL=self.database).stdout)
        serial = next(o["id"] for o in reversed(orders) if o["product"] == "NOMAD-1000")
        units = json.loads(mes("order", "units", serial, "--json", MES_DATABASE_URL=self.database).stdout)
        return [u["step"] for u in units]

    def left_behind(self) -> list[str]:
        """Programs that still name the demo's folder."""
        return [
            " ".join(p.info["cmdline"])
            for p in psutil.process_iter(["cmdline"])
            if p.info["cmdline"] and str(self.folder) in " ".join(p.info["cmdline"])
        ]


@contextmanager
def running_demo(folder: Path, *arguments: str) -> Iterator[RunningDemo]:
    demo = RunningDemo(folder, *arguments)
    try:
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.process.terminate()
            demo.end()


def assert_nothing_is_lost(demo: RunningDemo) -> None:
    events = demo.report["events"]
    assert (events["lost"], events["doubled"], events["undelivered"], events["quarantined"]) == (0, 0, 0, 0), events
    assert events["captured"] == events["judged"] > 0
    verified = mes("ledger", "verify", "--json", MES_DATABASE_URL=demo.database)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert json.loads(verified.stdout)["agrees"] is True


# --- for real


@installed
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_simulated_floor_moves_units_loses_and_doubles_nothing_and_goes_on_in_the_same_folder(tmp_path: Path) -> None:
    with running_demo(tmp_path, "--seconds", "20", "--speed", "300") as demo:
        assert demo.end(250) == 0, demo.text
        report = demo.report
        assert report["events"]["captured"] > 40
        assert len(set(demo.steps_of_units())) > 2, "units stand at several steps"
        assert report["reading_to_verdict_ms"]["count"] >= 1
        for latency in ("scan_to_verdict_ms", "scan_to_board_ms"):
            assert report[latency]["count"] > 10
            assert 0 < report[latency]["p50"] <= report[latency]["p99"] <= report[latency]["max"]
        assert report["memory_mib"]["server"] > 10
        for part in ("agents", "devices"):
            assert len(report["memory_mib"][part]) == report["stations"] == 10
        labels = report["labels"]
        assert labels == {"asked": labels["asked"], "printed": labels["asked"], "doubled": 0, "open": 0}
        assert labels["asked"] >= 8
        assert f"Labels: {labels['asked']} printed, 0 doubled." in demo.text
        register = json.loads(mes("instrument", "list", "--json", MES_DATABASE_URL=demo.database).stdout)
        assert [row["state"] for row in register].count("soon") == 1, register
        assert {"SAF-01", "PWR-01", "LOG-01", "BAL-01"} <= {row["id"] for row in register}
        assert_nothing_is_lost(demo)
        assert demo.left_behind() == []
        first = report["events"]["captured"]
    with running_demo(tmp_path, "--seconds", "8", "--speed", "300") as demo:
        assert demo.end(200) == 0, demo.text
        assert demo.report["events"]["captured"] > first + 10, "the units stand where they stood"
        assert_nothing_is_lost(demo)


@installed
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_devices_an_agent_and_the_server_are_killed_in_mid_run_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    def devices(station: str) -> dict[str, bool]:
        found = re.search(rf"{station} +(http://\S+/)", demo.text)
        assert found is not None
        shown = json.loads(urllib3.request("GET", f"{found[1]}state", timeout=10).data)
        return {d["name"]: d["ok"] for d in shown["devices"]}

    with running_demo(tmp_path, "--speed", "300") as demo:
        demo.wait_until_it_runs()
        wait_for(lambda: len(demo.ledger()) > 60, 60, "people work", pause_s=0.5)
        wait_for(lambda: devices("bench-5") == {"scanner": True, "power": True}, 30, "the devices are there")
        victims = demo.children("stations.simulator")
        assert len(victims) == 10, "one process a bench"
        for victim in victims:
            victim.suspend()  # all at once: whoever comes back first must not get another one's terminal
        for victim in victims:
            victim.kill()
        wait_for(lambda: devices("bench-5") == {"scanner": False, "power": False}, 20, "they are missed", pause_s=0.05)
        wait_for(lambda: demo.text.count("devices has ended (signal 9)") == 10, 20, "the demo has seen it")
        for station in ("bench-4", "bench-5", "bench-8", "pack-2"):
            wait_for(lambda s=station: all(devices(s).values()), 30, f"{station} has them back")  # type: ignore[misc]
        for victim in demo.children("bench-2.toml --data"):
            victim.kill()
        wait_for(lambda: "bench-2 has ended (signal 9)" in demo.text, 10, "the agent's end is seen")
        before = len(demo.ledger())
        for victim in demo.children(" serve "):
            victim.kill()
        wait_for(lambda: "server has ended (signal 9)" in demo.text, 10, "the server's end is seen")
        wait_for(lambda: len(demo.ledger()) > before + 60, 90, "people work on", pause_s=0.5)
        wait_for(
            lambda: "CartonClosed" in {row["kind"] for row in demo.ledger()}, 90, "cartons are closed", pause_s=0.5
        )
        demo.process.send_signal(signal.SIGINT)
        assert demo.end() == 0, demo.text
        assert demo.report["cartons"]["closed"] > 0
        restarts = set(demo.report["restarts"])
        assert {"bench-2", "server"} < restarts
        assert len(restarts) == 12, "ten with devices, an agent, the server"
        assert_nothing_is_lost(demo)
        assert demo.left_behind() == []


@installed
@pytest.mark.timeout(120)
def test_ctrl_c_before_everything_is_up_leaves_nothing_behind(tmp_path: Path) -> None:
    with running_demo(tmp_path) as demo:
        wait_for(lambda: "Preparing" in demo.text, 60, "it begins")
        wait_for(lambda: (demo.folder / "logs" / "server.log").exists(), 60, "the server is being started")
        demo.process.send_signal(signal.SIGINT)
        assert demo.end() == 0, demo.text
        assert "Stopped before" in demo.text
        assert "Traceback" not in demo.text
        assert not demo.report_file.exists()
        assert demo.left_behind() == []


@installed
def test_a_taken_port_is_one_sentence_that_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = mes("demo", "--port", port, "--folder", str(tmp_path / "d"))
    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


@installed
def test_a_missing_plan_is_one_sentence(tmp_path: Path) -> None:
    done = mes("demo", "--port", "0", "--folder", str(tmp_path / "d"), MES_CONFIG=str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


@installed
def test_a_running_server_needs_the_address_of_its_database(tmp_path: Path) -> None:
    done = mes("demo", "--server", "http://127.0.0.1:9", "--folder", str(tmp_path / "d"))
    assert done.returncode == 1
    assert "MES_DATABASE_URL" in done.stderr


@installed
def test_the_demo_never_writes_over_the_plan_that_it_copies(tmp_path: Path) -> None:
    own = tmp_path / "config"
    own.mkdir()
    for name in ("plant.toml", "defects.toml"):
        (own / name).write_bytes((CONFIG / name).read_bytes())
    for part in ("products", "stations", "pictures"):
        (own / part).mkdir()
        for file in (CONFIG / part).iterdir():
            (own / part / file.name).write_bytes(file.read_bytes())
    before = {f: f.read_bytes() for f in own.rglob("*") if f.is_file()}
    done = mes("demo", "--port", "0", "--folder", str(tmp_path), MES_CONFIG=str(own))
    assert done.returncode == 1
    assert "another folder" in done.stderr
    assert {f: f.read_bytes() for f in own.rglob("*") if f.is_file()} == before


# --- the demo's copy of the plan


def test_the_burn_in_is_shorter_and_the_persons_own_time_stays() -> None:
    before = (CONFIG / "products" / "nomad.toml").read_text("utf-8").splitlines()
    after = shorter("\n".join(before), 60).splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [new.partition("#")[0].strip() for _old, new in changed] == ["cycle_s = 420", "min_s = 120", "sample_s = 5"]


def test_a_station_file_of_the_demo_says_the_same_station_with_other_ports(tmp_path: Path) -> None:
    for path in sorted((CONFIG / "stations").glob("*.toml")):
        original = plans.read_station(path)
        assert isinstance(original, StationFile)
        links = {p.name: tmp_path / f"{original.station.id}-{p.name}" for p in original.ports}
        written = tmp_path / path.name
        written.write_text(station_toml(original, links, screen_port=9000, server_url="http://127.0.0.1:1"), "utf-8")
        read = plans.read_station(written)
        assert isinstance(read, StationFile), read
        assert read.station == original.station
        assert [(p.name, p.family) for p in read.ports] == [(p.name, p.family) for p in original.ports]
        assert all(str(links[p.name]) in p.url for p in read.ports)


def test_a_reserved_port_is_refused_to_others_and_open_to_a_server() -> None:
    ports = Ports(random.Random(1))
    port = ports.any()
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)):
        assert not Ports(random.Random(2)).reserve(port)
    ports.release()


# --- the figures


def row(n: int, event_id: str, **more: Any) -> dict[str, Any]:
    return {
        "n": n,
        "event_id": event_id,
        "kind": "UnitsArrived",
        "status": "recorded",
        "verdict": "accepted",
        "captured_at": f"2026-11-23T08:00:{n:02}Z",
        **more,
    }


def test_events_that_are_in_the_ledger_once_are_neither_lost_nor_doubled() -> None:
    outboxes = {"a": [Captured("1", True), Captured("2", True)], "b": [Captured("3", True)]}
    ledger = [row(1, "office"), *(row(n + 2, str(n)) for n in (1, 2, 3))]
    found = conservation(outboxes, ledger)
    assert found == {"captured": 3, "judged": 3, "quarantined": 0, "lost": 0, "undelivered": 0, "doubled": 0}


def test_an_event_that_was_answered_for_and_is_not_in_the_ledger_is_lost() -> None:
    assert conservation({"a": [Captured("1", True)]}, [])["lost"] == 1


def test_an_event_that_still_waits_is_not_lost_but_undelivered() -> None:
    found = conservation({"a": [Captured("1", False)]}, [])
    assert (found["lost"], found["undelivered"]) == (0, 1)


def test_an_event_that_stands_twice_is_doubled_wherever_it_stands_twice() -> None:
    assert conservation({"a": [Captured("1", True)]}, [row(1, "1"), row(2, "1")])["doubled"] == 1
    assert conservation({"a": [Captured("1", True)], "b": [Captured("1", True)]}, [row(1, "1")])["doubled"] == 1


def test_a_quarantined_event_is_counted_as_such() -> None:
    assert conservation({"a": [Captured("1", True)]}, [row(1, "1", status="quarantined")])["quarantined"] == 1


def test_percentiles_are_of_the_nearest_rank_and_show_the_maximum() -> None:
    assert percentiles([float(n) for n in range(1, 101)]) == {
        "count": 100,
        "p50": 51.0,
        "p95": 96.0,
        "p99": 100.0,
        "max": 100.0,
    }
    assert percentiles([]) == {"count": 0}


def test_the_way_to_the_board_ends_with_the_first_push_that_reaches_the_event() -> None:
    board = Board("http://127.0.0.1:1")
    at = 1_795_420_800.0  # 2026-11-23T08:00:00Z
    assert board.hear('0{"sid":"x"}', at) == "40"
    assert board.hear('40{"sid":"y"}', at) is None
    assert board.hear("2", at) == "3"
    board.hear('42["board",{"from":1,"to":2,"parts":{}}]', at + 2.1)
    board.hear('42["board",{"from":2,"to":5,"parts":{}}]', at + 5.5)
    board.hear('42["board",{"from":0,"to":1,"parts":{}}]', at + 9)
    rows = [row(2, "a"), row(4, "b"), row(5, "c", kind="UnitsTested"), row(6, "d"), row(1, "other")]
    ours = frozenset("abcd")
    assert board_latencies_ms(rows, board.arrived, since=at, ours=ours, visible_only=True) == pytest.approx([100, 1500])
    assert board_latencies_ms(rows, board.arrived, since=at + 3, ours=ours, visible_only=False) == pytest.approx(
        [1500, 500]
    )


# --- the children


def test_a_child_that_dies_is_started_again_and_one_that_dies_at_once_waits_longer_each_time(tmp_path: Path) -> None:
    child = Child("short-lived", ["--version"], tmp_path / "log", environment())
    child.start()
    pauses = []
    now = 0.0
    for _ in range(3):
        wait_for(lambda: not child.alive, 20, "it ends by itself")
        assert child.look(now) == 0
        pause = 0.0
        while not child.alive and child.restarts == len(pauses):
            pause += 0.125
            child.look(now + pause)
        pauses.append(pause)
    child.wait()
    assert child.restarts == 3
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1]


def test_a_child_that_was_told_to_end_stays_away(tmp_path: Path) -> None:
    child = Child("told", ["--version"], tmp_path / "log", environment())
    child.start()
    child.terminate()
    child.wait()
    assert child.look(1e9) is None
    assert child.look(2e9) is None
    assert not child.alive
