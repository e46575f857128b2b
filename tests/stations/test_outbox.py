"""The outbox keeps what happened, through bad disks, copied disks, restored servers and cleaners."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mes.wire import MAX_BODY, Envelope, IngestResult, digest_of
from stations.outbox import Draft, Outbox, OutboxFailed, utc_text
from stations.outbox_file import assert_durable, connect

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
AT = utc_text(NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[..., Outbox]]:
    """Open the outbox again and again; all are closed at the end."""
    boxes: list[Outbox] = []

    def make(where: Path = path, machine_id: str = "pc-1", boot_id: str = "boot-1") -> Outbox:
        boxes.append(Outbox.open(where, machine_id=machine_id, boot_id=boot_id, clock=lambda: NOW))
        return boxes[-1]

    yield make
    for box in boxes:
        box.close()


@pytest.fixture
def outbox(opened: Callable[..., Outbox]) -> Outbox:
    return opened()


def drafts(n: int, body: str = '{"unit": "NMD-1"}') -> list[Draft]:
    return [Draft("UnitsArrived", body, "op-7", asks=True)] * n


def keep(box: Outbox, n: int = 1) -> list[Envelope]:
    return box.keep(drafts(n), captured_at=AT, mono_ms=1_000)


def ack(box: Outbox, events: list[Envelope], status: Any = "recorded", now: datetime = NOW) -> int:
    return box.settle([IngestResult(event_id=e.event_id, status=status, verdict="accepted") for e in events], now=now)


def waiting(box: Outbox) -> list[str]:
    return [e.event_id for e in box.pending(1_000, 10**9)]


def codes(box: Outbox) -> list[str]:
    return [alarm.code for alarm in box.alarms]


def ids(events: list[Envelope]) -> list[str]:
    return [e.event_id for e in events]


# --- keep -------------------------------------------------------------------------------------------------------------


def test_what_was_kept_is_there_after_the_program_starts_again(opened: Callable[..., Outbox]) -> None:
    first = opened()
    events = keep(first, 3)
    first.close()
    again = opened()
    assert again.pending(10, 10**6) == events
    assert again.stream_id
    assert again.next_seq == 4


def test_numbers_have_no_gaps_and_ids_are_random_and_hashes_are_of_the_wire(outbox: Outbox) -> None:
    events = keep(outbox, 2) + keep(outbox, 1)
    assert [e.seq for e in events] == [1, 2, 3]
    assert len({e.event_id for e in events}) == 3
    assert all(digest_of(e) == e.sha256 for e in events)
    assert events[0].boot_id == "boot-1"


def test_two_identical_scans_are_two_events(outbox: Outbox) -> None:
    assert len(set(ids(keep(outbox) + keep(outbox)))) == 2
    assert outbox.kept_count() == 2


def test_a_batch_with_one_impossible_draft_keeps_none_and_takes_no_number(outbox: Outbox) -> None:
    good, bad = drafts(1)[0], Draft("UnitsArrived", "x" * (MAX_BODY + 1), None)
    with pytest.raises(ValidationError):
        outbox.keep([good, bad], captured_at=AT, mono_ms=0)
    assert outbox.kept_count() == 0
    assert keep(outbox)[0].seq == 1


def test_keeping_nothing_is_nothing(outbox: Outbox) -> None:
    assert outbox.keep([], captured_at=AT, mono_ms=0) == []
    assert outbox.newest(5) == []


def test_a_text_that_is_no_json_or_has_odd_characters_comes_back_as_it_was(outbox: Outbox) -> None:
    body = '{"raw": "\\u001d é ’ 😀 \\u0000"} \n'
    [event] = outbox.keep([Draft("IdentifiersNotRead", body, None)], captured_at=AT, mono_ms=0)
    assert outbox.pending(1, 10**6) == [event]
    assert event.body == body


def test_whoever_waits_for_something_to_send_is_woken_by_keep(outbox: Outbox) -> None:
    outbox.kept.clear()
    keep(outbox)
    assert outbox.kept.is_set()


def test_two_threads_keep_and_settle_at_once_without_losing_a_number(outbox: Outbox) -> None:
    failures: list[BaseException] = []

    def keeper() -> None:
        try:
            for _ in range(60):
                keep(outbox)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=keeper) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) or outbox.kept_count():
        ack(outbox, outbox.pending(20, 10**6))
    for thread in threads:
        thread.join()
    assert not failures
    assert [kept.event.seq for kept in outbox.newest(1_000)] == list(range(1, 241))


# --- durability -------------------------------------------------------------------------------------------------------


def test_a_connection_that_is_not_fully_synchronous_is_refused(path: Path) -> None:
    db = connect(path)
    db.execute("PRAGMA synchronous = NORMAL")
    with pytest.raises(OutboxFailed, match="not_durable"):
        assert_durable(db)
    db.close()


def test_an_outbox_that_cannot_have_a_write_ahead_log_does_not_start() -> None:
    with pytest.raises(OutboxFailed, match="not_durable"):
        connect(Path(":memory:"))


# --- pending and settle -----------------------------------------------------------------------------------------------


def test_pending_stops_at_so_many_events_and_so_many_bytes_but_gives_at_least_one(outbox: Outbox) -> None:
    outbox.keep(drafts(5, "x" * 1_000), captured_at=AT, mono_ms=0)
    assert len(outbox.pending(3, 10**6)) == 3
    assert len(outbox.pending(200, 3_000)) == 2
    assert len(outbox.pending(200, 10)) == 1


def test_only_the_listed_events_are_acked_and_gap_acks_nothing(outbox: Outbox) -> None:
    a, b, c = keep(outbox, 3)
    assert ack(outbox, [a]) == 1
    assert ack(outbox, [b], "gap") == 0
    assert waiting(outbox) == ids([b, c])
    assert outbox.acked_mark == 1


def test_a_stranger_in_the_results_acks_nothing(outbox: Outbox) -> None:
    keep(outbox)
    assert (
        outbox.settle([IngestResult(event_id="11111111-1111-4111-8111-111111111111", status="recorded")], now=NOW) == 0
    )
    assert outbox.kept_count() == 1


@pytest.mark.parametrize(
    ("status", "state"),
    [("recorded", "acked"), ("duplicate", "acked"), ("conflict", "quarantined"), ("quarantined", "quarantined")],
)
def test_each_status_settles_and_the_verdict_stays_with_the_row(outbox: Outbox, status: Any, state: str) -> None:
    [event] = keep(outbox)
    result = IngestResult(event_id=event.event_id, status=status, verdict="held", reason="nc", args={"nc": "NC-1"})
    assert outbox.settle([result], now=NOW) == 1
    [kept] = outbox.newest(1)
    assert (kept.event, kept.state, kept.verdict, kept.reason, kept.args) == (
        event,
        state,
        "held",
        "nc",
        {"nc": "NC-1"},
    )
    assert outbox.kept_count() == 0


def test_settling_twice_is_settling_once(outbox: Outbox) -> None:
    events = keep(outbox, 2)
    assert ack(outbox, events) == 2
    assert ack(outbox, events) == 0


def test_a_batch_is_contiguous_even_when_the_middle_was_answered_first(outbox: Outbox) -> None:
    a, b, c = keep(outbox, 3)
    ack(outbox, [b])
    assert waiting(outbox) == ids([a])
    ack(outbox, [a])
    assert waiting(outbox) == ids([c])


# --- restored servers, copied disks -----------------------------------------------------------------------------------


def test_rewind_sends_everything_above_the_mark_again(outbox: Outbox) -> None:
    events = keep(outbox, 4)
    ack(outbox, events)
    assert outbox.rewind(2) == 2
    assert waiting(outbox) == ids(events[2:])
    assert outbox.acked_mark == 2


def test_a_fork_keeps_events_and_hashes_renumbers_from_one_and_sends_all(outbox: Outbox) -> None:
    events = keep(outbox, 4)
    ack(outbox, events[:2], now=NOW - timedelta(days=30))
    assert outbox.forget(1, NOW) == 1
    old = outbox.stream_id
    new = outbox.fork("a test")
    after = outbox.pending(10, 10**6)
    assert new == outbox.stream_id != old
    assert [e.seq for e in after] == [1, 2, 3]
    assert [(e.event_id, e.sha256) for e in after] == [(e.event_id, e.sha256) for e in events[1:]]
    assert codes(outbox) == ["forked"]
    assert keep(outbox)[0].seq == 4


def test_a_file_of_another_machine_is_forked_when_it_is_opened(opened: Callable[..., Outbox]) -> None:
    first = opened(machine_id="pc-1")
    events, stream = keep(first, 2), first.stream_id
    ack(first, events)
    first.close()
    clone = opened(machine_id="pc-2")
    assert clone.stream_id != stream
    assert waiting(clone) == ids(events)
    clone.close()
    assert opened(machine_id="pc-2").stream_id == clone_stream(opened)


def clone_stream(opened: Callable[..., Outbox]) -> str:
    box = opened(machine_id="pc-2")
    assert len(box.alarms) == 1
    return box.stream_id


def test_a_file_with_a_missing_row_is_forked_because_it_would_never_flow_again(
    opened: Callable[..., Outbox], path: Path
) -> None:
    first = opened()
    events = keep(first, 3)
    first.close()
    db = sqlite3.connect(path)
    db.execute("DELETE FROM outbox WHERE seq = 2")
    db.commit()
    db.close()
    again = opened()
    assert [(e.seq, e.event_id) for e in again.pending(9, 10**6)] == [(1, events[0].event_id), (2, events[2].event_id)]


def test_another_life_of_the_server_is_an_alarm_but_the_first_one_is_not(outbox: Outbox) -> None:
    outbox.note_server("gen-1")
    outbox.note_server("gen-1")
    assert codes(outbox) == []
    outbox.note_server("gen-2")
    assert codes(outbox) == ["server_restored"]


# --- forget -----------------------------------------------------------------------------------------------------------


def test_an_acked_event_is_forgotten_only_when_a_backup_has_it_and_it_is_seven_days_old(outbox: Outbox) -> None:
    events = keep(outbox, 3)
    ack(outbox, events)
    assert outbox.forget(safe_seq=3, now=NOW + timedelta(days=6, hours=23)) == 0
    assert outbox.forget(safe_seq=0, now=NOW + timedelta(days=8)) == 0
    assert outbox.forget(safe_seq=2, now=NOW + timedelta(days=8)) == 2
    assert outbox.rewind(0) == 1


def test_an_event_that_waits_is_never_forgotten_nor_what_comes_after_it(outbox: Outbox) -> None:
    a, _, c = keep(outbox, 3)
    ack(outbox, [a, c])
    assert outbox.forget(safe_seq=3, now=NOW + timedelta(days=400)) == 1
    assert outbox.event_id_at(3) == c.event_id


def test_numbering_goes_on_and_the_last_event_is_known_when_all_is_forgotten(opened: Callable[..., Outbox]) -> None:
    box = opened()
    events = keep(box, 3)
    ack(box, events)
    assert box.forget(3, NOW + timedelta(days=8)) == 3
    box.close()
    again = opened()
    assert (again.last.seq, again.last.event_id) == (3, events[2].event_id)
    assert again.event_id_at(3) == events[2].event_id
    assert again.event_id_at(2) is None
    assert again.event_id_at(0) is None
    assert again.acked_mark == 3
    assert keep(again)[0].seq == 4
    assert again.alarms == ()


# --- bad files --------------------------------------------------------------------------------------------------------


def some_pages(box: Outbox, n: int = 400) -> list[Envelope]:
    events = box.keep(drafts(n, '{"raw": "' + "scan " * 40 + '"}'), captured_at=AT, mono_ms=0)
    box.close()  # so that all is in the main file
    return events


def test_a_file_with_a_flipped_page_is_set_aside_and_scanning_goes_on_at_once(
    opened: Callable[..., Outbox], path: Path
) -> None:
    first = opened()
    stream = first.stream_id
    some_pages(first)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = bytes(4096)
    path.write_bytes(content)
    again = opened()
    assert again.set_aside is not None
    assert re.fullmatch(r"outbox\.db\.bad-20260302T080000Z", again.set_aside.name)
    assert again.set_aside.read_bytes() == bytes(content)
    assert again.stream_id != stream
    assert codes(again) == ["set_aside"]
    assert keep(again)[0].seq == 1


def test_what_can_be_read_of_a_bad_file_comes_back_with_the_same_ids_in_order(
    opened: Callable[..., Outbox], path: Path
) -> None:
    first = opened()
    events = some_pages(first)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = bytes(4096)
    path.write_bytes(content)
    again = opened()
    new = keep(again)
    assert again.set_aside is not None
    recovery = again.recover(again.set_aside)
    back = again.pending(1_000, 10**9)
    assert recovery.again > 350
    assert [e.seq for e in back] == list(range(1, recovery.again + 2))
    assert ids(back[:1]) == ids(new)
    order = {e.event_id: e.seq for e in events}
    places = [order[e.event_id] for e in back[1:]]
    assert places == sorted(places)
    assert all(digest_of(e) == e.sha256 for e in back)
    assert again.recover(again.set_aside).already_here == recovery.again
    assert len(again.pending(1_000, 10**9)) == len(back)


def test_a_changed_character_that_the_database_does_not_notice_is_noticed_by_the_hash(
    opened: Callable[..., Outbox], path: Path
) -> None:
    first = opened()
    events = first.keep([*drafts(1, '{"unit": "AAAA"}'), *drafts(1, '{"unit": "BBBB"}')], captured_at=AT, mono_ms=0)
    first.close()
    content = path.read_bytes()
    assert content.count(b"AAAA") == 1
    path.write_bytes(content.replace(b"AAAA", b"AABA"))
    again = opened()
    assert again.set_aside is not None
    recovery = again.recover(again.set_aside)
    assert (recovery.again, recovery.unusable) == (1, 1)
    assert waiting(again) == [events[1].event_id]


@pytest.mark.parametrize(
    "content",
    [b"this is no database at all" * 400, b"SQLite format 3\x00" + bytes(100), bytes(8192)],
    ids=["text", "torn header", "zeros"],
)
def test_a_file_that_is_no_database_is_set_aside(opened: Callable[..., Outbox], path: Path, content: bytes) -> None:
    path.write_bytes(content)
    box = opened()
    assert box.set_aside is not None
    assert box.recover(box.set_aside).again == 0
    assert keep(box)[0].seq == 1


def test_a_database_of_another_program_is_set_aside(opened: Callable[..., Outbox], path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE recipes (name TEXT)")
    db.close()
    assert opened().set_aside is not None


def test_a_truncated_file_is_set_aside_with_its_log(opened: Callable[..., Outbox], path: Path) -> None:
    some_pages(opened())
    path.write_bytes(path.read_bytes()[:9_000])
    path.with_name("outbox.db-wal").write_bytes(b"the rest of another life")
    box = opened()
    assert box.set_aside is not None
    assert box.set_aside.with_name(box.set_aside.name + "-wal").read_bytes() == b"the rest of another life"
    assert keep(box)[0].seq == 1


def test_two_bad_files_in_one_second_both_stay(opened: Callable[..., Outbox], path: Path) -> None:
    names = set()
    for text in (b"one" * 1000, b"two" * 1000):
        path.write_bytes(text)
        box = opened()
        box.close()
        assert box.set_aside is not None
        names.add(box.set_aside)
    assert {name.read_bytes()[:3] for name in names} == {b"one", b"two"}


def test_a_file_of_a_newer_agent_is_refused_and_not_touched(opened: Callable[..., Outbox], path: Path) -> None:
    box = opened()
    keep(box)
    box.close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 2")
    db.close()
    before = path.read_bytes()
    with pytest.raises(OutboxFailed, match="too_new"):
        opened()
    assert path.read_bytes() == before


# --- cleaners, full and broken disks ----------------------------------------------------------------------------------


def sqlite_files(path: Path) -> list[Path]:
    return [
        file for file in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")) if file.exists()
    ]


@pytest.mark.parametrize("taken", ["all", "main", "log"])
def test_a_file_deleted_under_us_is_noticed_before_anything_turns_green_and_nothing_is_lost(
    outbox: Outbox, path: Path, taken: str
) -> None:
    events, stream = keep(outbox, 3), outbox.stream_id
    ack(outbox, events[:1])
    for file in sqlite_files(path):
        if taken == "all" or (taken == "log") == file.name.endswith("-wal"):
            file.unlink()
    with pytest.raises(OutboxFailed, match="gone") as caught:
        keep(outbox)
    assert caught.value.reopen
    outbox.reopen()
    assert outbox.stream_id == stream
    assert waiting(outbox) == ids(events[1:])
    assert keep(outbox)[0].seq == 4


def test_a_file_replaced_under_us_is_set_aside_and_ours_written_again(
    outbox: Outbox, path: Path, tmp_path: Path
) -> None:
    keep(outbox)
    shutil.copy(path, tmp_path / "copy")
    events = keep(outbox, 2)
    (tmp_path / "copy").rename(path)
    with pytest.raises(OutboxFailed, match="gone"):
        keep(outbox)
    outbox.reopen()
    assert waiting(outbox)[1:] == ids(events)
    assert codes(outbox) == ["rescued"]
    assert len(list(tmp_path.glob("outbox.db.bad-*"))) >= 1


def test_a_closed_outbox_keeps_nothing_and_says_so(outbox: Outbox) -> None:
    keep(outbox)
    outbox.close()
    with pytest.raises(OutboxFailed, match="closed"):
        keep(outbox)
    outbox.reopen()
    assert keep(outbox)[0].seq == 2


def test_another_program_that_holds_the_lock_delays_but_does_not_break(
    opened: Callable[..., Outbox], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stations.outbox_file.BUSY_TIMEOUT_S", 0.05)
    impatient = opened()
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with pytest.raises(OutboxFailed, match="locked") as caught:
        keep(impatient)
    assert not caught.value.reopen
    lock.execute("ROLLBACK")
    assert keep(impatient)[0].seq == 1
    lock.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"needs the right to mount a tmpfs: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_keeps_nothing_breaks_nothing_and_goes_on_when_there_is_room_again(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(300_000))
    box = Outbox.open(small_disk / "outbox.db", machine_id="pc-1", boot_id="b")
    kept: list[Envelope] = []

    def fill() -> None:
        for _ in range(1_000):
            kept.extend(box.keep(drafts(1, "x" * 5_000), captured_at=AT, mono_ms=0))

    with pytest.raises(OutboxFailed, match="disk_full") as caught:
        fill()
    assert not caught.value.reopen
    assert kept
    with pytest.raises(OutboxFailed, match="disk_full"):
        box.keep(drafts(1, "x" * 5_000), captured_at=AT, mono_ms=0)
    ballast.unlink()
    kept += box.keep(drafts(1, "x" * 5_000), captured_at=AT, mono_ms=0)
    box.close()
    again = Outbox.open(small_disk / "outbox.db", machine_id="pc-1", boot_id="b")
    assert waiting(again) == ids(kept)
    assert again.alarms == ()
    again.close()


CHILD = """
    import sys
    from pathlib import Path
    from stations.outbox import Draft, Outbox, OutboxFailed
    box = Outbox.open(Path(sys.argv[1]), machine_id="pc-1", boot_id="b")
    for n in range(6):
        try:
            [event] = box.keep([Draft("UnitsArrived", "{}", None)], captured_at="2026-03-02T08:00:00Z", mono_ms=n)
            print("green", event.event_id, flush=True)
        except OutboxFailed as failed:
            print("red", failed.code, failed.reopen, box.usable, flush=True)
            if failed.reopen:
                box.reopen()
    box.close()
"""


def traced(path: Path, *options: str) -> tuple[list[str], list[str]]:
    """Run the child on a new outbox under strace; return what it said and what strace saw."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace: apt-get install strace")
    trace = path.with_name(f"{path.name}.trace")
    program = [sys.executable, "-c", textwrap.dedent(CHILD), str(path)]
    done = subprocess.run(
        ["strace", "-f", "-o", str(trace), *options, *program], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), trace.read_text().splitlines()


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [("pwrite64", "ENOSPC", "red disk_full False True"), ("fdatasync", "EIO", "red io_error True False")],
    ids=["no space for one write", "an I/O error on a commit"],
)
def test_one_fault_of_the_disk_makes_one_red_scan_and_the_others_are_kept(
    tmp_path: Path, call: str, error: str, said: str
) -> None:
    _, seen = traced(tmp_path / "dry.db", "-e", f"trace={call},write")
    third = [n for n, line in enumerate(seen) if '"green' in line][2]
    nth = sum(f" {call}(" in line for line in seen[:third]) + 1
    path = tmp_path / "outbox.db"
    lines, _ = traced(path, "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={nth}")
    assert [line.split()[0] for line in lines] == ["green", "green", "green", "red", "green", "green"]
    assert lines[3] == said
    box = Outbox.open(path, machine_id="pc-1", boot_id="b")
    assert {line.split()[1] for line in lines if line.startswith("green")} <= set(waiting(box))
    assert codes(box) == []
    box.close()


# --- notes of the station itself --------------------------------------------------------------------------------------


def test_a_note_is_on_the_disk_with_the_events_that_it_goes_with(opened: Callable[..., Outbox]) -> None:
    box = opened()
    box.keep(drafts(1), captured_at=AT, mono_ms=1_000, notes={"rack": "one"})
    assert opened().notes() == {"rack": "one"}
    box.note("rack", "two")
    assert opened().notes() == {"rack": "two"}


def test_without_the_events_there_is_no_note(outbox: Outbox) -> None:
    outbox.note("rack", "before")
    with pytest.raises(ValidationError):
        outbox.keep([Draft("", "{}", None)], captured_at=AT, mono_ms=1_000, notes={"rack": "after"})
    assert outbox.notes() == {"rack": "before"}


def test_a_new_stream_keeps_the_notes(outbox: Outbox) -> None:
    outbox.note("rack", "here")
    outbox.fork("a test")
    assert outbox.notes() == {"rack": "here"}
