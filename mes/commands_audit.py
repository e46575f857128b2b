"""The audit file at the command line: `mes audit export`."""

from __future__ import annotations

import json
import secrets
import tempfile
from datetime import datetime
from pathlib import Path

import click

from mes import audit_file
from mes.commands_ledger import verify_engine
from mes.commands_table import DAY
from mes.db.session import reading, writing
from mes.i18n import LANGUAGES, _
from mes.setup import CONSOLE, database_option, now, open_database, tell


@click.group()
def audit() -> None:
    """Evidence for an ISO 9001 auditor."""


@audit.command()
@click.option("--from", "first", type=DAY, required=True, help="First day, YYYY-MM-DD.")
@click.option("--to", "last", type=DAY, required=True, help="Last day, YYYY-MM-DD.")
@click.option("--units", type=click.IntRange(0, 500), default=5, show_default=True, help="Units drawn at random.")
@click.option("--seed", type=click.IntRange(0), help="Draw the same units again; the index names the seed.")
@click.option("--language", type=click.Choice(sorted(LANGUAGES)), default="fr", show_default=True)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file; audit-FROM-TO.zip if not given."
)
@click.option("--no-verify", is_flag=True, help="Do not replay the ledger first; the file then says so.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@database_option
def export(
    first: datetime,
    last: datetime,
    units: int,
    seed: int | None,
    language: str,
    output: Path | None,
    no_verify: bool,
    as_json: bool,
    database: str,
) -> None:
    """Write one zip that an auditor takes away: records by clause, dossiers of units drawn at random, the ledger's
    rows with their hashes, and an index to be read first. `mes ledger verify FILE.zip` checks it without the server."""
    if last < first:
        raise click.ClickException(_("The last day lies before the first: turn them round."))
    wanted = audit_file.Wanted(
        f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}", units, secrets.randbelow(10**6) if seed is None else seed, language
    )
    path = output or Path(f"audit-{wanted.first}-{wanted.last}.zip")
    if not path.parent.is_dir():
        raise click.ClickException(_("There is no folder %(folder)s: make it first.", folder=path.parent))
    engine, findings = open_database(database), None
    if not no_verify:
        click.echo(_("The ledger is checked and replayed…"), err=True)
        with tempfile.TemporaryDirectory(prefix="mes-verify-") as scratch:
            findings = verify_engine(engine, Path(scratch))[1]
    at = now()
    with reading(engine) as session:
        made = audit_file.write(
            session, path, wanted, now=at, findings=findings, progress=lambda said: click.echo(f"  {said}", err=True)
        )
    with writing(engine) as session:
        answer = audit_file.record(session, wanted, made, now=at, actor=CONSOLE)
    if as_json:
        row = {"file": str(path), "sha256": made.sha256, "files": made.files, "seed": wanted.seed, "units": made.drawn}
        click.echo(json.dumps(row, ensure_ascii=False))
    else:
        tell(
            answer,
            _(
                "%(path)s: %(files)s files. The ledger knows it as %(sha256)s.",
                path=path,
                files=made.files,
                sha256=made.sha256,
            ),
        )
