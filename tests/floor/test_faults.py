"""A real floor is broken in every way that a workshop knows; in the end nothing is lost and nothing is doubled.

Each test ends with `Rig.conserved`: every event of every outbox is in the ledger once and in its order, the chains
hold, and the replay gives the same state.
"""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import socketio

from mes.domain import barcode
from stations.machine import boot_id, machine_id
from stations.outbox import Draft, Outbox
from tests.floor.line import BadLine, Fault
from tests.floor.rig import BADGE, DONE, FUSE, HELP, PASS, UNDO, Bench, Hand, Rig, get, template
from tests.waiting import wait_for

INGEST = "/api/v1/ingest"
FLOOR = "/api/v1/floor"
NOW = "2026-11-23T08:00:00.000000Z"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def rig(tmp_path: Path, database: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, database)
    yield made
    made.close()


@pytest.fixture
def line(rig: Rig) -> Iterator[BadLine]:
    with BadLine(rig.port) as made:
        yield made


def knows_the_floor(bench: Bench, line: BadLine) -> None:
    """The station behind the line has been told which units there are: it can decide alone, and has sent everything."""
    wait_for(lambda: line.requests[FLOOR], 20, "the station has fetched the floor")
    bench.hears("LABEL-BEFORE", "unknown_code")  # it talks about one thing after the other: this comes after the floor
    bench.drained()


def more_than(bench: Bench, count: int) -> None:
    """The bench has kept more events than that."""
    wait_for(lambda: bench.kept() > count, 30, f"{bench.station} keeps on working")


# --- who is killed ----------------------------------------------------------------------------------------------------


def test_an_agent_that_is_killed_again_and_again_loses_nothing_that_it_has_kept(rig: Rig) -> None:
    rig.start_server()
    bench = rig.bench("b1").start().up()
    chance = random.Random(1)
    before = 0
    with Hand(bench, rig.units()[:20]):
        for _ in range(5):
            more_than(bench, before + chance.randrange(3, 60))
            counted = bench.state()["meters"]["captured"]
            bench.kill()
            assert bench.kept() >= before + counted, "the screen has counted an event that is not on the disk"
            before = bench.kept()
            bench.start()
    rig.conserved()


@pytest.mark.parametrize("moment", ["request", "soon after", "reply"])
def test_a_server_that_is_killed_in_the_middle_of_a_request_gets_it_again_and_has_it_once(
    rig: Rig, line: BadLine, moment: str
) -> None:
    rig.start_server()
    one = rig.bench("b1", url=line.url).start().up()
    two = rig.bench("b2", url=line.url).start().up()
    chance = random.Random(moment)
    victims: list[psutil.Process] = []

    def strike(path: str, status: int = 200) -> None:
        with suppress(IndexError):  # two requests at the same moment: one of them gets the victim
            if path == INGEST and status == 200:  # "try later" has committed nothing
                victim = victims.pop()
                if moment == "soon after":
                    threading.Event().wait(chance.uniform(0.0, 0.01))
                victim.kill()
                if moment == "reply":
                    raise ConnectionAbortedError("what it has answered does not arrive any more")

    if moment == "reply":
        line.before_reply = strike
    else:
        line.after_request = strike
    with Hand(one, rig.units()[:20]), Hand(two, rig.units()[20:40]):
        more_than(one, 5)
        (worker,) = psutil.Process(rig.server.pid).children()
        victims.append(worker)
        wait_for(lambda: not worker.is_running() and get(rig.port, "/health"), 30, "the master has another worker")
        more_than(one, one.kept() + 20)
        victims.append(psutil.Process(rig.server.pid))
        wait_for(lambda: not rig.server.runs, 30, "the master is killed, and its worker with it")
        rig.start_server()
    rig.drained()
    if moment == "reply":  # it had committed both times; it may have been the same batch
        wait_for(lambda: sum(b.state()["meters"]["duplicate"] for b in (one, two)) >= 1, 10, "it came twice")
    rig.conserved()


def test_a_server_that_freezes_in_a_request_answers_late_and_counts_once(rig: Rig, line: BadLine) -> None:
    rig.start_server()
    bench = rig.bench("b1", url=line.url).start().up().sign_in()
    knows_the_floor(bench, line)
    frozen = threading.Event()

    def freeze(path: str) -> None:
        if path == INGEST and not frozen.is_set():
            frozen.set()
            rig.server.send(signal.SIGSTOP)

    line.after_request = freeze
    unit = rig.units()[0]
    bench.hears(unit, "offline_go")
    assert frozen.is_set()
    line.cut()  # the station has waited long enough: it asks again, and both requests lie at the frozen server
    bench.hears("B-1", "component_fitted")
    tried = line.requests["/api/v1/hello"]
    wait_for(lambda: line.requests["/api/v1/hello"] > tried, 20, "the station tries again")
    rig.server.send(signal.SIGCONT)
    bench.drained()
    bench.shows(lambda s: s["meters"]["duplicate"] >= 1, what="one has come twice")
    rig.conserved()


@contextmanager
def board_is_open(rig: Rig) -> Iterator[None]:
    """Somebody looks at the live board, as a browser does."""
    client = socketio.Client(reconnection=False)
    client.connect(f"http://127.0.0.1:{rig.port}?lang=fr", transports=["websocket"], wait_timeout=40)
    try:
        yield
    finally:
        client.disconnect()


def test_server_and_agent_end_when_they_are_told_to_in_the_middle_of_work(rig: Rig) -> None:
    rig.start_server()
    one, two = rig.bench("b1").start().up(), rig.bench("b2").start().up()
    with Hand(one, rig.units()[:20]), Hand(two, rig.units()[20:40]):
        more_than(one, 30)
        with board_is_open(rig):
            rig.server.stop()
        more_than(one, one.kept() + 5)
        rig.start_server()
        more_than(two, two.kept() + 5)
        one.stop()
        one.start()
        more_than(one, one.kept() + 5)
    rig.conserved()


# --- the way between --------------------------------------------------------------------------------------------------


def test_answers_that_are_cut_torn_or_lost_are_asked_for_again(rig: Rig, line: BadLine) -> None:
    rig.start_server()
    faults: list[Fault] = ["lose_reply", "truncate", "lose_request", "truncate_head", "half_close", "hang_up"]
    others: dict[str, list[Fault]] = {
        "/api/v1/hello": ["truncate"],
        "/api/v1/plan": ["half_close", "truncate"],
        FLOOR: ["truncate_head"],
    }
    good = False

    def choose(path: str) -> Fault:
        nonlocal good
        if path != INGEST:
            left = others.get(path, [])
            return left.pop(0) if left else "none"
        good = not good
        return faults.pop(0) if good and faults else "none"

    line.fault = choose
    bench = rig.bench("b1", url=line.url).start()
    with Hand(bench, rig.units()[:20]):
        wait_for(lambda: not faults, 60, "every fault has come", pause_s=0.1)
    bench.drained()
    assert not any(others.values())
    bench.shows(lambda s: s["meters"]["duplicate"] >= 5, what="five have come twice")
    rig.conserved()


def test_requests_that_come_twice_at_once_and_once_more_much_later_count_once(rig: Rig, line: BadLine) -> None:
    rig.start_server()
    line.fault = lambda path: "twice"
    one = rig.bench("b1", url=line.url).start().up()
    two = rig.bench("b2", url=line.url).start().up()
    with Hand(one, rig.units()[:20]), Hand(two, rig.units()[20:40]):
        more_than(one, 100)
    for bench in (one, two):
        bench.at_rest()
    rig.drained()
    rows = rig.ask("SELECT count(*) FROM ledger")
    for late in line.sent:
        line.again(late)
    assert rig.ask("SELECT count(*) FROM ledger") == rows
    assert set(line.statuses) == {200}
    rig.conserved()


def test_a_bench_in_a_black_hole_works_on_in_amber_and_tells_everything_later(rig: Rig, line: BadLine) -> None:
    rig.start_server()
    bench = rig.bench("b1", url=line.url).start().up().sign_in()
    knows_the_floor(bench, line)
    first, second = rig.units()[:2]
    line.fault = lambda path: "black_hole"
    # The link still counts as up: the bench asks, waits two seconds, and decides.
    assert bench.hears(first, "offline_go")["banner"]["tone"] == "kept"
    bench.hears("B-1", "kept")
    bench.scan(FUSE)
    bench.scan(FUSE)
    assert bench.hears(DONE, "step_done")["banner"]["tone"] == "kept"
    page = get(bench.page, "/")
    assert page is not None
    assert page[0] == 200
    line.cut()
    bench.shows(lambda s: s["link"] == "down", what="the link is down")
    for said, reason in ((second, "offline_go"), ("B-2", "component_fitted"), (FUSE, "component_fitted")):
        assert bench.hears(said, reason)["banner"]["tone"] == "kept"
    assert bench.hears("B-1", "component_enough")["banner"]["tone"] == "stop"
    bench.hears(FUSE, "component_fitted")
    assert bench.hears(DONE, "step_done")["kept"] == bench.waiting() > 8
    line.heal()
    bench.drained()
    bench.shows(lambda s: s["kept"] == 0 and s["link"] == "up", what="everything is told")
    assert rig.ask("SELECT count(*) FROM unit WHERE step = 'test' AND state = 'waiting'") == [(2,)]
    rig.conserved()


# --- the database -----------------------------------------------------------------------------------------------------


@contextmanager
def locked(path: Path) -> Iterator[Callable[[], None]]:
    """Another process holds the database; call what is given to let it go."""
    script = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "db.execute('BEGIN EXCLUSIVE'); print('locked', flush=True); sys.stdin.readline(); db.execute('ROLLBACK')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        try:
            yield other.stdin.close
        finally:
            other.stdin.close()


def test_a_locked_database_is_answered_with_try_later_and_nothing_else(rig: Rig, line: BadLine) -> None:
    rig.start_server()
    bench = rig.bench("b1", url=line.url).start().up().sign_in()
    bench.drained()
    with locked(rig.database) as let_go, Hand(bench, rig.units()[:20]):
        wait_for(lambda: line.statuses[503] >= 1, 30, "the station is told to come again")
        for page in ("/board", "/health", "/login"):
            answer = get(rig.port, page)
            assert answer is not None
            assert answer[0] == 200
        assert bench.waiting() > 0
        let_go()
        wait_for(lambda: bench.waiting() < 5, 30, "the station is rid of what waited")
    bench.drained()
    assert set(line.statuses) == {200, 503}
    rig.conserved()


def copy_of(database: Path, to: Path) -> None:
    """A copy as a backup makes it, while the server writes."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def test_a_server_that_comes_back_from_an_older_copy_gets_everything_again(rig: Rig) -> None:
    rig.start_server()
    one, two = rig.bench("b1").start().up(), rig.bench("b2").start().up()
    backup = rig.folder / "backup.db"
    with Hand(one, rig.units()[:20]), Hand(two, rig.units()[20:40]):
        more_than(one, 20)
        copy_of(rig.database, backup)
        more_than(one, 80)
    rig.drained()
    before = rig.ask("SELECT count(*) FROM ledger")[0][0]
    rig.server.kill()
    for suffix in ("-wal", "-shm"):
        rig.database.with_name(rig.database.name + suffix).unlink(missing_ok=True)
    shutil.copy(backup, rig.database)
    assert rig.ask("SELECT count(*) FROM ledger")[0][0] < before
    rig.start_server()
    for bench in (one, two):
        bench.scan(HELP)  # what is new makes a station notice at once that nobody answers
    wait_for(lambda: rig.ask("SELECT count(*) FROM ledger")[0][0] >= before + 2, 40, "the gap is filled", pause_s=0.2)
    rig.conserved()


def test_an_event_that_nobody_understands_is_set_aside_and_the_next_ones_flow(rig: Rig) -> None:
    rig.start_server()
    bench = rig.bench("b1").start().up().sign_in()
    bench.stop()
    folder = bench.data / "b1"
    outbox = Outbox.open(bench.outbox, machine_id=machine_id(folder), boot_id=boot_id())
    poison = [
        Draft("UnitsTeleported", '{"unit":"x"}', "007"),
        Draft("UnitsArrived", '{"unit":"x","step":"fit"}', "007", v=9),
        Draft("UnitsArrived", "no JSON at all", "007"),
    ]
    ids = [e.event_id for e in outbox.keep(poison, captured_at=NOW, mono_ms=0)]
    outbox.close()
    bench.start().up().sign_in()
    bench.hears(rig.units()[0], "unit_arrived")
    bench.drained()
    bench.shows(lambda s: s["meters"]["quarantined"] == 3, what="three are in quarantine")
    assert [r for (r,) in rig.ask("SELECT event_id FROM quarantine ORDER BY ledger_n")] == ids
    again = rig.mes("requeue")
    assert again.returncode == 1
    assert "UnitsTeleported" in again.stdout
    assert "3 events stay in quarantine" in again.stderr
    verified = rig.mes("ledger", "verify")
    assert (verified.returncode, "the replay agrees" in verified.stdout) == (0, True)
    rig.conserved()


# --- the bench's own PC -----------------------------------------------------------------------------------------------


def test_a_disk_that_was_copied_to_another_pc_begins_a_new_stream(rig: Rig) -> None:
    rig.start_server()
    bench = rig.bench("b1").start().up().sign_in()
    bench.hears("LABEL-1", "unknown_code")
    bench.drained().stop()
    copy = rig.folder / "copy"
    shutil.copytree(bench.data, copy)
    with closing(sqlite3.connect(copy / "b1" / "outbox.db")) as db, db:
        # As this PC sees a disk that comes from another one.
        db.execute("UPDATE meta SET value = 'another-pc' WHERE key = 'machine_id'")
    clone = rig.bench("b1", data=copy, enrolled=False)
    for each in (bench, clone):
        each.start().up().sign_in()
    for each in (clone, bench):
        each.hears(f"LABEL-{each.page}", "unknown_code")
    rig.drained()
    streams = [each.ask("SELECT value FROM meta WHERE key = 'stream_id'")[0] for each in (bench, clone)]
    assert streams[0] != streams[1]
    assert [code for (code,) in clone.ask("SELECT code FROM alarm")] == ["forked"]
    assert bench.ask("SELECT code FROM alarm") == []
    rig.conserved()


def test_a_copied_disk_that_passes_for_the_original_is_found_out_by_the_server(rig: Rig, line: BadLine) -> None:
    rig.start_server()
    bench = rig.bench("b1", url=line.url).start().up().sign_in()
    bench.drained().stop()
    copy = rig.folder / "copy"
    shutil.copytree(bench.data, copy)
    clone = rig.bench("b1", url=line.url, data=copy, enrolled=False)
    for each in (bench, clone):
        each.start().up()  # both are where the server is: it cannot know yet
    for each in (bench, clone):
        each.sign_in().hears(f"LABEL-{each.page}", "unknown_code")
        each.drained()
    assert line.statuses[409] == 1
    assert [code for (code,) in clone.ask("SELECT code FROM alarm")] == ["forked"]
    rig.conserved()


def test_an_agent_without_a_server_says_that_it_is_not_ready_until_it_has_a_plan(rig: Rig) -> None:
    rig.start_server()
    bench = rig.bench("b1")
    rig.server.stop()
    bench.start(until=lambda s: all(d["ok"] for d in s["devices"]))
    assert bench.hears(BADGE, "not_ready")["phase"] == "starting"
    assert bench.hears(rig.units()[0], "not_ready")["link"] != "up"
    rig.start_server()
    bench.up().shows(lambda s: s["phase"] == "signed_out", what="the plan has come")
    bench.sign_in()
    rig.conserved()


def test_an_agent_that_starts_without_a_server_works_with_what_it_was_told_last_time(rig: Rig, line: BadLine) -> None:
    rig.start_server()
    bench = rig.bench("b1", url=line.url).start().up().sign_in()
    knows_the_floor(bench, line)
    bench.stop()
    rig.server.stop()
    bench.start().sign_in()
    unit = rig.units()[0]
    for said, reason in (
        (unit, "offline_go"),
        ("B-1", "component_fitted"),
        (FUSE, "component_fitted"),
        (FUSE, "component_fitted"),
        (DONE, "step_done"),
    ):
        assert bench.hears(said, reason)["banner"]["tone"] == "kept"
    rig.start_server()
    rig.conserved()
    assert rig.ask(f"SELECT step, state, nc FROM unit WHERE serial = '{unit}'") == [("test", "waiting", None)]


# --- the scanner ------------------------------------------------------------------------------------------------------


def scanner_is(ok: bool) -> Callable[[dict[str, list[dict[str, object]]]], bool]:
    return lambda s: [d["ok"] for d in s["devices"]] == [ok]


@contextmanager
def unread_of(bench: Bench) -> Iterator[Callable[[], int]]:
    """How many bytes lie at the scanner's port and have not been read by the agent. Before the agent has the port."""
    port = os.open(bench.cable.link, os.O_RDONLY | os.O_NOCTTY)
    try:
        yield lambda: int.from_bytes(fcntl.ioctl(port, termios.FIONREAD, bytes(4)), sys.byteorder)
    finally:
        os.close(port)


def test_a_scanner_that_is_pulled_in_mid_scan_tears_the_scan_and_comes_back_by_itself(rig: Rig) -> None:
    rig.start_server()
    bench = rig.bench("b1")
    bench.cable.plug()
    with unread_of(bench) as unread:
        bench.start().up().sign_in()
        unit, pid = rig.units()[0], bench.pid
        bench.send(signal.SIGSTOP)  # so that it is certain when it has read: all of it, and then the cable is pulled
        bench.cable.write(unit[:7].encode())
        wait_for(lambda: unread() == 7, 5, "half a scan lies at the port")
        bench.send(signal.SIGCONT)
        wait_for(lambda: unread() == 0, 5, "the agent has read it", pause_s=0.001)
        bench.cable.unplug()
    bench.shows(scanner_is(False), what="the scanner is lost")
    assert bench.state()["banner"]["tone"] == "stop"
    assert [(b["why"], b["raw"]) for b in bench.bodies("IdentifiersNotRead")] == [("torn", unit[:7])]
    bench.cable.plug()
    bench.shows(scanner_is(True), what="the scanner is back")
    bench.hears(unit, "unit_arrived")
    assert bench.pid == pid
    assert [len(bench.bodies(kind)) for kind in ("FaultOccurred", "FaultCleared")] == [1, 1]
    rig.conserved()


def refused(bench: Bench) -> list[tuple[str, str]]:
    """What the bench could not read, and why."""
    return [(b["raw"], b["why"]) for b in bench.bodies("IdentifiersNotRead")]


def test_noise_and_floods_are_refused_in_sight_and_cost_neither_memory_nor_scans(rig: Rig) -> None:
    rig.start_server()
    bench = rig.bench("b1").start().up().sign_in()
    process = psutil.Process(bench.pid)
    memory = process.memory_info().rss
    chance = random.Random(9)

    def after(data: bytes, count: int) -> list[tuple[str, str]]:
        """Send, wait for so many refusals, return them."""
        known = len(refused(bench))
        assert bench.cable.write(data, limit_s=30) == len(data)
        wait_for(lambda: len(refused(bench)) >= known + count, 20, f"{data[:20]!r}… is refused {count} times")
        return refused(bench)[known:]

    junk = [bytes([n]) * 9 for n in (*range(32), *range(127, 256)) if n not in b"\r\n"]
    labels = [b"LABEL-%d" % n for n in range(40)]
    noise = chance.sample([*junk, *labels], len(junk) + len(labels))
    assert len(after(b"".join(each + b"\r" for each in noise), len(noise))) == len(noise)
    flood = after(b"\xff" * 200_000 + b"\r", 1)
    assert {why for _, why in flood} == {"too_long"}
    assert after(b"\x00" * 300 + b"\r", 1)[0][1] == "bad_bytes"
    assert after(b"A" * 10_000, 1)[0][1] == "too_long"
    bench.cable.write(b"\r", limit_s=5)  # the end of the flood: a terminator, or silence
    assert bench.hears("AFTER-THE-FLOOD", "unknown_code")
    assert after(b"GEN-26", 1) == [("GEN-26", "torn")]
    assert bench.state()["banner"]["reason"] == "unreadable"
    assert after(b"TWICE-1\r\nTWICE-1\r\n", 1) == [("TWICE-1", "unknown_code")]
    burst = [f"BURST-{n:03}" for n in range(100)]
    assert after("".join(f"{text}\r\n" for text in burst).encode(), 100) == [(text, "unknown_code") for text in burst]
    bench.hears(rig.units()[0], "unit_arrived")
    assert process.memory_info().rss < memory + 40_000_000
    wait_for(lambda: process.cpu_percent(interval=0.5) < 50, 20, "the agent comes to rest")
    rig.conserved()


def test_every_wrong_scan_gets_its_own_sentence(rig: Rig) -> None:
    rig.start_server()
    one, two, three = (rig.bench(s).start().up() for s in ("b1", "b2", "b3"))
    first, second, third = rig.units()[:3]
    other = rig.units("OF-2")[0]
    one.hears(first, "no_operator")
    for bench in (one, two, three):
        bench.sign_in()
    # Before a unit is on the bench.
    assert one.hears("WHAT-IS-THIS", "unknown_code")["banner"]["args"]["text"] == "WHAT-IS-THIS"
    one.hears("B-1", "not_now")
    one.hears(DONE, "not_now")
    one.hears(UNDO, "nothing_to_undo")
    one.hears(barcode.write("badge", "007")[:-1] + "!", "unreadable")
    assert one.hears(first[:-5] + "99999", "unknown_unit")["banner"]["args"]["unit"].endswith("99999")
    elsewhere = one.hears(other, "step_missing")["banner"]["args"]
    assert elsewhere["station"] == {"fr": "Poste b3", "en": "Bench b3"}
    three.hears(first, "step_missing")
    # With a unit on it.
    one.hears(first, "unit_arrived")
    two.hears(first, "at_other_station")
    one.hears(PASS, "not_now")
    assert one.hears(DONE, "needs_component")["banner"]["args"]["left"] == 1
    one.hears("B-1", "component_fitted")
    one.hears("B-2", "component_enough")
    one.hears(first, "unit_here")
    one.hears(second, "finish_first")
    one.hears(other, "finish_first")
    one.hears(barcode.write("defect", "NO-SUCH"), "unknown_defect")
    # The same battery at the other station.
    two.hears(second, "unit_arrived")
    assert two.hears("B-1", "component_used")["banner"]["args"] == {"serial": "1", "unit": first}
    two.hears("B-3", "component_fitted")
    # It comes out again, and is free.
    one.hears(UNDO, "component_removed")
    one.hears("B-4", "component_fitted")
    for _ in range(2):
        one.hears(FUSE, "component_fitted")
    one.hears(FUSE, "component_enough")
    one.hears(DONE, "step_done")
    one.hears(first, "step_already_done")
    one.hears(third, "unit_arrived")
    one.hears("B-1", "component_fitted")
    rig.conserved()
