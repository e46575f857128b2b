"""A day of burn-in: 24 units, read every five minutes for 24 hours, by a simulated clock through the real session, the
real outbox and the real ingest. Prints, as JSON, what it takes of the station's disk, of the server's, and of time.

python -m tests.bench.bench_burn_in [--units 24] [--hours 24]
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from mes import samples, wire
from mes.db.session import reading, writing
from mes.db.tables import Ledger, Reading
from mes.domain.barcode import write
from mes.domain.route import Plan
from mes.floor import changes
from mes.ingest import Batch, ingest
from stations import session as bench
from stations.devices.readings import Reading as Taking
from stations.inputs import (
    FloorCame,
    Input,
    Kept,
    LinkChanged,
    Measured,
    PlanCame,
    RackCame,
    SampleNow,
    Scanned,
    Taken,
    Tick,
)
from stations.outbox import Outbox, utc_text
from stations.rack import note_of
from tests.server.bench import OPERATOR
from tests.server.worlds import Workshop, released_order, workshop_plan

STATION = "bench-6"


def day_plan(hours: int) -> Plan:
    """The shipped plan with a burn-in of so many hours."""
    plan = workshop_plan()
    nomad = plan.product("NOMAD-1000")
    assert nomad is not None
    steps = tuple(s.model_copy(update={"min_s": hours * 3600}) if s.sample_s else s for s in nomad.steps)
    others = tuple(p for p in plan.products if p.id != nomad.id)
    return plan.model_copy(update={"products": (nomad.model_copy(update={"steps": steps}), *others)})


class Station:
    """A session over a real outbox; time is what the measurement says it is."""

    def __init__(self, folder: Path, start: datetime) -> None:
        self.outbox = Outbox.open(folder / "outbox.db", machine_id="pc", boot_id="boot")
        self.session = bench.begin(STATION, boot="boot")
        self.now, self.mono_ms = start, 0
        self.keep_ms: list[float] = []
        self.note = ""

    def give(self, kind: type[Any], **fields: Any) -> None:
        """One input, and everything that follows from it, as the agent does it."""
        todo: list[Input] = [kind(now=utc_text(self.now), mono_ms=self.mono_ms, **fields)]
        while todo:
            came = todo.pop(0)
            turn = bench.advance(self.session, came)
            if turn.drafts:
                note = note_of(turn.session) or ""
                began = time.perf_counter()
                kept = self.outbox.keep(
                    turn.drafts,
                    captured_at=came.now,
                    mono_ms=came.mono_ms,
                    notes={"rack": note} if note != self.note else {},
                )
                self.keep_ms.append((time.perf_counter() - began) * 1000)
                self.note = note
                for draft, event in zip(turn.drafts, kept, strict=True):
                    todo.append(Kept(now=came.now, mono_ms=came.mono_ms, token=draft.token, event_id=event.event_id))
            self.session = turn.session
            for command in turn.commands:
                if isinstance(command, SampleNow):
                    test = command.test
                    value = ((test.low or 0.0) + (test.high or 0.0)) / 2
                    taken = Taken(
                        test.id,
                        Taking(value, test.unit, "measured", f"{value:+.8E}"),
                        "LOG-01 (DL-EX-0001)",
                        device="LOG-01",
                        serial="DL-EX-0001",
                        calibration_due="2099-12-31",
                    )
                    todo.append(Measured(now=came.now, mono_ms=came.mono_ms, run=command.run, readings=(taken,)))

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.mono_ms += int(seconds * 1000)
        self.give(Tick)


def send(shop: Workshop, station: Station, ingest_ms: list[float]) -> None:
    """Everything that waits, in batches, as the uplink does it."""
    while events := station.outbox.pending(wire.MAX_EVENTS, wire.MAX_BYTES):
        request = wire.IngestRequest(stream_id=station.outbox.stream_id, events=tuple(events))
        began = time.perf_counter()
        with writing(shop.engine) as session:
            (reply,) = ingest(session, [Batch(STATION, request)], now=station.now)
        ingest_ms.append((time.perf_counter() - began) * 1000 / len(events))
        assert isinstance(reply, wire.IngestReply)
        assert {r.verdict for r in reply.results} == {"accepted"}, reply.results
        station.outbox.settle(reply.results, now=station.now)


def bytes_of(path: Path) -> int:
    """What the file takes, its log written back."""
    with closing(sqlite3.connect(path)) as db:
        (pages,), (size,) = db.execute("PRAGMA page_count").fetchone(), db.execute("PRAGMA page_size").fetchone()
        return int(pages) * int(size)


def measure(folder: Path, units: int, hours: int) -> dict[str, Any]:
    """The whole day."""
    began = time.perf_counter()
    database = folder / "atelier.db"
    shop = Workshop(f"sqlite:///{database}", day_plan(hours))
    serials = released_order(shop, quantity=units)
    for serial in serials:
        shop.bring(serial, "burn-in", enter=False)
    station = Station(folder, shop.clock.now)
    station.give(RackCame, note="")
    station.give(PlanCame, plan=shop.plan, revision=1)
    with reading(shop.engine) as session:
        station.give(FloorCame, reply=changes(session, 0, STATION))
    station.give(LinkChanged, state="down")
    station.give(Scanned, raw=write("badge", OPERATOR))
    for serial in serials:
        station.wait(2)
        station.give(Scanned, raw=serial)
    ingest_ms: list[float] = []
    send(shop, station, ingest_ms)
    before = bytes_of(database), bytes_of(folder / "outbox.db")
    station.keep_ms.clear()
    ingest_ms.clear()
    for _minute in range(hours * 60 + 1):
        station.wait(60)
        send(shop, station, ingest_ms)
    with reading(shop.engine) as session:
        rows = session.scalar(select(func.count()).select_from(Reading)) or 0
        events = session.scalar(select(func.count()).select_from(Ledger).where(Ledger.kind == "ReadingsRecorded")) or 0
        asked = []
        for _ in range(200):
            start = time.perf_counter()
            found = samples.of_unit(session, serials[units // 2])
            asked.append((time.perf_counter() - start) * 1000)
    ready = sum(r.ready for r in bench.screen(station.session).rack)
    station.outbox.close()
    found_for_one = {row.test: row.taken for row in found}
    return {
        "units": units,
        "hours": hours,
        "samples": events,
        "rows": rows,
        "units_ready_at_the_end": ready,
        "samples_of_one_unit": found_for_one,
        "keep_ms": {"p50": round(statistics.median(station.keep_ms), 2), "max": round(max(station.keep_ms), 1)},
        "ingest_ms_an_event": {"p50": round(statistics.median(ingest_ms), 2), "max": round(max(ingest_ms), 1)},
        "outbox_bytes_a_sample": round((bytes_of(folder / "outbox.db") - before[1]) / events),
        "outbox_mib": round(bytes_of(folder / "outbox.db") / 2**20, 1),
        "server_bytes_a_sample": round((bytes_of(database) - before[0]) / events),
        "server_mib": round((bytes_of(database) - before[0]) / 2**20, 1),
        "query_of_one_unit_ms": {"p50": round(statistics.median(asked), 2), "max": round(max(asked), 2)},
        "rack_note_bytes": len(station.note),
        "took_s": round(time.perf_counter() - began, 1),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_burn_in", description=__doc__)
    parser.add_argument("--units", type=int, default=24)
    parser.add_argument("--hours", type=int, default=24)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        json.dump(measure(Path(folder), wanted.units, wanted.hours), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
