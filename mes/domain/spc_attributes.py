"""Control charts for counts: nonconforming units (p, np) and nonconformities (c, u), with samples of any sizes.

Pure. Source: ISO 7870-2:2013, clause 8; D. C. Montgomery, Introduction to Statistical Quality Control, chapter 7.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import fsum, sqrt
from typing import Literal

from mes.domain.spc import WIDTH, CannotChart, Chart, Point, baseline_of

Counted = Literal["p", "np", "c", "u"]


def counts(
    kind: Counted,
    found: Sequence[float],
    sizes: Sequence[float] | None = None,
    *,
    baseline: Collection[int] | None = None,
    center: float | None = None,
) -> Chart:
    """A chart of counts.

    Args:
        kind: `p` share of units that do not conform, `np` their number; `c` number of nonconformities in samples
            of one size, `u` number of them by unit of inspection.
        found: units or nonconformities in each sample.
        sizes: of the samples: units looked at (p, np), units of inspection (u; need not be whole). A `c` chart needs
            none: its samples must be alike.
        baseline: indices that make the limits; all when not given.
        center: the share, or the rate by unit of inspection, known from before.

    Raises:
        CannotChart: a negative count, more found than looked at, no size, a `c` chart of samples that differ.
    """
    base = baseline_of(len(found), baseline)
    many = [1.0] * len(found) if sizes is None else list(sizes)
    _check(kind, found, many, sizes is not None)
    if center is None:
        center = fsum(found[i] for i in base) / fsum(many[i] for i in base)
    if kind == "c":  # samples of one size: the count itself is plotted, whatever the size is called
        center, many = center * many[0], [1.0] * len(found)
    points = tuple(_point(kind, i, x, n, center) for i, (x, n) in enumerate(zip(found, many, strict=True)))
    return Chart(kind, points, base)


def _point(kind: Counted, i: int, x: float, n: float, rate: float) -> Point:
    scale = n if kind in ("np", "c") else 1.0  # what is plotted is the rate, or the count
    variance = rate * (1 - rate) / n if kind in ("p", "np") else rate / n
    mid, dev = scale * rate, scale * sqrt(max(0.0, variance))
    most = {"p": 1.0, "np": n}.get(kind, float("inf"))
    low, high = max(0.0, mid - WIDTH * dev), min(most, mid + WIDTH * dev)
    return Point(i, x / n * scale, n, mid, dev, low, high)


def _check(kind: Counted, found: Sequence[float], sizes: Sequence[float], given: bool) -> None:
    if len(sizes) != len(found):
        raise CannotChart("sizes_missing")
    if kind in ("p", "np") and not given:
        raise CannotChart("sizes_missing")
    for i, (x, n) in enumerate(zip(found, sizes, strict=True)):
        if x < 0 or x != int(x):
            raise CannotChart("not_a_count", i)
        if n <= 0:
            raise CannotChart("no_size", i)
        if kind in ("p", "np") and x > n:
            raise CannotChart("more_than_all", i)
        if kind == "c" and n != sizes[0]:
            raise CannotChart("sizes_differ", i)
