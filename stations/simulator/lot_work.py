"""How a person counts pieces: scan the order, count a tray, put the bad ones aside with their defect, book it.

Part of the person's mind (see `stations.simulator.mind`): pure, and only what the screen shows counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mes.domain.barcode import write
from mes.domain.route import Step
from stations.simulator.floor import Pile
from stations.simulator.mind import GIVE_UP_AFTER, Act, Hands, Place, command
from stations.simulator.people import LEAST_S
from stations.simulator.seen import Seen

TRAY_S: Final = 15.0
"""A tray holds what takes about so long, in seconds of the demo's clock, and never more than `TRAY`."""
TRAY: Final = 24
BELIEVE_AFTER: Final = 4
"""How often in a row the screen says that there are fewer pieces, until the person believes it."""


@dataclass(slots=True)
class Tray:
    """What the person has counted, and will book."""

    pile: Pile
    step: Step
    good: int
    scrap: int
    defect: str
    finishing: bool = False


class LotWork:
    """The counting part of the mind."""

    def __init__(self, place: Place, hands: Hands) -> None:
        self._place, self._hands = place, hands
        self._tray: Tray | None = None
        self._too_many = 0

    def hear(self, seen: Seen) -> None:
        """A new banner: is the tray booked?"""
        tray = self._tray
        if tray is None or not tray.finishing or seen.order == tray.pile.order:
            return
        if seen.reason == "counted":
            self._too_many = 0
            self._place.floor.count(tray.pile, tray.good, tray.scrap)
        self._tray = None

    def go_on(self, seen: Seen) -> Act | None:
        """The next scan for the order that is being counted."""
        place, tray = self._place, self._tray
        if tray is None or tray.pile.order != seen.order or self._hands.reds >= GIVE_UP_AFTER:
            self._tray, self._hands.reds = None, 0
            return command("LEAVE")
        if seen.reason == "too_many":
            return self._count_again(tray, seen)
        if seen.good > tray.good or seen.scrap > tray.scrap:  # the scanner has read twice
            return command("UNDO")
        if seen.good < tray.good:
            return Act(self._time(tray.step, tray.good), write("quantity", tray.good - seen.good))
        if seen.scrap < tray.scrap:
            return Act(place.takes(20), write("defect", tray.defect))
        tray.finishing = True
        return command("DONE", place.takes(20))

    def begin(self) -> Act | None:
        """Take a tray of the oldest pile in front of this station; None where there is none."""
        place = self._place
        found = place.floor.pile_at(place.station.id)
        if found is None:
            return None
        pile, step = found
        fits = max(1, min(TRAY, round(TRAY_S * place.pace.speed / step.cycle_s)))
        pieces = min(pile.pieces, max(1, round(fits * place.rng.uniform(0.6, 1.0))))
        scrap = 0
        if step.defects and pieces > 2 and place.happens(place.odds.scrap):
            scrap = place.rng.randint(1, 2)
        defect = place.rng.choice(step.defects) if step.defects else ""
        self._tray = Tray(pile, step, pieces - scrap, scrap, defect)
        return Act(place.takes(30), write("order", pile.order))

    def _count_again(self, tray: Tray, seen: Seen) -> Act:
        """More than what is left: the step before has not booked its pieces yet, or these were booked before."""
        self._too_many, left = self._too_many + 1, seen.args.get("left")
        if self._too_many >= BELIEVE_AFTER and isinstance(left, int):
            self._place.floor.correct(tray.pile, left)
            self._too_many = 0
        self._tray = None
        return command("LEAVE")

    def _time(self, step: Step, pieces: int) -> float:
        return max(LEAST_S, self._place.pace.seconds(step.cycle_s * pieces, self._place.rng))
