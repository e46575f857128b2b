"""Every main page and answer of a plant that has just begun, and of the same plant after many years; prints JSON.

The plant is made by `tests.bench.seasons`: 10,660 rows of the ledger by the real way in, the rest by copies of them.
After the last season comes one busy morning: what boards and lists of open things show is the same in both.

python -m tests.bench.history [--rows 1000000] [--only sqlite|postgresql] [--folder DIR]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from mes import ledger
from mes.db.session import reading
from mes.db.tables import Nonconformity
from tests.bench.seasons import grown
from tests.postgres import running_cluster, server_programs
from tests.server.busy_shop import busy_morning
from tests.server.worlds import Workshop
from tests.web.pages import Office

SEASON: Final = 10_660
"""Rows of the ledger that one season makes."""
YOUNG: Final = 2
"""Copies in the young plant: it is two months old, so the last 30 days hold as much work as in the old one."""
ORDERS: Final = 10
TURNS: Final = 15
PAGES: Final = {
    "board": "/board",
    "board, by itself": "/board/fragment",
    "orders": "/orders",
    "orders, all": "/orders?show=all",
    "orders, search": "/orders?show=all&q=OF-2026-118",
    "order": "/order/OF-2026-118",
    "order of long ago": "/order/OF-0000-003",
    "unit": "/unit/{unit}",
    "trace": "/trace",
    "trace of a unit": "/trace?q={unit}",
    "find a unit": "/find?q={unit}",
    "yields, 30 days by step": "/yields",
    "yields, 30 days by shift": "/yields?by=shift",
    "yields of an order": "/yields?by=step&order=OF-2026-118",
    "failures, 30 days": "/yields/failures",
    "scrap by order, 30 days": "/yields/failures?go=scrap&by=order",
    "failures of an order": "/yields/failures?go=scrap&order=OF-2026-118",
    "control chart of a reading": "/charts?what=NOMAD-1000/safety/iso",
    "control chart, units failed by day": "/charts?what=NOMAD-1000/final&chart=p",
    "control chart, defects by shift": "/charts?what=NOMAD-1000/final&chart=u&by=shift",
    "control chart, defects of units in a row": "/charts?what=NOMAD-1000/final&chart=c&by=units",
    "times, one day": "/times?from={day}&to={day}",
    "times, 30 days by shift": "/times?by=shift&from={month}&to={day}",
    "times, as a list": "/times/spans?day={day}",
    "flow, 30 days": "/flow",
    "flow of an order": "/flow?by=order&order=OF-2026-118",
    "inbox": "/quality",
    "nonconformity": "/quality/nc/{nc}",
    "nonconformity log": "/quality/log",
    "log, live ones": "/quality/log?state=live",
    "Pareto": "/quality/pareto",
    "corrective actions": "/quality/actions",
    "quarantine": "/quality/quarantine",
    "stations": "/stations",
    "audit": "/audit",
    "audit of a unit": "/audit?subject={unit}",
    "audit of one day": "/audit?first={day}&last={day}",
    "lots": "/lots",
    "cartons": "/cartons",
    "deliveries": "/deliveries",
    "instruments": "/instruments",
    "people": "/people",
    "printers": "/printers",
    "release of an order": "/release/OF-2026-118",
    "office": "/office",
    "API: orders": "/api/v1/orders",
    "API: order": "/api/v1/orders/OF-2026-118",
    "API: units of an order": "/api/v1/orders/OF-2026-118/units",
    "API: unit": "/api/v1/units/{unit}",
}


class Plant:
    """A plant of some age, and how its pages are asked."""

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        unit = shop.units("OF-2026-118")[3]
        with reading(shop.engine) as session:
            nc = session.scalars(select(Nonconformity.id).where(Nonconformity.unit == unit)).one()
            self.rows = ledger.last_position(session)
        self._office = Office(shop)
        self._program = {"Authorization": f"Bearer {self._office.key()}"}
        today = shop.clock.now.date()
        month = (today - timedelta(days=30)).isoformat()
        self._known = {"unit": unit, "nc": nc, "day": today.isoformat(), "month": month}

    def asked(self, path: str) -> float:
        """Milliseconds of one answer."""
        api = path.startswith("/api/")
        client, headers = (self._office.anybody, self._program) if api else (self._office.client, {})
        began = time.perf_counter()
        answer = client.get(path.format(**self._known), headers=headers, follow_redirects=True)
        took = (time.perf_counter() - began) * 1000
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
        return took

    def close(self) -> None:
        self._office.close()
        self.shop.close()


def plant(url: str, copies: int) -> Plant:
    """A plant with so many copies of its first season, on the morning after the last one."""
    shop = Workshop(url, start=datetime(2022, 1, 3, 5, tzinfo=UTC))
    grown(shop, ORDERS, copies)
    shop.clock.now = busy_morning(shop)
    return Plant(shop)


def compared(young: Plant, old: Plant) -> dict[str, Any]:
    """Each page of both, all pages again and again; the fastest of each, since other programs only add to it."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in PAGES}
    for _ in range(TURNS):
        for name, path in PAGES.items():
            took[name].append((young.asked(path), old.asked(path)))
    pages = {}
    for name, turns in took.items():
        one, other = (min(each) for each in zip(*turns, strict=True))
        pages[name] = {"young_ms": round(one, 1), "old_ms": round(other, 1), "ratio": round(other / one, 2)}
    young.close()
    old.close()
    return {
        "rows": [young.rows, old.rows],
        "pages": dict(sorted(pages.items(), key=lambda item: -float(item[1]["ratio"]))),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.history", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--folder", type=Path, help="where the databases are made; 10,000,000 rows need 40 GB")
    wanted = parser.parse_args()
    copies = max(YOUNG, wanted.rows // SEASON - 1)
    out: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir=wanted.folder) as folder:
        if wanted.only != "postgresql":
            both = [plant(f"sqlite:///{Path(folder) / f'{n}.db'}", n) for n in (YOUNG, copies)]
            out["sqlite"] = compared(*both)
        if wanted.only != "sqlite" and (programs := server_programs()):
            with running_cluster(programs) as cluster, cluster.database() as young, cluster.database() as old:
                out["postgresql"] = compared(plant(young, YOUNG), plant(old, copies))
    json.dump(out, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
