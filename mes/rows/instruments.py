"""Instruments and their calibrations."""

from __future__ import annotations

from dataclasses import dataclass

from mes.domain.calibration import Calibration


@dataclass(frozen=True, slots=True)
class InstrumentRow:
    """`instrument`. `done`, `due` and `result` are those of the calibration that counts now."""

    id: str
    family: str
    model: str
    serial: str
    supplier: str
    months: int
    state: str
    retired_on: str | None
    returned_on: str | None
    why: str
    calibrations: int
    done: str | None
    due: str | None
    result: str | None
    registered_at: str


@dataclass(frozen=True, slots=True)
class CalibrationRow:
    """`calibration`."""

    instrument: str
    number: int
    done: str
    due: str | None
    result: str
    supplier: str
    certificate: str
    file_sha256: str | None
    file_name: str
    file_size: int
    file_type: str
    note: str
    recorded_at: str

    @property
    def rule(self) -> Calibration:
        """What the rules need of it."""
        return Calibration(self.number, self.done, self.result, self.due)


@dataclass(frozen=True, slots=True)
class MeasuredWithRow:
    """`tested_with`."""

    device: str
    event_id: str
    unit: str
    order: str
    step: str
    station: str
    serial: str
    at: str
    outcome: str
    fitness: str
