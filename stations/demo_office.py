"""The office of the demo: orders, one-time codes, decisions on blocked units: all by the commands that a user types.

It must not know the server's code: it reads JSON and sentences from `mes …`, and carries units on the simulated floor.
"""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, get_args

from mes.domain.route import Plan, Product
from mes.wire import Role
from stations.demo_processes import CommandLine, Refused
from stations.demo_register import write_receipts, write_register
from stations.demo_setup import PRINTER
from stations.simulator.floor import Floor
from stations.simulator.nature import Nature
from stations.simulator.people import names
from stations.simulator.stock import text_for

ROUND_S: Final = 2.0
"""How often the office looks at the floor, in seconds: each command costs a second of a processor."""
LAPSE_ROUNDS: Final = 60
LAPSE_AT: Final = 10
LAPSED_FOR: Final = 6
"""Of so many rounds, in which one a qualification has ended, and how many rounds later it is renewed."""
UNITS: Final = (8, 12)
PIECES: Final = (120, 240)
FEW_UNITS: Final = 3
FEW_PIECES: Final = 30
_CREATED: Final = re.compile(r"Order (\S+?):")
DECISIONS: Final = {"rework": 0.75, "not_confirmed": 0.15, "scrap": 0.10}
LOGIN: Final = "demo"
ROLES: Final[tuple[Role, ...]] = get_args(Role)
WHY: Final = {"rework": "to be corrected", "not_confirmed": "looked at again: it is good", "scrap": "beyond repair"}


@dataclass(frozen=True, slots=True)
class Hired:
    """Somebody with a badge, by pseudonym."""

    person: str
    badge: str


class Office:
    """What the office does, one command each."""

    def __init__(self, mes: CommandLine, plan: Plan, floor: Floor, rng: random.Random) -> None:
        self._mes, self._plan, self._floor, self._rng = mes, plan, floor, rng
        self.orders: list[tuple[str, Product]] = []
        self.labels = 0
        """How many labels were asked for."""

    def make_database(self) -> None:
        """Make the database, or bring it to this version."""
        self._mes("db", "upgrade", gently=False)

    def publish(self, config: Path) -> None:
        """Publish the demo's plan."""
        self._mes("plan", "publish", str(config), gently=False)

    def register(self, config: Path, file: Path) -> None:
        """Take the instruments of the station files into the register, and a first delivery of each part, by tables."""
        today = date.today()  # noqa: DTZ011 - a day of the calendar
        if write_register(config, file, today=today):
            self._mes("instrument", "import", str(file), gently=False)
        if json.loads(self._mes("lot", "list", "--json", gently=False)):
            return  # received in an earlier run
        if write_receipts(self._plan, file.with_name("lots.csv"), today=today):
            self._mes("lot", "import", str(file.with_name("lots.csv")), gently=False)

    def hire(self, count: int) -> list[Hired]:
        """So many people with a badge each; those of an earlier run come back. All may do everything for a year."""
        known: list[dict[str, str]] = json.loads(self._mes("badge", "list", "--json", gently=False))
        missing = names(count)[len(known) :]
        if missing:
            called = [word for name in missing for word in ("--name", name)]
            known += json.loads(self._mes("badge", "issue", "--json", *called, gently=False))
        found = [Hired(row["person"], row["badge"]) for row in known[:count]]
        able = [q.id for q in self._plan.plant.qualifications]
        if able:
            self.grant([h.person for h in found], able, days=365, gently=False)
        return found

    def grant(self, people: Sequence[str], able: Sequence[str], *, days: int, gently: bool = True) -> None:
        """Say until when these people may do these things: so many days from today, or before it."""
        last = date.today() + timedelta(days=days)  # noqa: DTZ011 - a day of the calendar
        wanted = [word for each in able for word in ("-q", each)]
        self._mes("qualification", "grant", *people, *wanted, "--until", last.isoformat(), gently=gently)

    def account(self) -> tuple[str, str]:
        """An account that may do everything at the web pages; returns its user name and its new password."""
        how = ("--keep-password", "--json")
        roles = [word for role in ROLES for word in ("--role", role)]
        try:
            said = self._mes("user", "add", "Demo", "--login", LOGIN, *roles, *how)
        except Refused:  # there is one, of an earlier run in this folder
            said = self._mes("user", "reset", LOGIN, *how)
        return LOGIN, str(json.loads(said)["password"])

    def codes(self, stations: Sequence[str]) -> dict[str, str]:
        """A one-time code for each station."""
        lines = self._mes("station", "add", *stations, gently=False).split()
        return dict(zip(stations, lines, strict=True))

    def order(self, product: Product, *, due_in_days: int | None = None, gently: bool = True) -> str:
        """Create and release an order, and bring what it needs to the first step."""
        low, high = UNITS if product.tracking == "serial" else PIECES
        quantity = self._rng.randint(low, high)
        arguments = ["order", "create", product.id, str(quantity), "--release"]
        if due_in_days is not None:
            due = date.today() + timedelta(days=due_in_days)  # noqa: DTZ011 - a day of the calendar
            arguments += ["--due", due.isoformat()]
        found = _CREATED.search(self._mes(*arguments, gently=gently))
        if found is None:
            raise Refused(f"no order number in the answer to: mes {' '.join(arguments)}")
        self._take_on(found[1], product, quantity, gently=gently)
        return found[1]

    def find_open_orders(self) -> int:
        """Bring the units of orders that are open already (of an earlier run) to where they stand."""
        for row in json.loads(self._mes("order", "list", "--json", gently=False)):
            product = self._plan.product(row["product"])
            if row["state"] in ("released", "in_work") and product is not None and product.tracking == "serial":
                self._take_on(row["id"], product, row["quantity"], gently=False)
        return len(self.orders)

    def _take_on(self, order: str, product: Product, quantity: int, *, gently: bool) -> None:
        self.orders.append((order, product))
        if product.tracking == "serial":
            units = self.units(order, gently=gently)
            self._floor.deliver(product, units)
            if product.serial_scan is not None:
                known = sum(1 for row in units if row["state"] != "withdrawn")
                self._floor.deliver_bare(order, product, self._serials(product.serial_scan, quantity - known))
        else:
            self._floor.deliver_lot(order, product, quantity)

    def _serials(self, pattern: str, count: int) -> list[str]:
        """What stands on so many units that a supplier has sent. Source of the pattern: the plan's `serial_scan`."""
        made = [text_for(pattern, self._rng) for _ in range(max(0, count))]
        return [text for text in made if text is not None]

    def units(self, order: str, *, gently: bool = True) -> list[dict[str, Any]]:
        """Where the units of an order stand."""
        rows: list[dict[str, Any]] = json.loads(self._mes("order", "units", order, "--json", gently=gently))
        return rows

    def print_labels(self, order: str) -> None:
        """Send the labels of an order's units to the label printer."""
        self.labels += len(self.units(order, gently=False))
        self._mes("labels", "units", order, "--printer", PRINTER, gently=False)

    def queue(self) -> list[str]:
        """The states of the labels that have not come out, or of which nobody knows."""
        return [line.split("\t")[2] for line in self._mes("print", "list", gently=False).splitlines()]

    def cartons(self) -> dict[str, int]:
        """How many cartons there are, by state."""
        found: dict[str, int] = {}
        for row in json.loads(self._mes("cartons", "list", "--json", gently=False)):
            found[row["state"]] = found.get(row["state"], 0) + 1
        return found

    def nonconformities(self) -> list[dict[str, Any]]:
        """The open nonconformities."""
        rows: list[dict[str, Any]] = json.loads(self._mes("nc", "list", "--json"))
        return rows

    def decide(self, nc: str, disposition: str, step: str | None = None) -> None:
        """Decide what becomes of a blocked unit."""
        back = ["--step", step] if step else []
        self._mes("nc", "decide", nc, disposition, "--why", WHY[disposition], *back)

    def ledger(self) -> list[dict[str, Any]]:
        """Every row of the ledger, without its body."""
        return [json.loads(line) for line in self._mes("ledger", "list", "--json", gently=False).splitlines()]


class Staff:
    """A supervisor and a planner, who share a thread: they look at the floor and do what it needs."""

    def __init__(
        self,
        office: Office,
        plan: Plan,
        floor: Floor,
        nature: Nature,
        rng: random.Random,
        *,
        products: Sequence[Product],
        able: Sequence[tuple[str, str]],
        say: Callable[[str], None],
    ) -> None:
        """Hire them.

        Args:
            products: those whose orders are topped up.
            able: who is at a bench (by pseudonym), and the qualification that its steps ask for.
        """
        self._office, self._plan, self._floor, self._nature, self._rng = office, plan, floor, nature, rng
        self._products, self._able, self._say = products, able, say
        self._round = 0
        self._lapsed: tuple[str, str] | None = None
        self.decided: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="office", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Go home; a command that runs is finished first."""
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stop.wait(ROUND_S):
            try:
                self.clear_the_red_shelf()
                self.keep_orders_coming()
                self.renew_what_has_lapsed()
            except (Refused, OSError, ValueError) as error:
                # The server is being started again, or somebody else has decided: look again in the next round.
                self._say(str(error).splitlines()[-1])

    def clear_the_red_shelf(self) -> None:
        """Decide each nonconformity whose unit lies on the red shelf, and have the unit carried where it must go."""
        shelved = set(self._floor.on_red_shelf())
        if not shelved:
            return
        for nc in self._office.nonconformities():
            if self._stop.is_set():
                return
            if nc["unit"] in shelved and nc["state"] == "open":
                self._decide(nc)
            elif nc["unit"] in shelved and nc["state"] == "in_treatment":  # somebody at the web page was quicker
                self._send_back(nc)

    def _decide(self, nc: dict[str, Any]) -> None:
        unit = str(nc["unit"])
        disposition = self._rng.choices(list(DECISIONS), list(DECISIONS.values()))[0]
        self._office.decide(str(nc["id"]), disposition)
        self.decided[disposition] = self.decided.get(disposition, 0) + 1
        if disposition == "scrap":
            self._floor.unshelve(unit)
            self._floor.scrap(unit)
        else:
            self._send_back(nc)

    def _send_back(self, nc: dict[str, Any]) -> None:
        unit = str(nc["unit"])
        self._nature.repair(unit)
        station = self._floor.unshelve(unit)
        if station is not None:
            self._floor.carry(unit, self._place_of(str(nc["step"]), station))

    def _place_of(self, step: str, found_at: str) -> str:
        """Where a step is done: at the station where the unit was blocked, if it does that step."""
        steps = [s for p in self._plan.products for s in p.steps if s.id == step]
        if not steps or any(found_at in s.stations for s in steps):
            return found_at
        return steps[0].stations[0]

    def renew_what_has_lapsed(self) -> None:
        """Now and then somebody's qualification has ended: the bench says so, and the supervisor renews it."""
        self._round += 1
        if self._lapsed is not None and self._round % LAPSE_ROUNDS == LAPSE_AT + LAPSED_FOR:
            (person, able), self._lapsed = self._lapsed, None
            self._office.grant([person], [able], days=365)
        elif self._able and self._lapsed is None and self._round % LAPSE_ROUNDS == LAPSE_AT:
            person, able = self._rng.choice(self._able)
            self._office.grant([person], [able], days=-1)
            self._lapsed = person, able

    def keep_orders_coming(self) -> None:
        """A new order wherever the first step soon runs dry."""
        for product in self._products:
            dry = (
                self._floor.to_start(product) < FEW_UNITS
                if product.tracking == "serial"
                else self._floor.pieces_to_start(product) < FEW_PIECES
            )
            if dry and not self._stop.is_set():
                self._office.order(product, due_in_days=self._rng.randint(3, 20))
