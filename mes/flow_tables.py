"""The flow of units as tables for files: ways, days, where units stand, both sides of Little's law, histograms.

Columns are named for programs and are the same in every language; times are seconds, and what is undefined is empty.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

from mes.domain.flow import Spread
from mes.export import Cell, Table
from mes.passages import Flow

Name = Literal["ways", "days", "standing", "little", "histogram"]
NAMES: Final = get_args(Name)
_SPREAD: Final = ("count", "mean_s", "least_s", "median_s", "p80_s", "p95_s", "most_s")


def tables(flow: Flow) -> dict[Name, Table]:
    """All tables by their names."""
    return {
        "ways": Table(
            "ways",
            (
                "key",
                "product",
                "finished",
                "scrapped",
                *(f"cycle_{name}" for name in _SPREAD),
                *(f"lead_{name}" for name in _SPREAD),
            ),
            [
                (w.key, w.product, w.finished, w.scrapped, *_cells(w.cycle_spread), *_cells(w.lead_spread))
                for w in flow.ways
            ],
        ),
        "days": Table(
            "days",
            ("day", "begun", "finished", "scrapped"),
            [(d.day, d.begun, d.finished, d.scrapped) for d in flow.days],
        ),
        "standing": Table(
            "standing",
            ("product", "step", "on_bench", "waiting", "held"),
            [(s.product, s.step, s.on_bench, s.waiting, s.held) for s in flow.standing],
        ),
        "little": Table("little", LITTLE, [_little(flow)]),
        "histogram": Table(
            "histogram",
            ("key", "product", "of", "from_s", "until_s", "units"),
            [
                (w.key, w.product, "lead" if w.cycle is None else "cycle", b.start, b.end, b.count)
                for w in flow.ways
                for b in w.bins
            ],
        ),
    }


LITTLE: Final = ("since", "until", "mean_wip", "ended_per_day", "mean_cycle_s", "expected_wip", "gap")


def _little(flow: Flow) -> tuple[Cell, ...]:
    found = flow.little
    stretch = (flow.since.isoformat(), flow.until.isoformat())
    if found is None:
        return (*stretch, None, None, None, None, None)
    return (*stretch, found.mean_wip, found.rate * 86_400, found.mean_stay, found.expected_wip, found.gap)


def _cells(found: Spread | None) -> tuple[Cell, ...]:
    if found is None:
        return (0, None, None, None, None, None, None)
    seconds = (found.mean, found.least, found.median, found.p80, found.p95, found.most)
    return (found.count, *(round(s, 3) for s in seconds))
