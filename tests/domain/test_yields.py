"""Yields: what counts as the first pass, what is kept apart, and what an empty workshop has."""

from __future__ import annotations

import random
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain import yields
from mes.domain.ratios import Ratio
from mes.domain.yields import Attempt, rolled_throughput_yield, rolled_yield, step_yield, yields_by_step
from mes.wire import Outcome


def attempt(serial: str, minute: int, outcome: Outcome, step: str = "test") -> Attempt:
    return Attempt(f"{step}-{serial}-{minute}", serial, step, f"2026-11-25T08:{minute:02}:00.000Z", outcome)


OUTCOMES = st.sampled_from(["passed", "failed", "error", "timeout", "aborted"])
HISTORIES = st.lists(st.tuples(st.sampled_from("ABCDE"), OUTCOMES), max_size=40).map(
    lambda told: [attempt(serial, minute, outcome) for minute, (serial, outcome) in enumerate(told)]
)


def test_a_unit_that_passes_at_the_second_try_is_good_in_the_end_and_not_at_the_first_go() -> None:
    found = step_yield([attempt("A", 1, "failed"), attempt("A", 2, "passed"), attempt("B", 3, "passed")])
    assert (found.first_pass, found.final) == (Ratio(1, 2), Ratio(2, 2))
    assert (found.retest_passes, found.retests) == (1, 1)


def test_an_error_of_the_bench_neither_costs_nor_saves_a_first_pass() -> None:
    found = step_yield([attempt("A", 1, "error"), attempt("A", 2, "passed"), attempt("B", 3, "timeout")])
    assert found.first_pass == Ratio(1, 1)
    assert (found.bench_errors, found.unjudged, found.retests) == (2, 1, 0)


def test_a_run_broken_off_is_no_attempt_and_is_counted() -> None:
    found = step_yield([attempt("A", 1, "aborted"), attempt("A", 2, "failed")])
    assert (found.first_pass, found.aborted) == (Ratio(0, 1), 1)


def test_a_unit_reworked_before_its_first_test_is_not_good_at_the_first_go() -> None:
    found = step_yield([attempt("A", 1, "passed"), attempt("B", 2, "passed")], reworked={"A"})
    assert (found.first_pass, found.final) == (Ratio(1, 2), Ratio(2, 2))


def test_a_pass_that_is_tested_again_and_fails_was_a_first_pass_and_is_not_good_in_the_end() -> None:
    found = step_yield([attempt("A", 1, "passed"), attempt("A", 2, "failed")])
    assert (found.first_pass, found.final, found.retest_passes) == (Ratio(1, 1), Ratio(0, 1), 0)


def test_the_same_run_told_twice_is_one() -> None:
    one = attempt("A", 1, "failed")
    assert step_yield([one, one]) == step_yield([one])


def test_nobody_at_a_step_has_no_yield_and_neither_has_the_line() -> None:
    assert step_yield([]).first_pass.value is None
    assert rolled_throughput_yield([Ratio(9, 10), Ratio(0, 0)]) is None
    assert rolled_throughput_yield([]) is None


@given(HISTORIES, st.randoms())
def test_order_of_arrival_and_doubles_change_nothing(told: list[Attempt], rng: random.Random) -> None:
    mixed = told + told[: len(told) // 2]
    rng.shuffle(mixed)
    assert step_yield(mixed) == step_yield(told)


@given(HISTORIES)
def test_every_serial_and_every_run_is_in_exactly_one_count(told: list[Attempt]) -> None:
    found = step_yield(told)
    assert found.first_pass.denominator + found.unjudged == len({a.serial for a in told})
    assert found.first_pass.denominator + found.retests + found.bench_errors + found.aborted == len(told)
    assert found.final.numerator <= found.first_pass.numerator + found.retest_passes


@given(st.lists(st.integers(0, 100), min_size=1, max_size=12))
def test_a_line_is_at_most_as_good_as_its_worst_step(good: list[int]) -> None:
    found = rolled_throughput_yield([Ratio(g, 100) for g in good])
    assert found is not None
    assert 0 <= found <= min(good) / 100 + 1e-12


@given(
    st.lists(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=8)
)
def test_the_interval_of_a_line_holds_its_yield_and_more_steps_never_make_it_surer(told: list[tuple[int, int]]) -> None:
    steps = [Ratio(good, n) for good, n in told]
    found = rolled_yield(steps)
    assert found is not None
    assert 0 <= found.low <= found.value + 1e-12 <= found.high + 2e-12 <= 1 + 1e-9
    assert found.least == min(n for _good, n in told)
    assert rolled_yield([*steps, Ratio(0, 0)]) is None
    alone = rolled_yield(steps[:1])
    assert alone is not None
    assert (alone.low, alone.high) == pytest.approx(steps[0].interval())


def test_the_interval_of_a_line_of_two_steps_by_hand() -> None:
    # 0.75 · 0.5 = 0.375; Σ (1 − p)/(n p) = 1/12 + 1/4 = 1/3, so n = 0.625 / (0.375 / 3) = 5; 1.875 of 5 by Wilson.
    found = rolled_yield([Ratio(3, 4), Ratio(2, 4)])
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.375, 0.1056, 0.7530), abs=5e-5)


def test_each_step_has_its_own_yield() -> None:
    found = yields_by_step([attempt("A", 1, "passed", "fit"), attempt("A", 2, "failed")], reworked={"fit": {"A"}})
    assert {step: y.first_pass for step, y in found.items()} == {"fit": Ratio(0, 1), "test": Ratio(0, 1)}


def test_rolled_yields_are_those_that_are_taught() -> None:
    # Ten steps of 99 % and four steps of 90, 80, 90 and 80 %: textbook examples of Six Sigma.
    assert rolled_throughput_yield([Ratio(99, 100)] * 10) == pytest.approx(0.9044, abs=5e-5)
    assert rolled_throughput_yield([Ratio(p, 10) for p in (9, 8, 9, 8)]) == pytest.approx(0.5184)


def test_defects_by_unit_and_by_million_opportunities() -> None:
    # 34 defects on 750 units with 10 opportunities each: 4,533 DPMO.
    assert yields.defects_per_unit(34, 750) == pytest.approx(0.04533, abs=5e-6)
    assert round(yields.defects_per_million(34, 750, 10) or 0) == 4533
    assert yields.defects_per_unit(0, 0) is None
    assert yields.defects_per_million(3, 0, 10) is None
    assert yields.yield_from_defects(1) == pytest.approx(exp(-1))


def test_losses_are_ratios_of_what_they_are_lost_from() -> None:
    assert yields.scrap_ratio(3, 120).value == 0.025
    assert yields.rework_ratio(6, 120).value == 0.05
    assert yields.fall_off_ratio(2, 100).value == 0.02
    assert yields.actual_to_planned_scrap(3, 2).value == 1.5
    assert yields.actual_to_planned_scrap(3, 0).value is None
    assert yields.quality_ratio(18_848, 19_271).value == pytest.approx(0.9780, abs=5e-5)
    assert yields.final_yield(7, 8).said()["en"] == "7 of 8"
