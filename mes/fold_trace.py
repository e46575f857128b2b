"""Traceability, folded: where the ledger tells of a unit, and which dossiers and papers were given out.

The same contract as `mes.fold`: values from the entry only; a request that may not be changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mes import wire
from mes.rows import IssuedDossierRow, IssuedPaperRow, UnitEventRow
from mes.verdicts import Entry, Judged, no, yes
from mes.world import Shelf, World

TOLD: Final = frozenset({"UnitsTested", "UnitsInspected", "UnitsRepaired", "UnitsDisqualified"})
"""What no state row keeps. The migration that made the table knows the same four."""


def note(world: World, entry: Entry, unit: str) -> None:
    """Remember that this event tells of the unit. Whatever the rules say of it, it has happened."""
    if entry.kind in TOLD:
        world.unit_events.put(UnitEventRow(unit, entry.event_id))


def _issued(world: World, entry: Entry, body: wire.DossierIssued) -> Judged:
    if world.units.get(body.unit) is None:
        return no(entry, "unknown_unit", unit=body.unit)
    known = world.dossiers.get(body.sha256)
    row = known or IssuedDossierRow(body.sha256, body.unit, body.language, body.facts_at, entry.at, 0)
    world.dossiers.put(replace(row, times=row.times + 1))
    return yes(entry, unit=body.unit, times=row.times + 1)


def _paper(world: World, entry: Entry, body: wire.PaperIssued) -> Judged:
    known_as: dict[str, Shelf[Any]] = {
        "delivery": world.deliveries,
        "carton": world.cartons,
        "order": world.orders,
    }
    if known_as[body.scope].get(body.subject) is None:
        return no(entry, f"unknown_{body.scope}", **{body.scope: body.subject})
    known = world.papers.get(body.sha256)
    row = known or IssuedPaperRow(
        body.sha256, body.paper, body.scope, body.subject, body.language, body.facts_at, entry.at, 0
    )
    world.papers.put(replace(row, times=row.times + 1))
    return yes(entry, subject=body.subject, times=row.times + 1)


def _audit_file(_world: World, entry: Entry, body: wire.AuditFileMade) -> Judged:
    """A fact that changes no state: the ledger row is the record."""
    return yes(entry, sha256=body.sha256)


TRACE_RULES: Final[dict[str, Callable[[World, Entry, Any], Judged]]] = {
    "DossierIssued": _issued,
    "PaperIssued": _paper,
    "AuditFileMade": _audit_file,
}
