"""The component lots of counted orders: loaded at a station, used with each count, stopped, used up, and recalled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mes import lot_pages, lots, recall, revisions, wire
from mes.cli import main
from mes.commands_ledger import verify_engine
from mes.db.session import reading
from mes.db.tables import Concession
from mes.domain.route import Component, Plan
from mes.find import find
from mes.genealogy import Wanted, parts_named, where_used
from tests.server.bench import Floor
from tests.server.small_plan import small_plan, text
from tests.server.test_nonconformities import decide, grant, opened

DAY = date(2026, 11, 23)


def kit_plan() -> Plan:
    """A bag takes two screws and a nut, each out of lots."""
    plan = small_plan()
    parts = (
        Component(part="SCREW", name=text("Vis", "Screw"), per="lot", quantity=2),
        Component(part="NUT", name=text("Écrou", "Nut"), per="lot"),
    )
    generator, kit = plan.products
    bag, box = kit.steps
    twin = bag.model_copy(update={"components": parts, "stations": ("p1", "b3")})
    return plan.model_copy(update={"products": (generator, kit.model_copy(update={"steps": (twin, box)}))})


@pytest.fixture
def floor(database_url: str, tmp_path: Path) -> Iterator[Floor]:
    """A floor with a released order of 100 kits; at the end the replay must agree."""
    made = Floor(database_url, kit_plan())
    made.order("KIT", 100)
    yield made
    assert verify_engine(made.engine, tmp_path)[1] == []
    made.close()


def load(
    floor: Floor, lot: str, part: str = "SCREW", *, station: str = "p1", asks: bool = True, **more: Any
) -> wire.IngestResult:
    said = {"order": "OF-1", "step": "bag", "part": part, "lot": lot, **more}
    return floor.tell(station, "MaterialsLoaded", asks=asks, **said)


def count(floor: Floor, good: int, scrap: int = 0, *, station: str = "p1", asks: bool = True) -> wire.IngestResult:
    lost = [{"defect": "BENT", "quantity": scrap}] if scrap else []
    return floor.tell(station, "WorkCompleted", order="OF-1", step="bag", good=good, scrap=lost, asks=asks)


def used(floor: Floor) -> list[tuple[str, str, int, int]]:
    with reading(floor.engine) as session:
        return [(u.part, u.lot, u.pieces, u.quantity) for u in lot_pages.lots_of(session, "OF-1")]


def left(floor: Floor, part: str, lot: str) -> int:
    with reading(floor.engine) as session:
        found = lot_pages.one(session, part, lot, DAY.isoformat())
    assert found is not None
    return found.left


def test_each_count_is_of_the_lot_that_its_own_station_has_loaded(floor: Floor) -> None:
    floor.do(lots.receive, "SCREW", "7", 50, received=DAY)
    assert count(floor, 5).reason == "counted", "an older bench loads nothing, and what was counted was counted"
    assert used(floor) == []
    assert load(floor, "7").reason == "lot_loaded"
    load(floor, "9", "NUT")
    count(floor, 8, 2)
    load(floor, "8")
    count(floor, 3)
    load(floor, "11", station="b3")
    count(floor, 1, station="b3")
    count(floor, 4)
    assert used(floor) == [("NUT", "9", 17, 17), ("SCREW", "7", 10, 20), ("SCREW", "11", 1, 2), ("SCREW", "8", 7, 14)]
    assert left(floor, "SCREW", "7") == 30
    assert count(floor, 900).verdict == "refused"
    assert left(floor, "SCREW", "8") == -14, "a lot without a receipt"


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({"lot": "7", "part": "FUSE"}, "component_wrong"),
        ({"lot": "7", "step": "box", "station": "p2"}, "component_not_needed"),
        ({"lot": "7", "station": "b1"}, "order_not_here"),
        ({"lot": "7", "order": "OF-9"}, "unknown_order"),
        ({"lot": "HELD"}, "lot_held"),
        ({"lot": "OLD"}, "lot_expired"),
    ],
)
def test_what_may_not_be_loaded_is_refused_and_the_lot_before_stays(
    floor: Floor, what: dict[str, Any], reason: str
) -> None:
    floor.do(lots.hold, "SCREW", "HELD", why="rust")
    floor.do(lots.receive, "SCREW", "OLD", 50, received=DAY, expires=date(2026, 11, 1))
    load(floor, "5")
    assert (load(floor, **what).verdict, load(floor, **what).reason) == ("refused", reason)
    count(floor, 1)
    assert used(floor) == [("SCREW", "5", 1, 2)]


def test_a_lot_that_is_held_meanwhile_stops_the_count_and_a_fact_is_kept(floor: Floor) -> None:
    load(floor, "7")
    floor.do(lots.hold, "SCREW", "7", why="rust")
    stopped = count(floor, 4)
    assert (stopped.verdict, stopped.reason, stopped.args["lot"]) == ("refused", "loaded_held", "7")
    assert used(floor) == []
    late = count(floor, 4, asks=False)
    assert (late.verdict, late.reason) == ("held", "loaded_held")
    assert load(floor, "7", asks=False).verdict == "held"
    assert used(floor) == [("SCREW", "7", 4, 8)], "a bench without network has made them"
    load(floor, "8")
    assert count(floor, 4).reason == "counted"


def test_a_lot_that_is_used_up_is_taken_off_and_may_be_scanned_again(floor: Floor) -> None:
    floor.do(lots.receive, "SCREW", "7", 20, received=DAY)
    load(floor, "7")
    p1 = floor.bench("p1")
    one, two = (p1.event("WorkCompleted", order="OF-1", step="bag", good=5, scrap=[], asks=True) for _ in range(2))
    first, second = floor.send(p1, one, two)
    assert ("empty" in first.args, second.args["empty"]) == (False, ["SCREW"])
    count(floor, 1)
    assert (used(floor), left(floor, "SCREW", "7")) == ([("SCREW", "7", 10, 20)], 0)
    load(floor, "7")
    count(floor, 1)
    assert left(floor, "SCREW", "7") == -2, "the bag says that the receipts are wrong"


def test_a_recall_names_the_order_with_its_pieces(floor: Floor, tmp_path: Path) -> None:
    load(floor, "7")
    count(floor, 8, 2)
    with reading(floor.engine) as session:
        uses, plan = where_used(session, Wanted("7", "SCREW")), revisions.latest_plan(session)
        assert (parts_named(session, "7"), [h.id for h in find(session, "7")]) == (["SCREW"], ["OF-1"])
    (use,) = uses
    assert (use.unit, use.order, use.customer, use.pieces, use.quantity, use.stage) == (
        "",
        "OF-1",
        "B",
        10,
        20,
        "counted",
    )
    assert recall.counts(uses) == recall.Counts(0, 1, 1, 10)
    made = recall.table(uses, Wanted("7"), plan, "fr")
    assert (made.rows[0][4], made.rows[0][6], made.rows[0][-1]) == ("10 pièces comptées", "compté", 10)
    for kind in recall.KINDS:
        assert recall.file(kind, uses, Wanted("7"), plan, "en", now=floor.clock.now)
    if floor.engine.dialect.name != "sqlite":
        return  # the commands refuse a test's PostgreSQL, which would forget work at a power cut
    where = ["--database", floor.engine.url.render_as_string(hide_password=False)]
    shown = CliRunner().invoke(main, ["lot", "show", "SCREW", "7", "--json", *where])
    assert json.loads(shown.output)["orders"] == [{"order": "OF-1", "step": "bag", "pieces": 10, "quantity": 20}]
    told = CliRunner().invoke(main, ["trace", "component", "7", "-o", str(tmp_path / "r.csv"), *where])
    assert "10" in told.output
    assert "OF-1" in (tmp_path / "r.csv").read_text("utf-8-sig")


def test_a_lot_under_a_concession_is_counted_as_far_as_it_permits(floor: Floor) -> None:
    nc = opened(floor, wire.NcItem(kind="lot", part="SCREW", subject="9", quantity=500))
    co = grant(floor, nc, count=21, expires="2026-11-30").args["concession"]
    assert decide(floor, nc, "use_as_is", concession=co).done
    load(floor, "9")
    assert (count(floor, 10).verdict, count(floor, 1).reason) == ("accepted", "loaded_used_up")
    with reading(floor.engine) as session:
        assert session.get_one(Concession, co).remaining == 1, "two screws go into a bag"
    assert used(floor) == [("SCREW", "9", 10, 20)]
