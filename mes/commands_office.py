"""The office at the command line: `mes plan publish`, `mes nc`, `mes station add|rotate|revoke`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from mes import enrolment, keys, orders, quality, revisions, wire
from mes import plan as plans
from mes.db.session import reading, writing
from mes.db.tables import Nonconformity
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


# --- nonconformities -------------------------------------------------------------------------------------------------


@click.group()
def nc() -> None:
    """See nonconformities and decide them."""


@nc.command("list")
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.option("--json", "as_json", is_flag=True)
@database_option
def nc_list(everything: bool, as_json: bool, database: str) -> None:
    """List the open nonconformities."""
    engine = open_database(database)
    with reading(engine) as session:
        wanted = select(Nonconformity).order_by(Nonconformity.id)
        if not everything:
            wanted = wanted.where(Nonconformity.state != "closed")
        rows = session.scalars(wanted).all()
        if as_json:
            names = ("id", "unit", "order", "step", "station", "cause", "defect", "state", "disposition", "opened_at")
            click.echo(json.dumps([{n: getattr(r, n) for n in names} for r in rows], ensure_ascii=False))
            return
        for r in rows:
            click.echo(f"{r.id}  {r.unit:20} {r.step:14} {r.cause:14} {r.state:14} {r.disposition or ''}")
        if not rows:
            click.echo(_("No nonconformity is open."))


@nc.command("decide")
@click.argument("nc_id", metavar="NC")
@click.argument("disposition", type=click.Choice(["rework", "not_confirmed", "scrap"]))
@click.option("--step", help="For rework: the step to go back to; the failed one when not given.")
@click.option("--why", default="", help="The reason, in a few words.")
@database_option
def nc_decide(nc_id: str, disposition: Any, step: str | None, why: str, database: str) -> None:
    """Decide what becomes of the unit that NC holds."""
    engine = open_database(database)
    with writing(engine) as session:
        answer = quality.decide(session, nc_id, disposition, now=now(), step=step, why=why, actor=CONSOLE)
    tell(answer, _("%(nc)s is decided: %(what)s.", nc=nc_id, what=disposition))


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
