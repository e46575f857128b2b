"""The life of one nonconformity as its page shows it: chain, items, remarks, history, and what may be done now.

Reads rows and asks `mes.domain.nonconformity`; decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import corrective, revisions, signals
from mes import nonconformities as verbs
from mes.db.tables import Concession, NcItem, NcRemark, Nonconformity, Person, UnitRow
from mes.domain.days import day_at
from mes.domain.gate import proves_safety
from mes.domain.nonconformity import FOR_KIND, MAY, Action, Case, Item, against_closing
from mes.domain.reasons import sentence
from mes.domain.route import Product
from mes.nc_log import Log
from web.auth import may
from web.language import language
from web.nc_words import CHAIN, happened

ENDPOINTS: Final[dict[Action, str]] = {
    "contain": "quality.contain",
    "analyse": "quality.analyse",
    "decide": "quality.decide",
    "treat": "quality.treat",
    "reverify": "quality.verify",
    "remark": "quality.remark",
    "merge": "quality.merge",
    "close": "quality.close",
    "cancel": "quality.cancel",
    "reopen": "quality.reopen",
}
NOW_AT: Final = {"in_treatment": 4, "to_reverify": 5, "decided": 6}
ORDER: Final = ("rework", "repair", "sort", "use_as_is", "regrade", "return", "scrap", "not_confirmed")
NAMED: Final = ("NonconformityDecided", "NonconformityDisposed", "ConcessionGranted", "NonconformityClosed")
"""Rows of the history that name their authority (ISO 9001:2015, 8.7.2 d); the others name nobody."""


def life(
    session: Session, row: Nonconformity, now: datetime, tz: str, product: Product | None = None
) -> dict[str, Any]:
    """Everything on the page beside what was measured (`web.nc_detail`)."""
    items = session.scalars(select(NcItem).where(NcItem.nc == row.id).order_by(NcItem.item)).all()
    remarks = session.scalars(select(NcRemark).where(NcRemark.nc == row.id).order_by(NcRemark.number)).all()
    granted = session.scalars(select(Concession).where(Concession.nc == row.id).order_by(Concession.id)).all()
    case = _case(row, items)
    age = (now - datetime.fromisoformat(row.opened_at)).total_seconds() / 86_400
    names = _names(session, {i.decided_by for i in items})
    today = day_at(now.isoformat(), tz)
    return {
        "items": items,
        "actions": corrective.of_nc(session, row.id),
        "signals": signals.of_nc(session, row.id),
        "names": names,
        "remarks": remarks,
        "concessions": granted,
        "waiting": _waiting(session, granted),
        "usable": [c for c in granted if c.remaining and c.expires >= today],
        "history": _history(session, row),
        "chain": chain(row, case),
        "age": int(age),
        "late": Log.of(revisions.latest_plan(session), now).late(row),
        "against": [sentence(a.reason, {"nc": row.id, **a.args}, language()) for a in against_closing(case)],
        "acts": acts(case),
        "undecided": [i for i in items if i.state == "undecided"],
        "treating": [i for i in case.items if i.state == "in_treatment" and not i.on_route],
        "verifying": [i for i in items if i.state == "to_reverify"],
        "safety": _safety(row, product),
        "to_replace": [
            i.subject
            for i in items
            if i.kind == "unit" and i.disposition == "scrap" and not verbs.replaced(session, row.id, i.subject)
        ],
        "supplied": any(i.kind in ("lot", "delivery") for i in items),
        "choices": [d for d in ORDER if any(i.state == "undecided" and d in FOR_KIND[i.kind] for i in case.items)],
        "today": today,
        "alike": _alike(session, row) if may("quality.alike") and case.state in MAY["add"] else [],
    }


def _case(row: Nonconformity, items: Sequence[NcItem]) -> Case:
    ruled = tuple(
        Item(i.item, i.kind, i.subject, i.quantity, i.disposition, i.state, i.precaution, i.verified_at is not None)  # type: ignore[arg-type]
        for i in items
    )
    return Case(row.state, row.contained_at is not None, row.analysed_at is not None, ruled)  # type: ignore[arg-type]


def _waiting(session: Session, granted: Sequence[Concession]) -> dict[str, list[str]]:
    """The units that are to go on under each concession and have not come to their next step yet."""
    promised = select(UnitRow.permit, UnitRow.serial).where(UnitRow.permit.in_([c.id for c in granted]))
    found: dict[str, list[str]] = {}
    for permit, serial in session.execute(promised.order_by(UnitRow.serial)) if granted else ():
        found.setdefault(permit or "", []).append(serial)
    return found


def _safety(row: Nonconformity, product: Product | None) -> bool:
    """Is it a test of safety that was not passed? No concession lets a unit off it."""
    step = product.step(row.step) if product else None
    failed = row.cause in ("test_failed", "defect_found")
    return product is not None and step is not None and failed and proves_safety(product, step)


def _alike(session: Session, row: Nonconformity) -> list[tuple[str, list[str], list[str]]]:
    """Units that may be alike: kinship, what is shared, the units."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for each in verbs.alike(session, row.id):
        what, units = found.setdefault(each.why, ([], []))
        units.append(each.unit)
        if each.why != "hour" and each.what not in what:
            what.append(each.what)
    return [(why, what, units) for why, (what, units) in found.items()]


def acts(case: Case) -> frozenset[str]:
    """What who is signed in may do in this state."""
    return frozenset(action for action, endpoint in ENDPOINTS.items() if case.state in MAY[action] and may(endpoint))


def chain(row: Nonconformity, case: Case) -> list[tuple[str, str]]:
    """The links of the chain of states: `done`, `now`, `skipped` or nothing yet, and the word for it."""
    over = row.state in ("closed", "cancelled")
    now = NOW_AT.get(row.state, 7 if over else 3 if case.analysed else 2 if case.contained else 1)
    known = {1: case.contained, 2: case.analysed}
    out = []
    for n, (to_do, done) in enumerate(CHAIN):
        how = "done" if n < now and known.get(n, True) else "skipped" if n < now else "now" if n == now else ""
        out.append((how, str(to_do if how == "now" else done)))
    return out


def _names(session: Session, persons: set[str]) -> dict[str, str]:
    """Pseudonym → name of those who decided; who is forgotten stays a pseudonym."""
    found = session.execute(select(Person.id, Person.name).where(Person.id.in_(persons - {""})))
    return {person: name or person for person, name in found}


def _history(session: Session, row: Nonconformity) -> list[tuple[str, str, str]]:
    """When, what, and for a decision its authority."""
    entries = verbs.history(session, row.id)
    names = _names(session, {e.operator or "" for e in entries if e.kind in NAMED})
    return [
        (e.received_at, happened(e), names.get(e.operator or "", e.operator or "") if e.kind in NAMED else "")
        for e in entries
        if e.verdict != "refused"
    ]
