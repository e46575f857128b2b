"""Component lots at the server's own command line: `mes lot receive|import|list|show|hold|release|hold-units`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from mes import instruments, lot_pages, lot_sheet, lots, revisions
from mes.db.session import reading, writing
from mes.domain.reasons import sentence
from mes.i18n import _, ngettext, system_language
from mes.lot_pages import SHOW_WORDS, SHOWS, Stock
from mes.orders import ImportRefused
from mes.setup import CONSOLE, database_option, now, open_database, tell
from mes.sheet import MOST_BYTES

_DAY = click.DateTime(["%Y-%m-%d"])
_json = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
_FIELDS: Final = ("part", "lot", "received", "received_on", "supplier", "supplier_lot", "owner", "customer", "expires")


@click.group()
def lot() -> None:
    """Component lots: receive, import, list, hold, release."""


@lot.command("receive")
@click.argument("part")
@click.argument("lot_id", metavar="LOT")
@click.argument("quantity", type=click.IntRange(1, lot_sheet.MOST_PIECES))
@click.option("--supplier", default="", help="Who delivered it.")
@click.option("--supplier-lot", default="", help="The supplier's own number of the lot, where it is another.")
@click.option("--customer", default="", help="The customer whose own stock this is; ours when left out.")
@click.option("--delivery", default="", help="Number of the supplier's delivery note.")
@click.option("--received", type=_DAY, help="Day of receipt, YYYY-MM-DD; today when left out.")
@click.option("--expires", type=_DAY, help="Last day of use, YYYY-MM-DD.")
@database_option
def receive(
    part: str,
    lot_id: str,
    quantity: int,
    received: datetime | None,
    expires: datetime | None,
    database: str,
    **more: str,
) -> None:
    """Record that QUANTITY pieces of LOT of PART came in; more of the same lot adds to it."""
    engine = open_database(database)
    with writing(engine) as session:
        at = now()
        day = received.date() if received else datetime.fromisoformat(instruments.today_of(session, at)).date()
        last = expires.date() if expires else None
        answer = lots.receive(
            session, part, lot_id, quantity, now=at, received=day, expires=last, actor=CONSOLE, **more
        )
    tell(answer, _("Lot %(lot)s of %(part)s: %(count)s pieces received.", lot=lot_id, part=part, count=quantity))


@lot.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Only look: nothing is recorded.")
@_json
@database_option
def import_lots(file: Path, check: bool, as_json: bool, database: str) -> None:
    """Record every receipt of FILE (CSV or XLSX), or none: each wrong line is named with its column."""
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    engine, lang, count = open_database(database), system_language(), 0
    with writing(engine) as session:
        plan = revisions.latest_plan(session)
        if plan is None:
            raise click.ClickException(_("No plan is published yet. Run: mes plan publish"))
        at = now()
        today = datetime.fromisoformat(instruments.today_of(session, at)).date()
        found = lot_sheet.read(content, plan.components(), today=today)
        if not found.problems and not check:
            try:
                count = lots.receive_all(session, found.rows, now=at, actor=CONSOLE)
            except ImportRefused as error:
                raise click.ClickException(error.answer.say(lang)) from error
    said = [(p, " ".join(sentence(p.reason, p.args, lang))) for p in found.problems]
    if as_json:
        wrong = [{"line": p.line, "column": p.column, "reason": p.reason, "message": text} for p, text in said]
        click.echo(json.dumps({"received": count, "rows": len(found.rows), "problems": wrong}, ensure_ascii=False))
    else:
        for p, text in said:
            click.echo(f"{_('line %(line)s, %(column)s', line=p.line, column=p.column or '–')}: {text}", err=True)
        if not said and check:
            click.echo(_("%(count)s receipts, nothing is wrong.", count=len(found.rows)))
        elif not said:
            click.echo(_("%(count)s receipts recorded.", count=count))
    if said:
        raise SystemExit(1)


def _shown(stock: Stock) -> dict[str, Any]:
    fields = {name: getattr(stock.row, name) for name in _FIELDS}
    return {**fields, "used": stock.used, "left": stock.left, "state": stock.state}


@lot.command("list")
@click.option("--show", type=click.Choice(SHOWS), help="Only those.")
@click.option("--part", default="", help="Only lots of this part.")
@_json
@database_option
def list_lots(show: str | None, part: str, as_json: bool, database: str) -> None:
    """List the lots, the latest received first, with what should be left of each."""
    with reading(open_database(database)) as session:
        today = instruments.today_of(session, now())
        found = lot_pages.listed(session, today, show=show or "", part=part, size=None)
        if as_json:
            click.echo(json.dumps([_shown(s) for s in found.rows], ensure_ascii=False))
            return
        for s in found.rows:
            word = _(SHOW_WORDS[s.shown])
            click.echo(f"{s.row.part:16} {s.row.lot:20} {s.left:>9} / {s.row.received:<9} {word:12} {s.row.supplier}")
        if not found.rows:
            click.echo(_("Nothing is listed. Run: mes lot receive PART LOT QUANTITY"))


@lot.command("show")
@click.argument("part")
@click.argument("lot_id", metavar="LOT")
@_json
@database_option
def show_lot(part: str, lot_id: str, as_json: bool, database: str) -> None:
    """One lot, and every unit and counted order that contains it."""
    with reading(open_database(database)) as session:
        stock = lot_pages.one(session, part, lot_id, instruments.today_of(session, now()))
        if stock is None:
            said = sentence("unknown_lot", {"part": part, "lot": lot_id}, system_language())
            raise click.ClickException(" ".join(said))
        units = lot_pages.inside(session, part, lot_id, size=None).rows
        counted = lot_pages.orders_of(session, part, lot_id)
        if as_json:
            orders = [{"order": c.order, "step": c.step, "pieces": c.pieces, "quantity": c.quantity} for c in counted]
            there = [{"unit": u.unit, "order": u.order, "pieces": u.pieces, "nc": u.nc} for u in units]
            click.echo(
                json.dumps(
                    {**_shown(stock), "why": stock.row.why, "units": there, "orders": orders}, ensure_ascii=False
                )
            )
            return
        click.echo(_("%(left)s pieces should be left of %(received)s.", left=stock.left, received=stock.row.received))
        if stock.short:
            click.echo(_("More went into units than was received: check the count and the receipts."), err=True)
        for u in units:
            click.echo(f"{u.unit:24} {u.order:16} {u.pieces:>6} {u.nc or ''}")
        for c in counted:
            pieces = ngettext("%(num)s counted piece", "%(num)s counted pieces", c.pieces)
            click.echo(f"{pieces:24} {c.order:16} {c.quantity:>6}")


def _verb(name: str, verb: Any, what: str) -> None:
    def command(part: str, lot_id: str, why: str, database: str) -> None:
        engine = open_database(database)
        with writing(engine) as session:
            answer = verb(session, part, lot_id, now=now(), why=why, actor=CONSOLE)
        tell(answer, _("Lot %(lot)s of %(part)s: done.", lot=lot_id, part=part))

    command.__doc__ = what
    made = click.argument("part")(click.argument("lot_id", metavar="LOT")(database_option(command)))
    lot.command(name)(click.option("--why", default="", required=name == "hold", help="The reason.")(made))


_verb("hold", lots.hold, "Block a lot: the gate refuses it from now on.")
_verb("release", lots.release, "Let a lot be used again.")


@lot.command("hold-units")
@click.argument("part")
@click.argument("lot_id", metavar="LOT")
@click.option("--why", required=True, help="The reason.")
@click.option("--unit", "units", multiple=True, metavar="SERIAL", help="Only this unit; may be repeated.")
@database_option
def hold_units(part: str, lot_id: str, why: str, units: tuple[str, ...], database: str) -> None:
    """Block the units that contain LOT of PART, each by a nonconformity of its own."""
    engine = open_database(database)
    with writing(engine) as session:
        answer = lots.hold_units(session, part, lot_id, now=now(), why=why, units=units or None, actor=CONSOLE)
    count = int(answer.args.get("count", 0))
    tell(answer, ngettext("%(num)s unit is held.", "%(num)s units are held.", count))
