"""The office at the command line: `mes plan publish`, `mes station add|rotate|revoke`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from mes import enrolment, keys, orders, revisions, wire
from mes import plan as plans
from mes.db.session import writing
from mes.domain.invitation import address_of
from mes.i18n import _, system_language
from mes.orders import Answer
from mes.paths import default_config_dir
from mes.setup import CONSOLE, database_option, now, open_database, tell, tls_folder
from mes.tls import Files, hosts_of


def publish_plan(session: Any, plan: plans.Plan, *, now: datetime, actor: str | None = None) -> Answer:
    """Publish a plan as the next revision; the same content again is `plan_current` and changes nothing."""
    content = plans.content(plan)
    digest = plans.content_hash(content)
    latest = revisions.latest(session)
    if latest is not None and latest.hash == digest:
        return Answer(False, "plan_current", {"revision": latest.revision})
    body = wire.PlanPublished(revision=(latest.revision if latest else 0) + 1, hash=digest, content=content)
    return orders.request(session, "PlanPublished", body, now=now, actor=actor)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
@database_option
def publish(folder: Path | None, database: str) -> None:
    """Check the plan in FOLDER and publish it as a new revision."""
    folder = folder or default_config_dir()
    plan = plans.read_plan(folder)
    if isinstance(plan, list):
        for error in plan:
            click.echo(str(error), err=True)
        raise click.ClickException(_("The plan has %(count)s errors. Nothing was published.", count=len(plan)))
    engine = open_database(database, create=True)
    with writing(engine) as session:
        answer = publish_plan(session, plan, now=now(), actor=CONSOLE)
    if answer.reason == "plan_current":
        click.echo(_("Plan revision %(revision)s is already published; nothing has changed.", **dict(answer.args)))
        return
    tell(answer, _("Plan revision %(revision)s is published.", revision=answer.args.get("revision")))


# --- stations ---------------------------------------------------------------------------------------------------------


@click.command()
@click.argument("stations", nargs=-1, required=True, metavar="STATION...")
@database_option
def station_add(stations: tuple[str, ...], database: str) -> None:
    """Print an invitation for each STATION, which lets one PC in as it (15 minutes)."""
    authority, address = _tls(database)
    engine = open_database(database)
    with writing(engine) as session:
        codes = [enrolment.new_code(session, station, now=now(), actor=CONSOLE) for station in stations]
        refused = next((c for c in codes if isinstance(c, Answer)), None)
        if refused is not None:
            session.rollback()
            raise click.ClickException(refused.say(system_language()))
        invited = [enrolment.invite(session, str(code), authority, otherwise=address) for code in codes]
    for each in invited:
        click.echo(str(each))
    click.echo(_("Within 15 minutes, type on each station's PC:"), err=True)
    click.echo("  mes station enroll FILE.toml 'INVITATION'", err=True)


def _tls(database: str) -> tuple[str, str]:
    """The certificate of this server's authority, and its address by its first name; both empty where it has none."""
    files = Files(tls_folder(database))
    if not files.there:
        return "", ""
    return files.authority.read_text("ascii"), address_of(hosts_of(files)[0])


@click.command()
@click.argument("station")
@database_option
def station_rotate(station: str, database: str) -> None:
    """Give STATION a new key at its next hello; the old one ends when the new one is used."""
    engine = open_database(database)
    with writing(engine) as session:
        count = keys.ask_rotation(session, station, now=now())
    if not count:
        raise click.ClickException(_("Station %(station)s had no token.", station=station))
    click.echo(_("Station %(station)s gets a new key within a minute of being heard.", station=station))


@click.command()
@click.argument("station")
@database_option
def station_revoke(station: str, database: str) -> None:
    """Shut STATION out: its tokens end at once."""
    engine = open_database(database)
    with writing(engine) as session:
        count = enrolment.revoke(session, station, now=now(), actor=CONSOLE)
    if not count:
        raise click.ClickException(_("Station %(station)s had no token.", station=station))
    click.echo(_("Station %(station)s is shut out.", station=station))
