"""`mes doctor`: is the server, the database or a station's PC sound? One line a check, and what to do.

What a station's PC has is looked at by `stations`, the sheet of check codes is drawn by `web`; both are found by entry
points, because this package knows neither.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click

from mes.i18n import _


@click.command()
@click.option("--url", help="Address of a running server; its /health is asked.")
@click.option(
    "--ca", type=click.Path(exists=True, dir_okay=False), help="The server's authority: the ca.pem of `mes tls show`."
)
@click.option("--database", default=None, help="Database address to check.")
@click.option(
    "--station",
    "station_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="On a station's PC: check the ports, the disk, the key and the server of this station's file.",
)
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="As in `mes station run`.")
@click.option("--watch", is_flag=True, help="With --station: show what the devices send, and what is wrong with it.")
@click.option("--speeds", metavar="PORT", help="With --station: try every speed on this port of the file.")
@click.option("--seconds", type=click.FloatRange(0.1, 86_400), help="How long to watch, or to try each speed.")
@click.option(
    "--sheet",
    metavar="FILE.svg|FILE.html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the page with the check codes, to be printed.",
)
@click.option("--json", "as_json", is_flag=True, help="With --station: one JSON object a line.")
def doctor(
    url: str | None,
    ca: str | None,
    database: str | None,
    station_file: Path | None,
    data: Path | None,
    watch: bool,
    speeds: str | None,
    seconds: float | None,
    sheet: Path | None,
    as_json: bool,
) -> None:
    """Check a running server (--url), a database (--database, or MES_DATABASE_URL) or this station's PC (--station)."""
    if sheet is not None:
        _sheet(sheet)
    if station_file is not None:
        examine = _part("station", "station")
        if not examine(station_file, data=data, watch=watch, speeds=speeds, seconds=seconds, as_json=as_json):
            raise click.exceptions.Exit(1)
    elif watch or speeds is not None:
        raise click.ClickException(_("Say which station: mes doctor --station FILE"))
    if station_file is not None or sheet is not None:
        return
    if url is not None:
        _server(url, ca)
    if database is not None or url is None:
        _database(database)


def _part(name: str, extra: str) -> Any:
    try:
        return next(e for e in entry_points(group="mes.doctor") if e.name == name).load()
    except ModuleNotFoundError as error:
        text = _(
            "This command needs packages that are not installed (%(missing)s). "
            "Install them: pip install 'atelier-mes[%(extra)s]'",
            missing=error.name,
            extra=extra,
        )
        raise click.ClickException(text) from error


def _sheet(path: Path) -> None:
    try:
        _part("sheet", "server")(path)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(_("%(file)s is written. Print it at 100 %%.", file=path))


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
