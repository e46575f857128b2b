"""Corrective actions at the command line: `mes action …`, one command a verb of `mes.corrective`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from mes import corrective as verbs
from mes import wire
from mes.commands_table import DAY, columns_of
from mes.db.session import reading, writing
from mes.db.tables import CorrectiveAction
from mes.domain.corrective import BRANCH_NAMES, BRANCHES, FUNCTION_NAMES, FUNCTIONS, NAMES
from mes.i18n import _, system_language
from mes.instruments import today_of
from mes.orders import Answer
from mes.setup import CONSOLE, database_option, now, open_database, tell

json_option = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")


@click.group()
def action() -> None:
    """Corrective actions: why it happened, what is done, whether it has worked."""


@action.command("list")
@click.option("--all", "everything", is_flag=True, help="Ended ones too.")
@json_option
@database_option
def action_list(everything: bool, as_json: bool, database: str) -> None:
    """List the corrective actions that somebody has still to work on, overdue ones first."""
    with reading(open_database(database)) as session:
        found = verbs.waiting(session, today=today_of(session, now()), everything=everything)
        if as_json:
            rows = [
                {**columns_of(w.action), "due": w.due, "overdue": w.overdue, "open_tasks": w.open_tasks} for w in found
            ]
            click.echo(json.dumps(rows, ensure_ascii=False))
            return
        for w in found:
            late = _("overdue") if w.overdue else ""
            state = NAMES[w.action.state][system_language()]  # type: ignore[index]
            click.echo(f"{w.action.id}  {state:24} {w.due or '–':10}  {w.action.title}  {late}".rstrip())
        if not found:
            click.echo(_("No corrective action waits for anybody."))


@action.command("show")
@click.argument("action_id", metavar="ACTION")
@json_option
@database_option
def action_show(action_id: str, as_json: bool, database: str) -> None:
    """Show ACTION: causes, tasks, nonconformities, and the figures before and after."""
    with reading(open_database(database)) as session:
        row = session.get(CorrectiveAction, action_id)
        if row is None:
            raise click.ClickException(Answer(False, "unknown_action", {"action": action_id}).say(system_language()))
        parts, figures = verbs.parts_of(session, action_id), verbs.figures_of(session, row, now=now())
        if as_json:
            said = {
                **columns_of(row),
                "causes": [columns_of(c) for c in parts.causes],
                "tasks": [columns_of(t) for t in parts.tasks],
                "ncs": [columns_of(n) for n in parts.ncs],
                "before": {"found": figures.before.found, "of": figures.before.of},
                "after": {"found": figures.after.found, "of": figures.after.of},
            }
            click.echo(json.dumps(said, ensure_ascii=False, indent=2))
            return
        language = system_language()
        click.echo(f"{row.id}  {NAMES[row.state][language]}  {row.title}")  # type: ignore[index]
        for c in parts.causes:
            mark = " *" if c.root else ""
            click.echo(f"  {c.number} ({c.under or '–'})  {BRANCH_NAMES[c.branch][language]}: {c.text}{mark}")  # type: ignore[index]
        for t in parts.tasks:
            done = t.done_at[:10] if t.done_at else "–"
            click.echo(f"  {t.number}  {t.due}  {FUNCTION_NAMES[t.owner][language]}: {t.text}  {done}")  # type: ignore[index]
        click.echo(
            _(
                "  before: %(before)s of %(before_of)s; since: %(after)s of %(after_of)s",
                before=figures.before.found,
                before_of=figures.before.of,
                after=figures.after.found,
                after_of=figures.after.of,
            )
        )


def _run(database: str, verb: Callable[[Session, datetime], Answer], done: str = "") -> None:
    with writing(open_database(database)) as session:
        answer = verb(session, now())
    tell(answer, _("%(action)s: done.", action=done or answer.args.get("action", "")))


@action.command("open")
@click.argument("title")
@click.option("--nc", "ncs", multiple=True, metavar="NC", help="A nonconformity that it answers; may be given again.")
@click.option("--problem", default="", help="What is the matter: what, where, since when, how many.")
@click.option("--product", default="")
@click.option("--step", default="")
@click.option("--defect", default="", help="The plan's code of the defect.")
@database_option
def action_open(
    title: str, ncs: tuple[str, ...], problem: str, product: str, step: str, defect: str, database: str
) -> None:
    """Ask why something does not conform, so that it does not come again.

    Product, step and defect say what would be the same thing; those of the first nonconformity when none is given.
    """
    body = wire.ActionOpened(title=title, ncs=ncs, problem=problem, product=product, step=step, defect=defect)
    _run(database, lambda session, at: verbs.open_action(session, body, now=at, actor=CONSOLE))


@action.command("cause")
@click.argument("action_id", metavar="ACTION")
@click.argument("branch", type=click.Choice(BRANCHES))
@click.argument("text")
@click.option("--under", default=0, metavar="CAUSE", help="The cause that this one explains.")
@click.option("--root", is_flag=True, help="This is the root cause.")
@database_option
def action_cause(action_id: str, branch: Any, text: str, under: int, root: bool, database: str) -> None:
    """Answer a "why?" with TEXT, in one of the six families of causes."""
    body = wire.ActionCauseNamed(action=action_id, branch=branch, text=text, under=under, root=root)
    _run(database, lambda session, at: verbs.name_cause(session, body, now=at, actor=CONSOLE), action_id)


@action.command("root")
@click.argument("action_id", metavar="ACTION")
@click.argument("cause", type=int)
@database_option
def action_root(action_id: str, cause: int, database: str) -> None:
    """CAUSE is a root cause: the tasks are against it."""
    _run(database, lambda session, at: verbs.mark_root(session, action_id, cause, now=at, actor=CONSOLE), action_id)


@action.command("task")
@click.argument("action_id", metavar="ACTION")
@click.argument("text")
@click.option("--owner", type=click.Choice(FUNCTIONS), required=True, help="The function that sees to it.")
@click.option("--due", type=DAY, required=True)
@click.option("--lasting", is_flag=True, help="It changes a way of working: a drawing, an instruction, the plan.")
@database_option
def action_task(action_id: str, text: str, owner: Any, due: datetime, lasting: bool, database: str) -> None:
    """Say what is to be done, by which function, until when."""
    day = due.date().isoformat()
    body = wire.ActionTaskPlanned(action=action_id, text=text, owner=owner, due=day, lasting=lasting)
    _run(database, lambda session, at: verbs.plan_task(session, body, now=at, actor=CONSOLE), action_id)


@action.command("done")
@click.argument("action_id", metavar="ACTION")
@click.argument("task", type=int)
@click.argument("evidence")
@database_option
def action_done(action_id: str, task: int, evidence: str, database: str) -> None:
    """TASK is done; EVIDENCE names the record."""
    _run(
        database,
        lambda session, at: verbs.finish_task(session, action_id, task, evidence, now=at, actor=CONSOLE),
        action_id,
    )


@action.command("criterion")
@click.argument("action_id", metavar="ACTION")
@click.argument("criterion")
@click.option("--days", type=click.IntRange(1), help="Check after so many days.")
@click.option("--units", type=click.IntRange(1), help="Check after so many units begun.")
@database_option
def action_criterion(action_id: str, criterion: str, days: int | None, units: int | None, database: str) -> None:
    """Say how it will be seen that it has worked, and when."""
    if (days is None) == (units is None):
        raise click.ClickException(_("Say when it is to be checked: --days or --units, one of them."))
    body = wire.ActionCriterionSet(
        action=action_id, criterion=criterion, by="days" if days else "units", after=days or units or 1
    )
    _run(database, lambda session, at: verbs.set_criterion(session, body, now=at, actor=CONSOLE), action_id)


@action.command("check")
@click.argument("action_id", metavar="ACTION")
@click.argument("result", type=click.Choice(["effective", "not-effective"]))
@click.argument("note")
@database_option
def action_check(action_id: str, result: str, note: str, database: str) -> None:
    """Say whether it has worked; the figures of now go into the record."""
    worked = result == "effective"
    _run(
        database,
        lambda session, at: verbs.check(session, action_id, note, effective=worked, now=at, actor=CONSOLE),
        action_id,
    )


@action.command("reopen")
@click.argument("action_id", metavar="ACTION")
@click.argument("why")
@database_option
def action_reopen(action_id: str, why: str, database: str) -> None:
    """It has not worked after all."""
    _run(database, lambda session, at: verbs.reopen(session, action_id, why, now=at, actor=CONSOLE), action_id)


@action.command("cancel")
@click.argument("action_id", metavar="ACTION")
@click.argument("why")
@database_option
def action_cancel(action_id: str, why: str, database: str) -> None:
    """It will not be done."""
    _run(database, lambda session, at: verbs.cancel(session, action_id, why, now=at, actor=CONSOLE), action_id)
