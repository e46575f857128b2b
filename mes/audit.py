"""The audit: who did what away from the benches, out of the ledger, by subject and by day.

It reads the office's rows only. What happened at a bench belongs to the unit's record, never to a list by person.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select, text
from sqlalchemy.orm import Session

from mes.db.base import utc_text
from mes.db.tables import Ledger

PAGE: Final = 50
SUBJECTS: Final[dict[str, tuple[str, ...]]] = {
    "sign_in": ("SignedIn", "SignedOut", "PasswordChanged", "PinChanged"),
    "refused": ("SignInRefused", "AccessRefused", "OverrideRefused"),
    "accounts": (
        "SetUpDone",
        "AccountAdded",
        "RolesChanged",
        "AccountDisabled",
        "AccountEnabled",
        "AccountReset",
        "ApiKeyAdded",
        "ApiKeyEnded",
    ),
    "people": (
        "PersonAdded",
        "PersonErased",
        "BadgeIssued",
        "BadgeEnded",
        "QualificationGranted",
        "QualificationWithdrawn",
        "OperatorsGeneralised",
        "PersonalDataPrinted",
        "OverrideGranted",
    ),
    "stations": (
        "StationInvited",
        "StationEnrolled",
        "StationRevoked",
        "TokenRotated",
        "StationAlarm",
        "StationAlarmEnded",
    ),
    "orders": (
        "OrderCreated",
        "OrderAmended",
        "OrderSplit",
        "SerialsGiven",
        "SerialsTakenBack",
        "OrderReleased",
        "OrderHeld",
        "OrderResumed",
        "OrderClosed",
        "OrderCancelled",
        "LabelPrinted",
        "LabelDecided",
    ),
    "quality": (
        "NonconformityOpened",
        "NonconformityAmended",
        "NonconformityExtended",
        "NonconformityContained",
        "NonconformityAnalysed",
        "NonconformityDecided",
        "NonconformityDisposed",
        "NonconformityTreated",
        "NonconformityReverified",
        "NonconformityRemarked",
        "NonconformityMerged",
        "NonconformityClosed",
        "NonconformityCancelled",
        "NonconformityReopened",
        "LogViewSaved",
        "LogViewRemoved",
        "ConcessionGranted",
        "SignalClosed",
        "LotInspected",
        "SeriesDecided",
        "ActionOpened",
        "ActionCauseNamed",
        "ActionRootMarked",
        "ActionTaskPlanned",
        "ActionTaskDone",
        "ActionCriterionSet",
        "ActionChecked",
        "ActionReopened",
        "ActionCancelled",
        "LotReceived",
        "LotHeld",
        "LotReleased",
        "UnitHeld",
        "HelpAnswered",
        "EventRequeued",
        "DossierIssued",
        "AuditFileMade",
    ),
    "shipping": (
        "CartonsNumbered",
        "UnitsPacked",
        "UnitsUnpacked",
        "CartonWeighed",
        "CartonClosed",
        "CartonReopened",
        "CartonReleased",
        "UnitsReleased",
        "ReleaseTakenBack",
        "DeliveryPrepared",
        "DeliverySent",
        "DeliveryCancelled",
        "PaperIssued",
    ),
    "instruments": (
        "InstrumentRegistered",
        "InstrumentChanged",
        "InstrumentCalibrated",
        "InstrumentRetired",
        "InstrumentReturned",
        "MeasuredUnitsExported",
    ),
    "plan": ("PlanPublished",),
}
"""Every kind of office row, once: `tests/server/test_audit.py` compares it with `wire.OFFICE_KINDS`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. `seq` counts the office's rows, `who` is the pseudonym of who acted: empty where nobody was known."""

    seq: int
    at: str
    kind: str
    who: str
    said: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, the newest first; `older` is the `before` of the next page, None when there is none."""

    entries: tuple[Entry, ...]
    older: int | None


def page(
    session: Session,
    *,
    subjects: Iterable[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    most: int = PAGE,
) -> Page:
    """The newest rows that fit.

    Args:
        subjects: keys of `SUBJECTS`; none: all of them.
        since, until: received from the one, and before the other.
        before: only rows before this `seq`.
        most: rows at a time.
    """
    rows = session.execute(_query(subjects, since, until, before).limit(most + 1)).all()
    entries = tuple(Entry(r.seq, r.received_at, r.kind, r.operator or "", json.loads(r.body)) for r in rows[:most])
    return Page(entries, entries[-1].seq if len(rows) > most else None)


def _during(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if since is not None:
        wanted.append(Ledger.received_at >= utc_text(since))
    if until is not None:
        wanted.append(Ledger.received_at < utc_text(until))
    return wanted


def _query(
    subjects: Iterable[str], since: datetime | None, until: datetime | None, before: int | None
) -> Select[int, str, str, str | None, str]:
    query = select(Ledger.seq, Ledger.received_at, Ledger.kind, Ledger.operator, Ledger.body)
    query = query.where(Ledger.source == "office")
    kinds = [kind for subject in subjects for kind in SUBJECTS[subject]]
    if kinds:
        query = query.where(Ledger.kind.in_(kinds))
    if since is not None or until is not None:
        query = query.where(*(during := _during(since, until)))
        # The stretch of `seq` that these days lie in: the list is read backwards, and would look at every row since
        # then, or at all rows when the days hold less than a page. `+ 0` keeps a database from finding the stretch so.
        first, last = (
            select(end(Ledger.seq + 0)).where(text("source = 'office'"), *during).scalar_subquery()
            for end in (func.min, func.max)
        )
        query = query.where(Ledger.seq >= first, Ledger.seq <= last)
    if before is not None:
        query = query.where(Ledger.seq < before)
    return query.order_by(Ledger.seq.desc())
