"""Control charts that are watched, and what they have signalled."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WatchRow:
    """`watch`: the latest readings of a chart (JSON), and the excursion that goes on."""

    product: str
    step: str
    test: str
    centre: float
    sigma: float
    readings: str
    signal: str | None
    since: str


@dataclass(frozen=True, slots=True)
class SignalRow:
    """`control_signal`."""

    id: str
    product: str
    step: str
    test: str
    station: str
    measure: str
    centre: float
    sigma: float
    state: str
    broken: str
    readings: str
    event_id: str
    opened_at: str
    over_at: str | None
    closed_at: str | None
    cause: str
    why: str
    nc: str | None
