"""Nonconformities at the command line, beside their life: counted (`mes nc pareto`), and mailed (`mes nc mail`)."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

import click

from mes import digest, export, mail, nc_log, nc_pareto, revisions
from mes.commands_nc import filter_of, nc
from mes.commands_table import DAY, published
from mes.db.session import reading
from mes.i18n import _, system_language
from mes.nc_export import Words
from mes.setup import database_option, now, open_database


@nc.command("pareto")
@click.option("--by", type=click.Choice([*nc_pareto.BY, "week"]), default="defect", show_default=True)
@click.option("--cost", is_flag=True, help="The most expensive first, instead of the most frequent.")
@click.option("--from", "first", type=DAY, help="First day of opening, YYYY-MM-DD.")
@click.option("--to", "last", type=DAY, help="Last day of opening, YYYY-MM-DD.")
@click.option("--filter", "chosen", multiple=True, metavar="NAME=VALUE", help="As in the address of the log's page.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON; costs are in cents.")
@database_option
def pareto(
    by: str,
    cost: bool,
    first: datetime | None,
    last: datetime | None,
    chosen: tuple[str, ...],
    as_json: bool,
    database: str,
) -> None:
    """Count nonconformities by group, or by week, with what they have cost; as CSV."""
    wanted = filter_of(chosen, first, last)
    with reading(open_database(database)) as session:
        plan = revisions.latest_plan(session)
        log = nc_log.Log.of(plan, now())
        words = Words(plan, system_language(), log)
        if by == "week":
            weeks = nc_pareto.weeks(session, log, wanted)
            rows: list[dict[str, Any]] = [
                {"week": w.monday.isoformat(), "count": w.count, "cost": w.cost} for w in weeks
            ]
        else:
            group: nc_pareto.By = by  # type: ignore[assignment]  # click has checked it
            bars = nc_pareto.pareto(session, log, wanted, group, cost=cost)
            rows = [
                {
                    by: b.key,
                    "name": nc_pareto.name(words, group, b),
                    "count": b.count,
                    "cost": b.cost,
                    "share": round(b.share, 4),
                }
                for b in bars
            ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    head = list(rows[0]) if rows else [by, "count", "cost"]
    cells: list[list[export.Cell]] = [[v / 100 if k == "cost" else v for k, v in row.items()] for row in rows]
    sys.stdout.write("".join(export.csv_lines(head, cells, french=system_language() == "fr")))


@nc.command("mail")
@click.option("--send", is_flag=True, help="Send it now, to try the mail server; else it is only printed.")
@database_option
def mail_digest(send: bool, database: str) -> None:
    """The mail of what waits too long, as the server sends it once a day where MES_SMTP_URL is set."""
    try:
        to = mail.server()
    except mail.CannotMail as error:
        raise click.ClickException(_(mail.WRONG[error.what])) from error
    with reading(open_database(database)) as session:
        plan = published(session)
        found = digest.digest(session, plan, now=now(), language=to.language if to else system_language())
    if found is None:
        click.echo(_("Nothing waits too long: there is no mail today."))
        return
    click.echo(f"{found.subject}\n\n{found.text}", nl=False)
    if send and to is None:
        raise click.ClickException(_("No mail server is named. Set MES_SMTP_URL, MES_MAIL_FROM and MES_MAIL_TO."))
    if send and to is not None:
        try:
            mail.send(to, found.subject, found.text)
        except OSError as error:
            raise click.ClickException(_("The mail was not sent: %(why)s", why=error)) from error
        click.echo(_("Sent to %(to)s.", to=", ".join(to.to)))
