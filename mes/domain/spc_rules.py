"""Nelson's eight rules, and the signals they raise: one for each excursion, with the points that are its evidence.

Pure. A rule speaks of points in a row; a point without a value breaks the row.

Source: L. S. Nelson, The Shewhart control chart: tests for special causes, Journal of Quality Technology 16 (1984)
237-239; ISO 7870-2:2013, annex B. On charts of ranges, standard deviations and counts only the first four are asked:
the others rest on a symmetric distribution of the plotted statistic.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from mes.domain.spc import Chart, Point

RULES: Final = (1, 2, 3, 4, 5, 6, 7, 8)
SKEWED: Final = (1, 2, 3, 4)
"""What is asked of charts whose statistic is not spread evenly to both sides."""
SPANS: Final = {1: 1, 2: 9, 3: 6, 4: 14, 5: 3, 6: 5, 7: 15, 8: 8}
"""How many points in a row each rule looks at."""

Hit = tuple[int, int, tuple[int, ...]]
"""Place of the point that completes a pattern, its side (1, −1, 0: both), and places of the points that make it."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One excursion: while a rule stays broken it is one signal, however many points break it.

    Attributes:
        rule: 1 to 8.
        side: 1 above or rising, −1 below or falling, 0 both.
        marked: indices of the points at which the pattern was complete: those to mark, the first of them raised it.
        evidence: indices of all points that make the pattern.
    """

    rule: int
    side: int
    marked: tuple[int, ...]
    evidence: tuple[int, ...]


def signals(chart: Chart, rules: Collection[int] | None = None) -> list[Signal]:
    """Every excursion on a chart, the earliest first.

    Args:
        rules: which are asked; when not given: all on charts of values and means, the first four on the others. Rules
            that do not fit the chart are not asked.
    """
    fitting = RULES if chart.kind in ("i", "xbar") else SKEWED
    asked = [r for r in fitting if rules is None or r in rules]
    out = [s for run in _runs(chart.points) for rule in asked for s in _excursions(rule, run)]
    return sorted(out, key=lambda s: (s.marked[0], s.rule))


def _runs(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Stretches of points that all have a value."""
    run: list[Point] = []
    for point in points:
        if point.value is not None:
            run.append(point)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _excursions(rule: int, run: Sequence[Point]) -> Iterator[Signal]:
    """Hits whose patterns touch, on one side, are one excursion."""
    marked: list[int] = []
    evidence: set[int] = set()
    side = 0
    for place, hit_side, made_of in _hits(rule, run):
        first = min(made_of)
        if marked and (hit_side != side or first > marked[-1] + 1):
            yield _signal(rule, side, run, marked, evidence)
            marked, evidence = [], set()
        side = hit_side
        marked.append(place)
        evidence.update(made_of)
    if marked:
        yield _signal(rule, side, run, marked, evidence)


def _signal(rule: int, side: int, run: Sequence[Point], marked: Sequence[int], evidence: Collection[int]) -> Signal:
    return Signal(rule, side, tuple(run[i].index for i in marked), tuple(run[i].index for i in sorted(evidence)))


def _hits(rule: int, run: Sequence[Point]) -> Iterator[Hit]:
    """Where a rule is broken. A window is whole: two points beyond 2σ at the very start are not yet two of three."""
    span = SPANS[rule]
    zs = [_z(p) for p in run]
    values = [p.value or 0.0 for p in run]
    for end in range(span - 1, len(run)):
        window = range(end - span + 1, end + 1)
        if rule == 1:
            if run[end].side:
                yield end, run[end].side, (end,)
        elif rule in (3, 4):
            steps = [_sign(values[i] - values[i - 1]) for i in window[1:]]
            if rule == 3 and steps[0] and len(set(steps)) == 1:
                yield end, steps[0], tuple(window)
            if rule == 4 and steps[0] and all(a == -b for a, b in pairwise(steps)):
                yield end, 0, tuple(window)
        elif rule in (7, 8):
            near = [abs(zs[i]) < 1 if rule == 7 else abs(zs[i]) > 1 for i in window]
            if all(near) and (rule == 7 or len({_sign(zs[i]) for i in window}) == 2):
                yield end, 0, tuple(window)
        else:
            least, beyond = {2: (9, 0.0), 5: (2, 2.0), 6: (4, 1.0)}[rule]
            side = _sign(zs[end])
            made = tuple(i for i in window if zs[i] * side > beyond)
            if len(made) >= least and made[-1] == end:
                yield end, side, made


def _z(point: Point) -> float:
    """In σ; without spread each point off the centre is infinitely far."""
    if point.z is not None:
        return point.z
    return _sign((point.value or 0.0) - point.center) * float("inf") if point.value != point.center else 0.0


def _sign(x: float) -> int:
    return (x > 0) - (x < 0)
