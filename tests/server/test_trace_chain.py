"""What stands before and after the making of a unit, in its history and in a recall: receipts, cartons, release,
decisions with their times; and the same words in both languages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import event, select

from mes import carton_labels, deliveries, labels, lots, packing, recall, releases, revisions, trace, wire
from mes import nonconformities as verbs
from mes.db.session import reading, writing
from mes.db.tables import Nonconformity
from mes.domain.sscc import spaced
from mes.genealogy import Use, Wanted, where_used
from mes.trace_sheet import Sheet, as_json
from tests.server.bench import OPERATOR, PERSON
from tests.server.small_plan import small_plan
from tests.server.test_packing import PackingFloor, packing_plan

ONE, TWO, THREE = (f"GEN-2648-{n:05}" for n in range(1, 4))


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[PackingFloor]:
    """The workshop on SQLite."""
    yield from built(f"sqlite:///{tmp_path}/chain.db")


@pytest.fixture
def floor_on_both(database_url: str) -> Iterator[PackingFloor]:
    """The workshop on SQLite, then on PostgreSQL."""
    yield from built(database_url)


def built(url: str) -> Iterator[PackingFloor]:
    """Three units on a route of fitting and looking, each with fuses of the lot 7; two are finished."""
    plan, steps = packing_plan(), small_plan().products[0].steps
    gen, kit = plan.products
    made = PackingFloor(
        url,
        plan.model_copy(update={"products": (gen.model_copy(update={"steps": (steps[0], steps[2])}), kit)}),
    )
    said = {"supplier": "Labo", "supplier_lot": "S-9", "delivery": "BL-778"}
    assert made.do(lots.receive, "FUSE", "7", 40, received=date(2026, 11, 20), **said).done
    made.order("GEN", 3)
    b1, b3 = made.bench("b1"), made.bench("b3")
    for n, unit in enumerate((ONE, TWO, THREE)):
        made.send(b1, b1.arrive(unit, "fit"), b1.fit(unit, "BAT", serial=str(n + 1)))
        made.send(b1, b1.fit(unit, "FUSE", lot="7"), b1.fit(unit, "FUSE", lot="8"), b1.done(unit, "fit"))
    for unit in (ONE, TWO):
        made.send(b3, b3.arrive(unit, "look"), b3.look(unit), b3.done(unit, "look"))
    yield made
    made.agrees()
    made.close()


def of(floor: PackingFloor, serial: str) -> trace.Dossier:
    with reading(floor.engine) as session:
        found = trace.dossier(session, serial)
    assert found is not None
    return found


def used(floor: PackingFloor, number: str = "7") -> dict[str, Use]:
    with reading(floor.engine) as session:
        return {u.unit: u for u in where_used(session, Wanted(number, "FUSE"))}


def sections(floor: PackingFloor, serial: str, language: str = "en") -> dict[str, tuple[tuple[str, ...], ...]]:
    return {s.key: s.rows for s in Sheet(of(floor, serial), language).sections()}


def test_the_receipts_of_its_lots_are_in_the_history_and_a_lot_without_one_says_so(floor: PackingFloor) -> None:
    known, other = of(floor, ONE).origins
    assert (known.lot, known.received_on, known.supplier, known.supplier_lot, known.delivery, known.quantity) == (
        "7", "2026-11-20", "Labo", "S-9", "BL-778", 40,
    )  # fmt: skip
    assert (other.lot, other.number) == ("8", 0)
    assert sections(floor, ONE)["origins"][1][4] == "no receipt on record"


def test_carton_and_pallet_are_in_the_history_with_what_happened_to_them(floor_on_both: PackingFloor) -> None:
    floor = floor_on_both
    carton = floor.full([ONE, TWO])
    (pallet,) = floor.numbers(level="pallet")
    assert floor.tell("p2", "UnitsPacked", carton=pallet, inner=carton, asks=True).verdict == "accepted"
    first, second = of(floor, ONE).boxed
    assert (first.sscc, first.level, first.state, first.weight_g) == (carton, "carton", "closed", 2100.0)
    assert [m.kind for m in first.moments] == ["CartonWeighed", "CartonClosed"]
    assert (second.sscc, second.level, second.inside) == (pallet, "pallet", carton)
    row = sections(floor, ONE, "fr")["boxed"][0]
    assert (row[0], row[1], row[4]) == ("Carton", spaced(carton), "fermé")
    assert "pesé 2026-11-23" in row[6]
    assert {u: (x.carton, x.pallet, x.stage) for u, x in used(floor).items()} == {
        ONE: (carton, pallet, "packed"),
        TWO: (carton, pallet, "packed"),
        THREE: ("", "", "waiting"),
    }


def test_a_unit_that_was_taken_out_of_an_opened_carton_is_in_none_and_its_history_knows(floor: PackingFloor) -> None:
    carton = floor.full([ONE, TWO])
    assert floor.do(packing.reopen, carton, why="Wrong manual").done
    assert floor.do(packing.take_out, carton, ONE, why="Other customer").done
    (box,) = of(floor, ONE).boxed
    assert (box.why, box.reopened, bool(box.removed_at)) == ("Other customer", 1, True)
    assert box.moments[-1].why == "Wrong manual"
    assert (used(floor)[ONE].carton, used(floor)[ONE].stage) == ("", "done")
    assert used(floor)[TWO].carton == carton


def test_a_release_names_its_authority_and_once_taken_back_says_when_and_why(floor_on_both: PackingFloor) -> None:
    floor = floor_on_both
    who = floor.quality()
    number = floor.do(releases.release, "OF-1", 2, scope="finished", actor=who).args["release"]
    given = of(floor, ONE).released
    assert given is not None
    assert (given.id, given.by, given.holds, given.back_at) == (number, "Quality", True, None)
    assert {u: (x.release, x.stage) for u, x in used(floor).items()} == {
        ONE: (number, "released"),
        TWO: (number, "released"),
        THREE: ("", "waiting"),
    }
    assert floor.do(releases.take_back, number, why="Wrong label", units=[ONE], actor=who).done
    back, kept = of(floor, ONE).released, of(floor, TWO).released
    assert back is not None
    assert kept is not None
    assert (back.holds, back.why, bool(back.back_at)) == (False, "Wrong label", True)
    assert (kept.holds, kept.why, kept.back_at) == (True, "", None)
    assert (used(floor)[ONE].stage, used(floor)[TWO].stage) == ("done", "released")
    assert of(floor, ONE).facts_at == back.back_at


def test_a_recall_names_the_delivery_that_a_unit_has_left_with(floor_on_both: PackingFloor) -> None:
    floor = floor_on_both
    number = floor.do(releases.release, "OF-1", 2, scope="finished", actor=floor.quality()).args["release"]
    gone = floor.do(deliveries.prepare, wire.DeliveryPrepared(units=(ONE,))).args["delivery"]
    assert used(floor)[ONE].stage == "released"  # set aside is not gone
    assert floor.do(deliveries.send, gone).done
    assert {u: (x.release, x.delivery, x.stage) for u, x in used(floor).items()} == {
        ONE: (number, gone, "delivered"),
        TWO: (number, "", "released"),
        THREE: ("", "", "waiting"),
    }


def test_a_nonconformity_has_the_time_of_each_state_and_the_decision_on_the_unit(floor: PackingFloor) -> None:
    b3, who = floor.bench("b3"), floor.quality()
    floor.send(b3, b3.arrive(THREE, "look"), b3.look(THREE, "SCR"))
    with reading(floor.engine) as session:
        nc = session.scalars(select(Nonconformity.id)).one()
    assert used(floor)[THREE].stage == "held"
    assert floor.do(verbs.contain, nc, "Red shelf").done
    assert floor.do(verbs.analyse, nc, "A worn jig").done
    assert floor.do(verbs.dispose, nc, [1], "rework", step="fit", why="Polish it", actor=who).done
    d = of(floor, THREE)
    (deviation,), (decision,) = d.deviations, d.decisions
    times = (deviation.opened_at, deviation.contained_at, deviation.analysed_at, deviation.decided_at)
    assert list(times) == sorted(t for t in times if t)
    assert (decision.nc, decision.item, decision.disposition, decision.by) == (nc, 1, "rework", "Quality")
    assert sections(floor, THREE, "fr")["decisions"][0][2] == "reprise"


def test_a_unit_that_is_only_named_by_a_nonconformity_has_it_in_its_history(floor: PackingFloor) -> None:
    b3 = floor.bench("b3")
    floor.send(b3, b3.arrive(THREE, "look"), b3.look(THREE, "SCR"))
    (found,) = of(floor, THREE).deviations
    assert of(floor, ONE).deviations == ()
    assert floor.do(verbs.extend, found.id, [wire.NcItem(kind="unit", subject=ONE)]).done
    assert [n.id for n in of(floor, ONE).deviations] == [found.id]
    assert sections(floor, ONE)["decisions"][0][:2] == (found.id, "to decide (as a precaution)")
    assert used(floor)[ONE].stage == "held"


def test_labels_of_the_unit_and_of_its_carton_are_counted_with_their_copies(floor: PackingFloor) -> None:
    carton = floor.full([ONE])
    for _ in range(2):
        with writing(floor.engine) as session:
            labels.units(session, "OF-1", now=floor.clock.tick(), on="57x32", serials=[ONE])
            carton_labels.printed(session, [carton], now=floor.clock.tick())
    rows = {r[0]: r[1:4] for r in sections(floor, ONE)["printed"]}
    assert rows == {"Label of this unit": (ONE, "2", "1"), "Label of the carton": (spaced(carton), "2", "1")}


def test_history_and_recall_list_say_the_same_in_files_and_name_no_operator(floor: PackingFloor) -> None:
    carton = floor.full([ONE, TWO])
    number = floor.do(releases.release, "OF-1", 2, scope="finished", actor=floor.quality()).args["release"]
    d = of(floor, ONE)
    flat = "\n".join(" ".join(map(str, row)) for row in Sheet(d, "en").flat().rows)
    for fact in (carton, number, "S-9 · BL-778", "weighed"):
        assert fact in flat
    known = json.loads(as_json(d))
    assert (known["boxed"][0]["sscc"], known["released"]["id"]) == (carton, number)
    assert known["origins"][0]["delivery"] == "BL-778"
    for word in (OPERATOR, PERSON):
        assert f'"{word}"' not in as_json(d)
    wanted = Wanted("7", "FUSE")
    with reading(floor.engine) as session:
        uses, plan = where_used(session, wanted), revisions.latest_plan(session)
    made = recall.table(uses, wanted, plan, "fr")
    assert next((r[6], *r[13:17]) for r in made.rows) == ("libéré", carton, "", number, "")
    assert recall.file("pdf", uses, wanted, plan, "fr", now=floor.clock.now).startswith(b"%PDF")


def test_the_number_of_queries_does_not_grow_with_what_a_unit_went_through(floor: PackingFloor) -> None:
    def asked() -> int:
        count = 0

        def note(*_: object) -> None:
            nonlocal count
            count += 1

        event.listen(floor.engine, "before_cursor_execute", note)
        of(floor, ONE)
        used(floor)
        event.remove(floor.engine, "before_cursor_execute", note)
        return count

    floor.full([ONE])
    before = asked()
    for _ in range(3):
        carton = packed_in(floor, ONE)
        assert floor.do(packing.reopen, carton, why="x").done
        assert floor.do(packing.take_out, carton, ONE, why="x").done
        floor.full([ONE])
    assert floor.do(lots.receive, "FUSE", "8", 5, received=date(2026, 11, 21)).done
    assert asked() == before


def packed_in(floor: PackingFloor, serial: str) -> str:
    with reading(floor.engine) as session:
        found = packing.carton_of(session, serial)
    assert found
    return found
