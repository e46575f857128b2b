"""What a reading is worth: its unit of measure, its limits, its outcome, and how it is said."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain.measurement import UNITS, convert, judge, overall, show

READINGS = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False)
NOT_READINGS = [9.9e37, 9.91e37, -9.9e37, math.nan, math.inf, -math.inf]


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (100.0, "mohm", "ohm", 0.1),
        (0.6, "Mohm", "kohm", 600.0),
        (13.0, "uA", "mA", 0.013),
        (0.024, "kV", "V", 24.0),
        (1.5, "kg", "g", 1500.0),
        (2.0, "h", "s", 7200.0),
        (48.0, "Ah", "mAh", 48_000.0),
        (1.2, "kWh", "Wh", 1200.0),
        (25.0, "degC", "K", 298.15),
        (298.15, "K", "degC", 25.0),
        (230.0, "V", "V", 230.0),
    ],
)
def test_a_reading_is_converted_to_the_unit_of_its_limit(
    value: float, source: str, target: str, expected: float
) -> None:
    assert convert(value, source, target) == expected


@pytest.mark.parametrize(
    ("source", "target"),
    [("V", "A"), ("W", "VA"), ("Wh", "Ah"), ("dB", "%"), ("ohm", "furlong"), ("furlong", "ohm"), ("s", "Hz")],
)
def test_what_measures_something_else_is_not_converted(source: str, target: str) -> None:
    assert convert(1.0, source, target) is None


@pytest.mark.parametrize("value", NOT_READINGS)
def test_an_overload_does_not_become_a_reading_by_conversion(value: float) -> None:
    assert convert(value, "mV", "kV") is None
    assert convert(value, "V", "V") is None


@given(value=READINGS, name=st.sampled_from(sorted(UNITS)), other=st.sampled_from(sorted(UNITS)))
def test_there_and_back_is_the_same_reading(value: float, name: str, other: str) -> None:
    there = convert(value, name, other)
    if there is None:
        assert UNITS[name].dimension != UNITS[other].dimension
    else:
        back = convert(there, other, name)
        assert back == pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("value", "low", "high", "outcome"),
    [
        (0.1, None, 0.1, "passed"),
        (0.1001, None, 0.1, "failed"),
        (1.0, 1.0, None, "passed"),
        (0.999, 1.0, None, "failed"),
        (230.0, 207.0, 253.0, "passed"),
        (207.0, 207.0, 253.0, "passed"),
        (253.0, 207.0, 253.0, "passed"),
        (253.1, 207.0, 253.0, "failed"),
        (-5.0, None, None, "passed"),
        (0.0, 0.0, 0.0, "passed"),
    ],
)
def test_limits_belong_to_what_passes(value: float, low: float | None, high: float | None, outcome: str) -> None:
    assert judge(value, low, high) == outcome


@pytest.mark.parametrize("value", NOT_READINGS)
@pytest.mark.parametrize(("low", "high"), [(None, None), (1.0, None), (None, 1.0)])
def test_an_overload_is_an_error_of_the_bench_and_not_a_failure(
    value: float, low: float | None, high: float | None
) -> None:
    assert judge(value, low, high) == "error"


def test_a_reading_exactly_on_its_limit_passes_in_whatever_unit_it_came() -> None:
    value = convert(100.0, "mohm", "ohm")
    assert value is not None
    assert judge(value, None, 0.1) == "passed"


@pytest.mark.parametrize(
    ("outcomes", "outcome"),
    [
        (["passed", "passed"], "passed"),
        (["passed", "failed"], "failed"),
        (["error", "failed", "aborted"], "failed"),
        (["passed", "error"], "error"),
        (["passed", "timeout", "error"], "timeout"),
        (["aborted"], "aborted"),
        (["passed", "skipped"], "error"),
        ([], "error"),
    ],
)
def test_a_broken_bench_is_not_a_broken_unit_and_not_a_pass(outcomes: list[str], outcome: str) -> None:
    assert overall(outcomes) == outcome


@pytest.mark.parametrize(
    ("value", "unit", "fr", "en"),
    [
        (0.6, "Mohm", "0,6 MΩ", "0.6 MΩ"),
        (0.1, "ohm", "0,1 Ω", "0.1 Ω"),
        (0.10004, "ohm", "0,10004 Ω", "0.10004 Ω"),
        (230.12000000000003, "V", "230,12 V", "230.12 V"),
        (1200.0, "Wh", "1 200 Wh", "1,200 Wh"),
        (14350.5, "g", "14 350,5 g", "14,350.5 g"),
        (-5.0, "degC", "\u22125 °C", "\u22125 °C"),
        (-0.0, "V", "0 V", "0 V"),
        (0.0000012, "A", "0,0000012 A", "0.0000012 A"),
        (50.0, "%", "50 %", "50 %"),
        (3.0, "furlong", "3 furlong", "3 furlong"),
        (1e9, "ohm", "1 000 000 000 Ω", "1,000,000,000 Ω"),
    ],
)
def test_a_value_is_said_as_people_say_it(value: float, unit: str, fr: str, en: str) -> None:
    assert show(value, unit, "fr") == fr.replace(" ", "\u202f")
    assert show(value, unit, "en") == en.replace(" ", "\u202f")


def test_a_value_without_a_unit_is_only_a_number() -> None:
    assert show(12.5, "", "fr") == "12,5"


@pytest.mark.parametrize("value", NOT_READINGS)
def test_an_overload_is_said_in_words(value: float) -> None:
    assert show(value, "Mohm", "fr") == "hors plage"
    assert show(value, "Mohm", "en") == "out of range"


def test_no_unit_of_measure_hides_behind_another_name() -> None:
    assert all(name == unit.name for name, unit in UNITS.items())
    assert len({unit.symbol for unit in UNITS.values()}) == len(UNITS)
