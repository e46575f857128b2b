"""OEE: breaks cost nothing, too fast is shown, and several stations add up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain.oee import (
    Oee,
    Span,
    State,
    Times,
    allocation_efficiency,
    merged,
    oee,
    setup_ratio,
    technical_efficiency,
    times,
    utilisation_efficiency,
)
from mes.domain.ratios import Ratio

H = 3600.0
DAY = [(8 * H, 12 * H), (13 * H, 16 * H)]  # a shift without its break


def test_a_worked_example_comes_out_to_the_last_digit() -> None:
    # 480 min, breaks of 2 × 15 and 30 min, 47 min of stops, 60 pieces a minute, 19,271 pieces, 423 not good:
    # availability 88.81 %, performance 86.11 %, quality 97.80 %, OEE 74.79 % (the usual example of OEE primers).
    found = oee(Times(planned_busy=420 * 60, production=373 * 60), produced=19_271, good=18_848, planned_run_s=1.0)
    factors = (found.availability.value, found.effectiveness.value, found.quality.value, found.index)
    assert [round(100 * (v or 0), 2) for v in factors] == [88.81, 86.11, 97.80, 74.79]


def test_a_break_lies_outside_the_planned_time_even_when_the_station_runs_through_it() -> None:
    found = times([Span("producing", 8 * H, 16 * H)], DAY)
    assert (found.planned_busy, found.production, found.outside) == (7 * H, 7 * H, 1 * H)
    assert oee(found, produced=7, good=7, planned_run_s=H).index == 1.0


def test_what_nobody_has_said_is_unknown_and_costs_availability() -> None:
    found = times([Span("producing", 8 * H, 11 * H)], DAY)
    assert (found.unknown, oee(found, produced=3, good=3, planned_run_s=H).availability.value) == (4 * H, 3 / 7)


def test_pieces_faster_than_planned_show_more_than_a_hundred_per_cent() -> None:
    found = oee(Times(planned_busy=7 * H, production=7 * H), produced=10, good=10, planned_run_s=H)
    assert found.effectiveness.value == pytest.approx(10 / 7)
    assert found.index == pytest.approx(10 / 7)


def test_a_station_without_plan_or_without_a_piece_has_no_oee() -> None:
    assert oee(Times(), produced=0, good=0, planned_run_s=H).index is None
    idle = oee(Times(planned_busy=H, idle=H), produced=0, good=0, planned_run_s=H)
    assert (idle.availability.value, idle.effectiveness.value, idle.index, idle.net) == (0.0, None, None, None)


def test_setting_up_is_lost_for_oee_and_used_for_nee() -> None:
    found = oee(Times(planned_busy=8 * H, production=4 * H, setup=2 * H), produced=4, good=4, planned_run_s=H)
    assert (found.index, found.net) == (0.5, 0.75)


def test_efficiencies_are_what_iso_22400_says() -> None:
    of = Times(planned_busy=8 * H, production=4 * H, setup=1 * H, delay=1 * H, idle=2 * H)
    assert allocation_efficiency(of).value == 6 / 8
    assert utilisation_efficiency(of).value == 4 / 6
    assert technical_efficiency(of).value == 4 / 5
    assert setup_ratio(of).value == 1 / 5
    assert utilisation_efficiency(Times(planned_busy=H)).value is None


def test_several_stations_add_up_as_sums_over_sums() -> None:
    fast = oee(Times(planned_busy=8 * H, production=8 * H), produced=80, good=80, planned_run_s=360)
    slow = oee(Times(planned_busy=2 * H, production=1 * H), produced=10, good=5, planned_run_s=360)
    both: Oee = fast + slow
    assert both.availability == Ratio(9 * H, 10 * H)
    assert both.quality == Ratio(85, 90)


STATES = st.lists(st.tuples(st.sampled_from(["producing", "setup", "delay", "idle", "down"]), st.integers(0, 9_000)))


@given(STATES, st.lists(st.tuples(st.integers(0, 50_000), st.integers(0, 9_000)), max_size=6))
def test_every_planned_second_is_in_exactly_one_state(
    told: list[tuple[State, int]], planned: list[tuple[int, int]]
) -> None:
    spans, at = [], 0.0
    for state, lasts in told:
        spans.append(Span(state, at, at + lasts))
        at += lasts
    stretches = [(float(a), float(a + b)) for a, b in planned]
    found = times(spans, stretches)
    assert found.planned_busy == sum(b - a for a, b in merged(stretches))
    assert found.busy + found.idle + found.down + found.unknown == pytest.approx(found.planned_busy)
    produced = sum(s.end - s.start for s in spans if s.state == "producing")
    assert found.production + found.outside == pytest.approx(produced)
