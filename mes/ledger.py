"""The ledger: append once, chain, verify, replay.

`record` is load, fold, store: it loads what a batch touches, folds the events in memory and stores rows and state with
bulk statements. Only when the database itself objects are the events stored one by one, each in a savepoint, and the
one that it will not have is quarantined.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pydantic_core import to_json
from sqlalchemy import func, insert, select
from sqlalchemy.exc import InternalError, OperationalError, StatementError
from sqlalchemy.orm import Session

from mes import fold, wire
from mes.db.base import Base, utc_text
from mes.db.prepared import Prepared, savepoint
from mes.db.session import connection_of
from mes.db.tables import REPLAYED, Ledger
from mes.rows import ChainRow
from mes.verdicts import OFFICE, Entry, Judged, NotUnderstood
from mes.world import World

GENESIS: Final = "0" * 64
# Locked, full, gone: says nothing of the event; the batch comes again.
_LATER: Final = (OperationalError, InternalError)


_LAST: Final = Prepared(select(func.max(Ledger.n)))
_APPEND: Final = Prepared(insert(Ledger.__table__))  # type: ignore[arg-type]


def last_position(session: Session) -> int:
    """The ledger's last position, 0 when it is empty."""
    ((last,),) = _LAST.run(connection_of(session), [{}])
    return last or 0


def row_hash(prev: str, row: dict[str, Any]) -> str:
    """The chained hash of a ledger row: SHA-256 over the previous hash and the row's fields as compact JSON."""
    fields = [row[name] for name in _HASHED]
    return hashlib.sha256(to_json([prev, *fields])).hexdigest()


# Not the operator and the veil, which are forgotten in time: the mark stands for both.
_UNHASHED: Final = ("operator", "veil", "prev_hash", "hash")
_HASHED: Final = tuple(c.name for c in Ledger.__table__.columns if c.name not in _UNHASHED)


def office_entry(kind: str, body: wire.Frozen, *, event_id: str, actor: str | None, now: datetime, v: int = 1) -> Entry:
    """An entry for what a person does away from the bench. `n` and `seq` are given when it is recorded."""
    text = body.model_dump_json()
    at, veil = utc_text(now), wire.new_veil()
    mark = wire.operator_mark(actor, veil)
    entry = Entry(0, OFFICE, 0, event_id, kind, v, at, at, 0, "", None, actor, veil, mark, True, None, text, "", at)
    return replace(entry, sha256=entry.digest())


class Memory:
    """The working set that a writer carries from one transaction into the next; see `World.begin`.

    A transaction that fails must `forget`: its changes are in the working set and not in the database.
    """

    def __init__(self) -> None:
        self._world: World | None = None

    def recall(self, session: Session, position: int) -> World:
        """The working set for this transaction."""
        self._world = self._world.begin(session, position) if self._world else World(session)
        return self._world

    def forget(self) -> None:
        """What is remembered is not the database's truth any more."""
        self._world = None


def record(
    session: Session, entries: Sequence[Entry], *, keep_refused: bool = True, memory: Memory | None = None
) -> list[Judged]:
    """Append entries to the ledger and fold them into the state.

    Args:
        session: a writing transaction; the caller commits.
        entries: in the order in which they happened; positions, and sequence numbers of the office, are given here.
        keep_refused: False for the office, whose refused requests leave no row.
        memory: what the caller remembers from its last transaction; the caller forgets it when this one fails.

    Returns:
        One verdict an entry, in order.
    """
    if not entries:
        return []
    memory = memory or Memory()
    try:
        with savepoint(connection_of(session)):
            return _store(session, entries, memory, keep_refused=keep_refused)
    except _LATER:
        raise
    except (StatementError, ValueError):
        memory.forget()
        return [_alone(session, entry, keep_refused=keep_refused) for entry in entries]


def _alone(session: Session, entry: Entry, *, keep_refused: bool) -> Judged:
    """Store one entry in a savepoint of its own; what the database refuses is quarantined."""
    try:
        with savepoint(connection_of(session)):
            return _store(session, [entry], Memory(), keep_refused=keep_refused)[0]
    except _LATER:
        raise
    except (StatementError, ValueError) as error:
        if entry.source == OFFICE:
            raise
        why = f"the database refused it: {type(error).__name__}"
        plain = replace(entry, body=_storable(entry.body), kind=_storable(entry.kind))
        with savepoint(connection_of(session)):
            return _store(session, [plain], Memory(), keep_refused=True, why_not=why)[0]


def _storable(text: str) -> str:
    """A text without what a database cannot keep (NUL, lone surrogates), still telling what it was."""
    return json.dumps(text) if "\x00" in text or not text.isprintable() else text


def _store(
    session: Session, entries: Sequence[Entry], memory: Memory, *, keep_refused: bool, why_not: str = ""
) -> list[Judged]:
    n = last_position(session)
    world = memory.recall(session, n)
    parsed = [(entry, *((None, why_not) if why_not else _parsed(entry))) for entry in entries]
    fold.preload(world, [(entry, body) for entry, body, _ in parsed])
    world.chains.load((entry.source,) for entry in entries)
    out: list[Judged] = []
    rows: list[dict[str, Any]] = []
    for entry, body, why in parsed:
        n += 1
        chain = world.chains.get(entry.source) or ChainRow(entry.source, 0, GENESIS)
        seq = entry.seq or chain.seq + 1
        mark = world.mark()
        judged = fold.judge(world, replace(entry, n=n, seq=seq), body, why_not=why)
        if judged.verdict == "refused" and not keep_refused:
            world.undo(mark)
            n -= 1
            world.n = n
            out.append(judged)
            continue
        row = ledger_row(judged, chain.hash)
        world.chains.put(ChainRow(entry.source, seq, row["hash"]))
        rows.append(row)
        out.append(judged)
    if rows:
        _APPEND.run(world.connection, rows)
        world.store()
    return out


def _parsed(entry: Entry) -> tuple[wire.Frozen | None, str]:
    try:
        return fold.parse(entry), ""
    except NotUnderstood as error:
        return None, str(error)


def ledger_row(judged: Judged, prev: str) -> dict[str, Any]:
    """The ledger row of a judged entry, chained to the previous hash of its source."""
    e = judged.entry
    row = {
        "n": e.n,
        "source": e.source,
        "seq": e.seq,
        "event_id": e.event_id,
        "kind": e.kind,
        "v": e.v,
        "captured_at": e.captured_at,
        "received_at": e.received_at,
        "mono_ms": e.mono_ms,
        "boot_id": e.boot_id,
        "offset_ms": e.offset_ms,
        "operator": e.operator,
        "veil": e.veil,
        "operator_mark": e.operator_mark,
        "asks": e.asks,
        "station": e.station,
        "body": e.body,
        "sha256": e.sha256,
        "status": judged.status,
        "verdict": judged.verdict,
        "reason": judged.reason,
        "args": to_json(judged.args).decode(),
        "competence": judged.competence,
        "prev_hash": prev,
    }
    row["hash"] = row_hash(prev, row)
    return row


def hashed(row: Ledger) -> dict[str, Any]:
    """All that the hash of a row covers, and the hashes around it: enough to compute it again (`row_hash`)."""
    return {name: getattr(row, name) for name in (*_HASHED, "prev_hash", "hash")}


# --- verify -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not agree: where, and what."""

    where: str
    what: str


def check_chains(session: Session, *, batch: int = 2_000) -> Iterator[Finding]:
    """Recompute every hash, look for gaps in the positions, and for bodies that are not what was hashed."""
    heads: dict[str, str] = {}
    expected = 1
    for row in _rows(session, batch):
        if row.n != expected:
            yield Finding(f"ledger {row.n}", f"position {expected} is missing")
        expected = row.n + 1
        values = {name: getattr(row, name) for name in _HASHED}
        prev = heads.get(row.source, GENESIS)
        if row.prev_hash != prev:
            yield Finding(f"ledger {row.n}", f"is not chained to the row before it of {row.source}")
        if row.hash != row_hash(row.prev_hash, values):
            yield Finding(f"ledger {row.n}", "was changed after it was written (hash)")
        if row.status == "recorded" and row.sha256 != fold.entry_of(row).digest():
            yield Finding(f"ledger {row.n}", "body is not what the station hashed")
        if not _operator_fits(row):
            yield Finding(f"ledger {row.n}", "names another operator than the one that was hashed")
        heads[row.source] = row.hash


def _operator_fits(row: Ledger) -> bool:
    """Is the operator the one of the mark, or somebody who has been generalised?"""
    if row.operator == wire.SOMEBODY:
        return not row.veil and bool(row.operator_mark)
    return row.operator_mark == wire.operator_mark(row.operator, row.veil)


def _rows(session: Session, batch: int) -> Iterator[Ledger]:
    last = 0
    while piece := session.scalars(select(Ledger).where(Ledger.n > last).order_by(Ledger.n).limit(batch)).all():
        yield from piece
        last = piece[-1].n
        session.expunge_all()


def replay(
    source: Session, target: Session, *, batch: int = 1_000, told: Callable[[int], None] | None = None
) -> Iterator[Finding]:
    """Fold the whole ledger into an empty database with the same schema; a verdict that comes out otherwise is named.

    Args:
        source: a reading session on the ledger.
        target: a writing session on an empty database; it gets the ledger rows as well.
        told: is called after each batch with the position it has come to.
    """
    last = 0
    while rows := source.scalars(select(Ledger).where(Ledger.n > last).order_by(Ledger.n).limit(batch)).all():
        last = rows[-1].n
        world = World(target)
        again = [(fold.entry_of(row), row) for row in rows]
        # Rows of the ledger itself first: a second try of a quarantined event reads its first row.
        columns = Ledger.__table__.columns.keys()
        _APPEND.run(target.connection(), [{c: getattr(row, c) for c in columns} for row in rows])
        parsed = [(e, _parsed(e)[0] if row.status == "recorded" else None) for e, row in again]
        fold.preload(world, parsed)
        for (entry, body), row in zip(parsed, rows, strict=True):
            world.n = entry.n
            if row.status == "quarantined":
                fold.quarantined(world, entry, json.loads(row.args)["why"])
            elif row.status == "recorded":
                judged = fold.judge(world, entry, body, why_not="not understood at the replay")
                args = ledger_row(judged, row.prev_hash)["args"]
                got = (judged.verdict, judged.reason, args, judged.competence)
                if got != (row.verdict, row.reason, row.args, row.competence):
                    yield Finding(f"ledger {row.n}", f"was {row.verdict}/{row.reason}, the replay says {got[:2]}")
            world.chains.put(ChainRow(row.source, row.seq, row.hash))
        world.store()
        source.expunge_all()
        if told is not None:
            told(last)


def compare(source: Session, target: Session, *, tables: Iterable[type[Base]] = REPLAYED) -> Iterator[Finding]:
    """Compare every state row of two databases; both are read in key order."""
    for table in tables:
        columns = table.__table__.columns
        keys = [c.name for c in table.__table__.primary_key]
        order = [columns[k] for k in keys]

        def rows(session: Session, columns: Any = columns, order: Any = order) -> dict[tuple[Any, ...], dict[str, Any]]:
            found = (dict(r._mapping) for r in session.execute(select(*columns).order_by(*order)))
            return {tuple(r[k.name] for k in order): r for r in found}

        mine, theirs = rows(source), rows(target)
        for key in sorted({*mine, *theirs}, key=str):
            a, b = mine.get(key), theirs.get(key)
            if a == b:
                continue
            where = f"{table.__tablename__} {'/'.join(map(str, key))}"
            if a is None or b is None:
                yield Finding(where, "is only in the replay" if a is None else "is not in the replay")
            else:
                names = ", ".join(f"{c}: {a[c]!r} ≠ {b[c]!r}" for c in a if a[c] != b[c])
                yield Finding(where, f"state and replay differ: {names}")
