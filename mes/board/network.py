"""When a station counts as out of reach, and what it keeps then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from mes.board.model import Link
from mes.db.base import utc_text

OFFLINE_AFTER: Final = timedelta(seconds=90)  # a station says hello every 60 s: one lost hello is not yet an outage


def links(presence: Mapping[str, Any], seen: Mapping[str, datetime], now: datetime) -> dict[str, Link]:
    """The link of each station that was ever heard.

    Args:
        presence: station id → its `presence` row.
        seen: station id → when it last spoke to this process.
    """
    out: dict[str, Link] = {}
    for station in {*presence, *seen}:
        row = presence.get(station)
        hello = datetime.fromisoformat(row.seen_at) if row else None
        heard = max(t for t in (hello, seen.get(station)) if t is not None)
        offline = now - heard > OFFLINE_AFTER
        # What it kept at its hello has come in since, if it has gone on speaking.
        kept = row.kept if row is not None and (offline or heard == hello) else 0
        out[station] = Link(utc_text(heard) if offline else None, kept, row.alarm if row else "")
    return out
