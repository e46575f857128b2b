"""Bodies: the plan, and what an administrator does to stations."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from mes.wire.envelope import Frozen, Id, Sha256, UuidText


class PlanPublished(Frozen):
    """A plan revision with all that it says."""

    revision: Annotated[int, Field(ge=1)]
    hash: Sha256
    content: dict[str, Any]


class StationEnrolled(Frozen):
    """A station PC was let in."""

    station: Id
    machine_id: Annotated[str, Field(max_length=128)]


class StationNamed(Frozen):
    """A station was shut out, or somebody has seen to its alarm."""

    station: Id


class TokenRotated(Frozen):
    """A station used its new key for the first time: the one before it is dead."""

    station: Id
    machine_id: Annotated[str, Field(max_length=128)]


class StationAlarm(Frozen):
    """Something is wrong with a station's key: a second machine, a copy of it, a foreign stream, a used code."""

    station: Id
    alarm: Literal["machine", "boot", "stream", "code"]
    machine_id: Annotated[str, Field(max_length=128)] = ""


class EventRequeued(Frozen):
    """A quarantined event is tried again by a server that may understand it now."""

    event_id: UuidText
