"""The outbox's file as a file: opened so that a commit is on the disk, examined, set aside when bad, read when broken.

It must not know the protocol, nor what an event means; `stations.outbox` puts the rows in.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ValidationError

from mes.wire import Envelope, digest_of
from stations.durable import sync_directory

SCHEMA: Final = 1  # PRAGMA user_version; a file with a higher one was written by a newer agent
BUSY_TIMEOUT_S: Final = 5.0
_FIELDS: Final = (
    "seq", "event_id", "kind", "v", "captured_at", "mono_ms", "boot_id", "operator", "veil", "asks", "body", "sha256",
)  # fmt: skip
# What `envelope` reads; a WHERE or an ORDER BY is put behind it.
ROWS: Final = f"SELECT {', '.join(_FIELDS)} FROM outbox "  # noqa: S608 (names of ours)
ADD: Final = f"INSERT INTO outbox ({', '.join(_FIELDS)}) VALUES (:{', :'.join(_FIELDS)})"  # noqa: S608 (names of ours)
"""Takes an envelope's fields by name."""

FailureCode = Literal["disk_full", "io_error", "locked", "gone", "closed", "not_durable", "too_new", "corrupt"]

_TABLES: Final = (
    """CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY CHECK (seq >= 1),
        event_id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL, v INTEGER NOT NULL,
        captured_at TEXT NOT NULL, mono_ms INTEGER NOT NULL, boot_id TEXT NOT NULL,
        operator TEXT, veil TEXT NOT NULL, asks INTEGER NOT NULL, body TEXT NOT NULL, sha256 TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'acked', 'quarantined')),
        verdict TEXT, reason TEXT, args TEXT, acked_at TEXT)""",
    "CREATE INDEX outbox_state ON outbox (state, seq)",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE alarm (n INTEGER PRIMARY KEY, at TEXT NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL)",
    f"PRAGMA user_version = {SCHEMA}",
)


class OutboxFailed(Exception):
    """The outbox could not do what was asked, so nothing may turn green.

    `code` says why. With `reopen` set the handle is of no more use: call `Outbox.reopen()`. Without it the same call
    may be tried again (a full disk that was freed, a lock that was let go).
    """

    def __init__(self, code: FailureCode, text: str, *, reopen: bool) -> None:
        super().__init__(f"{code}: {text}")
        self.code: FailureCode = code
        self.reopen = reopen


class BadFile(Exception):
    """The file's content cannot be trusted or read: set it aside, begin a new one."""


def failure(error: sqlite3.Error) -> OutboxFailed:
    """Translate an error of SQLite's. After an I/O error nobody knows what the disk holds: the handle must go.

    Source: sqlite.org/rescode.html; a failed fsync is never tried again on the same handle (PostgreSQL 11.2).
    """
    code = getattr(error, "sqlite_errorcode", None)
    match None if code is None else code & 0xFF:
        case sqlite3.SQLITE_FULL:
            return OutboxFailed("disk_full", str(error), reopen=False)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return OutboxFailed("locked", str(error), reopen=False)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | None:
            return OutboxFailed("corrupt", str(error), reopen=True)
        case _:
            return OutboxFailed("io_error", str(error), reopen=True)


def assert_durable(db: sqlite3.Connection) -> None:
    """Refuse a connection whose commits would not survive a power cut.

    Measured with cut power: synchronous=FULL lost nothing, NORMAL lost every commit since the last checkpoint, and the
    integrity check was content with both. So this is asserted, not assumed.
    """
    mode = db.execute("PRAGMA journal_mode").fetchone()[0]
    level = db.execute("PRAGMA synchronous").fetchone()[0]
    if mode != "wal" or level != 2:
        raise OutboxFailed("not_durable", f"journal_mode={mode}, synchronous={level}, not wal and 2", reopen=True)


def connect(path: Path) -> sqlite3.Connection:
    """Examine the file, open or create it, and return a connection in autocommit mode that any thread may use.

    Raises:
        BadFile: what is there cannot be read or does not hold together. It was not changed.
        OutboxFailed: the file may be good, but the machine does not let us use it (full, no permission, newer agent).
    """
    with _told_apart():
        # Read-only first: closing a writable connection would play the log into a file that nobody can trust. A file
        # whose very first commit was cut off has a journal to be rolled back instead, and that takes writing.
        cut_off = beside(path, "-journal").exists()
        if path.exists() and not cut_off:
            examined = read_only(path)
            try:
                _examine(examined)
            finally:
                examined.close()
        db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            assert_durable(db)
            if cut_off:
                _examine(db)
            if db.execute("PRAGMA user_version").fetchone()[0] == 0:
                db.execute("BEGIN IMMEDIATE")
                for statement in _TABLES:
                    db.execute(statement)
                db.execute("COMMIT")
                sync_directory(path.parent)
        except BaseException:
            db.close()
            raise
    return db


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that changes neither the file nor its log, not even by closing."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)


def envelope(row: tuple[Any, ...]) -> Envelope:
    """Read one row of `ROWS`. Raises BadFile when it is not what was once written: its own hash tells."""
    try:
        e = Envelope.model_validate(dict(zip(_FIELDS, row, strict=True)))
    except ValidationError as error:
        raise BadFile(f"row {row[0]} is no event: {error.errors()[0]['msg']}") from error
    if digest_of(e) != e.sha256:
        raise BadFile(f"row {row[0]} is not what was written: its hash differs")
    return e


def identity(path: Path) -> tuple[int, int] | None:
    """Which file lies at `path` (device and inode), or None: a program that 'cleans' may have taken ours away."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def beside(path: Path, suffix: str) -> Path:
    """The name of one of SQLite's own files next to `path` (`-wal`, `-shm`)."""
    return path.with_name(path.name + suffix)


def set_aside(path: Path, now: datetime) -> Path | None:
    """Rename the file to `.bad-<utc>` together with its logs; return the new name, or None if there was no file.

    The logs go with it because they hold the last commits; left behind, SQLite would play them into the new file.
    """
    bad = path.with_name(f"{path.name}.bad-{now.astimezone(UTC):%Y%m%dT%H%M%S}Z")
    n = 1
    while bad.exists() or beside(bad, "-wal").exists():
        n += 1
        bad = path.with_name(f"{path.name}.bad-{now.astimezone(UTC):%Y%m%dT%H%M%S}Z-{n}")
    there = path.exists()
    for log in ("-wal", "-journal"):
        if beside(path, log).exists():
            os.rename(beside(path, log), beside(bad, log))
    beside(path, "-shm").unlink(missing_ok=True)
    if there:
        os.rename(path, bad)
    sync_directory(path.parent)
    return bad if there else None


def rescue(db: sqlite3.Connection, path: Path) -> None:
    """Write everything that an open handle still sees to `path`: its own file was deleted, but is not gone yet.

    Raises:
        sqlite3.Error, OSError: it could not be read or written; `path` is then not there.
    """
    new = path.with_name(f"{path.name}.rescued")
    new.unlink(missing_ok=True)
    target = sqlite3.connect(new)
    try:
        db.backup(target)
    finally:
        target.close()
    with open(new, "rb+") as file:
        os.fsync(file.fileno())
    os.rename(new, path)
    sync_directory(path.parent)


def salvage(path: Path) -> tuple[list[Envelope], int]:
    """Read what can be read of a broken file, which is not changed.

    Returns:
        The events whose hash is right, in the order of their `seq`, and how many rows were there but unusable.
    """
    good: dict[int, Envelope] = {}
    unusable: set[int] = set()
    db = read_only(path)
    # A torn text shall fail its own hash, and not end the walk.
    db.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
    try:
        for row in _readable(db):
            try:
                good[row[0]] = envelope(row)
            except BadFile:
                unusable.add(row[0])
    finally:
        db.close()
    return [good[seq] for seq in sorted(good)], len(unusable)


def _examine(db: sqlite3.Connection) -> None:
    verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise BadFile(f"quick_check: {verdict}")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA:
        raise OutboxFailed("too_new", f"the file has version {version}, this agent knows {SCHEMA}", reopen=True)
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if version == 0 and tables:
        raise BadFile("an SQLite file, but not an outbox")
    if version == SCHEMA:
        for row in db.execute(ROWS):
            envelope(row)


@contextmanager
def _told_apart() -> Iterator[None]:
    """Tell a bad file from a machine in trouble: a good file must not be set aside because the disk is full."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        content = code is None or (code & 0xFF) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
        if content or code in (
            sqlite3.SQLITE_IOERR_READ,
            sqlite3.SQLITE_IOERR_SHORT_READ,
            sqlite3.SQLITE_IOERR_CORRUPTFS,
        ):
            raise BadFile(str(error)) from error
        raise failure(error) from error


def _readable(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Walk the table from the front, then from the back, then point by point where neither walk came."""
    first, last = 0, 2**53
    ended = False
    try:
        db.execute(ROWS + "LIMIT 0")
    except sqlite3.Error:
        return  # not even the table is known
    try:
        for row in db.execute(ROWS + "ORDER BY seq"):
            first = int(row[0])
            yield row
        ended = True
    except sqlite3.Error:
        pass
    if ended:
        return
    try:
        for row in db.execute(ROWS + "WHERE seq > ? ORDER BY seq DESC", (first,)):
            last = int(row[0])
            yield row
    except sqlite3.Error:
        pass
    for seq in range(first + 1, min(last, first + 100_000)):
        try:
            yield from db.execute(ROWS + "WHERE seq = ?", (seq,))
        except sqlite3.Error:
            continue
