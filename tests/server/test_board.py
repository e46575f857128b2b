"""What the board says of a floor on which real events have happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from mes import nonconformities, orders, quality, wire
from mes.board import OFFLINE_AFTER, Board, OrderProgress, Tile, snapshot
from mes.db.session import reading
from mes.domain.reasons import sentence
from mes.ledger import last_position
from tests.server.busy_shop import busy_morning
from tests.server.worlds import Workshop, released_order, wide_plan

PARIS = ZoneInfo("Europe/Paris")
MORNING = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


@pytest.fixture
def shop(database_url: str) -> Iterator[Workshop]:
    """A workshop with its plan and no order yet, at eight in the morning in Brittany."""
    made = Workshop(database_url, start=MORNING)
    yield made
    made.close()


def board(shop: Workshop, *, after_s: float = 0, seen: dict[str, datetime] | None = None) -> Board:
    now = shop.clock.now + timedelta(seconds=after_s)
    with reading(shop.engine) as session:
        return snapshot(session, shop.plan, now=now, seen=seen or {}, tz=PARIS)


def tile(shop: Workshop, station: str, **more: Any) -> Tile:
    found = board(shop, **more).tile(station)
    assert found is not None
    return found


def order(shop: Workshop, name: str = "OF-2026-118") -> OrderProgress:
    return next(o for o in board(shop).orders if o.id == name)


# --- beginnings -------------------------------------------------------------------------------------------------------


def test_without_a_plan_the_board_says_so_and_nothing_else(shop: Workshop) -> None:
    with reading(shop.engine) as session:
        empty = snapshot(session, None, now=MORNING, seen={}, tz=PARIS)
    assert (empty.planned, empty.lines, empty.orders) == (False, (), ())


def test_the_lines_and_their_stations_stand_in_the_order_of_the_flow(shop: Workshop) -> None:
    found = board(shop)
    assert [line.id for line in found.lines] == ["nomad", "pack"]
    assert [t.station for t in found.lines[0].tiles] == [f"bench-{i}" for i in range(1, 9)]
    assert {t.word for t in found.tiles} == {"free"}


def test_the_board_carries_the_position_of_the_ledger_that_it_shows(shop: Workshop) -> None:
    with reading(shop.engine) as session:
        here = last_position(session)
    assert board(shop).cursor == here
    shop.sign_in("bench-1")
    assert board(shop).cursor == here + 1


def test_the_shift_that_works_now_is_named_and_none_at_night(shop: Workshop) -> None:
    shift = board(shop).shift
    assert shift is not None
    assert shift.id == "morning"
    assert board(shop, after_s=15 * 3600).shift is None


# --- a tile -----------------------------------------------------------------------------------------------------------


def test_a_unit_on_a_bench_is_in_work_since_it_arrived(shop: Workshop) -> None:
    serial, *_ = released_order(shop)
    shop.sign_in("bench-1")
    shop.enter(serial)
    arrived = shop.clock.now
    found = tile(shop, "bench-1", after_s=300)
    assert (found.state, found.word, found.unit) == ("go", "in_work", serial)
    assert found.since is not None
    assert abs(datetime.fromisoformat(found.since) - arrived) < timedelta(seconds=5)


def test_what_waits_before_a_station_is_counted_there_and_what_is_not_begun_at_the_first(shop: Workshop) -> None:
    serials = released_order(shop, quantity=5)
    shop.sign_in("bench-1")
    for serial in serials[:2]:
        shop.bring(serial, "battery", enter=False)
    assert (tile(shop, "bench-1").waiting, tile(shop, "bench-1").to_start) == (0, 3)
    assert (tile(shop, "bench-2").waiting, tile(shop, "bench-2").to_start) == (2, 0)


def test_a_held_unit_waits_before_no_station(shop: Workshop) -> None:
    serial, *_ = released_order(shop)
    shop.sign_in("bench-4")
    shop.bring(serial, "safety")
    shop.fail(serial)
    assert tile(shop, "bench-4").waiting == 0


def test_units_of_an_order_on_hold_do_not_wait(shop: Workshop) -> None:
    released_order(shop, quantity=5)
    shop.do(orders.hold, "OF-2026-118", why="cable")
    assert tile(shop, "bench-1").to_start == 0


def test_a_failed_test_stops_the_tile_with_its_sentence_and_its_nonconformity(shop: Workshop) -> None:
    serial, *_ = released_order(shop)
    shop.sign_in("bench-4")
    shop.bring(serial, "safety")
    nc = shop.fail(serial)
    found = tile(shop, "bench-4")
    assert (found.state, found.unit, found.nc) == ("stop", serial, nc)
    assert sentence(found.reason, found.args, "en")[0] == "Test failed: Insulation, 500 V. The unit is blocked."


def test_the_stop_stands_while_it_is_contained_and_understood_but_not_decided(shop: Workshop) -> None:
    serial = released_order(shop, order="OF-2026-118")[0]
    shop.bring(serial, "safety")
    nc = shop.fail(serial)
    shop.do(nonconformities.contain, nc, "Red shelf")
    assert tile(shop, "bench-4").state == "stop"
    shop.do(nonconformities.analyse, nc, "cable")
    assert tile(shop, "bench-4").state == "stop"


def test_the_stop_goes_when_somebody_has_decided(shop: Workshop) -> None:
    serial, *_ = released_order(shop)
    shop.sign_in("bench-4")
    shop.bring(serial, "safety")
    nc = shop.fail(serial)
    shop.do(quality.decide, nc, "rework", step="inverter", why="cable")
    assert tile(shop, "bench-4").state != "stop"


def test_a_refusal_stops_the_tile_until_the_next_good_scan(shop: Workshop) -> None:
    first, second, *_ = released_order(shop)
    shop.sign_in("bench-1", "bench-2")
    shop.enter(first, "bench-2")
    assert (tile(shop, "bench-2").state, tile(shop, "bench-2").reason) == ("stop", "step_missing")
    shop.enter(second, "bench-1")
    assert tile(shop, "bench-1").state == "go"


def test_the_red_answer_of_a_bench_that_was_left_rests_after_ten_minutes(shop: Workshop) -> None:
    serial, *_ = released_order(shop)
    shop.sign_in("bench-2")
    shop.enter(serial, "bench-2")
    shop.tell("bench-2", "OperatorDeactivated")
    assert tile(shop, "bench-2", after_s=60).state == "stop"
    assert tile(shop, "bench-2", after_s=700).state == "idle"


def test_a_call_for_help_goes_before_everything_and_ends_with_its_answer(shop: Workshop) -> None:
    serial, *_ = released_order(shop)
    shop.sign_in("bench-2")
    shop.enter(serial, "bench-2")
    shop.call("bench-2")
    called = tile(shop, "bench-2")
    assert (called.state, called.word, called.unit) == ("help", "call", serial)
    shop.do(quality.answer_help, "bench-2")
    assert tile(shop, "bench-2").state == "stop"


def test_calls_come_first_in_what_needs_somebody_then_stops_then_what_is_kept(shop: Workshop) -> None:
    busy_morning(shop)
    assert board(shop).attention == ("bench-3", "bench-4", "bench-7")


def test_a_break_is_a_word_without_a_duration(shop: Workshop) -> None:
    shop.sign_in("bench-2")
    shop.rest("bench-2")
    found = tile(shop, "bench-2", after_s=900)
    assert (found.state, found.word, found.since) == ("wait", "break", None)


def test_a_free_bench_has_no_duration_either(shop: Workshop) -> None:
    released_order(shop)
    shop.sign_in("bench-1")
    assert (tile(shop, "bench-1").word, tile(shop, "bench-1", after_s=900).since) == ("free", None)


def test_a_manned_bench_to_which_nothing_comes_waits(shop: Workshop) -> None:
    shop.sign_in("bench-5")
    assert (tile(shop, "bench-5").state, tile(shop, "bench-5").word) == ("wait", "waiting")


def test_a_station_that_is_broken_down_stops(shop: Workshop) -> None:
    shop.tell("bench-5", "StationStateChanged", state="USD", reason="motor")
    assert (tile(shop, "bench-5").state, tile(shop, "bench-5").word) == ("stop", "down")


def test_a_rack_says_how_many_and_when_the_first_is_ready(shop: Workshop) -> None:
    serials = released_order(shop, quantity=4)
    shop.sign_in("bench-6")
    for serial in serials:
        shop.bring(serial, "burn-in", enter=False)
    shop.enter(serials[0])
    shop.clock.tick(600)
    for serial in serials[1:]:
        shop.enter(serial)
    found = tile(shop, "bench-6")
    assert (found.state, found.word, found.units, found.places, found.unit) == ("wait", "burn_in", 4, 24, None)
    assert found.until is not None
    left = datetime.fromisoformat(found.until) - shop.clock.now
    assert timedelta(minutes=109) < left < timedelta(minutes=110)
    assert (tile(shop, "bench-6", after_s=6700).state, tile(shop, "bench-6", after_s=6700).word) == ("go", "ready")


def test_counted_work_shows_what_was_counted_at_the_station(shop: Workshop) -> None:
    released_order(shop, "KIT-B", 1200, order="OF-2026-121")
    shop.sign_in("pack-1")
    shop.count("pack-1", "OF-2026-121", "count", 318, {"COUNT-WRONG": 2})
    found = tile(shop, "pack-1")
    assert (found.state, found.good, found.scrap, found.unit) == ("go", 318, 2, "OF-2026-121")


# --- network and devices ----------------------------------------------------------------------------------------------


def test_a_station_that_was_never_heard_is_not_called_offline(shop: Workshop) -> None:
    assert tile(shop, "bench-1").link.offline_since is None


def test_a_station_in_work_is_out_of_reach_after_ninety_seconds_of_silence(shop: Workshop) -> None:
    serial, *_ = released_order(shop)
    shop.sign_in("bench-1")
    shop.enter(serial)
    shop.hello("bench-1")
    limit = OFFLINE_AFTER.total_seconds()
    assert tile(shop, "bench-1", after_s=limit).state == "go"
    late = tile(shop, "bench-1", after_s=limit + 1)
    assert (late.state, late.word, late.unit, late.since) == ("kept", "offline", serial, late.link.offline_since)


def test_a_word_in_between_counts_as_much_as_a_hello(shop: Workshop) -> None:
    shop.sign_in("bench-1")
    shop.hello("bench-1")
    heard = {"bench-1": shop.clock.now + timedelta(seconds=60)}
    assert tile(shop, "bench-1", after_s=120, seen=heard).link.offline_since is None


def test_what_a_silent_station_keeps_is_counted(shop: Workshop) -> None:
    shop.sign_in("bench-7")
    shop.hello("bench-7", kept=7)
    found = tile(shop, "bench-7", after_s=240)
    assert (found.state, found.word, found.link.kept) == ("kept", "kept", 7)


def test_what_was_kept_is_forgotten_once_the_station_has_spoken_again(shop: Workshop) -> None:
    shop.sign_in("bench-7")
    shop.hello("bench-7", kept=7)
    assert tile(shop, "bench-7").state == "kept"
    later = {"bench-7": shop.clock.now + timedelta(seconds=2)}
    assert tile(shop, "bench-7", after_s=3, seen=later).state != "kept"


def test_a_station_that_was_switched_off_after_work_alarms_nobody(shop: Workshop) -> None:
    shop.sign_in("bench-1")
    shop.tell("bench-1", "OperatorDeactivated")
    shop.hello("bench-1")
    found = tile(shop, "bench-1", after_s=3600)
    assert (found.state, found.word) == ("idle", "off")
    assert board(shop, after_s=3600).attention == ()


def test_a_fault_stands_on_its_tile_until_it_is_cleared(shop: Workshop) -> None:
    shop.fault("bench-8", "scale")
    assert [(f.device, f.fault) for f in tile(shop, "bench-8").faults] == [("scale", "unplugged")]
    shop.tell("bench-8", "FaultCleared", device="scale", fault="unplugged")
    assert tile(shop, "bench-8").faults == ()


# --- orders -----------------------------------------------------------------------------------------------------------


def test_every_piece_of_an_order_is_counted_once(shop: Workshop) -> None:
    busy_morning(shop)
    found = order(shop)
    places = (found.done, found.in_work, found.between, found.held, found.scrapped, found.to_start)
    assert places == (3, 9, 4, 1, 0, 7)
    assert sum(places) == found.quantity


def test_a_scrapped_unit_is_scrap_and_not_held(shop: Workshop) -> None:
    serial, *_ = released_order(shop)
    shop.sign_in("bench-7")
    shop.bring(serial, "final")
    nc = shop.reject(serial, "CRACK")
    assert (order(shop).held, order(shop).scrapped) == (1, 0)
    shop.do(quality.decide, nc, "scrap", why="broken")
    assert (order(shop).held, order(shop).scrapped) == (0, 1)


def test_a_counted_order_is_counted_from_its_tallies(shop: Workshop) -> None:
    released_order(shop, "KIT-B", 100, order="OF-2026-121")
    shop.count("pack-1", "OF-2026-121", "count", 50, {"COUNT-WRONG": 2})
    shop.count("pack-2", "OF-2026-121", "carton", 24, {"BOX-DAMAGED": 1})
    found = order(shop, "OF-2026-121")
    assert (found.done, found.in_work, found.scrapped, found.to_start) == (24, 25, 3, 48)


def test_an_order_is_late_from_the_day_after_it_was_due(shop: Workshop) -> None:
    released_order(shop, due=date(2026, 11, 23))
    assert order(shop).late_days == 0
    shop.clock.tick(24 * 3600)
    assert order(shop).late_days == 1


def test_the_earliest_due_stands_first_and_planned_or_closed_orders_not_at_all(shop: Workshop) -> None:
    released_order(shop, order="OF-2", due=date(2026, 12, 1))
    released_order(shop, order="OF-1", due=date(2026, 11, 24))
    released_order(shop, order="OF-0")
    shop.do(orders.create, "OF-3", "NOMAD-1000", 3)
    assert [o.id for o in board(shop).orders] == ["OF-1", "OF-2", "OF-0"]


# --- quality ----------------------------------------------------------------------------------------------------------


def test_open_nonconformities_stand_with_what_they_are_about_until_they_are_closed(shop: Workshop) -> None:
    busy_morning(shop)
    found = board(shop).nonconformities
    assert [(n.id, n.state, n.label and n.label["en"]) for n in found] == [
        ("NC-2026-0002", "open", "Insulation, 500 V"),
        ("NC-2026-0001", "in_treatment", "Scratch"),
    ]


def test_what_somebody_has_reported_stands_under_its_own_words(shop: Workshop) -> None:
    body = wire.NonconformityOpened(
        title="Paint runs", product="NOMAD-1000", items=(wire.NcItem(kind="process", subject="Painting"),)
    )
    assert shop.do(nonconformities.open_nc, body).done
    assert [(n.cause, n.label and n.label["fr"]) for n in board(shop).nonconformities] == [("reported", "Paint runs")]


def test_first_pass_yield_counts_first_visits_of_today_that_never_failed(shop: Workshop) -> None:
    good, again, bad, *_ = released_order(shop, quantity=3)
    shop.sign_in("bench-4")
    shop.bring(good, "function", enter=False)
    shop.bring(again, "safety")
    shop.test(again, 0.1, 0.6, 5.0)  # failed once, passed at the second try: not right the first time
    shop.work(again)
    shop.bring(bad, "safety")
    nc = shop.fail(bad)
    shop.do(quality.decide, nc, "not_confirmed")
    shop.enter(bad)
    shop.work(bad)  # the second visit counts for nothing here
    safety = next(y for y in board(shop).yields if y.step == "safety")
    assert (safety.good, safety.total) == (1, 3)
    assert board(shop).yields[0] == safety  # the worst first


def test_a_step_at_which_nothing_is_judged_has_no_figure_of_who_works_there(shop: Workshop) -> None:
    serial, *_ = released_order(shop)
    shop.bring(serial, None)
    assert {y.step for y in board(shop).yields} == {"safety", "function", "burn-in", "final", "packing"}


def test_the_day_begins_at_midnight_of_the_plant(shop: Workshop) -> None:
    serial, *_ = released_order(shop)
    shop.sign_in("bench-1")
    shop.bring(serial, "function", enter=False)
    until_midnight = (datetime(2026, 11, 24, tzinfo=PARIS) - shop.clock.now).total_seconds()
    assert board(shop, after_s=until_midnight - 1).yields != ()
    assert board(shop, after_s=until_midnight + 1).yields == ()


def test_a_shift_is_told_what_it_has_made_what_it_should_and_how_fast_the_rest_has_to_go(shop: Workshop) -> None:
    first, second, *_ = released_order(shop, quantity=4, due=date(2026, 11, 24))
    released_order(shop, quantity=9, order="OF-2026-119")  # without a last day it plans nothing
    shop.bring(first, "final")
    shop.bring(second, "burn-in")
    function = next(y for y in board(shop).yields if y.step == "function")
    assert function.output is not None
    assert (function.good, function.total, function.output.made, function.output.planned) == (2, 2, 2, 1)
    assert function.output.per_hour is None, "it has made more than it had to"
    final = next(y for y in board(shop).yields if y.step == "final")
    assert final.output is not None
    assert (final.total, final.output.made, final.output.planned) == (0, 0, 1)
    assert final.output.per_hour == pytest.approx(1 / (shop_hours_left(shop)))
    line = board(shop).lines[0]
    assert line.output is not None
    assert (line.output.made, line.output.planned) == (0, 1)
    assert (line.good, line.judged) == (5, 5), "safety and function of both, burn-in of the first"
    shop.bring(first, None)
    done = board(shop).lines[0].output
    assert done is not None
    assert (done.made, done.planned, done.per_hour) == (1, 1, None)
    late = (datetime(2026, 11, 23, 22, tzinfo=PARIS) - shop.clock.now).total_seconds()
    night = board(shop, after_s=late)
    assert night.shift is None
    assert night.lines[0].output is None
    assert {y.output for y in night.yields} == {None}


def shop_hours_left(shop: Workshop) -> float:
    """Working hours of the morning shift from the next full minute on."""
    now = shop.clock.now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    end, pause = (datetime(2026, 11, 23, h, m, tzinfo=PARIS) for h, m in ((13, 30), (9, 30)))
    return ((end - now).total_seconds() - (20 * 60 if now <= pause else 0)) / 3600


def test_counted_pieces_of_a_shift_belong_to_the_order_that_is_due_first(shop: Workshop) -> None:
    released_order(shop, "KIT-B", 40, order="OF-2026-201", due=date(2026, 11, 23))
    released_order(shop, "KIT-B", 100, order="OF-2026-202", due=date(2026, 11, 24))
    shop.count("pack-1", "OF-2026-201", "count", 30)
    shop.count("pack-2", "OF-2026-201", "carton", 20)
    (nomad, pack) = (line.output for line in board(shop).lines)
    assert (nomad, board(shop).yields) == (None, ()), "a count is work, and no figure of a step"
    assert pack is not None
    # Half of what is due today is the afternoon's; of what is due tomorrow a quarter is this shift's.
    assert (pack.made, pack.planned) == (20, 20 + 25)


def test_what_was_finished_today_is_counted(shop: Workshop) -> None:
    first, second, *_ = released_order(shop)
    shop.bring(first, None)
    shop.bring(second, "packing")
    assert board(shop).finished_today == 1


# --- how it is made ---------------------------------------------------------------------------------------------------


def names_of(value: Any) -> set[str]:
    """Every field name in a value, all the way down."""
    if is_dataclass(value):
        return {f.name for f in fields(value)} | {n for f in fields(value) for n in names_of(getattr(value, f.name))}
    if isinstance(value, tuple):
        return {n for item in value for n in names_of(item)}
    return set()


def test_there_is_no_person_on_the_board(shop: Workshop) -> None:
    busy_morning(shop)
    found = board(shop)
    assert not {n for n in names_of(found) if "operator" in n or "badge" in n or "person" in n}
    assert "'007'" not in repr(found)


def queries_of(shop: Workshop) -> int:
    board(shop)  # plans are decoded once
    count = 0

    def counted(*_: Any) -> None:
        nonlocal count
        count += 1

    event.listen(shop.engine, "before_cursor_execute", counted)
    board(shop)
    event.remove(shop.engine, "before_cursor_execute", counted)
    return count


def test_a_busy_floor_costs_no_more_queries_than_an_empty_one(shop: Workshop) -> None:
    few = queries_of(shop)
    busy_morning(shop)
    assert queries_of(shop) == few <= 16  # BEGIN is one of them on SQLite


def test_twenty_stations_and_many_orders_cost_no_more_queries_than_none(tmp_path: Path) -> None:
    wide = Workshop(f"sqlite:///{tmp_path / 'wide.db'}", wide_plan(20))
    few = queries_of(wide)
    for i in range(5):
        released_order(wide, order=f"OF-{i}")
    assert queries_of(wide) == few
    wide.close()


def test_a_running_order_is_read_with_the_plan_that_it_was_released_with(shop: Workshop) -> None:
    from mes.commands_office import publish_plan

    serials = released_order(shop, quantity=2)
    shop.sign_in("bench-1")
    shop.bring(serials[0], "battery", enter=False)
    nomad = shop.plan.product("NOMAD-1000")
    assert nomad is not None
    moved = nomad.model_copy(
        update={
            "steps": tuple(
                s.model_copy(update={"stations": ("bench-8",)}) if s.id == "battery" else s for s in nomad.steps
            )
        }
    )
    others = tuple(p for p in shop.plan.products if p.id != nomad.id)
    shop.plan = shop.plan.model_copy(update={"products": (*others, moved)})
    assert shop.do(publish_plan_again(publish_plan), shop.plan).done
    assert (tile(shop, "bench-2").waiting, tile(shop, "bench-8").waiting) == (1, 0)


def publish_plan_again(publish: Any) -> Any:
    return lambda session, plan, now: publish(session, plan, now=now)
