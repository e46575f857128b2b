"""Bodies: lots that are accepted, or not, by a sample; and decisions on a series of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mes.wire.envelope import Count, Frozen, Id, OptionalId
from mes.wire.nonconformity import MAX_ITEMS, Said, Text
from mes.wire.packing import Sscc
from mes.wire.people import OneLine


class LotStated(Frozen):
    """What somebody wants to have accepted: of an order, what has passed a step and no lot holds yet; so many of it
    (`quantity`; 0: all); what is in its closed cartons; or a lot that was not accepted (`again`), after its treatment.
    """

    order: Id
    step: Id
    quantity: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    cartons: Annotated[tuple[Sscc, ...], Field(max_length=200)] = ()
    again: OptionalId = ""


class LotInspected(LotStated):
    """A sample of the lot was looked at. `size`, `severity` and `sample` are what the person has seen: with another
    plan in force nothing is judged.

    `found` are nonconforming; of units with serials `units` says which. `steady`: production ran without a long stop.
    `place`: where what is not accepted lies.
    """

    size: Annotated[int, Field(ge=1, le=1_000_000)]
    severity: Literal["normal", "tightened", "reduced"]
    sample: Annotated[int, Field(ge=1, le=1_000_000)]
    found: Count
    units: Annotated[tuple[Id, ...], Field(max_length=MAX_ITEMS)] = ()
    steady: bool = True
    place: OneLine = ""
    note: Text = ""


class SeriesDecided(Frozen):
    """The responsible authority lets sampling go on after it had stopped, or ends reduced inspection."""

    product: Id
    step: Id
    decision: Literal["resume", "normal"]
    why: Said
