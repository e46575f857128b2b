"""Statements that are run at every scan, compiled once: text and parameters go straight to the driver.

SQLAlchemy builds them, so both databases are served; what is skipped is the work that it does again at each execution,
which for a one-row statement costs several times what the database takes. Values come as the driver gives them: text
and whole numbers as they are, booleans as 0 and 1 from SQLite. Errors are SQLAlchemy's, as everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Executable, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

FEW: Final = 8  # lists up to this length get a text of their own; longer ones go the ordinary way


class Prepared:
    """One statement with named parameters."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._texts: dict[Dialect, tuple[str, tuple[str, ...] | None]] = {}

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Execute it, once for each mapping of parameters, in the connection's transaction.

        Returns:
            The rows as the driver gives them; empty for a statement that has none.
        """
        found = self._texts.get(connection.dialect)
        if found is None:
            compiled = self._statement.compile(dialect=connection.dialect)  # type: ignore[attr-defined]
            order = tuple(compiled.positiontup or ()) if compiled.positional else None
            found = self._texts[connection.dialect] = (str(compiled), order)
        sql, order = found
        given: list[Any] = (
            [tuple([row[name] for name in order]) for row in rows] if order is not None else [dict(r) for r in rows]
        )
        cursor = connection.connection.cursor()
        try:
            if len(given) == 1:
                cursor.execute(sql, given[0])
            else:
                cursor.executemany(sql, given)
            return list(cursor.fetchall()) if cursor.description else []
        except connection.dialect.loaded_dbapi.Error as error:
            base = connection.dialect.loaded_dbapi.Error
            raise DBAPIError.instance(sql, given[:1], error, base, dialect=connection.dialect) from error
        finally:
            cursor.close()


SAVE: Final = "SAVEPOINT judged"
FORGET: Final = "ROLLBACK TO SAVEPOINT judged"
RELEASE: Final = "RELEASE SAVEPOINT judged"


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """What the block writes is taken back alone when it raises; the transaction goes on."""
    _send(connection, SAVE)
    try:
        yield
    except BaseException:
        _send(connection, FORGET)
        _send(connection, RELEASE)
        raise
    _send(connection, RELEASE)


def _send(connection: Connection, sql: str) -> None:
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql)
    except connection.dialect.loaded_dbapi.Error as error:
        base = connection.dialect.loaded_dbapi.Error
        raise DBAPIError.instance(sql, None, error, base, dialect=connection.dialect) from error
    finally:
        cursor.close()


class PreparedIn:
    """One statement with a list of keys; `build` makes it for a WHERE … IN of these bind parameters."""

    def __init__(self, build: Callable[[Any], Executable]) -> None:
        self._of = cache(lambda n: Prepared(build([bindparam(f"k{i}", unique=False) for i in range(n)])))
        self._any = build(bindparam("keys", expanding=True))

    def run(self, connection: Connection, keys: Sequence[str]) -> list[Any]:
        """Execute it for these keys."""
        if 0 < len(keys) <= FEW:
            prepared: Prepared = self._of(len(keys))
            return prepared.run(connection, [{f"k{i}": key for i, key in enumerate(keys)}])
        return list(connection.execute(self._any, {"keys": list(keys)}))
