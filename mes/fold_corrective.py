"""Corrective actions, folded by `mes.domain.corrective`; and what comes again puts the question again by itself.

The same contract as `mes.fold`: values from the entry only; a request that may not be changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import and_

from mes import wire
from mes.db.tables import ActionCause, ActionTask, CorrectiveAction
from mes.domain import corrective as rules
from mes.domain.corrective import Corrective, Count
from mes.domain.nonconformity import Refused
from mes.rows import ActionCauseRow, ActionNcRow, ActionRow, ActionTaskRow, NcRow
from mes.verdicts import Entry, Judged, no, yes
from mes.world import World


def case_of(world: World, row: ActionRow) -> Corrective:
    """A corrective action as far as the rules look."""
    world.action_causes.load_where(ActionCause.action == row.id)
    world.action_tasks.load_where(ActionTask.action == row.id)
    causes = sorted((c for c in _held(world.action_causes) if c.action == row.id), key=lambda c: c.number)
    tasks = sorted((t for t in _held(world.action_tasks) if t.action == row.id), key=lambda t: t.number)
    return Corrective(
        row.state,
        row.turn,
        tuple(c.rule for c in causes),
        tuple(t.rule for t in tasks),
        row.check_by,
        row.check_after,
    )


def _held(shelf: Any) -> list[Any]:
    return [held[0] for held in shelf.rows.values() if held is not None]


def _put(world: World, entry: Entry, row: ActionRow, case: Corrective, **more: Any) -> Judged:
    """Write what the rules have made of an action."""
    done = row.done_at
    if case.state == "to_check" and row.state != "to_check":
        done = entry.at
    elif case.state not in ("to_check", "effective", "cancelled"):
        done = None
    after = replace(
        row,
        state=case.state,
        turn=case.turn,
        check_by=case.check_by,
        check_after=case.check_after,
        done_at=done,
        ended_at=entry.at if case.state in ("effective", "cancelled") else None,
        **more,
    )
    world.actions.put(after)
    return yes(entry, action=row.id, state=case.state)


Verb = Callable[[World, Entry, Any, ActionRow, Corrective], Judged | Refused]


def _on(verb: Verb) -> Callable[[World, Entry, Any], Judged]:
    """A rule about an action that must be there."""

    def judge(world: World, entry: Entry, body: Any) -> Judged:
        row = world.actions.get(body.action)
        if row is None:
            return no(entry, "unknown_action", action=body.action)
        judged = verb(world, entry, body, row, case_of(world, row))
        if isinstance(judged, Refused):
            return no(entry, judged.reason, **{"action": row.id, **judged.args})
        return judged

    return judge


def _opened(world: World, entry: Entry, body: wire.ActionOpened) -> Judged:
    for nc in body.ncs:
        if world.ncs.get(nc) is None:
            return no(entry, "unknown_nc", nc=nc)
    year = entry.received_at[:4]
    action = f"AC-{year}-{world.next_number(f'ac-{year}'):04}"
    row = ActionRow(
        id=action,
        title=body.title,
        problem=body.problem,
        product=body.product,
        step=body.step,
        defect=body.defect,
        state="open",
        turn=1,
        criterion="",
        check_by="days",
        check_after=0,
        opened_at=entry.at,
        done_at=None,
        checked_at=None,
        ended_at=None,
        checked_by="",
        note="",
        before_found=0,
        before_of=0,
        after_found=0,
        after_of=0,
    )
    world.actions.put(row)
    for nc in dict.fromkeys(body.ncs):
        world.action_ncs.put(ActionNcRow(action, nc, "cause", entry.at))
    return yes(entry, action=action)


def _cause(
    world: World, entry: Entry, body: wire.ActionCauseNamed, row: ActionRow, case: Corrective
) -> Judged | Refused:
    after = rules.name_cause(case, body.branch, body.text, under=body.under, root=body.root)
    if isinstance(after, Refused):
        return after
    new = after.causes[-1]
    world.action_causes.put(ActionCauseRow(row.id, new.number, new.branch, new.text, new.under, new.root))
    return _put(world, entry, row, after)


def _root(
    world: World, entry: Entry, body: wire.ActionRootMarked, row: ActionRow, case: Corrective
) -> Judged | Refused:
    after = rules.mark_root(case, body.cause)
    if isinstance(after, Refused):
        return after
    cause = world.action_causes.get(row.id, body.cause)
    assert cause is not None
    world.action_causes.put(replace(cause, root=True))
    return _put(world, entry, row, after)


def _task(
    world: World, entry: Entry, body: wire.ActionTaskPlanned, row: ActionRow, case: Corrective
) -> Judged | Refused:
    after = rules.plan_task(case, body.due, today=world.day(entry.at))
    if isinstance(after, Refused):
        return after
    new = after.tasks[-1]
    world.action_tasks.put(
        ActionTaskRow(row.id, new.number, new.turn, body.text, body.owner, body.due, body.lasting, None, "")
    )
    return _put(world, entry, row, after)


def _task_done(
    world: World, entry: Entry, body: wire.ActionTaskDone, row: ActionRow, case: Corrective
) -> Judged | Refused:
    after = rules.finish_task(case, body.task)
    if isinstance(after, Refused):
        return after
    task = world.action_tasks.get(row.id, body.task)
    assert task is not None
    world.action_tasks.put(replace(task, done_at=entry.at, evidence=body.evidence))
    return _put(world, entry, row, after)


def _criterion(
    world: World, entry: Entry, body: wire.ActionCriterionSet, row: ActionRow, case: Corrective
) -> Judged | Refused:
    after = rules.set_criterion(case, body.by, body.after)
    if isinstance(after, Refused):
        return after
    return _put(world, entry, row, after, criterion=body.criterion)


def _checked(
    world: World, entry: Entry, body: wire.ActionChecked, row: ActionRow, case: Corrective
) -> Judged | Refused:
    since = world.day(row.done_at) if row.done_at else None
    after = rules.check(
        case,
        effective=body.effective,
        since=since,
        today=world.day(entry.at),
        after=Count(body.after.found, body.after.of),
    )
    if isinstance(after, Refused):
        return after
    return _put(
        world,
        entry,
        row,
        after,
        checked_at=entry.at,
        checked_by=entry.operator or "",
        note=body.note,
        before_found=body.before.found,
        before_of=body.before.of,
        after_found=body.after.found,
        after_of=body.after.of,
    )


def _ended(verb: Callable[[Corrective], Corrective | Refused]) -> Verb:
    def fold(world: World, entry: Entry, body: wire.ActionEnded, row: ActionRow, case: Corrective) -> Judged | Refused:
        after = verb(case)
        return after if isinstance(after, Refused) else _put(world, entry, row, after, note=body.why)

    return fold


def came_again(world: World, entry: Entry, nc: NcRow) -> None:
    """A nonconformity was opened: where an action should have made an end of its kind, its question is put again."""
    watched = and_(
        CorrectiveAction.state.in_(rules.WATCHED),
        CorrectiveAction.product.in_(("", nc.product)),
        CorrectiveAction.step.in_(("", nc.step)),
        CorrectiveAction.defect.in_(("", nc.defect or "")),
    )
    world.actions.load_where(watched)
    for row in sorted(_held(world.actions), key=lambda r: r.id):
        if row.state not in rules.WATCHED or not row.against.same(nc.product, nc.step, nc.defect or ""):
            continue
        if row.done_at is None or entry.at < row.done_at:  # it happened before, and was only reported late
            continue
        world.action_ncs.put(ActionNcRow(row.id, nc.id, "again", entry.at))
        case = rules.reopen(case_of(world, row))
        if not isinstance(case, Refused):
            _put(world, entry, row, case)


ACTION_RULES: Final[dict[str, Callable[[World, Entry, Any], Judged]]] = {
    "ActionOpened": _opened,
    "ActionCauseNamed": _on(_cause),
    "ActionRootMarked": _on(_root),
    "ActionTaskPlanned": _on(_task),
    "ActionTaskDone": _on(_task_done),
    "ActionCriterionSet": _on(_criterion),
    "ActionChecked": _on(_checked),
    "ActionReopened": _on(_ended(rules.reopen)),
    "ActionCancelled": _on(_ended(rules.cancel)),
}
