"""Flow: how long things take, how many stand where, and whether both agree."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain.flow import (
    Bin,
    Spread,
    Visit,
    cycle_times,
    histogram,
    little,
    spread,
    throughput_rate,
    work_in_progress,
)


def test_no_durations_have_no_spread_and_one_is_its_own() -> None:
    assert spread([]) is None
    assert spread([60.0]) == Spread(1, 60, 60, 60, 60, 60, 60)


def test_quantiles_are_those_of_type_seven() -> None:
    # R: quantile(c(1, 2, 4, 8, 16), c(.8, .95)) gives 9.6 and 14.4.
    found = spread([16, 1, 8, 2, 4])
    assert found is not None
    assert (found.median, found.p80, found.p95, found.mean) == (4, pytest.approx(9.6), pytest.approx(14.4), 6.2)


def test_visits_that_last_have_no_cycle_time_yet() -> None:
    assert cycle_times([Visit("fit", 0, 60), Visit("fit", 30)]) == [60]


def test_throughput_is_by_the_hour_of_the_order_and_of_no_time_unknown() -> None:
    assert throughput_rate(12, 7_200) == 6
    assert throughput_rate(12, 0) is None


def test_who_enters_at_a_moment_is_there_and_who_leaves_is_gone() -> None:
    visits = [Visit("fit", 0, 60), Visit("fit", 60), Visit("test", 10)]
    assert work_in_progress(visits, 60) == {"fit": 1, "test": 1}


def test_a_steady_line_obeys_little() -> None:
    # One unit enters each minute and stays ten.
    visits = [Visit("fit", 60.0 * i, 60.0 * i + 600) for i in range(-10, 300)]
    found = little(visits, 0, 18_000)
    assert found is not None
    assert (found.mean_wip, found.expected_wip) == (pytest.approx(10), pytest.approx(10))
    assert abs(found.gap or 0) < 1e-9


def test_visits_that_never_end_in_the_books_are_seen_by_little() -> None:
    visits = [Visit("fit", 60.0 * i, 60.0 * i + 600) for i in range(-10, 300)] + [Visit("fit", -9_999)] * 5
    found = little(visits, 0, 18_000)
    assert found is not None
    assert found.gap == pytest.approx(1 / 3)


def test_a_window_without_length_says_nothing() -> None:
    assert little([Visit("fit", 0, 1)], 5, 5) is None


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_quantiles_stand_in_order(durations: list[float]) -> None:
    found = spread(durations)
    assert found is not None
    assert found.least <= found.median + 1e-9
    assert found.median <= found.p80 + 1e-9
    assert found.p80 <= found.p95 + 1e-9
    assert found.p95 <= found.most + 1e-9


@given(st.lists(st.floats(0, 1e7)))
def test_every_duration_stands_in_one_bin_and_bins_have_no_gap(durations: list[float]) -> None:
    found = histogram(durations)
    assert sum(b.count for b in found) == len(durations)
    assert len(found) <= 16
    assert all(a.end == b.start for a, b in pairwise(found))
    for b in found:
        within = [d for d in durations if b.start <= d and (b.end is None or d < b.end)]
        assert len(within) == b.count


def test_few_that_took_very_long_do_not_make_all_others_one_bin() -> None:
    found = histogram([60.0 * m for m in range(1, 60)] + [1e6])
    assert found[-1] == Bin(75 * 60, None, 1)
    assert len(found) > 10
