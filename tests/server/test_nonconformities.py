"""Nonconformities on the server: what is held, sent, counted and closed, and that the ledger says the same."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mes import floor as floor_of
from mes import lot_pages, lots, quality, wire
from mes import nonconformities as verbs
from mes.certificates import Received
from mes.commands_ledger import verify_engine
from mes.db.session import reading, writing
from mes.db.tables import Concession, Lot, NcItem, Nonconformity, Passage, StepOrder, UnitRow
from mes.orders import request
from tests.server.bench import OPERATOR, PERSON, Floor
from tests.server.small_plan import small_plan

ONE, TWO, THREE = (f"GEN-2648-{n:05}" for n in range(1, 4))
NC = "NC-2026-0001"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 20 + b"IEND\xaeB`\x82"


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    made = Floor(f"sqlite:///{tmp_path / 'atelier.db'}", small_plan(retests=0))
    made.order("GEN", 3)
    yield made
    _, findings = verify_engine(made.engine, tmp_path)
    assert findings == []
    made.close()


def to_test(floor: Floor, *units: str) -> None:
    b1, b2 = floor.bench("b1"), floor.bench("b2")
    for unit in units:
        floor.send(b1, b1.arrive(unit, "fit"), b1.fit(unit, "BAT", serial=unit[-5:]))
        floor.send(b1, b1.fit(unit, "FUSE", lot="7"), b1.fit(unit, "FUSE", lot="7"), b1.done(unit, "fit"))
        floor.send(b2, b2.arrive(unit, "test"))


def failed(floor: Floor, unit: str = ONE) -> None:
    to_test(floor, unit)
    b2 = floor.bench("b2")
    floor.send(b2, b2.test(unit, 9.0))


def row(floor: Floor, kind: Any, *key: Any) -> Any:
    with reading(floor.engine) as session:
        found = session.get_one(kind, key if len(key) > 1 else key[0])
        session.expunge(found)
        return found


def opened(floor: Floor, *items: wire.NcItem, **facts: Any) -> str:
    body = wire.NonconformityOpened(title="Scratched", facts=wire.NcFacts(**facts), items=items)
    answer = floor.do(verbs.open_nc, body)
    assert answer.done, answer
    return str(answer.args["nc"])


def unit(serial: str, **more: Any) -> wire.NcItem:
    return wire.NcItem(kind="unit", subject=serial, **more)


def decide(floor: Floor, nc: str, disposition: Any, *items: int, **more: Any) -> Any:
    return floor.do(verbs.dispose, nc, items or (1,), disposition, **more)


def test_a_unit_that_is_reported_is_held_at_every_bench_until_its_item_is_decided(floor: Floor) -> None:
    nc = opened(floor, unit(ONE), severity="major", requirement="No scratch on the cover")
    b1 = floor.bench("b1")
    (answer,) = floor.send(b1, b1.arrive(ONE, "fit"))
    assert (answer.verdict, answer.reason) == ("refused", "unit_held")
    assert decide(floor, nc, "scrap").done
    assert row(floor, UnitRow, ONE).state == "scrapped"
    assert row(floor, Nonconformity, nc).state == "decided"
    assert floor.do(verbs.close, nc).done


def test_rework_closes_only_on_a_new_passing_test(floor: Floor) -> None:
    failed(floor)
    assert decide(floor, NC, "rework", step="fit", actor="P-QUALITY").done
    assert floor.do(verbs.close, NC).reason == "nc_item_in_treatment"
    b1, b2 = floor.bench("b1"), floor.bench("b2")
    floor.send(b1, b1.arrive(ONE, "fit"), b1.done(ONE, "fit"))
    assert row(floor, Nonconformity, NC).state == "in_treatment"
    floor.send(b2, b2.arrive(ONE, "test"), b2.test(ONE, 3.0), b2.done(ONE, "test"))
    item = row(floor, NcItem, NC, 1)
    assert (item.state, item.decided_by, item.verified_at is not None) == ("settled", "P-QUALITY", True)
    assert row(floor, Nonconformity, NC).state == "closed"


def test_rework_that_fails_again_needs_a_new_decision_and_the_old_one_can_be_merged(floor: Floor) -> None:
    failed(floor)
    decide(floor, NC, "rework")
    b2 = floor.bench("b2")
    floor.send(b2, b2.arrive(ONE, "test"), b2.test(ONE, 9.0))
    assert row(floor, NcItem, NC, 1).state == "undecided"
    assert decide(floor, NC, "scrap").reason == "nc_held_by"
    assert floor.do(verbs.merge, NC, "NC-2026-0002").done
    first = row(floor, Nonconformity, NC)
    assert (first.state, first.merged_into) == ("closed", "NC-2026-0002")
    assert decide(floor, "NC-2026-0002", "scrap").done


def test_the_units_that_may_be_alike_are_proposed_and_held_by_one_request(floor: Floor) -> None:
    to_test(floor, TWO, THREE)
    failed(floor)
    with reading(floor.engine) as session:
        found = verbs.alike(session, NC)
    assert [(a.unit, a.why, a.what) for a in found] == [(TWO, "lot", "FUSE 7"), (THREE, "lot", "FUSE 7")]
    assert floor.do(verbs.extend, NC, [unit(a.unit, why=a.why) for a in found]).done
    assert row(floor, UnitRow, TWO).nc == NC
    with reading(floor.engine) as session:
        assert verbs.alike(session, NC) == []
    assert decide(floor, NC, "not_confirmed", 2, 3).done
    assert row(floor, UnitRow, TWO).nc is None
    assert row(floor, Nonconformity, NC).state == "open"


def test_who_found_it_at_the_own_bench_does_not_decide_alone(floor: Floor) -> None:
    failed(floor)
    assert OPERATOR
    assert decide(floor, NC, "scrap", actor=PERSON).reason == "nc_own_work"
    assert decide(floor, NC, "scrap", actor="P-QUALITY").done


def grant(floor: Floor, nc: str, count: int = 1, expires: str = "2026-12-31", **more: Any) -> Any:
    body = wire.ConcessionGranted(nc=nc, count=count, expires=expires, scope="scratch below 1 cm", **more)
    return floor.do(verbs.grant, body)


def test_a_concession_lets_a_unit_go_on_and_counts_down(floor: Floor) -> None:
    b2, b3 = floor.bench("b2"), floor.bench("b3")
    for each in (ONE, TWO):
        to_test(floor, each)
        floor.send(b2, b2.test(each, 3.0), b2.done(each, "test"))
        floor.send(b3, b3.arrive(each, "look"), b3.look(each, "SCR"))
    assert decide(floor, NC, "use_as_is").reason == "nc_needs_concession"
    granted = grant(floor, NC, product="GEN", step="look")
    co = granted.args["concession"]
    assert co == "CO-2026-0001"
    assert decide(floor, NC, "use_as_is", concession=co).done
    assert (row(floor, UnitRow, ONE).state, row(floor, Concession, co).remaining) == ("done", 0)
    assert (row(floor, Passage, ONE).result, row(floor, StepOrder, "OF-1", "look").finished) == ("done", 1)
    assert decide(floor, "NC-2026-0002", "use_as_is", concession=co).reason == "concession_used_up"
    assert row(floor, UnitRow, TWO).nc == "NC-2026-0002"


def test_a_concession_of_yesterday_is_not_granted_and_an_expired_one_not_used(floor: Floor) -> None:
    nc = opened(floor, wire.NcItem(kind="pieces", subject="OF-1", quantity=3))
    assert grant(floor, nc, expires="2026-11-22").reason == "concession_past"
    co = grant(floor, nc, count=5, expires="2026-11-23").args["concession"]
    floor.clock.tick(86_400)
    assert decide(floor, nc, "use_as_is", concession=co).reason == "concession_expired"


def conceded(floor: Floor, count: int = 1, expires: str = "2026-11-23") -> str:
    """The first unit has failed its test, and is to go on under a concession."""
    failed(floor)
    co = grant(floor, NC, count=count, expires=expires).args["concession"]
    assert decide(floor, NC, "use_as_is", concession=co).done
    return str(co)


def test_a_unit_takes_its_concession_when_the_gate_lets_it_on_and_only_once(floor: Floor) -> None:
    co = conceded(floor)
    assert (row(floor, UnitRow, ONE).permit, row(floor, Concession, co).remaining) == (co, 1)
    to_test(floor, TWO)
    b2, b3 = floor.bench("b2"), floor.bench("b3")
    floor.send(b2, *(b2.test(TWO, 9.0) for _ in range(3)))
    answer = decide(floor, row(floor, UnitRow, TWO).nc or "", "use_as_is", concession=co)
    assert answer.reason == "concession_used_up", "the one piece is promised to the first unit"
    with reading(floor.engine) as session:
        told = floor_of.changes(session, 0, "b3")
    assert [(p.id, p.until, p.left) for p in told.permits or ()] == [(co, "2026-11-23", 1)]
    assert [u.permit for u in told.units if u.serial == ONE] == [co]
    assert floor.send(b3, b3.arrive(ONE, "look"))[0].reason == "unit_arrived"
    assert (row(floor, UnitRow, ONE).permit, row(floor, Concession, co).remaining) == (None, 0)
    floor.send(b3, b3.event("UnitsDeparted", unit=ONE, step="look", reason="undo"))
    floor.clock.tick(86_400)
    (answer,) = floor.send(b3, b3.arrive(ONE, "look"))
    assert (answer.reason, row(floor, Concession, co).remaining) == ("unit_arrived", 0)


def test_a_unit_is_refused_after_the_last_day_of_its_concession_and_a_new_one_lets_it_on(floor: Floor) -> None:
    old = conceded(floor)
    floor.clock.tick(86_400)
    b3 = floor.bench("b3")
    (answer,) = floor.send(b3, b3.arrive(ONE, "look"))
    assert (answer.verdict, answer.reason, answer.args["concession"]) == ("refused", "permit_expired", old)
    (answer,) = floor.send(b3, b3.event("UnitsArrived", unit=ONE, step="look", asks=False))
    assert (answer.verdict, answer.args["why"]) == ("held", "permit_expired")
    nc = row(floor, UnitRow, ONE).nc or ""
    new = grant(floor, nc, expires="2026-11-25").args["concession"]
    assert decide(floor, nc, "use_as_is", concession=new).done
    assert floor.send(b3, b3.arrive(ONE, "look"))[0].reason == "unit_arrived"
    assert [row(floor, Concession, co).remaining for co in (old, new)] == [1, 0]


def test_pieces_of_a_lot_may_use_up_what_was_promised_to_a_unit(floor: Floor) -> None:
    co = conceded(floor)
    lot = opened(floor, wire.NcItem(kind="lot", part="FUSE", subject="9", quantity=5))
    assert decide(floor, lot, "use_as_is", concession=co).done
    b1, b3 = floor.bench("b1"), floor.bench("b3")
    floor.send(b1, b1.arrive(TWO, "fit"), b1.fit(TWO, "BAT", serial="00002"), b1.fit(TWO, "FUSE", lot="9"))
    assert floor.send(b3, b3.arrive(ONE, "look"))[0].reason == "permit_used_up"
    assert decide(floor, opened(floor, unit(ONE)), "rework").done
    assert row(floor, UnitRow, ONE).permit is None, "it is to pass the test after all"


def test_a_safety_test_that_no_later_step_names_is_not_conceded_either(tmp_path: Path) -> None:
    plan = small_plan(retests=0)
    (gen, *rest) = plan.products
    fit, test, look = gen.steps
    safety = test.model_copy(update={"tests": (test.tests[0].model_copy(update={"instrument": "safety-tester"}),)})
    plan = plan.model_copy(update={"products": (gen.model_copy(update={"steps": (fit, safety, look)}), *rest)})
    floor = Floor(f"sqlite:///{tmp_path / 'safety.db'}", plan)
    floor.order("GEN", 1)
    failed(floor)
    co = grant(floor, NC, product="GEN", step="test").args["concession"]
    assert decide(floor, NC, "use_as_is", concession=co).reason == "nc_safety"
    assert row(floor, Concession, co).remaining == 1
    assert row(floor, UnitRow, ONE).nc == NC
    floor.close()


def test_a_lot_under_a_concession_is_refused_at_the_bench_after_its_last_day(floor: Floor) -> None:
    nc = opened(floor, wire.NcItem(kind="lot", part="FUSE", subject="9", quantity=2))
    co = grant(floor, nc, count=2, expires="2026-11-23").args["concession"]
    assert decide(floor, nc, "use_as_is", concession=co).done
    assert row(floor, Lot, "FUSE", "9").expires == "2026-11-23"
    b1 = floor.bench("b1")
    floor.send(b1, b1.arrive(ONE, "fit"), b1.fit(ONE, "BAT", serial="00001"))
    (answer,) = floor.send(b1, b1.fit(ONE, "FUSE", lot="9"))
    assert answer.verdict == "accepted"
    floor.clock.tick(86_400)
    (answer,) = floor.send(b1, b1.fit(ONE, "FUSE", lot="9"))
    assert (answer.verdict, answer.reason) == ("refused", "lot_expired")


def test_each_piece_of_a_lot_under_a_concession_counts_until_none_is_left(floor: Floor) -> None:
    nc = opened(floor, wire.NcItem(kind="lot", part="FUSE", subject="9", quantity=500))
    co = grant(floor, nc, count=3, expires="2026-11-30").args["concession"]
    assert decide(floor, nc, "use_as_is", concession=co).done
    left = [row(floor, Concession, co).remaining]
    b1 = floor.bench("b1")

    def fit(unit: str, *, asks: bool = True) -> tuple[Any, Any]:
        (answer,) = floor.send(b1, b1.fit(unit, "FUSE", lot="9", asks=asks))
        left.append(row(floor, Concession, co).remaining)
        return answer.verdict, answer.reason

    floor.send(b1, b1.arrive(ONE, "fit"), b1.fit(ONE, "BAT", serial="00001"))
    assert fit(ONE) == fit(ONE) == ("accepted", "component_fitted")
    floor.send(b1, b1.done(ONE, "fit"), b1.arrive(TWO, "fit"), b1.fit(TWO, "BAT", serial="00002"))
    first = b1.fit(TWO, "FUSE", lot="9")
    floor.send(b1, first)
    assert fit(TWO) == ("refused", "lot_used_up")
    assert left == [3, 2, 1, 0]
    out = b1.event("MaterialsUninstalled", unit=TWO, step="fit", installation=first.event_id)
    assert floor.send(b1, out)[0].reason == "component_removed"  # given back, and used again
    assert row(floor, Concession, co).remaining == 1
    assert fit(TWO) == ("accepted", "component_fitted")
    with reading(floor.engine) as session:
        stock = lot_pages.one(session, "FUSE", "9", "2026-11-23")
        assert stock is not None
        assert (stock.shown, stock.used) == ("used_up", 3)
        assert [s.row.lot for s in lot_pages.listed(session, "2026-11-23", show="used_up").rows] == ["9"]
        assert not lot_pages.listed(session, "2026-11-23", show="free").rows
    assert fit(TWO, asks=False)[0] == "held"  # a fact of a bench without network: it went in all the same
    unit_now = row(floor, UnitRow, TWO)
    assert (unit_now.nc, row(floor, Concession, co).remaining) == ("NC-2026-0002", 0)


def test_a_receipt_with_a_later_day_does_not_lengthen_a_concession(floor: Floor) -> None:
    nc = opened(floor, wire.NcItem(kind="lot", part="FUSE", subject="9", quantity=2))
    co = grant(floor, nc, count=9, expires="2026-11-23").args["concession"]
    assert decide(floor, nc, "use_as_is", concession=co).done
    day = date(2026, 11, 23)
    assert floor.do(lots.receive, "FUSE", "9", 100, received=day, expires=date(2028, 1, 1)).done
    floor.clock.tick(86_400)
    b1 = floor.bench("b1")
    *_, answer = floor.send(b1, b1.arrive(ONE, "fit"), b1.fit(ONE, "FUSE", lot="9"))
    assert (answer.verdict, answer.reason) == ("refused", "lot_expired")


def test_a_ledger_of_before_takes_the_whole_lot_from_its_concession_with_the_decision(floor: Floor) -> None:
    nc = opened(floor, wire.NcItem(kind="lot", part="FUSE", subject="9", quantity=2))
    co = grant(floor, nc, count=2).args["concession"]
    old = wire.NonconformityDisposed(nc=nc, items=(1,), disposition="use_as_is", concession=co)
    assert floor.do(request, "NonconformityDisposed", old, actor=None).done
    assert (row(floor, Concession, co).remaining, row(floor, Lot, "FUSE", "9").concession) == (0, None)
    b1 = floor.bench("b1")
    *_, answer = floor.send(b1, b1.arrive(ONE, "fit"), b1.fit(ONE, "FUSE", lot="9"))
    assert answer.verdict == "accepted"


def test_a_component_lot_is_held_and_goes_back_to_its_supplier(floor: Floor) -> None:
    nc = opened(floor, wire.NcItem(kind="lot", part="FUSE", subject="8", quantity=100), supplier="Fuses Ltd")
    assert row(floor, Lot, "FUSE", "8").state == "held"
    assert decide(floor, nc, "return").done
    assert row(floor, Nonconformity, nc).state == "in_treatment"
    assert floor.do(verbs.treat, nc, 1, note="sent").done
    assert floor.do(verbs.close, nc).done
    assert row(floor, Lot, "FUSE", "8").state == "held"


def test_one_that_was_opened_by_mistake_lets_go_what_it_holds(floor: Floor) -> None:
    nc = opened(floor, unit(ONE))
    assert floor.do(verbs.cancel, nc, why="").reason == "nc_why"
    assert floor.do(verbs.cancel, nc, why="the wrong unit").done
    assert (row(floor, UnitRow, ONE).nc, row(floor, UnitRow, ONE).state) == (None, "reserved")


def test_facts_remarks_and_files_stay_with_it(floor: Floor) -> None:
    nc = opened(floor, wire.NcItem(kind="complaint", subject="RMA 12"), customer="NOMAD")
    assert floor.do(verbs.amend, nc, wire.NcFacts(customer_informed="2026-11-23", cost_work=12_50)).done
    assert floor.do(verbs.contain, nc, "red shelf 2", labelled=True).done
    assert floor.do(verbs.analyse, nc, "packed without foam").done
    assert floor.do(verbs.remark, nc, text="see picture", received=Received("a/b.png", PNG)).done
    assert floor.do(verbs.remark, nc, received=Received("x.png", b"<script>")).reason == "certificate_form"
    assert floor.do(verbs.remark, nc).reason == "nc_says_nothing"
    found = row(floor, Nonconformity, nc)
    assert (found.customer, found.customer_informed, found.cost_work) == ("NOMAD", "2026-11-23", 1250)
    assert (found.place, found.labelled, found.state, found.remarks) == ("red shelf 2", True, "analysed", 1)
    with reading(floor.engine) as session:
        kinds = [e.kind.removeprefix("Nonconformity") for e in verbs.history(session, nc)]
    assert kinds == ["Opened", "Amended", "Contained", "Analysed", "Remarked"]


def test_numbers_are_gapless_and_a_concession_stays_above_zero_when_many_ask_at_once(database_url: str) -> None:
    floor = Floor(database_url, small_plan())
    floor.order("KIT", 100)
    first = opened(floor, *(wire.NcItem(kind="pieces", subject="OF-1") for _ in range(12)))
    co = grant(floor, first, count=5).args["concession"]
    at = floor.clock.tick()

    def ask(n: int) -> bool:
        with writing(floor.engine) as session:
            done = verbs.dispose(session, first, [n], "use_as_is", concession=co, now=at).done
        with writing(floor.engine) as session:
            item = wire.NcItem(kind="process", subject="soldering")
            body = wire.NonconformityOpened(title=f"{n}", items=(item,))
            assert verbs.open_nc(session, body, now=at).done
        return done

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(ask, range(1, 13)))
    with reading(floor.engine) as session:
        assert sum(done) == 5
        assert session.get_one(Concession, co).remaining == 0
        numbers = session.scalars(select(Nonconformity.id).order_by(Nonconformity.id)).all()
    assert numbers == [f"NC-2026-{n:04}" for n in range(1, 14)]
    floor.close()


def test_the_short_decision_of_one_unit_is_what_it_always_was(floor: Floor) -> None:
    failed(floor)
    assert floor.do(quality.decide, NC, "scrap", why="burnt").done
    assert (row(floor, Nonconformity, NC).state, row(floor, NcItem, NC, 1).state) == ("closed", "settled")
    assert floor.do(quality.decide, NC, "rework").reason == "nc_state"
