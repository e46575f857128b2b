"""Operators of old floor events are generalised: after so many days the ledger says that somebody was there, not who.

The unit's record, the hashes and the replay stay as they are (`mes.wire.operator_mark`). The ledger is read outside the
writer's turn and changed in small transactions, so that benches go on scanning; cut off anywhere, the next run goes on
where this one stopped. It must not know where it is called from, nor what is generalised to whom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import Engine, and_, func, not_, or_, select, update
from sqlalchemy.orm import Session

from mes import ledger, wire
from mes.db.base import utc_text
from mes.db.session import reading
from mes.db.tables import Ledger, Meta
from mes.orders import request
from mes.verdicts import OFFICE, Entry

T = TypeVar("T")
Write = Callable[[Callable[[Session, datetime], T]], T]
"""Runs a use case in a writing transaction of its own and gives its result back after the commit."""

PAGE: Final = 5_000  # ledger positions that are looked at together
BATCH: Final = 500  # events of one transaction: a bench that scans meanwhile waits for no more

_CLEAN_TO: Final = "generalised_to"
"""Up to this position no floor event names anybody: the next run begins behind it."""
_OPEN: Final = "generalised_open"
"""Events that a run has generalised and not yet written down in the ledger."""

_NAMED: Final = and_(Ledger.source != OFFICE, Ledger.operator.is_not(None), Ledger.operator != wire.SOMEBODY)


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of the ledger: what is due in it, and the first position that names somebody a while longer."""

    due: tuple[int, ...]
    stays: int | None
    last: int


def limit(now: datetime, days: int) -> str:
    """What happened before this moment is generalised, UTC text."""
    return utc_text(now - timedelta(days=days))


def pages(engine: Engine, before: str) -> Iterator[Page]:
    """The ledger in stretches, from where the last run found no name any more; one transaction each."""
    with reading(engine) as session:
        after, end = clean_to(session), ledger.last_position(session)
    while after < end:
        last = min(after + PAGE, end)
        here = and_(Ledger.n > after, Ledger.n <= last, _NAMED)
        old = or_(Ledger.received_at < before, Ledger.captured_at < before)
        wanted = select(Ledger.n, Ledger.captured_at, Ledger.received_at, Ledger.offset_ms).where(here, old)
        with reading(engine) as session:
            rows = session.execute(wanted.order_by(Ledger.n)).all()
            young = session.scalar(select(func.min(Ledger.n)).where(here, not_(old)))
        # A bench whose clock stands in 1970 has captured nothing in 1970: its clock is put right before it is judged.
        due: list[int] = []
        stay = [] if young is None else [young]
        for n, at, got, offset in rows:
            (due if got < before or Entry.occurred(at, got, offset) < before else stay).append(n)
        yield Page(tuple(due), min(stay, default=None), last)
        after = last


def clean_to(session: Session) -> int:
    """Up to this ledger position no floor event names anybody."""
    return int(_meta(session, _CLEAN_TO))


def count(engine: Engine, *, now: datetime, days: int) -> int:
    """How many events are due; nothing is changed."""
    return sum(len(page.due) for page in pages(engine, limit(now, days)))


def generalise(
    engine: Engine, write: Write[int], *, now: datetime, days: int, actor: str | None = None, batch: int = BATCH
) -> int:
    """Forget who did what on the floor more than so many days ago.

    One ledger row says what was done, when anything was (`OperatorsGeneralised`).

    Args:
        engine: read from.
        write: changes are made through it.
        days: 1 or more.
        batch: events of one transaction.

    Returns:
        The number of events, with those of a run before this one that was cut off.
    """
    before, clean = limit(now, days), None
    last = 0
    for page in pages(engine, before):
        for i in range(0, len(page.due), batch):
            piece = page.due[i : i + batch]
            write(lambda session, at, piece=piece: _forget(session, piece))  # type: ignore[misc]
        clean = page.stays - 1 if clean is None and page.stays is not None else clean
        last = page.last
    return write(lambda session, at: _finish(session, before, last if clean is None else clean, at, actor))


def _forget(session: Session, positions: tuple[int, ...]) -> int:
    connection = session.connection()
    if connection.dialect.name == "sqlite":  # the freed bytes of the file, too
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
    gone = {"operator": wire.SOMEBODY, "veil": ""}
    changed = connection.execute(update(Ledger).where(Ledger.n.in_(positions), _NAMED).values(gone)).rowcount
    _put(session, _OPEN, int(_meta(session, _OPEN)) + changed)
    return changed


def _finish(session: Session, before: str, clean: int, now: datetime, actor: str | None) -> int:
    events = int(_meta(session, _OPEN))
    _put(session, _CLEAN_TO, max(clean, clean_to(session)))
    if events:
        _put(session, _OPEN, 0)
        body = wire.OperatorsGeneralised(before=before, events=events)
        request(session, "OperatorsGeneralised", body, now=now, actor=actor)
    return events


def _meta(session: Session, key: str) -> str:
    return session.scalar(select(Meta.value).where(Meta.key == key)) or "0"


def _put(session: Session, key: str, value: int) -> None:
    session.merge(Meta(key=key, value=str(value)))
    session.flush()
