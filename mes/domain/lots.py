"""Component lots: may this lot be used on this day, and how many of its pieces are left?

Pure; the same rule at the server and at a bench without network, with what it was last told. It must not know who asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Standing = Literal["good", "held", "expired", "unknown"]
Policy = Literal["any", "known"]


@dataclass(frozen=True, slots=True)
class LotKnown:
    """What the rules need of a lot: whether it is held, its last day of use (empty: it has none), whether its receipt
    is on record."""

    held: bool = False
    expires: str = ""
    received: bool = True


def standing(lot: LotKnown | None, day: str, policy: Policy = "any") -> Standing:
    """How a lot stands on a day.

    Args:
        lot: None for one of which nothing is known.
        day: `YYYY-MM-DD`, the site's own day; a lot may be used to the end of its last day.
        policy: `known`: only a lot whose receipt is on record may be used; `any`: each that nothing speaks against.
    """
    if lot is not None and lot.held:
        return "held"
    if lot is not None and lot.expires and day > lot.expires:
        return "expired"
    return "unknown" if policy == "known" and (lot is None or not lot.received) else "good"


def left(received: int, used: int) -> int:
    """Pieces that should still be there; below zero when more went into units than ever came in."""
    return received - used
