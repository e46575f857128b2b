"""What stands before and after the making of a unit: receipts of its lots, cartons, its release, decisions on it.

Part of the history that `mes.trace` puts together: one query a table, however much there is. Of persons it knows those
whose authority the standard asks to retain: who released, and who decided on a nonconformity.

Source: ISO 9001:2015, 8.4.3 and 8.5.2 (what came in), 8.6 (release), 8.7.2 (nonconformity, concession, authority).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, or_, select, tuple_
from sqlalchemy.orm import Session

from mes.db.tables import (
    CartonEvent,
    CartonRow,
    Concession,
    Label,
    Ledger,
    NcItem,
    Nonconformity,
    Packed,
    Person,
    Receipt,
    Release,
    ReleasedUnit,
    UnitRow,
)
from mes.genealogy import Part, every
from mes.orders import released_now

CHUNK: Final = 200  # pairs in one query
_TOLD: Final = ("CartonWeighed", "CartonClosed", "CartonReopened", "CartonReleased")


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened to a carton: the kind of event, and the reason that was given."""

    at: str
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class Boxed:
    """The unit in a carton, or its carton on a pallet (`inside` is the carton then), from when to when.

    `weight_g` and `state` are the carton's as they are now; `disputed`: by the record it was in another one, too.
    """

    sscc: str
    level: str
    inside: str
    packed_at: str
    removed_at: str | None
    why: str
    disputed: bool
    state: str
    weight_g: float | None
    closed_at: str | None
    reopened: int
    moments: tuple[Moment, ...] = ()


@dataclass(frozen=True, slots=True)
class Released:
    """The last release of the unit. `by` is the name of the authority, or its pseudonym where the name is gone.

    `back_at`: when it was taken back, for this unit; `holds`: the unit may leave by it as it stands.
    """

    id: str
    scope: str
    released_at: str
    by: str
    note: str
    back_at: str | None
    why: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """One receipt of a component lot that is or was in the unit; `received_on` is empty where none is on record."""

    part: str
    lot: str
    number: int
    quantity: int
    received_on: str
    supplier: str
    supplier_lot: str
    delivery: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The unit as an item of a nonconformity, and what was decided on it. `concession` says number, authority and
    reference of the permission; `by` who decided."""

    nc: str
    item: int
    precaution: bool
    state: str
    disposition: str
    by: str
    decided_at: str | None
    verified_at: str | None
    concession: str
    authority: str
    reference: str
    note: str


@dataclass(frozen=True, slots=True)
class Deviation:
    """A nonconformity that concerns the unit, when it came into each state, and what was decided last."""

    id: str
    step: str
    station: str
    cause: str
    defect: str
    title: str
    detail: Mapping[str, Any]
    state: str
    disposition: str
    why: str
    opened_at: str
    contained_at: str | None
    analysed_at: str | None
    decided_at: str | None
    closed_at: str | None


@dataclass(frozen=True, slots=True)
class Printed:
    """A label of the unit or of a carton that it was in, or a paper of its order: how often, and when last."""

    template: str
    subject: str
    copies: int
    printed_at: str


def deviations(session: Session, serial: str) -> tuple[Deviation, ...]:
    """The nonconformities that were opened on the unit, and those that name it as an item; the oldest first."""
    named = select(NcItem.nc).where(NcItem.kind == "unit", NcItem.subject == serial)
    mine = or_(Nonconformity.unit == serial, Nonconformity.id.in_(named))
    return tuple(
        Deviation(
            id=n.id,
            step=n.step,
            station=n.station or "",
            cause=n.cause,
            defect=n.defect or "",
            title=n.title,
            detail=json.loads(n.detail),
            state=n.state,
            disposition=n.disposition or "",
            why=n.why,
            opened_at=n.opened_at,
            contained_at=n.contained_at,
            analysed_at=n.analysed_at,
            decided_at=n.decided_at,
            closed_at=n.closed_at,
        )
        for n in session.scalars(select(Nonconformity).where(mine).order_by(Nonconformity.opened_at, Nonconformity.id))
    )


def printed(session: Session, unit: UnitRow, boxed: Sequence[Boxed]) -> tuple[Printed, ...]:
    """Labels of the unit and of its cartons, and the papers of its order; in the order of their last printing.

    Args:
        boxed: where the unit was packed.
    """
    mine = or_(
        and_(Label.subject == unit.serial, Label.template.in_(("unit", "hold"))),
        and_(Label.subject == unit.order, Label.template == "traveller"),
        and_(Label.subject.in_({b.sscc for b in boxed}), Label.template == "carton"),
    )
    rows = session.scalars(select(Label).where(mine).order_by(Label.printed_at, Label.template, Label.subject))
    return tuple(Printed(r.template, r.subject, r.copies, r.printed_at) for r in rows)


def boxed(session: Session, serial: str) -> tuple[Boxed, ...]:
    """Every carton that the unit was in, and each pallet that those were on, as it was packed."""
    first = _packings(session, Packed.unit == serial)
    second = _packings(session, Packed.inner.in_({p.carton for p in first})) if first else []
    all_, numbers = [*first, *second], {p.carton for p in (*first, *second)}
    if not numbers:
        return ()
    cartons = {c.sscc: c for c in session.scalars(select(CartonRow).where(CartonRow.sscc.in_(numbers)))}
    moments: dict[str, list[Moment]] = defaultdict(list)
    told = select(CartonEvent).where(CartonEvent.carton.in_(numbers), CartonEvent.kind.in_(_TOLD))
    for e in session.scalars(told.order_by(CartonEvent.at, CartonEvent.number)):
        moments[e.carton].append(Moment(e.at, e.kind, e.why))
    return tuple(
        Boxed(
            sscc=p.carton,
            level=c.level,
            inside=p.inner or "",
            packed_at=p.packed_at,
            removed_at=p.removed_at,
            why=p.why,
            disputed=p.disputed,
            state=c.state,
            weight_g=c.weight_g,
            closed_at=c.closed_at,
            reopened=c.reopened,
            moments=tuple(moments[p.carton]),
        )
        for p in all_
        if (c := cartons.get(p.carton)) is not None
    )


def _packings(session: Session, which: object) -> list[Packed]:
    query = select(Packed).where(which).order_by(Packed.packed_at, Packed.id)  # type: ignore[arg-type]
    return list(session.scalars(query))


def released(session: Session, serial: str) -> Released | None:
    """The last release of the unit; None when there never was one."""
    query = (
        select(Release, ReleasedUnit.back, Person.name, Ledger.received_at, UnitRow.serial)
        .select_from(ReleasedUnit)
        .join(Release, Release.id == ReleasedUnit.release)
        .outerjoin(Person, Person.id == Release.by)
        .outerjoin(Ledger, and_(Ledger.n == ReleasedUnit.n, ReleasedUnit.back))
        .outerjoin(UnitRow, and_(UnitRow.serial == ReleasedUnit.unit, released_now()))
        .where(ReleasedUnit.unit == serial)
    )
    found = session.execute(query).first()
    if found is None:
        return None
    r, back, name, at, holds = found
    return Released(
        r.id, r.scope, r.released_at, name or r.by, r.note, at if back else None, r.why if back else "", bool(holds)
    )


def origins(session: Session, parts: Iterable[Part]) -> tuple[Origin, ...]:
    """Where the component lots of a unit come from, those of its sub-assemblies, too; by part, lot and receipt."""
    pairs = sorted({(p.part, p.lot) for p in every(parts) if p.lot})
    found: list[Origin] = []
    for i in range(0, len(pairs), CHUNK):
        piece = pairs[i : i + CHUNK]
        rows = session.scalars(select(Receipt).where(tuple_(Receipt.part, Receipt.lot).in_(piece)))
        found += [
            Origin(r.part, r.lot, r.number, r.quantity, r.received_on, r.supplier, r.supplier_lot, r.delivery)
            for r in rows
        ]
    there = {(o.part, o.lot) for o in found}
    found += [Origin(part, lot, 0, 0, "", "", "", "") for part, lot in pairs if (part, lot) not in there]
    return tuple(sorted(found, key=lambda o: (o.part, o.lot, o.number)))


def decisions(session: Session, serial: str) -> tuple[Decision, ...]:
    """What was decided on the unit in each nonconformity that names it, by number."""
    query = (
        select(NcItem, Concession.authority, Concession.reference, Person.name)
        .outerjoin(Concession, Concession.id == NcItem.concession)
        .outerjoin(Person, Person.id == NcItem.decided_by)
        .where(NcItem.kind == "unit", NcItem.subject == serial)
        .order_by(NcItem.nc, NcItem.item)
    )
    return tuple(
        Decision(
            nc=i.nc,
            item=i.item,
            precaution=i.precaution,
            state=i.state,
            disposition=i.disposition or "",
            by=name or i.decided_by,
            decided_at=i.decided_at,
            verified_at=i.verified_at,
            concession=i.concession or "",
            authority=authority or "",
            reference=reference or "",
            note=i.note,
        )
        for i, authority, reference, name in session.execute(query)
    )
