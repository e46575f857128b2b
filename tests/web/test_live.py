"""What boards are told after a commit, who gets a socket, and what a socket can do: nothing."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import socketio
from socketio.exceptions import ConnectionError as Refused

from mes import quality
from tests.server.worlds import Workshop
from tests.waiting import wait_for
from tests.web.pages import Office, running_clock
from web import live
from web.gate import own_origin


@pytest.fixture
def office(morning: Workshop, tmp_path: Path) -> Iterator[Office]:
    """A server with a busy workshop."""
    shop = morning.copied(tmp_path / "busy.db")
    made = Office(shop, clock=running_clock(shop.clock.now))
    yield made
    made.close()
    shop.close()


@pytest.fixture
def url(office: Office) -> Iterator[str]:
    """Its address."""
    with office.served() as address:
        yield address


@pytest.mark.parametrize("took_s", [0.0, 0.001, live.PAUSE_S / live.SHARE, live.PAUSE_S, 0.5])
def test_however_long_a_push_took_scans_come_before_the_next_one(took_s: float) -> None:
    rest_s = live.rest_s(took_s)
    assert rest_s >= 3 * took_s
    assert rest_s + took_s >= live.PAUSE_S


class Board:
    """A board without a screen: it keeps what it is told."""

    def __init__(self, url: str, lang: str = "fr", **options: Any) -> None:
        self.told: list[dict[str, Any]] = []
        self.at: list[float] = []
        self._client = socketio.Client(reconnection=False, websocket_extra_options={"origin": url, **options})
        self._client.on("board", self._tell)
        self._client.connect(f"{url}?lang={lang}", transports=["websocket"], wait_timeout=40)

    def _tell(self, message: dict[str, Any]) -> None:
        self.at.append(time.monotonic())
        self.told.append(message)

    def emit(self, event: str, data: Any) -> None:
        self._client.emit(event, data)

    @property
    def connected(self) -> bool:
        return bool(self._client.connected)

    def close(self) -> None:
        # As a wall screen goes: without a word. The client's own good-bye waits three seconds for an answer.
        self._client.eio.ws.sock.shutdown(socket.SHUT_RDWR)
        wait_for(lambda: not self.connected, what="the client notices")


@contextmanager
def boards(office: Office, url: str, *langs: str) -> Iterator[list[Board]]:
    """Connected boards, of which the server has taken its first look."""
    made = [Board(url, lang) for lang in langs]
    hub: live.Hub = office.app.extensions["atelier_live"]
    wait_for(lambda: all(hub.looked(lang) for lang in langs), what="the server looks once for each language")
    yield made
    for board in made:
        board.close()


def call(office: Office, station: str = "bench-1") -> None:
    """A commit of this process that everybody can see."""
    bench = office.shop.bench(station)
    office.writer.ingest(bench.batch(bench.event("HelpRequested"))).result(10)


def test_a_board_is_told_at_once_what_has_changed_and_nothing_else(office: Office, url: str) -> None:
    with boards(office, url, "fr") as (board,):
        call(office)
        wait_for(lambda: board.told, what="the board is told")
    (message,) = board.told
    assert set(message["parts"]) == {"tile-bench-1", "attention"}
    assert "Aide demandée." in message["parts"]["tile-bench-1"]
    assert message["to"] == message["from"] + 1


def test_each_board_is_told_in_its_language(office: Office, url: str) -> None:
    with boards(office, url, "fr", "en") as (french, english):
        call(office)
        wait_for(lambda: french.told and english.told, what="both boards are told")
    assert "Préparation" in french.told[0]["parts"]["tile-bench-1"]
    assert "Preparation" in english.told[0]["parts"]["tile-bench-1"]


def test_each_push_begins_where_the_one_before_it_ended(office: Office, url: str) -> None:
    with boards(office, url, "en") as (board,):
        for i in range(5):
            call(office, f"bench-{i + 4}")
            wait_for(lambda i=i: len(board.told) > i, what="one push a commit")  # type: ignore[misc]
    marks = [(m["from"], m["to"]) for m in board.told]
    assert all(before[1] == after[0] for before, after in pairwise(marks))


def test_many_commits_in_a_moment_share_a_push(office: Office, url: str) -> None:
    bench = office.shop.bench("pack-1")
    count = {"order": "OF-2026-121", "step": "count", "good": 1, "scrap": [], "asks": True}
    with boards(office, url, "en") as (board,):
        futures = [office.writer.ingest(bench.batch(bench.event("WorkCompleted", **count))) for _ in range(100)]
        for future in futures:
            future.result(10)
        wait_for(
            lambda: board.told and "442 " in board.told[-1]["parts"]["tile-pack-1"], what="the last count is shown"
        )
    assert len(board.told) < 50


def test_a_commit_that_changes_nothing_on_the_board_sends_nothing(office: Office, url: str) -> None:
    with boards(office, url, "en") as (board,):
        bench = office.shop.bench("bench-1")
        office.writer.ingest(bench.batch(bench.event("IdentifiersNotRead", raw="??", why="noise"))).result(10)
        call(office, "bench-2")
        wait_for(lambda: board.told, what="the next commit is told")
    assert len(board.told) == 1
    assert board.told[0]["to"] == board.told[0]["from"] + 2


def test_a_commit_of_another_process_is_noticed_by_the_ledger(office: Office, url: str) -> None:
    with boards(office, url, "en") as (board,):
        office.shop.call("bench-1")  # straight into the database, past this server's writer
        wait_for(lambda: board.told, limit_s=5, what="the board is told within a poll")
    assert "tile-bench-1" in board.told[0]["parts"]


def test_a_station_that_falls_silent_is_told_without_any_commit(
    office: Office, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "REFRESH_S", 0.2)
    office.site.seen.heard("bench-2", office.site.clock())
    with boards(office, url, "en") as (board,):
        now = office.site.clock()
        office.site.clock = running_clock(now + live_silence())
        wait_for(lambda: board.told, limit_s=5, what="the silence is told")
    assert "No network" in board.told[0]["parts"]["tile-bench-2"]


def live_silence() -> Any:
    from mes.board import OFFLINE_AFTER

    return OFFLINE_AFTER * 1.1


def test_a_new_plan_tells_the_boards_to_fetch_the_whole(office: Office, url: str) -> None:
    from mes.commands_office import publish_plan

    fewer = office.shop.plan.model_copy(update={"stations": office.shop.plan.stations[:-1]})
    with boards(office, url, "en") as (board,):
        office.site.do(lambda session, now: publish_plan(session, fewer, now=now))
        wait_for(lambda: board.told, what="the board is told")
    assert (board.told[0]["whole"], board.told[0]["parts"]) == (True, {})


def test_fifty_boards_are_all_told(office: Office, url: str) -> None:
    with boards(office, url, *["fr", "en"] * 25) as all_boards:
        call(office)
        wait_for(lambda: all(b.told for b in all_boards), what="every board is told")


def test_after_commit_never_raises_however_often_it_comes(office: Office) -> None:
    for _ in range(1_000):
        live.after_commit()


# --- the door ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        ("http://127.0.0.1:9", True),
        ("https://mes.local", True),
        ("http://MES.local:8321", True),
        (None, False),
        ("", False),
        ("null", False),
        ("http://evil.example", False),
        ("http://mes.local.evil.example", False),
        ("http://evil-mes.local", False),
        ("http://mes.local@evil.example", False),
        ("file://mes.local", False),
        ("http://[::1", False),
    ],
)
def test_only_pages_of_this_server_get_a_socket(origin: str | None, ours: bool) -> None:
    assert own_origin(origin, frozenset({"127.0.0.1", "mes.local"})) is ours


def refused(make: Callable[[], Board]) -> bool:
    try:
        make().close()
    except Refused:
        return True
    return False


def test_a_page_of_another_origin_is_refused(url: str) -> None:
    assert refused(lambda: Board(url, origin="http://evil.example"))


def test_a_socket_without_an_origin_is_refused(url: str) -> None:
    assert refused(lambda: Board(url, origin=None, suppress_origin=True))


def test_a_rebound_name_is_refused_although_origin_and_host_agree(url: str) -> None:
    port = url.rpartition(":")[2]
    evil = f"evil.example:{port}"
    assert refused(lambda: Board(url, origin=f"http://{evil}", host=evil))
    assert refused(lambda: Board(url, host=evil))


@pytest.mark.parametrize("lang", ["", "de", "../fr"])
def test_a_board_that_asks_for_no_language_of_ours_is_refused(url: str, lang: str) -> None:
    assert refused(lambda: Board(url, lang))


def test_more_boards_than_there_are_threads_for_are_turned_away(
    office: Office, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub: live.Hub = office.app.extensions["atelier_live"]
    monkeypatch.setattr(hub, "_most", 2)
    with boards(office, url, "fr", "en"):
        assert refused(lambda: Board(url))
    wait_for(lambda: not refused(lambda: Board(url)), what="a place is free again")


def test_long_polling_is_not_offered(office: Office) -> None:
    answer = office.client.get("/socket.io/?EIO=4&transport=polling", headers={"Origin": "http://localhost"})
    assert answer.status_code == 400


def test_what_a_board_says_is_heard_by_nobody(office: Office, url: str) -> None:
    with boards(office, url, "en") as (board,):
        for event in ("message", "json", "board", "join", "disconnecting"):
            board.emit(event, {"room": "fr", "station": "bench-1"})
        call(office)
        wait_for(lambda: board.told, what="the board is still told")
    assert office.app.extensions["atelier_live"].handlers == {"connect": frozenset({"public"})}


# --- two processes and a Redis ----------------------------------------------------------------------------------------


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of the test's own, on a socket."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs redis-server: apt-get install redis-server")
    path = tmp_path / "redis.sock"
    server = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", path, "--save", "", "--dir", tmp_path],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(path.exists, what="Redis listens")
    yield f"unix://{path}"
    server.terminate()
    server.wait(10)


def test_with_a_redis_the_boards_of_another_process_are_told_at_once(
    morning: Workshop, tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MES_REDIS_URL", redis_url)
    monkeypatch.setattr(live, "POLL_S", 60.0)  # only the Redis can be this quick
    monkeypatch.setattr(live, "REFRESH_S", 60.0)
    shop = morning.copied(tmp_path / "busy.db")
    # Two applications on one database, each with its writer, as in two processes.
    here, there = Office(shop), Office(shop)
    monkeypatch.setattr(live, "_HUBS", {here.app.extensions["atelier_live"]})  # `there` hears through the Redis alone
    hubs = [o.app.extensions["atelier_live"] for o in (here, there)]
    wait_for(lambda: all(hub.listening.is_set() for hub in hubs), what="both processes listen")
    with there.served() as url, boards(there, url, "en") as (board,):
        here.site.do(lambda session, now: quality.answer_help(session, "bench-3", now=now))
        wait_for(lambda: board.told, limit_s=5, what="the other process's board is told")
    assert "tile-bench-3" in board.told[0]["parts"]
    for office in (here, there):
        office.close()
        office.app.extensions["atelier_live"].close()
    shop.close()


def test_a_drawing_that_fails_is_tried_again(office: Office, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from web import board as pages

    monkeypatch.setattr(live, "POLL_S", 0.1)
    real, broken = pages.read, threading.Event()

    def read(site: Any) -> Any:
        if broken.is_set():
            broken.clear()
            raise RuntimeError("the disk was away for a moment")
        return real(site)

    with boards(office, url, "en") as (board,):
        monkeypatch.setattr(pages, "read", read)
        broken.set()
        call(office)
        wait_for(lambda: board.told, limit_s=5, what="the board is told after all")
