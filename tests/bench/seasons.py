"""Years of a plant's life in minutes: a season made by events of benches and the office, then copied by the database.

A copy is the same season some days later, under other numbers: rows of the ledger and of every state table, in which
days, orders, serials and numbers of nonconformities are replaced. `tests/server/test_seasons.py` compares a copy with
a season that has been lived through a second time. Two things are left out: hash chains, which are not read here, and
that a station rests between two seasons.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Date, Engine, String, Table, cast, func, insert, literal, select, text, update
from sqlalchemy.sql import ColumnElement

from mes import ledger, quality
from mes.db.session import reading, writing
from mes.db.tables import REPLAYED, Chain, ControlSignal, Counter, Ledger, PlanRevision, StationRow, Watch
from tests.server.worlds import Workshop, released_order

APART: Final = (PlanRevision, Counter, Chain, StationRow, Watch, ControlSignal)
"""What a plant has once, however old it is; and the charts that are watched, whose one excursion goes on."""
DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?=T|$)")
UNITS: Final = 20  # of one order


def season(shop: Workshop, number: int, orders: int, *, units: int = UNITS) -> None:
    """Orders that are made from their beginning to their end: units, counted pieces, failures, rework and scrap."""
    for n in range(orders):
        order = f"OF-{number:04x}-{n:03}"
        serials = released_order(shop, quantity=units, order=order)
        released_order(shop, "KIT-B", 100, order=f"{order}K")
        for i, serial in enumerate(serials):
            if i == 0:
                shop.bring(serial, "final")
                nc = shop.reject(serial, "SCRATCH")
                assert shop.do(quality.decide, nc, "scrap", why="Cassé").done
            elif i == 1:
                shop.bring(serial, "safety")
                nc = shop.fail(serial)
                assert shop.do(quality.decide, nc, "rework", step="safety", why="Fil à refaire").done
                shop.bring(serial, None)
            else:
                shop.bring(serial, None)
        shop.count("pack-1", f"{order}K", "count", 98, {"COUNT-WRONG": 2})
        shop.count("pack-2", f"{order}K", "carton", 98)


class Season:
    """What has happened since a position of the ledger, as what is to be copied.

    Attributes:
        days: how many days it takes; copies follow each other at this distance.
        length: positions of the ledger.
    """

    def __init__(self, shop: Workshop, after: int) -> None:
        self._shop = shop
        self._tables: list[Table] = [t.__table__ for t in (Ledger, *REPLAYED) if t not in APART]  # type: ignore[misc]
        self._made: dict[str, list[Any]] = {}
        with reading(shop.engine) as session:
            connection = session.connection()
            self._after, self._last = after, ledger.last_position(session)
            self.length = self._last - after
            for table in self._tables:
                self._made[table.name] = list(connection.execute(select(table).where(table.c.n > after)).mappings())
        found = sorted({v[:10] for v in self._texts("ledger", "captured_at")})
        self.days = (date.fromisoformat(found[-1]) - date.fromisoformat(found[0])).days + 1
        self._names = self._tokens()
        self._ids = {row["event_id"] for row in self._made["ledger"]}

    def _texts(self, table: str, column: str) -> Iterator[str]:
        return (v for row in self._made[table] if isinstance(v := row[column], str))

    def copy(self, numbers: Iterable[int], *, to: Engine | None = None) -> None:
        """Add copies, to another database with the same season too; `numbers` begin at 1 and follow each other."""
        engine = to or self._shop.engine
        plans = [(table, self._columns(table)) for table in self._tables]
        for number in numbers:
            with writing(engine) as session:
                for table, found in plans:
                    if found:
                        self._copy(session.connection(), table, found, number)
        with writing(engine) as session:
            heads = session.execute(select(Ledger.source, func.max(Ledger.n), func.max(Ledger.seq)).group_by("source"))
            for source, n, seq in heads.all():
                session.execute(update(Chain).where(Chain.source == source).values(n=n, seq=seq))

    def _columns(self, table: Table) -> dict[str, set[str]] | None:
        """What has to be replaced in each column; None where no row would become another one."""
        found: dict[str, set[str]] = {}
        for column in table.columns:
            values = list(self._texts(table.name, column.name))
            tokens = {t for t in self._names if any(t in v for v in values)}
            if values and all(DAY.match(v) for v in values):
                tokens.add("day")
            if any(v[:36] in self._ids for v in values):
                tokens.add("event")
            if table.name == "installation" and column.name in ("serial", "lot"):
                tokens.add("part")
            found[column.name] = tokens
        keys = [c.name for c in table.primary_key.columns]
        return found if table.name == "ledger" or any(found[k] for k in keys) else None

    def _tokens(self) -> dict[str, str]:
        """What numbers begin with, and what they begin with in a copy, with `#` for its number."""
        serials = {row["serial"].rpartition("-")[0] + "-" for row in self._made["unit"]}
        ncs = {row["id"].rpartition("-")[0] + "-" for row in self._made["nonconformity"]}
        made = {token: f"{token[:4]}#{chr(97 + i)}-" for i, token in enumerate(sorted(serials))}
        return (
            made | {token: f"{token[:3]}#{chr(97 + i)}-" for i, token in enumerate(sorted(ncs))} | {"OF-0000-": "OF-#-"}
        )

    def _copy(self, connection: Connection, table: Table, found: dict[str, set[str]], number: int) -> None:
        values: list[ColumnElement[Any]] = []
        for column in table.columns:
            value: ColumnElement[Any] = column
            if column.name == "n" or (table.name == "ledger" and column.name == "seq"):
                value = column + literal(number * self.length)
            for token in sorted(found[column.name], reverse=True):
                value = self._replaced(value, token, number, sqlite=connection.dialect.name == "sqlite")
            values.append(value)
        where = table.c.n.between(self._after + 1, self._last)
        added = insert(table).from_select([c.name for c in table.columns], select(*values).where(where))
        connection.execute(added)

    def _replaced(self, value: ColumnElement[Any], token: str, number: int, *, sqlite: bool) -> ColumnElement[Any]:
        if token == "event":
            return literal(f"{number:08x}", String) + func.substr(value, 9)
        if token == "part":
            return literal(f"{number:x}.", String) + value
        if token == "day":
            day, more = func.substr(value, 1, 10), number * self.days
            later = func.date(day, f"+{more} days") if sqlite else func.to_char(cast(day, Date) + more, "YYYY-MM-DD")
            return later.concat(func.substr(value, 11))
        return func.replace(value, token, self._names[token].replace("#", f"{number:04x}"))


def grown(shop: Workshop, orders: int, copies: int) -> int:
    """A plant with one season and so many copies of it; the clock goes on after the last one.

    Returns:
        Rows of the ledger.
    """
    with reading(shop.engine) as session:
        begun = ledger.last_position(session)
    season(shop, 0, orders)
    made = Season(shop, begun)
    made.copy(range(1, copies + 1))
    shop.benches.clear()  # their streams go on behind what was copied
    shop.clock.now = _monday(shop.clock.now + timedelta(days=copies * made.days))
    with writing(shop.engine) as session:
        if shop.engine.dialect.name == "postgresql":  # as it does by itself; nobody does it for SQLite
            session.execute(text("ANALYZE"))
    return made.length * (copies + 1)


def _monday(now: datetime) -> datetime:
    return (now + timedelta(days=7 - now.weekday())).replace(hour=8, minute=0, second=0)
