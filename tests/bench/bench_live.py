"""How long after a commit the boards know of it: `python -m tests.bench.bench_live [--boards 50]`; prints JSON.

Three processes, as in the workshop: the server as `mes serve` runs it (gunicorn, one worker, threads), the boards
(Socket.IO over web sockets), and this one, which sends a station's events over HTTP. The server notes the time of
each commit, the boards the time of each push; both read the machine's monotonic clock. A board has seen a commit with
the first push whose cursor reaches it, so a push that was left out counts as late, not as absent.

`quiet`: one visible change every 200 ms. `steady`: 100 a second for 5 s. Milliseconds over every (commit, board) pair.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import urllib3
import websocket

from mes import keys
from mes.db.session import engine_for, reading, writing
from mes.ledger import last_position
from tests.server.bench import Bench, Clock
from tests.server.busy_shop import busy_morning
from tests.server.worlds import Workshop, released_order
from tests.waiting import wait_for

STATION, ORDER = "pack-1", "OF-COUNT"


def serve(database: str, port: int, notes: Path) -> None:
    """The server, noting when each commit was done."""
    from mes.writer import Writer
    from web import live
    from web.app import create_app
    from web.serve import THREADS, _Server
    from web.site import Site

    def make() -> Any:
        book = notes.open("w", buffering=1)

        def noted() -> None:
            book.write(f"{time.monotonic_ns()}\n")
            live.after_commit()

        engine = engine_for(database)
        site = Site(engine=engine, writer=Writer(engine, after_commit=noted))
        return create_app(site, secret_key="bench")

    options = {"bind": f"127.0.0.1:{port}", "workers": 1, "worker_class": "gthread", "threads": THREADS + 64}
    _Server({**options, "keepalive": 75, "accesslog": None, "loglevel": "warning"}, make).run()


def watch(url: str, boards: int, out: Path) -> None:
    """The boards: connect, say so, listen until told to stop, write down what came.

    One thread and one selector for all of them: fifty walls are fifty computers, and fifty clients with threads of
    their own in one process would measure each other.
    """
    heard: list[list[tuple[int, str]]] = []
    lines = selectors.DefaultSelector()
    lines.register(sys.stdin, selectors.EVENT_READ, None)
    socket_io = f"{url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
    for i in range(boards):
        line = websocket.create_connection(f"{socket_io}&lang={('fr', 'en')[i % 2]}", origin=url)
        assert line.recv().startswith("0{")  # Engine.IO: open
        line.send("40")  # Socket.IO: connect to the default namespace
        assert line.recv().startswith("40{")
        heard.append([])
        lines.register(line.sock, selectors.EVENT_READ, (line, heard[-1]))
    print("connected", flush=True)
    while True:
        ready = lines.select()
        now = time.monotonic_ns()  # what is ready has arrived, however long this one process takes to read it
        for key, _ in ready:
            if key.data is None:
                reached = [[(at, json.loads(text[2:])[1]["to"]) for at, text in log] for log in heard]
                out.write_text(json.dumps(reached))
                return
            line, log = key.data
            text = line.recv()
            if text == "2":
                line.send("3")  # ping, pong
            elif text.startswith('42["board"'):
                log.append((now, text))


class Station:
    """Sends what one station would, over one kept-alive connection."""

    def __init__(self, url: str, database: str, station: str) -> None:
        with writing(engine_for(database)) as session:
            self._token = keys.new_token(session, station, "bench-pc", now=Clock().now)
        self._bench = Bench(station)
        self._url = f"{url}/api/v1/ingest"
        self._pool = urllib3.PoolManager(maxsize=1)

    def change(self) -> None:
        """One more bag is counted: always a change that every board can see."""
        what = {"order": ORDER, "step": "count", "good": 1, "scrap": [], "asks": True}
        event = self._bench.event("WorkCompleted", **what)
        body = {"stream_id": self._bench.stream_id, "events": [event.model_dump()]}
        answer = self._pool.request(
            "POST", self._url, json=body, headers={"Authorization": f"Bearer {self._token}"}, timeout=10
        )
        assert answer.status == 200, answer.data


def latencies(commits: list[int], first: int, heard: list[list[tuple[int, int]]]) -> list[list[float]]:
    """Commit by commit, each board's milliseconds to the push that covers it; `first` is the first one's cursor."""
    out: list[list[float]] = [[] for _ in commits]
    for log in heard:
        i = 0
        for k, at in enumerate(commits):
            while i < len(log) and log[i][1] < first + k:
                i += 1
            assert i < len(log), f"no push reached {first + k}"
            out[k].append((log[i][0] - at) / 1e6)
    return out


def said(values: list[float]) -> dict[str, float]:
    """Median, 90th and 99th percentile, and the maximum."""
    s = sorted(values)
    picks = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: round(s[min(len(s) - 1, int(len(s) * q))], 1) for name, q in picks.items()}


def megabytes(process: subprocess.Popen[Any]) -> float:
    """Resident memory of the server's worker."""
    family = psutil.Process(process.pid).children(recursive=True)
    return round(max(p.memory_info().rss for p in family) / 1e6, 1)


def run(boards: int, rounds: dict[str, tuple[int, float]]) -> dict[str, Any]:
    """Measure each round (number of changes, seconds between two); returns what is printed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        shop = Workshop(f"sqlite:///{path / 'atelier.db'}")
        busy_morning(shop)
        released_order(shop, "KIT-B", 1_000_000, order=ORDER)
        shop.close()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        url, database, notes = f"http://127.0.0.1:{port}", f"sqlite:///{path / 'atelier.db'}", path / "commits"
        me = [sys.executable, "-m", "tests.bench.bench_live"]
        server = subprocess.Popen([*me, "--serve", database, str(port), str(notes)])
        http = urllib3.PoolManager(retries=False)
        watcher = None
        try:

            def up() -> bool:
                try:
                    return http.request("GET", f"{url}/health", timeout=2).status == 200
                except urllib3.exceptions.HTTPError:
                    return False

            wait_for(up, limit_s=30, what="the server answers")
            http.request("GET", f"{url}/board?lang=fr")
            empty = megabytes(server)
            heard_in = path / "heard.json"
            watcher = subprocess.Popen(
                [*me, "--watch", url, str(boards), str(heard_in)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert watcher.stdout is not None
            assert watcher.stdin is not None
            assert watcher.stdout.readline().strip() == "connected"
            station = Station(url, database, STATION)
            station.change()  # the first look and the first drawing are not measured
            pause = threading.Event()
            pause.wait(2)
            with reading(engine_for(database)) as session:
                cursor = last_position(session)
            measured: dict[str, tuple[int, int]] = {}
            before = len(notes.read_text().splitlines())
            start = before
            for name, (changes, every_s) in rounds.items():
                due = time.monotonic()
                for _ in range(changes):
                    station.change()
                    due += every_s
                    pause.wait(max(0.0, due - time.monotonic()))
                pause.wait(1)
                measured[name] = (before, before := len(notes.read_text().splitlines()))
            full = megabytes(server)
            watcher.stdin.write("\n")
            watcher.stdin.flush()
            watcher.wait(20)
            heard = json.loads(heard_in.read_text())
            times = [int(line) for line in notes.read_text().splitlines()]
            result: dict[str, Any] = {"boards": boards, "cpus": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
            for name, (a, b) in measured.items():
                values = latencies(times[a:b], cursor + 1 + a - start, heard)
                pushes = sum(1 for at, _ in heard[0] if times[a] <= at <= times[b - 1] + 1_000_000_000)
                result[name] = {
                    "commits": b - a,
                    "pushes_a_board": pushes,
                    "ms": said([ms for row in values for ms in row]),
                    "first_board_ms": said([min(row) for row in values]),
                    "last_board_ms": said([max(row) for row in values]),
                }
            result["server_mb"] = {"without_boards": empty, "with_boards": full}
            return result
        finally:
            if watcher is not None and watcher.poll() is None:
                watcher.kill()
            server.terminate()
            server.wait(20)


def main() -> None:
    """Read the arguments; the two other processes are this file, too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boards", type=int, default=50)
    parser.add_argument("--serve", nargs=3, metavar=("DATABASE", "PORT", "NOTES"))
    parser.add_argument("--watch", nargs=3, metavar=("URL", "BOARDS", "OUT"))
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve[0], int(asked.serve[1]), Path(asked.serve[2]))
    elif asked.watch:
        watch(asked.watch[0], int(asked.watch[1]), Path(asked.watch[2]))
    else:
        print(json.dumps(run(asked.boards, {"quiet": (100, 0.2), "steady": (500, 0.01)}), indent=2))


if __name__ == "__main__":
    main()
