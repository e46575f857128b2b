"""What the ledger tells of an order: each transition with its time and reason, and who in the office decided.

`order_event` says which rows those are, so a page costs as much as the order's own history. A row of the floor stands
here only where it has moved the order, and never with the operator.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes.db.tables import Account, Ledger, OrderEvent

MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Told:
    """One row: `state` is the order's afterwards; `by` the login of who decided in the office, else empty."""

    at: str
    kind: str
    state: str
    said: Mapping[str, Any]
    by: str

    @property
    def floor(self) -> bool:
        """Has work at a bench moved it, rather than somebody in the office?"""
        return not self.kind.startswith(("Order", "Serials"))


def of_order(session: Session, order: str) -> list[Told]:
    """The newest rows of an order, the oldest of them first."""
    rows = session.execute(
        select(OrderEvent.at, OrderEvent.state, Ledger.kind, Ledger.source, Ledger.body, Ledger.operator, Account.login)
        .join(OrderEvent, OrderEvent.event_id == Ledger.event_id)
        .outerjoin(Account, (Account.person == Ledger.operator) & (Ledger.source == "office"))
        .where(OrderEvent.order == order)
        .order_by(OrderEvent.n.desc())
        .limit(MOST)
    ).all()
    return [
        Told(
            at=r.at,
            kind=r.kind,
            state=r.state,
            said=json.loads(r.body) if r.source == "office" else {},
            by=r.login or r.operator or "" if r.source == "office" else "",
        )
        for r in reversed(rows)
    ]
