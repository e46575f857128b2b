"""The rows of the outbox: what they say, and how they are written inside a transaction that somebody else has opened.

Functions take a connection and never commit. They must not know files, threads or the network.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from mes.wire import Envelope, IngestResult, Mark, digest, new_veil, operator_mark
from stations.outbox_file import ADD, ROWS, envelope

AlarmCode = Literal["forked", "set_aside", "rescued", "rescue_failed", "recovered", "server_restored"]
State = Literal["new", "acked", "quarantined"]

_SETTLED: Final[dict[str, State]] = {
    "recorded": "acked",
    "duplicate": "acked",
    "conflict": "quarantined",
    "quarantined": "quarantined",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it is kept. `body` is JSON text; `token` is the caller's own mark and is not stored.

    `event_id` and `captured_at` are those of something that has them already, such as a tester's record: kept once.
    """

    kind: str
    body: str
    operator: str | None
    asks: bool = False
    v: int = 1
    token: int = 0
    event_id: str | None = None
    captured_at: str | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something happened to the outbox that a person must know. `at` is UTC text."""

    at: str
    code: AlarmCode
    text: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A row: the event and what the server has said of it so far."""

    event: Envelope
    state: State
    verdict: str | None
    reason: str | None
    args: dict[str, object]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the outbox stands, read at one moment.

    `acked` is the highest number that the server has answered for, `floor` the last one that was forgotten (0: none),
    `kept` how many events wait.
    """

    stream_id: str
    next_seq: int
    last: Mark
    acked: int
    floor: int
    kept: int
    server_gen: str | None


@dataclass(frozen=True, slots=True)
class Recovery:
    """What `Outbox.recover` brought back from a file that was set aside."""

    again: int
    already_here: int
    unusable: int


def utc_now() -> datetime:
    """The station's clock."""
    return datetime.now(UTC)


def utc_text(moment: datetime) -> str:
    """A moment as it is stored and sent: UTC, six digits of a second, `Z`; so texts sort as times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def numbered(draft: Draft, seq: int, *, captured_at: str, mono_ms: int, boot_id: str) -> Envelope:
    """Make the event of a draft: a random veil, and id where it has none, and the hash of what must never change."""
    event_id, veil = draft.event_id or str(uuid.uuid4()), new_veil()
    captured_at = draft.captured_at or captured_at
    sha256 = digest(
        event_id=event_id,
        kind=draft.kind,
        v=draft.v,
        captured_at=captured_at,
        mono_ms=mono_ms,
        boot_id=boot_id,
        mark=operator_mark(draft.operator, veil),
        asks=draft.asks,
        body=draft.body,
    )
    return Envelope(
        seq=seq,
        event_id=event_id,
        kind=draft.kind,
        v=draft.v,
        captured_at=captured_at,
        mono_ms=mono_ms,
        boot_id=boot_id,
        operator=draft.operator,
        veil=veil,
        asks=draft.asks,
        body=draft.body,
        sha256=sha256,
    )


def insert(db: sqlite3.Connection, events: Iterable[Envelope]) -> None:
    """Add events as waiting rows."""
    db.executemany(ADD, [event.model_dump() for event in events])


def settle(db: sqlite3.Connection, results: Sequence[IngestResult], at: str) -> int:
    """Write answers into the rows with these event ids, and into no others; `gap` answers nothing."""
    rows = [
        (_SETTLED[result.status], result.verdict, result.reason, json.dumps(result.args), at, result.event_id)
        for result in results
        if result.status in _SETTLED
    ]
    return db.executemany(
        "UPDATE outbox SET state = ?, verdict = ?, reason = ?, args = ?, acked_at = ?"
        " WHERE event_id = ? AND state = 'new'",
        rows,
    ).rowcount


def born() -> dict[str, str]:
    """The meta rows of a stream that begins."""
    return {"stream_id": str(uuid.uuid4()), "floor_seq": "0", "floor_event_id": ""}


def fork(db: sqlite3.Connection, why: str, at: str) -> str:
    """Renumber all rows from 1 in their order, un-ack them, and begin a new stream, whose id is returned."""
    stream = born()
    seqs = [row[0] for row in db.execute("SELECT seq FROM outbox ORDER BY seq")]
    # Ascending: a new number is never above the old one, so it is free by then.
    db.executemany("UPDATE outbox SET seq = ? WHERE seq = ?", ((n, seq) for n, seq in enumerate(seqs, 1)))
    db.execute("UPDATE outbox SET state = 'new', acked_at = NULL")
    write_meta(db, stream)
    raise_alarm(db, "forked", f"{why}; new stream {stream['stream_id']}, {len(seqs)} events to send again", at)
    return stream["stream_id"]


def has_holes(db: sqlite3.Connection) -> bool:
    """Whether a number is missing. The server takes no event beyond a hole: such a stream would never flow again."""
    count, lowest, highest = db.execute("SELECT count(*), min(seq), max(seq) FROM outbox").fetchone()
    return bool(count) and (lowest != floor(db).seq + 1 or highest != lowest + count - 1)


def forget(db: sqlite3.Connection, safe_seq: int, before: str) -> int:
    """Delete from the front what is settled, at most `safe_seq`, and was acked before; return how many."""
    stop = db.execute(
        "SELECT min(seq) FROM outbox WHERE state = 'new' OR seq > ? OR acked_at > ?", (safe_seq, before)
    ).fetchone()[0]
    end = last(db).seq if stop is None else stop - 1
    row = db.execute("SELECT seq, event_id FROM outbox WHERE seq = ?", (end,)).fetchone()
    if row is None:
        return 0
    # Without this mark the next number would be 1 again, and the fork check would have nothing to compare.
    write_meta(db, {"floor_seq": str(row[0]), "floor_event_id": row[1]})
    return db.execute("DELETE FROM outbox WHERE seq <= ?", (end,)).rowcount


def meta(db: sqlite3.Connection) -> dict[str, str]:
    """What the file says of itself."""
    return dict(db.execute("SELECT key, value FROM meta").fetchall())


def write_meta(db: sqlite3.Connection, values: Mapping[str, str]) -> None:
    """Set some of it."""
    db.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", list(values.items()))


_NOTE: Final = "note "  # before the name of a note, so that it is never taken for a fact of the stream


def notes(db: sqlite3.Connection) -> dict[str, str]:
    """The station's own texts, by name."""
    return {key.removeprefix(_NOTE): value for key, value in meta(db).items() if key.startswith(_NOTE)}


def write_notes(db: sqlite3.Connection, values: Mapping[str, str]) -> None:
    """Set some of them."""
    write_meta(db, {_NOTE + name: text for name, text in values.items()})


def floor(db: sqlite3.Connection) -> Mark:
    """The last event that was forgotten; seq 0 when none was."""
    known = meta(db)
    return Mark(seq=int(known["floor_seq"]), event_id=known["floor_event_id"] or None)


def last(db: sqlite3.Connection) -> Mark:
    """The last event of the stream, be it here or forgotten."""
    row = db.execute("SELECT seq, event_id FROM outbox ORDER BY seq DESC LIMIT 1").fetchone()
    return floor(db) if row is None else Mark(seq=row[0], event_id=row[1])


def standing(db: sqlite3.Connection) -> Standing:
    """Where the stream stands."""
    known, end, low = meta(db), last(db), floor(db)
    settled = (
        db.execute("SELECT max(seq) FROM outbox WHERE state = ?", (state,)).fetchone()[0] or 0
        for state in ("acked", "quarantined")
    )
    return Standing(
        stream_id=known["stream_id"],
        next_seq=end.seq + 1,
        last=end,
        acked=max(low.seq, *settled),
        floor=low.seq,
        kept=db.execute("SELECT count(*) FROM outbox WHERE state = 'new'").fetchone()[0],
        server_gen=known.get("server_gen"),
    )


def newest(db: sqlite3.Connection, limit: int) -> list[Kept]:
    """The last rows, oldest first."""
    events = [envelope(row) for row in db.execute(ROWS + "ORDER BY seq DESC LIMIT ?", (limit,))]
    said = db.execute("SELECT state, verdict, reason, args FROM outbox ORDER BY seq DESC LIMIT ?", (limit,)).fetchall()
    return [
        Kept(event, state, verdict, reason, json.loads(args or "{}"))
        for event, (state, verdict, reason, args) in zip(reversed(events), reversed(said), strict=True)
    ]


def raise_alarm(db: sqlite3.Connection, code: AlarmCode, text: str, at: str) -> None:
    """Write down what a person must know."""
    db.execute("INSERT INTO alarm (at, code, text) VALUES (?, ?, ?)", (at, code, text))


def alarms(db: sqlite3.Connection, limit: int) -> tuple[Alarm, ...]:
    """The last alarms, oldest first."""
    rows = db.execute("SELECT at, code, text FROM alarm ORDER BY n DESC LIMIT ?", (limit,)).fetchall()
    return tuple(Alarm(*row) for row in reversed(rows))
