"""Corrective actions in the office: one function a verb, and the figures before and after. The caller commits.

What may follow what stands in `mes.domain.corrective`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mes import wire
from mes.db.base import utc_text
from mes.db.tables import ActionCause, ActionNc, ActionTask, CorrectiveAction, Nonconformity, StepQuarter
from mes.domain import corrective as rules
from mes.domain.corrective import Count
from mes.domain.days import day_at, quarter_at, start_of
from mes.orders import Answer, request
from mes.revisions import timezone_of

BEFORE_DAYS = 90
"""How far back the figures before the action look."""


def open_action(session: Session, body: wire.ActionOpened, *, now: datetime, actor: str | None = None) -> Answer:
    """Put the question why; the answer names the action. Its product, step and defect are those of its first
    nonconformity where nothing else is said."""
    first = session.get(Nonconformity, body.ncs[0]) if body.ncs else None
    if first is not None and not (body.product or body.step or body.defect):
        body = body.model_copy(update={"product": first.product, "step": first.step, "defect": first.defect or ""})
    return request(session, "ActionOpened", body, now=now, actor=actor)


def name_cause(session: Session, body: wire.ActionCauseNamed, *, now: datetime, actor: str | None = None) -> Answer:
    """Answer a "why?"."""
    return request(session, "ActionCauseNamed", body, now=now, actor=actor)


def mark_root(session: Session, action: str, cause: int, *, now: datetime, actor: str | None = None) -> Answer:
    """This cause is what the tasks are against."""
    body = wire.ActionRootMarked(action=action, cause=cause)
    return request(session, "ActionRootMarked", body, now=now, actor=actor)


def plan_task(session: Session, body: wire.ActionTaskPlanned, *, now: datetime, actor: str | None = None) -> Answer:
    """Say what is to be done, by which function, until when."""
    return request(session, "ActionTaskPlanned", body, now=now, actor=actor)


def finish_task(
    session: Session, action: str, task: int, evidence: str, *, now: datetime, actor: str | None = None
) -> Answer:
    """A task is done."""
    body = wire.ActionTaskDone(action=action, task=task, evidence=evidence)
    return request(session, "ActionTaskDone", body, now=now, actor=actor)


def set_criterion(
    session: Session, body: wire.ActionCriterionSet, *, now: datetime, actor: str | None = None
) -> Answer:
    """Say how, and when, it will be seen that it has worked."""
    return request(session, "ActionCriterionSet", body, now=now, actor=actor)


def check(
    session: Session, action: str, note: str, *, effective: bool, now: datetime, actor: str | None = None
) -> Answer:
    """It has worked, or not; the figures of this moment go into the record."""
    row = session.get(CorrectiveAction, action)
    figures = figures_of(session, row, now=now) if row else NOTHING
    body = wire.ActionChecked(
        action=action,
        effective=effective,
        note=note,
        before=wire.FoundOf(found=figures.before.found, of=figures.before.of),
        after=wire.FoundOf(found=figures.after.found, of=figures.after.of),
    )
    return request(session, "ActionChecked", body, now=now, actor=actor)


def reopen(session: Session, action: str, why: str, *, now: datetime, actor: str | None = None) -> Answer:
    """It has not worked after all."""
    return request(session, "ActionReopened", wire.ActionEnded(action=action, why=why), now=now, actor=actor)


def cancel(session: Session, action: str, why: str, *, now: datetime, actor: str | None = None) -> Answer:
    """It will not be done."""
    return request(session, "ActionCancelled", wire.ActionEnded(action=action, why=why), now=now, actor=actor)


# --- what is read -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """Nonconformities of the kind that the action is against, of the units that were begun at its step (at the first
    step of every product where it names none): in the 90 days before its last task was done, and since then.

    The units come from hourly sums: the hour in which that task was done counts with the time since.

    `since` is the day on which its last task was done, None before; `due` the day from which it may be said to have
    worked, None where units are waited for.
    """

    before: Count
    after: Count
    since: str | None
    due: str | None


NOTHING = Figures(Count(0, 0), Count(0, 0), None, None)


def figures_of(session: Session, row: CorrectiveAction, *, now: datetime) -> Figures:
    """The figures before and after; before the last task is done, those of the days up to now."""
    zone = timezone_of(session)
    end = row.done_at or utc_text(now)
    day = day_at(end, zone)
    start = start_of((date.fromisoformat(day) - timedelta(days=BEFORE_DAYS)).isoformat(), zone)
    if row.done_at is None:
        return Figures(_count(session, row, start), Count(0, 0), None, None)
    before, after = _count(session, row, start, row.done_at), _count(session, row, row.done_at)
    return Figures(before, after, day, rules.due_day(day, row.check_after) if row.check_by == "days" else None)


def _count(session: Session, row: CorrectiveAction, start: str, end: str | None = None) -> Count:
    """From `start` up to `end`, or up to now."""
    nc, sums = Nonconformity, StepQuarter
    found = select(func.count()).select_from(nc).where(nc.opened_at >= start)
    begun = select(func.coalesce(func.sum(sums.begun), 0)).where(sums.quarter >= quarter_at(start))
    if end is not None:
        found, begun = found.where(nc.opened_at < end), begun.where(sums.quarter < quarter_at(end))
    if row.product:
        found, begun = found.where(nc.product == row.product), begun.where(sums.product == row.product)
    if row.step:
        found, begun = found.where(nc.step == row.step), begun.where(sums.step == row.step)
    if row.defect:
        found = found.where(nc.defect == row.defect)
    return Count(session.scalar(found) or 0, int(session.scalar(begun) or 0))


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of the list: an action, how many of its tasks are open, and the next day that it waits for."""

    action: CorrectiveAction
    open_tasks: int
    due: str | None
    overdue: bool


def waiting(session: Session, *, today: str, everything: bool = False) -> list[Waiting]:
    """Actions that somebody has still something to do on, what is overdue first; `everything`: the ended ones too."""
    wanted = select(CorrectiveAction)
    if not everything:
        wanted = wanted.where(CorrectiveAction.state.in_(sorted(rules.LIVE)))
    rows = session.scalars(wanted).all()
    tasks: dict[str, list[str]] = {}
    open_ones = select(ActionTask.action, ActionTask.due).where(ActionTask.done_at.is_(None))
    for action, last in session.execute(open_ones).all():
        tasks.setdefault(action, []).append(last)
    zone = timezone_of(session)
    out = []
    for row in rows:
        due: str | None = min(tasks.get(row.id, []), default=None)
        if row.state == "to_check" and row.done_at and row.check_by == "days":
            due = rules.due_day(day_at(row.done_at, zone), row.check_after)
        live = row.state in rules.LIVE
        late = bool(live and due and (today > due))
        out.append(Waiting(row, len(tasks.get(row.id, [])) if live else 0, due if live else None, late))
    return sorted(out, key=lambda w: (not w.overdue, w.due or "9999", w.action.id))


@dataclass(frozen=True, slots=True)
class Parts:
    """What belongs to one action."""

    causes: Sequence[ActionCause]
    tasks: Sequence[ActionTask]
    ncs: Sequence[ActionNc]


def parts_of(session: Session, action: str) -> Parts:
    """Causes and tasks by number, nonconformities in the order in which they came."""
    causes = select(ActionCause).where(ActionCause.action == action).order_by(ActionCause.number)
    tasks = select(ActionTask).where(ActionTask.action == action).order_by(ActionTask.number)
    ncs = select(ActionNc).where(ActionNc.action == action).order_by(ActionNc.at, ActionNc.nc)
    return Parts(session.scalars(causes).all(), session.scalars(tasks).all(), session.scalars(ncs).all())


def of_nc(session: Session, nc: str) -> Sequence[CorrectiveAction]:
    """The actions that a nonconformity has led to, or has put to question again."""
    wanted = select(CorrectiveAction).join(ActionNc, ActionNc.action == CorrectiveAction.id).where(ActionNc.nc == nc)
    return session.scalars(wanted.order_by(CorrectiveAction.id)).all()
