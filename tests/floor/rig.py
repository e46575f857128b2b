"""A whole floor as it really runs: `mes serve` and `mes station run` as processes, scanners on pseudo-terminals.

`Rig` builds it in a scratch folder, breaks it where a test asks for it, and at the end says whether everything that any
station kept is in the ledger exactly once and in its order. Nothing of the product is replaced: what a test sees is the
bench page's `/state`, the outbox file, the database.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

import psutil
from click.testing import CliRunner
from sqlalchemy import Engine

from mes import enrolment, orders
from mes.commands_ledger import verify_engine
from mes.commands_office import publish_plan
from mes.db.session import engine_for, writing
from mes.domain.barcode import write
from mes.domain.route import Plan, Product, Qualification, Step
from stations.commands import enroll_station
from stations.simulator.pty import VirtualPort
from stations.simulator.scanner import VirtualScanner
from tests.databases import migrated
from tests.server.bench import OPERATOR, give_badge
from tests.server.small_plan import small_plan, text
from tests.waiting import wait_for

BADGE: Final = write("badge", OPERATOR)
DONE: Final = write("command", "DONE")
PASS: Final = write("command", "PASS")
UNDO: Final = write("command", "UNDO")
HELP: Final = write("command", "HELP")
FUSE: Final = "F-7"
UNITS: Final = 60
ENDS_S: Final = 45.0
"""How long a process may take to end after SIGTERM on a busy machine, seconds; half of what systemd waits."""

State = dict[str, Any]


def floor_plan() -> Plan:
    """The small plan with two stations for its first step, and one more product, which is only looked at."""
    plan = small_plan()
    generator = plan.products[0]
    fit, *rest = generator.steps
    generator = generator.model_copy(update={"steps": (fit.model_copy(update={"stations": ("b1", "b2")}), *rest)})
    look = rest[-1]
    other = Product(
        id="ALT",
        name=text("Alternateur", "Alternator"),
        customer="ACME",
        tracking="serial",
        serial="ALT-{yy}{ww}-{n:05}",
        steps=(Step(**{**look.model_dump(), "id": "see", "qualification": "eye"}),),
    )
    eye = Qualification(id="eye", name=text("Contrôle", "Inspection"), months=12)
    plant = plan.plant.model_copy(update={"qualifications": (eye,)})
    return plan.model_copy(update={"plant": plant, "products": (generator, *plan.products[1:], other)})


def template(folder: Path, plan: Plan | None = None) -> Path:
    """A database with the plan published and three orders released: units of GEN and ALT, pieces of KIT.

    Args:
        plan: another one than `floor_plan`; of the orders, those for its products are made.
    """
    path = folder / "template.db"
    with engine(path) as opened:
        migrated(opened)
        now = datetime.now(UTC)
        with writing(opened) as session:
            assert publish_plan(session, plan or floor_plan(), now=now).done
            give_badge(session, now=now)
            for order, product, quantity in (("OF-1", "GEN", UNITS), ("OF-2", "ALT", 2), ("OF-3", "KIT", 5_000)):
                if not any(p.id == product for p in (plan or floor_plan()).products):
                    continue
                assert orders.create(session, order, product, quantity, now=now).done
                assert orders.release(session, order, now=now).done
    return path


@contextmanager
def engine(path: Path) -> Iterator[Engine]:
    """An engine on a SQLite file, for a moment."""
    made = engine_for(f"sqlite:///{path}")
    try:
        yield made
    finally:
        made.dispose()


def port_number() -> int:
    """A free port below those that the system gives to outgoing connections.

    A station that tries again and again to reach a dead server must not get the server's port for its own end.
    """
    draw = random.Random()
    while True:
        number = draw.randrange(10_000, 30_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", number)):
            return number


def get(port: int, path: str, *, limit_s: float = 5.0) -> tuple[int, bytes] | None:
    """GET on this machine; None when nothing answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=limit_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def own_environment() -> dict[str, str]:
    """The environment without the settings of who runs the tests; messages are in English."""
    return {**{k: v for k, v in os.environ.items() if not k.startswith("MES_")}, "LC_ALL": "C.UTF-8"}


class Program:
    """One process of the product: started, killed, stopped, started again; what it says goes to one log file."""

    def __init__(self, arguments: Sequence[str], folder: Path, name: str) -> None:
        self.log = folder / f"{name}.log"
        self._command = [sys.executable, "-m", "mes.cli", *arguments]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it is there."""
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Start the process; it is not ready yet."""
        assert not self.runs
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=own_environment(),
                start_new_session=True,
            )

    def until(self, ready: Callable[[], object], limit_s: float = 40.0) -> None:
        """Wait until the process is ready; what it said is in the failure when it is not."""
        wait_for(lambda: ready() or not self.runs, limit_s, f"{self.log.stem} is ready: {self.said()}")
        assert self.runs, self.said()

    def send(self, number: signal.Signals) -> None:
        """Send a signal: to freeze and to thaw all its processes, any other to the first, as an init system does."""
        assert self._process is not None
        if number in (signal.SIGSTOP, signal.SIGCONT):
            os.killpg(self.pid, number)
            if number == signal.SIGSTOP:
                wait_for(lambda: _frozen(self.pid), 10, "every thread is frozen", pause_s=0.001)
        else:
            self._process.send_signal(number)

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone. Nothing happens when it is not there."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)

    def stop(self) -> None:
        """SIGTERM: it must end by itself, well and in time."""
        if self.runs:
            self.send(signal.SIGTERM)
            self.ended()

    def ended(self) -> None:
        """Wait until it has ended well."""
        assert self._process is not None
        try:
            code = self._process.wait(timeout=ENDS_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.log.stem} does not end: {self.said()}") from None
        assert code == 0, f"{self.log.stem} ended with {code}: {self.said()}"

    def said(self) -> str:
        """The end of the log."""
        return self.log.read_text("utf-8", "replace")[-3_000:] if self.log.exists() else ""


class Bench(Program):
    """A station's PC: its folder, its agent, its scanner."""

    def __init__(self, folder: Path, station: str, server_url: str, data: Path, ports: str = "") -> None:
        folder.mkdir()
        self.station, self.server_url, self.data = station, server_url, data
        self.page = port_number()
        self.cable = VirtualPort(folder / "scanner")
        self.scanner = VirtualScanner(self.cable)
        self.file = folder / f"{station}.toml"
        self.file.write_text(
            f"""
[station]
id = "{station}"
name = {{ fr = "Poste {station}", en = "Bench {station}" }}
line = "gen"
place = 1
[[port]]
name = "scanner"
family = "scanner"
url = "/dev/..{self.cable.link}"
{ports}
[screen]
port = {self.page}
[server]
url = "{server_url}"
"""
        )
        super().__init__(["station", "run", str(self.file), "--data", str(data)], folder, folder.name)

    # --- the process ---

    def start(self, until: Callable[[State], object] | None = None) -> Bench:
        """Start the agent with its scanner plugged in and wait until it is ready to work, or for `until`."""
        self.cable.plug()
        self.launch()
        wanted = until or (lambda s: s["phase"] != "starting" and all(d["ok"] for d in s["devices"]))
        self.until(lambda: (s := self.look()) and wanted(s))
        return self

    def look(self) -> State | None:
        """What the screen shows; None while it is dark."""
        answer = get(self.page, "/state")
        return json.loads(answer[1]) if answer and answer[0] == 200 else None

    def state(self) -> State:
        """What the screen shows."""
        seen = self.look()
        assert seen is not None, self.said()
        return seen

    def shows(self, condition: Callable[[State], object], limit_s: float = 15.0, what: str = "") -> State:
        """Wait until the screen is as it should be."""
        last: list[State] = []

        def fits() -> bool:
            last[:] = [self.state()]
            return bool(condition(last[0]))

        try:
            wait_for(fits, limit_s, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.station} shows {last}") from None
        return last[0]

    # --- the operator ---

    def scan(self, said: str | bytes) -> None:
        """Hold the scanner to a code."""
        self.scanner.scan(said)

    def hears(self, said: str | bytes, reason: str, limit_s: float = 15.0) -> State:
        """Scan a code and wait for this reason on the screen."""
        before = self.state()["banner"]["serial"]
        self.scan(said)

        def answered(s: State) -> bool:
            return (s["banner"]["reason"], s["banner"]["serial"] > before) == (reason, True)

        return self.shows(answered, limit_s, f"{said!r} is answered by {reason}")

    def at_rest(self, limit_s: float = 15.0) -> Bench:
        """Wait until everything that was scanned before has been answered.

        A scan that comes while the bench still asks the server is told to wait, and a hand scans again.
        """

        def answered() -> bool:
            before = self.state()["banner"]["serial"]
            self.scan(f"LABEL-REST-{before}")
            self.shows(lambda s: s["banner"]["serial"] > before and s["phase"] != "asking", limit_s, "an answer")
            return bool(self.state()["banner"]["reason"] == "unknown_code")

        wait_for(answered, limit_s, f"{self.station} is at rest")
        return self

    def sign_in(self) -> Bench:
        """The operator's badge."""
        self.hears(BADGE, "welcome")
        return self

    def up(self, limit_s: float = 30.0) -> Bench:
        """Wait for the server."""
        self.shows(lambda s: s["link"] == "up", limit_s, "the link is up")
        return self

    # --- the outbox ---

    @property
    def outbox(self) -> Path:
        """The outbox's file."""
        return self.data / self.station / "outbox.db"

    def ask(self, query: str) -> list[Any]:
        """Ask the outbox, while the agent runs or not."""
        return ask(self.outbox, query)

    def kept(self) -> int:
        """How many events are in the outbox, judged or not."""
        return int(self.ask("SELECT count(*) FROM outbox")[0][0])

    def waiting(self) -> int:
        """How many of them the server has not answered."""
        return int(self.ask("SELECT count(*) FROM outbox WHERE state = 'new'")[0][0])

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        """What the events of a kind say, in order."""
        return [json.loads(b) for (b,) in self.ask(f"SELECT body FROM outbox WHERE kind = '{kind}' ORDER BY seq")]

    def drained(self, limit_s: float = 40.0) -> Bench:
        """Wait until the server has answered everything."""
        wait_for(lambda: self.waiting() == 0, limit_s, f"{self.station} has sent everything", pause_s=0.1)
        return self


class Hand:
    """An operator who never rests: on a thread, does what the screen asks for, and mixes in labels that nobody knows.

    A context manager. While the screen is dark the labels go on: what a scanner says then is lost, and nobody was told
    that it was kept.
    """

    def __init__(self, bench: Bench, units: Sequence[str], *, pause_s: float = 0.02) -> None:
        self._bench, self._pause_s = bench, pause_s
        self._units = list(units)
        self._count = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"hand {bench.station}", daemon=True)

    def __enter__(self) -> Hand:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=20)

    def _work(self) -> None:
        while not self._stop.wait(self._pause_s):
            self._count += 1
            self._bench.cable.write(f"{self._next()}\r".encode(), limit_s=0.1)

    def _next(self) -> str:
        shown = self._bench.look()
        if shown is None or self._count % 3 == 0 or shown["phase"] in ("starting", "asking"):
            return f"LABEL-{self._bench.station}-{self._count}"
        if shown["operator"] is None:
            return BADGE
        if shown["unit"] is None:
            self._units.append(self._units.pop(0))
            return self._units[-1]
        wanted = next((n for n in shown["needs"] if n["kind"] == "component" and n["state"] == "todo"), None)
        if wanted is None:
            return DONE
        return FUSE if wanted["part"] == "FUSE" else f"B-{self._bench.page}{self._count:05}"


def _frozen(pid: int) -> bool:
    """Whether every thread of a process and of its children has stopped: a signal to freeze takes its time."""
    processes = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    threads = (thread for p in processes for thread in Path(f"/proc/{p}/task").iterdir())
    return all((thread / "stat").read_text().rpartition(")")[2].split()[0] == "T" for thread in threads)


class Rig:
    """The floor. Everything it starts ends with `close`."""

    def __init__(self, folder: Path, database: Path) -> None:
        self.folder = folder
        self.database = folder / "atelier.db"
        shutil.copy(database, self.database)
        self.port = port_number()
        address = ["--port", str(self.port), "--database", f"sqlite:///{self.database}"]
        self.server = Program(["serve", *address], folder, "server")
        self.benches: list[Bench] = []

    # --- the server ---

    def start_server(self) -> Rig:
        """Start the server and wait until it answers."""
        self.server.launch()
        self.server.until(lambda: get(self.port, "/health"))
        return self

    def code(self, station: str) -> str:
        """A one-time code for a station."""
        with engine(self.database) as opened, writing(opened) as session:
            made = enrolment.new_code(session, station, now=datetime.now(UTC))
        assert isinstance(made, str)
        return made

    def ask(self, query: str) -> list[Any]:
        """Ask the database, while the server runs or not."""
        return ask(self.database, query)

    def mes(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the server's database, in English."""
        return subprocess.run(
            [sys.executable, "-m", "mes.cli", *arguments, "--database", f"sqlite:///{self.database}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=self.folder,
            env=own_environment(),
        )

    def units(self, order: str = "OF-1") -> list[str]:
        """The serials of an order."""
        return [s for (s,) in self.ask(f"SELECT serial FROM unit WHERE \"order\" = '{order}' ORDER BY serial")]

    # --- stations ---

    def bench(
        self,
        station: str,
        *,
        url: str | None = None,
        enrolled: bool = True,
        data: Path | None = None,
        ports: str = "",
    ) -> Bench:
        """A station's PC, let in at the server by the real command; its agent is not started.

        Args:
            url: the server's address as the station knows it, when it is not the direct way.
            data: the agent's folder, when another PC's was copied.
            ports: tables of more devices than the scanner.
        """
        folder = self.folder / f"{station}-{len(self.benches)}"
        made = Bench(folder, station, url or f"http://127.0.0.1:{self.port}", data or folder / "data", ports)
        self.benches.append(made)
        if enrolled:
            self.enroll(made)
        return made

    def enroll(self, bench: Bench) -> None:
        """Let a station in."""
        server = f"http://127.0.0.1:{self.port}"
        options = [self.code(bench.station), "--server", server, "--data", str(bench.data)]
        result = CliRunner().invoke(enroll_station, [str(bench.file), *options])
        assert result.exit_code == 0, result.output

    # --- the end ---

    def drained(self, limit_s: float = 40.0) -> None:
        """Wait until the server has answered every station that runs."""
        for bench in self.benches:
            if bench.runs:
                bench.drained(limit_s)

    def conserved(self) -> None:
        """The promise: each event of each outbox is in the ledger exactly once, in order, and the replay agrees."""
        self.drained()
        for program in (*self.benches, self.server):
            program.stop()
        ledger = self.ask("SELECT event_id, source, seq FROM ledger WHERE source <> 'office' ORDER BY n")
        positions = {event_id: n for n, (event_id, _, _) in enumerate(ledger)}
        assert len(positions) == len(ledger), "an event id stands twice in the ledger"
        seen: set[str] = set()
        for bench in self.benches:
            rows = bench.ask("SELECT event_id, state FROM outbox ORDER BY seq")
            # All was answered above. A label that the scanner still held then may have come in since: it waits, kept.
            late = {e for e, state in rows if state == "new" and e not in positions}
            held = [e for e, _state in rows if e not in late]
            missing = [e for e in held if e not in positions]
            assert len(late) <= 3, f"{len(late)} events of {bench.station} wait although all was answered"
            assert not missing, f"{len(missing)} of {len(held)} events of {bench.station} are not in the ledger"
            where = [positions[e] for e in held]
            assert where == sorted(where), f"the events of {bench.station} are out of order"
            seen |= set(held)
        extra = set(positions) - seen - self.foreign
        assert not extra, f"the ledger has {len(extra)} events that no station holds"
        for source in {s for _, s, _ in ledger}:
            numbers = [seq for _, s, seq in ledger if s == source]
            assert numbers == sorted(set(numbers)), f"stream {source} is out of order"
        with engine(self.database) as opened:
            rows, findings = verify_engine(opened, self.folder)
        assert rows >= len(ledger)
        assert findings == []
        for program in (*self.benches, self.server):
            assert "Traceback" not in program.said(), program.said()

    foreign: frozenset[str] = frozenset()
    """Event ids that came from somewhere else than a station of this rig."""

    def close(self) -> None:
        """End everything, whatever state it is in."""
        for program in (*self.benches, self.server):
            with suppress(ProcessLookupError):
                if program.runs:
                    program.send(signal.SIGCONT)
                program.kill()
        for bench in self.benches:
            bench.cable.unplug()


def ask(path: Path, query: str) -> list[Any]:
    """Ask a SQLite file that another process has open."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
        return db.execute(query).fetchall()
