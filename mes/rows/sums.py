"""Sums that are kept with each event."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepCounts:
    """The counts of `step_quarter` and `step_order`; `mes.fold_rollups` says when each grows."""

    begun: int = 0
    first: int = 0
    first_passed: int = 0
    passed: int = 0
    failed: int = 0
    failures: int = 0
    errors: int = 0
    aborted: int = 0
    defects: int = 0
    reworked: int = 0
    finished: int = 0
    scrapped: int = 0
    good: int = 0
    scrap: int = 0
    timed: int = 0
    took_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepQuarterRow(StepCounts):
    """`step_quarter`."""

    quarter: str
    product: str
    step: str
    station: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOrderRow(StepCounts):
    """`step_order`."""

    order: str
    step: str
    product: str


@dataclass(frozen=True, slots=True)
class StepDefectRow:
    """`step_defect`."""

    day: str
    product: str
    step: str
    defect: str
    found: int


@dataclass(frozen=True, slots=True)
class SpreadRow:
    """`spread`."""

    day: str
    product: str
    step: str
    bucket: int
    count: int


@dataclass(frozen=True, slots=True)
class StationSpanRow:
    """`station_span`."""

    station: str
    since: str
    until: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRow:
    """`failure`."""

    event_id: str
    unit: str
    place: int
    go: str
    of: str
    cause: str
    found: int
    once: int
    order: str
    product: str
    step: str
    station: str
    at: str
