"""The running demo: the server, one agent a station with a simulated operator, an office, a board; and its figures.

It knows how the parts are started, joined and ended in good order. What they do is theirs.
"""

from __future__ import annotations

import io
import os
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import Any, Final

import click

from mes.domain.route import Product
from mes.i18n import _, system_language
from stations import demo_report as figures
from stations.commands import station as station_commands
from stations.demo_board import Board
from stations.demo_office import Office, Staff
from stations.demo_processes import Cabled, Child, CommandLine, Processes, failed, healthy
from stations.demo_setup import HOST, PRINTER, Bench, Demo
from stations.simulator.bench import VirtualBench
from stations.simulator.floor import Floor
from stations.simulator.mind import Place
from stations.simulator.nature import Nature
from stations.simulator.operator import Operator
from stations.simulator.people import Odds, Pace, Person
from stations.simulator.seen import Tally, Window
from stations.simulator.stock import Stock, text_for

READY_S: Final = 90.0
DRAIN_S: Final = 15.0
TEST_S: Final = 90.0
LAST_SCAN_S: Final = 1.0
"""How long the last scan, or a cable that was put in again, takes to be captured, in seconds."""


class Stopped(Exception):
    """The person wants to stop before everything was up."""


class Show:
    """The running demo: its processes, its people, its figures."""

    def __init__(self, site: Demo, seed: int, stop: threading.Event) -> None:
        self._site, self._seed, self._stop = site, seed, stop
        self._env = {**os.environ, "MES_DATABASE_URL": site.database}
        self._processes = Processes(lambda text: click.echo(text, err=True))
        self._server: Child | None = None
        self._agents: dict[str, Child] = {}
        self._cabled: dict[str, Cabled] = {}
        self._stack = ExitStack()
        numbered = site.plan.plant.gs1_prefix is not None
        self._floor = Floor(site.plan, [b.id for b in site.benches], cartons=numbered)
        self._nature = Nature(seed, Odds())
        self._office = Office(CommandLine(self._env), site.plan, self._floor, self._chance("office"))
        self._operators: dict[str, Operator] = {}
        self._able: list[tuple[str, str]] = []
        self._staff: Staff | None = None
        self._board = Board(site.server_url)
        self._account: tuple[str, str] | None = None
        self._ready_s = self._ready_at = 0.0

    def _chance(self, name: str) -> random.Random:
        return random.Random(f"{self._seed} {name}")  # noqa: S311 - a simulation

    # --- open ---

    def open(self, began: float) -> None:
        """Bring everything up and print the addresses.

        Raises:
            Stopped: the person has pressed Ctrl-C.
            Refused, click.ClickException: something did not come up.
        """
        again = (self._site.folder / "atelier.db").exists() or not self._site.own_server
        click.echo(_("Preparing the demo in %(folder)s …", folder=self._site.folder), err=True)
        self._office.make_database()
        self._may_go_on()
        if self._site.own_server:
            port = self._site.server_url.rpartition(":")[2]
            self._server = self._child("server", ["serve", "--host", HOST, "--port", port])
        self._office.publish(self._site.config)
        self._may_go_on()
        with ThreadPoolExecutor(1) as pool:
            register = pool.submit(self._office.register, self._site.config, self._site.folder / "instruments.csv")
            orders = pool.submit(self._orders, again)
            account = pool.submit(self._office.account) if self._site.own_server else None
            self._plug_in()
            self._let_in()
            register.result()
            orders.result()
            self._account = account.result() if account else None
        self._board.start()
        self._wait_until_ready()
        self._ready_s, self._ready_at = time.monotonic() - began, time.time()
        self._announce()

    def _child(self, name: str, arguments: Sequence[str]) -> Child:
        return self._processes.add(Child(name, arguments, self._site.logs / f"{name}.log", self._env))

    def _may_go_on(self) -> None:
        if self._stop.is_set():
            raise Stopped

    def _plug_in(self) -> None:
        """The virtual devices, and a person at each bench."""
        pace = Pace(self._site.speed)
        for bench, hired in zip(self._site.benches, self._office.hire(len(self._site.benches)), strict=True):
            person = Person(hired.badge)
            self._able += [(hired.person, q) for q in sorted(self._asked_at(bench.id))]
            rng = self._chance(bench.id)
            devices = self._devices(bench, pace, rng)
            here = self._site.plan.station(bench.id) or bench.file.station
            stock = Stock(self._site.plan, rng)
            place = Place(here, self._site.plan, person, self._floor, self._nature, devices, stock, Odds(), pace, rng)
            self._operators[bench.id] = Operator(place, Window(bench.file.screen.port))

    def _devices(self, bench: Bench, pace: Pace, rng: random.Random) -> VirtualBench:
        """The bench's devices, in a process of their own; after its death it is told again what is connected."""
        # 6 s a function, a third of it ramp; not shorter than the station needs to see it running.
        test_s = max(0.4, 8 / pace.speed)
        arguments = [str(bench.path), "--seed", f"{self._seed} {bench.id}", "--test-s", f"{test_s:g}", "--attended"]
        log = self._site.logs / f"{bench.id}-devices.log"
        child = Cabled(f"{bench.id} devices", arguments, log, self._env, links=bench.links.values())
        devices = VirtualBench(bench.file, child.say, nature=self._nature, odds=Odds(), rng=rng)
        child.on_start = devices.say_again
        self._cabled[bench.id] = child
        self._processes.add(child)
        return devices

    def _asked_at(self, station: str) -> set[str]:
        """The qualifications that the steps of a station ask for."""
        steps = [s for p in self._site.plan.products for s in p.steps if station in s.stations]
        return {s.qualification for s in steps if s.qualification}

    def _let_in(self) -> None:
        """Enrol each station by its one-time code, and start its agent."""
        codes = self._office.codes([b.id for b in self._site.benches])
        self._wait_for_server()
        for bench in self._site.benches:
            self._may_go_on()
            enrol(bench, codes[bench.id], self._site.data)
            arguments = ["station", "run", str(bench.path), "--data", str(self._site.data)]
            self._agents[bench.id] = self._child(bench.id, arguments)

    def _orders(self, again: bool) -> None:
        """Orders for whatever can be begun here: two of each product with serials, one of each other."""
        if again and self._office.find_open_orders():
            return
        due = iter((5, 12, 3, 8, 15, 20))
        for product in self._products():
            for _n in range(2 if product.tracking == "serial" else 1):
                self._may_go_on()
                order = self._office.order(product, due_in_days=next(due, 10), gently=False)
                if product.serial is not None and not self._office.labels:
                    self._office.print_labels(order)

    def _products(self) -> list[Product]:
        manned = {b.id for b in self._site.benches}
        drawn = random.Random(self._seed)  # noqa: S311 - a simulation
        found = [
            p
            for p in self._site.plan.products
            if manned & set(p.steps[0].stations)
            and (p.serial_scan is None or text_for(p.serial_scan, drawn) is not None)
        ]
        return sorted(found, key=lambda p: p.tracking != "serial")

    def _wait_for_server(self) -> None:
        end = time.monotonic() + READY_S
        while not healthy(self._site.server_url):
            self._may_go_on()
            if self._server is not None and self._server.restarts > 2:
                raise failed(_("The server"), self._server)
            if time.monotonic() > end:
                if self._server is not None:
                    raise failed(_("The server"), self._server)
                raise click.ClickException(_("No server answers at %(url)s.", url=self._site.server_url))
            self._stop.wait(0.1)

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + READY_S
        for station, operator in self._operators.items():
            while (seen := operator.window.look()) is None or seen.link != "up" or seen.phase == "starting":
                self._may_go_on()
                if time.monotonic() > end or self._agents[station].restarts > 2:
                    raise failed(_("Station %(station)s", station=station), self._agents[station])
                self._stop.wait(0.1)
            operator.start()
        self._board.connected.wait(5)

    def _announce(self) -> None:
        site = self._site
        short = [s.min_s for p in site.plan.products for s in p.steps if s.min_s]
        language = system_language()
        lines = ["", _("The workshop runs, %(speed)s times as fast as planned.", speed=f"{site.speed:g}")]
        if short:
            lines.append(_("Burn-in takes %(seconds)s s here: so that you can see it end.", seconds=max(short)))
        pages = [
            (_("Board"), f"{site.server_url}/board", ""),
            (_("Office"), f"{site.server_url}/orders", self._key()),
            ("", "", ""),
        ]
        pages += [(b.id, b.screen_url, b.file.station.name.to(language)) for b in site.benches]
        lines += ["", *(f"  {name:10} {url:34} {what}".rstrip() for name, url, what in pages), ""]
        lines += [_("Folder: %(folder)s. Seed: %(seed)s. Stop with Ctrl-C.", folder=site.folder, seed=self._seed), ""]
        click.echo("\n".join(lines))

    def _key(self) -> str:
        """What opens the office; with a server of its own elsewhere, its people know."""
        if self._account is None:
            return ""
        login, password = self._account
        return _("user name %(login)s, password %(password)s", login=login, password=password)

    # --- run ---

    def run(self, seconds: float | None) -> None:
        """Let people work until the time is over or the person has seen enough."""
        self._staff = Staff(
            self._office,
            self._site.plan,
            self._floor,
            self._nature,
            self._chance("staff"),
            products=self._products(),
            able=self._able,
            say=lambda text: click.echo(text, err=True),
        )
        self._staff.start()
        self._stop.wait(seconds)

    # --- close ---

    def close(self) -> dict[str, Any] | None:
        """Bring everything down in good order; returns the figures, None when it never was up."""
        try:
            if self._ready_s == 0:
                return None
            click.echo(_("Stopping: what was scanned is sent …"), err=True)
            ran_s = time.time() - self._ready_at
            if self._staff is not None:
                self._staff.stop()
            for operator in self._operators.values():
                operator.stop()
            for operator in self._operators.values():
                operator.join()
            self._drain()
            queue = self._drain_labels()
            memory = self._memory()
            self._processes.rest()
            self._processes.end(list(self._agents.values()))
            return self._figures(ran_s, memory, queue)
        finally:
            self._board.stop()
            self._processes.close()
            self._stack.close()

    def _drain(self) -> None:
        """Wait until no station keeps anything that the server has not answered; a test that runs may end first."""
        time.sleep(LAST_SCAN_S)
        waiting = dict(self._operators)
        began = time.monotonic()
        end = began + DRAIN_S
        while waiting and (now := time.monotonic()) < end:
            for station, operator in list(waiting.items()):
                seen = operator.window.look()
                if seen is not None and seen.phase == "testing":
                    end = min(now + DRAIN_S, began + TEST_S)
                elif seen is not None and seen.kept == 0 and seen.settled:
                    del waiting[station]
            time.sleep(0.1)

    def _drain_labels(self) -> list[str]:
        """Wait until every label has come out, or somebody would have to say what became of one; what is left."""
        end = time.monotonic() + DRAIN_S
        while (queue := self._office.queue()) and "unsure" not in queue and time.monotonic() < end:
            time.sleep(0.5)
        return queue

    def _labels(self, queue: list[str]) -> dict[str, int]:
        log = self._site.logs / f"{self._site.benches[0].id}-devices.log"
        lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
        return {"asked": self._office.labels, **figures.labels(lines, PRINTER), "open": len(queue)}

    def _memory(self) -> dict[str, Any]:
        agents = {name: figures.memory_mib(child.pid) for name, child in self._agents.items()}
        devices = {name: figures.memory_mib(child.pid) for name, child in self._cabled.items()}
        server = figures.memory_mib(self._server.pid) if self._server is not None else None
        return {
            "server": server,
            "agents": agents,
            "agents_together": round(sum(mib or 0 for mib in agents.values()), 1),
            "devices": devices,
            "devices_together": round(sum(mib or 0 for mib in devices.values()), 1),
        }

    def _figures(self, ran_s: float, memory: dict[str, Any], queue: list[str]) -> dict[str, Any]:
        ledger = self._office.ledger()
        outboxes = {b.id: figures.read_outbox(self._site.outbox(b.id)) for b in self._site.benches}
        ours = frozenset(e.event_id for outbox in outboxes.values() for e in outbox)
        tallies = [operator.window.tally for operator in self._operators.values()]

        def to_board(*, visible_only: bool) -> dict[str, float | int]:
            return figures.percentiles(
                figures.board_latencies_ms(
                    ledger, self._board.arrived, since=self._ready_at, ours=ours, visible_only=visible_only
                )
            )

        return {
            "seconds": round(ran_s, 1),
            "speed": self._site.speed,
            "seed": self._seed,
            "stations": len(self._site.benches),
            "ready_s": round(self._ready_s, 1),
            "events": {
                **figures.conservation(outboxes, ledger),
                "duplicate": sum(t.count("duplicate") for t in tallies),
                "conflict": sum(t.count("conflict") for t in tallies),
            },
            "scans": sum(operator.scans for operator in self._operators.values()),
            **{name: figures.percentiles([ms for t in tallies for ms in t.times_ms(name)]) for name in Tally.TIMES},
            "scan_to_board_ms": to_board(visible_only=True),
            "scan_to_next_push_ms": to_board(visible_only=False),
            "pushes": self._board.pushes,
            "done": self._done(),
            "cartons": self._office.cartons(),
            "labels": self._labels(queue),
            "decided": self._staff.decided if self._staff is not None else {},
            "memory_mib": memory,
            "restarts": {child.name: child.restarts for child in self._processes.children if child.restarts},
        }

    def _done(self) -> dict[str, int]:
        """Finished pieces by product: units as the server says, counted pieces as they left the last step here."""
        done: dict[str, int] = {}
        for order, product in self._office.orders:
            if product.tracking == "serial":
                units = self._office.units(order, gently=False)
                done[product.id] = done.get(product.id, 0) + sum(row["state"] == "done" for row in units)
            else:
                done[product.id] = self._floor.done.get(product.id, 0)
        return done


def enrol(bench: Bench, code: str, data: Path) -> None:
    """`mes station enroll`, in this process: ten more interpreters would cost ten seconds.

    Raises:
        click.ClickException: as the command does.
    """
    with redirect_stdout(io.StringIO()):
        station_commands.main(
            ["enroll", str(bench.path), code, "--data", str(data)], prog_name="station", standalone_mode=False
        )
