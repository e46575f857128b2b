"""The report for a supplier: what of theirs does not conform, how much of it goes back, and what they are asked for.

It names no person, no customer and no remark of the house.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import revisions
from mes.db.tables import Lot, NcItem, Nonconformity
from mes.domain.nonconformity import DISPOSITIONS
from mes.i18n import N_, translator
from mes.labels import Sheet, printed_on

KINDS = ("lot", "delivery")


def supplier_report(session: Session, nc: str, *, now: datetime, language: str = "en") -> Sheet | None:
    """The paper; None for an unknown number, or one that concerns nothing of a supplier."""
    row, plan = session.get(Nonconformity, nc), revisions.latest_plan(session)
    items = session.scalars(
        select(NcItem).where(NcItem.nc == nc, NcItem.kind.in_(KINDS), NcItem.state != "moved").order_by(NcItem.item)
    ).all()
    if row is None or plan is None or not items:
        return None
    say = translator(language).gettext
    lots = {(i.part, i.subject): session.get(Lot, (i.part, i.subject)) for i in items if i.kind == "lot"}
    known = next((lot.supplier for lot in lots.values() if lot is not None and lot.supplier), "")
    facts = [
        (say(N_("Our number")), row.id),
        (say(N_("Supplier")), row.supplier or known or "–"),
        (say(N_("Their number")), row.reference),
        (say(N_("What is not right")), row.title),
        (say(N_("Requirement that is not met")), row.requirement),
        (say(N_("Cause, as far as we know")), row.analysis),
    ]
    foot = say(N_("%(site)s · printed on %(day)s"))
    data: dict[str, Any] = {
        "title": say(N_("Nonconformity report for the supplier")),
        "language": language,
        "facts": [list(fact) for fact in facts if fact[1]],
        "concerned": say(N_("What is concerned")),
        "head": [say(N_("Part")), say(N_("Lot or delivery")), say(N_("Supplier’s lot")), say(N_("Pieces")),
                 say(N_("Decision"))],
        "items": [_line(i, lots.get((i.part, i.subject)), language) for i in items],
        "ask": say(N_("What we ask of you")),
        "asked": [
            say(N_("Say which other deliveries may be concerned.")),
            say(N_("Say the cause that you have found.")),
            say(N_("Say what you do so that it does not happen again, and until when.")),
        ],
        "answer": say(N_("Your answer")),
        "foot": foot % {"site": plan.plant.site, "day": printed_on(plan, now, language)},
    }  # fmt: skip
    return Sheet("supplier", data, f"{row.id}-supplier.pdf")


def _line(item: NcItem, lot: Lot | None, language: str) -> list[str]:
    decided = DISPOSITIONS[item.disposition][language] if item.disposition else "–"  # type: ignore[index]
    return [item.part or "–", item.subject, (lot.supplier_lot if lot else "") or "–", str(item.quantity), decided]
