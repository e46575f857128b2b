"""Traceability: where a component went, through sub-assemblies; and everything that is kept of one unit."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from mes import export, orders, quality, recall, trace
from mes.commands_ledger import verify_engine
from mes.db import migrate
from mes.db.session import reading
from mes.genealogy import Use, Wanted, parts_named, where_used
from mes.rebuild import rebuild
from mes.trace_sheet import Sheet, as_json
from tests.server.bench import OPERATOR, PERSON, Floor
from tests.server.small_plan import small_plan

ONE, TWO, THREE, FOUR = (f"GEN-2648-{n:05}" for n in range(1, 5))


@pytest.fixture
def floor(database_url: str) -> Iterator[Floor]:
    """Four units: the second one is a part of the third, the third one of the fourth."""
    made = Floor(database_url, small_plan())
    made.order("GEN", 4, order="OF-1", release=False)
    assert made.do(orders.amend, "OF-1", customer="=ACME").done
    assert made.do(orders.release, "OF-1").done
    b1 = made.bench("b1")
    for unit, battery in ((ONE, "11"), (TWO, "12"), (THREE, TWO), (FOUR, THREE)):
        made.send(b1, b1.arrive(unit, "fit"), b1.fit(unit, "BAT", serial=battery))
        made.send(b1, b1.fit(unit, "FUSE", lot="7" if unit in (ONE, TWO) else "8"))
        made.send(b1, b1.fit(unit, "FUSE", lot="8"), b1.done(unit, "fit"))
    yield made
    made.close()


def used(floor: Floor, number: str, part: str = "") -> list[Use]:
    with reading(floor.engine) as session:
        return where_used(session, Wanted(number, part))


def of(floor: Floor, serial: str) -> trace.Dossier:
    with reading(floor.engine) as session:
        found = trace.dossier(session, serial)
    assert found is not None
    return found


# --- where it went ----------------------------------------------------------------------------------------------------


def test_a_lot_leads_to_every_unit_that_contains_it_also_through_sub_assemblies(floor: Floor) -> None:
    found = used(floor, "7", "FUSE")
    assert [(u.unit, u.inside) for u in found] == [(ONE, ONE), (TWO, TWO), (THREE, TWO), (FOUR, TWO)]
    assert {(u.order, u.customer, u.part, u.number, u.quantity) for u in found} == {("OF-1", "=ACME", "FUSE", "7", 1)}
    assert recall.counts(found) == recall.Counts(4, 1, 1)


def test_a_serial_leads_to_its_unit_and_to_what_that_went_into(floor: Floor) -> None:
    assert [u.unit for u in used(floor, "12")] == [TWO, THREE, FOUR]
    assert [u.unit for u in used(floor, TWO)] == [THREE, FOUR]
    assert [u.unit for u in used(floor, "11")] == [ONE]


def test_the_same_number_of_another_part_is_not_in_the_list(floor: Floor) -> None:
    assert used(floor, "7", "BAT") == []
    assert used(floor, "nothing") == []
    with reading(floor.engine) as session:
        assert parts_named(session, "7") == ["FUSE"]


def test_a_component_that_was_taken_out_is_named_and_said_to_be_out(floor: Floor) -> None:
    b1 = floor.bench("b1")
    floor.order("GEN", 1, order="OF-2")
    five = "GEN-2648-00005"
    arrived, fitted = b1.arrive(five, "fit"), b1.fit(five, "FUSE", lot="7")
    floor.send(b1, arrived, fitted)
    floor.send(b1, b1.event("MaterialsUninstalled", unit=five, step="fit", installation=fitted.event_id, reason="undo"))
    assert {u.unit: u.out for u in used(floor, "7")} == {**dict.fromkeys((ONE, TWO, THREE, FOUR), False), five: True}


def test_units_that_name_each_other_come_to_an_end(floor: Floor) -> None:
    b1 = floor.bench("b1")
    floor.order("GEN", 2, order="OF-2")
    five, six = "GEN-2648-00005", "GEN-2648-00006"
    for unit, other in ((five, six), (six, five)):
        floor.send(b1, b1.arrive(unit, "fit"), b1.fit(unit, "BAT", serial=other))
        floor.send(b1, b1.fit(unit, "FUSE", lot="9"), b1.fit(unit, "FUSE", lot="9"), b1.done(unit, "fit"))
    assert {u.unit for u in used(floor, "9")} == {five, six}
    assert [p.serial for p in of(floor, five).every_part()] == [six, five, *[None] * 4]


# --- one unit ---------------------------------------------------------------------------------------------------------


def test_what_is_in_a_unit_is_listed_with_what_is_in_its_parts(floor: Floor) -> None:
    (battery, *fuses) = of(floor, FOUR).parts
    assert (battery.serial, [f.lot for f in fuses]) == (THREE, ["8", "8"])
    (inner, *_) = battery.inside
    assert (inner.serial, [p.number for p in inner.inside]) == (TWO, ["12", "7", "8"])


def test_every_reading_of_every_run_is_there_with_its_limits_and_the_repeated_one_is_a_series(
    floor: Floor, tmp_path: Path
) -> None:
    b2 = floor.bench("b2")
    floor.send(b2, b2.arrive(ONE, "test"), b2.test(ONE, 9.0))
    floor.send(b2, b2.test(ONE, 3.0), b2.done(ONE, "test"))
    d = of(floor, ONE)
    runs = [e for e in d.events if e.did == "tested"]
    assert [(v.test, v.value, v.unit, v.low, v.high, v.outcome) for e in runs for v in e.values] == [
        ("volt", 9.0, "V", 1.0, 5.0, "failed"),
        ("volt", 3.0, "V", 1.0, 5.0, "passed"),
    ]
    assert [(e.step, e.visit, e.station) for e in runs] == [("test", 1, "b2")] * 2
    (series,) = d.repeated
    assert (series.measured, series.out) == ((9.0, 3.0), 1)
    assert [(s.step, s.station, s.result) for s in d.stays] == [("fit", "b1", "passed"), ("test", "b2", "passed")]
    assert verify_engine(floor.engine, tmp_path)[1] == []


def test_a_defect_and_what_was_decided_of_it_are_in_the_history(floor: Floor) -> None:
    b2, b3 = floor.bench("b2"), floor.bench("b3")
    floor.send(b2, b2.arrive(ONE, "test"), b2.test(ONE, 3.0), b2.done(ONE, "test"))
    floor.send(b3, b3.arrive(ONE, "look"), b3.look(ONE, "SCR"))
    (nc,) = of(floor, ONE).deviations
    assert floor.do(quality.decide, nc.id, "rework", step="fit", why="Polish it").done
    d = of(floor, ONE)
    assert [(n.defect, n.disposition, n.why) for n in d.deviations] == [("SCR", "rework", "Polish it")]
    assert d.events[-1].defects == ("SCR",)
    sheet = Sheet(d, "fr")
    rows = {s.key: s.rows for s in sheet.sections()}
    assert rows["events"][-1][-1] == "Rayure"


def test_what_the_ledger_told_before_the_migration_is_found_after_it(floor: Floor, tmp_path: Path) -> None:
    b2 = floor.bench("b2")
    floor.send(b2, b2.arrive(ONE, "test"), b2.test(ONE, 3.0))
    migrate.downgrade(floor.engine, "0015")
    migrate.upgrade(floor.engine)
    rebuild(floor.engine)
    assert [e.did for e in of(floor, ONE).events] == ["tested"]
    assert verify_engine(floor.engine, tmp_path)[1] == []


def test_there_is_no_history_of_an_unknown_unit(floor: Floor) -> None:
    with reading(floor.engine) as session:
        assert trace.dossier(session, "GEN-9") is None


# --- to take away -----------------------------------------------------------------------------------------------------


def test_no_cell_of_an_export_runs_as_a_formula(floor: Floor) -> None:
    made = recall.table(used(floor, "7"), Wanted("7"), None, "en")
    rows = list(csv.reader(io.StringIO("".join(export.csv_lines(made.head, made.rows, french=False)))))
    assert {row[0] for row in rows[1:]} == {"'=ACME"}
    book = openpyxl.load_workbook(io.BytesIO(export.xlsx([made], made_at=datetime(2026, 11, 25, tzinfo=UTC))))
    assert {(c.value, c.data_type) for c in book.worksheets[0]["A"][1:]} == {("=ACME", "s")}


def test_the_exports_of_a_unit_have_everything_and_nobody(floor: Floor) -> None:
    b2 = floor.bench("b2")
    floor.send(b2, b2.arrive(FOUR, "test"), b2.test(FOUR, 3.0))
    d = of(floor, FOUR)
    read = json.loads(as_json(d))
    assert read["parts"][0]["inside"][0]["serial"] == TWO
    sheet = Sheet(d, "en")
    flat = sheet.flat()
    assert [row[7:11] for row in flat.rows if row[0] == "Reading"] == [(3.0, "V", 1.0, 5.0)]
    assert {row[6] for row in flat.rows if row[0] == "Put in"} == {THREE, TWO, "12", "7", "8"}
    said = as_json(d) + str(flat) + str(sheet.sections())
    assert OPERATOR not in said
    assert PERSON not in said


def test_the_drawings_say_without_colour_what_failed_and_have_neither_script_nor_style(floor: Floor) -> None:
    b2 = floor.bench("b2")
    floor.send(b2, b2.arrive(ONE, "test"), b2.test(ONE, 9.0), b2.test(ONE, 9.0))
    sheet = Sheet(of(floor, ONE), "en")
    way, parts, (title, curve) = sheet.way_drawing(), sheet.parts_drawing(), sheet.curves()[0]
    assert way is not None
    assert parts is not None
    assert "11" in parts.svg
    assert title == "Test – Voltage"
    assert curve.svg.count("l8 8m0 -8l-8 8") == 2
    for each in (way, parts, curve):
        assert 'role="img" aria-label="' in each.svg
        assert "style" not in each.svg
        assert "<script" not in each.svg
