"""What was reported as kept is there after the power went, at whatever moment it went."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from stations.outbox import Outbox

CHILD = """
    import os, sys, threading
    from pathlib import Path
    import stations.outbox_file as file
    from mes.wire import IngestResult
    from stations.outbox import Draft, Outbox, utc_now

    path, commits, careless, settles = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "careless", len(sys.argv) > 4
    if careless:
        file.assert_durable = lambda db: db.execute("PRAGMA synchronous = NORMAL")
    box = Outbox.open(path, machine_id="pc-1", boot_id="b")

    def settle():
        while True:
            events = box.pending(5, 10**6)[:3]
            box.settle([IngestResult(event_id=e.event_id, status="recorded") for e in events], now=utc_now())

    if settles:
        threading.Thread(target=settle, daemon=True).start()
    for n in range(commits):
        events = box.keep([Draft("UnitsArrived", '{"n": %d}' % n, None)] * (1 + n % 3),
                          captured_at="2026-03-02T08:00:00Z", mono_ms=n)
        os.write(1, "".join(f"{e.event_id}\\n" for e in events).encode())
"""


def child(path: Path, commits: int, *more: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(CHILD), str(path), str(commits), *more]


def assert_all_there(path: Path, kept: list[str]) -> None:
    """Check a copy of what the power cut left, then open it as the next start of the agent does."""
    copy = path.parent / "copy"
    copy.mkdir()
    for file in path.parent.glob("outbox.db*"):
        shutil.copy(file, copy)
    db = sqlite3.connect(copy / path.name)
    assert db.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()
    shutil.rmtree(copy)
    box = Outbox.open(path, machine_id="pc-1", boot_id="b")
    rows = [row.event for row in box.newest(10**6)]
    assert box.set_aside is None
    assert box.alarms == ()
    assert [event.seq for event in rows] == list(range(1, len(rows) + 1))
    assert set(kept) <= {event.event_id for event in rows}
    box.close()


def test_every_event_reported_as_kept_survives_twenty_kills_at_random_moments(tmp_path: Path) -> None:
    chance = random.Random(20260302)
    path, kept = tmp_path / "outbox.db", list[str]()
    for _ in range(20):
        with subprocess.Popen(child(path, 10**6, "careful", "settles"), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(chance.randint(1, 120)):
                kept.append(process.stdout.readline().strip())
            process.send_signal(signal.SIGKILL)
            kept += process.stdout.read().split()
        assert process.returncode == -signal.SIGKILL
        assert_all_there(path, kept)
    assert len(kept) == len(set(kept)) > 500


def traced(path: Path, commits: int, *options: str, manner: str = "careful") -> tuple[list[str], list[str]]:
    """Run the child under strace; return the ids that it printed, and what strace saw."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace: apt-get install strace")
    trace = path.with_name("trace")
    command = ["strace", "-f", "-y", "-o", str(trace), *options, *child(path, commits, manner)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.stdout.split(), trace.read_text().splitlines()


def syncs_of_the_log(path: Path, commits: int, manner: str) -> int:
    _, seen = traced(path, commits, "-e", "trace=fdatasync,fsync", manner=manner)
    return sum("outbox.db-wal>" in line and line.rstrip().endswith("= 0") for line in seen)


def test_each_commit_waits_for_the_disk(tmp_path: Path) -> None:
    assert syncs_of_the_log(tmp_path / "outbox.db", 50, "careful") >= 50


def test_the_count_of_syncs_would_notice_an_outbox_that_does_not_wait(tmp_path: Path) -> None:
    assert syncs_of_the_log(tmp_path / "outbox.db", 50, "careless") < 50


@pytest.mark.slow
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
def test_a_kill_at_each_write_and_each_sync_of_a_new_outbox_loses_nothing_reported(tmp_path: Path, call: str) -> None:
    for nth in range(1, 60):
        path = tmp_path / str(nth) / "outbox.db"
        path.parent.mkdir()
        kept, seen = traced(path, 4, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={nth}")
        assert_all_there(path, kept)
        if not any("killed by SIGKILL" in line for line in seen):
            assert len(kept) == 7
            assert nth > 8
            return
    pytest.fail("the run never came to its end")
