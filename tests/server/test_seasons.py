"""What `tests.bench.history` measures is what a plant would have made: a copied season is a season."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from mes import ledger
from mes.db.session import reading
from mes.db.tables import REPLAYED, Chain, Ledger, StationSpan
from tests.bench.seasons import APART, Season, season
from tests.server.worlds import Workshop

MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NUMBER = re.compile(r"(OF|NC)-[0-9a-f]{4}[a-z]?-\d+|NMD-[0-9a-f]{4}[a-z]?-\d{5}", re.IGNORECASE)
HASHES = {"n", "seq", "mono_ms", "veil", "operator_mark", "sha256", "prev_hash", "hash", "source"}


def _shapes(shop: Workshop, after: int, first: datetime) -> dict[str, list[str]]:
    """Each table's rows behind a position of the ledger, with days counted from the first one and numbers left out."""
    found: dict[str, list[str]] = {}

    def said(match: re.Match[str]) -> str:
        day = datetime.fromisoformat(match[0]).replace(tzinfo=UTC)
        return f"day {(day - first.replace(hour=0)).days}"

    def shape(column: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if column == "args" and "signal" in (told := json.loads(value)):  # one excursion goes on over all seasons
            left = {name: said for name, said in told.items() if name != "signal"}
            value = json.dumps(left, ensure_ascii=False, separators=(",", ":"))
        value = re.sub(r"\d{4}-\d\d-\d\d(?=T|$)", said, ID.sub("id", NUMBER.sub("number", value)))
        part = column in ("serial", "lot", "body") and not value.startswith("number")
        return re.sub(r'(?<=")\d{6}(?=")|^([0-9a-f]+\.)?\d{6}$', "part", value) if part else value

    with reading(shop.engine) as session:
        for table in (Ledger, *(t for t in REPLAYED if t not in (*APART, StationSpan))):
            rows = session.execute(select(table.__table__).where(table.__table__.c.n > after)).mappings()
            left = HASHES - ({"seq"} & set(table.__table__.primary_key.columns.keys()))
            found[table.__tablename__] = sorted(
                json.dumps({k: shape(k, v) for k, v in row.items() if k not in left}, ensure_ascii=False)
                for row in rows
            )
    return found


def test_a_copied_season_has_the_rows_of_one_that_was_lived_through(tmp_path: Path) -> None:
    shop = Workshop(f"sqlite:///{tmp_path / 'a.db'}", start=MONDAY)
    with reading(shop.engine) as session:
        begun = ledger.last_position(session)
    season(shop, 0, 1, units=3)
    made = Season(shop, begun)
    lived, copied = shop.copied(tmp_path / "lived.db"), shop.copied(tmp_path / "copied.db")
    lived.clock.now = MONDAY + timedelta(days=made.days)
    season(lived, 1, 1, units=3)
    made.copy([1], to=copied.engine)
    later = MONDAY + timedelta(days=made.days)
    one, other = _shapes(lived, begun + made.length, later), _shapes(copied, begun + made.length, later)
    assert {name: len(rows) for name, rows in one.items()} == {name: len(rows) for name, rows in other.items()}
    for name, rows in one.items():
        assert rows == other[name], name
    with reading(copied.engine) as session:
        assert max(session.scalars(select(Chain.n))) == ledger.last_position(session) == begun + 2 * made.length
    for each in (shop, lived, copied):
        each.close()
