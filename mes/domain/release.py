"""Release: what stands against letting a unit, or counted pieces, leave the shop.

Pure: values in, every reason against it out. It knows no table, no clock and no person. Source: ISO 9001:2015, 8.6: no
release before the planned arrangements are satisfied, and the person who authorises it is on record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mes.domain.gate import Unit, name_of_step
from mes.domain.orders import Against
from mes.domain.route import Product

OVER = ("closed", "cancelled")
"""States of a nonconformity in which it stands against nothing any more."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit that somebody wants to release.

    `ncs` are its nonconformities that are not over, `lots` the held lots (part, lot) that are in it, `release` the
    number of the release that covers it already.
    """

    unit: Unit
    ncs: Sequence[str] = ()
    lots: Sequence[tuple[str, str]] = ()
    release: str | None = None


def against_unit(c: Candidate, product: Product) -> list[Against]:
    """Everything that stands against releasing a unit; what cannot be cured comes alone."""
    said = {"unit": c.unit.serial}
    if c.unit.state in ("scrapped", "withdrawn"):
        return [Against(f"unit_{c.unit.state}", said)]
    if c.release is not None:
        return [Against("release_already", {**said, "release": c.release})]
    found = [Against("release_nc", {**said, "nc": nc}) for nc in c.ncs]
    if c.unit.state != "done":
        found.append(Against("release_route", {**said, "step": name_of_step(product, c.unit.step)}))
    else:
        failed = [s.id for s in product.steps if s.tests and c.unit.results.get(s.id, "passed") != "passed"]
        found += [Against("release_failed", {**said, "step": name_of_step(product, step)}) for step in failed]
    found += [Against("release_lot", {**said, "part": part, "lot": lot}) for part, lot in c.lots]
    return found


def against_pieces(order: str, *, quantity: int, free: int, ncs: Sequence[str]) -> list[Against]:
    """Everything that stands against releasing so many pieces of a counted order.

    Args:
        free: good pieces at the last step that no release covers yet.
        ncs: nonconformities of the order that are not over.
    """
    found = [Against("release_nc", {"unit": order, "nc": nc}) for nc in ncs]
    if quantity > free:
        found.append(Against("release_too_many", {"order": order, "count": free, "quantity": quantity}))
    return found
