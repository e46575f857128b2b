"""Work orders: create, release, hold, resume, close, cancel. One function a verb; the caller commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mes import ledger, wire
from mes.db.tables import PlanRevision, WorkOrder
from mes.domain.reasons import sentence

NewId = Callable[[], str]


def new_id() -> str:
    """A random event id."""
    return str(uuid4())


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request from the office: done, or refused with a reason."""

    done: bool
    reason: str
    args: Mapping[str, Any]

    def say(self, language: str) -> str:
        """The reason as one sentence, with what to do next."""
        first, then = sentence(self.reason, self.args, language)
        return f"{first} {then}".strip()


def request(session: Session, kind: str, body: wire.Frozen, *, now: datetime, actor: str | None) -> Answer:
    """Put a person's action through the ledger; a refused one leaves nothing behind.

    Args:
        kind, body: one of `wire.OFFICE_KINDS`.
        actor: pseudonymous id of who acts; None at the command line.

    Raises:
        RuntimeError: when the server does not understand its own action: a bug, and nothing is written.
    """
    entry = ledger.office_entry(kind, body, event_id=new_id(), actor=actor, now=now)
    (judged,) = ledger.record(session, [entry], keep_refused=False)
    if judged.status != "recorded":
        raise RuntimeError(f"{kind}: {judged.args.get('why', judged.status)}")
    return Answer(judged.verdict == "accepted", judged.reason, judged.args)


def next_order_id(session: Session, pattern: str, *, today: date) -> str:
    """The next free number of the plant's pattern, such as `OF-{yyyy}-{n:03}`."""
    taken = set(session.scalars(select(WorkOrder.id)))
    n = 1 + (session.scalar(select(func.count()).select_from(WorkOrder)) or 0)
    while (name := pattern.format(yyyy=today.year, yy=today.year % 100, n=n)) in taken:
        n += 1
    return name


def create(
    session: Session,
    order: str,
    product: str,
    quantity: int,
    *,
    now: datetime,
    due: date | None = None,
    customer: str = "",
    note: str = "",
    actor: str | None = None,
) -> Answer:
    """Plan a quantity of one product."""
    body = wire.OrderCreated(
        order=order,
        product=product,
        quantity=quantity,
        due=due.isoformat() if due else None,
        customer=customer,
        note=note,
    )
    return request(session, "OrderCreated", body, now=now, actor=actor)


def release(session: Session, order: str, *, now: datetime, actor: str | None = None) -> Answer:
    """Let the floor begin: pin the order to the latest plan and reserve its serials."""
    revision = session.scalar(select(func.max(PlanRevision.revision))) or 0
    if not revision:
        return Answer(False, "no_plan", {})
    body = wire.OrderReleased(order=order, revision=revision)
    return request(session, "OrderReleased", body, now=now, actor=actor)


def _change(kind: str) -> Callable[..., Answer]:
    def verb(session: Session, order: str, *, now: datetime, why: str = "", actor: str | None = None) -> Answer:
        body = wire.OrderChanged(order=order, why=why)
        return request(session, kind, body, now=now, actor=actor)

    return verb


hold = _change("OrderHeld")
"""Stop new units from entering; what is on a bench may be finished."""
resume = _change("OrderResumed")
"""Let units enter again."""
close = _change("OrderClosed")
"""End an order; refused while units are open."""
cancel = _change("OrderCancelled")
"""Give up an order on which no work has begun."""
