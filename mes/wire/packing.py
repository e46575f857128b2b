"""Bodies of cartons and pallets: what the packing bench reports, and what the office does with them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mes.wire.envelope import Frozen, Id
from mes.wire.floor import Measurement

Sscc = Annotated[str, Field(pattern=r"^[0-9]{18}$")]
Pieces = Annotated[int, Field(ge=1, le=1_000_000)]
Why = Annotated[str, Field(max_length=500)]
Level = Literal["carton", "pallet"]
MOST_NUMBERS = 500
"""Numbers that are drawn at once."""


class CartonsNumbered(Frozen):
    """So many SSCCs are drawn, for any content or for one order; the ledger's answer names them."""

    count: Annotated[int, Field(ge=1, le=MOST_NUMBERS)]
    level: Level = "carton"
    order: Id | None = None


class CartonWanted(Frozen):
    """The bench wants a carton or pallet with a new number; the answer names it."""

    level: Level = "carton"


class CartonOpened(Frozen):
    """A carton came to the bench to be packed. With `asks` it is a request; the answer says what is in it."""

    carton: Sscc
    scan: str = ""


class _Content(Frozen):
    """What goes in or comes out: one `unit`, `quantity` pieces of a counted `order`, or one `inner` carton."""

    carton: Sscc
    unit: Id | None = None
    order: Id | None = None
    quantity: Pieces = 1
    inner: Sscc | None = None
    scan: str = ""
    why: Why = ""


class UnitsPacked(_Content):
    """Something went into a carton, or a carton onto a pallet. The event id is the packing's id."""


class UnitsUnpacked(_Content):
    """It came out again: by UNDO at the bench, or with a reason."""


class CartonWeighed(Frozen):
    """What the scale says of a carton with all that is in it, as it was then."""

    carton: Sscc
    reading: Measurement


class CartonClosed(Frozen):
    """A carton is closed: nothing goes in or out from here on. `partial`: it is not full, and shall stay so."""

    carton: Sscc
    partial: bool = False


class CartonChanged(Frozen):
    """A closed carton is opened again, or somebody has looked at a held one, with the reason."""

    carton: Sscc
    why: Annotated[str, Field(min_length=1, max_length=500)]
