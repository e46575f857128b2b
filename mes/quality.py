"""Decisions on nonconformities, help calls and quarantined events, made away from the bench."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import wire
from mes.db.tables import Quarantine
from mes.orders import Answer, request

Disposition = Literal["rework", "not_confirmed", "scrap"]


def decide(
    session: Session,
    nc: str,
    disposition: Disposition,
    *,
    now: datetime,
    step: str | None = None,
    why: str = "",
    actor: str | None = None,
) -> Answer:
    """Decide what becomes of a held unit.

    Args:
        disposition: `rework` sends it back to `step`, `not_confirmed` lets it try the failed step again, `scrap` is
            the end.
        step: for rework; the failed step when not given.
    """
    body = wire.NonconformityDecided(nc=nc, disposition=disposition, step=step, why=why)
    return request(session, "NonconformityDecided", body, now=now, actor=actor)


def answer_help(session: Session, station: str, *, now: datetime, actor: str | None = None) -> Answer:
    """Somebody went to the station that called."""
    return request(session, "HelpAnswered", wire.HelpAnswered(station=station), now=now, actor=actor)


def requeue(
    session: Session, *, now: datetime, event_id: str | None = None, actor: str | None = None
) -> list[tuple[str, Answer | str]]:
    """Try quarantined events again, the oldest first.

    Args:
        event_id: one event; all that wait when not given.

    Returns:
        For each event id the answer, or why it is still not understood.
    """
    waiting = select(Quarantine.event_id).where(Quarantine.requeued_n.is_(None)).order_by(Quarantine.ledger_n)
    if event_id is not None:
        waiting = waiting.where(Quarantine.event_id == event_id)
    out: list[tuple[str, Answer | str]] = []
    for each in list(session.scalars(waiting)):
        try:
            with session.begin_nested():
                body = wire.EventRequeued(event_id=each)
                out.append((each, request(session, "EventRequeued", body, now=now, actor=actor)))
        except RuntimeError as error:
            out.append((each, str(error)))
    return out
