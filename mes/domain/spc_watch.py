"""A control chart that is watched: what the latest reading breaks, and when an excursion is over.

Pure. The limits are those of the plan and move with no reading: limits that follow the process never find that it has
moved. Signals are of the charts of `mes.domain.spc` and the rules of `mes.domain.spc_rules`; this module asks only what
the point that has just come completes, so a few points before it are enough.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from mes.domain.spc import Study, individuals
from mes.domain.spc_rules import SPANS, signals

KEPT: Final = max(SPANS.values())
"""Readings that have to be kept: as many as the longest rule looks at."""
RANGES: Final = (1,)
"""What is asked of the moving ranges: a jump is seen by the first rule, the others would say the same a second time."""
Cause = Literal["method", "machine", "material", "training", "environment", "measurement", "none"]
"""Families of an Ishikawa diagram, as those of corrective actions; `none`: looked for, and none was found."""


@dataclass(frozen=True, slots=True)
class Read:
    """One reading: of which unit, in which of its visits, when (UTC text), in the unit of measure of the plan."""

    unit: str
    visit: int
    at: str
    value: float


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that the latest reading breaks.

    Attributes:
        chart: `i` the readings, `mr` their moving ranges.
        side: 1 above or rising, −1 below or falling, 0 both.
        evidence: places of the readings that make the pattern, from 0.
    """

    chart: str
    rule: int
    side: int
    evidence: tuple[int, ...]

    @property
    def name(self) -> str:
        """As an excursion counts it: `i5`, `mr1`."""
        return f"{self.chart}{self.rule}"


def drawn(values: Sequence[float], *, centre: float, sigma: float) -> Study:
    """The charts of readings in a row, by limits that are given."""
    return individuals(values, center=centre, sigma=sigma)


def broken(values: Sequence[float], rules: Collection[int], *, centre: float, sigma: float) -> list[Broken]:
    """What the last of these readings breaks.

    Args:
        values: readings in a row, the latest last; `KEPT` of them are enough.
        rules: Nelson's rules that are asked.
    """
    if not values:
        return []
    study, last = drawn(values, centre=centre, sigma=sigma), len(values) - 1
    asked = ((study.location, rules), (study.spread, [r for r in RANGES if r in rules]))
    return [
        # A moving range is made by two readings.
        Broken(
            c.kind,
            s.rule,
            s.side,
            s.evidence if c.kind == "i" else tuple(sorted({i - 1 for i in s.evidence} | {*s.evidence})),
        )
        for c, some in asked
        for s in signals(c, some)
        if last in s.marked
    ]


def onward(since: Mapping[str, int], now: Collection[Broken]) -> dict[str, int]:
    """How many readings each rule of an excursion has not been broken for, after one more.

    Args:
        since: the same before it; empty where no excursion goes on.
    """
    return {name: count + 1 for name, count in since.items()} | {b.name: 0 for b in now}


def over(since: Mapping[str, int]) -> bool:
    """Are the readings back: is none of the excursion's rules broken by as many in a row as it looks at?"""
    return all(count >= SPANS[int(name.lstrip("imr"))] for name, count in since.items())
