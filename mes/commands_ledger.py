"""`mes ledger verify`, `mes requeue`, `mes db upgrade`: the database's own business at the command line."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
from sqlalchemy import Engine, func, select

from mes import audit_file, certificates, ledger, nonconformities, quality
from mes.db import migrate
from mes.db.session import engine_for, reading, writing
from mes.db.tables import Ledger
from mes.i18n import _, system_language
from mes.ledger import Finding
from mes.setup import CONSOLE, database_option, now, open_database


@click.group("ledger")
def ledger_group() -> None:
    """Look at the ledger: what happened, once and for ever."""


def verify_engine(
    engine: Engine, scratch: Path, *, told: Callable[[int, int], None] | None = None
) -> tuple[int, list[Finding]]:
    """Check the chains and the files, replay the ledger into an empty database, and compare every state row.

    Args:
        scratch: folder for the empty SQLite database.
        told: is called with how many rows are replayed, and of how many.

    Returns:
        The number of ledger rows, and what does not agree.
    """
    fresh = engine_for(f"sqlite:///{scratch / 'replay.db'}")
    migrate.scratch(fresh)
    findings: list[Finding] = []
    # One snapshot for all: on SQLite a reading transaction sees one moment, and the server may go on writing.
    with reading(engine) as source:
        if engine.dialect.name == "postgresql":
            source.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        count = source.scalar(select(func.count()).select_from(Ledger)) or 0
        findings.extend(ledger.check_chains(source))
        findings.extend(certificates.check(source))
        findings.extend(nonconformities.check_files(source))
        with writing(fresh) as target:
            findings.extend(ledger.replay(source, target, told=(lambda done: told(done, count)) if told else None))
            findings.extend(ledger.compare(source, target))
    fresh.dispose()
    return count, findings


@ledger_group.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True)
@click.option("--background", is_flag=True, help="Give way to other processes, and say how far it is, line by line.")
@database_option
def verify(file: Path | None, as_json: bool, background: bool, database: str) -> None:
    """Check the chains and the certificate files, and replay the ledger: every state row must come out the same.

    With FILE, an audit file: look at that instead; it needs no database.
    """
    if file is not None:
        _verify_file(file, as_json)
        return
    engine = open_database(database)
    if background:
        os.nice(10)
    with tempfile.TemporaryDirectory(prefix="mes-verify-") as scratch:
        count, findings = verify_engine(engine, Path(scratch), told=_say if background else None)
    if as_json:
        rows = [{"where": f.where, "what": f.what} for f in findings]
        click.echo(json.dumps({"rows": count, "agrees": not rows, "findings": rows}, ensure_ascii=False))
        raise SystemExit(1 if findings else 0)
    for finding in findings[:100]:
        click.echo(f"{finding.where}: {finding.what}", err=True)
    if findings:
        raise click.ClickException(
            _("%(count)s places do not agree. Keep the database as it is and call for help.", count=len(findings))
        )
    click.echo(_("%(count)s ledger rows: the chains hold and the replay agrees.", count=count))


def _say(done: int, total: int) -> None:
    click.echo(f"{done}/{total}", err=True)


def _verify_file(file: Path, as_json: bool) -> None:
    try:
        found = audit_file.check(file)
    except ValueError as error:
        raise click.ClickException(
            _("%(file)s is no audit file: %(why)s. Take one that “mes audit export” has made.", file=file, why=error)
        ) from error
    if as_json:
        rows = [{"where": f.where, "what": f.what} for f in found.findings]
        said = {"sha256": found.sha256, "files": found.files, "rows": found.rows, "agrees": not rows, "findings": rows}
        click.echo(json.dumps(said, ensure_ascii=False))
        raise SystemExit(1 if rows else 0)
    for finding in found.findings[:100]:
        click.echo(f"{finding.where}: {finding.what}", err=True)
    if found.findings:
        raise click.ClickException(
            _("%(count)s places do not agree: this is not the file that was made.", count=len(found.findings))
        )
    click.echo(
        _(
            "%(files)s files and %(rows)s ledger rows agree. The ledger knows this file as %(sha256)s.",
            files=found.files,
            rows=found.rows,
            sha256=found.sha256,
        )
    )


@ledger_group.command("list")
@click.option("--after", default=0, show_default=True, help="Only rows after this position.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@database_option
def list_rows(after: int, as_json: bool, database: str) -> None:
    """List the ledger's rows, the oldest first."""
    engine = open_database(database)
    with reading(engine) as session:
        columns = [getattr(Ledger, name) for name in _LISTED]
        wanted = select(*columns).where(Ledger.n > after).order_by(Ledger.n)
        for row in session.execute(wanted.execution_options(yield_per=1_000)):
            if as_json:
                click.echo(json.dumps(dict(zip(_LISTED, row, strict=True)), ensure_ascii=False))
            else:
                where = row.station or "office"
                click.echo(f"{row.n:>8} {row.received_at} {where:10} {row.kind:22} {row.verdict} {row.reason}")


_LISTED = ("n", "event_id", "kind", "station", "captured_at", "received_at", "status", "verdict", "reason")


@click.command()
@click.argument("event_id", required=False)
@database_option
def requeue(event_id: str | None, database: str) -> None:
    """Try quarantined events again: EVENT_ID, or all of them."""
    engine = open_database(database)
    with writing(engine) as session:
        results = quality.requeue(session, now=now(), event_id=event_id, actor=CONSOLE)
    for each, answer in results:
        said = answer if isinstance(answer, str) else answer.say(system_language())
        click.echo(f"{each}: {said}")
    left = [each for each, answer in results if isinstance(answer, str) or not answer.done]
    if left:
        raise click.ClickException(_("%(count)s events stay in quarantine.", count=len(left)))
    click.echo(_("%(count)s events were taken up again.", count=len(results)))


@click.group()
def db() -> None:
    """Make and migrate the database."""


@db.command()
@click.argument("revision", default="head")
@database_option
def upgrade(revision: str, database: str) -> None:
    """Bring the database to this version's schema, making it if it is not there."""
    if revision == "head":
        engine = open_database(database, create=True)
    else:
        engine = engine_for(database)
        migrate.upgrade(engine, revision)
    click.echo(_("The database is at revision %(revision)s.", revision=migrate.current(engine)))


@db.command()
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask.")
@database_option
def downgrade(revision: str, yes: bool, database: str) -> None:
    """Take the database back to an older schema: what newer tables hold is lost."""
    if not yes and os.isatty(0):
        click.confirm(_("Data of newer tables will be lost. Go on?"), abort=True)
    engine = engine_for(database)
    migrate.downgrade(engine, revision)
    click.echo(_("The database is at revision %(revision)s.", revision=migrate.current(engine) or "base"))
