"""Release: what stands against it, who may, what was taken back; the replay gives the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from mes import lots, orders, releases, sampling, wire
from mes import quality as decisions
from mes.commands_ledger import verify_engine
from mes.db.session import reading
from mes.db.tables import Installation
from mes.domain.orders import Against
from mes.fold_shipping import release_of
from mes.orders import Answer
from mes.world import World
from tests.server.worlds import Workshop, released_order

ORDER = "OF-2026-118"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """A workshop with an order of three; at the end the replay must agree."""
    made = Workshop(f"sqlite:///{tmp_path}/shop.db")
    released_order(made)
    yield made
    assert verify_engine(made.engine, tmp_path)[1] == []
    made.close()


def give(shop: Workshop, who: str, count: int, order: str = ORDER, **more: object) -> Answer:
    return shop.do(releases.release, order, count, actor=who, **more)


def against(shop: Workshop, order: str = ORDER, **more: object) -> list[Against]:
    with reading(shop.engine) as session:
        found = releases.check(session, order, **more)  # type: ignore[arg-type]
        assert found is not None
        return list(found.against)


def test_each_unit_that_has_not_finished_its_route_stands_against_releasing_the_order(shop: Workshop) -> None:
    first, *rest = shop.units(ORDER)
    shop.bring(first, None)
    found = against(shop)
    assert [(a.reason, a.args["unit"]) for a in found] == [("release_route", serial) for serial in rest]
    assert give(shop, shop.quality(), 3).reason == "release_route"


def test_what_is_finished_may_be_released_before_the_others_and_only_once(shop: Workshop) -> None:
    first = shop.units(ORDER)[0]
    shop.bring(first, None)
    who = shop.quality()
    assert give(shop, who, 1, scope="finished").args["release"] == "LIB-2026-0001"
    assert give(shop, who, 1, scope="finished").reason == "release_nothing"
    assert give(shop, who, 1, scope="units", units=[first]).reason == "release_already"


def test_a_unit_with_an_open_nonconformity_is_not_released_and_scrap_is_left_out(shop: Workshop) -> None:
    first, second, third = shop.units(ORDER)
    for serial in (first, second):
        shop.bring(serial, None)
    shop.bring(third, "safety", enter=True)
    nc = shop.fail(third)
    who = shop.quality()
    assert ("release_nc", nc) in [(a.reason, a.args.get("nc")) for a in against(shop)]
    assert shop.do(decisions.decide, nc, "scrap", why="burnt").done
    assert against(shop) == []
    assert give(shop, who, 2).done


def test_only_an_account_of_quality_releases(shop: Workshop) -> None:
    shop.bring(shop.units(ORDER)[0], None)
    for who in (shop.quality("supervisor", "planner", "admin"), "console", None):
        assert give(shop, who, 1, scope="finished").reason == "release_authority"  # type: ignore[arg-type]


def test_a_number_that_is_not_what_the_person_saw_releases_nothing(shop: Workshop) -> None:
    for serial in shop.units(ORDER)[:2]:
        shop.bring(serial, None)
    assert give(shop, shop.quality(), 1, scope="finished").reason == "release_count"


def test_a_held_component_lot_stands_against_the_units_that_contain_it(shop: Workshop) -> None:
    serial = shop.units(ORDER)[0]
    shop.bring(serial, None)
    with reading(shop.engine) as session:
        inside = select(Installation.part, Installation.lot).where(Installation.unit == serial, Installation.lot != "")
        part, lot = session.execute(inside).first()  # type: ignore[misc]
    assert shop.do(lots.hold, part, lot, why="recall").done
    found = against(shop, scope="units", units=[serial])
    assert [(a.reason, a.args["lot"]) for a in found] == [("release_lot", lot)]


def test_a_release_is_taken_back_whole_or_for_one_unit_and_can_be_given_again(shop: Workshop) -> None:
    serials = shop.units(ORDER)
    for serial in serials:
        shop.bring(serial, None)
    who = shop.quality()
    number = str(give(shop, who, 3).args["release"])
    assert shop.do(releases.take_back, number, actor=who, why="scratched", units=serials[:1]).args["count"] == 1
    assert shop.do(releases.take_back, number, actor=who, why="twice", units=serials[:1]).reason == "release_other"
    assert shop.do(releases.take_back, number, actor=who, why="all").args["count"] == 2
    assert shop.do(releases.take_back, number, actor=who, why="again").reason == "release_over"
    assert give(shop, who, 3).args["release"] == "LIB-2026-0002"


def test_an_order_is_not_closed_before_its_units_are_released(shop: Workshop) -> None:
    for serial in shop.units(ORDER):
        shop.bring(serial, None)
    who = shop.quality()
    refused = shop.do(orders.close, ORDER)
    assert (refused.reason, refused.args["count"]) == ("close_not_released", 3)
    assert give(shop, who, 3).done
    assert shop.do(orders.close, ORDER).done


def test_counted_pieces_are_released_by_number_and_never_more_than_are_good(shop: Workshop) -> None:
    released_order(shop, "KIT-B", 20, order="OF-2026-119")
    product = shop.plan.product("KIT-B")
    assert product is not None
    for step in product.steps:
        shop.count(step.stations[0], "OF-2026-119", step.id, 20)
    who = shop.quality()
    assert give(shop, who, 12, "OF-2026-119").reason == "sampling_missing", "the plan asks for a sample of each lot"
    lot = {"order": "OF-2026-119", "step": "count", "size": 20, "severity": "normal", "sample": 13, "found": 0}
    assert shop.do(sampling.inspect, wire.LotInspected.model_validate(lot)).done
    assert give(shop, who, 21, "OF-2026-119").reason == "release_too_many"
    assert give(shop, who, 12, "OF-2026-119").done
    assert give(shop, who, 9, "OF-2026-119").args["count"] == 8
    assert give(shop, who, 8, "OF-2026-119").done


def test_a_unit_that_goes_back_on_its_route_has_lost_its_release(shop: Workshop) -> None:
    for serial in shop.units(ORDER):
        shop.bring(serial, None)
    assert shop.let_go(ORDER).done
    with reading(shop.engine) as session:
        unit = World(session).units.get(serial)
        assert unit is not None
        held = World(session)
        assert release_of(held, unit) == "LIB-2026-0001"
        assert release_of(held, replace(unit, state="waiting", since="2026-11-24T08:00:00.000Z")) is None
        assert release_of(held, replace(unit, since="2026-11-24T08:00:00.000Z")) is None
