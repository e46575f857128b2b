"""Cartons, dossiers and releases."""

from __future__ import annotations

from dataclasses import dataclass


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


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """`delivery`."""

    id: str
    customer: str
    state: str
    items: int
    quantity: int
    note: str
    carrier: str
    why: str
    prepared_by: str
    prepared_at: str
    sent_by: str
    sent_at: str | None
    cancelled_at: str | None


@dataclass(frozen=True, slots=True)
class DeliveryItemRow:
    """`delivery_item`."""

    delivery: str
    item: int
    order: str
    product: str
    unit: str | None
    quantity: int
    carton: str
    pallet: str
    release: str


@dataclass(frozen=True, slots=True)
class IssuedPaperRow:
    """`issued_paper`."""

    sha256: str
    paper: str
    scope: str
    subject: str
    language: str
    facts_at: str
    issued_at: str
    times: int
