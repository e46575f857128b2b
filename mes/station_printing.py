"""Label printers that stand at a station: which label its agent takes, and what becomes of it by what the agent says.

The states are those of `mes.printing`. The agent says that a label leaves before its first byte, and says how it ended
until it is heard; so only what the agent has lost with its disk, or a station that stays silent, is in doubt. It must
not know HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from mes import printing, wire
from mes.db.base import utc_text
from mes.db.tables import PrintJob
from mes.domain.printer import Printer
from mes.printing import Task

SILENT: Final = timedelta(minutes=3)
"""A label leaves within half a minute; a station that has then not said how it ended has no network, or no power."""


def of_station(session: Session, station: str, printer: str) -> Printer | None:
    """A label printer, if it stands at this station."""
    return next((p for p in printing.printers(session) if p.id == printer and p.station == station), None)


def nothing_open(session: Session, printer: Printer) -> bool:
    """Whether no label of this printer waits or is leaving."""
    mine = (PrintJob.printer == printer.id) & PrintJob.state.in_(("waiting", "sending"))
    return session.scalar(select(PrintJob.id).where(mine).limit(1)) is None


def next_task(session: Session, printer: Printer, *, now: datetime) -> Task | None:
    """The next label for a station that says that it holds none of this printer: what was leaving is in doubt."""
    printing.recover(session, now=now, printer=printer.id)
    task = printing.next_task(session, printer)
    if task is not None and not task.data:
        printing.wait(session, task.job, "code_wide", now=now)
        return None
    return task


def said(session: Session, asked: wire.PrintSaidRequest, *, now: datetime) -> bool:
    """What the station says of a label of its own printer; twice is once.

    After a restore the server may believe that the label has not left yet: the station knows better.

    Returns:
        Of one that wants to leave: whether it may.
    """
    row = session.get(PrintJob, asked.job, populate_existing=True)
    same = (asked.printer, asked.since, asked.nth)
    if row is None or (row.printer, row.made_at, row.copy) != same or row.state not in printing.OPEN:
        return False
    at = utc_text(now)
    if asked.state == "leaving":
        return row.state == "sending" or printing.begin(session, row.id, now=now)
    if asked.state == "printed":
        return printing.came_out(session, row.id, now=now, states=printing.OPEN)
    if asked.state == "unsure":
        row.state, row.why, row.at = "unsure", asked.why, at
    elif (row.state, row.why) != ("waiting", asked.why):
        row.state, row.why, row.at = "waiting", asked.why, at
    return True


def silent(session: Session, printers: Sequence[Printer], *, now: datetime) -> bool:
    """Whether a label has left at a station so long ago that somebody has to be asked."""
    return session.scalar(select(PrintJob.id).where(_overdue(printers, now)).limit(1)) is not None


def give_up(session: Session, *, now: datetime) -> None:
    """These are in doubt until the station, or a person, says what became of them."""
    overdue = _overdue(printing.printers(session), now)
    session.execute(update(PrintJob).where(overdue).values(state="unsure", why="printer_no_word", at=utc_text(now)))


def _overdue(printers: Sequence[Printer], now: datetime) -> ColumnElement[bool]:
    theirs = [p.id for p in printers if p.station is not None]
    return (PrintJob.state == "sending") & PrintJob.printer.in_(theirs) & (PrintJob.at < utc_text(now - SILENT))
