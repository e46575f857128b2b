"""`mes load`: how fast is this server, on this machine, with every commit on the disk?

Starts a server of its own on a scratch database, lets virtual stations send real events over real connections, and
prints what it measured beside raw SQLite commits of the same run: machines differ, the ratio stays.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import click
from sqlalchemy import select

from mes import badges, keys, orders, people, qualifications, wire
from mes import plan as plans
from mes.commands_office import publish_plan
from mes.db.base import utc_text
from mes.db.session import writing
from mes.db.tables import UnitRow
from mes.domain.route import Plan, Step
from mes.i18n import _
from mes.paths import default_config_dir
from mes.setup import open_database

READY_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """How many connections send batches of how many events, for how long."""

    name: str
    connections: int
    batch: int
    seconds: float


SCENARIOS: Final = (
    Scenario("one event a request, one connection", 1, 1, 5.0),
    Scenario("one event a request, 8 connections", 8, 1, 5.0),
    Scenario("batches of 200, one connection", 1, 200, 5.0),
)


class VirtualStation:
    """Builds the events of one station: units of its own arrive, get their parts and are finished.

    `units` are serials that only this station works on, so that each event is accepted.
    """

    def __init__(self, station: str, step: Step, units: Sequence[str], badge: str) -> None:
        self.station, self.stream_id = station, str(uuid4())
        self._badge = badge
        self._step = step
        self._units = iter(units)
        self._seq = 0
        self._waiting: list[tuple[str, dict[str, Any]]] = []
        self._part = 0

    def next(self, count: int) -> bytes:
        """The JSON of the next batch."""
        events = [self._event() for _ in range(count)]
        return json.dumps({"stream_id": self.stream_id, "events": events}).encode()

    def _event(self) -> dict[str, Any]:
        if not self._waiting:
            self._waiting = self._cycle(next(self._units))
        kind, body = self._waiting.pop(0)
        self._seq += 1
        fields: dict[str, Any] = {
            "event_id": str(uuid4()),
            "kind": kind,
            "v": 1,
            "captured_at": utc_text(datetime.now(UTC)),
            "mono_ms": self._seq,
            "boot_id": "load",
            "asks": True,
            "body": json.dumps(body),
        }
        operator, veil = self._badge, wire.new_veil()
        sha256 = wire.digest(mark=wire.operator_mark(operator, veil), **fields)
        return {"seq": self._seq, "sha256": sha256, "operator": operator, "veil": veil, **fields}

    def _cycle(self, unit: str) -> list[tuple[str, dict[str, Any]]]:
        at = {"unit": unit, "step": self._step.id}
        events: list[tuple[str, dict[str, Any]]] = [("UnitsArrived", dict(at))]
        for component in self._step.components:
            self._part += 1
            number = f"{self.stream_id[:8]}-{self._part}"
            one = {"serial": number, "quantity": 1} if component.per == "serial" else {"lot": "L1"}
            if component.per == "lot":
                one["quantity"] = component.quantity  # type: ignore[assignment]
            times = component.quantity if component.per == "serial" else 1
            for i in range(times):
                part = {**one, "serial": f"{number}-{i}"} if component.per == "serial" else one
                events.append(("MaterialsInstalled", {**at, "part": component.part, **part}))
        events.append(("WorkCompleted", dict(at)))
        return events


def raw_commits_per_s(folder: Path, *, seconds: float = 2.0) -> float:
    """What this machine's disk and SQLite can do at best: one small insert a transaction, WAL, `synchronous=FULL`."""
    db = sqlite3.connect(folder / "raw.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE event (n INTEGER PRIMARY KEY, body TEXT)")
    n, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO event (body) VALUES (?)", ("x" * 400,))
        db.execute("COMMIT")
        n += 1
    db.close()
    return n / spent


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


@contextlib.contextmanager
def running_server(database: str, port: int, *, log: Path) -> Iterator[float]:
    """`mes serve` in a process of its own; yields the seconds until it answered.

    Raises:
        click.ClickException: when it does not answer in time; its last words are in the message.
    """
    began = time.perf_counter()
    with log.open("wb") as out:
        command = [sys.executable, "-P", "-m", "mes.cli", "serve", "--port", str(port), "--database", database]
        server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            while not _answers(port):
                if server.poll() is not None or time.perf_counter() - began > READY_S:
                    raise click.ClickException(_("The server did not start: %(log)s", log=log.read_text()[-2000:]))
                time.sleep(0.02)
            yield time.perf_counter() - began
        finally:
            server.terminate()
            try:
                server.wait(timeout=12)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _answers(port: int) -> bool:
    try:
        with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=1)) as connection:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
    except OSError:
        return False


def percentiles(samples_s: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and the maximum, in milliseconds. The maximum shows a starved writer where percentiles do not."""
    ordered = sorted(samples_s)
    if not ordered:
        return {}

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 2)

    return {"p50": at(0.50), "p95": at(0.95), "p99": at(0.99), "max": round(ordered[-1] * 1000, 2)}


class _Line:
    """One kept-open connection: sends its requests one after the other, and knows when an answer is whole."""

    def __init__(self, port: int, token: str, bodies: list[bytes]) -> None:
        head = "POST /api/v1/ingest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        head += f"Authorization: Bearer {token}\r\nContent-Length: "
        # Built before the clock runs: this process shares two cores with the server that it measures.
        self._ready = deque(f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies)
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._got = bytearray()
        self._sent_at = 0.0
        self.took: list[float] = []
        self.accepted = 0

    def ask(self) -> bool:
        """Send the next request; False when there is none left."""
        if not self._ready:
            return False
        self._got.clear()
        self._sent_at = time.perf_counter()
        self.socket.sendall(self._ready.popleft())
        return True

    def hear(self) -> bool:
        """Read what has come; True when the answer is whole."""
        piece = self.socket.recv(262_144)
        if not piece:
            raise RuntimeError(f"the server closed the connection: {bytes(self._got[:300])!r}")
        self._got += piece
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]):
            return False
        self.took.append(time.perf_counter() - self._sent_at)
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"{head.splitlines()[0]!r}: {bytes(body[:300])!r}")
        self.accepted += body.count(b'"verdict":"accepted"')
        return True


def drive(lines: Sequence[_Line], seconds: float) -> float:
    """Keep every connection asking for so long, from one thread; returns the seconds that it took.

    One thread and no HTTP library: what the sender needs of the two cores is not the server's.
    """
    with selectors.DefaultSelector() as waiting:
        for line in lines:
            waiting.register(line.socket, selectors.EVENT_READ, line)
        began = time.perf_counter()
        asking = sum(line.ask() for line in lines)
        while asking:
            for key, _events in waiting.select():
                line = key.data
                if line.hear() and not (time.perf_counter() - began < seconds and line.ask()):
                    asking -= 1
        return time.perf_counter() - began


def measure(scenario: Scenario, plan: Plan, folder: Path, database: str | None) -> dict[str, Any]:
    """Run one scenario on a fresh database and a fresh server."""
    url = database or f"sqlite:///{folder / 'load.db'}"
    engine = open_database(url, create=True)
    product = next(p for p in plan.products if p.tracking == "serial" and not p.steps[0].tests)
    step = product.steps[0]
    events = scenario.seconds * 4000 * scenario.batch**0.5  # more than any machine has done in that time
    each = max(200, int(events / (2 + len(step.components)) / scenario.connections))
    now = datetime.now(UTC)
    order = f"LOAD-{uuid4().hex[:8]}"
    with writing(engine) as session:
        publish_plan(session, plan, now=now)
        orders.create(session, order, product.id, each * scenario.connections, now=now)
        answer = orders.release(session, order, now=now)
        if not answer.done:
            raise click.ClickException(answer.say("en"))
        person = people.add(session, "mes load", "en", now=now)
        badge = str(badges.issue(session, person, now=now).args["badge"])
        if step.qualification:
            qualifications.grant(session, person, step.qualification, now=now, until=now.date() + timedelta(days=1))
        token = keys.new_token(session, step.stations[0], "load", now=now)
    with engine.connect() as connection:
        serials = list(
            connection.scalars(select(UnitRow.serial).where(UnitRow.order == order).order_by(UnitRow.serial))
        )
    engine.dispose()
    stations = [
        VirtualStation(step.stations[0], step, serials[i * each : (i + 1) * each], badge)
        for i in range(scenario.connections)
    ]
    port = free_port()
    with running_server(url, port, log=folder / "server.log") as ready_s:
        share = int(scenario.seconds * 1_500 * scenario.batch**0.5 / scenario.connections / scenario.batch) + 50
        lines = [_Line(port, token, [station.next(scenario.batch) for _ in range(share)]) for station in stations]
        gc.collect()
        gc.freeze()
        spent = drive(lines, scenario.seconds)
        for line in lines:
            line.socket.close()
    took = [t for line in lines for t in line.took]
    sent = len(took) * scenario.batch
    return {
        "scenario": scenario.name,
        "events_per_s": round(sent / spent),
        "accepted": sum(line.accepted for line in lines),
        "events": sent,
        "request_ms": percentiles(took),
        "slowest_connection_requests": min(len(line.took) for line in lines),
        "fastest_connection_requests": max(len(line.took) for line in lines),
        "server_ready_s": round(ready_s, 2),
    }


@click.command()
@click.option("--connections", type=click.IntRange(1, 256), help="Own scenario: connections.")
@click.option("--batch", type=click.IntRange(1, wire.MAX_EVENTS), default=1, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.5, 600), default=5.0, show_default=True)
@click.option("--database", default=None, help="Measure on this EMPTY database; a scratch SQLite file when not given.")
def load(connections: int | None, batch: int, seconds: float, database: str | None) -> None:
    """Measure a server on this machine; prints JSON. Loopback only."""
    plan = plans.read_plan(default_config_dir())
    if isinstance(plan, list):
        raise click.ClickException("\n".join(str(e) for e in plan))
    # Every connection works on units of its own at one station: give it room for them.
    plan = plan.model_copy(update={"stations": tuple(s.model_copy(update={"places": 999}) for s in plan.stations)})
    wanted = SCENARIOS if connections is None else (Scenario("own", connections, batch, seconds),)
    results = []
    with tempfile.TemporaryDirectory(prefix="mes-load-") as scratch:
        raw = raw_commits_per_s(Path(scratch))
        for i, scenario in enumerate(wanted):
            folder = Path(scratch) / str(i)
            folder.mkdir()
            click.echo(scenario.name + " …", err=True)
            result = measure(scenario, plan, folder, database)
            result["ratio_to_raw_commits"] = round(result["events_per_s"] / raw, 2)
            results.append(result)
    report = {"raw_sqlite_commits_per_s": round(raw), "cpus": os.cpu_count(), "results": results}
    click.echo(json.dumps(report, indent=1, ensure_ascii=False))
