"""`mes tls init|show`: the server's own authority and certificate at the command line."""

from __future__ import annotations

import click

from mes.domain.invitation import fingerprint, pairs
from mes.i18n import _
from mes.setup import HOST, database_option, now, own_names, tls_folder
from mes.tls import Files, NoKey, ends, hosts_of, make


@click.group()
def tls() -> None:
    """The certificates with which `mes serve` serves HTTPS."""


@tls.command()
@click.option(
    "--host", "hosts", multiple=True, metavar="NAME", help="A name or address by which this server is called."
)
@click.option("--new-authority", is_flag=True, help="A new authority too: every station must be enrolled again.")
@database_option
def init(hosts: tuple[str, ...], new_authority: bool, database: str) -> None:
    """Make a private authority, if there is none, and a certificate for this server."""
    wrong = next((h for h in hosts if not HOST.fullmatch(h)), None)
    if wrong is not None:
        raise click.ClickException(_("%(name)s is no name or address of a computer.", name=wrong))
    files = Files(tls_folder(database))
    before = hosts_of(files) if files.there else ()
    wanted = [*(hosts or before or own_names()), "localhost", "127.0.0.1", "::1"]
    try:
        make(files, wanted, now=now(), new_authority=new_authority)
    except NoKey as error:
        raise click.ClickException(
            _(
                "The key of the authority is not at %(path)s. Put it back; with --new-authority every station must be "
                "enrolled again.",
                path=error,
            )
        ) from error
    _show(files)
    click.echo(_("Start the server again: it serves with them from then on."))


@tls.command()
@database_option
def show(database: str) -> None:
    """Print the fingerprint of the authority, the names of this server, and when its certificate ends."""
    files = Files(tls_folder(database))
    if not files.there:
        raise click.ClickException(_("There is no certificate at %(path)s yet. Run: mes tls init", path=files.folder))
    _show(files)


def _show(files: Files) -> None:
    pin = fingerprint(files.authority.read_text("ascii"))
    click.echo(_("Authority (SHA-256): %(pin)s", pin=pairs(pin)))
    click.echo(_("Its certificate, for browsers: %(path)s", path=files.authority))
    click.echo(_("This server: %(names)s", names=", ".join(hosts_of(files))))
    click.echo(_("Valid until %(day)s; `mes serve` renews it.", day=f"{ends(files):%Y-%m-%d}"))
