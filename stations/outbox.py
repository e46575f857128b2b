"""The outbox: what happened at the bench is on this station's disk before anything is shown, until the server has it.

One SQLite file, one stream. It must not know HTTP, nor decide when to send: `stations.protocol` decides and
`stations.uplink` does. Two threads use it, the agent's (keep) and the uplink's (pending, settle): one handle, one lock.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from mes.wire import Envelope, IngestResult, Mark
from stations import outbox_rows as rows
from stations.outbox_file import ROWS, OutboxFailed, envelope, salvage
from stations.outbox_handle import Handle
from stations.outbox_rows import Alarm, Draft, Kept, Recovery, Standing, utc_now, utc_text

__all__ = ["Alarm", "Draft", "Kept", "Outbox", "OutboxFailed", "Recovery", "Standing", "utc_now", "utc_text"]

RETAIN: Final = timedelta(days=7)  # an acked row stays this long, even when a verified backup has it (design 7)
ALARMS_SHOWN: Final = 20
ON_SENDING: Final = 24  # bytes that an event grows by on sending: the comma, and the clock offset


class Outbox:
    """One file of kept events. `kept` is set after each commit of `keep`, so that a sender can wait for it."""

    def __init__(self, path: Path, machine_id: str, boot_id: str, clock: Callable[[], datetime]) -> None:
        self.path, self.machine_id, self.boot_id = path, machine_id, boot_id
        self.kept = threading.Event()
        self._clock = clock
        self._handle = Handle(path, clock)

    @classmethod
    def open(cls, path: Path, *, machine_id: str, boot_id: str, clock: Callable[[], datetime] = utc_now) -> Outbox:
        """Open or create the file at `path`; whatever is wrong with it, scanning can go on when this returns.

        A bad file is set aside (see `alarms` and `set_aside`). A file of another machine (a cloned or re-imaged disk)
        is forked: it keeps its events and gets a new stream.

        Args:
            machine_id: names this PC and no copy of its disk: a copy would number its events like the original.
            boot_id: this start of the machine; `mono_ms` counts within it.
            clock: names bad files and dates alarms.

        Raises:
            OutboxFailed: this machine does not let a commit reach the disk (full, no permission, not durable).
        """
        outbox = cls(path, machine_id, boot_id, clock)
        outbox.reopen()
        return outbox

    def reopen(self) -> None:
        """Open the file again after an OutboxFailed with `reopen` set; the events are all there, the stream may be new.

        When the file was deleted or replaced under us, its content is first written back from the handle that still
        holds it. Raises OutboxFailed as `open` does; call it again later.
        """
        with self._handle.lock:
            told = self._handle.open()
            with self._handle.transaction() as db:
                self._adopt(db)
                for code, text in told:
                    rows.raise_alarm(db, code, text, utc_text(self._clock()))
        self.kept.set()  # there may be something to send

    def close(self) -> None:
        """Close the file. What is kept stays kept."""
        self._handle.close()

    # --- keep ---------------------------------------------------------------------------------------------------------

    def keep(
        self, drafts: Sequence[Draft], *, captured_at: str, mono_ms: int, notes: Mapping[str, str] | None = None
    ) -> list[Envelope]:
        """Put events on the disk, all or none, and return them with their numbers once the commit is there.

        Args:
            captured_at: the station's clock, UTC text as `utc_text` writes it.
            mono_ms: the monotonic clock within this boot, milliseconds.
            notes: what goes with them into the same commit, see `note`.

        Raises:
            OutboxFailed: nothing is promised; the screen must not turn green.
            pydantic.ValidationError: a draft is no valid event (a bug of the caller); none is kept.
        """
        if not drafts:
            return []
        with self._handle.lock:
            with self._handle.transaction() as db:
                first = rows.last(db).seq + 1
                events = [
                    rows.numbered(draft, first + n, captured_at=captured_at, mono_ms=mono_ms, boot_id=self.boot_id)
                    for n, draft in enumerate(drafts)
                ]
                rows.insert(db, events)
                rows.write_notes(db, notes or {})
            self._handle.must_have_a_name()  # a commit into a file that was deleted meanwhile is no promise
        self.kept.set()
        return events

    def note(self, name: str, text: str) -> None:
        """Remember a text of the station's own under a name, until it is replaced; it is never sent."""
        with self._handle.transaction() as db:
            rows.write_notes(db, {name: text})

    def notes(self) -> dict[str, str]:
        """The texts of `note`, by name."""
        with self._handle.reading() as db:
            return rows.notes(db)

    # --- send and settle ----------------------------------------------------------------------------------------------

    def pending(self, limit_events: int, limit_bytes: int) -> list[Envelope]:
        """The oldest events that wait, contiguous: at most so many, and so many bytes of JSON, but at least one."""
        waiting: list[Envelope] = []
        size = 0
        with self._handle.reading() as db:
            oldest = db.execute("SELECT min(seq) FROM outbox WHERE state = 'new'").fetchone()[0]
            if oldest is None:
                return []
            found = db.execute(ROWS + "WHERE seq >= ? AND state = 'new' ORDER BY seq LIMIT ?", (oldest, limit_events))
            for n, row in enumerate(found):
                event = envelope(row)
                size += len(event.model_dump_json().encode()) + ON_SENDING
                if event.seq != oldest + n or (waiting and size > limit_bytes):
                    break
                waiting.append(event)
        return waiting

    def settle(self, results: Sequence[IngestResult], *, now: datetime) -> int:
        """Write down the server's answers: exactly the listed events are acked, no others, and none that says `gap`.

        There is no high-water mark here on purpose: acking "all up to N" confirms events that the server never saw.

        Returns:
            How many events waited and are now settled.
        """
        if not results:
            return 0
        with self._handle.transaction() as db:
            return rows.settle(db, results, utc_text(now))

    def rewind(self, hwm_seq: int) -> int:
        """Un-ack everything above the server's mark: it was restored from a backup. Returns how many wait again."""
        with self._handle.transaction() as db:
            return db.execute(
                "UPDATE outbox SET state = 'new', acked_at = NULL WHERE seq > ? AND state <> 'new'", (hwm_seq,)
            ).rowcount

    def fork(self, why: str) -> str:
        """Begin a new stream with every row that is still here, in order, from 1; same event ids, all to be sent.

        For a disk that was cloned or restored: under the old stream the server would take new events for old ones.
        Returns the new stream id.
        """
        with self._handle.transaction() as db:
            return rows.fork(db, why, utc_text(self._clock()))

    def forget(self, safe_seq: int, now: datetime) -> int:
        """Delete the oldest rows that are settled, in a verified backup (`seq <= safe_seq`) and 7 days old.

        Only from the front, so that what stays has no holes. Returns how many were deleted.
        """
        with self._handle.transaction() as db:
            return rows.forget(db, safe_seq, utc_text(now - RETAIN))

    def note_server(self, server_gen: str) -> None:
        """Remember which life of the server we talk to; another one than before is an alarm, not a reason to stop."""
        with self._handle.transaction() as db:
            before = rows.meta(db).get("server_gen")
            if before == server_gen:
                return
            rows.write_meta(db, {"server_gen": server_gen})
            if before is not None:
                text = f"the server works with a restored or a new database: {server_gen}, before {before}"
                rows.raise_alarm(db, "server_restored", text, utc_text(self._clock()))

    # --- look ---------------------------------------------------------------------------------------------------------

    def standing(self) -> Standing:
        """Where the outbox stands."""
        with self._handle.reading() as db:
            return rows.standing(db)

    @property
    def stream_id(self) -> str:
        """The life of this file; a fork begins another."""
        return self.standing().stream_id

    @property
    def next_seq(self) -> int:
        """The number of the next event."""
        return self.standing().next_seq

    @property
    def last(self) -> Mark:
        """The last event that was kept; seq 0 when there was none."""
        return self.standing().last

    @property
    def acked_mark(self) -> int:
        """The highest number that the server has answered for; 0: none."""
        return self.standing().acked

    def kept_count(self) -> int:
        """How many events wait for the server."""
        return self.standing().kept

    def event_id_at(self, seq: int) -> str | None:
        """Which event carries this number in the present stream; None when it is not here (any more, or yet)."""
        with self._handle.reading() as db:
            row = db.execute("SELECT event_id FROM outbox WHERE seq = ?", (seq,)).fetchone()
            if row is not None:
                return str(row[0])
            low = rows.floor(db)
            return low.event_id if seq == low.seq else None

    def newest(self, limit: int) -> list[Kept]:
        """The last rows with what the server said of them, oldest first: what a restarted agent shows again."""
        with self._handle.reading() as db:
            return rows.newest(db, limit)

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """The last alarms of this file, oldest first."""
        with self._handle.reading() as db:
            return rows.alarms(db, ALARMS_SHOWN)

    @property
    def set_aside(self) -> Path | None:
        """The bad file that the last `open` or `reopen` found, for `recover`; None when the file was good."""
        return self._handle.bad_file

    @property
    def usable(self) -> bool:
        """Whether the file is open and at its place; if not, `reopen()` has to be called."""
        return self._handle.usable

    # --- recover ------------------------------------------------------------------------------------------------------

    def recover(self, bad_file: Path) -> Recovery:
        """Take the readable events of a file that was set aside, with their event ids, into this stream.

        All of them, also the acked ones: the server knows by the event id which it has. The bad file is not changed.
        """
        try:
            events, unusable = salvage(bad_file)
        except sqlite3.Error:
            events, unusable = [], 0
        with self._handle.transaction() as db:
            here = {row[0] for row in db.execute("SELECT event_id FROM outbox")}
            lost = [event for event in events if event.event_id not in here]
            first = rows.last(db).seq + 1
            rows.insert(db, (event.model_copy(update={"seq": first + n}) for n, event in enumerate(lost)))
            result = Recovery(again=len(lost), already_here=len(events) - len(lost), unusable=unusable)
            text = f"{bad_file}: {result.again} events are sent again, {result.unusable} could not be read"
            rows.raise_alarm(db, "recovered", text, utc_text(self._clock()))
        self.kept.set()
        return result

    def _adopt(self, db: sqlite3.Connection) -> None:
        """Make the file's stream ours: a new one, the old one, or a fork of it."""
        known, at = rows.meta(db), utc_text(self._clock())
        if "stream_id" not in known:
            rows.write_meta(db, {"machine_id": self.machine_id, **rows.born()})
        elif known["machine_id"] != self.machine_id:
            rows.write_meta(db, {"machine_id": self.machine_id})
            rows.fork(db, f"the file is of machine {known['machine_id']}, this is {self.machine_id}", at)
        elif rows.has_holes(db):
            rows.fork(db, "rows are missing in the file", at)
