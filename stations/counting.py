"""Counted work: the good and the scrapped pieces of a lot-tracked order, before they are booked with DONE.

Pure values. Nothing here is an event yet: a count is the operator's until DONE, and UNDO takes back the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mes import wire
from mes.domain.gate import Order, of_lots
from mes.domain.route import Component, Plan, Product, Step
from stations.view import Need, NeedState


@dataclass(frozen=True, slots=True)
class Count:
    """One scanned count. `open`: a defect stands for one piece until a quantity says how many."""

    quantity: int
    defect: str | None = None
    open: bool = False


@dataclass(frozen=True, slots=True)
class Lot:
    """An order that is being counted at a step. `left` is what the server last said is still to do, `loaded` the lot of
    each part that the pieces are made of."""

    order: Order
    plan: Plan
    product: Product
    step: Step
    left: int
    counts: tuple[Count, ...] = ()
    loaded: Mapping[str, str] = field(default_factory=dict)

    @property
    def needed(self) -> list[tuple[Component, int]]:
        """The parts of which no lot is loaded, with how many go into a piece."""
        return [(c, c.quantity) for c in of_lots(self.step) if c.part not in self.loaded]

    @property
    def good(self) -> int:
        """Good pieces, so far."""
        return sum(c.quantity for c in self.counts if c.defect is None)

    @property
    def scrap(self) -> int:
        """Scrapped pieces, so far."""
        return sum(c.quantity for c in self.counts if c.defect is not None)

    @property
    def made(self) -> int:
        """All pieces, so far."""
        return self.good + self.scrap

    @property
    def defects(self) -> frozenset[str]:
        """The kinds of defect, so far."""
        return frozenset(c.defect for c in self.counts if c.defect is not None)

    @property
    def args(self) -> Mapping[str, int]:
        """What the sentence `counted` says."""
        return {"good": self.good, "scrap": self.scrap, "left": max(0, self.left - self.made)}

    def add(self, quantity: int) -> Lot:
        """A quantity was scanned: of the defect that came just before, else of good pieces."""
        last = self.counts[-1] if self.counts else None
        if last is not None and last.open:
            return replace(self, counts=(*self.counts[:-1], Count(quantity, last.defect)))
        return replace(self, counts=(*self.counts, Count(quantity)))

    def spoil(self, defect: str) -> Lot:
        """A defect was scanned: one piece, unless a quantity follows."""
        return replace(self._closed(), counts=(*self._closed().counts, Count(1, defect, open=True)))

    def undo(self) -> Lot:
        """The last count is taken back."""
        return replace(self, counts=self.counts[:-1])

    def _closed(self) -> Lot:
        return replace(self, counts=tuple(replace(c, open=False) if c.open else c for c in self.counts))

    def booked(self) -> wire.WorkCompleted:
        """The event that books it."""
        scrapped: dict[str, int] = {}
        for count in self.counts:
            if count.defect is not None:
                scrapped[count.defect] = scrapped.get(count.defect, 0) + count.quantity
        scrap = tuple(wire.Scrapped(defect=d, quantity=n) for d, n in scrapped.items())
        return wire.WorkCompleted(step=self.step.id, order=self.order.id, good=self.good, scrap=scrap)

    def rows(self) -> tuple[Need, ...]:
        """What the screen lists: bags, the count, and DONE once no lot is missing."""
        state: NeedState = "doing" if self.made else "todo"
        bags = tuple(_bag(c, self.loaded.get(c.part, "")) for c in of_lots(self.step))
        count = Need("quantity", state, have=self.made, want=1)
        return (*bags, count) if self.needed else (*bags, count, Need("done", state))


def _bag(component: Component, lot: str) -> Need:
    have = 1 if lot else 0
    return Need("component", "ok" if lot else "todo", component.name, part=component.part, detail=lot, have=have)
