"""Component lots: receive, hold, release, and hold the units that contain one. One function a verb; the caller commits.

What is read of lots is in `mes.lot_pages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import ledger, wire
from mes.db.tables import Installation, UnitRow
from mes.instruments import line
from mes.lot_sheet import Row
from mes.orders import Answer, ImportRefused, new_id, request


def receive(
    session: Session,
    part: str,
    lot: str,
    quantity: int,
    *,
    now: datetime,
    received: date,
    supplier: str = "",
    supplier_lot: str = "",
    customer: str = "",
    delivery: str = "",
    expires: date | None = None,
    actor: str | None = None,
) -> Answer:
    """Record that pieces of a lot came in; more of the same lot adds to it.

    Args:
        received: the day, at the site.
        customer: whose the pieces are, when they are a customer's own stock; empty for ours.
        delivery: the number of the supplier's delivery note.
        expires: the last day of use.
    """
    try:
        body = wire.LotReceived(
            part=part,
            lot=lot,
            quantity=quantity,
            received=received.isoformat(),
            supplier=line(supplier),
            supplier_lot=line(supplier_lot)[:64],
            owner="customer" if customer else "ours",
            customer=line(customer),
            delivery=line(delivery)[:64],
            expires=expires.isoformat() if expires else None,
        )
    except ValidationError:
        return Answer(False, "receipt_form", {})
    return request(session, "LotReceived", body, now=now, actor=actor)


def receive_all(session: Session, rows: Sequence[Row], *, now: datetime, actor: str | None = None) -> int:
    """Record every receipt of a sheet, or none of them.

    Returns:
        How many.

    Raises:
        ImportRefused: at the first row that may not be; the transaction must not be committed.
    """
    for row in rows:
        answer = receive(
            session,
            row.part,
            row.lot,
            row.quantity,
            now=now,
            received=row.received,
            supplier=row.supplier,
            supplier_lot=row.supplier_lot,
            customer=row.customer,
            delivery=row.delivery,
            expires=row.expires,
            actor=actor,
        )
        if not answer.done:
            raise ImportRefused(row.line, answer)
    return len(rows)


def hold(session: Session, part: str, lot: str, *, now: datetime, why: str, actor: str | None = None) -> Answer:
    """Block a component lot: the gate refuses it from now on."""
    return request(session, "LotHeld", wire.LotChanged(part=part, lot=lot, why=why), now=now, actor=actor)


def release(session: Session, part: str, lot: str, *, now: datetime, why: str = "", actor: str | None = None) -> Answer:
    """Let a component lot be used again."""
    return request(session, "LotReleased", wire.LotChanged(part=part, lot=lot, why=why), now=now, actor=actor)


def hold_units(
    session: Session,
    part: str,
    lot: str,
    *,
    now: datetime,
    why: str,
    units: Sequence[str] | None = None,
    actor: str | None = None,
) -> Answer:
    """Block units that contain the lot, each by a nonconformity of its own; those that are blocked already stay so.

    Args:
        units: these; None: all that contain it now.

    Returns:
        With `count`, how many were blocked; refused when there was none that could be, and at the first of the named
        ones that may not be.
    """
    if not why:
        return Answer(False, "why_needed", {})
    inside = select(Installation.unit).where(
        Installation.part == part, Installation.lot == lot, Installation.removed_at.is_(None)
    )
    free = select(UnitRow.serial).where(
        UnitRow.serial.in_(inside), UnitRow.nc.is_(None), UnitRow.state.not_in(("scrapped", "withdrawn"))
    )
    if units is not None:
        free = free.where(UnitRow.serial.in_(list(units)))
    wanted = list(session.scalars(free.order_by(UnitRow.serial)))
    if not wanted:
        return Answer(False, "no_units_to_hold", {"part": part, "lot": lot})
    bodies = [wire.UnitHeld(unit=unit, part=part, lot=lot, why=why) for unit in wanted]
    entries = [ledger.office_entry("UnitHeld", b, event_id=new_id(), actor=actor, now=now) for b in bodies]
    for judged in ledger.record(session, entries, keep_refused=False):
        if judged.status != "recorded":
            raise RuntimeError(f"UnitHeld: {judged.args.get('why', judged.status)}")
        if judged.verdict != "accepted":
            return Answer(False, judged.reason, judged.args)
    return Answer(True, "noted", {"part": part, "lot": lot, "count": len(wanted)})
