"""Cartons and pallets through the ledger: numbers, contents, weight, closing, and what a bench did without network."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import select

from mes import orders, packing, quality, wire
from mes.commands_ledger import verify_engine
from mes.db.session import reading
from mes.db.tables import CartonRow, Nonconformity, UnitRow
from mes.domain import sscc
from mes.domain.route import CartonHolding, PalletHolding, Plan
from tests.server.bench import Floor
from tests.server.small_plan import small_plan

PREFIX = "9521234"


def packing_plan(prefix: str | None = PREFIX) -> Plan:
    """The small plan with a look as its only step: two generators a carton at b3, ten kits at p2; pallets at p2."""
    plan = small_plan()
    gen, kit = plan.products
    two = CartonHolding(stations=("b3",), holds=2, net_g=1000, tare_g=100, tolerance_g=50)
    ten = CartonHolding(stations=("p2",), holds=10)
    plant = plan.plant.model_copy(
        update={"gs1_prefix": prefix, "pallet": PalletHolding(stations=("p2",), holds=2, same="customer")}
    )
    products = (gen.model_copy(update={"carton": two, "steps": gen.steps[-1:]}), kit.model_copy(update={"carton": ten}))
    return plan.model_copy(update={"products": products, "plant": plant})


class PackingFloor(Floor):
    """A floor that packs, one verb a thing; every event is sent twice."""

    def finished(self, count: int = 3, order: str = "OF-1") -> list[str]:
        """Finished generators."""
        self.order("GEN", count, order=order)
        with reading(self.engine) as session:
            serials = list(session.scalars(select(UnitRow.serial).where(UnitRow.order == order)))
        for serial in sorted(serials):
            bench = self.bench("b3")
            self.send(bench, bench.arrive(serial, "look"), bench.look(serial), bench.done(serial, "look"))
        return sorted(serials)

    def numbers(self, count: int = 1, **what: Any) -> list[str]:
        answer = self.do(packing.number, count, **what)
        assert answer.done, answer
        return list(answer.args["cartons"])

    def pack(self, carton: str, unit: str, *, asks: bool = True, station: str = "b3") -> wire.IngestResult:
        return self.tell(station, "UnitsPacked", carton=carton, unit=unit, asks=asks)

    def weigh(self, carton: str, kg: float) -> wire.IngestResult:
        reading_ = {"test": "weight", "outcome": "passed", "value": kg, "unit": "kg", "raw": f"S S {kg} kg"}
        return self.tell("b3", "CartonWeighed", carton=carton, reading=reading_)

    def shut(self, carton: str, *, asks: bool = True, partial: bool = False) -> wire.IngestResult:
        return self.tell("b3", "CartonClosed", carton=carton, partial=partial, asks=asks)

    def full(self, serials: list[str]) -> str:
        """A closed carton with these in it."""
        (carton,) = self.numbers()
        for serial in serials:
            assert self.pack(carton, serial).verdict == "accepted"
        assert self.weigh(carton, 0.1 + len(serials)).reason == "weight_right"
        assert self.shut(carton, partial=True).reason == "carton_done"
        return carton

    def carton(self, number: str) -> CartonRow:
        with reading(self.engine) as session:
            row = session.get_one(CartonRow, number)
            session.expunge(row)
            return row

    def inside(self, number: str) -> list[str]:
        with reading(self.engine) as session:
            return [c.thing for c in packing.contents(session, number)]

    def agrees(self) -> None:
        with TemporaryDirectory() as scratch:
            assert verify_engine(self.engine, Path(scratch))[1] == []


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[PackingFloor]:
    made = PackingFloor(f"sqlite:///{tmp_path}/mes.db", packing_plan())
    yield made
    made.close()


def test_numbers_are_drawn_one_after_another_and_each_is_valid(floor: PackingFloor) -> None:
    drawn = floor.numbers(3) + floor.numbers(2, level="pallet")
    assert len(set(drawn)) == 5
    assert all(sscc.valid(n) and n[1:8] == PREFIX for n in drawn)
    assert [int(n[8:17]) for n in drawn] == [1, 2, 3, 4, 5]
    floor.agrees()


def test_without_a_prefix_the_refusal_says_what_to_write_where(tmp_path: Path) -> None:
    floor = PackingFloor(f"sqlite:///{tmp_path}/mes.db", packing_plan(None))
    answer = floor.do(packing.number, 1)
    assert answer.reason == "no_gs1_prefix"
    assert 'gs1_prefix = "…"' in answer.say("en")
    assert "[plant]" in answer.say("en")
    floor.close()


def test_two_offices_that_draw_at_once_never_get_the_same_number(
    database_url: str,
) -> None:
    floor = PackingFloor(database_url, packing_plan())
    with ThreadPoolExecutor(4) as pool:
        drawn = [n for some in pool.map(lambda _: floor.numbers(5), range(6)) for n in some]
    assert len(set(drawn)) == 30
    floor.agrees()
    floor.close()


def test_a_carton_is_opened_filled_weighed_and_closed(floor: PackingFloor) -> None:
    one, two, three = floor.finished()
    (carton,) = floor.numbers()
    opened = floor.tell("b3", "CartonOpened", carton=carton, asks=True)
    assert (opened.reason, opened.args["told"]["have"]) == ("carton_open", 0)
    assert floor.pack(carton, one).reason == "packed"
    assert floor.pack(carton, one).reason == "packed_here"
    assert floor.shut(carton).reason == "carton_not_full"
    assert floor.pack(carton, two).reason == "packed_full"
    assert floor.pack(carton, three).reason == "carton_full"
    assert floor.shut(carton).reason == "needs_weighing"
    assert floor.weigh(carton, 1.1).reason == "weight_light"
    assert floor.shut(carton).reason == "needs_weighing"
    assert floor.weigh(carton, 2.1).reason == "weight_right"
    assert floor.shut(carton).reason == "carton_done"
    assert floor.inside(carton) == [one, two]
    row = floor.carton(carton)
    assert (row.state, row.order, row.customer, row.have, row.weight_g) == ("closed", "OF-1", "ACME", 2, 2100)
    with reading(floor.engine) as session:
        assert packing.troubles(session, carton) == ()
        assert packing.carton_of(session, one) == carton
        assert packing.unpacked_units(session, "OF-1") == 1
        assert [c.sscc for c in packing.in_order(session, "OF-1")] == [carton]
    floor.agrees()


def test_a_unit_that_is_not_finished_is_refused_with_the_step_that_is_missing(floor: PackingFloor) -> None:
    floor.order("GEN", 1)
    (carton,) = floor.numbers()
    refused = floor.pack(carton, "GEN-2648-00001")
    assert (refused.verdict, refused.reason) == ("refused", "unit_unfinished")
    assert refused.args["step"] == {"fr": "Contrôle", "en": "Inspect"}
    assert floor.inside(carton) == []
    floor.agrees()


def test_a_unit_that_was_packed_twice_without_network_holds_both_cartons_until_a_person_has_looked(
    floor: PackingFloor,
) -> None:
    one, *_ = floor.finished(1)
    first, second = floor.numbers(2)
    assert floor.pack(first, one, asks=False).verdict == "accepted"
    said = floor.pack(second, one, asks=False)
    assert (said.verdict, said.reason) == ("held", "packed_elsewhere")
    assert (floor.carton(first).held, floor.carton(second).held) == ("packed_elsewhere", "packed_elsewhere")
    assert floor.inside(first) == [one]
    assert floor.inside(second) == [one]
    assert floor.do(packing.take_out, first, one, why="It is in the other one").done
    with reading(floor.engine) as session:
        assert packing.carton_of(session, one) == second
        assert not packing.contents(session, second)[0].disputed
    assert floor.do(packing.release, second, why="Looked").done
    assert floor.do(packing.release, second, why="Looked").reason == "carton_not_held"
    floor.agrees()


def test_an_unfinished_unit_that_was_packed_without_network_is_held_with_its_carton(floor: PackingFloor) -> None:
    floor.order("GEN", 1)
    (carton,) = floor.numbers()
    said = floor.pack(carton, "GEN-2648-00001", asks=False)
    assert (said.verdict, said.reason) == ("held", "unit_unfinished")
    with reading(floor.engine) as session:
        nc = session.scalars(select(Nonconformity)).one()
        assert (nc.unit, nc.cause) == ("GEN-2648-00001", "contradiction")
        assert packing.troubles(session, carton) == ("carton_held", "carton_not_closed", "unit_held")
    assert floor.carton(carton).held == "unit_unfinished"
    floor.agrees()


def test_packing_into_a_carton_that_nobody_has_numbered_is_recorded_and_held(floor: PackingFloor) -> None:
    one, *_ = floor.finished(1)
    stranger = sscc.number("1111111", 7)
    assert stranger is not None
    assert floor.pack(stranger, one).reason == "unknown_carton"
    assert floor.pack(stranger, one, asks=False).verdict == "held"
    assert (floor.carton(stranger).held, floor.inside(stranger)) == ("unknown_carton", [one])
    wrong = stranger[:-1] + str((int(stranger[-1]) + 1) % 10)
    assert floor.pack(wrong, one, asks=False).status == "quarantined"
    floor.agrees()


def test_a_closed_carton_is_opened_again_with_a_reason_and_weighed_anew(floor: PackingFloor) -> None:
    one, two, three = floor.finished()
    carton = floor.full([one, two])
    assert floor.pack(carton, three).reason == "carton_closed"
    assert floor.do(packing.take_out, carton, one, why="x").reason == "carton_closed"
    assert floor.do(packing.reopen, carton, why="A box is crushed").done
    assert floor.do(packing.take_out, carton, one, why="Crushed").done
    assert floor.pack(carton, three).reason == "packed_full"
    assert floor.shut(carton).reason == "needs_weighing"
    row = floor.carton(carton)
    assert (row.state, row.reopened, row.why) == ("open", 1, "A box is crushed")
    with reading(floor.engine) as session:
        said = [(e.kind, e.why) for e, _ in packing.history(session, carton)]
    assert ("CartonReopened", "A box is crushed") in said
    assert ("UnitsUnpacked", "Crushed") in said
    floor.agrees()


def test_a_bench_opens_a_closed_carton_with_a_defect_as_the_reason(floor: PackingFloor) -> None:
    one, two, _ = floor.finished()
    carton = floor.full([one, two])
    said = floor.tell("b3", "CartonReopened", carton=carton, why="SCR", asks=True)
    assert (said.reason, floor.carton(carton).why) == ("carton_reopened", "SCR")
    floor.agrees()


def test_a_move_goes_from_one_carton_into_another_or_changes_nothing(floor: PackingFloor) -> None:
    one, two, three = floor.finished()
    other = floor.full([two, three])
    first, second = floor.numbers(2)
    floor.pack(first, one)
    assert floor.do(packing.move, first, one, to=other, why="x").reason == "carton_closed"
    assert floor.inside(first) == [one]
    assert floor.do(packing.move, first, one, to=second, why="Wrong pile").done
    assert (floor.inside(first), floor.inside(second)) == ([], [one])
    assert floor.carton(first).order is None, "an empty carton may take another order"
    floor.agrees()


def test_a_unit_that_is_held_later_keeps_its_carton_from_being_closed(floor: PackingFloor) -> None:
    one, two, _ = floor.finished()
    (carton,) = floor.numbers()
    for serial in (one, two):
        floor.pack(carton, serial)
    floor.weigh(carton, 2.1)
    floor.tell("b2", "WorkCompleted", unit=one, step="look")  # a fact against the record: the unit is held
    assert floor.shut(carton).reason == "carton_has_held"
    assert floor.shut(carton, asks=False).verdict == "held", "it was closed all the same: somebody looks"
    assert floor.carton(carton).state == "closed"
    floor.agrees()


def test_cartons_of_one_customer_go_onto_a_pallet_and_come_off_before_they_are_opened(floor: PackingFloor) -> None:
    one, two, three = floor.finished()
    full = floor.full([one, two])
    (pallet,) = floor.numbers(level="pallet")
    assert floor.tell("p2", "UnitsPacked", carton=pallet, inner=full, asks=True).reason == "packed"
    assert floor.tell("p2", "UnitsPacked", carton=pallet, inner=full, asks=True).reason == "packed_here"
    (open_one,) = floor.numbers()
    assert floor.tell("p2", "UnitsPacked", carton=pallet, inner=open_one, asks=True).reason == "carton_not_closed"
    assert floor.tell("p2", "UnitsPacked", carton=pallet, unit=three, asks=True).reason == "pallet_takes_cartons"
    assert floor.do(packing.reopen, full, why="x").reason == "carton_on_pallet"
    with reading(floor.engine) as session:
        (content,) = packing.contents(session, pallet)
        assert [c.unit for c in content.flat()] == [one, two]
        assert {c.sscc for c in packing.in_order(session, "OF-1")} == {full, pallet}
    assert floor.do(packing.take_out, pallet, full, why="Wrong pallet").done
    assert floor.carton(full).parent is None
    assert floor.do(packing.reopen, full, why="x").done
    floor.agrees()


def test_counted_pieces_are_packed_by_number_and_never_more_than_are_finished(floor: PackingFloor) -> None:
    floor.order("KIT", 30, order="OF-2")
    (carton,) = floor.numbers(order="OF-2")

    def pack(quantity: int) -> wire.IngestResult:
        return floor.tell("p2", "UnitsPacked", carton=carton, order="OF-2", quantity=quantity, asks=True)

    assert pack(5).reason == "pieces_unfinished"
    floor.tell("p1", "WorkCompleted", order="OF-2", step="bag", good=12)
    floor.tell("p2", "WorkCompleted", order="OF-2", step="box", good=12)
    assert pack(8).reason == "packed"
    assert pack(3).reason == "carton_full"
    out = floor.tell("p2", "UnitsUnpacked", carton=carton, order="OF-2", quantity=3, why="undo", asks=True)
    assert (out.reason, out.args["have"]) == ("unpacked", 5)
    assert pack(5).reason == "packed_full"
    assert floor.carton(carton).have == 10
    with reading(floor.engine) as session:
        assert sum(c.quantity for c in packing.contents(session, carton)) == 10
    floor.agrees()


def test_a_carton_that_was_numbered_for_an_order_takes_no_other(floor: PackingFloor) -> None:
    one, *_ = floor.finished(1)
    floor.do(orders.create, "OF-9", "GEN", 1)
    (carton,) = floor.numbers(order="OF-9")
    assert floor.pack(carton, one).reason == "other_order"
    assert floor.do(packing.number, 1, order="OF-NONE").reason == "unknown_order"


def test_a_bench_draws_a_number_when_it_wants_one(floor: PackingFloor) -> None:
    said = floor.tell("b3", "CartonWanted", asks=True)
    assert said.reason == "carton_new"
    row = floor.carton(said.args["carton"])
    assert (row.state, row.station, row.level) == ("open", "b3", "carton")
    floor.agrees()


def test_the_list_finds_a_carton_by_its_number_its_order_and_what_is_in_it(floor: PackingFloor) -> None:
    one, two, _ = floor.finished()
    carton = floor.full([one, two])
    floor.numbers(2)

    def find(**wanted: str) -> list[str]:
        with reading(floor.engine) as session:
            return [r.sscc for r in packing.listed(session, packing.Wanted(**wanted))]

    assert len(find()) == 3
    assert find(text=one) == find(text=carton) == find(text="acme") == find(order="OF-1") == [carton]
    assert find(state="closed") == [carton]
    assert len(find(state="new")) == 2
    assert find(state="held") == find(text="nothing") == []


def test_a_scrapped_units_carton_says_why_it_may_not_leave(floor: PackingFloor) -> None:
    one, two, _ = floor.finished()
    carton = floor.full([one, two])
    floor.tell("b2", "WorkCompleted", unit=one, step="look")
    with reading(floor.engine) as session:
        nc = session.scalars(select(Nonconformity.id)).one()
    assert floor.do(quality.decide, nc, "scrap", why="x").done
    with reading(floor.engine) as session:
        assert packing.troubles(session, carton) == ("unit_scrapped",)
