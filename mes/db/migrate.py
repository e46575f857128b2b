"""Bring a database to the schema of this version, or say that it is not."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from uuid import uuid4

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, insert, select

from mes.db.base import Base
from mes.db.tables import Meta


def config(engine: Engine) -> Config:
    """Alembic's configuration for an engine, without a file."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.attributes["engine"] = engine
    return made


def current(engine: Engine) -> str | None:
    """The revision that the database is at, None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head(engine: Engine) -> str | None:
    """The revision that this version wants."""
    return _newest(config(engine).get_main_option("script_location") or "")


@cache
def _newest(folder: str) -> str | None:
    return ScriptDirectory(folder).get_current_head()


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Migrate forward; each migration is one transaction. A new database gets its generation."""
    if revision != "head" or current(engine) != head(engine):
        command.upgrade(config(engine), revision)
    if revision == "head":
        with engine.connect().execution_options(writing=True) as connection, connection.begin():
            if connection.scalar(select(Meta.value).where(Meta.key == "server_gen")) is None:
                connection.execute(insert(Meta).values(key="server_gen", value=str(uuid4())))


def scratch(engine: Engine) -> None:
    """The schema of this version in an empty database that is thrown away after a replay: whole in one go, where the
    migrations make the same one step by step."""
    Base.metadata.create_all(engine)


def downgrade(engine: Engine, revision: str) -> None:
    """Migrate back."""
    command.downgrade(config(engine), revision)
