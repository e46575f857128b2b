"""A ratio: its parts, its interval, and what it is when there is nothing to divide by."""

from __future__ import annotations

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain.ratios import FEW, Ratio, total

COUNTS = st.integers(0, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_nothing_of_nothing_has_no_value_and_no_interval() -> None:
    assert Ratio(0, 0).value is None
    assert Ratio(0, 0).interval() is None
    assert Ratio(0, 0).said() == {"fr": "–", "en": "–"}


def test_seven_of_eight_is_said_as_seven_of_eight() -> None:
    assert Ratio(7, 8).said() == {"fr": "7 sur 8", "en": "7 of 8"}


def test_many_are_said_as_a_percentage_with_their_parts() -> None:
    assert Ratio(1234, 1250).said() == {"fr": "98,7 % (1234 sur 1250)", "en": "98.7 % (1234 of 1250)"}


def test_a_percentage_is_never_rounded_to_all_or_to_nothing() -> None:
    assert Ratio(99_999, 100_000).said()["en"].startswith("99.9 %")
    assert Ratio(1, 100_000).said()["en"].startswith("0.1 %")


def test_times_have_a_value_without_an_interval_and_may_exceed_one() -> None:
    assert Ratio(120.0, 100.0).value == 1.2
    assert Ratio(90.0, 100.0).interval() is None
    assert Ratio(120.0, 100.0).said() == {"fr": "120,0 %", "en": "120.0 %"}


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_those_of_newcombe_1998(x: int, n: int, low: float, high: float) -> None:
    # R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998)
    # 857-872, table I, method 3 (score).
    found = Ratio(x, n).interval()
    assert found is not None
    assert (round(found[0], 4), round(found[1], 4)) == (low, high)


def test_ratios_are_added_as_sums_over_sums() -> None:
    assert total([Ratio(1, 1), Ratio(50, 99)]) == Ratio(51, 100)
    assert total([]) == Ratio(0, 0)


@given(st.lists(COUNTS, max_size=20))
def test_a_sum_lies_between_its_least_and_its_greatest(parts: list[tuple[int, int]]) -> None:
    ratios = [Ratio(x, n) for x, n in parts]
    values = [r.value for r in ratios if r.value is not None]
    whole = total(ratios).value
    assert (whole is None) == (not values)
    if whole is not None:
        assert min(values) - 1e-12 <= whole <= max(values) + 1e-12


@given(COUNTS.filter(lambda c: c[1] > 0))
def test_an_interval_holds_its_value_and_mirrors_that_of_the_complement(part: tuple[int, int]) -> None:
    x, n = part
    found, other = Ratio(x, n).interval(), Ratio(n - x, n).interval()
    assert found is not None
    assert other is not None
    assert 0 <= found[0] <= x / n <= found[1] <= 1
    assert isclose(found[0], 1 - other[1], abs_tol=1e-12)
    assert Ratio(x, n).few == (n < FEW)
