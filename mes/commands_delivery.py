"""Deliveries and their papers at the server's own command line: `mes delivery …` and `mes certificate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from mes import deliveries, paper_sheet, papers, wire
from mes.db.session import reading, writing
from mes.db.tables import Delivery, DeliveryItem
from mes.domain.orders import Against
from mes.domain.reasons import sentence
from mes.i18n import _, system_language
from mes.orders import Answer
from mes.setup import CONSOLE, database_option, now, open_database, tell

json_option = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")


@click.group()
def delivery() -> None:
    """What leaves the shop: prepare it, send it, cancel it, look into it."""


class Pieces(click.ParamType[wire.DeliveredPieces, Any]):
    """`ORDER=QUANTITY`."""

    name = "ORDER=QUANTITY"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> wire.DeliveredPieces:
        """The order and the number, or what is wrong with it."""
        order, _sep, quantity = str(value).partition("=")
        try:
            return wire.DeliveredPieces(order=order, quantity=int(quantity))
        except ValueError:  # pydantic's is one, too
            self.fail(_("Write it as ORDER=QUANTITY, such as OF-2026-119=200."), param, ctx)


@delivery.command("prepare")
@click.option("--order", "orders", multiple=True, metavar="ORDER", help="All of it that is released; may be repeated.")
@click.option("--carton", "cartons", multiple=True, metavar="SSCC", help="A carton or pallet; may be repeated.")
@click.option("--unit", "units", multiple=True, metavar="SERIAL", help="A unit in no carton; may be repeated.")
@click.option("--pieces", type=Pieces(), multiple=True, help="Pieces of a counted order, in no carton.")
@click.option("--customer", default="", help="Who gets it, where the orders name nobody.")
@click.option("--note", default="")
@click.option("--check", "only_check", is_flag=True, help="Only say what stands against it.")
@json_option
@database_option
def prepare(
    orders: tuple[str, ...],
    cartons: tuple[str, ...],
    units: tuple[str, ...],
    pieces: tuple[wire.DeliveredPieces, ...],
    customer: str,
    note: str,
    only_check: bool,
    as_json: bool,
    database: str,
) -> None:
    """Set goods aside for one customer. Every reason against it is said; the command fails while there is one."""
    engine = open_database(database)
    with reading(engine) as session:
        wanted = deliveries.of_orders(session, orders)
        try:
            wanted = wire.DeliveryPrepared(
                customer=customer,
                cartons=(*wanted.cartons, *cartons),
                units=(*wanted.units, *units),
                pieces=(*wanted.pieces, *pieces),
                note=note,
            )
        except ValidationError as error:
            raise click.ClickException(_("This is too much or too long for one delivery: make two.")) from error
        found = deliveries.check(session, wanted)
    if found.against or only_check:
        _say_against(found, as_json=as_json)
        return
    with writing(engine) as session:
        answer = deliveries.prepare(session, wanted, now=now(), actor=CONSOLE)
        if not answer.done:
            session.rollback()
    number = answer.args.get("delivery", "")
    shown = json.dumps({"delivery": number, "count": found.count, "against": []})
    tell(answer, shown if as_json else _("Prepared: %(delivery)s.", delivery=number))


def _say_against(found: deliveries.Check, *, as_json: bool) -> None:
    said = [_sentence(a) for a in found.against]
    if as_json:
        rows = [
            {"reason": a.reason, "args": dict(a.args), "message": m} for a, m in zip(found.against, said, strict=True)
        ]
        click.echo(json.dumps({"delivery": None, "count": found.count, "against": rows}, ensure_ascii=False))
    else:
        for line in said or [_("Nothing stands against it: %(count)s units or pieces.", count=found.count)]:
            click.echo(line)
    if found.against:
        raise SystemExit(1)


def _sentence(against: Against) -> str:
    return " ".join(sentence(against.reason, against.args, system_language())).strip()


@delivery.command("send")
@click.argument("number", metavar="DELIVERY")
@click.option("--carrier", default="", help="With whom it leaves, and under which number.")
@database_option
def send(number: str, carrier: str, database: str) -> None:
    """DELIVERY leaves now. What stands against it by now is said, all of it."""
    engine = open_database(database)
    with writing(engine) as session:
        answer = deliveries.send(session, number, now=now(), carrier=carrier, actor=CONSOLE)
        if not answer.done:
            session.rollback()
    if not answer.done:
        with reading(engine) as session:
            row, found = deliveries.find(session, number), deliveries.check_sending(session, number)
        if row is not None and row.state == "prepared" and found is not None and found.against:
            raise click.ClickException("\n".join(map(_sentence, found.against)))
    tell(answer, _("Delivery %(delivery)s has left.", delivery=number))


@delivery.command("cancel")
@click.argument("number", metavar="DELIVERY")
@click.option("--why", required=True, help="The reason; it stands with the delivery.")
@database_option
def cancel(number: str, why: str, database: str) -> None:
    """DELIVERY will not leave; its goods are free again."""
    with writing(open_database(database)) as session:
        answer = deliveries.cancel(session, number, why=why, now=now(), actor=CONSOLE)
        if not answer.done:
            session.rollback()
    tell(answer, _("Delivery %(delivery)s is cancelled.", delivery=number))


@delivery.command("list")
@click.option("--state", type=click.Choice(["prepared", "sent", "cancelled"]), default=None, help="Only these.")
@click.option("--order", default="", help="Only those with goods of this order.")
@json_option
@database_option
def list_deliveries(state: str | None, order: str, as_json: bool, database: str) -> None:
    """The deliveries, the newest first."""
    with reading(open_database(database)) as session:
        rows = [_row(r) for r in deliveries.listed(session, state=state or "", order=order)]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for r in rows:
        click.echo(
            f"{r['delivery']}  {r['state']}  {r['sent_at'] or r['prepared_at']}  {r['quantity']}  {r['customer']}"
        )


@delivery.command("show")
@click.argument("number", metavar="DELIVERY")
@json_option
@database_option
def show(number: str, as_json: bool, database: str) -> None:
    """What is in DELIVERY."""
    with reading(open_database(database)) as session:
        row = deliveries.find(session, number)
        if row is None:
            raise click.ClickException(Answer(False, "unknown_delivery", {"delivery": number}).say(system_language()))
        said = {**_row(row), "items": [_item(i) for i in deliveries.items(session, number)]}
    if as_json:
        click.echo(json.dumps(said, ensure_ascii=False))
        return
    click.echo(f"{said['delivery']}  {said['state']}  {said['customer']}  {said['carrier']}  {said['why']}".rstrip())
    for i in said["items"]:
        place = "  ".join(filter(None, (i["pallet"], i["carton"])))
        click.echo(f"{i['quantity']} × {i['unit'] or i['order']}  {i['product']}  {i['release']}  {place}".rstrip())


def _row(r: Delivery) -> dict[str, Any]:
    keys = ("customer", "state", "quantity", "note", "carrier", "why", "prepared_at", "sent_at", "cancelled_at")
    return {"delivery": r.id, **{k: getattr(r, k) for k in keys}}


def _item(i: DeliveryItem) -> dict[str, Any]:
    return {k: getattr(i, k) for k in ("order", "product", "unit", "quantity", "carton", "pallet", "release")}


def paper_options(command: Any) -> Any:
    """`--language`, `-o`, `--json` and `--database` of a paper."""
    for option in (
        database_option,
        json_option,
        click.option(
            "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The PDF to write."
        ),
        click.option("--language", type=click.Choice(["fr", "en"]), default=None, help="Else this computer's own."),
    ):
        command = option(command)
    return command


@delivery.command("paper")
@click.argument("subject", metavar="DELIVERY|SSCC")
@click.option("--kind", type=click.Choice(["list", "note"]), default="note", help="Packing list, or delivery note.")
@paper_options
def paper(subject: str, kind: str, language: str | None, output: Path, as_json: bool, database: str) -> None:
    """The delivery note of DELIVERY, or the packing list of a delivery, carton or pallet."""
    made: papers.Kind = "packing_list" if kind == "list" else "delivery_note"
    _write(subject, made, language, output, as_json=as_json, database=database)


@click.command("certificate")
@click.argument("subject", metavar="ORDER|SSCC|DELIVERY")
@paper_options
def certificate(subject: str, language: str | None, output: Path, as_json: bool, database: str) -> None:
    """The certificate of conformity of an order, a carton or pallet, or a delivery."""
    _write(subject, "certificate", language, output, as_json=as_json, database=database)


def _write(
    subject: str, kind: papers.Kind, language: str | None, output: Path, *, as_json: bool, database: str
) -> None:
    engine = open_database(database)
    with reading(engine) as session:
        found = papers.facts(session, subject)
    if found is None:
        unknown = Answer(False, "unknown_delivery", {"delivery": subject})
        raise click.ClickException(unknown.say(system_language()))
    if (wrong := papers.refused(found, kind)) is not None:
        raise click.ClickException(wrong.say(system_language()))
    made = paper_sheet.made(found, kind, language or system_language())
    try:
        output.write_bytes(made.content)
    except OSError as error:
        why = error.strerror or error
        raise click.ClickException(_("%(file)s cannot be written: %(why)s", file=output, why=why)) from error
    with writing(engine) as session:
        answer = papers.issue(session, made, now=now(), actor=CONSOLE)
    shown = json.dumps({"subject": subject, "paper": kind, "sha256": made.sha256, "file": str(output)})
    tell(answer, shown if as_json else _("Written: %(file)s", file=output))
