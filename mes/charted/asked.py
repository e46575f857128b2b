"""What is asked of a control chart, what it is made of, and which of its samples make the limits (phase I). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, get_args

from mes.domain.capability import Capability
from mes.domain.spc import CannotChart, Chart, Study
from mes.domain.spc_rules import Signal
from mes.domain.spc_watch import Read

Kind = Literal["i-mr", "xbar-r", "xbar-s", "p", "np", "c", "u"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
COUNTED: Final[tuple[Kind, ...]] = ("p", "np", "c", "u")
By = Literal["day", "shift", "units"]
BYS: Final[tuple[By, ...]] = get_args(By)
MOST: Final = 300
"""Readings, days or shifts on one chart."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to draw. Days are the site's, both included.

    Attributes:
        test: the reading; a chart of counts is of the whole step.
        by: what makes a sample of counts: a day, a shift, or so many units in a row.
        size: readings or units in a group.
        base: how many of the first samples make the limits, 0: all of them.
        base_since, base_until: the days whose samples make the limits instead, whether they are shown otherwise or not.
    """

    product: str
    step: str
    test: str
    since: date
    until: date
    kind: Kind = "i-mr"
    size: int = 5
    base: int = 0
    estimator: str = ""
    by: By = "day"
    base_since: date | None = None
    base_until: date | None = None

    @property
    def phase_one(self) -> tuple[date, date] | None:
        """The days that make the limits, where days do; an end that is not said is that of the chart."""
        if self.base_since is None and self.base_until is None:
            return None
        return self.base_since or min(self.since, self.base_until or self.since), self.base_until or self.until


@dataclass(frozen=True, slots=True)
class Sample:
    """What makes one point: some readings, or units and pieces (`size`) with how many failed or defects (`failed`).

    `label` is when: the day or shift, or when the last unit ended, UTC text.
    """

    label: str
    reads: tuple[Read, ...] = ()
    failed: int = 0
    size: int = 0
    units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """A chart with what was found on it. `study` and `able` are of measurements."""

    samples: Sequence[Sample]
    charts: Sequence[Chart]
    found: Sequence[Sequence[Signal]]
    base: frozenset[int]
    study: Study | None
    able: Capability | None
    left_over: int = 0


@dataclass(frozen=True, slots=True)
class Phase:
    """Samples that stand side by side, and whether they make the limits."""

    samples: Sequence[Sample]
    limits: bool = False


def joined(wanted: Wanted, phases: Sequence[Phase]) -> tuple[list[Sample], frozenset[int]]:
    """All samples in order, and which of them make the limits.

    Raises:
        CannotChart: no sample lies in the days that were to make the limits.
    """
    samples = [s for phase in phases for s in phase.samples]
    if wanted.phase_one is None:
        return samples, frozenset(range(min(wanted.base, len(samples)) or len(samples)))
    base, at = set[int](), 0
    for phase in phases:
        if phase.limits:
            base.update(range(at, at + len(phase.samples)))
        at += len(phase.samples)
    if samples and not base:
        raise CannotChart("baseline_outside")
    return samples, frozenset(base)
