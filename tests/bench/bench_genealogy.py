"""A recall among 100,000 units with 10 components each: fills a database by a bulk path, asks where lots went
(each unit with its carton, pallet, release and delivery), and prints, as JSON, how long the one query takes on SQLite
and on PostgreSQL.

Of the ten components of a unit one is a sub-assembly that was made here: every tenth unit is a part of another one.

python -m tests.bench.bench_genealogy [--units 100000] [--only sqlite|postgresql]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, text

from mes.db import migrate
from mes.db.session import engine_for, reading, writing
from mes.db.tables import CartonRow, Installation, Packed, ReleasedUnit, UnitRow, WorkOrder
from mes.genealogy import Wanted, parts_of, where_used
from tests.postgres import running_cluster, server_programs

COMPONENTS = 10
ORDER = 250  # units in an order
CARTON, PALLET = 10, 12  # units in a carton, cartons on a pallet
AT = "2026-11-23T08:00:00.000Z"
LOTS = {"FEW": 100, "SOME": 1_000, "MANY": 10_000}
"""Parts by lot, and in how many units one lot of each is."""


def serial(n: int) -> str:
    return f"NMD-2648-{n:06}"


def orders(units: int) -> Iterator[dict[str, Any]]:
    for n in range(-(-units // ORDER)):
        yield {
            "id": f"OF-2026-{n:04}",
            "product": "NOMAD-1000",
            "quantity": ORDER,
            "customer": f"Customer {n % 40}",
            "due": None,
            "note": "",
            "state": "closed",
            "revision": 1,
            "open_units": 0,
            "why": "",
            "created_at": AT,
            "released_at": AT,
            "ended_at": AT,
            "reference": "",
            "priority": 2,
            "held_from": "",
            "split_from": None,
            "given": 0,
            "n": 1,
        }


def made(units: int) -> Iterator[dict[str, Any]]:
    for n in range(units):
        yield {
            "serial": serial(n),
            "order": f"OF-2026-{n // ORDER:04}",
            "product": "NOMAD-1000",
            "state": "done",
            "step": "packing",
            "visits": "{}",
            "attempts": 0,
            "tested": None,
            "inspected": None,
            "station": None,
            "since": AT,
            "nc": None,
            "treating": None,
            "reverify": None,
            "results": "{}",
            "place": None,
            "burn": None,
            "delivery": f"BL-2026-{n // ORDER:04}" if n // ORDER % 2 else None,
            "n": 1,
        }


def fitted(units: int) -> Iterator[dict[str, Any]]:
    for n in range(units):
        for i in range(COMPONENTS):
            lots = list(LOTS.items())
            part, each = lots[i] if i < len(lots) else (f"PART-{i}", 0)
            number: dict[str, str | None] = {"serial": None, "lot": f"{part}-{n // each}"} if each else {
                "serial": f"{i}-{n:06}", "lot": None
            }  # fmt: skip
            if i == COMPONENTS - 1 and n % 10 == 9:
                number = {"serial": serial(n - 1), "lot": None}  # a unit that was made before this one
            yield {
                "id": f"{n:08}-{i}", "unit": serial(n), "step": "battery", "part": part, **number, "quantity": 1,
                "installed_at": AT, "removed_at": None, "disputed": False, "n": 1,
            }  # fmt: skip


def sscc(n: int) -> str:
    return f"{n:018}"


def boxes(units: int) -> Iterator[dict[str, Any]]:
    """Cartons of ten units, on pallets of twelve."""
    cartons = -(-units // CARTON)
    for n in range(cartons + -(-cartons // PALLET)):
        pallet = n >= cartons
        yield {
            "sscc": sscc(n), "level": "pallet" if pallet else "carton", "state": "closed", "order": None,
            "product": None, "customer": "", "bound": False, "have": PALLET if pallet else CARTON,
            "weight_g": None, "weighed": None,
            "parent": None if pallet else sscc(cartons + n // PALLET), "held": "", "held_args": "{}", "why": "",
            "station": None, "opened_at": AT, "closed_at": AT, "reopened": 0, "events": 0, "numbered_at": AT, "n": 1,
        }  # fmt: skip


def packed(units: int) -> Iterator[dict[str, Any]]:
    for n in range(units):
        yield {
            "id": f"{n:08}", "carton": sscc(n // CARTON), "unit": serial(n), "order": f"OF-2026-{n // ORDER:04}",
            "inner": None, "quantity": 1, "packed_at": AT, "removed_at": None, "why": "", "disputed": False, "n": 1,
        }  # fmt: skip


def released(units: int) -> Iterator[dict[str, Any]]:
    for n in range(units):
        yield {"unit": serial(n), "release": f"LIB-2026-{n // ORDER:04}", "since": AT, "back": False, "n": 1}


def fill(engine: Engine, units: int) -> None:
    """Rows by the thousand, past the ledger: this measures a query, not the way in."""
    migrate.upgrade(engine)
    with writing(engine) as session:
        for table, rows in (
            (WorkOrder, orders(units)),
            (UnitRow, made(units)),
            (Installation, fitted(units)),
            (CartonRow, boxes(units)),
            (Packed, packed(units)),
            (ReleasedUnit, released(units)),
        ):
            while piece := list(islice(rows, 10_000)):
                session.connection().execute(insert(table), piece)
    with writing(engine) as session:
        session.execute(text("ANALYZE"))


def asked(engine: Engine, wanted: list[Wanted]) -> dict[str, Any]:
    """How long each question takes, the first time of each one too."""
    took, found = [], 0
    for each in wanted:
        with reading(engine) as session:
            began = time.perf_counter()
            uses = where_used(session, each)
            took.append((time.perf_counter() - began) * 1000)
        assert uses, each
        found = max(found, len(uses))
    return {"units": found, "p50_ms": round(statistics.median(took), 1), "max_ms": round(max(took), 1)}


def measure(engine: Engine, units: int) -> dict[str, Any]:
    began = time.perf_counter()
    fill(engine, units)
    filled = time.perf_counter() - began
    out: dict[str, Any] = {"fill_s": round(filled, 1)}
    for part, each in LOTS.items():
        lots = [f"{part}-{i}" for i in range(0, max(1, units // each), max(1, units // each // 20))][:20]
        out[f"lot_in_{each}"] = asked(engine, [Wanted(lot, part) for lot in lots])
    scanned = [f"SOME-{i}" for i in range(min(20, max(1, units // LOTS["SOME"])))]
    out["lot_without_its_part"] = asked(engine, [Wanted(lot) for lot in scanned])
    out["serial"] = asked(engine, [Wanted(f"5-{n:06}", "PART-5") for n in range(8, units, max(10, units // 200 * 10))])
    took = []
    for n in range(9, units, max(10, units // 200 * 10)):
        with reading(engine) as session:
            began = time.perf_counter()
            assert len(parts_of(session, serial(n))) == COMPONENTS
            took.append((time.perf_counter() - began) * 1000)
    out["parts_of_a_unit"] = {"p50_ms": round(statistics.median(took), 1), "max_ms": round(max(took), 1)}
    return out


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_genealogy", description=__doc__)
    parser.add_argument("--units", type=int, default=100_000)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    wanted = parser.parse_args()
    out: dict[str, Any] = {"units": wanted.units, "components_each": COMPONENTS}
    with tempfile.TemporaryDirectory() as folder:
        if wanted.only != "postgresql":
            engine = engine_for(f"sqlite:///{Path(folder) / 'atelier.db'}")
            out["sqlite"] = measure(engine, wanted.units)
            engine.dispose()
        if wanted.only != "sqlite" and (programs := server_programs()):
            with running_cluster(programs) as cluster, cluster.database() as url:
                engine = engine_for(url)
                out["postgresql"] = measure(engine, wanted.units)
                engine.dispose()
    json.dump(out, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
