"""Component lots at the server: what comes in, what is left, what a hold stops, and the units that contain a lot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from mes import floor, lot_pages, lots
from mes.cli import main
from mes.commands_ledger import verify_engine
from mes.commands_office import publish_plan
from mes.db.session import reading
from mes.db.tables import Nonconformity, Receipt, UnitRow
from tests.server.bench import Bench, Floor
from tests.server.small_plan import small_plan

TODAY = "2026-11-23"
DAY = date(2026, 11, 23)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Floor]:
    """A floor with an order of three units."""
    made = Floor(f"sqlite:///{tmp_path}/lots.db", small_plan())
    made.order("GEN", 3)
    yield made
    made.close()


def unit(n: int) -> str:
    return f"GEN-2648-{n:05}"


def receive(shop: Floor, lot: str = "7", quantity: int = 10, **more: Any) -> None:
    assert shop.do(lots.receive, "FUSE", lot, quantity, received=DAY, **more).done


def arrive(shop: Floor, *numbers: int) -> Bench:
    bench = shop.bench("b1")
    for n in numbers:
        shop.send(bench, bench.arrive(unit(n), "fit"))
    return bench


def fuse(shop: Floor, n: int, lot: str = "7", *, asks: bool = True) -> tuple[str | None, str]:
    bench = shop.bench("b1")
    (result,) = shop.send(bench, bench.fit(unit(n), "FUSE", lot=lot, asks=asks))
    return result.verdict, result.reason


def visits(shop: Floor, n: int, lot: str = "7") -> None:
    """A unit comes to the bench, gets one fuse, and leaves it unfinished."""
    bench = arrive(shop, n)
    assert fuse(shop, n, lot)[0] == "accepted"
    shop.send(bench, bench.event("UnitsDeparted", unit=unit(n), step="fit"))


def stock(shop: Floor, lot: str = "7") -> lot_pages.Stock:
    with reading(shop.engine) as session:
        found = lot_pages.one(session, "FUSE", lot, TODAY)
        assert found is not None
        session.expunge_all()
        return found


def agrees(shop: Floor, tmp_path: Path) -> bool:
    return verify_engine(shop.engine, tmp_path)[1] == []


def test_a_second_delivery_of_a_lot_adds_to_it_and_both_stay_on_record(shop: Floor, tmp_path: Path) -> None:
    receive(shop, supplier="Labo", delivery="BL-1", expires=date(2027, 1, 31))
    receive(shop, quantity=5, delivery="BL-2", customer="Acme")
    found = stock(shop)
    assert (found.row.received, found.left, found.row.supplier, found.row.expires) == (15, 15, "Labo", "2027-01-31")
    assert (found.row.owner, found.row.customer) == ("customer", "Acme")
    with reading(shop.engine) as session:
        rows = session.scalars(select(Receipt).order_by(Receipt.number)).all()
        assert [(r.quantity, r.delivery) for r in rows] == [(10, "BL-1"), (5, "BL-2")]
    assert agrees(shop, tmp_path)


def test_a_receipt_of_tomorrow_is_refused(shop: Floor) -> None:
    assert shop.do(lots.receive, "FUSE", "7", 1, received=date(2026, 11, 24)).reason == "receipt_future"


def test_what_is_installed_is_taken_from_the_lot_and_given_back_with_undo(shop: Floor) -> None:
    receive(shop)
    bench = arrive(shop, 1)
    (result,) = shop.send(bench, bench.fit(unit(1), "FUSE", lot="7"))
    assert stock(shop).left == 9
    shop.send(bench, bench.event("MaterialsUninstalled", unit=unit(1), step="fit", installation=result.event_id))
    assert stock(shop).left == 10


def test_more_than_was_received_goes_in_and_is_shown_as_below_zero(shop: Floor) -> None:
    receive(shop, quantity=1)
    arrive(shop, 1)
    assert [fuse(shop, 1), fuse(shop, 1)] == [("accepted", "component_fitted")] * 2
    assert (stock(shop).left, stock(shop).short) == (-1, True)
    with reading(shop.engine) as session:
        assert [s.row.lot for s in lot_pages.listed(session, TODAY, show="short").rows] == ["7"]


def test_a_lot_that_nobody_has_received_may_be_used_and_is_not_short(shop: Floor) -> None:
    arrive(shop, 1)
    assert fuse(shop, 1) == ("accepted", "component_fitted")
    assert (stock(shop).left, stock(shop).short, stock(shop).row.receipts) == (-1, False, 0)


def test_where_the_plant_says_so_only_received_lots_go_in(shop: Floor) -> None:
    plan = small_plan()
    strict = plan.model_copy(update={"plant": plan.plant.model_copy(update={"lots": "known"})})
    assert shop.do(publish_plan, strict).done
    shop.order("GEN", 1, order="OF-2")
    arrive(shop, 4)
    assert fuse(shop, 4) == ("refused", "lot_unknown")
    receive(shop)
    assert fuse(shop, 4) == ("accepted", "component_fitted")


def test_a_lot_is_good_to_the_end_of_its_last_day(shop: Floor) -> None:
    receive(shop, "old", expires=date(2026, 11, 22))
    receive(shop, "last", expires=DAY)
    arrive(shop, 1)
    assert fuse(shop, 1, "old") == ("refused", "lot_expired")
    assert fuse(shop, 1, "last") == ("accepted", "component_fitted")


def test_a_lot_held_while_the_bench_was_offline_holds_the_unit_when_the_fact_comes(shop: Floor, tmp_path: Path) -> None:
    bench = arrive(shop, 1)
    fact = bench.fit(unit(1), "FUSE", lot="7", asks=False)
    assert shop.do(lots.hold, "FUSE", "7", why="cracked").done
    (result,) = shop.send(bench, fact)
    assert (result.verdict, result.args["why"]) == ("held", "lot_held")
    assert [u.unit for u in inside(shop)] == [unit(1)]
    assert agrees(shop, tmp_path)


def inside(shop: Floor) -> list[lot_pages.Inside]:
    with reading(shop.engine) as session:
        return list(lot_pages.inside(session, "FUSE", "7").rows)


def test_a_bench_is_told_the_last_days_and_the_holds_of_lots(shop: Floor) -> None:
    receive(shop, expires=DAY)
    with reading(shop.engine) as session:
        told = floor.changes(session, 0, "b1")
    assert [(x.lot, x.until) for x in told.lot_days or ()] == [("7", TODAY)]
    assert shop.do(lots.hold, "FUSE", "7", why="cracked").done
    with reading(shop.engine) as session:
        assert [x.lot for x in floor.changes(session, told.cursor, "b1").held_lots] == ["7"]


def test_every_unit_that_contains_the_lot_is_held_by_one_action(shop: Floor, tmp_path: Path) -> None:
    visits(shop, 2)
    visits(shop, 3, "8")
    arrive(shop, 1)
    fuse(shop, 1)
    answer = shop.do(lots.hold_units, "FUSE", "7", why="cracked cap")
    assert (answer.done, answer.args["count"]) == (True, 2)
    with reading(shop.engine) as session:
        ncs = session.scalars(select(Nonconformity).order_by(Nonconformity.unit)).all()
        assert [(n.unit, n.cause, json.loads(n.detail)["lot"]) for n in ncs] == [
            (unit(1), "lot_held", "7"),
            (unit(2), "lot_held", "7"),
        ]
        held = session.scalars(select(UnitRow).where(UnitRow.nc.is_not(None))).all()
        assert {(u.state, u.station) for u in held} == {("waiting", None)}
    bench = shop.bench("b1")
    (result,) = shop.send(bench, bench.done(unit(1), "fit"))
    assert (result.verdict, result.reason) == ("refused", "unit_held")
    assert shop.do(lots.hold_units, "FUSE", "7", why="again").reason == "no_units_to_hold"
    assert agrees(shop, tmp_path)


def test_a_chosen_part_of_the_units_can_be_held(shop: Floor) -> None:
    visits(shop, 1)
    visits(shop, 2)
    assert shop.do(lots.hold_units, "FUSE", "7", why="bag 3", units=[unit(2)]).args["count"] == 1
    assert [(u.unit, u.nc) for u in inside(shop)] == [(unit(1), None), (unit(2), "NC-2026-0001")]
    assert shop.do(lots.hold_units, "FUSE", "7", why="", units=None).reason == "why_needed"


def test_the_command_line_receives_imports_lists_and_shows_lots(shop: Floor, tmp_path: Path) -> None:
    shop.close()
    url = f"sqlite:///{tmp_path}/lots.db"

    def run(*args: str) -> Any:
        return CliRunner().invoke(
            main, ["lot", *args, "--database", url], env={"LANG": "en_GB.UTF-8", "LANGUAGE": "en"}
        )

    got = run("receive", "FUSE", "L1", "40", "--supplier", "Labo", "--received", "2026-11-20")
    assert (got.exit_code, "40" in got.output) == (0, True), got.output
    sheet = tmp_path / "lots.csv"
    sheet.write_text("part;lot;quantity\nFUSE;L2;5\nNUT;L3;5\n")
    got = run("import", str(sheet))
    assert got.exit_code == 1
    assert "line 3, part" in got.output
    sheet.write_text("part;lot;quantity\nFUSE;L2;5\nFUSE;L1;2\n")
    assert run("import", str(sheet), "--check").exit_code == 0
    assert json.loads(run("import", str(sheet), "--json").output)["received"] == 2
    rows = {r["lot"]: r for r in json.loads(run("list", "--json").output)}
    assert (rows["L1"]["left"], rows["L1"]["supplier"], rows["L2"]["left"]) == (42, "Labo", 5)
    assert run("hold", "FUSE", "L2", "--why", "torn").exit_code == 0
    assert json.loads(run("show", "FUSE", "L2", "--json").output)["state"] == "held"
    assert run("show", "FUSE", "none").exit_code == 1
    assert run("hold-units", "FUSE", "L2", "--why", "torn").exit_code == 1
