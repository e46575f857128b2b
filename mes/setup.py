"""How a command finds its database: one option, one environment variable, one default."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from sqlalchemy import Engine

from mes.db import migrate
from mes.db.session import NotDurable, assert_durable, engine_for
from mes.i18n import _, system_language
from mes.orders import Answer
from mes.rebuild import rebuild

F = TypeVar("F", bound=Callable[..., Any])
CONSOLE: Final = "console"
"""Who acts at the command line: whoever may use the server's own terminal."""
HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?|::1")
"""A computer's name or address; the certificate's own rules come on top."""
DEFAULT_DATABASE: Final = "sqlite:///data/atelier.db"


def database_url() -> str:
    """The database of this shell: MES_DATABASE_URL, or a SQLite file under ./data."""
    url = os.environ.get("MES_DATABASE_URL", DEFAULT_DATABASE)
    # The plain spelling that every PostgreSQL manual uses; our driver is psycopg 3.
    return url.replace("postgresql://", "postgresql+psycopg://", 1) if url.startswith("postgresql://") else url


def database_option(command: F) -> F:
    """`--database URL` on a command."""
    return click.option("--database", default=database_url, show_default=DEFAULT_DATABASE, help="Database address.")(
        command
    )


def tls_folder(database: str) -> Path:
    """Where the certificates lie: beside a SQLite file, else in ./data; MES_TLS names another folder."""
    named = os.environ.get("MES_TLS")
    if named:
        return Path(named)
    beside = Path(database.removeprefix("sqlite:///")).parent if database.startswith("sqlite:///") else Path("data")
    return beside / "tls"


def own_names() -> tuple[str, ...]:
    """What this computer is called on its own network and by itself."""
    name = socket.gethostname()
    short = name.partition(".")[0]
    return tuple(n for n in (f"{short}.local", name, short, "localhost", "127.0.0.1", "::1") if HOST.fullmatch(n))


def open_database(url: str, *, create: bool = False) -> Engine:
    """An engine on a database that is durable and at this version's schema.

    Args:
        create: migrate it, making it if it is not there.

    Raises:
        click.ClickException: with what to do next.
    """
    path = url.removeprefix("sqlite:///")
    if url.startswith("sqlite:///") and not create and not Path(path).exists():
        raise click.ClickException(_("There is no database at %(path)s yet. Run: mes db upgrade", path=path))
    engine = engine_for(url)
    try:
        assert_durable(engine, allow_unsafe=os.environ.get("MES_ALLOW_UNSAFE_POSTGRES") == "1")
    except NotDurable as error:
        raise click.ClickException(
            _("This database would forget work at a power cut: %(why)s. Correct its settings.", why=error)
        ) from error
    if create:
        migrate.upgrade(engine)
        rebuild(engine)
    elif migrate.current(engine) != migrate.head(engine):
        raise click.ClickException(_("This database belongs to another version. Run: mes db upgrade"))
    return engine


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def write_file(output: Path, content: bytes) -> None:
    """Write what was made to a file.

    Raises:
        click.ClickException: it cannot be written there.
    """
    try:
        output.write_bytes(content)
    except OSError as error:
        raise click.ClickException(
            _("%(file)s cannot be written: %(why)s", file=output, why=error.strerror or error)
        ) from error


def tell(answer: Answer, done: str) -> None:
    """Print what was done; a refusal goes to stderr as one sentence, and the command fails."""
    if not answer.done:
        raise click.ClickException(answer.say(system_language()))
    click.echo(done)
