"""Nonconformities, their items and concessions."""

from __future__ import annotations

import json
from dataclasses import dataclass

from mes.domain.nonconformity import Concession, Item


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
class NcEventRow:
    """`nc_event`."""

    nc: str
    event_id: str


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
class NcTextRow:
    """`nc_text`."""

    nc: str
    facts: str
    remarks: str = ""


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
class LogViewRow:
    """`log_view`."""

    name: str
    filter: str
    gone: bool = False
