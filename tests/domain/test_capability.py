"""Capability indices against published ones, and what is said where they must not be believed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain.capability import ENOUGH, Capability, Index, Limits, capability, indices
from mes.domain.spc import Sigma, groups, individuals
from mes.domain.spc_rules import signals
from tests.domain.published import piston_rings

GIVEN = float("inf")


def rounded(index: Index | None, digits: int) -> tuple[float, float, float]:
    assert index is not None
    assert index.low is not None
    assert index.high is not None
    return round(index.value, digits), round(index.low, digits), round(index.high, digits)


def rings(limits: Limits) -> Capability:
    values = piston_rings()[:25]
    # σ as qcc prints it, and the degrees of freedom that it takes for it.
    sigma = replace(groups(values, spread="r").sigma, value=0.009785039, degrees=124)
    return capability([v for g in values for v in g], limits, sigma)


@pytest.mark.parametrize(
    ("lower", "upper", "cp", "cpk", "digits"),
    [
        (73.95, 74.05, (1.703, 1.491, 1.915), (1.663, 1.448, 1.878), 3),
        (73.99, 74.01, (0.341, 0.298, 0.383), (0.301, 0.231, 0.370), 3),
        (73.99, 74.1, (1.874, 1.641, 2.106), (0.381, 0.305, 0.456), 3),
    ],
)
def test_piston_rings_have_the_indices_and_intervals_that_qcc_prints(
    lower: float, upper: float, cp: tuple[float, ...], cpk: tuple[float, ...], digits: int
) -> None:
    found = rings(Limits(lower, upper)).within
    assert found is not None
    assert (rounded(found.both, digits), rounded(found.worst, digits)) == (cp, cpk)


def test_piston_rings_outside_narrow_limits_are_counted_and_expected_as_qcc_prints() -> None:
    found = rings(Limits(73.99, 74.01))
    assert found.below is not None
    assert found.above is not None
    assert (found.below.said()["en"], found.above.said()["en"]) == ("12.0 % (15 of 125)", "16.0 % (20 of 125)")
    assert round(100 * (found.expected or 0)) == 13 + 18


def test_three_groups_have_the_indices_of_qcc_s_own_tests() -> None:
    # luca-scr/qcc, tests/testthat/test-capability.R: limits 9.9 and 10.1, target in the middle and at 10.02.
    values = [[10.00, 10.02, 9.98, 10.01], [10.03, 9.99, 10.01, 10.00], [9.97, 10.04, 10.02, 9.99]]
    flat = [v for g in values for v in g]
    sigma = Sigma(0.05 / 2.059, "r", 11)  # qcc takes d2 from a table
    on = capability(flat, Limits(9.9, 10.1), sigma)
    off = capability(flat, Limits(9.9, 10.1, 10.02), sigma)
    assert on.within is not None
    assert on.overall is not None
    assert off.within is not None
    assert off.overall is not None
    for found, printed in (
        (on.within.both, (1.372667, 0.808460, 1.937713)),
        (on.within.worst, (1.304033, 0.727408, 1.880659)),
        (on.overall.both, (1.612598, 0.949773, 2.276410)),
        (on.overall.worst, (1.531968, 0.864608, 2.199329)),
    ):
        assert rounded(found, 6) == pytest.approx(printed, rel=1e-6)
    # Of Cpm and Ppm the values only: qcc's interval takes n(1 + a²)/(1 + 2a²) degrees, where the χ² with the mean
    # and the variance of n values about a target has n(1 + a²)²/(1 + 2a²).
    for found, value in (
        (on.within.target, 1.344463),
        (off.within.target, 1.167834),
        (on.overall.target, 1.567395),
        (off.overall.target, 1.305161),
    ):
        assert rounded(found, 6)[0] == pytest.approx(value, rel=1e-6)
    assert on.within.lower is not None
    assert on.within.upper is not None
    assert (on.within.lower.value, on.within.upper.value) == pytest.approx((1.441300, 1.304033), rel=1e-6)


def test_nist_example_of_a_process_off_its_middle() -> None:
    # e-Handbook 6.1.6: USL 20, LSL 8, mean 16, s 2: Cp 1.0, Cpu 0.6667, Cpl 1.3333, Cpk 0.6667.
    found = indices(16, 50, Sigma(2, "given", GIVEN), Limits(8, 20))
    assert found is not None
    values = [round(i.value, 4) for i in (found.both, found.upper, found.lower, found.worst) if i is not None]
    assert values == [1.0, 0.6667, 1.3333, 0.6667]
    assert found.both == Index(1.0, None, None)


def test_one_limit_has_one_side_and_no_width() -> None:
    found = indices(1.0, 50, Sigma(0.5, "sd", 49), Limits(upper=3.0))
    assert found is not None
    assert (found.both, found.lower, found.target) == (None, None, None)
    assert found.upper == found.worst
    assert found.upper is not None
    assert found.upper.value == pytest.approx(4 / 3)


def test_an_index_of_a_process_out_of_control_or_of_few_values_says_so() -> None:
    study = groups(piston_rings(), baseline=range(40))
    found = capability(
        [v for g in piston_rings() for v in g], Limits(73.9, 74.1), study.sigma, signals=signals(study.location)
    )
    assert found.warnings == ("not_in_control",)
    few = individuals([10.0, 10.2, 9.9, 10.1])
    assert capability([10.0, 10.2, 9.9, 10.1], Limits(9, 11), few.sigma).warnings == ("few_values",)


def test_values_that_are_all_alike_have_no_index() -> None:
    found = capability([5.0] * ENOUGH, Limits(4, 6), individuals([5.0] * ENOUGH).sigma)
    assert (found.within, found.overall, found.expected) == (None, None, None)
    assert found.warnings == ("no_spread",)


@given(st.floats(-10, 10), st.floats(0.01, 5), st.floats(-20, 0), st.floats(0.1, 30), st.integers(5, 500))
def test_no_side_is_better_than_the_width_allows(mean: float, s: float, lower: float, width: float, n: int) -> None:
    found = indices(mean, n, Sigma(s, "sd", n - 1), Limits(lower, lower + width))
    assert found is not None
    assert found.both is not None
    assert found.worst is not None
    assert found.target is not None
    assert found.worst.value <= found.both.value + 1e-9
    assert found.target.value <= found.both.value + 1e-9
    for index in (found.both, found.worst, found.target):
        assert index.low is not None
        assert index.high is not None
        assert index.low <= index.value <= index.high
