"""Lots that were accepted, or not, by a sample, and where each series of them stands."""

from __future__ import annotations

import json
from dataclasses import dataclass

from mes.domain.sampling import Series, Severity


@dataclass(frozen=True, slots=True)
class InspectionRow:
    """`lot_inspection`; `cartons` and `bad` (units) are JSON."""

    id: str
    order: str
    product: str
    step: str
    quantity: int
    cartons: str
    level: str
    aql: str
    severity: str
    letter: str
    sample: int
    accept: int
    found: int
    bad: str
    state: str
    again: str | None
    nc: str | None
    note: str
    severity_after: str
    score_after: int
    event_id: str
    at: str


@dataclass(frozen=True, slots=True)
class InspectedUnitRow:
    """`inspected_unit`: the latest inspection whose lot a unit was in, by step."""

    unit: str
    step: str
    inspection: str


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """`sampling_series`; `recent` (accepted or not) and `decisions` are JSON."""

    product: str
    step: str
    level: str
    aql: str
    severity: Severity
    score: int
    recent: str
    not_accepted: int
    stopped: bool
    decisions: str

    @property
    def rule(self) -> Series:
        """What the rules need of it."""
        return Series(self.severity, self.score, tuple(json.loads(self.recent)), self.not_accepted, self.stopped)
