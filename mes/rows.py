"""The rows of the state tables as frozen values: what the working set holds and the fold writes.

One class a table, with the table's columns in its order; what the rules need of a row is its `rule`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mes.domain.calibration import Calibration
from mes.domain.gate import Installed, Order
from mes.domain.lots import LotKnown
from mes.domain.nonconformity import Concession, Item


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
class LotRow:
    """`lot`."""

    part: str
    lot: str
    state: str = "free"
    why: str = ""
    received: int = 0
    receipts: int = 0
    received_on: str | None = None
    supplier: str = ""
    supplier_lot: str = ""
    owner: str = "ours"
    customer: str = ""
    expires: str | None = None

    @property
    def rule(self) -> LotKnown:
        """What the rules need of it."""
        return LotKnown(self.state == "held", self.expires or "", self.receipts > 0)


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """`receipt`."""

    part: str
    lot: str
    number: int
    quantity: int
    received_on: str
    supplier: str
    supplier_lot: str
    delivery: str
    recorded_at: str


@dataclass(frozen=True, slots=True)
class LabelRow:
    """`label`."""

    template: str
    subject: str
    copies: int
    printed_at: str


@dataclass(frozen=True, slots=True)
class NcRow:
    """`nonconformity`."""

    id: str
    unit: str
    order: str
    product: str
    step: str
    station: str | None
    cause: str
    defect: str | None
    detail: str
    state: str
    disposition: str | None
    why: str
    event_id: str
    opened_at: str
    decided_at: str | None
    closed_at: str | None
    title: str = ""
    requirement: str = ""
    severity: str = ""
    customer: str = ""
    supplier: str = ""
    reference: str = ""
    customer_informed: str | None = None
    cost_material: int = 0
    cost_work: int = 0
    cost_other: int = 0
    place: str = ""
    labelled: bool = False
    contained_at: str | None = None
    analysis: str = ""
    analysed_at: str | None = None
    merged_into: str | None = None
    items: int = 0
    remarks: int = 0


@dataclass(frozen=True, slots=True)
class NcItemRow:
    """`nc_item`."""

    nc: str
    item: int
    kind: str
    subject: str
    part: str = ""
    quantity: int = 1
    why: str = ""
    precaution: bool = False
    state: str = "undecided"
    disposition: str | None = None
    step: str = ""
    concession: str | None = None
    decided_by: str = ""
    decided_at: str | None = None
    verified_at: str | None = None
    note: str = ""

    @property
    def rule(self) -> Item:
        """What the rules need of it."""
        return Item(
            self.item,
            self.kind,  # type: ignore[arg-type]
            self.subject,
            self.quantity,
            self.disposition,  # type: ignore[arg-type]
            self.state,  # type: ignore[arg-type]
            self.precaution,
            self.verified_at is not None,
        )


@dataclass(frozen=True, slots=True)
class NcRemarkRow:
    """`nc_remark`."""

    nc: str
    number: int
    text: str
    file_sha256: str | None
    file_name: str
    file_size: int
    file_type: str
    at: str


@dataclass(frozen=True, slots=True)
class ConcessionRow:
    """`concession`; its serials as JSON."""

    id: str
    nc: str
    product: str
    step: str
    serials: str
    count: int
    remaining: int
    expires: str
    scope: str
    authority: str
    reference: str
    granted_by: str
    granted_at: str

    @property
    def rule(self) -> Concession:
        """What the rules need of it."""
        serials = frozenset(json.loads(self.serials))
        return Concession(self.id, self.product, self.step, self.expires, self.remaining, serials)


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


@dataclass(frozen=True, slots=True)
class CounterRow:
    """`counter`."""

    name: str
    value: int


@dataclass(frozen=True, slots=True)
class ChainRow:
    """`chain`; its `n` is the ledger position of the head."""

    source: str
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class PlanRow:
    """`plan_revision`."""

    revision: int
    hash: str
    content: str
    published_at: str


@dataclass(frozen=True, slots=True)
class PackedRow:
    """`packed`."""

    id: str
    carton: str
    unit: str | None
    order: str | None
    inner: str | None
    quantity: int
    packed_at: str
    removed_at: str | None
    why: str
    disputed: bool


@dataclass(frozen=True, slots=True)
class CartonEventRow:
    """`carton_event`."""

    carton: str
    number: int
    at: str
    kind: str
    reason: str
    args: str
    why: str


@dataclass(frozen=True, slots=True)
class StepCounts:
    """The counts of `step_hour` and `step_order`; `mes.fold_rollups` says when each grows."""

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
class StepHourRow(StepCounts):
    """`step_hour`."""

    hour: str
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


@dataclass(frozen=True, slots=True)
class UnitEventRow:
    """`unit_event`."""

    unit: str
    event_id: str


@dataclass(frozen=True, slots=True)
class IssuedDossierRow:
    """`dossier`."""

    sha256: str
    unit: str
    language: str
    facts_at: str
    issued_at: str
    times: int


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """`product_release`."""

    id: str
    order: str
    product: str
    scope: str
    carton: str
    quantity: int
    back: int
    by: str
    note: str
    why: str
    released_at: str
    ended_at: str | None


@dataclass(frozen=True, slots=True)
class ReleasedUnitRow:
    """`released_unit`."""

    unit: str
    release: str
    since: str
    back: bool
