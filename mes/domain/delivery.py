"""Delivery: what stands against goods leaving the shop, unit by unit and customer by customer.

Pure: values in, every reason against it out. It knows no table, no clock and no person. Source: ISO 9001:2015, 8.6
(nothing leaves without release) and 8.7 (nothing leaves that is held).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mes.domain.orders import Against
from mes.domain.release import Candidate


@dataclass(frozen=True, slots=True)
class Line:
    """One unit, or `quantity` pieces of one order, with the carton and the pallet that they are in; empty: in none."""

    order: str
    product: str
    unit: str | None
    quantity: int
    carton: str = ""
    pallet: str = ""


def against_unit(c: Candidate, reserved: str | None = None) -> list[Against]:
    """Everything that stands against a unit leaving; what cannot be cured comes alone.

    Args:
        c: the unit; its `release` is the one that covers it as it stands.
        reserved: another delivery that is prepared with it.
    """
    said = {"unit": c.unit.serial}
    if c.unit.state in ("scrapped", "withdrawn"):
        return [Against(f"unit_{c.unit.state}", said)]
    if c.unit.state == "done" and c.unit.delivery is not None:
        return [Against("unit_shipped", {**said, "delivery": c.unit.delivery})]
    found = [Against("release_nc", {**said, "nc": nc}) for nc in c.ncs]
    found += [Against("release_lot", {**said, "part": part, "lot": lot}) for part, lot in c.lots]
    if c.release is None:
        found.append(Against("delivery_not_released", said))
    if reserved is not None:
        found.append(Against("delivery_reserved", {**said, "delivery": reserved}))
    return found


def customer_of(named: str, orders: Mapping[str, str]) -> tuple[str, list[Against]]:
    """Who gets it, and what stands against there being one customer.

    Args:
        named: by who prepares it; empty: the orders' own.
        orders: order → its customer, empty where it names nobody.
    """
    wanted = named or next((customer for customer in orders.values() if customer), "")
    if not wanted:
        return "", [Against("delivery_no_customer", {})]
    others = [(order, got) for order, got in orders.items() if got and got != wanted]
    return wanted, [Against("delivery_customer", {"order": o, "got": got, "wanted": wanted}) for o, got in others]


def pieces_by_order(lines: Iterable[Line]) -> dict[str, int]:
    """Order → pieces that no serial names."""
    found: dict[str, int] = {}
    for line in lines:
        if line.unit is None:
            found[line.order] = found.get(line.order, 0) + line.quantity
    return found
