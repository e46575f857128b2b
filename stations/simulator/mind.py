"""What a sensible person at a bench does next: from one look at the screen to one scan.

Pure but for the things around the person (floor, stock, nature, bench), which are data as well, and an injected
generator; time is an argument. It must not know threads, HTTP or pseudo-terminals, and nothing of the server: the
person follows the screen, and finds back from whatever the screen shows.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Final

from mes.domain.barcode import CommandName, write
from mes.domain.route import Plan, Station
from stations.simulator.bench import VirtualBench
from stations.simulator.floor import Floor
from stations.simulator.nature import Nature
from stations.simulator.people import LEAST_S, Odds, Pace, Person
from stations.simulator.scanner import ScanFault
from stations.simulator.seen import Seen
from stations.simulator.stock import Stock

PAUSE_S: Final = 300.0
"""A break, in seconds of the plan."""
HELP_S: Final = 240.0
"""Until somebody comes when help is called, in seconds of the plan."""
HELP_AFTER: Final = 3
"""So many red answers in a row, and a sensible person calls for help."""
GIVE_UP_AFTER: Final = 9

BLOCKED: Final = frozenset(
    {
        "test_failed",
        "defect_found",
        "contradiction",
        "unit_held",
        "tester_contradicts",
        "station_contradicts",
        "run_contradicts",
    }
)
ELSEWHERE: Final = frozenset({"step_missing", "step_already_done", "at_other_station"})
NOT_THIS_ORDER: Final = frozenset(
    {"order_not_released", "order_held", "order_closed", "serials_full", "serial_not_like", "order_not_here"}
)
UNABLE: Final = frozenset({"unknown_badge", "badge_ended", "not_qualified", "qualification_expired"})
PATIENCE: Final = {
    **dict.fromkeys(UNABLE, 3.0),
    "needs_network": 3.0,
    "not_ready": 1.0,
    "not_now": 0.5,
    "device_lost": 1.0,
    "bench_full": 3.0,
    "sample_out": 0.0,
}
"""How long a person waits after such an answer before the next try, in seconds."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to do: after so many seconds of work, scan this. `fault`: how this scan goes wrong for certain."""

    after_s: float
    scan: str
    fault: ScanFault | None = None


def command(name: CommandName, after_s: float = LEAST_S) -> Act:
    """Scan a control barcode."""
    return Act(after_s, write("command", name))


@dataclass(frozen=True, slots=True)
class Place:
    """A person at a station, and everything within reach."""

    station: Station
    plan: Plan
    person: Person
    floor: Floor
    nature: Nature
    bench: VirtualBench
    stock: Stock
    odds: Odds
    pace: Pace
    rng: random.Random

    def happens(self, chance: float) -> bool:
        """Draw whether something of this chance happens now."""
        return self.rng.random() < chance

    def takes(self, planned_s: float, least_s: float = LEAST_S) -> float:
        """How long something takes now that is planned to take so long."""
        return max(least_s, self.pace.seconds(planned_s, self.rng))


class Hands:
    """What the person holds: one unit, and those in the rack; and what the last answers made of them."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.unit: str | None = None
        self.racked: set[str] = set()
        self.reds = 0
        self.misreads = 0
        self.rest_until = 0.0
        self.wants_help = False

    def hear(self, seen: Seen, now: float) -> None:
        """Take in a new banner, and do with the unit what it says."""
        self.rest_until = now + PATIENCE.get(seen.reason, 0.0)
        self.reds = 0 if seen.tone == "go" else self.reds + (seen.tone == "stop" and seen.reason not in PATIENCE)
        self.misreads = self.misreads + 1 if seen.reason == "unreadable" else 0
        if seen.reason in UNABLE or self.misreads >= HELP_AFTER - 1 or (self.reds and self.reds % HELP_AFTER == 0):
            self.wants_help = True
        unit = str(seen.args.get("unit") or (self.unit if seen.unit is None else None) or "")
        if unit and (unit == self.unit or unit in self.racked):
            self._move(unit, seen)

    def let_go(self, unit: str) -> str:
        """The unit is in nobody's hands any more."""
        self.racked.discard(unit)
        self.unit = None if self.unit == unit else self.unit
        self.reds = self.misreads = 0
        return unit

    def _move(self, unit: str, seen: Seen) -> None:
        floor, here, args = self._place.floor, self._place.station.id, seen.args
        match seen.reason:
            case "step_done":
                floor.carry(self.let_go(unit), name_of(args.get("next")))
            case "unit_finished" | "unit_done" | "unit_shipped":
                floor.finish(self.let_go(unit))
            case "scrapped" | "unit_scrapped" | "unit_withdrawn":
                floor.scrap(self.let_go(unit))
            case "unit_left" | "bench_full":
                floor.carry(self.let_go(unit), here)
            case "unknown_unit":
                floor.set_aside(self.let_go(unit))
                self.wants_help = True
            case "serial_known" | "serials_made":
                floor.taken_in(unit)
            case "unit_taken_back":
                floor.taken_in(unit, back_to=str(args.get("order") or ""))
            case reason if reason in BLOCKED:
                floor.shelve(self.let_go(unit), here)
            case reason if reason in ELSEWHERE:
                floor.carry(self.let_go(unit), name_of(args.get("station")))
            case reason if reason in NOT_THIS_ORDER:
                floor.set_aside(self.let_go(unit))
            case _:
                pass


def name_of(said: Any) -> str:
    """A name out of a banner: the same in each language, or one of them."""
    return str(next(iter(said.values()), "")) if isinstance(said, dict) else str(said or "")


class Attention:
    """What comes before the work: who I am, a break, a call for help. None: on with the work."""

    def __init__(self, place: Place, hands: Hands) -> None:
        self._place, self._hands = place, hands
        self._helper_at: float | None = None
        self._back_at: float | None = None

    def next(self, seen: Seen, now: float) -> Act | None:
        """The scan that comes before the work."""
        place = self._place
        if seen.help_called:
            if self._helper_at is None:
                self._helper_at = now + place.takes(HELP_S, 2.0)
            return self._helped() if now >= self._helper_at else None
        self._helper_at = None
        if seen.operator != place.person.badge:
            return Act(place.takes(30, 0.8), write("badge", place.person.badge))
        if seen.phase == "paused":
            if self._back_at is None:
                self._back_at = now + place.takes(PAUSE_S, 2.0)
            return command("RESUME") if now >= self._back_at else None
        self._back_at = None
        if self._hands.wants_help:
            self._hands.wants_help = False
            return command("HELP", 0.8)
        return None

    def keeps_busy(self, seen: Seen) -> bool:
        """Whether the work must wait, whatever `next` said."""
        return seen.help_called or seen.phase == "paused" or seen.operator != self._place.person.badge

    def _helped(self) -> Act:
        """Somebody is here: looks at the instruments, prints a label that can be read."""
        self._place.bench.repair()
        if self._hands.unit is not None:
            self._place.nature.print_label(self._hands.unit)
        return command("HELPED")
