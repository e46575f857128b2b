"""What is true of each unit, whether anybody measures it or not: values, hidden failures, defects, a worn label.

Pure data, and what is drawn follows from a seed, the serial and the step alone: whoever asks first, in whichever
process, finds the same unit. It must not know benches, screens or verdicts: instruments show what stands here.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from mes.domain.route import Step, Test
from stations.simulator.people import Odds

OUTSIDE: Final = 0.3
"""How far beyond its limit a bad value lies, as a share of the limit (or of the range between two limits)."""
STEADINESS: Final = 1 / 16
"""Standard deviation of good units, as a share of the range: a limit is eight of them away from the middle."""


@dataclass(slots=True)
class Truth:
    """One unit at one step. `bad` tests fail until it is repaired, `loose` ones until somebody checks the leads."""

    values: dict[str, float] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)
    defect: str | None = None


class Nature:
    """All units of the floor. Any thread may ask."""

    def __init__(self, seed: int | str, odds: Odds) -> None:
        self._seed, self._odds = seed, odds
        self._truths: dict[tuple[str, str], Truth] = {}
        self._worn: dict[str, bool] = {}
        self._lock = threading.Lock()

    def of(self, unit: str, step: Step) -> Truth:
        """The unit as it is when it comes to this step for the first time; later the same, or repaired."""
        with self._lock:
            if (unit, step.id) not in self._truths:
                self._truths[unit, step.id] = self._born(unit, step)
            return self._truths[unit, step.id]

    def shown(self, unit: str, step: Step, test: Test) -> float:
        """What an instrument shows for this test, in the test's unit of measure."""
        truth = self.of(unit, step)
        if test.id in truth.bad | truth.loose:
            return outside(test)
        return truth.values[test.id]

    def check_leads(self, unit: str, step: Step) -> None:
        """Somebody pushed the clips home, or put the forgotten charger into the carton."""
        self.of(unit, step).loose.clear()

    def repair(self, unit: str) -> None:
        """The unit was reworked: what was wrong with it is right now."""
        with self._lock:
            for (serial, _step), truth in self._truths.items():
                if serial == unit:
                    truth.bad.clear()
                    truth.loose.clear()
                    truth.defect = None

    def label_is_worn(self, unit: str) -> bool:
        """Whether the unit's label cannot be read."""
        with self._lock:
            return self._worn.setdefault(unit, self._chance(unit, "label").random() < self._odds.worn_label)

    def print_label(self, unit: str) -> None:
        """The unit gets a new label."""
        with self._lock:
            self._worn[unit] = False

    def _chance(self, unit: str, what: str) -> random.Random:
        return random.Random(f"{self._seed} {unit} {what}")

    def _born(self, unit: str, step: Step) -> Truth:
        rng, odds = self._chance(unit, step.id), self._odds
        truth = Truth({t.id: rng.gauss(middle(t), span(t) * STEADINESS) for t in step.tests})
        truth.bad = _some(step.tests, odds.bad_unit, rng)
        truth.loose = _some(step.tests, odds.bad_lead, rng) - truth.bad
        if step.defects and rng.random() < odds.defect:
            truth.defect = rng.choice(step.defects)
        return truth


def middle(test: Test) -> float:
    """The value of a typical good unit."""
    low, high = test.low, test.high
    if low is not None and high is not None:
        return (low + high) / 2
    if high is not None:
        return high * 0.5
    return low * 2 if low else 1.0


def span(test: Test) -> float:
    """How much room the limits leave."""
    low, high = test.low, test.high
    if low is not None and high is not None:
        return high - low
    return abs(high if high is not None else low or 1.0)


def outside(test: Test) -> float:
    """The value of a typical bad unit."""
    if test.high is not None and test.low is not None:
        return test.low - span(test) * OUTSIDE  # a carton without its charger is too light
    if test.high is not None:
        return test.high + span(test) * OUTSIDE
    return (test.low or 1.0) - span(test) * OUTSIDE


def _some(tests: Sequence[Test], chance: float, rng: random.Random) -> set[str]:
    """One of the tests, with this chance."""
    return {rng.choice(tests).id} if tests and rng.random() < chance else set()
