"""Engines and transactions: one way to read, one way to write, on SQLite and PostgreSQL.

Every writing transaction is exclusive: `BEGIN IMMEDIATE` on SQLite, one advisory lock on PostgreSQL. A deferred
transaction that reads and then writes fails at once when another writer was faster (busy_timeout does not apply to
that), and two ledgers' positions must never be taken side by side. Group commit makes up for the queue.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

BUSY_MS: Final = 5_000
_CONNECTION: Final = "atelier connection"
LEDGER_LOCK: Final = 0x41544C52  # "ATLR": the advisory lock that writers of one database take


class NotDurable(RuntimeError):
    """The database would forget commits at a power cut."""


def engine_for(url: str) -> Engine:
    """An engine with the settings that durability needs, checked.

    Raises:
        NotDurable: when SQLite is not in WAL mode with `synchronous=FULL`, or PostgreSQL has `fsync` or
            `synchronous_commit` off.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database not in (None, "", ":memory:"):
            Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False})
        event.listen(engine, "connect", _sqlite_settings)
        event.listen(engine, "begin", _sqlite_begin)
    else:
        engine = create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=8)
    return engine


def _sqlite_settings(connection: Any, record: Any) -> None:
    # SQLAlchemy's "begin" event sends BEGIN; the driver must not send one of its own.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # INSERT OR REPLACE deletes the row in its way without asking a trigger, were it not for this.
    cursor.execute("PRAGMA recursive_triggers=ON")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    cursor.execute("PRAGMA cache_size=-4096")
    cursor.close()


def _sqlite_begin(connection: Any) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def assert_durable(engine: Engine, *, allow_unsafe: bool = False) -> None:
    """Check, on a live connection, that a commit survives a power cut.

    Args:
        allow_unsafe: accept a PostgreSQL without fsync (a test cluster); never SQLite without FULL.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
            level = connection.exec_driver_sql("PRAGMA synchronous").scalar()
            if (journal not in ("wal", "memory")) or level != 2:
                raise NotDurable(f"SQLite: journal_mode={journal}, synchronous={level}; WAL and FULL (2) are needed")
            return
        values = {k: connection.exec_driver_sql(f"SHOW {k}").scalar() for k in ("fsync", "synchronous_commit")}
        if not allow_unsafe and (values["fsync"] != "on" or values["synchronous_commit"] == "off"):
            raise NotDurable(f"PostgreSQL: {values}; both must be on")


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that only looks. It is rolled back at the end, whatever happens."""
    with Session(engine) as session:
        yield session
        session.rollback()


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session that alone may write. The caller's block is one transaction: committed at its end, or rolled back."""
    with (
        engine.connect().execution_options(writing=True) as connection,
        Session(bind=connection) as session,
        session.begin(),
    ):
        if engine.dialect.name == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": LEDGER_LOCK})
        session.info[_CONNECTION] = session.connection()
        yield session


def connection_of(session: Session) -> Connection:
    """The session's connection, in its transaction; remembered for a writing one, which asks for it at every step.

    Inside a savepoint the session is asked: it sends the SAVEPOINT when its connection is first asked for.
    """
    known: Connection | None = session.info.get(_CONNECTION)
    return session.connection() if known is None or session.in_nested_transaction() else known


def is_busy(error: BaseException) -> bool:
    """True when the database says "later" (locked, out of connections, starting): try again, lose nothing."""
    if not isinstance(error, OperationalError):
        return False
    if isinstance(error.orig, sqlite3.OperationalError):
        return any(word in str(error.orig) for word in ("locked", "busy"))
    return True


def is_full(error: BaseException) -> bool:
    """True when the disk is full or cannot be written."""
    words = ("full", "readonly", "read-only", "disk I/O error", "No space")
    return isinstance(error, OperationalError) and any(word in str(error.orig) for word in words)
