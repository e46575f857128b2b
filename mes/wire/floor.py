"""Bodies: facts from the floor, with IPC-CFX names where CFX has one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mes.wire.envelope import Count, Day, Frozen, Id, OptionalId, Outcome, UuidText


class OperatorActivated(Frozen):
    """A person signed in at the station; who it is stands in the envelope."""


class OperatorDeactivated(Frozen):
    """The person signed out, or another one took over."""


class UnitsInitialized(Frozen):
    """A unit that bears its serial already was taken into an order, at the first step. `scan` is what was read."""

    order: Id
    unit: Id
    step: Id
    scan: str = ""


class UnitsWithdrawn(Frozen):
    """The unit that was taken in last is none of this order after all: the wrong label was scanned."""

    order: Id
    unit: Id
    reason: str = ""


class UnitsArrived(Frozen):
    """A unit came to the bench for a step. With `asks` it is a request that the gate may refuse."""

    unit: Id
    step: Id
    scan: str = ""
    place: Annotated[int, Field(ge=1, le=999)] | None = None


class UnitsDeparted(Frozen):
    """A unit left the bench with its step unfinished (taken back, end of shift)."""

    unit: Id
    step: Id
    reason: str = ""


class MaterialsInstalled(Frozen):
    """A component went into a unit. The event id is the installation's id."""

    unit: Id
    step: Id
    part: Id
    serial: OptionalId | None = None
    lot: OptionalId | None = None
    quantity: Annotated[int, Field(ge=1, le=100_000)] = 1
    scan: str = ""


class MaterialsLoaded(Frozen):
    """A bag of a component lot stands at a counted step: from now on the pieces that the station counts there are made
    of it. `scan` is what was read."""

    order: Id
    step: Id
    part: Id
    lot: Id
    scan: str = ""


class MaterialsUninstalled(Frozen):
    """A component came out again, by UNDO or by repair."""

    unit: Id
    step: Id
    installation: UuidText
    reason: str = ""


class Measurement(Frozen):
    """One reading against its limits, as the station saw it. `raw` is the instrument's own text.

    `attempt` counts the askings of one test in one run: only the last one judges, the others are kept. `verdict` is
    what the tester says of itself. `device` and `serial` name the instrument as the plant knows it, `calibration_due`
    is the last day of its calibration (ISO 9001:2015, 7.1.5); `instrument` is the same in words, with its own answer.
    """

    test: Id
    outcome: Outcome
    value: float | None = None
    unit: Annotated[str, Field(max_length=16)] | None = None
    low: float | None = None
    high: float | None = None
    instrument: Annotated[str, Field(max_length=120)] | None = None
    raw: Annotated[str, Field(max_length=2_000)] = ""
    attempt: Annotated[int, Field(ge=1, le=99)] = 1
    verdict: Literal["passed", "failed"] | None = None
    device: OptionalId | None = None
    serial: OptionalId | None = None
    calibration_due: Day | None = None


class UnitsTested(Frozen):
    """One test run. `error`, `timeout` and `aborted` speak of the bench, `failed` of the unit."""

    unit: Id
    step: Id
    outcome: Outcome
    tests: Annotated[tuple[Measurement, ...], Field(max_length=500)]


class ReadingsRecorded(Frozen):
    """One sample of a unit that is in work, such as in burn-in: number `n` of its visit, from 1."""

    unit: Id
    step: Id
    n: Annotated[int, Field(ge=1, le=10_000_000)]
    readings: Annotated[tuple[Measurement, ...], Field(min_length=1, max_length=100)]


class UnitsInspected(Frozen):
    """A person looked, and passed the unit or named its defects."""

    unit: Id
    step: Id
    result: Literal["passed", "failed"]
    defects: Annotated[tuple[Id, ...], Field(max_length=50)] = ()


class UnitsRepaired(Frozen):
    """What a repair did, in words."""

    unit: Id
    step: Id
    text: Annotated[str, Field(max_length=2_000)] = ""


class Scrapped(Frozen):
    """Pieces of a lot that are no good, and why."""

    defect: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]


class WorkCompleted(Frozen):
    """A step is finished: of a `unit`, or `good` and `scrap` pieces of a lot-tracked `order`."""

    step: Id
    unit: Id | None = None
    order: Id | None = None
    good: Count = 0
    scrap: Annotated[tuple[Scrapped, ...], Field(max_length=50)] = ()


class UnitsDisqualified(Frozen):
    """A unit is scrap."""

    unit: Id
    step: Id
    reason: str = ""


class StationStateChanged(Frozen):
    """The station's resource state (SEMI E10 words as in IPC-CFX: PRD, SBY, ENG, SDT, USD, NST) and why."""

    state: Literal["PRD", "SBY", "ENG", "SDT", "USD", "NST"]
    reason: Annotated[str, Field(max_length=40)] = ""


class FaultOccurred(Frozen):
    """A device of the station does not work (unplugged, torn frames, no answer)."""

    device: Id
    fault: Id
    text: Annotated[str, Field(max_length=500)] = ""


class FaultCleared(Frozen):
    """It works again."""

    device: Id
    fault: Id


class IdentifiersNotRead(Frozen):
    """Something was read that says nothing: kept as it came, control characters escaped."""

    raw: Annotated[str, Field(max_length=2_000)]
    why: Id
    device: OptionalId = ""


class HelpRequested(Frozen):
    """The operator calls for help."""

    unit: OptionalId | None = None
    step: OptionalId | None = None


class HelpAnswered(Frozen):
    """Somebody came. `station` is set when it is answered from elsewhere than the station itself."""

    station: OptionalId | None = None
