"""The gate: which unit may enter, which component may go in, when a step is finished, and what is said of each."""

from __future__ import annotations

from typing import Any

import pytest

from mes.domain import gate
from mes.domain.gate import Answer, Installed, OrderState, Unit
from mes.domain.reasons import REASONS
from tests.builders import (
    ALL_FITTED,
    BADGE,
    BATTERY,
    BATTERY_STEP,
    BURN_IN_STEP,
    LOOK_STEP,
    LOT_ORDER,
    OTHER,
    PACK_STEP,
    SAFETY_STEP,
    UNIT,
    a_plan,
    a_station,
    a_unit,
    a_unit_at_work,
    an_installed,
    an_order,
)


def enters(unit: Unit | None = None, **more: Any) -> Answer:
    """May a unit that waits for the battery enter bench-1?"""
    fields: dict[str, Any] = {
        "serial": UNIT,
        "unit": unit or a_unit(),
        "order": an_order(),
        "plan": a_plan(),
        "station": "bench-1",
        "operator": BADGE,
        **more,
    }
    return gate.enter(**fields)


def fits(*installed: Installed, **more: Any) -> Answer:
    """May this battery go into a unit at the battery step?"""
    fields: dict[str, Any] = {"step": BATTERY_STEP, "part": "BAT-48V", "serial": BATTERY, "lot": None, **more}
    return gate.fit(installed=installed, **fields)


def finishes(*installed: Installed, **more: Any) -> Answer:
    fields: dict[str, Any] = {"step": PACK_STEP, "unit": a_unit_at_work(), **more}
    return gate.finish(installed=installed, **fields)


def counts(**more: Any) -> Answer:
    """May ten pieces be booked on the first step of a counted order?"""
    fields: dict[str, Any] = {
        "order": an_order(LOT_ORDER, "KIT", 100),
        "order_id": LOT_ORDER,
        "plan": a_plan(),
        "step_id": "fill",
        "station": "count-1",
        "operator": BADGE,
        "made": 10,
        "available": 100,
        **more,
    }
    return gate.count(**fields)


# --- a unit enters ----------------------------------------------------------------------------------------------------


def test_a_unit_enters_where_it_is_due_and_is_told_the_step() -> None:
    answer = enters()
    assert (answer.go, answer.reason, answer.args["step"]) == (
        True,
        "unit_arrived",
        {"fr": "Étape battery", "en": "Step battery"},
    )


def test_a_new_unit_enters_like_any_other() -> None:
    assert enters(a_unit(state="reserved")).go


def test_a_unit_that_is_in_work_here_is_here() -> None:
    answer = enters(a_unit_at_work())
    assert (answer.go, answer.reason) == (True, "unit_here")


def test_nobody_signed_in_is_said_before_anything_else() -> None:
    assert enters(operator=None, order=None).reason == "no_operator"


def test_an_unknown_unit_is_named() -> None:
    answer = gate.enter(serial="X-1", unit=None, order=None, plan=a_plan(), station="bench-1", operator=BADGE)
    assert (answer.go, answer.reason, answer.args) == (False, "unknown_unit", {"unit": "X-1"})


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("planned", "order_not_released"),
        ("on_hold", "order_held"),
        ("completed", "order_closed"),
        ("closed", "order_closed"),
        ("cancelled", "order_closed"),
    ],
)
def test_no_unit_enters_for_an_order_that_is_not_open(state: OrderState, reason: str) -> None:
    assert enters(order=an_order(state=state)).reason == reason


@pytest.mark.parametrize("state", ["released", "in_work"])
def test_units_enter_for_an_open_order(state: OrderState) -> None:
    assert enters(order=an_order(state=state)).go


def test_a_unit_of_an_order_that_nobody_knows_does_not_enter() -> None:
    assert enters(order=None).reason == "unknown_order"


def test_scrap_does_not_enter() -> None:
    assert enters(a_unit(state="scrapped")).reason == "unit_scrapped"


def test_a_blocked_unit_does_not_enter_and_names_what_blocks_it() -> None:
    answer = enters(a_unit(nc="NC-2026-0001"))
    assert (answer.reason, answer.args["nc"]) == ("unit_held", "NC-2026-0001")


def test_a_finished_unit_does_not_enter() -> None:
    assert enters(a_unit(state="done", step="pack")).reason == "unit_done"


def test_a_unit_that_has_left_says_with_which_delivery_before_that_it_is_finished() -> None:
    answer = enters(a_unit(state="done", step="pack", delivery="BL-2026-0001"))
    assert (answer.reason, answer.args["delivery"]) == ("unit_shipped", "BL-2026-0001")


def test_a_unit_whose_step_is_not_reached_yet_is_sent_to_the_missing_one() -> None:
    answer = enters(station="bench-3")
    assert (answer.reason, answer.args["station"]) == ("step_missing", a_station("bench-1", 1).name.model_dump())


def test_a_unit_that_has_passed_this_station_is_sent_on() -> None:
    answer = enters(a_unit(step="safety"))
    assert (answer.reason, answer.args["station"]) == ("step_already_done", a_station("bench-3", 3).name.model_dump())


def test_a_unit_in_work_elsewhere_is_finished_there_first() -> None:
    answer = enters(a_unit(state="in_work", station="bench-5"))
    assert (answer.reason, answer.args["station"]["en"]) == ("at_other_station", "Station bench-5")


def test_a_unit_of_a_product_that_the_plan_does_not_know_is_unknown() -> None:
    assert enters(a_unit(product="OTHER")).reason == "unknown_unit"


def test_a_step_that_needs_the_network_lets_nothing_in_without_it() -> None:
    unit = a_unit(step="safety")
    assert enters(unit, station="bench-3", online=False).reason == "needs_network"
    assert enters(unit, station="bench-3", online=True).go


def test_a_unit_that_is_here_stays_here_without_network() -> None:
    unit = a_unit_at_work("safety", "bench-3")
    assert enters(unit, station="bench-3", online=False).reason == "unit_here"


@pytest.mark.parametrize(("station", "step", "places"), [("bench-1", "battery", 1), ("rack-1", "burn-in", 3)])
def test_a_station_takes_as_many_units_as_it_has_places(station: str, step: str, places: int) -> None:
    unit = a_unit(step=step)
    assert enters(unit, station=station, present=places - 1).go
    full = enters(unit, station=station, present=places)
    assert (full.reason, full.args) == ("bench_full", {"places": places})


def test_a_unit_that_is_here_does_not_need_another_place() -> None:
    assert enters(a_unit_at_work(), present=5).go


# --- a component goes in ----------------------------------------------------------------------------------------------


def test_the_right_component_goes_in() -> None:
    answer = fits()
    assert (answer.go, answer.reason, answer.args["part"]["en"]) == (True, "component_fitted", "Part BAT-48V")


def test_a_wrong_part_is_told_which_one_is_wanted_next() -> None:
    answer = fits(an_installed(), part="FUSE-15A", serial=None, lot="L1")
    assert (answer.reason, answer.args) == ("component_wrong", {"wanted": "FUSE-30A", "got": "FUSE-15A L1"})


def test_a_wrong_part_when_nothing_is_missing_is_told_what_the_step_takes() -> None:
    assert fits(*ALL_FITTED, part="X", serial="1").args["wanted"] == "BAT-48V"


def test_a_step_without_components_takes_none() -> None:
    assert fits(step=LOOK_STEP).reason == "component_not_needed"


@pytest.mark.parametrize(
    ("part", "serial", "lot"), [("BAT-48V", None, "L1"), ("BAT-48V", "", None), ("FUSE-30A", "S1", None)]
)
def test_a_part_without_the_number_that_it_is_tracked_by_does_not_go_in(
    part: str, serial: str | None, lot: str | None
) -> None:
    assert fits(part=part, serial=serial, lot=lot).reason == "component_without_number"


def test_a_part_of_which_there_is_enough_does_not_go_in() -> None:
    assert fits(an_installed()).reason == "component_enough"


def test_a_lot_goes_in_until_its_quantity_is_reached() -> None:
    fuse = {"part": "FUSE-30A", "serial": None, "lot": "L1"}
    assert fits(an_installed("FUSE-30A", None, "L1"), **fuse).go
    assert fits(an_installed("FUSE-30A", None, "L1", 2), **fuse).reason == "component_enough"
    assert fits(quantity=3, **fuse).reason == "component_enough"


def test_a_serial_that_is_in_another_unit_does_not_go_in() -> None:
    answer = fits(used_in=OTHER)
    assert (answer.reason, answer.args) == ("component_used", {"serial": BATTERY, "unit": OTHER})


def test_a_held_lot_does_not_go_in() -> None:
    answer = fits(part="FUSE-30A", serial=None, lot="L1", lot_is="held")
    assert (answer.reason, answer.args["lot"]) == ("lot_held", "L1")


def test_what_is_still_needed_comes_in_the_plans_order() -> None:
    needed = gate.still_needed(BATTERY_STEP, [an_installed("FUSE-30A", None, "L1")])
    assert [(c.part, left) for c, left in needed] == [("BAT-48V", 1), ("FUSE-30A", 1)]
    assert gate.still_needed(BATTERY_STEP, ALL_FITTED) == []


# --- a step is finished -----------------------------------------------------------------------------------------------


def test_a_step_that_wants_nothing_is_finished_at_once() -> None:
    assert finishes().go


def test_a_missing_component_is_named_with_how_many_are_left() -> None:
    answer = finishes(an_installed(), step=BATTERY_STEP)
    assert (answer.reason, answer.args["left"], answer.args["part"]["en"]) == ("needs_component", 2, "Part FUSE-30A")


def test_a_step_with_all_its_components_is_finished() -> None:
    assert finishes(*ALL_FITTED, step=BATTERY_STEP).go


@pytest.mark.parametrize("tested", [None, "failed", "error", "timeout", "aborted"])
def test_a_test_step_is_finished_only_by_a_pass(tested: str | None) -> None:
    assert finishes(step=SAFETY_STEP, unit=a_unit_at_work("safety", tested=tested)).reason == "needs_test"
    assert finishes(step=SAFETY_STEP, unit=a_unit_at_work("safety", tested="passed")).go


@pytest.mark.parametrize("inspected", [None, "failed"])
def test_an_inspection_is_finished_only_by_a_look(inspected: str | None) -> None:
    assert finishes(step=LOOK_STEP, unit=a_unit_at_work("look", inspected=inspected)).reason == "needs_inspection"
    assert finishes(step=LOOK_STEP, unit=a_unit_at_work("look", inspected="passed")).go


@pytest.mark.parametrize(("here_s", "minutes"), [(0, 60), (1800, 30), (3599, 1)])
def test_a_burn_in_is_not_finished_before_its_time(here_s: float, minutes: int) -> None:
    answer = finishes(step=BURN_IN_STEP, unit=a_unit_at_work("burn-in", tested="passed"), here_s=here_s)
    assert (answer.reason, answer.args) == ("needs_time", {"minutes": minutes})


@pytest.mark.parametrize("here_s", [3600, 90_000, None])
def test_a_burn_in_is_finished_when_its_time_is_over_or_not_known(here_s: float | None) -> None:
    assert finishes(step=BURN_IN_STEP, unit=a_unit_at_work("burn-in", tested="passed"), here_s=here_s).go


# --- pieces are counted -----------------------------------------------------------------------------------------------


def test_pieces_are_counted() -> None:
    assert counts().reason == "counted"


def test_all_that_is_available_can_be_counted_and_no_more() -> None:
    assert counts(made=100).go
    assert counts(made=101) == Answer(False, "too_many", {"left": 100, "counted": 101})


def test_nothing_is_no_count() -> None:
    assert counts(made=0).reason == "needs_quantity"


def test_nobody_signed_in_counts_nothing() -> None:
    assert counts(operator=None).reason == "no_operator"


def test_an_unknown_order_is_not_counted() -> None:
    assert counts(order=None).reason == "unknown_order"


def test_a_held_order_is_not_counted() -> None:
    assert counts(order=an_order(LOT_ORDER, "KIT", state="on_hold")).reason == "order_held"


def test_an_order_of_serialised_units_is_not_counted() -> None:
    assert counts(order=an_order()).reason == "not_lot_order"


@pytest.mark.parametrize("more", [{"station": "bench-1"}, {"step_id": "seal"}, {"step_id": "nowhere"}])
def test_an_order_is_counted_only_at_its_steps_own_station(more: dict[str, str]) -> None:
    answer = counts(**more)
    assert (answer.reason, answer.args["station"]["en"]) == ("order_not_here", "Station count-1")


# --- names ------------------------------------------------------------------------------------------------------------


def test_what_the_plan_does_not_know_is_called_by_its_id() -> None:
    product = a_plan().products[0]
    assert gate.name_of_step(product, "look") == LOOK_STEP.name.model_dump()
    assert gate.name_of_step(product, "nowhere") == "nowhere"
    assert gate.name_of_station(a_plan(), "nowhere") == "nowhere"


ANSWERS = [
    *(enters(order=an_order(state=s)) for s in ("planned", "on_hold", "closed")),
    enters(a_unit(state="scrapped")),
    enters(a_unit(nc="NC-1")),
    enters(a_unit(state="done")),
    enters(a_unit(step="safety")),
    enters(station="bench-3"),
    enters(a_unit(state="in_work", station="bench-5")),
    enters(present=1),
    enters(operator=None),
    enters(order=None),
    fits(),
    fits(part="X"),
    fits(step=LOOK_STEP),
    fits(an_installed()),
    fits(used_in=OTHER),
    fits(part="FUSE-30A", serial=None, lot="L", lot_is="held"),
    fits(serial=None),
    finishes(step=BATTERY_STEP),
    finishes(step=SAFETY_STEP),
    finishes(step=LOOK_STEP),
    finishes(step=BURN_IN_STEP, here_s=0),
    counts(made=0),
    counts(made=101),
    counts(order=an_order()),
    counts(station="bench-1"),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: a.reason)
def test_every_answer_of_the_gate_has_a_reason_that_is_known_and_all_that_its_sentence_needs(answer: Answer) -> None:
    known = REASONS[answer.reason]
    assert known.names <= set(answer.args)
    assert None not in answer.args.values()
    assert answer.go is (known.tone == "go")
