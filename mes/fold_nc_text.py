"""Where the ledger tells of a nonconformity, and what the search of the log looks at.

The same contract as `mes.fold`. A database finds a word in one short text much faster than in six long ones, and it
does not know that `decollement` is `Décollement`: both are settled here, once, when something is said.
"""

from __future__ import annotations

from mes.domain.plain import plain
from mes.rows import NcEventRow, NcTextRow
from mes.verdicts import Entry
from mes.world import World


def told(world: World, entry: Entry, nc: str, *, remark: str = "") -> None:
    """An event has told something of a nonconformity, which stands in its row by now."""
    world.nc_events.put(NcEventRow(nc, entry.event_id))
    row, before = world.ncs.get(nc), world.nc_texts.get(nc)
    if row is None:
        return
    facts = plain(" ".join((row.id, row.title, row.requirement, row.reference, row.why, row.analysis)))
    remarks = " ".join(filter(None, (before.remarks if before else "", plain(remark))))
    after = NcTextRow(nc, facts, remarks)
    if after != before:
        world.nc_texts.put(after)
