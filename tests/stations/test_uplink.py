"""The uplink brings every kept event to the server once, whatever the network and the server do to it."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import socket
import ssl
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mes.wire import EnrollReply, Envelope, FloorReply, IngestResult, PlanMark, Problem
from stations.outbox import Draft, Outbox, utc_now, utc_text
from stations.uplink import LinkStatus, Rhythm, Server, Settings, Uplink, enroll, read_token, write_token
from tests.stations.reference_server import CRASHER, POISON
from tests.stations.wire_server import CODE, TOKEN, Trouble, WireServer, serving
from tests.waiting import wait_for

HELLO, INGEST, RAW, PLAN, FLOOR = (f"/api/v1/{name}" for name in ("hello", "ingest", "ingest/raw", "plan", "floor"))
QUICK = Rhythm(hello_s=60, floor_s=60, ask_again_s=0.1, backoff_cap_s=0.05)


class Bench:
    """One station: a real outbox, a real uplink, and what its listeners heard."""

    def __init__(self, folder: Path, server: WireServer) -> None:
        self.folder, self.server = folder, server
        self.outbox = Outbox.open(folder / "outbox.db", machine_id="pc-1", boot_id="boot-1")
        self.results: list[IngestResult] = []
        self.links: list[LinkStatus] = []
        self.plans: list[dict[str, Any]] = []
        self.floors: list[FloorReply] = []
        self.uplink: Uplink | None = None

    def start(self, rhythm: Rhythm = QUICK, **changed: Any) -> Uplink:
        told = {"url": self.server.url, "connect_s": 1.0, "read_s": 1.0, **changed}
        token = told.pop("token", TOKEN)
        on_results = told.pop("on_results", self.results.extend)
        now = told.pop("now", utc_now)
        settings = Settings(Server(**told), token, "atelier-test/1", self.folder / "plan.json", rhythm)
        self.uplink = Uplink(
            self.outbox,
            settings,
            on_results=on_results,
            on_link=self.links.append,
            on_plan=self.plans.append,
            on_floor=self.floors.append,
            now=now,
        )
        self.uplink.start()
        return self.uplink

    def keep(self, n: int = 1, kind: str = "UnitsArrived", body: str = "{}") -> list[Envelope]:
        return self.outbox.keep([Draft(kind, body, "op-7", asks=True)] * n, captured_at=utc_text(utc_now()), mono_ms=5)

    def settled(self) -> None:
        wait_for(lambda: self.outbox.kept_count() == 0, what="all events are settled")

    def reached(self, state: str) -> LinkStatus:
        found = wait_for(lambda: [link for link in list(self.links) if link.state == state], what=f"link {state}")
        return found[-1]

    def up(self) -> None:
        wait_for(lambda: self.links and self.links[-1].state == "up", what="the link is up")

    def close(self) -> None:
        if self.uplink is not None:
            self.uplink.stop()
        self.outbox.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WireServer]:
    folder = tmp_path / "server"
    folder.mkdir()
    with serving(folder) as running:
        yield running


@pytest.fixture
def bench(tmp_path: Path, server: WireServer) -> Iterator[Bench]:
    made = Bench(tmp_path, server)
    yield made
    made.close()


def ids(events: list[Envelope]) -> list[str]:
    return [event.event_id for event in events]


# --- all goes well ----------------------------------------------------------------------------------------------------


def test_what_was_kept_before_and_after_the_start_is_recorded_once_in_order_and_settled(bench: Bench) -> None:
    events = bench.keep(3)
    bench.start()
    bench.settled()
    events += bench.keep(2)
    bench.settled()
    assert bench.server.reference.ids() == ids(events)
    wait_for(lambda: len(bench.results) == 5, what="all results are handed on")
    assert [result.event_id for result in bench.results] == ids(events)
    assert {kept.state for kept in bench.outbox.newest(9)} == {"acked"}
    assert {kept.verdict for kept in bench.outbox.newest(9)} == {"accepted"}


def test_a_scan_has_its_verdict_at_once_although_nothing_else_is_due_for_a_minute(bench: Bench) -> None:
    bench.start(Rhythm(hello_s=60, floor_s=60))
    bench.up()
    wait_for(lambda: bench.floors, what="the uplink has nothing more to do")
    bench.keep()
    wait_for(lambda: bench.results, limit_s=10, what="the verdict is there", pause_s=0.001)  # not after a minute


def test_the_settling_is_on_the_disk_before_anybody_hears_of_the_verdict(bench: Bench) -> None:
    states: list[str] = []
    bench.start(on_results=lambda results: states.extend(kept.state for kept in bench.outbox.newest(len(results))))
    bench.keep(2)
    wait_for(lambda: states, what="results are handed on")
    assert states == ["acked", "acked"]


def test_hello_says_who_we_are_and_where_we_stand(bench: Bench) -> None:
    [first, second] = bench.keep(2)
    bench.start()
    bench.settled()
    [hello] = bench.server.requests(HELLO)
    assert hello.token == f"Bearer {TOKEN}"
    said = hello.content
    assert (said["proto"], said["agent"], said["machine_id"], said["boot_id"]) == (
        1,
        "atelier-test/1",
        "pc-1",
        "boot-1",
    )
    assert said["stream_id"] == bench.outbox.stream_id
    assert said["last"] == {"seq": 2, "event_id": second.event_id}
    assert (said["next_seq"], said["acked"], said["kept"]) == (3, 0, 2)
    assert first.seq == 1


def test_hello_is_repeated_while_all_is_well(bench: Bench) -> None:
    bench.start(Rhythm(hello_s=0.05, floor_s=60))
    wait_for(lambda: len(bench.server.requests(HELLO)) >= 4, what="a hello at every interval")


def test_the_clock_offset_is_measured_and_put_on_the_events_of_this_boot_only(bench: Bench) -> None:
    bench.keep()
    bench.outbox.boot_id = "boot-2"
    bench.keep()
    # The reference server answers with our own clock: set ours back between asking and hearing.
    times = iter([datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in range(1_000)])
    bench.start(now=lambda: next(times))
    bench.settled()
    status = bench.reached("up")
    assert status.round_trip_ms is not None
    assert 0 <= status.round_trip_ms < 1_000
    assert status.offset_ms is not None
    assert -500 <= status.offset_ms <= 0
    old, new = bench.server.requests(INGEST)[0].content["events"]
    assert old["offset_ms"] is None
    assert new["offset_ms"] == status.offset_ms


def test_a_backlog_goes_in_batches_of_the_servers_size_and_below_its_bytes(bench: Bench) -> None:
    events = bench.keep(23) + bench.keep(6, body="x" * 60_000)
    bench.server.reference.max_events = 10
    bench.start()
    bench.settled()
    batches = bench.server.requests(INGEST)
    assert max(len(batch.content["events"]) for batch in batches) == 10
    assert all(len(batch.body) <= 262_144 for batch in batches)
    assert bench.server.reference.ids() == ids(events)


def test_one_request_at_a_time_and_on_one_connection(bench: Bench, server: WireServer) -> None:
    peers: list[int] = []
    accept = server._http.get_request

    def counted() -> Any:
        made = accept()
        peers.append(made[1][1])
        return made

    server._http.get_request = counted  # type: ignore[method-assign]
    bench.start()
    for _ in range(10):
        bench.keep()
        bench.settled()
    assert len(peers) == 1


# --- the server answers something else --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_a_station_that_is_not_allowed_keeps_capturing_and_sends_nothing_until_it_is(bench: Bench, status: int) -> None:
    bench.server.script(HELLO, Trouble(status=status, times=4))
    bench.start()
    assert bench.reached("not_allowed").detail == str(status)
    events = bench.keep(2)
    assert bench.server.requests(INGEST) == []
    bench.settled()
    assert len(bench.server.requests(HELLO)) == 5
    assert bench.server.reference.ids() == ids(events)
    bench.up()


def test_a_token_that_is_revoked_while_sending_stops_the_sending(bench: Bench) -> None:
    bench.server.script(INGEST, Trouble(status=401))
    bench.server.script(HELLO, Trouble(), Trouble(status=401, times=2))
    bench.keep()
    bench.start()
    bench.reached("not_allowed")
    bench.settled()
    assert len(bench.server.requests(INGEST)) == 2
    assert len(bench.server.requests(HELLO)) == 4


def test_a_wrong_token_is_not_allowed(bench: Bench) -> None:
    bench.start(token="mst_1_other")
    bench.reached("not_allowed")
    bench.keep()
    assert bench.outbox.kept_count() == 1


def test_an_old_agent_keeps_capturing_and_asks_again(bench: Bench) -> None:
    bench.server.script(HELLO, Trouble(status=426, times=2))
    bench.keep()
    bench.start()
    assert bench.reached("old_agent").detail == "426"
    bench.settled()
    bench.up()


def test_409_begins_a_new_stream_with_the_same_events_and_raises_an_alarm(bench: Bench) -> None:
    events, old = bench.keep(2), bench.outbox.stream_id
    bench.server.script(INGEST, Trouble(status=409))
    bench.start()
    bench.settled()
    assert bench.outbox.stream_id != old
    assert [alarm.code for alarm in bench.outbox.alarms] == ["forked"]
    assert bench.server.reference.ids() == ids(events)


def test_a_server_that_always_says_409_is_no_tight_loop(bench: Bench) -> None:
    bench.server.script(INGEST, Trouble(status=409, times=1_000))
    bench.keep()
    bench.start(Rhythm(hello_s=60, floor_s=60, backoff_cap_s=60))
    wait_for(lambda: len(bench.server.requests(INGEST)) >= 2, what="it tries again after a fork")
    assert len(bench.outbox.alarms) <= 4


def test_413_halves_the_batch_until_it_fits(bench: Bench) -> None:
    events = bench.keep(8)
    bench.server.script(INGEST, Trouble(status=413, times=2))
    bench.start()
    bench.settled()
    assert [len(r.content["events"]) for r in bench.server.requests(INGEST)] == [8, 4, 2, 2, 2, 2]
    assert bench.server.reference.ids() == ids(events)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed_and_the_same_bytes_come_again(bench: Bench, status: int) -> None:
    bench.keep(2)
    bench.server.script(INGEST, Trouble(status=status, headers={"Retry-After": "1"}))
    begun = time.monotonic()
    bench.start()
    bench.settled()
    assert time.monotonic() - begun >= 1
    first, second = bench.server.requests(INGEST)
    assert first.body == second.body
    assert any(link.detail == f"{status}: in 1 s" for link in bench.links)


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(status=500),
        Trouble(status=502),
        Trouble(status=503),
        Trouble(cut=True),
        Trouble(garbage=b"<html>Welcome to the hotel</html>"),
        Trouble(garbage=b'{"results": [], "hwm": {"seq": 0}, "safe_seq": 0}'),
        Trouble(handle=0),
        Trouble(status=302, headers={"Location": "http://127.0.0.1:9/"}),
    ],
    ids=["500", "502", "503 without a time", "half a reply", "a portal", "no results", "hung up", "a redirect"],
)
def test_an_answer_of_no_use_brings_the_same_bytes_again_and_the_event_once(bench: Bench, trouble: Trouble) -> None:
    events = bench.keep(2)
    bench.server.script(INGEST, trouble)
    bench.start()
    bench.settled()
    batches = bench.server.requests(INGEST)
    assert len(batches) == 2
    assert batches[0].body == batches[1].body
    assert bench.server.reference.ids() == ids(events)
    assert bench.reached("down").detail
    bench.up()


def test_a_request_that_arrives_twice_counts_once(bench: Bench) -> None:
    events = bench.keep(2)
    bench.server.script(INGEST, Trouble(handle=3))
    bench.start()
    bench.settled()
    assert bench.server.reference.ids() == ids(events)
    assert {result.status for result in bench.results} <= {"duplicate"}


def test_an_event_that_cannot_be_understood_is_quarantined_and_the_next_ones_flow(bench: Bench) -> None:
    events = bench.keep() + bench.keep(kind=POISON) + bench.keep()
    bench.start()
    bench.settled()
    assert [row.status for row in bench.server.reference.ledger()] == ["recorded", "quarantined", "recorded"]
    assert [kept.state for kept in bench.outbox.newest(3)] == ["acked", "quarantined", "acked"]
    assert bench.server.reference.ids() == ids(events)


def test_an_event_that_breaks_the_server_five_times_alone_goes_raw_and_the_next_ones_flow(bench: Bench) -> None:
    events = bench.keep(3) + bench.keep(kind=CRASHER) + bench.keep(3)
    bench.start()
    bench.settled()
    culprit = events[3].event_id
    alone = [r for r in bench.server.requests(INGEST) if [e["event_id"] for e in r.content["events"]] == [culprit]]
    assert len(alone) == 5
    [raw] = bench.server.requests(RAW)
    assert raw.content["event"]["event_id"] == culprit
    assert raw.content["stream_id"] == bench.outbox.stream_id
    assert bench.server.reference.ids() == ids(events)
    assert [kept.state for kept in bench.outbox.newest(7)].index("quarantined") == 3


def test_a_server_that_is_down_altogether_makes_no_event_suspect(bench: Bench) -> None:
    bench.keep()
    bench.server.script(HELLO, Trouble(), Trouble(status=500, times=12))
    bench.server.script(INGEST, Trouble(status=500))
    bench.start()
    bench.settled()
    assert bench.server.requests(RAW) == []


def test_unknown_fields_of_a_newer_server_are_passed_over(bench: Bench) -> None:
    [event] = bench.keep()
    result = {"event_id": event.event_id, "status": "recorded", "verdict": "accepted", "light": "green"}
    reply = {"results": [result], "hwm": {"seq": 1, "event_id": event.event_id}, "safe_seq": 0, "news": []}
    bench.server.script(INGEST, Trouble(garbage=json.dumps(reply).encode()))
    bench.start()
    bench.settled()


# --- the server is not there ------------------------------------------------------------------------------------------


def test_a_server_that_accepts_and_says_nothing_is_given_up_and_capture_goes_on(bench: Bench) -> None:
    black_hole = threading.Event()
    bench.server.script(INGEST, Trouble(hold=black_hole, handle=0))
    events = bench.keep()
    bench.start(read_s=0.3)
    wait_for(lambda: bench.server.requests(INGEST), what="the request is under way")
    events += bench.keep()
    assert "ReadTimeoutError" in bench.reached("down").detail
    bench.settled()
    black_hole.set()
    assert bench.server.reference.ids() == ids(events)


def test_a_frozen_server_that_handles_the_request_after_the_retry_records_it_once(bench: Bench) -> None:
    frozen = threading.Event()
    bench.server.script(INGEST, Trouble(hold=frozen))
    events = bench.keep(2)
    bench.start(read_s=0.3)
    bench.settled()
    frozen.set()
    later = bench.keep()
    bench.settled()
    wait_for(lambda: len(bench.server.requests(INGEST)) >= 3, what="the retry and the next batch")
    assert bench.server.reference.ids() == ids(events + later)


def test_no_server_at_all_is_down_with_the_reason_and_it_comes_up_when_one_is_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "server").mkdir()
    with serving(tmp_path / "server") as server:
        bench = Bench(tmp_path, server)
        bench.start(url=f"http://127.0.0.1:{port}")
        events = bench.keep()
        assert "NewConnectionError" in bench.reached("down").detail
        assert bench.uplink is not None
        assert bench.uplink.stop()
        bench.start()
        bench.settled()
        assert server.reference.ids() == ids(events)
        bench.close()


def test_the_pause_between_tries_grows_from_one_second_and_is_fully_jittered() -> None:
    from stations.protocol import Course, Step, pause_s

    limits = [pause_s(Step(Course(), "down", back_off=n), jitter=1.0) for n in range(1, 10)]
    assert limits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert pause_s(Step(Course(), "down", back_off=7), jitter=0.25) == 15
    assert pause_s(Step(Course(), "down", back_off=10_000), jitter=1.0) == 60
    assert pause_s(Step(Course(), "up"), jitter=1.0) == 0


# --- the server was restored, the disk was copied ---------------------------------------------------------------------


def test_a_server_restored_from_a_backup_gets_everything_again(bench: Bench) -> None:
    events = bench.keep(3)
    bench.start(Rhythm(hello_s=0.05, floor_s=60, backoff_cap_s=0.05))
    bench.settled()
    bench.server.reference.back_up()
    events += bench.keep(4)
    bench.settled()
    bench.server.reference.restore()
    wait_for(lambda: bench.server.reference.ids() == ids(events), what="the server has all events again")
    bench.settled()
    assert [alarm.code for alarm in bench.outbox.alarms] == ["server_restored"]


def test_an_ingest_right_after_a_restore_meets_a_gap_greets_and_sends_from_there(bench: Bench) -> None:
    events = bench.keep(3)
    bench.start()
    bench.settled()
    bench.server.reference.restore()
    events += bench.keep()
    wait_for(lambda: bench.server.reference.ids() == ids(events), what="the server has all events again, in order")
    bench.settled()


def test_a_server_that_lost_what_it_had_called_safe_still_gets_what_comes_now(bench: Bench) -> None:
    bench.keep(2)
    bench.start(Rhythm(hello_s=0.05, floor_s=60, backoff_cap_s=0.05))
    bench.settled()
    assert bench.outbox.forget(2, utc_now() + timedelta(days=8)) == 2
    bench.server.reference.restore()
    wait_for(lambda: any(alarm.code == "forked" for alarm in bench.outbox.alarms), what="a new stream and an alarm")
    events = bench.keep()
    bench.settled()
    assert bench.server.reference.ids() == ids(events)


def test_a_disk_set_back_to_an_old_image_begins_a_new_stream_and_loses_nothing_new(
    tmp_path: Path, server: WireServer
) -> None:
    bench = Bench(tmp_path, server)
    before = bench.keep(2)
    bench.close()
    shutil.copy(tmp_path / "outbox.db", tmp_path / "image.db")
    bench = Bench(tmp_path, server)
    between = bench.keep(2)
    bench.start()
    bench.settled()
    stream = bench.outbox.stream_id
    bench.close()
    shutil.copy(tmp_path / "image.db", tmp_path / "outbox.db")
    bench = Bench(tmp_path, server)
    after = bench.keep(3)
    bench.start()
    bench.settled()
    assert bench.outbox.stream_id != stream
    assert server.reference.ids() == ids(before + between + after)
    bench.close()


# --- plan and floor ---------------------------------------------------------------------------------------------------


def test_a_new_plan_is_fetched_handed_on_and_cached_for_a_start_without_a_server(bench: Bench) -> None:
    bench.server.reference.plan = PlanMark(revision=1, hash="a" * 64)
    bench.start(Rhythm(hello_s=0.05, floor_s=60))
    wait_for(lambda: bench.plans, what="the plan is handed on")
    wait_for(lambda: len(bench.server.requests(HELLO)) >= 4, what="some more hellos")
    assert len(bench.server.requests(PLAN)) == 1
    assert bench.uplink is not None
    bench.uplink.stop()
    bench.plans.clear()
    bench.start(url="http://127.0.0.1:9")
    assert bench.plans == [bench.server.plan]


def test_a_plan_with_another_hash_is_fetched_again(bench: Bench) -> None:
    bench.server.reference.plan = PlanMark(revision=1, hash="a" * 64)
    bench.start(Rhythm(hello_s=0.05, floor_s=60))
    wait_for(lambda: bench.plans, what="the first plan")
    bench.server.plan = {"revision": 2, "hash": "b" * 64, "content": {}}
    bench.server.reference.plan = PlanMark(revision=2, hash="b" * 64)
    wait_for(lambda: bench.plans[-1]["revision"] == 2, what="the second plan")


def test_a_cached_plan_that_is_torn_is_fetched_again(bench: Bench) -> None:
    (bench.folder / "plan.json").write_bytes(b'{"hash": "aaa')
    bench.server.reference.plan = PlanMark(revision=1, hash="a" * 64)
    bench.start()
    wait_for(lambda: bench.plans, what="the plan is handed on")
    assert json.loads((bench.folder / "plan.json").read_bytes())["plan"] == bench.server.plan


def test_a_plan_that_does_not_come_does_not_hold_up_the_events(bench: Bench) -> None:
    bench.server.reference.plan = PlanMark(revision=1, hash="a" * 64)
    bench.server.script(PLAN, Trouble(status=500), Trouble(handle=0))
    bench.keep()
    bench.start(Rhythm(hello_s=0.05, floor_s=60, backoff_cap_s=0.05))
    bench.settled()
    wait_for(lambda: bench.plans, what="the plan came in the end")


def test_the_floor_is_asked_for_from_where_it_was_and_handed_on_when_it_changed(bench: Bench) -> None:
    bench.start(Rhythm(hello_s=60, floor_s=0.03))
    wait_for(lambda: bench.floors, what="the whole floor")
    bench.server.floor = bench.server.floor.model_copy(update={"whole": False})
    wait_for(lambda: len(bench.server.requests(FLOOR)) >= 5, what="some polls")
    known = len(bench.floors)
    bench.server.floor = bench.server.floor.model_copy(update={"cursor": 9})
    wait_for(lambda: bench.floors[-1].cursor == 9, what="the change of the floor")
    assert len(bench.floors) <= known + 2
    paths = [seen.path for seen in bench.server.requests(FLOOR)]
    assert paths[0].endswith("since=0")
    assert paths[2].endswith("since=7")


def test_the_whole_floor_is_fetched_again_from_a_restored_server(bench: Bench) -> None:
    bench.start(Rhythm(hello_s=0.05, floor_s=0.05))
    wait_for(lambda: len(bench.floors) >= 1, what="the floor")
    bench.server.reference.restore()

    def from_the_beginning() -> bool:
        return sum(seen.path.endswith("since=0") for seen in bench.server.requests(FLOOR)) >= 2

    wait_for(from_the_beginning, what="the floor is asked for from the beginning")


# --- the thread -------------------------------------------------------------------------------------------------------


def test_it_stops_within_two_seconds_even_when_the_server_does_not_answer(bench: Bench) -> None:
    bench.server.script(HELLO, Trouble(hold=threading.Event()))
    uplink = bench.start(read_s=60)
    wait_for(lambda: bench.server.requests(HELLO), what="a request is under way")
    assert uplink.stop()  # its own limit is two seconds, the request's is a minute


@pytest.mark.parametrize("rhythm", [QUICK, Rhythm(hello_s=60, floor_s=60)], ids=["pausing", "idle"])
def test_it_stops_at_once_when_it_only_waits(bench: Bench, rhythm: Rhythm) -> None:
    if rhythm is QUICK:
        bench.server.script(HELLO, Trouble(status=401, times=99))
    uplink = bench.start(Rhythm(60, 60, 60, 60) if rhythm is QUICK else rhythm)
    wait_for(lambda: len(bench.links) >= 2, what="it has greeted")
    assert uplink.stop()


def test_stopping_what_was_never_started_is_fine(bench: Bench) -> None:
    settings = Settings(Server(bench.server.url), TOKEN, "a", bench.folder / "plan.json")
    nothing: Callable[[Any], None] = lambda _: None  # noqa: E731
    uplink = Uplink(bench.outbox, settings, on_results=nothing, on_link=nothing, on_plan=nothing, on_floor=nothing)
    assert uplink.stop()


def test_a_listener_that_fails_is_logged_and_stops_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def fails(_: list[IngestResult]) -> None:
        raise RuntimeError("the screen fell off")

    bench.start(on_results=fails)
    for _ in range(2):
        bench.keep()
        bench.settled()
    wait_for(lambda: "the screen fell off" in caplog.text, what="the failure is in the log")
    assert bench.links[-1].state == "up"


def test_an_outbox_that_fails_puts_the_link_down_and_it_goes_on_when_it_is_opened_again(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.start(Rhythm(hello_s=0.05, floor_s=60, backoff_cap_s=0.05))
    bench.up()
    bench.outbox.close()
    assert bench.reached("down").detail == "outbox: closed"
    bench.outbox.reopen()
    bench.up()
    bench.keep()
    bench.settled()


def test_an_exception_that_nobody_foresaw_is_logged_with_its_type_and_the_thread_goes_on(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = iter([True])

    def now() -> datetime:
        if bench.links and bench.links[-1].state == "starting" and next(wrong, False):
            raise ZeroDivisionError("a clock without hands")
        return utc_now()

    with caplog.at_level(logging.ERROR):
        bench.start(now=now)
        assert bench.reached("down").detail == "ZeroDivisionError"
    assert "ZeroDivisionError" in caplog.text
    bench.keep()
    bench.settled()
    bench.up()


def test_an_outbox_that_is_set_aside_while_the_uplink_runs_is_sent_under_its_new_stream(bench: Bench) -> None:
    bench.start(Rhythm(hello_s=0.05, floor_s=60, backoff_cap_s=0.05))
    first = bench.keep(2)
    bench.settled()
    bench.outbox.close()
    (bench.folder / "outbox.db").write_bytes(b"dust" * 4_000)
    bench.outbox.reopen()
    second = bench.keep(2)
    bench.settled()
    assert bench.server.reference.ids() == ids(first + second)


# --- identity ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path, str]:
    """A self-signed certificate, its key, and its SHA-256 fingerprint."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl: apt-get install openssl")
    crt, key = tmp_path / "server.crt", tmp_path / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=atelier",
         "-keyout", str(key), "-out", str(crt)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    der = ssl.PEM_cert_to_DER_cert(crt.read_text())
    return crt, key, hashlib.sha256(der).hexdigest()


def test_only_the_server_with_the_pinned_certificate_is_spoken_to(
    tmp_path: Path, certificate: tuple[Path, Path, str]
) -> None:
    crt, key, fingerprint = certificate
    (tmp_path / "server").mkdir()
    with serving(tmp_path / "server", tls=(crt, key)) as server:
        bench = Bench(tmp_path, server)
        [event] = bench.keep()
        for wrong in ("0" * 64, None):
            bench.links.clear()
            bench.start(fingerprint=wrong)
            assert "SSL" in bench.reached("not_trusted").detail
            assert bench.uplink is not None
            bench.uplink.stop()
            assert server.seen == []
        bench.start(fingerprint=":".join(fingerprint[n : n + 2] for n in range(0, 64, 2)))
        bench.settled()
        assert server.reference.ids() == [event.event_id]
        bench.close()


def test_the_one_time_code_brings_the_stations_id_and_token(bench: Bench) -> None:
    reply = enroll(Server(bench.server.url), CODE, machine_id="pc-1", stream_id=bench.outbox.stream_id)
    assert reply == EnrollReply(station="bench-1", token=TOKEN)
    assert bench.server.seen[0].content == {
        "code": CODE,
        "machine_id": "pc-1",
        "stream_id": bench.outbox.stream_id,
    }
    assert bench.server.seen[0].token is None


@pytest.mark.parametrize(
    ("code", "trouble", "error"),
    [
        ("WRONG", None, "bad_code"),
        ("", None, "bad_code"),
        (CODE, Trouble(handle=0), "no_answer"),
        (CODE, Trouble(garbage=b"<html>"), "not_understood"),
    ],
    ids=["another code", "no code", "no answer", "another server"],
)
def test_an_enrolment_that_fails_says_why_and_what_to_do(
    bench: Bench, code: str, trouble: Trouble | None, error: str
) -> None:
    if trouble is not None:
        bench.server.script("/api/v1/enroll", trouble)
    problem = enroll(Server(bench.server.url), code, machine_id="pc-1", stream_id=bench.outbox.stream_id)
    assert isinstance(problem, Problem)
    assert problem.error == error
    assert len(problem.message) > 20


def test_the_token_file_is_for_its_owner_alone_and_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "token"
    assert read_token(path) is None
    write_token(path, "first")
    write_token(path, "second")
    assert read_token(path) == "second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["token"]


def test_an_address_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="no http"):
        enroll(Server("ftp://mes"), CODE, machine_id="pc-1", stream_id="11111111-1111-4111-8111-111111111111")
