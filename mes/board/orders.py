"""Where the pieces of orders are: counted from states and tallies, for the board and for the office pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy.orm import Session

from mes.board.model import OrderProgress
from mes.board.rows import OrderRows, read_orders
from mes.domain.route import Plan, Product, Text

_OVER: Final = frozenset({"completed", "closed", "cancelled"})


def untranslated(name: str) -> Text:
    """A name that no plan translates, as it is."""
    return Text(fr=name[:200] or "?", en=name[:200] or "?")


def progress(session: Session, plan: Plan, orders: Sequence[str], *, today: date) -> dict[str, OrderProgress]:
    """Order id → its progress, for these orders in whatever state.

    Args:
        plan: the latest one, for orders that are not released yet.
        today: the plant's date, for what is late.
    """
    rows = read_orders(session, plan, orders)
    return {o.id: o for o in progress_of(rows, today)}


def progress_of(rows: OrderRows, today: date) -> tuple[OrderProgress, ...]:
    """The progress of the orders that were read, the earliest due first."""
    held: dict[str, dict[str, int]] = {}
    for nc in rows.ncs:
        if nc.unit_state is not None and nc.unit_state != "scrapped":
            states = held.setdefault(nc.order, {})
            states[nc.unit_state] = states.get(nc.unit_state, 0) + 1
    out = [_order(rows, row, held.get(row.id, {}), today) for row in rows.orders]
    return tuple(sorted(out, key=lambda o: (o.due or date.max, o.id)))


def _order(rows: OrderRows, row: Any, held: Mapping[str, int], today: date) -> OrderProgress:
    product = rows.plan_of(row.revision).product(row.product)
    due = date.fromisoformat(row.due) if row.due else None
    lot = product is not None and product.tracking == "lot"
    done, in_work, between, scrapped = _pieces(rows, row, product) if lot and product else _units(rows, row, held)
    blocked = 0 if lot else sum(held.values())
    return OrderProgress(
        id=row.id,
        product=product.name if product else untranslated(row.product),
        quantity=row.quantity,
        state=row.state,
        tracking="lot" if lot else "serial",
        done=done,
        in_work=in_work,
        between=between,
        held=blocked,
        scrapped=scrapped,
        to_start=max(0, row.quantity - done - in_work - between - blocked - scrapped),
        due=due,
        late_days=max(0, (today - due).days) if due and row.state not in _OVER else 0,
    )


def _units(rows: OrderRows, row: Any, held: Mapping[str, int]) -> tuple[int, int, int, int]:
    states = rows.states.get(row.id, {})
    free = {state: count - held.get(state, 0) for state, count in states.items()}
    return free.get("done", 0), free.get("in_work", 0), free.get("waiting", 0), states.get("scrapped", 0)


def _pieces(rows: OrderRows, row: Any, product: Product) -> tuple[int, int, int, int]:
    """Of a counted order: what the last step has found good, what the first one has and the last one has not."""
    counts = [rows.tallies.get((row.id, s.id), (0, 0)) for s in product.steps]
    done = counts[-1][0]
    begun = sum(counts[0])
    scrapped = sum(scrap for _, scrap in counts)
    return done, max(0, begun - done - scrapped), 0, scrapped
