"""Work orders at the command line: `mes order create|import|change|split|release|hold|resume|close|cancel|…`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import order_sheet, orders, revisions, serial_sheet, sheet
from mes.commands_table import DAY
from mes.db.session import reading, writing
from mes.db.tables import UnitRow, WorkOrder
from mes.domain.orders import ORDER_STATES
from mes.domain.reasons import sentence
from mes.i18n import _, system_language
from mes.orders import Answer
from mes.setup import CONSOLE, database_option, now, open_database
from mes.sheet import MOST_BYTES

MOST: Final = 1_000_000
json_option = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
SHOWN: Final = (
    "id", "product", "quantity", "state", "revision", "open_units", "due", "customer", "reference", "priority",
    "note", "split_from",
)  # fmt: skip


@click.group()
def order() -> None:
    """Create, change, split, release, hold, resume, close and cancel work orders."""


def _run(database: str, verb: Callable[[Session, datetime], Answer], order_id: str, done: str, as_json: bool) -> None:
    """Do it in one transaction and say what became of it; a refusal fails the command."""
    engine = open_database(database)
    with writing(engine) as session:
        answer = verb(session, now())
        if not answer.done:
            session.rollback()
    if as_json:
        with reading(engine) as session:
            row = session.get(WorkOrder, order_id)
            said = {"done": answer.done, "reason": answer.reason, "message": answer.say(system_language())}
            click.echo(json.dumps({**said, "order": _shown(row) if row else None}, ensure_ascii=False))
        if not answer.done:
            raise SystemExit(1)
        return
    if not answer.done:
        raise click.ClickException(answer.say(system_language()))
    click.echo(done)


def _shown(row: WorkOrder) -> dict[str, Any]:
    return {name: getattr(row, name) for name in SHOWN}


@order.command("create")
@click.argument("product")
@click.argument("quantity", type=click.IntRange(1, MOST))
@click.option("--id", "order_id", help="Order number; the next of the plant's pattern when not given.")
@click.option("--due", type=DAY, help="Due date, YYYY-MM-DD.")
@click.option("--customer", default="")
@click.option("--reference", default="", help="The customer's own order number.")
@click.option("--priority", type=click.IntRange(1, 3), default=2, help="1 urgent, 2 normal, 3 can wait.")
@click.option("--note", default="")
@click.option("--release", "and_release", is_flag=True, help="Release it at once.")
@json_option
@database_option
def order_create(
    product: str,
    quantity: int,
    order_id: str | None,
    due: datetime | None,
    customer: str,
    reference: str,
    priority: int,
    note: str,
    and_release: bool,
    as_json: bool,
    database: str,
) -> None:
    """Plan QUANTITY pieces of PRODUCT."""
    engine = open_database(database)
    with reading(engine) as session:
        name = order_id or _next_number(session)

    def verb(session: Session, at: datetime) -> Answer:
        answer = orders.create(
            session, name, product, quantity, now=at, due=due.date() if due else None, customer=customer,
            reference=reference, priority=priority, note=note, actor=CONSOLE,
        )  # fmt: skip
        return orders.release(session, name, now=at, actor=CONSOLE) if answer.done and and_release else answer

    said = _("Order %(order)s: %(quantity)s × %(product)s.", order=name, quantity=quantity, product=product)
    _run(database, verb, name, said, as_json)


def _next_number(session: Session) -> str:
    plan = revisions.latest_plan(session)
    pattern = plan.plant.order_pattern if plan else "OF-{yyyy}-{n:03}"
    return orders.next_order_id(session, pattern, today=now().date())


def _day(text: str) -> date | str:
    if not text:
        return ""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(_("Give a date, such as 2026-11-27.")) from error


@order.command("change")
@click.argument("order_id", metavar="ORDER")
@click.option("--quantity", type=click.IntRange(1, MOST), help="Fewer: only pieces that have not begun can go.")
@click.option("--due", help="Due date, YYYY-MM-DD; empty: none.")
@click.option("--customer")
@click.option("--reference", help="The customer's own order number.")
@click.option("--priority", type=click.IntRange(1, 3), help="1 urgent, 2 normal, 3 can wait.")
@click.option("--note")
@click.option("--why", required=True, help="The reason, in a few words.")
@json_option
@database_option
def order_change(order_id: str, due: str | None, why: str, as_json: bool, database: str, **given: Any) -> None:
    """Change what is given of ORDER; the rest stays."""
    given["due"] = None if due is None else _day(due)
    _run(
        database,
        lambda session, at: orders.amend(session, order_id, now=at, why=why, actor=CONSOLE, **given),
        order_id,
        _("Order %(order)s: done.", order=order_id),
        as_json,
    )


@order.command("split")
@click.argument("order_id", metavar="ORDER")
@click.argument("quantity", type=click.IntRange(1, MOST))
@click.option("--to", help="Number of the new order; the next of the plant's pattern when not given.")
@click.option("--due", type=DAY, help="Due date of the new order; that of ORDER when not given.")
@click.option("--why", required=True, help="The reason, in a few words.")
@json_option
@database_option
def order_split(
    order_id: str, quantity: int, to: str | None, due: datetime | None, why: str, as_json: bool, database: str
) -> None:
    """Take QUANTITY pieces of ORDER that have not begun into a new order; their serials go along."""
    engine = open_database(database)
    with reading(engine) as session:
        name = to or _next_number(session)
    on = due.date() if due else None
    _run(
        database,
        lambda session, at: orders.split(session, order_id, name, quantity, now=at, due=on, why=why, actor=CONSOLE),
        name,
        _("Order %(order)s: %(quantity)s pieces went into %(to)s.", order=order_id, quantity=quantity, to=name),
        as_json,
    )


def _order_verb(name: str, verb: Any, what: str, *, needs_why: bool = False) -> None:
    def command(order_id: str, database: str, as_json: bool, why: str = "") -> None:
        extra = {"why": why} if why or needs_why else {}
        done = _("Order %(order)s: done.", order=order_id)
        _run(database, lambda s, at: verb(s, order_id, now=at, actor=CONSOLE, **extra), order_id, done, as_json)

    command.__doc__ = what
    made = click.argument("order_id", metavar="ORDER")(json_option(database_option(command)))
    if name != "release":
        made = click.option("--why", default="", required=needs_why, help="The reason, in a few words.")(made)
    order.command(name)(made)


_order_verb("release", orders.release, "Let the floor begin; serials are reserved.")
_order_verb("hold", orders.hold, "Stop new units from entering.", needs_why=True)
_order_verb("resume", orders.resume, "Let units enter again.")
_order_verb("cancel", orders.cancel, "Give up an order on which no work has begun.", needs_why=True)


@order.command("close")
@click.argument("order_id", metavar="ORDER")
@click.option("--why", default="", help="The reason, in a few words.")
@click.option("--short", is_flag=True, help="Close it although pieces are missing; needs --why.")
@json_option
@database_option
def order_close(order_id: str, why: str, short: bool, as_json: bool, database: str) -> None:
    """End ORDER; each reason against it is said."""
    if short and not why:
        raise click.UsageError(_("Say why, so that everybody understands."))
    engine = open_database(database)
    with reading(engine) as session:
        against = [a for a in orders.against_closing(session, order_id) if not (short and a.waivable)]
    for each in against if not as_json else ():
        click.echo(" ".join(sentence(each.reason, each.args, system_language())), err=True)
    _run(
        database,
        lambda s, at: orders.close(s, order_id, now=at, why=why, waive=short, actor=CONSOLE),
        order_id,
        _("Order %(order)s: done.", order=order_id),
        as_json,
    )


@order.command("serials")
@click.argument("order_id", metavar="ORDER")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@database_option
def order_serials(order_id: str, file: Path, as_json: bool, database: str) -> None:
    """Give ORDER the serials of its units: one a line in FILE, or the first column of a CSV or XLSX."""
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    try:
        serials = [serial for _line, serial in serial_sheet.rows_of(content)]
    except sheet.Unreadable as error:
        problem = error.problem
        raise click.ClickException(" ".join(sentence(problem.reason, problem.args, system_language()))) from error
    _run(
        database,
        lambda s, at: orders.give_serials(s, order_id, serials, now=at, actor=CONSOLE),
        order_id,
        _("Order %(order)s: done.", order=order_id),
        as_json,
    )


@order.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Only look: nothing is created.")
@json_option
@database_option
def order_import(file: Path, check: bool, as_json: bool, database: str) -> None:
    """Create every order of FILE (CSV or XLSX), or none: each wrong line is named with its column."""
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    engine = open_database(database)
    lang = system_language()
    made: list[str] = []
    with writing(engine) as session:
        plan = revisions.latest_plan(session)
        if plan is None:
            raise click.ClickException(_("No plan is published yet. Run: mes plan publish"))
        sheet = order_sheet.read(content, plan, taken=orders.taken(session))
        if not sheet.problems and not check:
            at = now()
            pattern = plan.plant.order_pattern
            try:
                made = orders.create_all(session, sheet.rows, pattern, now=at, today=at.date(), actor=CONSOLE)
            except orders.ImportRefused as error:
                raise click.ClickException(error.answer.say(lang)) from error
    if as_json:
        told = [(p, " ".join(sentence(p.reason, p.args, lang))) for p in sheet.problems]
        wrong = [{"line": p.line, "column": p.column, "reason": p.reason, "message": text} for p, text in told]
        click.echo(json.dumps({"orders": made, "rows": len(sheet.rows), "problems": wrong}, ensure_ascii=False))
    else:
        for p in sheet.problems:
            where = _("line %(line)s, %(column)s", line=p.line, column=p.column or "–")
            click.echo(f"{where}: {' '.join(sentence(p.reason, p.args, lang))}", err=True)
        if not sheet.problems:
            said = _("%(count)s orders planned.", count=len(made))
            click.echo(_("%(count)s orders, nothing is wrong.", count=len(sheet.rows)) if check else said)
    if sheet.problems:
        raise SystemExit(1)


@order.command("list")
@json_option
@database_option
def order_list(as_json: bool, database: str) -> None:
    """List the orders, the newest first."""
    engine = open_database(database)
    with reading(engine) as session:
        rows = session.scalars(select(WorkOrder).order_by(WorkOrder.created_at.desc(), WorkOrder.id.desc())).all()
        if as_json:
            click.echo(json.dumps([_shown(r) for r in rows], ensure_ascii=False))
            return
        for r in rows:
            state = ORDER_STATES[r.state][system_language()]
            click.echo(f"{r.id:16} {state:12} {r.quantity:>7} × {r.product:20} {r.due or ''}")
        if not rows:
            click.echo(_("There is no order yet. Run: mes order create PRODUCT QUANTITY --release"))


@order.command("units")
@click.argument("order_id", metavar="ORDER")
@click.option("--json", "as_json", is_flag=True)
@database_option
def order_units(order_id: str, as_json: bool, database: str) -> None:
    """List the units of ORDER and where they stand."""
    engine = open_database(database)
    with reading(engine) as session:
        if session.get(WorkOrder, order_id) is None:
            raise click.ClickException(" ".join(sentence("unknown_order", {"order": order_id}, system_language())))
        rows = session.scalars(select(UnitRow).where(UnitRow.order == order_id).order_by(UnitRow.serial)).all()
        if as_json:
            names = ("serial", "state", "step", "station", "nc")
            click.echo(json.dumps([{n: getattr(r, n) for n in names} for r in rows]))
            return
        for r in rows:
            click.echo(f"{r.serial:24} {r.state:10} {r.step:16} {r.station or '':10} {r.nc or ''}")
