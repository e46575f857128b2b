"""What a station remembers of the floor: what it was told, what it did itself, and which of the two counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes import wire
from mes.domain.told import floor_order
from stations import recall
from stations.recall import Recall, is_serial
from tests.builders import (
    BATTERY,
    ORDER,
    OTHER,
    UNIT,
    a_plan,
    a_unit,
    a_unit_at_work,
    an_installed,
    an_order,
    floor_unit,
)

NOW = "2026-11-23T08:00:00Z"


def told(*units: object, whole: bool = True, into: Recall | None = None, **more: object) -> Recall:
    fields: dict[str, object] = {
        "cursor": 1,
        "whole": whole,
        "orders": (floor_order(an_order()),),
        "units": tuple(floor_unit(u) for u in units),  # type: ignore[arg-type]
        "components": (),
        "held_lots": (),
        **more,
    }
    return recall.told(into or Recall(), wire.FloorReply(**fields))  # type: ignore[arg-type]


def in_unit(unit: str, serial: str = BATTERY) -> wire.FloorComponent:
    return wire.FloorComponent(part="BAT-48V", serial=serial, unit=unit)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("NMD-{yy}{ww}-{n:05}", "NMD-2647-00058", True),
        ("NMD-{yy}{ww}-{n:05}", "NMD-2647-100058", True),
        ("NMD-{yy}{ww}-{n:05}", "NMD-2647-0058", False),
        ("NMD-{yy}{ww}-{n:05}", "xNMD-2647-00058", False),
        ("PC{yyyy}.{n}", "PC2026.7", True),
        ("PC{yyyy}.{n}", "PC2026x7", False),
        ("{n:06}", "000001", True),
    ],
)
def test_a_serial_is_told_by_its_products_pattern(pattern: str, text: str, fits: bool) -> None:
    assert is_serial(pattern, text) is fits


@given(n=st.integers(1, 10**7))
def test_every_serial_that_the_pattern_makes_is_recognised(n: int) -> None:
    assert is_serial("NMD-{yy}{ww}-{n:05}", f"NMD-2647-{n:05}")


def test_a_text_that_is_too_long_for_an_event_is_no_unit() -> None:
    known = recall.with_plan(Recall(), a_plan(), 1)
    assert known.looks_like_a_unit("NMD-2647-00058")
    assert not known.looks_like_a_unit("NMD-2647-" + "0" * 60)


def test_a_whole_reply_replaces_everything() -> None:
    before = told(a_unit(), components=(in_unit(UNIT),))
    after = told(a_unit(OTHER), into=before)
    assert (after.unit(UNIT), after.used_in("BAT-48V", BATTERY)) == (None, None)


def test_a_partial_reply_adds_and_replaces() -> None:
    before = told(a_unit(), a_unit(OTHER))
    after = told(a_unit(step="look"), whole=False, into=before)
    first, second = after.unit(UNIT), after.unit(OTHER)
    assert first is not None
    assert second is not None
    assert (first.step, second.step) == ("look", "battery")


def test_a_partial_reply_keeps_the_components_that_it_does_not_name() -> None:
    before = told(a_unit(), components=(in_unit(UNIT),))
    after = told(a_unit(), whole=False, into=before, components=(in_unit(OTHER, "B4-2"),))
    assert (after.used_in("BAT-48V", BATTERY), after.used_in("BAT-48V", "B4-2")) == (UNIT, OTHER)


def test_a_component_in_no_unit_has_been_taken_out() -> None:
    before = told(a_unit(), components=(in_unit(UNIT),))
    assert told(whole=False, into=before, components=(in_unit(""),)).used_in("BAT-48V", BATTERY) is None


def test_held_lots_are_always_all_of_them() -> None:
    before = told(held_lots=(wire.FloorLot(part="FUSE-30A", lot="L1"),))
    assert before.lot_is("FUSE-30A", "L1", NOW, a_plan()) == "held"
    assert told(whole=False, into=before).lot_is("FUSE-30A", "L1", NOW, a_plan()) == "good"


def test_the_steps_to_which_nothing_comes_are_always_all_of_them() -> None:
    stop = wire.FloorStop(product="NOMAD-1000", step="safety", signal="SI-2026-0001")
    before = told(stopped=(stop,))
    assert before.stopped == {("NOMAD-1000", "safety"): "SI-2026-0001"}
    assert told(whole=False, into=before).stopped == before.stopped, "a server of before does not tell"
    assert told(whole=False, into=before, stopped=()).stopped == {}


def test_what_a_concession_still_permits_is_counted_down_here_until_the_server_tells_anew() -> None:
    lot = wire.FloorLotDay(part="FUSE-30A", lot="L1", until="2026-11-30", permit="CO-2026-0001")
    permit = wire.FloorPermit(id="CO-2026-0001", until="2026-11-30", left=2)
    before = told(lot_days=(lot,), permits=(permit,))

    def stands(known: recall.Recall, quantity: int) -> str:
        return known.lot_is("FUSE-30A", "L1", "2026-11-24T10:00:00Z", a_plan(), quantity)

    assert [stands(before, n) for n in (1, 2, 3)] == ["good", "good", "used_up"]
    after = recall.used(before, "CO-2026-0001", 2)
    assert stands(after, 1) == "used_up"
    assert stands(told(whole=False, into=after), 1) == "used_up", "a server of before does not tell"
    assert stands(told(whole=False, into=after, permits=(permit,)), 2) == "good"


def test_the_last_day_of_a_lot_stays_known_and_counts_to_its_end() -> None:
    day = wire.FloorLotDay(part="FUSE-30A", lot="L1", until="2026-11-23")
    after = told(whole=False, into=told(lot_days=(day,)))
    said = [after.lot_is("FUSE-30A", "L1", at, a_plan()) for at in ("2026-11-23T22:59:00Z", "2026-11-23T23:01:00Z")]
    assert said == ["good", "expired"]
    assert told(into=after).lot_is("FUSE-30A", "L1", "2026-12-01T10:00:00Z", a_plan()) == "good"


def test_what_the_station_did_itself_counts_until_the_server_has_judged_it() -> None:
    mine = recall.did(told(a_unit()), a_unit(step="look"))
    told_again = told(a_unit(), into=mine)
    known = told_again.unit(UNIT)
    assert known is not None
    assert known.step == "look"
    judged = told(a_unit(step="safety"), into=recall.settled(told_again, UNIT)).unit(UNIT)
    assert judged is not None
    assert judged.step == "safety"


def test_a_component_that_the_station_fitted_is_not_forgotten_by_a_reply_that_does_not_know_it_yet() -> None:
    mine = recall.fitted(recall.did(told(a_unit()), a_unit_at_work()), an_installed(), UNIT)
    assert told(a_unit(), into=mine).used_in("BAT-48V", BATTERY) == UNIT


def test_a_component_that_came_out_again_can_be_used() -> None:
    mine = recall.fitted(Recall(), an_installed(), UNIT)
    assert recall.taken_out(mine, an_installed(), UNIT).used_in("BAT-48V", BATTERY) is None


def test_a_component_of_another_unit_is_not_taken_out() -> None:
    mine = recall.fitted(Recall(), an_installed(), UNIT)
    assert recall.taken_out(mine, an_installed(), OTHER).used_in("BAT-48V", BATTERY) == UNIT


def test_the_units_at_a_station_are_those_told_and_those_done_here() -> None:
    known = told(a_unit_at_work(), a_unit(OTHER))
    moved = recall.did(recall.did(known, a_unit(step="look")), a_unit(OTHER, state="in_work", station="bench-1"))
    assert (known.present("bench-1"), moved.present("bench-1")) == (frozenset({UNIT}), frozenset({OTHER}))


def test_the_newest_plan_is_the_one_with_the_highest_revision_in_whatever_order_they_come() -> None:
    new, old = a_plan(languages=("en",)), a_plan(languages=("fr",))
    known = recall.with_plan(recall.with_plan(Recall(), new, 2), old, 1)
    assert known.plan == new
    assert known.plan_of(an_order()) == old


def test_only_so_many_plans_are_kept() -> None:
    known = Recall()
    for revision in range(1, 30):
        known = recall.with_plan(known, a_plan(), revision)
    assert sorted(known.plans) == list(range(22, 30))


@pytest.mark.parametrize(
    "screen",
    [
        {},
        {"unit": {}, "order": {}},
        {"unit": None, "order": None},
        {"unit": "x"},
    ],
)
def test_a_screen_that_is_not_understood_says_nothing(screen: dict[str, object]) -> None:
    assert recall.told_of(screen) is None


@pytest.mark.parametrize("since", [None, "", "yesterday", "2026-11-23T08:00:00", 7])
def test_a_time_of_arrival_that_is_none_is_not_judged(since: object) -> None:
    screen = {
        "unit": floor_unit(a_unit_at_work()).model_dump(),
        "order": floor_order(an_order()).model_dump(),
        "since": since,
    }
    told_unit = recall.told_of(screen)
    assert told_unit is not None
    assert (told_unit.unit.since, told_unit.order.id) == ("", ORDER)
