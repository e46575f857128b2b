"""OEE and its kin, from what a station was doing and from the hours in which it was meant to work.

Pure. It knows states of stations and planned stretches; it knows no person and reads no clock. Moments and durations
are seconds. Breaks lie outside the planned stretches, so they cost nothing; a stretch is (start, end).

Source of all formulas and names: ISO 22400-2:2014.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Literal, get_args

from mes.domain.ratios import Ratio

State = Literal["producing", "setup", "delay", "idle", "down"]
"""What a station does: work on a piece, setting up, a stop while it has an order (fault, missing part), no order, out
of order. SEMI E10, as IPC-CFX sends it: PRD, SDT 4500, SBY 2100-2202 or USD with an order, SBY without, other USD."""

Stretch = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Span:
    """A station in one state from one moment to the next."""

    state: State
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Times:
    """The times of a station within its planned stretches, seconds; times of several are added.

    Attributes:
        planned_busy: PBT: when it was meant to work, without breaks and planned stops.
        production: APT: work that adds value.
        setup: ASUT.
        delay: ADET: stops while there was an order.
        idle: available, without an order. (ADOT)
        down: out of order.
        unknown: planned, and nobody has said what it did.
        outside: producing outside the planned stretches: overtime, in none of the ratios.
    """

    planned_busy: float = 0.0
    production: float = 0.0
    setup: float = 0.0
    delay: float = 0.0
    idle: float = 0.0
    down: float = 0.0
    unknown: float = 0.0
    outside: float = 0.0

    def __add__(self, other: Times) -> Times:
        """The times of both."""
        return Times(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def busy(self) -> float:
        """AUBT: used for an order."""
        return self.production + self.setup + self.delay


def merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches in order, without overlap and without empty ones: an hour is planned once, whoever plans it twice."""
    out: list[Stretch] = []
    for start, end in sorted(stretches):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        elif end > start:
            out.append((start, end))
    return out


def overlap(span: Stretch, stretches: Sequence[Stretch]) -> float:
    """How long a span lies within stretches that do not overlap each other."""
    return sum(max(0.0, min(span[1], end) - max(span[0], start)) for start, end in stretches)


def times(spans: Iterable[Span], planned: Iterable[Stretch]) -> Times:
    """What a station did within its planned stretches.

    Args:
        spans: of one station, not overlapping: it is in one state at a time.
        planned: when it was meant to work, breaks already taken out.
    """
    stretches = merged(planned)
    planned_busy = sum(end - start for start, end in stretches)
    by_state: dict[str, float] = dict.fromkeys(get_args(State), 0.0)
    outside = 0.0
    for span in spans:
        within = overlap((span.start, span.end), stretches)
        by_state[span.state] += within
        if span.state == "producing":
            outside += max(0.0, span.end - span.start) - within
    return Times(
        planned_busy=planned_busy,
        production=by_state["producing"],
        setup=by_state["setup"],
        delay=by_state["delay"],
        idle=by_state["idle"],
        down=by_state["down"],
        unknown=max(0.0, planned_busy - sum(by_state.values())),
        outside=outside,
    )


@dataclass(frozen=True, slots=True)
class Oee:
    """OEE with its three factors, each as a ratio of what it was made of, so that several add up.

    Attributes:
        availability: APT / PBT.
        used: AUPT / PBT with AUPT = setup + production: NEE counts setting up as used.
        effectiveness: PRU · PQ / APT; over 100 % where pieces take less than planned, and it is shown so: then the
            planned time is wrong, or work was booked elsewhere.
        quality: GQ / PQ.
    """

    availability: Ratio
    used: Ratio
    effectiveness: Ratio
    quality: Ratio

    @property
    def index(self) -> float | None:
        """OEE = availability · effectiveness · quality; None where one of them has no value."""
        return _product(self.availability, self.effectiveness, self.quality)

    @property
    def net(self) -> float | None:
        """NEE = AUPT/PBT · effectiveness · quality."""
        return _product(self.used, self.effectiveness, self.quality)

    def __add__(self, other: Oee) -> Oee:
        """Both together: each factor as sums over sums."""
        return Oee(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def oee(of: Times, *, produced: int, good: int, planned_run_s: float) -> Oee:
    """The OEE of a station that made one kind of piece; those of several kinds are added.

    Args:
        of: its times.
        produced: PQ, good or not.
        good: GQ.
        planned_run_s: PRU, the planned run time of one piece in seconds.
    """
    return Oee(
        availability=Ratio(of.production, of.planned_busy),
        used=Ratio(of.production + of.setup, of.planned_busy),
        effectiveness=Ratio(planned_run_s * produced, of.production),
        quality=Ratio(good, produced),
    )


def allocation_efficiency(of: Times) -> Ratio:
    """How much of the planned time was used for orders: AUBT / PBT."""
    return Ratio(of.busy, of.planned_busy)


def utilisation_efficiency(of: Times) -> Ratio:
    """How much of the time used for orders added value: APT / AUBT."""
    return Ratio(of.production, of.busy)


def technical_efficiency(of: Times) -> Ratio:
    """Production against production and stops: APT / (APT + ADET)."""
    return Ratio(of.production, of.production + of.delay)


def setup_ratio(of: Times) -> Ratio:
    """How much of the processing was setting up: ASUT / AUPT."""
    return Ratio(of.setup, of.production + of.setup)


def _product(*ratios: Ratio) -> float | None:
    out = 1.0
    for ratio in ratios:
        if ratio.value is None:
            return None
        out *= ratio.value
    return out
