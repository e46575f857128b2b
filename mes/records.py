"""The use case of testers' records: one record becomes one event of a station's own stream of records.

The same ingest as for everything from the floor judges it. That a record is recorded once is decided by the ledger: its
event id follows from its content. It must not know files; `mes.commands_test` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import revisions, wire
from mes.db.tables import PlanRevision, Stream, UnitRow, WorkOrder
from mes.domain.openhtf import Record
from mes.domain.records import Mapped, Run, run_of
from mes.domain.route import Product
from mes.ingest import Batch, Refusal, ingest


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a record.

    `status` is that of its event: `recorded` now; `duplicate`: it was there already; `conflict`: it was there already,
    read with another mapping, step or operator, and what was recorded then stays; `quarantined`.
    """

    run: Run
    status: wire.Status
    verdict: wire.Verdict | None
    reason: str
    args: Mapping[str, Any]


def run_for(session: Session, record: Record, *, station: str, mapped: Mapped | None, step: str | None) -> Run:
    """The event of a record, judged by the plan that its unit's order is pinned to; nothing is written."""
    return run_of(record, _product(session, record.unit), station=station, mapped=mapped, step=step)


def bring_in(
    session: Session,
    record: Record,
    *,
    station: str,
    now: datetime,
    mapped: Mapped | None = None,
    step: str | None = None,
    operator: str | None = None,
) -> Imported:
    """Record a tester's record in the caller's writing transaction, unless the ledger has it.

    Args:
        station: where the unit was tested.
        operator: the badge of who tested it, where the step asks for a qualification.
    """
    run = run_for(session, record, station=station, mapped=mapped, step=step)
    stream = str(uuid5(NAMESPACE_OID, f"records {station}"))
    with session.begin_nested() as mine:
        last = session.scalar(select(Stream.hwm_seq).where(Stream.stream_id == stream)) or 0
        event = envelope(run, last + 1, operator)
        (reply,) = ingest(session, [Batch(station, wire.IngestRequest(stream_id=stream, events=(event,)))], now=now)
        assert not isinstance(reply, Refusal)  # the stream is this station's own, and the number its next one
        result = reply.results[0]
        if result.status in ("duplicate", "conflict"):
            mine.rollback()  # sent again: not even a number of the stream is used up by it
    return Imported(run, result.status, result.verdict, result.reason, result.args)


def envelope(run: Run, seq: int, operator: str | None) -> wire.Envelope:
    """The event of a record: a fact, at the tester's time, from no start of any machine."""
    fields: dict[str, Any] = {
        "event_id": run.event_id,
        "kind": type(run.body).__name__,
        "v": 1,
        "captured_at": run.captured_at,
        "mono_ms": 0,
        "boot_id": "",
        "asks": False,
        "body": run.body.model_dump_json(),
    }
    veil = wire.new_veil()
    sha256 = wire.digest(mark=wire.operator_mark(operator, veil), **fields)
    return wire.Envelope(seq=seq, operator=operator, veil=veil, sha256=sha256, **fields)


def _product(session: Session, serial: str) -> Product | None:
    unit = session.get(UnitRow, serial)
    order = session.get(WorkOrder, unit.order) if unit else None
    if unit is None or order is None or not order.revision:
        return None
    digest = session.scalars(select(PlanRevision.hash).where(PlanRevision.revision == order.revision)).one()
    return revisions.plan_of(session, order.revision, digest).product(unit.product)
