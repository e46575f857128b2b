"""Keys of programs at the command line: `mes key add|list|end`."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta

import click

from mes import api_keys
from mes.db.session import reading, writing
from mes.i18n import _
from mes.setup import CONSOLE, database_option, now, open_database, tell

_json = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")


@click.group()
def key() -> None:
    """Keys of programs (an ERP, a script) for the REST interface: add, list, end."""


@key.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(api_keys.ROLES), required=True, help="What the program may do.")
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="How long it is good.")
@click.option("--customer", default="", help="Only this customer's orders; all when not given.")
@_json
@database_option
def key_add(name: str, role: str, days: int, customer: str, as_json: bool, database: str) -> None:
    """Make a key for the program NAME; it is shown this once."""
    engine = open_database(database)
    at = now()
    with writing(engine) as session:
        answer, made = api_keys.add(
            session, name, role, at.date() + timedelta(days=days), now=at, customer=customer, actor=CONSOLE
        )
    if as_json and answer.done:
        click.echo(json.dumps({"id": answer.args["key"], "key": made}))
        return
    tell(answer, _("Key %(key)s is made.", key=answer.args.get("key", "")))
    click.echo(_("Shown this once: %(key)s", key=made))


@key.command("list")
@_json
@database_option
def key_list(as_json: bool, database: str) -> None:
    """List the keys, the newest first; the keys themselves are not kept."""
    engine = open_database(database)
    with reading(engine) as session:
        rows = api_keys.listed(session, now=now())
    if as_json:
        click.echo(json.dumps([asdict(r) for r in rows], ensure_ascii=False))
        return
    for r in rows:
        over = "  " + _("(ended)") if r.over else ""
        click.echo(f"{r.id:12} {r.role:12} {r.ends_on:10} {r.name:24} {r.customer}{over}")
    if not rows:
        click.echo(_("There is no key yet. Run: mes key add NAME --role planner-api"))


@key.command("end")
@click.argument("key_id", metavar="ID")
@database_option
def key_end(key_id: str, database: str) -> None:
    """Withdraw the key ID: it opens nothing any more."""
    engine = open_database(database)
    with writing(engine) as session:
        answer = api_keys.end(session, key_id, now=now(), actor=CONSOLE)
    tell(answer, _("Key %(key)s is withdrawn.", key=key_id))
