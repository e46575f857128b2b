"""The people of a simulated floor: who they are, how fast they are, and how often something goes wrong in their hands.

Pure data and an injected generator. Nothing here ranks anybody: a pace is drawn anew for each piece of work.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stations.simulator.scanner import ScanFault

LEAST_S: Final = 0.3
"""No hand is faster than this from one scan to the next, in seconds, however fast the clock runs."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a badge. The id is a pseudonym, as everywhere."""

    badge: str


NAMES: Final = (
    "Annaïg", "Bleuenn", "Corentin", "Denez", "Enora", "Fañch", "Gwenaëlle", "Hervé", "Iwan", "Jeanne",
    "Katell", "Loeiz",
)  # fmt: skip


def names(count: int) -> list[str]:
    """So many names, none twice."""
    return [NAMES[i % len(NAMES)] + (f" {i // len(NAMES) + 1}" if i >= len(NAMES) else "") for i in range(count)]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the floor's clock runs, and how people spread around a planned time.

    Attributes:
        speed: seconds of the plan that pass in one second.
        spread: 0.25 makes one piece of work in six a quarter longer than planned, or more; 0 makes everything exact.
    """

    speed: float
    spread: float = 0.25

    def seconds(self, planned_s: float, rng: random.Random) -> float:
        """How long something takes that is planned to take so long. Skewed: late is commoner than early."""
        return planned_s / self.speed * rng.lognormvariate(0, self.spread)


SCAN_FAULTS: Final[Mapping[ScanFault, float]] = {"torn": 0.3, "noise": 0.2, "double": 0.4, "split": 0.1}
"""What a bad scan is, by its share of all bad scans."""


@dataclass(frozen=True, slots=True)
class Odds:
    """How often things go wrong, each as a chance from 0 to 1.

    Of a scan: `bad_scan`, `unplug` (the scanner's cable). Of a component: `wrong_part`, `second_thoughts` (taken back
    with UNDO). Of a unit at a step: `pause`, `help`, `worn_label` (its label cannot be read), `defect` (found by eye).
    Of a test: `bad_unit`, `bad_lead` (good at the second try), `bad_bench` (late, half or no answer). Of a count:
    `scrap`.
    """

    bad_scan: float = 0.02
    unplug: float = 0.004
    wrong_part: float = 0.03
    second_thoughts: float = 0.01
    pause: float = 0.02
    help: float = 0.02
    worn_label: float = 0.01
    defect: float = 0.015
    bad_unit: float = 0.015
    bad_lead: float = 0.02
    bad_bench: float = 0.02
    scrap: float = 0.25


NOTHING_GOES_WRONG: Final = Odds(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def scan_fault(odds: Odds, rng: random.Random) -> ScanFault | None:
    """What happens to this scan; None: it is read well."""
    if rng.random() >= odds.bad_scan:
        return None
    return rng.choices(list(SCAN_FAULTS), list(SCAN_FAULTS.values()))[0]
