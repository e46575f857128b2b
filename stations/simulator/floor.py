"""Where every unit and every pile physically is: the queues in front of the stations, the red shelf, what is finished.

Pure data behind one lock; people carry things about. It must not know what the server thinks: a unit is where somebody
has put it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from mes.domain.route import Plan, Product, Step

MOST_WAITING: Final = 5
"""Units in front of a bench; with more, the bench before it waits."""
OPEN: Final = frozenset({"reserved", "waiting", "in_work"})


@dataclass(slots=True)
class Pile:
    """Pieces of a lot order in front of a step, still to be counted there."""

    order: str
    product: str
    step: str
    pieces: int


@dataclass(frozen=True, slots=True)
class Loose:
    """Something finished that is in no carton yet: a unit, or (`pieces`) so many pieces of an order."""

    id: str
    product: str
    pieces: int = 0


class Floor:
    """The queues of a floor. Any thread may move things."""

    def __init__(self, plan: Plan, manned: Iterable[str] = (), *, cartons: bool = False) -> None:
        """Make an empty floor.

        Args:
            manned: the stations where somebody works; all of them when none is named.
            cartons: whether what is finished goes into cartons.
        """
        self._cartons = cartons
        self._loose: dict[str, list[Loose]] = {}
        self._last_packed: dict[str, str] = {}
        self._plan = plan
        self._manned = frozenset(manned) or frozenset(s.id for s in plan.stations)
        self._names = {name: s.id for s in plan.stations for name in (s.id, s.name.fr, s.name.en)}
        self._queues: dict[str, deque[str]] = {s.id: deque() for s in plan.stations}
        self._piles: list[Pile] = []
        self._red: dict[str, str] = {}
        self._aside: set[str] = set()
        self._product: dict[str, str] = {}
        self._bare: dict[str, str] = {}
        self.done: dict[str, int] = {}
        """Finished pieces by product."""
        self.scrapped: dict[str, int] = {}
        self._lock = threading.RLock()

    # --- what comes in ---

    def deliver(self, product: Product, units: Iterable[Mapping[str, Any]]) -> int:
        """Bring the units of an order to where their next step is; those that are finished or scrap stay away.

        Args:
            units: rows of `mes order units --json`: serial, state, step, nc.

        Returns:
            How many units are now on the floor.
        """
        brought = 0
        with self._lock:
            for row in units:
                serial, step = str(row["serial"]), product.step(str(row["step"]))
                if row["state"] not in OPEN or step is None or serial in self._product:
                    continue
                self._product[serial] = product.id
                brought += 1
                if row.get("nc"):
                    self._red[serial] = step.stations[0]
                else:
                    self.bring(serial, step)
        return brought

    def deliver_bare(self, order: str, product: Product, serials: Iterable[str]) -> None:
        """Bring units that no order knows yet to the first step: each bears its serial, and the traveller is there."""
        with self._lock:
            for serial in serials:
                if serial not in self._product:
                    self._product[serial], self._bare[serial] = product.id, order
                    self.bring(serial, product.steps[0])

    def bare(self, unit: str) -> str | None:
        """The order that a unit is still to be taken into by scan; None when it is one of its units."""
        with self._lock:
            return self._bare.get(unit)

    def taken_in(self, unit: str, *, back_to: str = "") -> None:
        """A unit is one of its order's from now on; with `back_to` it is not any more, and that order waits for it."""
        with self._lock:
            self._bare.pop(unit, None)
            if back_to:
                self._bare[unit] = back_to

    def deliver_lot(self, order: str, product: Product, pieces: int) -> None:
        """Bring the material of a lot order to its first step."""
        with self._lock:
            self._piles.append(Pile(order, product.id, product.steps[0].id, pieces))

    # --- units ---

    def bring(self, unit: str, step: Step) -> None:
        """Put a unit into the shortest queue in front of a step."""
        with self._lock:
            choice = [s for s in step.stations if s in self._manned] or list(step.stations)
            self._queues[min(choice, key=lambda s: len(self._queues[s]))].append(unit)

    def carry(self, unit: str, to: str) -> bool:
        """Put a unit in front of the station of that id or name; False when no station is called so."""
        with self._lock:
            station = self._names.get(to)
            if station is None:
                self._aside.add(unit)
                return False
            self._queues[station].append(unit)
            return True

    def give_back(self, unit: str, station: str) -> None:
        """Put a unit back to the head of a station's queue."""
        with self._lock:
            self._queues[station].appendleft(unit)

    def take(self, station: str) -> str | None:
        """Take the next unit in front of a station; None when there is none."""
        with self._lock:
            queue = self._queues[station]
            return queue.popleft() if queue else None

    def room_after(self, station: str) -> bool:
        """Whether the bench after this one can take more: where somebody works there, its queue is short enough.

        It looks at the unit that would be taken next. Without this limit the fastest bench would bury the slowest.
        """
        with self._lock:
            queue = self._queues[station]
            product = self._plan.product(self._product.get(queue[0], "")) if queue else None
            mine = [s for s in product.steps if station in s.stations] if product else []
            following = product.after(mine[-1].id) if product and mine else None
            manned = [s for s in following.stations if s in self._manned] if following else []
            return not manned or min(len(self._queues[s]) for s in manned) < MOST_WAITING

    def waiting(self, station: str) -> int:
        """How many units stand in front of a station."""
        with self._lock:
            return len(self._queues[station])

    def shelve(self, unit: str, station: str) -> None:
        """Put a blocked unit on the red shelf."""
        with self._lock:
            self._red[unit] = station

    def unshelve(self, unit: str) -> str | None:
        """Take a unit off the red shelf; returns the station that it came from, None when it is not there."""
        with self._lock:
            return self._red.pop(unit, None)

    def on_red_shelf(self) -> list[str]:
        """The blocked units."""
        with self._lock:
            return list(self._red)

    def set_aside(self, unit: str) -> None:
        """Put a unit that nobody can do anything with out of the way."""
        with self._lock:
            self._aside.add(unit)

    def finish(self, unit: str) -> None:
        """A finished unit leaves the floor, or waits for its carton."""
        with self._lock:
            self._leave(unit, self.done)
            self._lay_out(Loose(unit, self._product.get(unit, "")))

    def scrap(self, unit: str) -> None:
        """A unit goes into the red bin."""
        self._leave(unit, self.scrapped)

    def _leave(self, unit: str, into: dict[str, int]) -> None:
        with self._lock:
            product = self._product.get(unit, "?")
            into[product] = into.get(product, 0) + 1

    # --- cartons ---

    def _lay_out(self, made: Loose) -> None:
        product = self._plan.product(made.product)
        here = [s for s in product.carton.stations if s in self._manned] if product and product.carton else []
        if not self._cartons or not here:
            return
        row = self._loose.setdefault(here[0], [])
        known = next((i for i, each in enumerate(row) if each.id == made.id), None)
        if known is None:
            row.append(made)
        else:
            row[known] = replace(made, pieces=row[known].pieces + made.pieces)

    def to_pack(self, station: str) -> Loose | None:
        """What has waited longest for its carton at a station; None when nothing does."""
        with self._lock:
            return next(iter(self._loose.get(station, [])), None)

    def packed(self, station: str, thing: Loose, *, left: int | None = None) -> None:
        """It is in a carton, or can be in none.

        Args:
            thing: with as many pieces as went in.
            left: how many pieces of it can still be packed; None: those that were not packed now.
        """
        with self._lock:
            row = self._loose.get(station, [])
            found = next((i for i, each in enumerate(row) if each.id == thing.id), None)
            if found is None:
                return
            rest = max(0, row[found].pieces - thing.pieces) if left is None else left
            row[found : found + 1] = [replace(row[found], pieces=rest)] if rest else []
            self._last_packed[station] = thing.product

    def last_packed(self, station: str) -> str:
        """The product that went into a carton last at a station; empty before the first."""
        with self._lock:
            return self._last_packed.get(station, "")

    def to_start(self, product: Product) -> int:
        """How many units of a product stand in front of its first step."""
        with self._lock:
            first = product.steps[0].stations
            return sum(1 for s in first for u in self._queues[s] if self._product.get(u) == product.id)

    # --- piles ---

    def pile_at(self, station: str) -> tuple[Pile, Step] | None:
        """The oldest pile that can be counted at a station, as it is now, with its step."""
        with self._lock:
            for pile in self._piles:
                product = self._plan.product(pile.product)
                step = product.step(pile.step) if product else None
                if step is not None and station in step.stations and pile.pieces > 0:
                    return Pile(pile.order, pile.product, pile.step, pile.pieces), step
            return None

    def count(self, pile: Pile, good: int, scrap: int) -> None:
        """Pieces were booked: the good ones go on to the next step, or leave the floor."""
        with self._lock:
            here = self._pile(pile.order, pile.step)
            here.pieces = max(0, here.pieces - good - scrap)
            self.scrapped[pile.product] = self.scrapped.get(pile.product, 0) + scrap
            product = self._plan.product(pile.product)
            following = product.after(pile.step) if product else None
            if following is None:
                self.done[pile.product] = self.done.get(pile.product, 0) + good
                if good:
                    self._lay_out(Loose(pile.order, pile.product, good))
            else:
                self._pile(pile.order, following.id, pile.product).pieces += good

    def correct(self, pile: Pile, pieces: int) -> None:
        """Counting again has shown how many are left."""
        with self._lock:
            self._pile(pile.order, pile.step).pieces = pieces

    def pieces_to_start(self, product: Product) -> int:
        """How many pieces of a product wait at its first step."""
        with self._lock:
            first = product.steps[0].id
            return sum(p.pieces for p in self._piles if p.product == product.id and p.step == first)

    def _pile(self, order: str, step: str, product: str = "") -> Pile:
        found = next((p for p in self._piles if (p.order, p.step) == (order, step)), None)
        if found is None:
            found = Pile(order, product, step, 0)
            self._piles.append(found)
        return found
