"""Papers that go with goods: what is on a packing list, a delivery note and a certificate of conformity, and the record
that one was given out.

It reads facts and turns them into frozen values; the words are `mes.paper_sheet`. A paper bears the time of its last
fact, so that the same facts give the same bytes, and its SHA-256 is in the ledger. No operator is on it; who has
released is named by login: the authority (ISO 9001:2015, 8.6 b).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import deliveries, packing, revisions, wire
from mes.db.tables import (
    Account,
    CartonRow,
    Concession,
    Delivery,
    Installation,
    IssuedPaper,
    NcItem,
    Release,
    ReleasedUnit,
    UnitRow,
    WorkOrder,
)
from mes.domain.orders import Against
from mes.domain.route import Plan, Product
from mes.labels import plan_of
from mes.orders import Answer, released_now, request
from mes.releases import release_of_unit

Kind = Literal["packing_list", "delivery_note", "certificate"]
CHUNK: Final = 500  # keys in one IN list


@dataclass(frozen=True, slots=True)
class Goods:
    """Units, or pieces, of one order in one place; `release` is empty for pieces that several releases cover."""

    order: str
    reference: str
    product: Product | None
    product_id: str
    revision: int
    quantity: int
    serials: tuple[str, ...] = ()
    carton: str = ""
    pallet: str = ""
    release: str = ""


@dataclass(frozen=True, slots=True)
class Released:
    """One release, and the login of who let it leave."""

    id: str
    quantity: int
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """A concession under which something of it leaves."""

    id: str
    nc: str
    scope: str
    authority: str
    reference: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a paper says.

    `scope` is what `subject` is. `weights` has the gross weight in grams of each carton that was weighed. `plan` is the
    latest one: it has the addresses.
    """

    scope: Literal["delivery", "carton", "order"]
    subject: str
    customer: str
    goods: tuple[Goods, ...]
    releases: tuple[Released, ...]
    concessions: tuple[Allowed, ...]
    weights: dict[str, float]
    facts_at: str
    plan: Plan | None
    sent_at: str | None = None
    carrier: str = ""
    note: str = ""
    against: tuple[Against, ...] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper as a file."""

    kind: Kind
    scope: str
    subject: str
    language: str
    facts_at: str
    content: bytes

    @property
    def sha256(self) -> str:
        """What the ledger knows it by."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class _Piece:
    order: str
    unit: str | None
    quantity: int
    carton: str = ""
    pallet: str = ""
    release: str = ""


# --- reading ----------------------------------------------------------------------------------------------------------


def facts(session: Session, subject: str) -> Facts | None:
    """What there is to say of a delivery, a carton or pallet, or an order; None where it is none of them."""
    if (delivery := session.get(Delivery, subject)) is not None:
        return _of_delivery(session, delivery)
    if (carton := session.get(CartonRow, subject)) is not None:
        return _of_carton(session, carton)
    order = session.get(WorkOrder, subject)
    return _of_order(session, order) if order is not None else None


def _of_delivery(session: Session, row: Delivery) -> Facts:
    pieces = [
        _Piece(i.order, i.unit, i.quantity, i.carton, i.pallet, i.release) for i in deliveries.items(session, row.id)
    ]
    return _facts(
        session,
        "delivery",
        row.id,
        pieces,
        customer=row.customer,
        at=row.sent_at or row.prepared_at,
        sent_at=row.sent_at,
        carrier=row.carrier,
        note=row.note,
    )


def _of_carton(session: Session, row: CartonRow) -> Facts:
    pieces = [
        _Piece(c.order or "", c.unit, c.quantity, c.carton, row.sscc if c.carton != row.sscc else "")
        for top in packing.contents(session, row.sscc)
        for c in top.flat()
    ]
    return _facts(session, "carton", row.sscc, pieces, customer=row.customer, at=row.closed_at or row.numbered_at)


def _of_order(session: Session, row: WorkOrder) -> Facts:
    covered = (
        select(UnitRow.serial, ReleasedUnit.release)
        .join(ReleasedUnit, ReleasedUnit.unit == UnitRow.serial)
        .where(UnitRow.order == row.id, released_now())
        .order_by(UnitRow.serial)
    )
    pieces = [_Piece(row.id, r.serial, 1, release=r.release) for r in session.execute(covered)]
    if not pieces:
        given = session.execute(select(Release.quantity, Release.back).where(Release.order == row.id))
        count = sum(r.quantity - r.back for r in given)
        serialised = session.scalar(select(UnitRow.serial).where(UnitRow.order == row.id).limit(1))
        pieces = [_Piece(row.id, None, count)] if count and serialised is None else []
    return _facts(session, "order", row.id, pieces, customer=row.customer, at=row.created_at)


def _facts(
    session: Session,
    scope: Literal["delivery", "carton", "order"],
    subject: str,
    pieces: Sequence[_Piece],
    *,
    customer: str,
    at: str,
    sent_at: str | None = None,
    carrier: str = "",
    note: str = "",
) -> Facts:
    known = [_with_release(session, p) for p in pieces]
    missing = dict.fromkeys(p.unit for p in known if p.unit and not p.release)
    against = [Against("delivery_not_released", {"unit": serial}) for serial in missing]
    if not known:
        against.append(Against("delivery_nothing", {}))
    goods = _goods(session, known)
    releases = _releases(session, known)
    concessions = _concessions(session, [p.unit or p.order for p in known])
    times = [at, *(r.at for r in releases)]
    return Facts(
        scope=scope,
        subject=subject,
        customer=customer or next((c for p in known if (c := _customer(session, p.order))), ""),
        goods=goods,
        releases=releases,
        concessions=concessions,
        weights=_weights(session, [x for p in known for x in (p.carton, p.pallet) if x]),
        facts_at=max(times),
        plan=revisions.latest_plan(session),
        sent_at=sent_at,
        carrier=carrier,
        note=note,
        against=tuple(against),
    )


def _with_release(session: Session, piece: _Piece) -> _Piece:
    """A unit with the release that covers it, where the delivery has not written it down already."""
    if piece.unit is None or piece.release:
        return piece
    found = release_of_unit(session, piece.unit) or ""
    return _Piece(piece.order, piece.unit, piece.quantity, piece.carton, piece.pallet, found)


def _customer(session: Session, order: str) -> str:
    row = session.get(WorkOrder, order)
    return row.customer if row else ""


def _goods(session: Session, pieces: Sequence[_Piece]) -> tuple[Goods, ...]:
    """One line for each order and place, in the order in which they were found."""
    grouped: dict[tuple[str, str, str, str], list[_Piece]] = {}
    for p in pieces:
        grouped.setdefault((p.order, p.pallet, p.carton, p.release), []).append(p)
    return tuple(_line(session, key, some) for key, some in grouped.items())


def _line(session: Session, key: tuple[str, str, str, str], pieces: Sequence[_Piece]) -> Goods:
    order, pallet, carton, release = key
    row = session.get(WorkOrder, order)
    plan = plan_of(session, row) if row else None
    product = row.product if row else ""
    return Goods(
        order=order,
        reference=row.reference if row else "",
        product=plan.product(product) if plan else None,
        product_id=product,
        revision=row.revision if row else 0,
        quantity=sum(p.quantity for p in pieces),
        serials=tuple(p.unit for p in pieces if p.unit),
        carton=carton,
        pallet=pallet,
        release=release,
    )


def _releases(session: Session, pieces: Sequence[_Piece]) -> tuple[Released, ...]:
    named = sorted({p.release for p in pieces if p.release})
    counted = sorted({p.order for p in pieces if p.unit is None})
    rows = session.execute(
        select(Release, Account.login)
        .outerjoin(Account, Account.person == Release.by)
        .where(Release.id.in_(named) | (Release.order.in_(counted) & (Release.back < Release.quantity)))
        .order_by(Release.id)
    )
    return tuple(Released(r.id, r.quantity - r.back, login or r.by, r.released_at) for r, login in rows)


def _concessions(session: Session, subjects: Sequence[str]) -> tuple[Allowed, ...]:
    found: dict[str, Allowed] = {}
    wanted = list(dict.fromkeys(subjects))
    for i in range(0, len(wanted), CHUNK):
        piece = wanted[i : i + CHUNK]
        decided = select(NcItem.concession).where(NcItem.subject.in_(piece))
        inside = select(Installation.concession).where(Installation.unit.in_(piece), Installation.removed_at.is_(None))
        rows = session.scalars(select(Concession).where(Concession.id.in_(decided) | Concession.id.in_(inside)))
        found.update((c.id, Allowed(c.id, c.nc, c.scope, c.authority, c.reference)) for c in rows)
    return tuple(found[name] for name in sorted(found))


def _weights(session: Session, cartons: Sequence[str]) -> dict[str, float]:
    rows = session.execute(select(CartonRow.sscc, CartonRow.weight_g).where(CartonRow.sscc.in_(set(cartons))))
    return {sscc: weight for sscc, weight in rows if weight is not None}


# --- giving out -------------------------------------------------------------------------------------------------------


def refused(found: Facts, kind: Kind) -> Answer | None:
    """Why this paper cannot be made of these facts; None when it can."""
    stands = [a for a in found.against if kind == "certificate" or a.reason == "delivery_nothing"]
    if stands:
        return Answer(False, stands[0].reason, stands[0].args)
    if kind == "delivery_note" and found.scope != "delivery":
        return Answer(False, "unknown_delivery", {"delivery": found.subject})
    return None


def issue(session: Session, paper: Paper, *, now: datetime, actor: str | None = None) -> Answer:
    """Record that a paper is given out."""
    body = wire.PaperIssued(
        paper=paper.kind,
        scope=cast(Literal["delivery", "carton", "order"], paper.scope),
        subject=paper.subject,
        language=cast(Literal["fr", "en"], paper.language),
        facts_at=paper.facts_at,
        sha256=paper.sha256,
        size=len(paper.content),
    )
    return request(session, "PaperIssued", body, now=now, actor=actor)


def issued(session: Session, content: bytes) -> IssuedPaper | None:
    """The paper that a file is, to the last byte; None when no such one was ever given out."""
    return session.get(IssuedPaper, hashlib.sha256(content).hexdigest())


def of_subject(session: Session, subject: str) -> list[IssuedPaper]:
    """The papers that were given out for a delivery, a carton or an order, the newest first."""
    rows = select(IssuedPaper).where(IssuedPaper.subject == subject)
    return list(session.scalars(rows.order_by(IssuedPaper.issued_at.desc(), IssuedPaper.sha256)))
