"""Work orders: create, change, split, release, hold, resume, close, cancel. One function a verb; the caller commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from mes import fold_sampled, fold_serials, ledger, wire
from mes.db.tables import Nonconformity, PlanRevision, Release, ReleasedUnit, Tally, UnitRow, WorkOrder
from mes.domain import orders as rules
from mes.domain.orders import Against
from mes.domain.reasons import sentence
from mes.order_sheet import Row
from mes.world import World

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


def request(session: Session, kind: str, body: wire.Frozen, *, now: datetime, actor: str | None, v: int = 1) -> Answer:
    """Put a person's action through the ledger; a refused one leaves nothing behind.

    Args:
        kind, body: one of `wire.OFFICE_KINDS`.
        actor: pseudonymous id of who acts; None at the command line.

    Raises:
        RuntimeError: when the server does not understand its own action: a bug, and nothing is written.
    """
    entry = ledger.office_entry(kind, body, event_id=new_id(), actor=actor, now=now, v=v)
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
    reference: str = "",
    priority: int = 2,
    actor: str | None = None,
) -> Answer:
    """Plan a quantity of one product; `reference` is the customer's own, `priority` 1 (urgent) to 3 (can wait)."""
    body = wire.OrderCreated(
        order=order,
        product=product,
        quantity=quantity,
        due=due.isoformat() if due else None,
        customer=customer,
        note=note,
        reference=reference,
        priority=priority,
    )
    return request(session, "OrderCreated", body, now=now, actor=actor)


class ImportRefused(Exception):
    """One row of a sheet could not be created: the caller's transaction takes all of them back."""

    def __init__(self, line: int, answer: Answer) -> None:
        super().__init__(f"line {line}: {answer.reason}")
        self.line = line
        self.answer = answer


def create_all(
    session: Session, rows: Sequence[Row], pattern: str, *, now: datetime, today: date, actor: str | None = None
) -> list[str]:
    """Plan every order of a sheet, or none of them; a row without a number gets the plant's next.

    Returns:
        The order numbers.

    Raises:
        ImportRefused: at the first row that may not be; the transaction must not be committed.
    """
    made: list[str] = []
    for row in rows:
        order = row.order or next_order_id(session, pattern, today=today)
        answer = create(
            session,
            order,
            row.product,
            row.quantity,
            now=now,
            due=row.due,
            customer=row.customer,
            note=row.note,
            reference=row.reference,
            priority=row.priority,
            actor=actor,
        )
        if not answer.done:
            raise ImportRefused(row.line, answer)
        made.append(order)
    return made


def taken(session: Session) -> set[str]:
    """The order numbers that are there."""
    return set(session.scalars(select(WorkOrder.id)))


def release(session: Session, order: str, *, now: datetime, actor: str | None = None) -> Answer:
    """Let the floor begin: pin the order to the latest plan and reserve its serials."""
    revision = session.scalar(select(func.max(PlanRevision.revision))) or 0
    if not revision:
        return Answer(False, "no_plan", {})
    body = wire.OrderReleased(order=order, revision=revision)
    return request(session, "OrderReleased", body, now=now, actor=actor)


def amend(
    session: Session,
    order: str,
    *,
    now: datetime,
    quantity: int | None = None,
    due: date | Literal[""] | None = None,
    customer: str | None = None,
    reference: str | None = None,
    priority: int | None = None,
    note: str | None = None,
    why: str = "",
    actor: str | None = None,
) -> Answer:
    """Change what is given; None stays as it is, an empty `due` takes the date away.

    More pieces get serials; fewer: only those go that have not begun.
    """
    body = wire.OrderAmended(
        order=order,
        quantity=quantity,
        due=due.isoformat() if isinstance(due, date) else due,
        customer=customer,
        reference=reference,
        priority=priority,
        note=note,
        why=why,
    )
    return request(session, "OrderAmended", body, now=now, actor=actor)


def split(
    session: Session,
    order: str,
    to: str,
    quantity: int,
    *,
    now: datetime,
    due: date | None = None,
    why: str = "",
    actor: str | None = None,
) -> Answer:
    """Take so many pieces that have not begun into a new order; their serials go along."""
    body = wire.OrderSplit(order=order, to=to, quantity=quantity, due=due.isoformat() if due else None, why=why)
    return request(session, "OrderSplit", body, now=now, actor=actor)


def give_serials(
    session: Session, order: str, serials: Sequence[str], *, now: datetime, actor: str | None = None
) -> Answer:
    """Give a planned order the serials of its units; all of them, or the answer names the first that may not be."""
    if not 0 < len(serials) <= wire.MOST_SERIALS:
        row = session.get(WorkOrder, order)
        said = {"order": order, "count": len(serials), "quantity": row.quantity if row else 0}
        return Answer(False, "serials_count", said)
    wrong = next((s for s in serials if not 0 < len(s) <= 64 or not s.isascii() or not s.isprintable()), None)
    if wrong is not None:
        return Answer(False, "serial_form", {"serial": wrong[:64]})
    body = wire.SerialsGiven(order=order, serials=tuple(serials))
    return request(session, "SerialsGiven", body, now=now, actor=actor)


def serials_in_use(session: Session, order: str, serials: Sequence[str]) -> set[str]:
    """Those of the serials that this order can no more be given: they are another unit's, or a label says them."""
    return fold_serials.taken(World(session), order, serials)


def serials_of_list(session: Session, order: str) -> list[str]:
    """The serials that a planned order has been given, in order of their text; empty when it has no list."""
    row = session.get(WorkOrder, order)
    if row is None or row.state != "planned" or not row.given:
        return []
    mine = select(UnitRow.serial).where(UnitRow.order == order, UnitRow.state == "reserved")
    return list(session.scalars(mine.order_by(UnitRow.serial)))


def _change(kind: str, v: int = 1) -> Callable[..., Answer]:
    def verb(session: Session, order: str, *, now: datetime, why: str = "", actor: str | None = None) -> Answer:
        body = wire.OrderChanged(order=order, why=why)
        return request(session, kind, body, now=now, actor=actor, v=v)

    return verb


hold = _change("OrderHeld", 2)
"""Stop new units from entering; what is on a bench may be finished."""
resume = _change("OrderResumed")
"""Let units enter again."""
take_serials_back = _change("SerialsTakenBack")
"""Take a planned order's list of serials away; they are free again as long as no label says them."""
cancel = _change("OrderCancelled")
"""Give up an order on which no work has begun."""


def against_closing(session: Session, order: str) -> list[Against]:
    """Everything that stands against closing an order; empty for one that there is not."""
    row = session.get(WorkOrder, order)
    if row is None:
        return []
    mine = select(UnitRow.state, func.count()).where(UnitRow.order == order).group_by(UnitRow.state)
    states: dict[str, int] = {state: count for state, count in session.execute(mine)}  # noqa: C416
    ncs = session.scalars(
        select(Nonconformity.id)
        .where(Nonconformity.order == order, Nonconformity.state.not_in(("closed", "cancelled")))
        .order_by(Nonconformity.id)
    ).all()
    by_count = not states and row.revision > 0 and row.scanned is None
    good = _counted_good(session, order, row.open_units, row.quantity) if by_count else states.get("done", 0)
    good -= fold_sampled.scrapped_pieces(World(session), order) if by_count else 0
    to_scan = max(0, row.quantity - row.scanned) if row.scanned is not None else 0
    standing = rules.Standing(
        order=order,
        quantity=row.quantity,
        good=good,
        not_begun=states.get("reserved", 0) + to_scan if row.revision else row.quantity,
        in_work=states.get("waiting", 0) + states.get("in_work", 0),
        to_count=max(0, row.open_units) if by_count else 0,
        ncs=ncs,
        unreleased=max(0, good - released_count(session, order, counted=by_count)),
    )
    return rules.preflight(standing)


def _counted_good(session: Session, order: str, left: int, quantity: int) -> int:
    """The good pieces of a counted order: all that are neither left to count nor scrap."""
    scrap = select(func.sum(Tally.quantity)).where(Tally.order == order, Tally.defect != "")
    return quantity - max(0, left) - (session.scalar(scrap) or 0)


def released_count(session: Session, order: str, *, counted: bool) -> int:
    """How many finished units or pieces of an order a release covers now."""
    if counted:
        return session.scalar(select(func.sum(Release.quantity - Release.back)).where(Release.order == order)) or 0
    covered = select(func.count()).select_from(UnitRow).join(ReleasedUnit, ReleasedUnit.unit == UnitRow.serial)
    return session.scalar(covered.where(UnitRow.order == order, released_now())) or 0


def released_goods(session: Session, order: str) -> int:
    """How many units or pieces of an order may leave, or have left."""
    serials = session.scalar(select(func.count()).select_from(UnitRow).where(UnitRow.order == order)) or 0
    return released_count(session, order, counted=not serials)


def released_now() -> ColumnElement[bool]:
    """The condition that a unit's release holds; of a join of units and `released_unit`."""
    return and_(ReleasedUnit.back.is_(False), ReleasedUnit.since == UnitRow.since, UnitRow.state == "done")


def close(
    session: Session, order: str, *, now: datetime, why: str = "", waive: bool = False, actor: str | None = None
) -> Answer:
    """End an order; refused while anything stands against it.

    Args:
        waive: somebody of quality closes it although pieces are missing, and says why. Open units and open
            nonconformities cannot be waived.
    """
    against = against_closing(session, order)
    waived = [a for a in against if a.waivable and waive and why]
    body = wire.OrderClosed(order=order, why=why, despite=tuple(a.reason for a in waived))
    stands = next((a for a in against if a not in waived), None)
    row = session.get(WorkOrder, order)
    may_close = row is not None and rules.after("OrderClosed", row.state) is not None
    if stands is not None and row is not None and may_close and row.open_units <= 0:
        return Answer(False, stands.reason, stands.args)
    return request(session, "OrderClosed", body, now=now, actor=actor)
