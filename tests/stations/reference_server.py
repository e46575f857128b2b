"""The server's half of the protocol, as short as it can be written: a SQLite database and three verbs.

A stand-in for the network side in the tests of the station. It judges nothing; it keeps each event once, in the order
of its stream, and can be restored from a backup. `Rules` leaves one rule out, to show that the tests would notice.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mes.wire import (
    PROTO,
    Envelope,
    HelloReply,
    HelloRequest,
    IngestReply,
    IngestRequest,
    IngestResult,
    Mark,
    PlanMark,
    digest_of,
)

POISON = "Poison"  # a kind that the server cannot understand: quarantined
CRASHER = "Crasher"  # a kind that breaks the server before it can quarantine it: only `raw` gets it in

_TABLES = """
CREATE TABLE ledger (position INTEGER PRIMARY KEY, event_id TEXT NOT NULL, sha256 TEXT NOT NULL,
                     stream TEXT NOT NULL, seq INTEGER NOT NULL, status TEXT NOT NULL);
CREATE TABLE mark (stream TEXT NOT NULL, seq INTEGER NOT NULL, event_id TEXT NOT NULL, PRIMARY KEY (stream, seq));
"""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the server holds to; a mutant drops one."""

    knows_event_ids: bool = True
    refuses_taken_numbers: bool = True
    refuses_gaps: bool = True
    quarantines: bool = True


class Broken(Exception):
    """The server fell over: HTTP 500."""


class Forked(Exception):
    """Another event has this number: HTTP 409."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the ledger."""

    event_id: str
    stream: str
    seq: int
    status: str


class ReferenceServer:
    """Keeps events in the file at `path` (in memory by default)."""

    def __init__(self, path: Path | None = None, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.server_gen = str(uuid.uuid4())
        self.max_events = 200
        self.plan: PlanMark | None = None
        self.cursor = 1
        self.lock = threading.Lock()
        self._db = self._open(path or Path(":memory:"))
        self._db.executescript(_TABLES)
        self._backup: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the database and its backup."""
        self._db.close()
        if self._backup is not None:
            self._backup.close()

    def post(self, path: str, body: bytes, *, commit: bool = True) -> tuple[int, bytes]:
        """Handle a request as it came; with `commit` off, the power fails before the commit.

        Returns:
            The status and the body of the answer.
        """
        with self.lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                reply: HelloReply | IngestReply
                if path == "/api/v1/hello":
                    reply = self._hello(HelloRequest.model_validate_json(body))
                elif path == "/api/v1/ingest":
                    request = IngestRequest.model_validate_json(body)
                    reply = self._ingest(request.stream_id, request.events, raw=False)
                elif path == "/api/v1/ingest/raw":
                    content = json.loads(body)
                    event = Envelope.model_validate(content["event"])
                    reply = self._ingest(content["stream_id"], (event,), raw=True)
                else:
                    return 404, b'{"error": "not_found", "message": ""}'
                self._db.execute("COMMIT" if commit else "ROLLBACK")
                return 200, reply.model_dump_json().encode()
            except Forked:
                return 409, b'{"error": "fork", "message": ""}'
            except Broken:
                return 500, b'{"error": "internal", "message": ""}'
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def back_up(self) -> None:
        """Make a verified backup: from now on what is in it is safe."""
        with self.lock:
            if self._backup is not None:
                self._backup.close()
            self._backup = self._open(Path(":memory:"))
            self._db.backup(self._backup)

    def restore(self) -> None:
        """Go back to the last backup, or to nothing."""
        with self.lock:
            source = self._backup or self._open(Path(":memory:"))
            if self._backup is None:
                source.executescript(_TABLES)
            source.backup(self._db)
            self.server_gen = str(uuid.uuid4())
            if self._backup is None:
                source.close()

    def ledger(self) -> list[Row]:
        """Everything that was stored, in the order in which it was."""
        with self.lock:
            rows = self._db.execute("SELECT event_id, stream, seq, status FROM ledger ORDER BY position").fetchall()
        return [Row(*row) for row in rows]

    def ids(self) -> list[str]:
        """The event ids of the ledger, in its order."""
        return [row.event_id for row in self.ledger()]

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def _hello(self, request: HelloRequest) -> HelloReply:
        assert request.proto == PROTO
        return HelloReply(
            server_gen=self.server_gen,
            station="bench-1",
            hwm=self._hwm(self._db, request.stream_id),
            safe_seq=self._safe_seq(request.stream_id),
            now=request.now,
            max_events=self.max_events,
            max_bytes=262_144,
            plan=self.plan,
            cursor=self.cursor,
        )

    def _ingest(self, stream: str, events: tuple[Envelope, ...], *, raw: bool) -> IngestReply:
        results = tuple(self._one(stream, event, raw=raw) for event in events)
        return IngestReply(results=results, hwm=self._hwm(self._db, stream), safe_seq=self._safe_seq(stream))

    def _one(self, stream: str, event: Envelope, *, raw: bool) -> IngestResult:
        def says(status: Any, verdict: Any = None) -> IngestResult:
            return IngestResult(event_id=event.event_id, status=status, verdict=verdict)

        known = self._db.execute("SELECT sha256 FROM ledger WHERE event_id = ?", (event.event_id,)).fetchone()
        if not self.rules.knows_event_ids:
            known = None
        taken = self._db.execute(
            "SELECT event_id FROM mark WHERE stream = ? AND seq = ?", (stream, event.seq)
        ).fetchone()
        hwm = self._hwm(self._db, stream).seq
        if taken is not None and taken[0] != event.event_id:
            if self.rules.refuses_taken_numbers:
                raise Forked
            return says("duplicate", "accepted")
        if taken is None and event.seq != hwm + 1 and (self.rules.refuses_gaps or event.seq <= hwm):
            return says("gap")
        if taken is None:
            self._db.execute("INSERT INTO mark VALUES (?, ?, ?)", (stream, event.seq, event.event_id))
        if known is not None:
            return says("duplicate" if known[0] == event.sha256 else "conflict", "accepted")
        bad = event.kind in (POISON, CRASHER) or digest_of(event) != event.sha256
        if bad and (not self.rules.quarantines or (event.kind == CRASHER and not raw)):
            raise Broken
        status = "quarantined" if raw or bad else "recorded"
        self._db.execute(
            "INSERT INTO ledger (event_id, sha256, stream, seq, status) VALUES (?, ?, ?, ?, ?)",
            (event.event_id, event.sha256, stream, event.seq, status),
        )
        return says(status, None if bad else "accepted")

    def _hwm(self, db: sqlite3.Connection, stream: str) -> Mark:
        row = db.execute(
            "SELECT seq, event_id FROM mark WHERE stream = ? ORDER BY seq DESC LIMIT 1", (stream,)
        ).fetchone()
        return Mark(seq=0) if row is None else Mark(seq=row[0], event_id=row[1])

    def _safe_seq(self, stream: str) -> int:
        return 0 if self._backup is None else self._hwm(self._backup, stream).seq
