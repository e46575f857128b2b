"""The way of each unit through the shop, folded: when it began, when it was over, and how.

The same contract as `mes.fold`: called where a unit's state moves, never by anybody else. It says when, and nobody
stands in it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mes.domain.gate import Unit
from mes.rows import PassageRow
from mes.verdicts import Entry
from mes.world import World

OVER: Final = ("done", "scrapped", "withdrawn")


def follow(world: World, entry: Entry, before: Unit, after: Unit) -> None:
    """A unit begins when it first stands on a bench; it is over when it is finished, lost or taken back.

    One that comes back is on its way again, from its first beginning on. One that is lost before it has begun was
    never on its way.
    """
    if before.state == after.state:
        return
    if before.state == "reserved":
        if after.state in ("waiting", "in_work", "done"):
            ended = entry.at if after.state == "done" else None
            world.passages.put(PassageRow(after.serial, after.product, entry.at, ended, after.state if ended else None))
        return
    over = after.state in OVER
    if not over and before.state not in OVER:
        return
    row = world.passages.get(after.serial)
    if row is None:
        return
    if not over:
        world.passages.put(replace(row, ended_at=None, result=None))
    else:  # what is lost after its end ended then; a clock that was set back ends nothing before it began
        at = row.ended_at or max(entry.at, row.began_at)
        world.passages.put(replace(row, ended_at=at, result=after.state))
