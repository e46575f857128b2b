"""Runs migrations on the engine that `mes.db.migrate` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Engine, text

from mes.db.base import Base
from mes.db.tables import Ledger  # importing one table defines all of them

assert Ledger.metadata is Base.metadata

LOCK_TIMEOUT = "5s"  # a migration that waits behind a long reader would itself block every station
STATEMENT_TIMEOUT = "15min"


def run() -> None:
    """Online only: there is always a database at hand."""
    engine: Engine = context.config.attributes["engine"]
    with engine.connect().execution_options(writing=True) as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
                connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"))
            context.run_migrations()


run()
