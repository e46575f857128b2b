"""One open outbox file: a connection, the lock around it, and what an error means for both.

It must not know what the rows say. Who has a handle may use it from any thread; a transaction waits for the other one.
"""

from __future__ import annotations

import errno
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from stations.outbox_file import BadFile, OutboxFailed, beside, connect, failure, identity, rescue, set_aside
from stations.outbox_rows import AlarmCode


class Handle:
    """The file at `path`. `bad_file` is what the last `open` had to set aside, None when nothing."""

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.bad_file: Path | None = None
        self._clock = clock
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._log: tuple[int, int] | None = None

    def open(self) -> list[tuple[AlarmCode, str]]:
        """Open the file, anew if it was open; return what a person must be told about it.

        When it was deleted or replaced under us, its content is first written back from the connection that still
        holds it. When it is bad it is set aside, and an empty one takes its place.

        Raises:
            OutboxFailed: the machine does not let us; call it again later.
        """
        with self.lock:
            told = self._let_go()
            self.bad_file = None
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._db = connect(self.path)
            except BadFile as bad:
                self.bad_file = set_aside(self.path, self._clock())
                self._db = connect(self.path)
                told.append(("set_aside", f"{self.bad_file}: {bad}"))
            self._file, self._log = identity(self.path), None
            return told

    def close(self) -> None:
        """Close it; every later use is refused until it is opened again."""
        with self.lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    @property
    def usable(self) -> bool:
        """Whether it is open and the file is still at its place."""
        with self.lock:
            return self._db is not None and self._has_a_name()

    def must_have_a_name(self) -> None:
        """Raise OutboxFailed when the file was deleted or replaced: a commit into it is no promise."""
        if not self._has_a_name():
            raise OutboxFailed("gone", f"{self.path} was deleted or replaced while in use", reopen=True)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write, all or nothing; the commit is on the disk when the block is left. Raises OutboxFailed."""
        with self.lock:
            db = self._opened()
            self.must_have_a_name()
            try:
                db.execute("BEGIN IMMEDIATE")  # reading first and writing then fails at once when another one writes
                yield db
                db.execute("COMMIT")
            except (sqlite3.DatabaseError, BadFile) as error:
                raise self._broken(db, error) from error
            except BaseException:
                db.execute("ROLLBACK")
                raise
            if self._log is None:
                self._log = identity(beside(self.path, "-wal"))

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read. Raises OutboxFailed."""
        with self.lock:
            db = self._opened()
            try:
                yield db
            except (sqlite3.DatabaseError, BadFile) as error:
                raise self._broken(db, error) from error

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            raise OutboxFailed("closed", "the outbox is closed", reopen=True)
        return self._db

    def _has_a_name(self) -> bool:
        if identity(self.path) != self._file:
            return False
        return self._log is None or identity(beside(self.path, "-wal")) == self._log

    def _let_go(self) -> list[tuple[AlarmCode, str]]:
        db = self._db
        told: list[tuple[AlarmCode, str]] = []
        if db is None:
            return told
        if identity(self.path) != self._file:
            try:
                set_aside(self.path, self._clock())
                rescue(db, self.path)
                told.append(("rescued", "the outbox file was deleted or replaced while in use; it was written again"))
            except (sqlite3.Error, OSError) as error:
                full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
                if full or getattr(error, "errno", None) == errno.ENOSPC:
                    # Only this connection still holds the events: it stays open until there is room for them.
                    raise OutboxFailed("disk_full", str(error), reopen=True) from error
                told.append(("rescue_failed", f"the outbox file was deleted and could not be written again: {error}"))
        self._db = None
        db.close()  # before the file is opened anew: closing unlinks the log at that name, whoever's it is
        return told

    def _broken(self, db: sqlite3.Connection, error: sqlite3.DatabaseError | BadFile) -> Exception:
        """Undo, and say what it means: a bug stays what it is, a full disk can wait, anything else ends the handle."""
        with suppress(sqlite3.Error):
            if db.in_transaction:
                db.execute("ROLLBACK")
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            return error
        failed = OutboxFailed("corrupt", str(error), reopen=True) if isinstance(error, BadFile) else failure(error)
        if failed.reopen:
            self._db = None
            with suppress(sqlite3.Error):
                db.close()
        return failed
