"""How a person works on units: take the next one, scan it, fit what the screen wants, test, look, finish.

Part of the person's mind (see `stations.simulator.mind`): pure, and only what the screen shows counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mes.domain.barcode import write
from mes.domain.route import Component, Step
from stations.simulator.mind import GIVE_UP_AFTER, Act, Hands, Place, command
from stations.simulator.people import LEAST_S
from stations.simulator.seen import Seen, Want

# How a step's time is spent: taking the unit, each component, each test's cables, a look, and the last touch.
TAKE: Final = 1.0
FIT: Final = 2.0
LOOK: Final = 3.0
LAST: Final = 1.0


@dataclass(slots=True)
class Task:
    """One visit of a unit at this bench: how long a share of the time is, and what will interrupt it."""

    unit: str
    share_s: float
    pauses: bool
    calls: bool
    quantity_said: bool = False


class UnitWork:
    """The unit part of the mind."""

    def __init__(self, place: Place, hands: Hands) -> None:
        self._place, self._hands = place, hands
        self._task: Task | None = None
        self._steps = {
            s.id: s
            for p in place.plan.products
            for s in p.steps
            if place.station.id in s.stations and p.tracking == "serial"
        }

    @property
    def any(self) -> bool:
        """Whether units are worked on here at all."""
        return bool(self._steps)

    def look(self, seen: Seen) -> None:
        """Put each unit of the rack where the screen says; push the leads home where a sample was out of limits."""
        if self._place.station.places == 1 or not self._steps:
            return
        step = next(iter(self._steps.values()))
        for unit, place in seen.places.items():
            self._place.bench.stand(unit, place, step)
        unit = str(seen.args.get("unit") or "")
        if seen.reason == "sample_out" and self._place.nature.of(unit, step).loose:
            self._place.nature.check_leads(unit, step)
            self._place.bench.connect(unit, step)

    # --- a unit is on the bench ---

    def go_on(self, seen: Seen) -> Act | None:
        """The next scan for the unit on the bench; None while there is nothing to do for it."""
        place, hands, unit = self._place, self._hands, seen.unit
        step = self._steps.get(seen.step or "")
        if unit is None or step is None:
            return None
        if hands.unit not in (None, unit):
            place.floor.give_back(hands.let_go(str(hands.unit)), place.station.id)
        hands.unit = unit
        place.floor.taken_in(unit)
        if hands.reds >= GIVE_UP_AFTER:
            hands.reds = 0
            return command("LEAVE")
        task = self._task_of(unit, step)
        if task.pauses:
            task.pauses = False
            return command("PAUSE")
        if task.calls:
            task.calls = False
            return command("HELP")
        return self._by_need(seen, step, task)

    def _by_need(self, seen: Seen, step: Step, task: Task) -> Act | None:
        missing = next((n for n in seen.needs if n.kind == "component" and n.state == "todo"), None)
        if missing is not None:
            return self._fit(seen, missing, step, task)
        if any(n.kind == "component" and n.state == "doing" for n in seen.needs):
            return None
        if any(n.kind == "time" and n.state != "ok" for n in seen.needs):
            return self._wait_with(seen)
        defect = self._place.nature.of(task.unit, step).defect
        if any(n.kind == "test" and n.state != "ok" for n in seen.needs):
            return self._label(task.unit, step, task.share_s * TAKE)
        if any(n.kind == "inspection" and n.state == "todo" for n in seen.needs):
            found = write("defect", defect) if defect else write("command", "PASS")
            return Act(max(LEAST_S, task.share_s * LOOK), found)
        if any(n.kind == "inspection" and n.state != "ok" for n in seen.needs):
            return None
        if defect:
            return Act(max(LEAST_S, task.share_s * LAST), write("defect", defect))
        return command("DONE", max(LEAST_S, task.share_s * LAST))

    def _fit(self, seen: Seen, need: Want, step: Step, task: Task) -> Act:
        place, left = self._place, need.want - need.have
        after_s = max(LEAST_S, task.share_s * FIT)
        if seen.reason == "component_fitted" and place.happens(place.odds.second_thoughts):
            return command("UNDO", after_s)
        if seen.reason == "lot_held":
            place.stock.put_away(need.part)
        if place.happens(place.odds.wrong_part):
            return Act(after_s, place.stock.wrong([c.part for c in step.components]))
        component = _component(step, need.part)
        if left > 1 and component is not None and component.per == "lot" and not task.quantity_said:
            task.quantity_said = True
            if place.happens(0.3):
                return Act(after_s, write("quantity", left))
        label = place.stock.take(need.part)
        return Act(after_s, label) if label else command("HELP")

    def _wait_with(self, seen: Seen) -> Act | None:
        """The unit at the front is not ready: it stays where it is, others come first."""
        if self._place.station.places == 1 or seen.unit is None:
            return None
        self._hands.racked.add(seen.unit)
        self._hands.unit = None
        return self.begin(seen)

    # --- nothing is on the bench ---

    def begin(self, seen: Seen) -> Act | None:
        """Take a unit: one of the rack that is ready, the one in my hands, or the next of the queue."""
        place, hands = self._place, self._hands
        if place.station.places > 1:
            act = self._rack(seen)
            if act is not None:
                return act
            if len(seen.rack) + (seen.unit is not None) >= place.station.places:
                return None
        if hands.unit is None and place.floor.room_after(place.station.id):
            hands.unit = place.floor.take(place.station.id)
            self._task = None
        if hands.unit is None:
            return None
        step = next(iter(self._steps.values()))
        order = place.floor.bare(hands.unit)
        if order is not None and seen.taking_in != order:
            return Act(place.takes(30), write("order", order))
        if order is None and seen.reason == "serial_known":
            return command("LEAVE")  # it may be a unit since before the station forgot: alone, its label says so
        return self._label(hands.unit, step, self._task_of(hands.unit, step).share_s * TAKE)

    def _rack(self, seen: Seen) -> Act | None:
        hands = self._hands
        hands.racked |= set(seen.rack)
        if hands.unit in seen.rack:
            hands.unit = None
        step = next(iter(self._steps.values()))
        # After a start the station has forgotten its rack: each label brings a unit back.
        lost = sorted(u for u in hands.racked if u not in seen.rack and u != seen.unit)
        ready = [u for u, is_ready in seen.rack.items() if is_ready]
        following = next(iter([*lost, *ready]), None)
        return self._label(following, step, self._place.takes(60)) if following else None

    def _label(self, unit: str, step: Step, after_s: float) -> Act:
        """Scan the unit's label; where there are instruments it is connected by then."""
        self._place.bench.connect(unit, step)
        if self._hands.reds and self._place.nature.of(unit, step).loose:
            self._place.nature.check_leads(unit, step)
            self._place.bench.connect(unit, step)
        worn = self._place.nature.label_is_worn(unit)
        return Act(max(LEAST_S, after_s), unit, "torn" if worn else None)

    def _task_of(self, unit: str, step: Step) -> Task:
        place = self._place
        if self._task is None or self._task.unit != unit:
            pieces = sum(c.quantity for c in step.components)
            weight = TAKE + FIT * pieces + (TAKE if step.tests else 0) + (LOOK if step.inspects else 0) + LAST
            own_s = max(1, step.cycle_s - step.min_s)
            share_s = place.pace.seconds(own_s / weight, place.rng)
            self._task = Task(unit, share_s, place.happens(place.odds.pause), place.happens(place.odds.help))
        return self._task


def _component(step: Step, part: str) -> Component | None:
    return next((c for c in step.components if c.part == part), None)
