"""Acceptance sampling of lots: judged by the plan, held in the same transaction, and what it means for the release."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from mes import nonconformities, orders, releases, sampling, wire
from mes.audit_tables import TABLES, Period
from mes.cli import main
from mes.commands_office import publish_plan
from mes.db.session import reading, writing
from mes.db.tables import LotInspection, NcItem, Nonconformity, UnitRow
from mes.domain.orders import Against
from mes.domain.route import Plan, Sampling
from mes.fold_sampling import Offer
from mes.orders import Answer
from tests.server.test_packing import PackingFloor, packing_plan

NC = "NC-2026-0001"


def sampled_plan(aql: float = 1.0) -> Plan:
    """Generators are sampled after the look, kits after the bag."""
    plan = packing_plan()
    asked = {"look": Sampling(aql=2.5, level="S-4"), "bag": Sampling(aql=aql, reduced=True)}
    products = tuple(
        p.model_copy(update={"steps": tuple(s.model_copy(update={"sampling": asked.get(s.id)}) for s in p.steps)})
        for p in plan.products
    )
    return plan.model_copy(update={"products": products})


class SamplingFloor(PackingFloor):
    """A floor where lots are sampled."""

    def offered(self, order: str, **stated: Any) -> Offer | Against:
        step = "bag" if order.startswith("KIT") else "look"
        with reading(self.engine) as session:
            return sampling.offer(session, wire.LotStated(order=order, step=step, **stated))

    def lot(self, order: str, found: int = 0, units: tuple[str, ...] = (), *, place: str = "", **stated: Any) -> Answer:
        """Inspect what is offered."""
        offer = self.offered(order, **stated)
        assert isinstance(offer, Offer), offer
        body = wire.LotInspected(
            order=order, step=offer.step.id, size=offer.count, severity=offer.severity, sample=offer.plan.size,
            found=found, units=units, place=place, **stated,
        )  # fmt: skip
        return self.do(sampling.inspect, body)

    def counted(self, order: str, good: int) -> None:
        for station, step in (("p1", "bag"), ("p2", "box")):
            told = self.tell(station, "WorkCompleted", order=order, step=step, good=good, scrap=[], asks=True)
            assert told.verdict == "accepted", told

    def kits(self, quantity: int, order: str = "KIT-1") -> None:
        self.order("KIT", quantity, order=order)
        self.counted(order, quantity)

    def against(self, order: str, *more: Any, **options: Any) -> list[str]:
        with reading(self.engine) as session:
            found = releases.check(session, order, *more, **options)
            assert found is not None
            return [a.reason for a in found.against]

    def rows(self) -> list[LotInspection]:
        with reading(self.engine) as session:
            found = list(session.scalars(select(LotInspection).order_by(LotInspection.id)))
            session.expunge_all()
            return found

    def severity(self) -> str:
        offer = self.offered("KIT-1", quantity=1)
        return offer.severity if isinstance(offer, Offer) else offer.reason


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[SamplingFloor]:
    made = SamplingFloor(f"sqlite:///{tmp_path}/mes.db", sampled_plan(), twice=False)
    yield made
    made.agrees()
    made.close()


def test_counted_pieces_leave_only_from_accepted_lots(floor: SamplingFloor) -> None:
    floor.kits(500)
    assert floor.against("KIT-1") == ["sampling_missing"]
    offer = floor.offered("KIT-1")
    assert isinstance(offer, Offer)
    assert (offer.count, offer.plan.letter, offer.plan.size, offer.plan.accept) == (500, "H", 50, 1)
    assert floor.lot("KIT-1", quantity=300).args["state"] == "accepted"
    who = floor.quality()
    assert floor.do(releases.release, "KIT-1", 301, actor=who).reason == "sampling_missing"
    with reading(floor.engine) as session:
        part = releases.check(session, "KIT-1", "finished")
    assert part is not None
    assert (part.count, list(part.against)) == (300, [])
    assert floor.do(releases.release, "KIT-1", 300, actor=who, scope="finished").done
    more = floor.offered("KIT-1", quantity=201)
    assert isinstance(more, Against)
    assert (more.reason, more.args["count"]) == ("sampling_too_many", 200)
    assert floor.lot("KIT-1", 1).args.get("nc") == NC, "accepted, and what was found bad is held all the same"
    assert floor.against("KIT-1") == ["release_nc"]
    assert floor.against("KIT-1", "order", quantity=201) == ["release_nc", "release_too_many", "sampling_missing"]


def test_a_lot_that_is_not_accepted_is_held_treated_and_shown_again(floor: SamplingFloor) -> None:
    floor.kits(100)
    answer = floor.lot("KIT-1", 3, place="Red rack")
    assert answer.args == {"order": "KIT-1", "inspection": "LI-2026-0001", "state": "rejected", "nc": NC}
    with reading(floor.engine) as session:
        nc = session.get_one(Nonconformity, NC)
        assert (nc.state, nc.cause, nc.place, nc.product, nc.step) == ("contained", "sample", "Red rack", "KIT", "bag")
        (item,) = session.scalars(select(NcItem))
        assert (item.kind, item.subject, item.quantity) == ("pieces", "KIT-1", 100)
    assert floor.against("KIT-1") == ["release_nc", "sampling_rejected"]
    again = floor.offered("KIT-1", again="LI-2026-0001")
    assert isinstance(again, Against)
    assert (again.reason, again.args["nc"]) == ("sampling_untreated", NC)
    floor.do(nonconformities.dispose, NC, [1], "sort", why="all of them")
    assert floor.offered("KIT-1", again="LI-2026-0001") == again
    floor.do(nonconformities.treat, NC, 1)
    floor.do(nonconformities.close, NC, why="sorted")
    assert floor.against("KIT-1") == ["sampling_rejected"], "treated, and not shown again"
    assert floor.lot("KIT-1", again="LI-2026-0001").args["state"] == "accepted"
    assert floor.against("KIT-1") == []
    first, second = floor.rows()
    assert (first.state, second.state, second.again) == ("again", "accepted", first.id)
    assert first.score_after == second.score_after, "a lot that is shown again does not count in the series"
    assert floor.do(sampling.inspect, body_of(second, again=first.id)).reason == "sampling_not_again"
    (table,) = (t for t in TABLES if t.name == "6-releases/inspections.csv")
    with reading(floor.engine) as session:
        days = list(table.rows(session, Period.of("2026-11-23", "2026-11-23", "Europe/Paris")))
    assert [(r[0], r[7], r[13]) for r in days] == [(first.id, 1.0, "again"), (second.id, 1.0, "accepted")]
    assert {len(r) for r in days} == {len(table.head)}


def test_pieces_that_a_lot_has_made_scrap_are_in_no_lot_are_not_released_and_let_the_order_close(
    floor: SamplingFloor,
) -> None:
    floor.kits(200)
    assert floor.lot("KIT-1", 1, quantity=100).args["state"] == "rejected"
    floor.do(nonconformities.dispose, NC, [1], "sort", why="all of them")
    floor.do(nonconformities.treat, NC, 1, bad=7)
    floor.do(nonconformities.dispose, NC, [2], "scrap", why="bent")
    floor.do(nonconformities.close, NC)
    more = floor.offered("KIT-1", again="LI-2026-0001", quantity=94)
    assert isinstance(more, Against)
    assert (more.reason, more.args["count"]) == ("sampling_too_many", 93)
    assert floor.lot("KIT-1", again="LI-2026-0001", quantity=90).args["state"] == "accepted"
    rest = floor.offered("KIT-1")
    assert isinstance(rest, Offer)
    assert rest.count == 103, "three of the lot were not shown again, seven are scrap"
    floor.lot("KIT-1")
    assert floor.against("KIT-1") == []
    assert floor.let_go("KIT-1").args["count"] == 193
    assert [a.reason for a in against_closing(floor, "KIT-1")] == ["close_missing"]
    floor.kits(50, "KIT-2")
    floor.lot("KIT-2", 1)
    floor.do(nonconformities.dispose, "NC-2026-0002", [1], "scrap", why="bent")
    floor.do(nonconformities.close, "NC-2026-0002")
    with reading(floor.engine) as session:
        found = sampling.of_order(session, "KIT-2")
    assert found is not None
    assert (found[1][0].ready, list(found[1][0].again)) == (0, []), "nothing is left of it"
    assert floor.against("KIT-2") == ["release_nothing"]


def against_closing(floor: SamplingFloor, order: str) -> list[Against]:
    with reading(floor.engine) as session:
        return orders.against_closing(session, order)


def body_of(row: LotInspection, **more: Any) -> wire.LotInspected:
    return wire.LotInspected(
        order=row.order, step=row.step, size=row.quantity, severity=row.severity, sample=row.sample, found=0, **more
    )  # type: ignore[arg-type]


def test_units_of_a_lot_that_is_not_accepted_are_held_and_come_back_by_their_route(floor: SamplingFloor) -> None:
    serials = floor.finished(4)
    assert floor.against("OF-1") == ["sampling_missing"]
    assert floor.lot("OF-1", 1).reason == "sampling_name_units"
    assert floor.lot("OF-1", 1, ("GEN-X",)).reason == "sampling_other_unit"
    bad = serials[2]
    assert floor.lot("OF-1", 1, (bad,)).args["state"] == "rejected"
    with reading(floor.engine) as session:
        held = session.execute(select(NcItem.subject, NcItem.precaution).order_by(NcItem.item)).all()
        assert [tuple(h) for h in held] == [(bad, False), *((s, True) for s in serials if s != bad)]
        assert set(session.scalars(select(UnitRow.nc))) == {NC}
    assert set(floor.against("OF-1")) == {"release_nc", "sampling_rejected"}
    floor.do(nonconformities.dispose, NC, [1], "rework", step="look")
    floor.do(nonconformities.dispose, NC, [2, 3], "not_confirmed")
    floor.do(nonconformities.dispose, NC, [4], "scrap")
    again = floor.offered("OF-1", again="LI-2026-0001")
    assert isinstance(again, Against)
    bench = floor.bench("b3")
    floor.send(bench, bench.arrive(bad, "look"), bench.look(bad), bench.done(bad, "look"))
    again = floor.offered("OF-1", again="LI-2026-0001")
    assert isinstance(again, Offer)
    assert again.units == serials[:3]
    assert floor.lot("OF-1", again="LI-2026-0001").args["state"] == "accepted"
    assert floor.against("OF-1") == []
    assert floor.let_go().args["count"] == 3


def test_some_units_by_their_number_or_the_units_of_closed_cartons(floor: SamplingFloor) -> None:
    serials = floor.finished(6)
    assert floor.lot("OF-1", quantity=2).done
    assert floor.against("OF-1", "units", serials[:2]) == []
    assert floor.against("OF-1", "units", serials[1:3]) == ["sampling_missing"]
    with reading(floor.engine) as session:
        found = releases.check(session, "OF-1", "finished")
    assert found is not None
    assert found.count == 2
    carton, mixed = floor.full(serials[2:4]), floor.full([serials[1], serials[4]])
    taken = floor.offered("OF-1", cartons=(mixed,))
    assert isinstance(taken, Against)
    assert (taken.reason, taken.args["unit"]) == ("sampling_unit_taken", serials[1])
    assert floor.lot("OF-1", cartons=(carton,)).done
    assert floor.against("OF-1", "carton", carton=carton) == []
    assert floor.against("OF-1", "carton", carton=mixed) == ["sampling_missing"]
    (empty,) = floor.numbers()
    unknown = floor.offered("OF-1", cartons=(empty,))
    assert isinstance(unknown, Against)
    assert unknown.reason == "carton_not_closed"


def test_severity_follows_the_lots_stops_and_goes_on_by_a_decision(floor: SamplingFloor) -> None:
    floor.kits(100_000)
    lot = {"quantity": 100}
    assert [floor.lot("KIT-1", n, **lot).args["state"] for n in (0, 1, 1)] == ["accepted", "rejected", "rejected"]
    assert floor.severity() == "tightened"
    for _ in range(4):
        floor.lot("KIT-1", **lot)
    assert floor.severity() == "tightened"
    floor.lot("KIT-1", **lot)
    assert floor.severity() == "normal", "five accepted in a row"
    for _ in range(15):
        floor.lot("KIT-1", **lot)
    assert floor.severity() == "reduced", "score 30"
    assert floor.do(sampling.decide, "KIT", "bag", "resume", "x").reason == "sampling_not_stopped"
    assert floor.do(sampling.decide, "KIT", "bag", "normal", "New supplier").done
    assert floor.severity() == "normal"
    assert floor.do(sampling.decide, "KIT", "bag", "normal", "x").reason == "sampling_not_reduced"
    for _ in range(7):
        floor.lot("KIT-1", 9, **lot)
    assert floor.severity() == "sampling_stopped"
    assert floor.rows()[-1].severity_after == "stopped"
    assert floor.do(sampling.inspect, body_of(floor.rows()[-1])).reason == "sampling_stopped"
    assert floor.do(sampling.decide, "KIT", "bag", "resume", "Feeder repaired").done
    assert floor.severity() == "tightened"
    assert floor.do(sampling.decide, "GEN", "bag", "resume", "x").reason == "sampling_no_series"
    with reading(floor.engine) as session:
        row = sampling.one_series(session, "KIT", "bag")
        assert row is not None
        assert [d["decision"] for d in json.loads(row.decisions)] == ["normal", "resume"]


def test_the_person_judges_by_the_plan_that_was_shown_and_another_aql_looks_back_anew(floor: SamplingFloor) -> None:
    floor.kits(1_000)
    floor.lot("KIT-1", quantity=100)
    seen = floor.rows()[0]
    assert floor.do(sampling.inspect, body_of(seen)).reason == "sampling_changed", "900 wait, and 100 were seen"
    tightened = body_of(seen, quantity=100).model_copy(update={"severity": "tightened"})
    assert floor.do(sampling.inspect, tightened).reason == "sampling_changed"
    many = body_of(seen, quantity=100).model_copy(update={"found": 99})
    assert floor.do(sampling.inspect, many).reason == "sampling_found_more"
    for _ in range(2):
        floor.lot("KIT-1", 5, quantity=100)
    with writing(floor.engine) as session:
        assert publish_plan(session, sampled_plan(aql=4.0), now=floor.clock.tick()).done
    floor.kits(500, "KIT-2")
    offer = floor.offered("KIT-2")
    assert isinstance(offer, Offer)
    assert (offer.severity, offer.series.recent) == ("tightened", ())
    old = floor.offered("KIT-1", quantity=100)
    assert isinstance(old, Offer), "an order keeps the plan that it was released with"
    assert old.step.sampling is not None
    assert old.step.sampling.aql == 1.0


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ({"order": "OF-9", "step": "look"}, "unknown_order"),
        ({"order": "OF-1", "step": "look"}, "order_not_released"),
        ({"order": "KIT-1", "step": "box"}, "sampling_not_asked"),
        ({"order": "KIT-1", "step": "bag"}, "sampling_nothing"),
        ({"order": "KIT-1", "step": "bag", "again": "LI-2026-0009"}, "sampling_not_again"),
        ({"order": "KIT-1", "step": "bag", "cartons": ("395212340000000017",)}, "unknown_carton"),
    ],
)
def test_what_cannot_be_a_lot_is_said(floor: SamplingFloor, stated: dict[str, Any], reason: str) -> None:
    floor.order("GEN", 1, release=False)
    floor.order("KIT", 10, order="KIT-1")
    with reading(floor.engine) as session:
        found = sampling.offer(session, wire.LotStated(**stated))
    assert isinstance(found, Against)
    assert found.reason == reason
    assert "{" not in Answer(False, found.reason, found.args).say("fr")


def test_the_commands_print_a_plan_and_list_the_inspections(floor: SamplingFloor, tmp_path: Path) -> None:
    def run(*args: str) -> str:
        return CliRunner().invoke(main, ["sampling", *args], catch_exceptions=False).output

    assert "J" in run("plan", "--lot", "500", "--aql", "1.0", "--level", "III")
    said = json.loads(run("plan", "--lot", "500", "--aql", "1", "--level", "II", "--state", "tightened", "--json"))
    assert said == {
        "lot": 500, "level": "II", "aql": "1.0", "state": "tightened", "letter": "J", "sample": 80, "accept": 1,
        "reject": 2, "everything": False,
    }  # fmt: skip
    assert "0.65" in run("plan", "--lot", "500", "--aql", "0.7")
    floor.kits(100)
    floor.lot("KIT-1", 2)
    database = ["--database", f"sqlite:///{tmp_path}/mes.db"]
    assert "LI-2026-0001" in run("list", *database)
    (row,) = json.loads(run("list", "--json", *database))
    assert (row["letter"], row["sample"], row["found"], row["state"], row["nc"]) == ("E", 13, 2, "rejected", NC)
    assert json.loads(run("list", "--order", "OF-1", "--json", *database)) == []
    for kind in ("csv", "xlsx"):
        run("list", "--format", kind, "--output", str(tmp_path / f"lots.{kind}"), *database)
    lines = list(csv.reader((tmp_path / "lots.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert lines[0][0] == "Inspection"
    assert lines[1][0] == "LI-2026-0001"
    assert (tmp_path / "lots.xlsx").read_bytes()[:2] == b"PK"
