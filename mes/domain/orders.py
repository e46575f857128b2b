"""The life of a work order: which state follows which, what may be changed when, and what stands against closing it.

Pure: values in, decisions out. It knows no table, no clock and no person; who asked and why stands in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mes.domain.gate import OPEN_ORDERS

ORDER_STATES: Final[dict[str, dict[str, str]]] = {
    "planned": {"fr": "prévu", "en": "planned"},
    "released": {"fr": "lancé", "en": "released"},
    "in_work": {"fr": "en cours", "en": "in work"},
    "on_hold": {"fr": "en attente", "en": "on hold"},
    "completed": {"fr": "terminé", "en": "completed"},
    "closed": {"fr": "fermé", "en": "closed"},
    "cancelled": {"fr": "annulé", "en": "cancelled"},
}

ORDER_LIFE: Final[dict[str, dict[str, str]]] = {
    # event             from: to
    "OrderReleased": {"planned": "released"},
    "OrderHeld": {"released": "on_hold", "in_work": "on_hold"},
    "OrderResumed": {"on_hold": "in_work"},
    "OrderClosed": {"completed": "closed", "in_work": "closed", "released": "closed", "on_hold": "closed"},
    "OrderCancelled": {"planned": "cancelled", "released": "cancelled", "on_hold": "cancelled"},
    "OrderAmended": {s: s for s in ("planned", "released", "in_work", "on_hold")},
    "OrderSplit": {s: s for s in ("planned", "released", "in_work", "on_hold")},
}
"""What people ask for. `in_work` and `completed` are not asked for: they follow from the floor (`on_floor`)."""

LIVING: Final = ("planned", "released", "in_work", "on_hold")


def after(event: str, state: str, *, held_from: str = "", left: int = 1) -> str | None:
    """The state that a request leads to; None where it is not possible.

    Args:
        event: one of `ORDER_LIFE`.
        state: where the order is.
        held_from: the state that a hold has interrupted; empty where no hold is, or where the row of an older version
            does not tell: then work is taken to have begun.
        left: units or pieces that are neither finished nor scrapped.
    """
    to = ORDER_LIFE[event].get(state)
    if state != "on_hold" or to is None:
        return to
    if event == "OrderCancelled":
        return to if held_from == "released" else None  # what has begun is finished or scrapped, then closed
    if event == "OrderResumed" and held_from:
        return held_from if left else "completed"
    return to


def on_floor(state: str, held_from: str, *, begun: bool, left: int) -> tuple[str, str]:
    """What the floor does to an order: the first arrival or count puts it in work, the last one completes it, and a
    finished unit that goes back on its route puts it in work again.

    Returns:
        The state, and the state that a hold has interrupted.
    """
    if begun and state == "released":
        state = "in_work"
    if begun and held_from == "released":
        held_from = "in_work"
    if left == 0 and state in OPEN_ORDERS:
        state = "completed"
    if left and state == "completed":
        state = "in_work"
    if left and held_from == "completed":
        held_from = "in_work"
    return state, held_from


@dataclass(frozen=True, slots=True)
class Standing:
    """How an order stands, as far as closing it asks; units of a counted order are its pieces."""

    order: str
    quantity: int
    good: int
    not_begun: int = 0
    in_work: int = 0
    to_count: int = 0
    ncs: Sequence[str] = ()
    unreleased: int = 0


@dataclass(frozen=True, slots=True)
class Against:
    """One reason against closing: a code of `mes.domain.reasons`, and whether quality may close all the same."""

    reason: str
    args: Mapping[str, Any] = field(default_factory=dict)
    waivable: bool = False


def preflight(s: Standing) -> list[Against]:
    """Everything that stands against closing, what must be done on the floor first.

    Only a quantity that will never come (scrap) can be waived: what is open has its own way out.
    """
    said = {"order": s.order}
    found: list[Against] = []
    if s.not_begun:
        found.append(Against("close_not_begun", {**said, "count": s.not_begun}))
    if s.in_work:
        found.append(Against("close_in_work", {**said, "count": s.in_work}))
    if s.to_count:
        found.append(Against("close_to_count", {**said, "count": s.to_count}))
    found += [Against("close_nc_open", {**said, "nc": nc}) for nc in s.ncs]
    if s.unreleased:
        found.append(Against("close_not_released", {**said, "count": s.unreleased}))
    missing = s.quantity - s.good
    if missing > 0 and not (s.not_begun or s.in_work or s.to_count):
        found.append(Against("close_missing", {**said, "count": missing, "quantity": s.quantity}, waivable=True))
    return found
