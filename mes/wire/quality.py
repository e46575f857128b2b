"""Bodies: decisions on nonconformities."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mes.wire.envelope import Frozen, Id, OptionalId


class NonconformityDecided(Frozen):
    """What becomes of the held unit: back to a step, on as it was (not confirmed), or scrap."""

    nc: Id
    disposition: Literal["rework", "not_confirmed", "scrap"]
    step: OptionalId | None = None
    why: Annotated[str, Field(max_length=2_000)] = ""
