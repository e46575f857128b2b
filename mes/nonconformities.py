"""Nonconformities in the office: one function a verb, and what may be alike. The caller commits.

What may follow what stands in `mes.domain.nonconformity`; what each does to units and lots in `mes.fold_nonconformity`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mes import certificates, orders, wire
from mes.certificates import Received
from mes.db.base import utc_text
from mes.db.tables import (
    Installation,
    Ledger,
    MeasuredWith,
    NcEvent,
    NcItem,
    NcRemark,
    Nonconformity,
    OrderEvent,
    UnitRow,
    Visit,
    WorkOrder,
)
from mes.domain.nonconformity import Disposition
from mes.ledger import Finding
from mes.orders import Answer, request

MOST_ALIKE = 50
AROUND = timedelta(minutes=30)  # before and after: the same hour at the same station
AlikeWhy = Literal["lot", "instrument", "hour"]


def open_nc(session: Session, body: wire.NonconformityOpened, *, now: datetime, actor: str | None = None) -> Answer:
    """Report what does not conform; units and lots that are named are held at once."""
    return request(session, "NonconformityOpened", body, now=now, actor=actor)


def amend(session: Session, nc: str, facts: wire.NcFacts, *, now: datetime, actor: str | None = None) -> Answer:
    """Write down what is known of it; a fact that is None stays as it is."""
    body = wire.NonconformityAmended(nc=nc, facts=facts)
    return request(session, "NonconformityAmended", body, now=now, actor=actor)


def extend(
    session: Session, nc: str, items: Sequence[wire.NcItem], *, now: datetime, actor: str | None = None
) -> Answer:
    """Hold more, as a precaution: what may be alike."""
    body = wire.NonconformityExtended(nc=nc, items=tuple(items))
    return request(session, "NonconformityExtended", body, now=now, actor=actor)


def contain(
    session: Session,
    nc: str,
    place: str,
    *,
    now: datetime,
    labelled: bool = False,
    note: str = "",
    actor: str | None = None,
) -> Answer:
    """Say where it lies and whether it carries the red label."""
    body = wire.NonconformityContained(nc=nc, place=place, labelled=labelled, note=note)
    return request(session, "NonconformityContained", body, now=now, actor=actor)


def analyse(session: Session, nc: str, cause: str, *, now: datetime, actor: str | None = None) -> Answer:
    """Say what was the matter."""
    body = wire.NonconformityAnalysed(nc=nc, cause=cause)
    return request(session, "NonconformityAnalysed", body, now=now, actor=actor)


def dispose(
    session: Session,
    nc: str,
    items: Sequence[int],
    disposition: Disposition,
    *,
    now: datetime,
    step: str = "",
    concession: str = "",
    why: str = "",
    actor: str | None = None,
) -> Answer:
    """Decide what becomes of items; all of them, or none when one may not be.

    Args:
        step: for rework and repair of units; the step that failed when not given.
        concession: for `use_as_is`.
        actor: who decides: the authority that the log retains.
    """
    body = wire.NonconformityDisposed(
        nc=nc,
        items=tuple(items),
        disposition=disposition,
        step=step,
        concession=concession,
        why=why,
        by_piece=True,
        at_gate=True,
    )
    return request(session, "NonconformityDisposed", body, now=now, actor=actor)


def grant(session: Session, body: wire.ConcessionGranted, *, now: datetime, actor: str | None = None) -> Answer:
    """Permit to use what does not conform, within bounds; the answer names the concession."""
    return request(session, "ConcessionGranted", body, now=now, actor=actor)


def treat(
    session: Session, nc: str, item: int, *, now: datetime, bad: int = 0, note: str = "", actor: str | None = None
) -> Answer:
    """The treatment of an item is done; `bad` pieces of a sorting become an item of their own."""
    body = wire.NonconformityTreated(nc=nc, item=item, bad=bad, note=note)
    return request(session, "NonconformityTreated", body, now=now, actor=actor)


def reverify(
    session: Session,
    nc: str,
    item: int,
    *,
    passed: bool,
    evidence: str,
    now: datetime,
    actor: str | None = None,
) -> Answer:
    """An item was verified again; failed, it waits for a new decision."""
    body = wire.NonconformityReverified(nc=nc, item=item, result="passed" if passed else "failed", evidence=evidence)
    return request(session, "NonconformityReverified", body, now=now, actor=actor)


def remark(
    session: Session,
    nc: str,
    *,
    now: datetime,
    text: str = "",
    received: Received | None = None,
    actor: str | None = None,
) -> Answer:
    """Comment, or file a picture or a paper; the file is kept by what it holds."""
    file = None
    if received is not None:
        described = certificates.described(received)
        if isinstance(described, str):
            return Answer(False, described, {})
        file = described
    body = wire.NonconformityRemarked(nc=nc, text=text, file=file)
    answer = request(session, "NonconformityRemarked", body, now=now, actor=actor)
    if answer.done and file is not None and received is not None:
        certificates.keep(session, file, received.content)
    return answer


def merge(session: Session, nc: str, into: str, *, now: datetime, actor: str | None = None) -> Answer:
    """It is the same as another one: its open items go there, and it says so."""
    body = wire.NonconformityMerged(nc=nc, into=into)
    return request(session, "NonconformityMerged", body, now=now, actor=actor)


def close(session: Session, nc: str, *, now: datetime, why: str = "", actor: str | None = None) -> Answer:
    """It is over; refused while an item is undecided, in treatment or to verify again."""
    return request(session, "NonconformityClosed", wire.NonconformityEnded(nc=nc, why=why), now=now, actor=actor)


def cancel(session: Session, nc: str, *, now: datetime, why: str, actor: str | None = None) -> Answer:
    """It was opened by mistake: what it holds goes free."""
    return request(session, "NonconformityCancelled", wire.NonconformityEnded(nc=nc, why=why), now=now, actor=actor)


def reopen(session: Session, nc: str, *, now: datetime, why: str, actor: str | None = None) -> Answer:
    """It was not over."""
    return request(session, "NonconformityReopened", wire.NonconformityEnded(nc=nc, why=why), now=now, actor=actor)


# --- what is read -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Alike:
    """A unit that may have the same fault, and what it shares: a component lot, an instrument, or station and hour."""

    unit: str
    why: AlikeWhy
    what: str


def alike(session: Session, nc: str, *, most: int = MOST_ALIKE) -> list[Alike]:
    """Units that may be concerned, too, and that nothing holds yet: the closest kinship first, one row a unit."""
    row = session.get(Nonconformity, nc)
    if row is None or not row.unit:
        return []
    taken = set(session.scalars(select(NcItem.subject).where(NcItem.nc == nc, NcItem.kind == "unit")))
    found: dict[str, Alike] = {}
    for each in (*_same_lot(session, row.unit), *_same_instrument(session, row), *_same_hour(session, row)):
        if each.unit not in taken:
            found.setdefault(each.unit, each)
    free = select(UnitRow.serial).where(
        UnitRow.serial.in_(found), UnitRow.nc.is_(None), UnitRow.state.in_(("waiting", "in_work", "done"))
    )
    able = set(session.scalars(free))
    return [each for each in found.values() if each.unit in able][:most]


def _same_lot(session: Session, unit: str) -> Iterator[Alike]:
    mine, other = Installation, Installation.__table__.alias("other")
    query = (
        select(other.c.unit, other.c.part, other.c.lot)
        .join(mine, (mine.part == other.c.part) & (mine.lot == other.c.lot))
        .where(mine.unit == unit, mine.removed_at.is_(None), other.c.unit != unit, other.c.removed_at.is_(None))
        .order_by(other.c.unit)
        .limit(500)
    )
    for serial, part, lot in session.execute(query):
        yield Alike(serial, "lot", f"{part} {lot}")


def _same_instrument(session: Session, row: Nonconformity) -> Iterator[Alike]:
    """Measured at the same step by an instrument that has measured this unit, on the same day."""
    day = row.opened_at[:10]
    mine = select(MeasuredWith.device).where(MeasuredWith.unit == row.unit, MeasuredWith.step == row.step)
    query = (
        select(MeasuredWith.unit, MeasuredWith.device)
        .where(
            MeasuredWith.device.in_(mine),
            MeasuredWith.step == row.step,
            MeasuredWith.unit != row.unit,
            MeasuredWith.at.between(day, f"{day}~"),
        )
        .order_by(MeasuredWith.at.desc())
        .limit(500)
    )
    for serial, device in session.execute(query):
        yield Alike(serial, "instrument", device)


def _same_hour(session: Session, row: Nonconformity) -> Iterator[Alike]:
    if not row.station:
        return
    at = datetime.fromisoformat(row.opened_at)
    query = (
        select(Visit.unit, Visit.station)
        .where(
            Visit.station == row.station,
            Visit.step == row.step,
            Visit.unit != row.unit,
            Visit.started_at.between(utc_text(at - AROUND), utc_text(at + AROUND)),
        )
        .order_by(Visit.started_at)
        .limit(500)
    )
    for serial, station in session.execute(query):
        yield Alike(serial, "hour", station)


def history(session: Session, nc: str) -> Sequence[Ledger]:
    """What has opened a nonconformity and what was done with it, the oldest first, from the ledger."""
    query = select(Ledger).join(NcEvent, NcEvent.event_id == Ledger.event_id).where(NcEvent.nc == nc)
    return session.scalars(query.order_by(NcEvent.n)).all()


def replaced(session: Session, nc: str, unit: str) -> bool:
    """Was one more unit released for this one, which is scrap?"""
    now_in, then_in = select(UnitRow.order).where(UnitRow.serial == unit), select(Nonconformity.order)
    asked = (
        select(Ledger.n)
        .join(OrderEvent, OrderEvent.event_id == Ledger.event_id)
        .where(
            or_(
                OrderEvent.order == now_in.scalar_subquery(),
                OrderEvent.order == then_in.where(Nonconformity.id == nc).scalar_subquery(),
            ),
            Ledger.kind == "OrderAmended",
            Ledger.body.contains(instead_of(nc, unit), autoescape=True),
        )
    )
    return session.scalar(asked.limit(1)) is not None


def instead_of(nc: str, unit: str) -> str:
    """The reason that an order carries for a replacement."""
    return f"{nc}: {unit} scrap"


def replacement(session: Session, nc: str, unit: str, *, now: datetime, actor: str | None = None) -> Answer:
    """One more unit on the order of one that is scrap; once for each."""
    row = session.get(UnitRow, unit)
    order = session.get(WorkOrder, row.order) if row else None
    if row is None or order is None:
        return Answer(False, "unknown_unit", {"unit": unit})
    if row.state != "scrapped" or replaced(session, nc, unit):
        return Answer(False, "nc_replaced", {"unit": unit})
    why = instead_of(nc, unit)
    return orders.amend(session, order.id, now=now, quantity=order.quantity + 1, why=why, actor=actor)


def check_files(session: Session) -> Iterator[Finding]:
    """Every file that a remark names: is it there, and what it was? One file in memory at a time."""
    named = select(NcRemark.nc, NcRemark.number, NcRemark.file_sha256).where(NcRemark.file_sha256.is_not(None))
    for nc, number, digest in session.execute(named.order_by(NcRemark.nc, NcRemark.number)).all():
        if digest and certificates.content_of(session, digest) is None:
            yield Finding(f"nonconformity {nc}/{number}", f"its file {digest} is missing or was altered")
