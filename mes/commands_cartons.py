"""Cartons and pallets at the server's own command line: `mes cartons number|labels|list|show|reopen|release|take-out`,
and `move`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from mes import carton_labels, packing
from mes.commands_labels import OR_FILE, PRINTER, one_of, queue, write
from mes.db.session import reading, writing
from mes.db.tables import CartonRow
from mes.domain.label_paper import SHEETS
from mes.domain.reasons import sentence
from mes.domain.sscc import spaced
from mes.i18n import _, system_language
from mes.orders import Answer
from mes.setup import CONSOLE, database_option, now, open_database, tell
from mes.wire import MOST_NUMBERS

_json = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
_why = click.option("--why", required=True, help="The reason; it stands in the carton's history.")


@click.group("cartons")
def cartons() -> None:
    """Cartons and pallets: number, label, look into, open again."""


@cartons.command("number")
@click.argument("count", type=click.IntRange(1, MOST_NUMBERS))
@click.option("--pallet", is_flag=True, help="Pallets in place of cartons.")
@click.option("--order", help="Only for what this order makes.")
@_json
@database_option
def number(count: int, pallet: bool, order: str | None, as_json: bool, database: str) -> None:
    """Draw COUNT new SSCCs."""
    engine = open_database(database)
    with writing(engine) as session:
        level: Any = "pallet" if pallet else "carton"
        answer = packing.number(session, count, level=level, order=order, now=now(), actor=CONSOLE)
    if not answer.done:
        raise click.ClickException(answer.say(system_language()))
    drawn = list(answer.args["cartons"])
    click.echo(json.dumps(drawn) if as_json else "\n".join(drawn))


@cartons.command("labels")
@click.argument("numbers", nargs=-1, metavar="[SSCC]...")
@click.option("--order", default="", help="All closed cartons of this order.")
@click.option("--pallet", default="", metavar="SSCC", help="All closed cartons on this pallet, then the pallet's own.")
@click.option("--sheet", type=click.Choice(list(SHEETS)), help="Sheet of A4, columns x rows.")
@click.option("--roll", metavar="SIZE", help=f"Roll: width x height of a label in mm; else {carton_labels.ROLL}.")
@OR_FILE
@PRINTER
@database_option
def labels(
    numbers: tuple[str, ...],
    order: str,
    pallet: str,
    sheet: str | None,
    roll: str | None,
    output: Path | None,
    printer: str | None,
    database: str,
) -> None:
    """Labels of cartons. A second printing is marked as a copy."""
    if [bool(numbers), bool(order), bool(pallet)].count(True) != 1:
        raise click.UsageError(_("Give SSCC numbers, or --order, or --pallet."))
    engine = open_database(database)
    printer = one_of(engine, output, printer, order=order, least=carton_labels.ROLL)
    said = system_language()
    with writing(engine) as session:
        chosen = list(numbers) if numbers else carton_labels.closed_of(session, order=order, pallet=pallet)
        if isinstance(chosen, Answer):
            raise click.ClickException(chosen.say(said))
        if printer:
            queue(session, carton_labels.of_numbers(session, chosen, language=said), printer)
            return
        on = roll or sheet or carton_labels.ROLL
        made = carton_labels.printed(session, chosen, now=now(), on=on, language=said, actor=CONSOLE)
    write(made, output)


@cartons.command("list")
@click.option("--state", type=click.Choice(["new", "open", "closed", "held"]), help="Only these.")
@click.option("--order", default="", help="Only those of this order.")
@click.option("--text", default="", help="A piece of the number, order, product or customer, or a serial inside.")
@_json
@database_option
def listed(state: str | None, order: str, text: str, as_json: bool, database: str) -> None:
    """The cartons, what changed last first."""
    engine = open_database(database)
    with reading(engine) as session:
        rows = [_row(r) for r in packing.listed(session, packing.Wanted(state=state or "", order=order, text=text))]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        held = "!" if row["held"] else " "
        click.echo(f"{row['sscc']} {held} {row['level']:7} {row['state']:7} {row['have']:>5}  {row['order'] or '–'}")


@cartons.command("show")
@click.argument("sscc")
@_json
@database_option
def show(sscc: str, as_json: bool, database: str) -> None:
    """What is in the carton SSCC, and what has happened to it."""
    engine = open_database(database)
    with reading(engine) as session:
        row = packing.find(session, sscc)
        if row is None:
            raise click.ClickException(Answer(False, "unknown_carton", {"carton": sscc}).say(system_language()))
        said = _row(row)
        inside = [
            {"thing": c.thing, "quantity": c.quantity, "trouble": c.trouble} for c in packing.contents(session, sscc)
        ]
        history = [(e.at, e.reason, args, e.why) for e, args in packing.history(session, sscc)]
    if as_json:
        click.echo(json.dumps({**said, "inside": inside}))
        return
    click.echo(f"{spaced(sscc)}  {said['level']}  {said['state']}  {said['order'] or '–'}  {said['customer'] or '–'}")
    for each in inside:
        click.echo(f"  {each['thing']} × {each['quantity']}  {each['trouble']}".rstrip())
    for at, reason, args, why in history:
        click.echo(f"{at}  {sentence(reason, args, system_language())[0]} {why}".rstrip())


_FIELDS: Final = (
    "sscc", "level", "state", "order", "product", "customer", "have", "weight_g", "parent", "held", "closed_at",
)  # fmt: skip


def _row(row: CartonRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _FIELDS}


@cartons.command("reopen")
@click.argument("sscc")
@_why
@database_option
def reopen(sscc: str, why: str, database: str) -> None:
    """Open a closed carton again."""
    with writing(open_database(database)) as session:
        answer = packing.reopen(session, sscc, why=why, now=now(), actor=CONSOLE)
    tell(answer, _("Carton %(carton)s is open again.", carton=sscc))


@cartons.command("release")
@click.argument("sscc")
@_why
@database_option
def release(sscc: str, why: str, database: str) -> None:
    """Let a held carton go on: somebody has looked at it."""
    with writing(open_database(database)) as session:
        answer = packing.release(session, sscc, why=why, now=now(), actor=CONSOLE)
    tell(answer, _("Carton %(carton)s is no longer blocked.", carton=sscc))


@cartons.command("take-out")
@click.argument("sscc")
@click.argument("thing")
@click.option("--quantity", type=click.IntRange(1), default=1, help="How many pieces of a counted order.")
@_why
@database_option
def take_out(sscc: str, thing: str, quantity: int, why: str, database: str) -> None:
    """Take a unit, an inner carton or pieces of an order out of an open carton."""
    with writing(open_database(database)) as session:
        answer = packing.take_out(session, sscc, thing, quantity=quantity, why=why, now=now(), actor=CONSOLE)
    tell(answer, _("%(thing)s is out of carton %(carton)s.", thing=thing, carton=sscc))


@cartons.command("move")
@click.argument("sscc")
@click.argument("thing")
@click.option("--to", required=True, metavar="SSCC", help="The open carton that it goes into.")
@_why
@database_option
def move(sscc: str, thing: str, to: str, why: str, database: str) -> None:
    """Move a unit or an inner carton from one open carton into another."""
    with writing(open_database(database)) as session:
        answer = packing.move(session, sscc, thing, to=to, why=why, now=now(), actor=CONSOLE)
    tell(answer, _("%(thing)s is in carton %(carton)s now.", thing=thing, carton=to))
