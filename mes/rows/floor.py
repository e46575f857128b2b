"""Stations, badges and what was set aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class StationState:
    """`station`."""

    id: str
    state: str = "SBY"
    state_reason: str = ""
    since: str = ""
    signed_in: bool = False
    verdict: str | None = None
    reason: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)
    verdict_at: str | None = None
    unit: str | None = None
    help_since: str | None = None
    faults: int = 0
    counting: bool = False
    resource: str = "SBY"
    resource_since: str = ""


@dataclass(frozen=True, slots=True)
class FaultRow:
    """`fault`."""

    station: str
    device: str
    fault: str
    since: str
    cleared: bool


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """`quarantine`."""

    event_id: str
    ledger_n: int
    station: str | None
    kind: str
    why: str
    requeued_n: int | None


@dataclass(frozen=True, slots=True)
class BadgeRow:
    """`badge`."""

    id: str
    person: str
    language: str
    state: str
    issued_at: str
    ended_at: str | None


@dataclass(frozen=True, slots=True)
class QualificationRow:
    """`qualification`."""

    person: str
    qualification: str
    valid_until: str
    state: str
    since: str


@dataclass(frozen=True, slots=True)
class OverrideRow:
    """`override`; its reasons with a blank between them."""

    unit: str
    step: str
    visit: int
    operator: str
    station: str
    by: str
    reasons: str
    state: str
    since: str
