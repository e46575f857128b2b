"""Failures one by one, folded with the events that report them: what was found, on which unit, at which go.

The same contract as `mes.fold`; called by `mes.fold_rollups`, never by anybody else. It must not know pages or persons.

`go` says which kind of row it is:

- `first`: the first judgement of a unit at a step was a failure. `again`: a later one was: a retest, or after rework.
- `bench`: a run that said nothing of the unit: an error of the bench, no answer, or broken off.
- `scrap`: a unit or pieces were lost.

An event that names several causes has several rows. `found` counts each of them; `once` counts what the event is about
once: the unit, or the pieces. So bars by cause add up `found`, and bars by step or product add up `once`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mes import wire
from mes.domain.gate import Unit
from mes.domain.runs import outcomes
from mes.domain.unit import Case, Decision
from mes.rows import FailureRow, OrderRow
from mes.verdicts import Entry
from mes.world import World

Cause = tuple[str, str]
"""What it is (`test`, `defect`, `reason` of a nonconformity, `run`), and its id there."""


def found(world: World, entry: Entry, case: Case, decision: Decision, body: Any, *, first: bool, outcome: str) -> None:
    """Keep what an event of a unit found, if it found something.

    Args:
        first: was it the first judgement of the unit at its step?
        outcome: what a test run counts as; "" for any other event.
    """
    unit = case.unit
    assert unit is not None
    if decision.failure:
        _keep(world, entry, unit, "first" if first else "again", _causes(case, decision, body))
    elif outcome in ("error", "timeout", "aborted"):
        read = outcomes(case.step, body.tests)
        unread = [
            ("test", test) for test, said in read.items() if said in ("error", "timeout") and outcome != "aborted"
        ]
        _keep(world, entry, unit, "bench", unread or [("run", outcome)])


def _causes(case: Case, decision: Decision, body: Any) -> list[Cause]:
    if isinstance(body, wire.UnitsInspected):
        return [("defect", d) for d in dict.fromkeys(body.defects)] or [("reason", "defect_found")]
    measured = body.tests if isinstance(body, wire.UnitsTested) else body.readings
    failed = [("test", test) for test, said in outcomes(case.step, measured).items() if said == "failed"]
    return failed or [("reason", "test_failed")]


def scrapped(world: World, entry: Entry, unit: Unit) -> None:
    """Keep that a unit was lost, and of what: of what its nonconformity was opened for.

    Args:
        unit: as it was before.
    """
    row = world.ncs.get(unit.nc) if unit.nc else None
    if row is None:
        cause = ("reason", "disqualified")
    elif (known := world.failures.get(row.event_id, unit.serial, 0)) is not None:
        cause = (known.of, known.cause)
    else:
        cause = ("defect", row.defect) if row.defect else ("reason", row.cause)
    _keep(world, entry, unit, "scrap", [cause])


def _keep(world: World, entry: Entry, unit: Unit, go: str, causes: Sequence[Cause]) -> None:
    for place, (of, cause) in enumerate(causes):
        world.failures.put(
            FailureRow(
                event_id=entry.event_id,
                unit=unit.serial,
                place=place,
                go=go,
                of=of,
                cause=cause,
                found=1,
                once=int(place == 0),
                order=unit.order,
                product=unit.product,
                step=unit.step,
                station=entry.station or "",
                at=entry.at,
            )
        )


def pieces(world: World, entry: Entry, order: OrderRow, body: wire.WorkCompleted) -> None:
    """Keep the pieces of a counted order that were lost, by defect."""
    lost = [s for s in body.scrap if s.quantity]
    for place, each in enumerate(lost):
        world.failures.put(
            FailureRow(
                event_id=entry.event_id,
                unit="",
                place=place,
                go="scrap",
                of="defect",
                cause=each.defect,
                found=each.quantity,
                once=each.quantity,
                order=order.id,
                product=order.product,
                step=body.step,
                station=entry.station or "",
                at=entry.at,
            )
        )
