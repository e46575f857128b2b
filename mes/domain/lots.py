"""Component lots: may this lot be used on this day, and how many of its pieces are left?

Pure; the same rule at the server and at a bench without network, with what it was last told. It must not know who asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Standing = Literal["good", "held", "expired", "used_up", "unknown"]
Policy = Literal["any", "known"]


@dataclass(frozen=True, slots=True)
class LotKnown:
    """What the rules need of a lot: whether it is held, its last day of use (empty: it has none), whether its receipt
    is on record. Under a concession, `conceded` says how many pieces may still go in, `conceded_until` until when."""

    held: bool = False
    expires: str = ""
    received: bool = True
    conceded: int | None = None
    conceded_until: str = ""


def standing(lot: LotKnown | None, day: str, policy: Policy = "any", *, quantity: int = 1) -> Standing:
    """How a lot stands on a day.

    Args:
        lot: None for one of which nothing is known.
        day: `YYYY-MM-DD`, the site's own day; a lot may be used to the end of its last day.
        policy: `known`: only a lot whose receipt is on record may be used; `any`: each that nothing speaks against.
        quantity: pieces that are to go in.
    """
    if lot is not None and lot.held:
        return "held"
    if lot is not None and any(last and day > last for last in (lot.expires, lot.conceded_until)):
        return "expired"
    if lot is not None and lot.conceded is not None and quantity > lot.conceded:
        return "used_up"
    return "unknown" if policy == "known" and (lot is None or not lot.received) else "good"


def left(received: int, used: int) -> int:
    """Pieces that should still be there; below zero when more went into units than ever came in."""
    return received - used
