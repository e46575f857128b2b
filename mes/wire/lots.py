"""Bodies: component lots, from their receipt to what is held because of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mes.wire.envelope import Day, Frozen, Id, OptionalId
from mes.wire.people import OneLine


class LotReceived(Frozen):
    """Pieces of a component lot came in. The second time more of the same lot came; what is empty stays as it was.

    `owner`: whose they are, our own or a customer's who lets us use them up. `expires` is the last day of use.
    """

    part: Id
    lot: Id
    quantity: Annotated[int, Field(ge=1, lt=10**9)]
    received: Day
    supplier: OneLine = ""
    supplier_lot: OptionalId = ""
    owner: Literal["ours", "customer"] = "ours"
    customer: OneLine = ""
    delivery: OptionalId = ""
    expires: Day | None = None


class LotChanged(Frozen):
    """A component lot is held or released again."""

    part: Id
    lot: Id
    why: Annotated[str, Field(max_length=500)] = ""


class UnitHeld(Frozen):
    """A unit is blocked because of a component lot that is in it, until somebody has decided on it."""

    unit: Id
    part: Id
    lot: Id
    why: Annotated[str, Field(min_length=1, max_length=500)]
