"""A real bench counts pieces of a lot: its bag is scanned, the server is away for a while, and the lot is held."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from mes import lot_pages, lots
from mes.db.session import reading, writing
from mes.domain.barcode import write
from mes.domain.route import Component
from tests.floor.rig import BADGE, DONE, UNDO, Rig, engine, floor_plan, template
from tests.server.small_plan import text

ORDER = write("order", "OF-3")
BAG = "[)>\x1e06\x1dPSCREW\x1d1T{}\x1dQ500\x1e\x04"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A kit takes two screws out of a lot."""
    plan = floor_plan()
    screws = Component(part="SCREW", name=text("Vis", "Screw"), per="lot", quantity=2)
    kit = next(p for p in plan.products if p.id == "KIT")
    steps = tuple(s.model_copy(update={"components": (screws,)}) if s.id == "bag" else s for s in kit.steps)
    kit = kit.model_copy(update={"steps": steps})
    products = tuple(kit if p.id == "KIT" else p for p in plan.products)
    made = Rig(tmp_path, template(tmp_path, plan.model_copy(update={"products": products})))
    yield made
    made.close()


def test_what_a_bench_counts_is_of_the_bag_that_stands_there_with_and_without_the_server(rig: Rig) -> None:
    now = datetime.now(UTC)
    with engine(rig.database) as opened, writing(opened) as session:
        lots.receive(session, "SCREW", "A1", 100, now=now, received=date(2020, 1, 1))
        lots.hold(session, "SCREW", "BAD", now=now, why="rust")
    rig.start_server()
    bench = rig.bench("p1").start().up()
    bench.hears(BADGE, "welcome")
    bench.hears(ORDER, "order_here_lot")
    bench.hears(BAG.format("BAD"), "lot_held")
    bench.hears(write("quantity", 10), "counted")
    bench.hears(DONE, "needs_lot")
    bench.hears(BAG.format("A1"), "lot_loaded")
    bench.hears(DONE, "counted")
    bench.hears(ORDER, "order_here")
    rig.server.kill()
    bench.shows(lambda s: s["link"] == "down", 40, "the link is down")
    bench.hears(write("quantity", 5), "counted")
    bench.scan(DONE)
    bench.shows(lambda s: s["phase"] == "idle", 20, "the station has booked it alone")
    bench.hears(ORDER, "order_here")
    bench.hears(BAG.format("B2"), "lot_loaded")
    bench.hears(write("quantity", 1), "counted")
    bench.scan(DONE)
    bench.shows(lambda s: s["phase"] == "idle", 20, "the station has booked it alone")
    rig.start_server()
    bench.up(60).drained()
    with engine(rig.database) as opened, reading(opened) as session:
        used = [(u.lot, u.pieces, u.quantity) for u in lot_pages.lots_of(session, "OF-3")]
    assert used == [("A1", 15, 30), ("B2", 1, 2)]
    with engine(rig.database) as opened, writing(opened) as session:
        lots.hold(session, "SCREW", "B2", now=datetime.now(UTC), why="rust")
    bench.hears(ORDER, "order_here")
    bench.hears(write("quantity", 3), "counted")
    bench.hears(DONE, "loaded_held")
    bench.hears(UNDO, "counted")
    bench.hears(BAG.format("A1"), "lot_loaded")
    rig.conserved()
