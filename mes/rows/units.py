"""Orders, and what happened to units at their steps."""

from __future__ import annotations

from dataclasses import dataclass

from mes.domain.gate import Installed, Order


@dataclass(frozen=True, slots=True)
class OrderRow:
    """`work_order`."""

    id: str
    product: str
    quantity: int
    customer: str
    due: str | None
    note: str
    state: str
    revision: int
    open_units: int
    why: str
    created_at: str
    released_at: str | None
    ended_at: str | None
    reference: str
    priority: int
    held_from: str
    split_from: str | None
    given: int
    scanned: int | None = None

    @property
    def rule(self) -> Order:
        """What the rules need of it."""
        return Order(self.id, self.product, self.quantity, self.state, self.revision)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class VisitRow:
    """`visit`."""

    unit: str
    step: str
    visit: int
    station: str
    product: str
    started_at: str
    ended_at: str | None
    result: str | None
    failures: int


@dataclass(frozen=True, slots=True)
class PassageRow:
    """`passage`."""

    unit: str
    product: str
    began_at: str
    ended_at: str | None
    result: str | None


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """`reading`."""

    unit: str
    step: str
    visit: int
    sample: int
    test: str
    at: str
    outcome: str
    value: float | None


@dataclass(frozen=True, slots=True)
class InstallationRow:
    """`installation`."""

    id: str
    unit: str
    step: str
    part: str
    serial: str | None
    lot: str | None
    quantity: int
    installed_at: str
    removed_at: str | None
    disputed: bool
    concession: str | None = None

    @property
    def rule(self) -> Installed:
        """What the rules need of it."""
        return Installed(self.id, self.part, self.serial, self.lot, self.quantity, self.step)


@dataclass(frozen=True, slots=True)
class TallyRow:
    """`tally`."""

    order: str
    step: str
    defect: str
    quantity: int


@dataclass(frozen=True, slots=True)
class OrderEventRow:
    """`order_event`."""

    order: str
    event_id: str
    at: str
    state: str


@dataclass(frozen=True, slots=True)
class UnitEventRow:
    """`unit_event`."""

    unit: str
    event_id: str
