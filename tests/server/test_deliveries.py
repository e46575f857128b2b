"""Deliveries: nothing leaves without release, each reason is said, and what has left is gone; the replay agrees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from mes import deliveries, nonconformities, orders, packing, releases, wire
from mes.cli import main
from mes.commands_ledger import verify_engine
from mes.db.session import reading
from mes.db.tables import CartonRow, Packed, UnitRow
from mes.domain.orders import Against
from mes.orders import Answer
from tests.server.test_packing import PackingFloor, packing_plan

ORDER = "OF-1"
CUSTOMER = "Petit Chantier"


class Yard(PackingFloor):
    """A shop that packs and delivers."""

    def made(self, count: int = 3, *, order: str = ORDER, customer: str = CUSTOMER, let_go: bool = True) -> list[str]:
        """Finished generators of an order, and released where `let_go` says so."""
        serials = self.finished(count, order)
        if customer:
            self.do(orders.amend, order, customer=customer)
        if let_go:
            assert self.let_go(order).done
        return serials

    def finished(self, count: int = 3, order: str = ORDER) -> list[str]:
        self.do(orders.create, order, "GEN", count, customer=CUSTOMER)
        return super().finished(count, order)

    def order(self, product: str, quantity: int, *, order: str = ORDER, release: bool = True) -> str:
        if product == "GEN":
            self.do(orders.release, order)
            return order
        return super().order(product, quantity, order=order, release=release)

    def against(self, **what: Any) -> list[Against]:
        with reading(self.engine) as session:
            return list(deliveries.check(session, wire.DeliveryPrepared(**what)).against)

    def prepare(self, **what: Any) -> Answer:
        return self.do(deliveries.prepare, wire.DeliveryPrepared(**what), actor=self.quality())

    def sent(self, **what: Any) -> str:
        """A delivery of these, prepared and gone."""
        number = str(self.prepare(**what).args["delivery"])
        assert self.do(deliveries.send, number, actor=self.quality()).done
        return number

    def unit(self, serial: str) -> UnitRow:
        with reading(self.engine) as session:
            row = session.get_one(UnitRow, serial)
            session.expunge(row)
            return row

    def enter(self, serial: str) -> wire.IngestResult:
        return self.tell("b3", "UnitsArrived", unit=serial, step="look", asks=True)

    def complain(self, serial: str) -> str:
        """A nonconformity on a unit that somebody complains about."""
        item = wire.NcItem(kind="unit", subject=serial)
        body = wire.NonconformityOpened(title="does not start", items=(item,))
        answer = self.do(nonconformities.open_nc, body, actor=self.quality())
        assert answer.done, answer
        return str(answer.args["nc"])


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(f"sqlite:///{tmp_path}/mes.db", packing_plan())
    yield made
    assert verify_engine(made.engine, tmp_path)[1] == []
    made.close()


def codes(found: list[Against]) -> list[tuple[str, str | None]]:
    return [(a.reason, a.args.get("unit")) for a in found]


def test_nothing_leaves_without_release_and_every_unit_that_is_not_released_is_named(yard: Yard) -> None:
    serials = yard.made(let_go=False)
    assert codes(yard.against(units=serials)) == [("delivery_not_released", s) for s in serials]
    assert yard.prepare(units=serials).reason == "delivery_not_released"
    assert yard.let_go(ORDER).done
    assert yard.against(units=serials) == []


def test_deliveries_are_numbered_without_gaps_and_a_refused_one_takes_no_number(yard: Yard) -> None:
    one, two, three = yard.made()
    assert yard.prepare(units=[one]).args["delivery"] == "BL-2026-0001"
    assert yard.prepare(units=[one]).reason == "delivery_reserved"
    assert yard.prepare(units=[two, three]).args["delivery"] == "BL-2026-0002"


def test_a_unit_that_has_left_is_refused_at_the_gate_with_one_sentence(yard: Yard) -> None:
    one, *_ = yard.made()
    number = yard.sent(units=[one])
    answer = yard.enter(one)
    assert (answer.reason, answer.args) == ("unit_shipped", {"unit": one, "delivery": number})
    assert codes(yard.against(units=[one])) == [("unit_shipped", one)]


def test_a_unit_that_comes_back_is_held_sent_to_a_step_and_needs_another_release(yard: Yard) -> None:
    one, *_ = yard.made()
    yard.sent(units=[one])
    nc = yard.complain(one)
    assert yard.enter(one).reason == "unit_held"
    who = yard.quality()
    assert yard.do(nonconformities.contain, nc, "shelf", labelled=True, actor=who).done
    assert yard.do(nonconformities.analyse, nc, "loose wire", actor=who).done
    assert yard.do(nonconformities.dispose, nc, [1], "rework", why="look again", step="look", actor=who).done
    assert yard.unit(one).delivery is None
    assert yard.enter(one).reason == "unit_arrived"
    assert ("delivery_not_released", one) in codes(yard.against(units=[one]))


def test_a_carton_leaves_with_what_is_in_it_and_takes_nothing_back(yard: Yard) -> None:
    one, two, three = yard.made()
    carton = yard.full([one, two])
    number = yard.sent(cartons=[carton], units=[three])
    assert yard.carton(carton).state == "sent"
    assert [yard.unit(s).delivery for s in (one, two, three)] == [number] * 3
    assert yard.do(packing.reopen, carton, why="look").reason == "carton_gone"
    with reading(yard.engine) as session:
        items = deliveries.items(session, number)
        assert [(i.unit, i.carton, i.release) for i in items] == [
            (one, carton, "LIB-2026-0001"),
            (two, carton, "LIB-2026-0001"),
            (three, "", "LIB-2026-0001"),
        ]
        assert [d.id for d in deliveries.listed(session, carton=carton)] == [number]


def test_an_open_carton_and_a_unit_that_is_in_one_are_refused(yard: Yard) -> None:
    one, _two, _three = yard.made()
    (carton,) = yard.numbers()
    yard.pack(carton, one)
    assert [a.reason for a in yard.against(cartons=[carton])] == ["carton_not_closed"]
    assert [a.reason for a in yard.against(units=[one])] == ["delivery_in_carton"]
    assert [a.reason for a in yard.against(cartons=["395212340000000999"])] == ["unknown_carton"]
    assert [a.reason for a in yard.against()] == ["delivery_nothing"]


def test_a_pallet_takes_its_cartons_along_and_a_carton_on_it_does_not_leave_alone(yard: Yard) -> None:
    one, two, three = yard.made()
    cartons = [yard.full([one, two]), yard.full([three])]
    (pallet,) = yard.numbers(level="pallet")
    for carton in cartons:
        assert yard.tell("p2", "UnitsPacked", carton=pallet, inner=carton, asks=True).verdict == "accepted"
    assert yard.tell("p2", "CartonClosed", carton=pallet, partial=True, asks=True).reason == "carton_done"
    assert [a.reason for a in yard.against(cartons=cartons[:1])] == ["carton_on_pallet"]
    number = yard.sent(cartons=[cartons[0], pallet])
    assert {yard.carton(c).state for c in (*cartons, pallet)} == {"sent"}
    with reading(yard.engine) as session:
        assert {i.pallet for i in deliveries.items(session, number)} == {pallet}


def test_an_open_nonconformity_stands_against_it_also_when_it_came_after_the_release(yard: Yard) -> None:
    one, two, _ = yard.made()
    number = str(yard.prepare(units=[one, two]).args["delivery"])
    nc = yard.complain(one)
    with reading(yard.engine) as session:
        found = deliveries.check_sending(session, number)
        assert found is not None
        assert [(a.reason, a.args.get("nc")) for a in found.against] == [
            ("release_nc", nc),
            ("delivery_not_released", None),
        ]
    assert yard.do(deliveries.send, number).reason == "release_nc"
    assert yard.unit(two).delivery is None


def test_what_was_put_into_a_carton_after_it_was_prepared_is_found(yard: Yard) -> None:
    one, two, _ = yard.made()
    carton = yard.full([one, two])
    number = str(yard.prepare(cartons=[carton]).args["delivery"])
    assert yard.do(packing.reopen, carton, why="one less").done
    assert yard.do(packing.take_out, carton, two, why="scratch").done
    yard.weigh(carton, 1.1)
    assert yard.shut(carton, partial=True).reason == "carton_done"
    answer = yard.do(deliveries.send, number)
    assert (answer.reason, answer.args) == ("delivery_changed", {"carton": carton})


def test_one_delivery_is_for_one_customer(yard: Yard) -> None:
    one, *_ = yard.made()
    yard.do(orders.create, "OF-2", "GEN", 1, customer="Other")
    (other,) = yard.made(1, order="OF-2", customer="")
    assert [a.reason for a in yard.against(units=[one, other])] == ["delivery_customer"]
    assert [a.reason for a in yard.against(units=[one], customer="Nobody")] == ["delivery_customer"]
    assert yard.against(units=[one], customer=CUSTOMER) == []


def test_a_cancelled_delivery_frees_its_goods_and_one_that_has_left_cannot_be_cancelled(yard: Yard) -> None:
    one, *_ = yard.made()
    first = str(yard.prepare(units=[one]).args["delivery"])
    assert yard.do(deliveries.cancel, first, why="truck is late").done
    assert yard.do(deliveries.send, first).reason == "delivery_cancelled"
    second = yard.sent(units=[one])
    assert yard.do(deliveries.cancel, second, why="oh").reason == "delivery_sent"
    assert yard.do(deliveries.cancel, "BL-2026-0099", why="oh").reason == "unknown_delivery"


def test_a_release_of_what_has_left_is_not_taken_back(yard: Yard) -> None:
    one, two, _ = yard.made()
    yard.sent(units=[one])
    who = yard.quality()
    answer = yard.do(releases.take_back, "LIB-2026-0001", actor=who, why="scratch")
    assert (answer.reason, answer.args["unit"]) == ("release_left", one)
    assert yard.do(releases.take_back, "LIB-2026-0001", actor=who, why="scratch", units=[two]).done


def test_counted_pieces_leave_up_to_what_is_released_and_no_piece_twice(yard: Yard) -> None:
    yard.order("KIT", 20, order="OF-9")
    product = packing_plan().product("KIT")
    assert product is not None
    for step in product.steps:
        station = step.stations[0]
        yard.tell(station, "WorkCompleted", order="OF-9", step=step.id, good=20, asks=True)
    who = yard.quality()
    assert yard.do(releases.release, "OF-9", 12, actor=who).done
    pieces = {"order": "OF-9", "quantity": 8}
    yard.sent(pieces=[pieces])
    found = yard.against(pieces=[pieces])
    assert [(a.reason, a.args["count"]) for a in found] == [("delivery_pieces", 4)]
    assert yard.do(releases.take_back, "LIB-2026-0001", actor=who, why="wrong").reason == "release_left"
    with reading(yard.engine) as session:
        assert deliveries.of_orders(session, ["OF-9"]).pieces == (wire.DeliveredPieces(order="OF-9", quantity=4),)


def test_all_that_may_leave_of_an_order_is_found_cartons_first(yard: Yard) -> None:
    one, two, three = yard.made()
    carton = yard.full([one, two])
    with reading(yard.engine) as session:
        wanted = deliveries.of_orders(session, [ORDER])
        assert (wanted.cartons, wanted.units, wanted.pieces) == ((carton,), (three,), ())
    yard.sent(cartons=[carton])
    with reading(yard.engine) as session:
        assert deliveries.of_orders(session, [ORDER]).cartons == ()


def test_a_release_by_carton_looks_at_every_unit_in_it(yard: Yard) -> None:
    one, two, three = yard.made(let_go=False)
    carton = yard.full([one, two])
    who = yard.quality()
    nc = yard.complain(two)
    with reading(yard.engine) as session:
        found = releases.check(session, ORDER, "carton", carton=carton)
        assert found is not None
        assert [(a.reason, a.args.get("nc")) for a in found.against] == [("release_nc", nc)]
    assert yard.do(releases.release, ORDER, 2, scope="carton", carton=carton, actor=who).reason == "release_nc"
    other = yard.full([three])
    assert yard.do(releases.release, ORDER, 1, scope="carton", carton=other, actor=who).done
    assert yard.against(cartons=[other]) == []
    (empty,) = yard.numbers()
    assert yard.do(releases.release, ORDER, 1, scope="carton", carton=empty, actor=who).reason == "carton_not_closed"


def test_the_units_of_a_sent_carton_are_in_it_until_they_come_back(yard: Yard) -> None:
    one, two, _ = yard.made()
    carton = yard.full([one, two])
    yard.sent(cartons=[carton])
    nc = yard.complain(one)
    who = yard.quality()
    yard.do(nonconformities.contain, nc, "shelf", labelled=True, actor=who)
    yard.do(nonconformities.analyse, nc, "loose wire", actor=who)
    yard.do(nonconformities.dispose, nc, [1], "rework", why="look again", step="look", actor=who)
    with reading(yard.engine) as session:
        rows = session.execute(select(Packed.unit).where(Packed.carton == carton, Packed.removed_at.is_(None)))
        assert [r.unit for r in rows] == [two]
        assert session.get_one(CartonRow, carton).state == "sent"


def test_the_command_line_says_every_reason_and_answers_as_json(yard: Yard, tmp_path: Path) -> None:
    serials = yard.made(let_go=False)
    at = ["--database", f"sqlite:///{tmp_path}/mes.db"]
    run = CliRunner().invoke
    asked = ["delivery", "prepare", *(x for s in serials for x in ("--unit", s)), "--json", *at]
    refused = run(main, asked)
    assert refused.exit_code == 1
    assert [r["reason"] for r in json.loads(refused.stdout)["against"]] == ["delivery_not_released"] * 3
    yard.let_go(ORDER)
    made = run(main, ["delivery", "prepare", "--order", ORDER, "--json", *at])
    number = json.loads(made.stdout)["delivery"]
    assert run(main, ["delivery", "send", number, "--carrier", "DPD 0042", *at]).exit_code == 0
    (row,) = json.loads(run(main, ["delivery", "list", "--json", *at]).stdout)
    assert (row["delivery"], row["state"], row["quantity"], row["carrier"]) == (number, "sent", 3, "DPD 0042")
    shown = json.loads(run(main, ["delivery", "show", number, "--json", *at]).stdout)
    assert [i["unit"] for i in shown["items"]] == serials
    assert run(main, ["delivery", "cancel", number, "--why", "oh", *at]).exit_code == 1
