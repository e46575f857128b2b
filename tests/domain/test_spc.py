"""Control charts against published limits, and what must hold of every chart."""

from __future__ import annotations

from math import isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain.spc import CannotChart, Chart, groups, individuals, within
from mes.domain.spc_attributes import Counted, counts
from tests.domain.published import FLOW_RATES, WAFER_DEFECTS, column, piston_rings

PHASE_1 = range(25)


def limits(chart: Chart, digits: int) -> tuple[float, float]:
    first = chart.points[1]  # the first of a chart of moving ranges has no value, but limits all the same
    return round(first.low, digits), round(first.high, digits)


def out(chart: Chart) -> list[int]:
    """Numbers from 1 of the points beyond a limit, as papers write them."""
    return [p.index + 1 for p in chart.out]


def test_nist_flow_rates_have_the_published_limits() -> None:
    # e-Handbook 6.3.2.2: UCL 55.8041, CL 50.81, LCL 45.8159, with d2 = 1.128.
    found = individuals(FLOW_RATES, sigma=1.8778 / 1.128)
    assert (round(found.mean, 2), limits(found.location, 4)) == (50.81, (45.8159, 55.8041))
    assert individuals(FLOW_RATES).sigma.value == pytest.approx(1.8778 / 1.128, rel=4e-4)


def test_nist_wafers_have_the_published_limits_and_signals() -> None:
    # e-Handbook 6.3.3.1: c̄ 16, UCL 28, LCL 4; 28 lies on the limit and not beyond it, 31 beyond.
    found = counts("c", WAFER_DEFECTS)
    assert (limits(found, 0), out(found)) == ((4, 28), [24])


def test_nist_chips_have_the_published_limits() -> None:
    # e-Handbook 6.3.3.2: p̄ .2313, UCL .4102, LCL .0524; two wafers out.
    found = counts("p", column("orange_juice.csv", "nonconforming")[:30], [50] * 30)
    assert (round(found.points[0].center, 4), limits(found, 4), out(found)) == (0.2313, (0.0524, 0.4102), [15, 23])


def test_piston_rings_with_ranges_have_the_published_limits() -> None:
    # qcc: centre 74.00118, limits 73.98805 and 74.0143, R̄ 0.02276; Montgomery: the process is out from group 37 on.
    found = groups(piston_rings(), spread="r", baseline=PHASE_1)
    assert (round(found.mean, 5), limits(found.location, 5), limits(found.location, 4)) == (
        74.00118, (73.98805, 74.0143), (73.988, 74.0143),
    )  # fmt: skip
    assert round(found.spread.points[0].center, 5) == 0.02276
    assert limits(found.spread, 4) == (0.0, 0.0481)
    assert (out(found.location), out(found.spread)) == ([37, 38, 39], [])


def test_piston_rings_with_standard_deviations_have_every_printed_digit() -> None:
    # qcc: s̄ 0.009240037, σ 0.009829977, UCL 0.01930242.
    found = groups(piston_rings(), spread="s", baseline=PHASE_1)
    assert round(found.spread.points[0].center, 9) == 0.009240037
    assert round(found.sigma.value, 9) == 0.009829977
    assert limits(found.spread, 8) == (0.0, 0.01930242)


def test_viscosity_has_the_published_limits_with_either_estimator() -> None:
    # qcc: σ 0.5769854 from s, limits 32.35704 and 35.81896; 0.5076521 from moving ranges, 32.56504 and 35.61096.
    values = column("viscosity.csv", "viscosity")[:20]
    found = individuals(values, estimator="sd")
    assert (round(found.sigma.value, 7), limits(found.location, 5)) == (0.5769854, (32.35704, 35.81896))
    found = individuals(values, sigma=0.5076521)
    assert (round(found.mean, 3), limits(found.location, 5)) == (34.088, (32.56504, 35.61096))
    assert individuals(values).sigma.value == pytest.approx(0.5076521, rel=4e-4)
    assert out(individuals(values).location) == [4]


@pytest.mark.parametrize(
    ("kind", "left_out", "center", "low", "high"),
    [("p", (), 0.2313333, 0.05242755, 0.4102391), ("np", (), 11.56667, 2.621377, 20.51196),
     ("p", (14, 22), 0.215, 0.04070284, 0.3892972)],
)  # fmt: skip
def test_orange_juice_has_the_published_limits(
    kind: Counted, left_out: tuple[int, ...], center: float, low: float, high: float
) -> None:
    found = counts(
        kind, column("orange_juice.csv", "nonconforming"), [50] * 54, baseline=set(range(30)) - set(left_out)
    )
    first = found.points[0]
    for value, printed in ((first.center, center), (first.low, low), (first.high, high)):
        assert float(f"{value:.7g}") == printed


@pytest.mark.parametrize(
    ("kind", "file", "baseline", "center", "low", "high"),
    [
        ("c", "circuit_boards.csv", set(range(26)), 19.84615, 6.481447, 33.21086),
        ("c", "circuit_boards.csv", set(range(26)) - {5, 19}, 19.66667, 6.362532, 32.9708),
        ("u", "circuit_boards.csv", set(range(26)) - {5, 19}, 0.1966667, 0.06362532, 0.329708),
        ("u", "computers.csv", None, 1.93, 0.06613305, 3.793867),
    ],
)
def test_nonconformities_have_the_published_limits(
    kind: Counted, file: str, baseline: set[int] | None, center: float, low: float, high: float
) -> None:
    found = counts(kind, column(file, "nonconformities"), column(file, "size"), baseline=baseline)
    first = found.points[0]
    for value, printed in ((first.center, center), (first.low, low), (first.high, high)):
        assert value == pytest.approx(printed, rel=5e-7)


def test_larger_samples_have_narrower_limits_of_their_own() -> None:
    found = counts("u", [4, 8], [2, 8])
    rate = 12 / 10
    assert [p.high for p in found.points] == [pytest.approx(rate + 3 * sqrt(rate / n)) for n in (2, 8)]
    mixed = groups([[1.0, 2.0, 3.0], [2.0, 4.0], [1.0, 2.0]], estimator="pooled")
    assert mixed.sigma.degrees == 4
    assert mixed.location.points[0].high < mixed.location.points[1].high


def test_a_group_of_one_is_plotted_as_a_mean_and_has_no_standard_deviation() -> None:
    found = groups([[1.0, 2.0], [5.0], [2.0, 1.0]])
    assert [p.value for p in found.location.points] == [1.5, 5.0, 1.5]
    assert found.spread.points[1].value is None


def test_one_odd_value_widens_limits_less_with_the_median_moving_range() -> None:
    values = [10.0, 11.0, 10.5, 11.5, 10.0, 30.0, 10.5, 11.0, 10.0, 11.0]
    by_mean, by_median = (individuals(values, estimator=e).sigma.value for e in ("mr", "median-mr"))
    assert by_median < by_mean / 3


def test_values_that_are_all_alike_make_limits_on_the_centre_and_no_point_is_out() -> None:
    found = individuals([5.0] * 10)
    assert (found.sigma.value, out(found.location)) == (0.0, [])
    later = individuals([5.0] * 10 + [5.1], baseline=range(10))
    assert out(later.location) == [11]


def test_what_cannot_be_charted_says_which_sample_and_why() -> None:
    for reason, at, make in (
        ("more_than_all", 1, lambda: counts("p", [1, 6], [5, 5])),
        ("not_a_count", 0, lambda: counts("c", [1.5, 2])),
        ("no_size", 1, lambda: counts("u", [1, 2], [5, 0])),
        ("sizes_differ", 1, lambda: counts("c", [1, 2], [5, 6])),
        ("sizes_missing", None, lambda: counts("np", [1, 2])),
        ("too_few", None, lambda: individuals([5.0])),
        ("too_few", None, lambda: groups([[1.0], [2.0]])),
        ("empty_group", 1, lambda: groups([[1.0, 2.0], []])),
        ("nothing", None, lambda: individuals([])),
        ("baseline_outside", None, lambda: individuals([1.0, 2.0], baseline=[5])),
    ):
        with pytest.raises(CannotChart) as caught:
            make()
        assert (caught.value.reason, caught.value.at) == (reason, at)


VALUES = st.lists(st.integers(-10_000, 10_000).map(lambda v: v / 100), min_size=6, max_size=40)


@given(VALUES, st.sampled_from(["mr", "median-mr", "sd"]), st.integers(1, 50), st.integers(-500, 500))
def test_limits_move_with_the_values_and_stretch_with_the_unit(
    values: list[float], estimator: str, scale: int, shift: int
) -> None:
    one = individuals(values, estimator=estimator)  # type: ignore[arg-type]
    other = individuals([scale * v + shift for v in values], estimator=estimator)  # type: ignore[arg-type]
    for a, b in zip(one.location.points, other.location.points, strict=True):
        assert isclose(b.high, scale * a.high + shift, rel_tol=1e-9, abs_tol=1e-6)
        assert isclose(b.low, scale * a.low + shift, rel_tol=1e-9, abs_tol=1e-6)
    assert out(one.location) == out(other.location)


@given(VALUES, st.floats(-1e6, 1e6))
def test_later_values_do_not_move_the_limits(values: list[float], later: float) -> None:
    before = individuals(values)
    after = individuals([*values, later], baseline=range(len(values)))
    assert after.sigma == before.sigma
    assert after.location.points[:-1] == before.location.points


@given(st.lists(st.lists(st.integers(0, 1_000).map(float), min_size=5, max_size=5), min_size=3, max_size=20))
def test_the_three_estimators_agree_about_how_large_the_spread_is(values: list[list[float]]) -> None:
    pooled, s, r = (within(values, e) for e in ("pooled", "s", "r"))
    # s̄ ≤ √(mean s²), and R lies between √2 s and 2 √(n − 1)/√n … of five values: all within a factor of 1.4.
    assert s.value <= pooled.value * 1.07
    assert r.value <= s.value * 1.4
    assert s.value <= r.value * 1.4
    assert r.degrees < s.degrees < pooled.degrees + 1e-9
