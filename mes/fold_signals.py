"""Signals of control charts, folded: a reading is compared with the limits of the plan as it comes in.

The same contract as `mes.fold`. The chart is that of the plan in force, not of the older one of an order: two orders in
work side by side are one process. A visit counts with its first run that judged the unit, as on the page of charts.

A chart has one signal at a time. What else is broken while the excursion goes on is added to it; it is over when none
of its rules was broken for as many readings as the rule looks at. When somebody closes it, the chart begins anew:
the readings from before the cause was found are no evidence against those after it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import astuple, replace
from typing import Any, Final

from mes import wire
from mes.domain import spc_watch
from mes.domain import unit as unit_rules
from mes.domain.measurement import convert, is_measurement
from mes.domain.route import Control, Test
from mes.domain.runs import last_askings
from mes.domain.spc_watch import KEPT, Broken, Read
from mes.fold_nonconformity import number
from mes.rows import SignalRow, VisitRow, WatchRow
from mes.verdicts import Entry, Judged, no, yes
from mes.world import World

MOST: Final = 60
"""Readings that a signal keeps as its evidence; an excursion that goes on longer is known well enough."""


def watch(
    world: World, entry: Entry, case: unit_rules.Case, decision: unit_rules.Decision, visit: VisitRow | None, body: Any
) -> Test | None:
    """Look at the readings of a run that judged a unit.

    Args:
        visit: the unit's visit as it was before the run.

    Returns:
        The test whose readings have just begun an excursion; the first, of several.
    """
    unit, after = case.unit, decision.unit
    if not isinstance(body, wire.UnitsTested) or unit is None or after is None or after.attempts != unit.attempts + 1:
        return None
    if unit.attempts or (visit is not None and visit.failures):
        return None
    opened = [
        test
        for test in watched(world, unit.product, unit.step)
        if test.chart is not None
        and (value := _value(body, test)) is not None
        and _took(world, entry, case, test, test.chart, Read(unit.serial, unit.visit, entry.at, value))
    ]
    return opened[0] if opened else None


def watched(world: World, product: str, step: str) -> tuple[Test, ...]:
    """The tests of a step that have a chart in the plan in force."""
    plan = world.plan(world.latest_revision())
    made = plan.product(product) if plan else None
    at = made.step(step) if made else None
    return at.watched if at else ()


def stopped(world: World, entry: Entry, product: str, step: str) -> str | None:
    """The signal because of which no further unit comes to a step; None where there is none, or it came later."""
    for test in watched(world, product, step):
        if test.chart is not None and test.chart.when == "hold":
            row = world.watches.get(product, step, test.id)
            signal = world.signals.get(row.signal) if row and row.signal else None
            if signal is not None and signal.state == "open" and signal.opened_at <= entry.at:
                return signal.id
    return None


def _value(body: wire.UnitsTested, test: Test) -> float | None:
    found = last_askings(body.tests).get(test.id)
    if found is None or found.value is None or not is_measurement(found.value):
        return None
    return convert(found.value, found.unit or test.unit, test.unit)


def _took(world: World, entry: Entry, case: unit_rules.Case, test: Test, chart: Control, read: Read) -> bool:
    """Take one reading into its chart. Has an excursion begun?"""
    assert case.unit is not None
    key = (case.unit.product, case.unit.step, test.id)
    row = world.watches.get(*key) or WatchRow(*key, chart.centre, chart.sigma, "[]", None, "{}")
    kept = readings(row.readings)
    if (row.centre, row.sigma) != (chart.centre, chart.sigma):
        kept = []  # what was judged by other limits makes no pattern with this one
    if any((r.unit, r.visit) == (read.unit, read.visit) for r in kept):
        return False  # it came back in the same visit
    kept = [*kept, read][-KEPT:]
    found = spc_watch.broken([r.value for r in kept], chart.rules, centre=chart.centre, sigma=chart.sigma)
    row = replace(row, centre=chart.centre, sigma=chart.sigma, readings=_json(kept))
    signal = world.signals.get(row.signal) if row.signal else None
    if signal is None and not found:
        world.watches.put(row)
        return False
    begun = signal is None
    signal = signal or _opened(world, entry, key, test, chart)
    since = spc_watch.onward(json.loads(row.since), found)
    # One that stops the step is over when somebody has closed it, not when units from before it come out well.
    back = spc_watch.over(since) and chart.when == "warn"
    evidence = kept if begun else [*readings(signal.readings), read]
    signal = replace(
        signal,
        broken=_named(signal.broken, found, [*kept], read),
        readings=_json(evidence[:MOST]),
        state="over" if back else "open",
        over_at=entry.at if back else None,
    )
    world.signals.put(signal)
    world.watches.put(
        replace(row, signal=None if back else signal.id, since="{}" if back else json.dumps(since, sort_keys=True))
    )
    return begun


def _opened(world: World, entry: Entry, key: tuple[str, str, str], test: Test, chart: Control) -> SignalRow:
    return SignalRow(
        number(world, entry, "si", "SI"),
        *key,
        station=entry.station or "",
        measure=test.unit,
        centre=chart.centre,
        sigma=chart.sigma,
        state="open",
        broken="[]",
        readings="[]",
        event_id=entry.event_id,
        opened_at=entry.at,
        over_at=None,
        closed_at=None,
        cause="",
        why="",
        nc=None,
    )


def _named(before: str, found: list[Broken], kept: list[Read], read: Read) -> str:
    """The rules of a signal with the readings that complete them (`at`) and make them (`of`): unit and visit."""
    known: list[dict[str, Any]] = json.loads(before)
    for b in found:
        row = next((k for k in known if (k["chart"], k["rule"], k["side"]) == (b.chart, b.rule, b.side)), None)
        if row is None:
            row = {"chart": b.chart, "rule": b.rule, "side": b.side, "at": [], "of": []}
            known.append(row)
        row["at"] = [*row["at"], [read.unit, read.visit]][:MOST]
        new = [[kept[i].unit, kept[i].visit] for i in b.evidence]
        row["of"] = [*row["of"], *(n for n in new if n not in row["of"])][:MOST]
    return json.dumps(known, sort_keys=True)


def readings(text: str) -> list[Read]:
    """Readings as a row keeps them."""
    return [Read(*each) for each in json.loads(text)]


def _json(some: list[Read]) -> str:
    return json.dumps([astuple(r) for r in some])


def _closed(world: World, entry: Entry, body: wire.SignalClosed) -> Judged:
    signal = world.signals.get(body.signal)
    if signal is None:
        return no(entry, "unknown_signal", signal=body.signal)
    if signal.state == "closed":
        return no(entry, "signal_closed", signal=signal.id)
    world.signals.put(replace(signal, state="closed", closed_at=entry.at, cause=body.cause, why=body.why))
    row = world.watches.get(signal.product, signal.step, signal.test)
    if row is not None and row.signal == signal.id:
        world.watches.put(replace(row, readings="[]", signal=None, since="{}"))
    return yes(entry, signal=signal.id)


SIGNAL_RULES: Final[dict[str, Callable[[World, Entry, Any], Judged]]] = {"SignalClosed": _closed}
