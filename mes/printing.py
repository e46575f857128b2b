"""The queue of the label printers: a label comes out once, or a person says what became of it.

`waiting` → `sending` is committed before the first byte leaves; from then on only the printer's own word, or a
person's, says that it came out. What was under way at a time-out, a lost line or a crash is `unsure`, holds its
printer back, and is never sent again by itself. It must not know sockets.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from mes import labels, revisions, wire, zpl
from mes.db.base import utc_text
from mes.db.tables import Label as LabelCount
from mes.db.tables import PrintJob
from mes.domain.label import Label
from mes.domain.label_paper import paper
from mes.domain.printer import Printer
from mes.orders import Answer, request

Decision = Literal["came_out", "again", "cancel"]
OPEN: Final = ("waiting", "sending", "unsure")
KEPT: Final = timedelta(days=30)  # what is settled is in the ledger; the queue shows the last month


@dataclass(frozen=True, slots=True)
class Task:
    """What a printer shall do next; `since` and `nth` with the job name this very label, also after a restore."""

    job: int
    data: bytes
    since: str
    nth: int


def printers(session: Session) -> tuple[Printer, ...]:
    """The label printers of the latest plan."""
    plan = revisions.latest_plan(session)
    return plan.plant.printers if plan else ()


def queue(
    session: Session,
    made: Sequence[Label],
    printer: str,
    *,
    now: datetime,
    language: str = "en",
    actor: str | None = None,
) -> Answer:
    """Put labels into a printer's queue, in this order. A label of which another is printed or on its way is a copy.

    Returns:
        Done; or `unknown_printer`, and what `labels.unfit_of` has against one of them.
    """
    found = next((p for p in printers(session) if p.id == printer), None)
    if found is None:
        return Answer(False, "unknown_printer", {"printer": printer})
    where = paper(found.label)
    assert where is not None  # the plan was checked
    if (refused := labels.unfit_of(made, where)) is not None:
        return refused
    at = utc_text(now)
    old = utc_text(now - KEPT)
    session.execute(delete(PrintJob).where(PrintJob.state.not_in(OPEN), PrintJob.at < old))
    for label in made:
        key = (label.template, label.subject)
        counted = session.get(LabelCount, key)
        pending = select(func.max(PrintJob.copy)).where(
            PrintJob.template == key[0], PrintJob.subject == key[1], PrintJob.state.in_(OPEN)
        )
        copy = max(counted.copies if counted else 0, session.scalar(pending) or 0) + 1
        session.add(
            PrintJob(
                printer=printer,
                state="waiting",
                template=label.template,
                subject=label.subject,
                label=json.dumps(asdict(label)),
                copy=copy,
                language=language,
                why="",
                actor=actor,
                made_at=at,
                at=at,
            )
        )
        session.flush()
    return Answer(True, "", {"count": len(made), "printer": printer})


def next_task(session: Session, printer: Printer) -> Task | None:
    """The first label that waits; None when there is none, or when one before it is unsure."""
    mine = select(PrintJob).where(PrintJob.printer == printer.id)
    if session.scalar(mine.where(PrintJob.state.in_(("sending", "unsure"))).limit(1)) is not None:
        return None
    job = session.scalar(mine.where(PrintJob.state == "waiting").order_by(PrintJob.id).limit(1))
    where = paper(printer.label)
    if job is None or where is None:
        return None
    label = label_of(job)
    if labels.unfit(label, where) is not None:  # the plan has another paper by now
        return Task(job.id, b"", job.made_at, job.copy)
    data = zpl.label_zpl(label, labels.copy_mark(job.copy, job.language), where, printer.per_mm)
    return Task(job.id, data, job.made_at, job.copy)


def begin(session: Session, job: int, *, now: datetime) -> bool:
    """Say that a label leaves now; False when it is not waiting any more. Nothing may be sent before the commit."""
    changed = session.execute(
        update(PrintJob)
        .where(PrintJob.id == job, PrintJob.state == "waiting")
        .values(state="sending", why="", at=utc_text(now))
        .returning(PrintJob.id)
    )
    return changed.first() is not None


def wait(session: Session, job: int, why: str, *, now: datetime) -> None:
    """Note why a label that waits does not leave."""
    session.execute(
        update(PrintJob)
        .where(PrintJob.id == job, PrintJob.state == "waiting", PrintJob.why != why)
        .values(why=why, at=utc_text(now))
    )


def doubt(session: Session, job: int, why: str, *, now: datetime) -> None:
    """Nobody knows whether a label that left came out."""
    session.execute(
        update(PrintJob)
        .where(PrintJob.id == job, PrintJob.state == "sending")
        .values(state="unsure", why=why, at=utc_text(now))
    )


def came_out(session: Session, job: int, *, now: datetime, states: Sequence[str] = ("sending",)) -> bool:
    """A label is known to be printed: into the ledger. A second time nothing happens."""
    row = session.get(PrintJob, job, populate_existing=True)
    if row is None or row.state not in states:
        return False
    printer = next((p for p in printers(session) if p.id == row.printer), None)
    body = {**labels.body_of(label_of(row), printer.label if printer else ""), "printer": row.printer}
    recorded = labels.record(session, [body], now=now, actor=row.actor)
    row.state, row.at = "printed", utc_text(now)
    # What it is of has gone meanwhile (a unit that went into another order): the label lies there all the same.
    row.why = recorded.reason if isinstance(recorded, Answer) else ""
    return True


def under_way(session: Session, printer: str) -> bool:
    """Whether a label of this printer is leaving, or was when whoever sent it broke down."""
    leaving = select(PrintJob.id).where(PrintJob.printer == printer, PrintJob.state == "sending").limit(1)
    return session.scalar(leaving) is not None


def recover(session: Session, *, now: datetime, printer: str | None = None) -> int:
    """What was leaving when the server, or the thread of one printer, ended is unsure. Returns how many.

    Without a `printer`: of all but those at stations, which say themselves what became of it.
    """
    theirs = [p.id for p in printers(session) if p.station is not None]
    mine = PrintJob.printer == printer if printer is not None else PrintJob.printer.not_in(theirs)
    changed = session.execute(
        update(PrintJob)
        .where(PrintJob.state == "sending", mine)
        .values(state="unsure", why="printer_stopped", at=utc_text(now))
        .returning(PrintJob.id)
    )
    return len(changed.all())


def decide(session: Session, job: int, decision: Decision, *, now: datetime, actor: str | None = None) -> Answer:
    """What a person says of a label; the ledger keeps who said it.

    Args:
        decision: of an unsure one: `came_out`, or `again`, which is marked as a copy, for the first may lie somewhere;
            `cancel` of one that waits or is unsure: it is not wanted.
    """
    row = session.get(PrintJob, job, populate_existing=True)
    unsure = row is not None and row.state == "unsure"
    if row is None or not (unsure or (decision == "cancel" and row.state == "waiting")):
        return Answer(False, "print_settled", {"job": job})
    said: dict[str, Any] = {"job": job, "unit": row.subject}
    body = {"job": job, "template": row.template, "subject": row.subject, "printer": row.printer, "decision": decision}
    answer = request(session, "LabelDecided", wire.LabelDecided.model_validate(body), now=now, actor=actor)
    if not answer.done:
        return answer
    if decision == "came_out":
        came_out(session, job, now=now, states=("unsure",))
    elif decision == "again":
        row.state, row.why, row.copy, row.at = "waiting", "", row.copy + 1, utc_text(now)
    else:
        row.state, row.why, row.at = "cancelled", "", utc_text(now)
    return Answer(True, "", said)


def listed(session: Session, *, most: int = 200) -> list[PrintJob]:
    """What is open, in order; the unsure first."""
    rank = select(PrintJob).where(PrintJob.state.in_(OPEN)).order_by(PrintJob.state != "unsure", PrintJob.id)
    return list(session.scalars(rank.limit(most)))


def label_of(job: PrintJob) -> Label:
    """The label of a job."""
    said = json.loads(job.label)
    return Label(**{**said, "lines": tuple(said["lines"])})
