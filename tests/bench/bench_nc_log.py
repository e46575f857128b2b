"""The log of nonconformities with 100,000 of them: how long its pages, its Pareto and the inbox take, how fast a file
is written and how much memory that needs; prints JSON.

The rows are copies of some that the fold has made from events of a bench and of the office, with other numbers, days,
suppliers and states: what is measured is how they are read.

python -m tests.bench.bench_nc_log [--rows 100000] [--only sqlite|postgresql]
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text

from mes import nc_export, nc_log, nonconformities, revisions, wire
from mes.db.base import utc_text
from mes.db.session import reading, writing
from mes.db.tables import NcItem, NcText, Nonconformity
from mes.domain.plain import plain
from mes.nc_log import Filter, Log
from tests.postgres import running_cluster, server_programs
from tests.server.bench import START
from tests.server.worlds import Workshop, released_order
from tests.web.pages import Office

YEARS = 3
PAGES = {
    "log": "/quality/log",
    "log_last_page": "/quality/log?page={last}",
    "log_one_supplier": "/quality/log?supplier=%3DSupplier+7",
    "log_live_of_a_month": "/quality/log?state=live&first=2026-10-01&last=2026-10-31",
    "log_overdue": "/quality/log?overdue=1",
    "log_text": "/quality/log?text=wrinkle",
    "pareto_defect": "/quality/pareto",
    "pareto_customer_by_cost": "/quality/pareto?by=customer&weigh=cost",
    "inbox": "/quality",
    "board": "/board",
}


def made(shop: Workshop) -> None:
    """A few by the ways that there are."""
    serial = released_order(shop, quantity=1, order="OF-7")[0]
    shop.bring(serial, "burn-in")
    shop.fail(serial)
    facts = wire.NcFacts(supplier="Supplier 1", severity="major", cost_work=12_00, requirement="no wrinkle, no scratch")
    item = wire.NcItem(kind="process", subject="Gluing")
    for defect in [d.code for d in shop.plan.defects][:6]:
        body = wire.NonconformityOpened(title="Wrinkle in the foil", facts=facts, defect=defect, items=(item,))
        assert shop.do(nonconformities.open_nc, body).done


def copies(rows: list[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    """So many, over three years; one of fifty is still open."""
    for n in range(count):
        at = START - timedelta(days=365 * YEARS) + timedelta(seconds=n * 365 * YEARS * 86_400 / count)
        live = n % 50 == 0
        yield {
            **rows[n % len(rows)],
            "id": f"NC-{at.year}-{n + 10_000:06}",
            "opened_at": utc_text(at),
            "closed_at": None if live else utc_text(at + timedelta(days=5)),
            "state": "open" if live else "closed",
            "supplier": f"Supplier {n % 40}",
            "customer": f"Customer {n % 25}",
            "title": "Wrinkle" if n % 1_000 == 0 else "Dent",
            "requirement": "",
        }


def fill(shop: Workshop, count: int) -> None:
    """Rows by the thousand, past the ledger."""
    made(shop)
    with reading(shop.engine) as session:
        ncs = [dict(row._mapping) for row in session.execute(select(*Nonconformity.__table__.columns))]
        items = [dict(row._mapping) for row in session.execute(select(*NcItem.__table__.columns))]
    with writing(shop.engine) as session:
        source = copies(ncs, count)
        while piece := list(islice(source, 5_000)):
            session.connection().execute(insert(Nonconformity), piece)
            mine = [{**items[n % len(items)], "nc": row["id"], "item": 1} for n, row in enumerate(piece)]
            session.connection().execute(insert(NcItem), mine)
            said = [f"{row['id']} {row['title']} {row['why']} {row['analysis']}" for row in piece]
            texts = [
                {"nc": row["id"], "facts": plain(t), "remarks": "", "n": row["n"]}
                for row, t in zip(piece, said, strict=True)
            ]
            session.connection().execute(insert(NcText), texts)
    with writing(shop.engine) as session:
        session.execute(text("ANALYZE"))


def measure(url: str, count: int) -> dict[str, Any]:
    shop = Workshop(url, start=START)
    fill(shop, count)
    office = Office(shop)
    out: dict[str, Any] = {}
    for name, path in PAGES.items():
        took = []
        for _ in range(5):
            began = time.perf_counter()
            answer = office.client.get(path.format(last=count // 50))
            took.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, (path, answer.status_code)
        out[name] = {"p50_ms": round(statistics.median(took), 1), "max_ms": round(max(took), 1)}
    with reading(shop.engine) as session:
        log, plan = Log.of(revisions.latest_plan(session), shop.clock.now), revisions.latest_plan(session)
        before, began = _from_here_mib(), time.perf_counter()
        with tempfile.TemporaryFile() as file:
            nc_export.write(session, "csv", Filter(), nc_export.Words(plan, "en", log), file)
            size = file.seek(0, io.SEEK_END)
        spent = time.perf_counter() - began
        rows = nc_log.count(session, log, Filter())
    out["csv"] = {
        "rows": rows,
        "rows_a_second": round(rows / spent),
        "mib": round(size / 2**20, 1),
        "more_memory_mib": round(_peak_mib() - before, 1),
    }
    out["xlsx_told"] = told(office)
    office.close()
    shop.close()
    return out


def told(office: Office) -> dict[str, Any]:
    """A workbook by the page, with its progress: when the first word comes, and when the last byte."""
    before, began = _from_here_mib(), time.perf_counter()
    with office.client.get("/quality/log/file.xlsx?told=1") as answer:
        blocks = iter(answer.response)
        next(blocks)
        first = time.perf_counter() - began
        size = sum(len(block) for block in blocks)
    return {
        "first_ms": round(first * 1000),
        "whole_s": round(time.perf_counter() - began, 1),
        "mib": round(size / 2**20, 1),
        "more_memory_mib": round(_peak_mib() - before, 1),
    }


def _from_here_mib() -> float:
    """Forget the peak of before, which would hide what comes (Linux, proc(5): clear_refs); the memory of now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak_mib()


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_nc_log", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    wanted = parser.parse_args()
    out: dict[str, Any] = {"rows": wanted.rows}
    with tempfile.TemporaryDirectory() as folder:
        if wanted.only != "postgresql":
            out["sqlite"] = measure(f"sqlite:///{Path(folder) / 'log.db'}", wanted.rows)
        if wanted.only != "sqlite" and (programs := server_programs()):
            with running_cluster(programs) as cluster, cluster.database() as url:
                out["postgresql"] = measure(url, wanted.rows)
    json.dump(out, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
