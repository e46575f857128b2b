"""The constants of control charts against the tables that the trade prints, and against closed forms."""

from __future__ import annotations

from math import pi, sqrt

import pytest

from mes.domain.distributions import chi2_cdf, chi2_quantile
from mes.domain.spc_constants import TooFew, c4, c5, d2, d3, d4

# ASTM E2587 table 6 and Montgomery, appendix VI: n, d2, d3, c4, A2, A3, D3, D4, B3, B4.
PRINTED = [
    (2, 1.128, 0.853, 0.7979, 1.880, 2.659, 0.0, 3.267, 0.0, 3.267),
    (3, 1.693, 0.888, 0.8862, 1.023, 1.954, 0.0, 2.574, 0.0, 2.568),
    (4, 2.059, 0.880, 0.9213, 0.729, 1.628, 0.0, 2.282, 0.0, 2.266),
    (5, 2.326, 0.864, 0.9400, 0.577, 1.427, 0.0, 2.114, 0.0, 2.089),
    (6, 2.534, 0.848, 0.9515, 0.483, 1.287, 0.0, 2.004, 0.030, 1.970),
    (7, 2.704, 0.833, 0.9594, 0.419, 1.182, 0.076, 1.924, 0.118, 1.882),
    (8, 2.847, 0.820, 0.9650, 0.373, 1.099, 0.136, 1.864, 0.185, 1.815),
    (9, 2.970, 0.808, 0.9693, 0.337, 1.032, 0.184, 1.816, 0.239, 1.761),
    (10, 3.078, 0.797, 0.9727, 0.308, 0.975, 0.223, 1.777, 0.284, 1.716),
    (15, 3.472, 0.756, 0.9823, 0.223, 0.789, 0.347, 1.653, 0.428, 1.572),
    (20, 3.735, 0.729, 0.9869, 0.180, 0.680, 0.415, 1.585, 0.510, 1.490),
    (25, 3.931, 0.708, 0.9896, 0.153, 0.606, 0.459, 1.541, 0.565, 1.435),
]


@pytest.mark.parametrize("row", PRINTED, ids=lambda row: f"n={row[0]}")
def test_every_printed_digit_of_the_tables_comes_out(row: tuple[float, ...]) -> None:
    n = int(row[0])
    made = (
        d2(n), d3(n), c4(n), 3 / (d2(n) * sqrt(n)), 3 / (c4(n) * sqrt(n)),
        max(0, 1 - 3 * d3(n) / d2(n)), 1 + 3 * d3(n) / d2(n), max(0, 1 - 3 * c5(n) / c4(n)), 1 + 3 * c5(n) / c4(n),
    )  # fmt: skip
    digits = (3, 3, 4, 3, 3, 3, 3, 3, 3)
    # Half a unit of the last digit, and a little: the tables themselves were made from rounded constants.
    for value, printed, places in zip(made, row[1:], digits, strict=True):
        assert value == pytest.approx(printed, abs=0.75 * 10**-places)


def test_two_values_have_constants_in_closed_form() -> None:
    assert d2(2) == pytest.approx(2 / sqrt(pi), abs=1e-12)
    assert d3(2) == pytest.approx(sqrt(2 - 4 / pi), abs=1e-9)
    assert d4(2) == pytest.approx(sqrt(2) * 0.6744897501960817, abs=1e-6)
    assert c4(2) == pytest.approx(sqrt(2 / pi), abs=1e-12)
    assert d2(3) == pytest.approx(3 / sqrt(pi), abs=1e-12)


def test_constants_grow_with_the_group_and_c4_goes_to_one() -> None:
    sizes = range(2, 60)
    assert all(d2(a) < d2(a + 1) and c4(a) < c4(a + 1) < 1 for a in sizes)
    assert c4(1_000) == pytest.approx(1 - 1 / (4 * 999), abs=1e-6)


def test_one_value_has_no_spread() -> None:
    for constant in (d2, d3, d4, c4):
        with pytest.raises(TooFew):
            constant(1)


@pytest.mark.parametrize(
    ("share", "degrees", "value"),
    # NIST/SEMATECH e-Handbook 1.3.6.7.4, critical values of χ².
    [
        (0.90, 1, 2.706),
        (0.95, 1, 3.841),
        (0.95, 10, 18.307),
        (0.99, 24, 42.980),
        (0.05, 10, 3.940),
        (0.999, 100, 149.449),
    ],
)
def test_chi_square_has_the_critical_values_of_the_nist_tables(share: float, degrees: int, value: float) -> None:
    assert round(chi2_quantile(share, degrees), 3) == value
    assert chi2_cdf(chi2_quantile(share, degrees), degrees) == pytest.approx(share, abs=1e-12)


def test_chi_square_of_many_degrees_goes_on_where_the_sum_ends() -> None:
    for share in (0.001, 0.025, 0.5, 0.975):
        assert chi2_cdf(chi2_quantile(share, 10_001), 10_001) == pytest.approx(share, abs=1e-6)
