"""The use case of the drawing: batches of events come in, one transaction, a verdict for each, the answer after it.

The protocol's own rules are here (known, next, gap, fork, conflict); what an event *means* is the fold's business.
Several batches that wait share one transaction, and so one fsync.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from mes import ledger, wire
from mes.db.base import utc_text
from mes.db.prepared import Prepared, PreparedIn
from mes.db.session import connection_of
from mes.db.tables import Ledger, Stream
from mes.fold import CONFLICT, screen_of
from mes.verdicts import Entry, Judged
from mes.world import World


@dataclass(frozen=True, slots=True)
class Batch:
    """One request of one station, already parsed; `station` comes from its token, never from the request."""

    station: str
    request: wire.IngestRequest


@dataclass(frozen=True, slots=True)
class Refusal:
    """A batch that as a whole cannot be taken: `fork` (409), `foreign_stream` or `second_machine` (403)."""

    error: str


@dataclass(slots=True)
class _Mark:
    """How far a stream is, while batches are being judged."""

    station: str
    seq: int
    event_id: str | None
    fresh: bool
    moved: bool = False


@dataclass(slots=True)
class _Known:
    """What the ledger already says of an event id."""

    sha256: str
    status: wire.Status
    verdict: wire.Verdict | None
    reason: str
    args: dict[str, Any]


@dataclass(slots=True)
class _Plan:
    """What will become of one event of a batch, before the fold has spoken."""

    event: wire.Envelope
    status: wire.Status
    index: int | None = None  # into the entries that go to the fold


@dataclass(slots=True)
class _Draft:
    """The work on one batch."""

    batch: Batch
    steps: list[_Plan] = field(default_factory=list)


_STREAMS: Final = PreparedIn(
    lambda ids: select(Stream.stream_id, Stream.station, Stream.hwm_seq, Stream.hwm_event_id).where(
        Stream.stream_id.in_(ids)
    )
)
_KNOWN: Final = PreparedIn(
    lambda ids: select(Ledger.event_id, Ledger.sha256, Ledger.status, Ledger.verdict, Ledger.reason, Ledger.args).where(
        Ledger.event_id.in_(ids)
    )
)
_MOVE: Final = Prepared(
    update(Stream)
    .where(Stream.stream_id == bindparam("of"))
    .values(hwm_seq=bindparam("seq"), hwm_event_id=bindparam("event_id"))
)


def ingest(
    session: Session, batches: Sequence[Batch], *, now: datetime, memory: ledger.Memory | None = None
) -> list[wire.IngestReply | Refusal]:
    """Judge batches, in order, in the caller's writing transaction.

    Args:
        memory: what the writer remembers from its last transaction.

    Returns:
        One answer a batch; to be sent only after the commit.
    """
    received_at = utc_text(now)
    marks = _marks(session, batches)
    known = _known(session, batches)
    entries: list[Entry] = []
    pending: dict[str, tuple[str, int]] = {}  # event id -> (hash, index) of what this very transaction adds
    answers: list[_Draft | Refusal] = []
    for batch in batches:
        answers.append(_sort(batch, marks, known, pending, entries, received_at))
    judged = ledger.record(session, entries, memory=memory)
    _store_marks(session, marks, received_at)
    return [a if isinstance(a, Refusal) else _reply(a, marks, known, judged, pending, session) for a in answers]


def _marks(session: Session, batches: Sequence[Batch]) -> dict[str, _Mark]:
    wanted = {b.request.stream_id: b.station for b in batches}
    found: Iterable[Any] = _STREAMS.run(connection_of(session), list(wanted))
    marks = {row[0]: _Mark(row[1], row[2], row[3], fresh=False) for row in found}
    for stream_id, station in wanted.items():
        marks.setdefault(stream_id, _Mark(station, 0, None, fresh=True))
    return marks


def _known(session: Session, batches: Sequence[Batch]) -> dict[str, _Known]:
    ids = list({e.event_id for b in batches for e in b.request.events})
    known: dict[str, _Known] = {}
    for i in range(0, len(ids), 500):
        rows: Iterable[Any] = _KNOWN.run(connection_of(session), ids[i : i + 500])
        for event_id, sha, status, verdict, reason, args in rows:
            known[event_id] = _Known(sha, status, verdict, reason, json.loads(args))
    return known


def _sort(
    batch: Batch,
    marks: dict[str, _Mark],
    known: dict[str, _Known],
    pending: dict[str, tuple[str, int]],
    entries: list[Entry],
    received_at: str,
) -> _Draft | Refusal:
    """The protocol's rules for one batch: what is new, what is known, where it breaks off."""
    stream_id = batch.request.stream_id
    mark = marks[stream_id]
    if mark.station != batch.station:
        return Refusal("foreign_stream")
    draft = _Draft(batch)
    for event in batch.request.events:
        sha = known[event.event_id].sha256 if event.event_id in known else pending.get(event.event_id, (None,))[0]
        if event.seq <= mark.seq and sha is None:
            # This number was given to another event: the station's disk was cloned or restored.
            return Refusal("fork")
        if event.seq > mark.seq + 1:
            return _cut(draft, event)
        if sha is None:
            pending[event.event_id] = (event.sha256, len(entries))
            draft.steps.append(_Plan(event, "recorded", len(entries)))
            entries.append(_entry(batch.station, stream_id, event, received_at))
        elif sha == event.sha256:
            draft.steps.append(_Plan(event, "duplicate"))
        else:
            draft.steps.append(_Plan(event, "conflict"))
            if event.seq > mark.seq:
                entries.append(_conflict(batch.station, stream_id, event, received_at))
        if event.seq > mark.seq:
            mark.seq, mark.event_id, mark.moved = event.seq, event.event_id, True
    return draft


def _cut(draft: _Draft, event: wire.Envelope) -> _Draft:
    rest = [e for e in draft.batch.request.events if e.seq >= event.seq]
    draft.steps.extend(_Plan(e, "gap") for e in rest)
    return draft


def _entry(station: str, stream_id: str, e: wire.Envelope, received_at: str) -> Entry:
    return Entry(
        n=0,
        source=stream_id,
        seq=e.seq,
        event_id=e.event_id,
        kind=e.kind,
        v=e.v,
        captured_at=e.captured_at,
        received_at=received_at,
        mono_ms=e.mono_ms,
        boot_id=e.boot_id,
        offset_ms=e.offset_ms,
        operator=e.operator,
        veil=e.veil,
        operator_mark=wire.operator_mark(e.operator, e.veil),
        asks=e.asks,
        station=station,
        body=e.body,
        sha256=e.sha256,
        at=Entry.occurred(e.captured_at, received_at, e.offset_ms),
    )


def _conflict(station: str, stream_id: str, e: wire.Envelope, received_at: str) -> Entry:
    """Another body under a known event id: kept, under an id derived from both, and never folded."""
    derived = str(uuid5(NAMESPACE_OID, f"{e.event_id} {e.sha256} {stream_id} {e.seq}"))
    entry = _entry(station, stream_id, e, received_at)
    return replace(entry, event_id=derived, kind=CONFLICT)


def _store_marks(session: Session, marks: dict[str, _Mark], received_at: str) -> None:
    for stream_id, mark in marks.items():
        if not mark.moved:
            continue
        if mark.fresh:
            session.add(
                Stream(
                    stream_id=stream_id,
                    station=mark.station,
                    hwm_seq=mark.seq,
                    hwm_event_id=mark.event_id,
                    created_at=received_at,
                )
            )
            session.flush()
        else:
            _MOVE.run(connection_of(session), [{"of": stream_id, "seq": mark.seq, "event_id": mark.event_id}])


def _reply(
    draft: _Draft,
    marks: dict[str, _Mark],
    known: dict[str, _Known],
    judged: list[Judged],
    pending: dict[str, tuple[str, int]],
    session: Session,
) -> wire.IngestReply:
    results = []
    for step in draft.steps:
        event_id = step.event.event_id
        result: Judged | _Known | None = None
        if step.index is not None:
            result = judged[step.index]
        elif step.status == "duplicate":
            result = known.get(event_id) or judged[pending[event_id][1]]
        status = step.status
        if isinstance(result, Judged) and step.index is not None:
            status = result.status
        elif result is not None and result.status == "quarantined":
            status = "quarantined"
        results.append(
            wire.IngestResult(
                event_id=event_id,
                status=status,
                verdict=result.verdict if result else None,
                reason=result.reason if result else "",
                args=dict(result.args) if result else {},
                screen=_screen(session, draft.batch.station, step, result),
            )
        )
    mark = marks[draft.batch.request.stream_id]
    return wire.IngestReply(results=tuple(results), hwm=wire.Mark(seq=mark.seq, event_id=mark.event_id), safe_seq=0)


def _screen(session: Session, station: str, step: _Plan, result: Judged | _Known | None) -> dict[str, Any] | None:
    """What the bench must know of a unit that it let in; told again when the first answer was lost on its way."""
    if isinstance(result, Judged) and step.index is not None:
        return result.screen
    event = step.event
    if result is None or result.verdict != "accepted" or event.kind != "UnitsArrived" or not event.asks:
        return None
    world = World(session)
    serial = wire.UnitsArrived.model_validate_json(event.body).unit
    unit = world.units.get(serial)
    here = unit is not None and unit.state == "in_work" and unit.station == station
    return screen_of(world, serial) if here else None
