"""A simulated operator: a thread that looks at one bench's screen and holds the scanner to codes, as a person does.

What to do is decided in `mind`, `unit_work`, `lot_work` and `carton_work`; here are only the waiting, the looking
and the hands. Nothing is done behind the screen's back: it reads `/state` and writes to a pseudo-terminal.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from stations.simulator.carton_work import CartonWork
from stations.simulator.lot_work import LotWork
from stations.simulator.mind import Act, Attention, Hands, Place
from stations.simulator.people import scan_fault
from stations.simulator.seen import Seen, Window
from stations.simulator.unit_work import UnitWork

PATIENCE_S: Final = 4.0
"""How long a person waits for the screen to answer a scan before scanning again, in seconds."""
GLANCES_S: Final = (0.08, 0.12, 0.2, 0.3, 0.5)
"""Pauses between the looks at a screen that is about to change, in seconds; the last one again and again."""
IDLE_S: Final = 0.5
DARK_S: Final = 0.3


class Mind:
    """One person's decisions: what to scan next, by what the screen shows."""

    def __init__(self, place: Place) -> None:
        self.hands = Hands(place)
        self._place = place
        self._attention = Attention(place, self.hands)
        self._units, self._lots = UnitWork(place, self.hands), LotWork(place, self.hands)
        self._cartons = CartonWork(place, self.hands)
        self._heard = -1

    def next(self, seen: Seen, now: float) -> Act | None:
        """The next scan; None when there is nothing to do but wait.

        Args:
            seen: the screen, settled.
            now: a monotonic time, in seconds.
        """
        if seen.phase == "starting":
            return None
        self._units.look(seen)
        if seen.serial != self._heard:
            self._heard = seen.serial
            self.hands.hear(seen, now)
            self._lots.hear(seen)
            self._cartons.hear(seen)
        if now < self.hands.rest_until:
            return None
        first = self._attention.next(seen, now)
        if first is not None or self._attention.keeps_busy(seen):
            return first
        if seen.carton is not None:
            return self._cartons.go_on(seen)
        if seen.unit is not None:
            return self._units.go_on(seen)
        if seen.order is not None and seen.taking_in is None:
            return self._lots.go_on(seen)
        return self._cartons.begin() or (self._units.begin(seen) if self._units.any else None) or self._lots.begin()


class Operator:
    """The thread. Start it once, stop it once."""

    def __init__(self, place: Place, window: Window, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.mind = Mind(place)
        self.window = window
        self.scans = 0
        self._place, self._clock = place, clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"operator {place.station.id}", daemon=True)

    def start(self) -> None:
        """Come to work."""
        self._thread.start()

    def stop(self) -> None:
        """Lay the scanner down after the present movement."""
        self._stop.set()

    def join(self, limit_s: float = 3.0) -> None:
        """Wait until the person has left."""
        self._thread.join(limit_s)
        self.window.close()

    def _run(self) -> None:
        seen = self.window.look()
        while not self._stop.is_set():
            if seen is None:
                self._stop.wait(DARK_S)
                seen = self.window.look()
            elif not seen.settled:
                seen = self._watch(seen, lambda s: s.settled)
            else:
                seen = self._work(seen)

    def _work(self, seen: Seen) -> Seen | None:
        act = self.mind.next(seen, self._clock())
        if act is None:
            self._stop.wait(IDLE_S)
            return self.window.look()
        if self._stop.wait(act.after_s):
            return seen
        self._scan(act)
        return self._watch(seen, lambda s: s.settled and not s.same_as(seen))

    def _scan(self, act: Act) -> None:
        place = self._place
        if place.happens(place.odds.unplug):
            place.bench.unplug()
            self._stop.wait(place.rng.uniform(2, 6))
            place.bench.plug()
            if self._stop.wait(1.5):
                return
        self.scans += 1
        place.bench.scan(act.scan, act.fault or scan_fault(place.odds, place.rng))

    def _watch(self, seen: Seen, enough: Callable[[Seen], bool]) -> Seen | None:
        """Look until the screen shows what is waited for, or patience ends."""
        end, glance = self._clock() + PATIENCE_S, 0
        latest: Seen | None = seen
        while self._clock() < end:
            if self._stop.wait(GLANCES_S[min(glance, len(GLANCES_S) - 1)]):
                break
            glance += 1
            latest = self.window.look()
            if latest is None or enough(latest):
                break
        return latest
