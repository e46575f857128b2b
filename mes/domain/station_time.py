"""Which resource state a station is in, in the words of SEMI E10 as IPC-CFX uses them.

Pure. It says whether the *station* works, waits or is broken. That a station waits never says why: a pause, an empty
bench and an absent operator are one state, so that no record tells what a person did with the minutes of a day.
"""

from __future__ import annotations

from typing import Final, Literal

Resource = Literal["PRD", "SBY", "ENG", "SDT", "USD", "NST"]
WAITING: Final = "SBY"


def resource(
    *, told: str, paused: bool, signed_in: bool, faults: int, units: int, alone: int, counting: bool
) -> Resource:
    """The state of a station.

    Args:
        told: what the station itself said last (`StationStateChanged`).
        paused: was that a pause?
        signed_in: is somebody at work there?
        faults: devices that do not work.
        units: units in work there.
        alone: how many of them run by themselves (burn-in): they need nobody beside them.
        counting: are pieces of a counted order being worked on? From their first count until the bench is left.

    Returns:
        `USD` while a device is broken, `PRD` while something is being made, what the station said where it said more
        than that (`ENG`, `SDT`, `NST`), `SBY` otherwise.
    """
    if faults:
        return "USD"
    if alone:
        return "PRD"
    if told in ("ENG", "SDT", "USD", "NST"):
        return told  # type: ignore[return-value]
    if signed_in and not paused and (units or counting):
        return "PRD"
    return WAITING
