"""`mes doctor`: does the server answer, is the database durable and at the right schema? One line a check."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request

import click

from mes.i18n import _


@click.command()
@click.option("--url", help="Address of a running server; its /health is asked.")
@click.option(
    "--ca", type=click.Path(exists=True, dir_okay=False), help="The server's authority: the ca.pem of `mes tls show`."
)
@click.option("--database", default=None, help="Database address to check.")
def doctor(url: str | None, ca: str | None, database: str | None) -> None:
    """Check a running server (--url) or a database (--database, or MES_DATABASE_URL)."""
    if url is not None:
        _server(url, ca)
    if database is not None or url is None:
        _database(database)


def _server(url: str, ca: str | None) -> None:
    if not url.startswith(("http://", "https://")):
        raise click.ClickException(_("Give an address such as http://127.0.0.1:8321"))
    try:
        trust = ssl.create_default_context(cafile=ca)
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=5, context=trust) as answer:  # noqa: S310
            ok = json.load(answer).get("ok") is True
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise click.ClickException(_("The server at %(url)s does not answer: %(why)s", url=url, why=error)) from error
    if not ok:
        raise click.ClickException(_("The server answers, but its database is not ready. Run: mes db upgrade"))
    click.echo(_("The server answers."))


def _database(database: str | None) -> None:
    from mes.setup import database_url, open_database  # a bench PC has no SQLAlchemy and may still ask a server

    open_database(database or database_url())
    click.echo(_("The database is durable and at the right schema."))
